"""The door to DNS: the few kinds of records that policies are in, bounded, with their AD bit.

netmon validates no signatures itself: an answer counts as secure if the configured resolver is said
to validate (`dns.validating`) and sets the AD bit (RFC 4035 §3.2.3, RFC 6840 §5.8).  Whoever can change
the way to that resolver can set the bit too, so it should run on this machine.
"""

import asyncio
import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

import dns.asyncresolver
import dns.exception
import dns.flags
import dns.name
import dns.resolver
import dns.reversename

from netmon.errors import NetmonError
from netmon.mail.policy.dane import Association
from netmon.resolver import ResolveError, Resolver

T = TypeVar("T")

MOST: Final = 64  # records taken of one answer
_PAYLOAD: Final = 1232  # octets over UDP; larger answers come over TCP


class QuestionError(NetmonError):
    """DNS gave no answer to `kind` of `name`.  `refused`: servers answered, but with SERVFAIL or the like."""

    def __init__(self, text: str, name: str = "", kind: str = "", *, refused: bool = False) -> None:
        super().__init__(text)
        self.name = name
        self.kind = kind
        self.refused = refused


@dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    """Records, perhaps none; `secure`: validated by a resolver that is trusted to."""

    values: tuple[T, ...] = ()
    secure: bool = False


class Questions:
    """Questions of one run; asks nothing twice.  Every method raises QuestionError."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._known: dict[tuple[str, str], asyncio.Future[Answer[Any]]] = {}

    @property
    def validating(self) -> bool:
        """Whether the AD bit means anything."""
        return self._resolver.validating

    async def texts(self, name: str) -> Answer[str]:
        """TXT records, each joined; octets as characters of the same number."""
        return await self._ask(name, "TXT", lambda record: b"".join(record.strings).decode("latin-1"))

    async def exchanges(self, name: str) -> Answer[tuple[int, str]]:
        """MX records: preference and name, best first; the null MX's name is "" (RFC 7505)."""
        answer = await self._ask(
            name,
            "MX",
            lambda record: (
                record.preference,
                record.exchange.to_text(omit_final_dot=True).strip(".").lower(),
            ),
        )
        return Answer(tuple(sorted(answer.values)), answer.secure)

    async def addresses(self, name: str) -> Answer[str]:
        """IPv4 before IPv6; secure if both answers are."""
        found = await asyncio.gather(
            *(self._ask(name, kind, lambda record: str(record.address)) for kind in ("A", "AAAA"))
        )
        return Answer(
            tuple(value for answer in found for value in answer.values),
            all(answer.secure for answer in found),
        )

    async def associations(self, name: str) -> Answer[Association]:
        """TLSA records."""
        return await self._ask(
            name,
            "TLSA",
            lambda record: Association(record.usage, record.selector, record.mtype, bytes(record.cert)),
        )

    async def pointers(self, address: str) -> Answer[str]:
        """PTR records of an address."""
        name = dns.reversename.from_address(address.partition("%")[0]).to_text()
        return await self._ask(name, "PTR", lambda record: record.target.to_text(omit_final_dot=True))

    async def is_bogus(self, name: str, kind: str) -> bool:
        """Whether a refused question has an answer once nobody validates it (the CD bit, RFC 4035 §3.2.2)."""
        if not self.validating:
            return False
        try:
            stub = self._stub(dns.flags.RD | dns.flags.CD)
            async with asyncio.timeout(self._resolver.deadline):
                await stub.resolve(dns.name.from_text(name), kind, raise_on_no_answer=False)
        except dns.resolver.NXDOMAIN:
            return True
        except (TimeoutError, dns.exception.DNSException, ResolveError, OSError, ValueError):
            return False
        return True

    async def _ask(self, name: str, kind: str, value: Callable[[Any], T]) -> Answer[T]:
        key = (name.lower(), kind)
        known = self._known.get(key)
        if known is None:
            known = self._known[key] = asyncio.ensure_future(self._resolve(name, kind, value))
        answer: Answer[T] = await asyncio.shield(known)
        return answer

    async def _resolve(self, name: str, kind: str, value: Callable[[Any], T]) -> Answer[T]:
        try:
            stub = self._stub()
        except ResolveError as error:
            raise QuestionError(str(error)) from None
        try:
            absolute = dns.name.from_text(name)
        except (dns.exception.DNSException, UnicodeError, ValueError):
            return Answer()  # no such name can exist
        try:
            async with asyncio.timeout(self._resolver.deadline):
                answer = await stub.resolve(absolute, kind, raise_on_no_answer=False)
        except TimeoutError:
            raise QuestionError(f"DNS is silent about {kind} of {name}") from None
        except dns.resolver.NXDOMAIN as error:
            reply = error.response(error.qnames()[0]) if error.qnames() else None  # type: ignore[no-untyped-call]
            return Answer((), self._secure(reply))
        except dns.resolver.NoNameservers:
            text = f"DNS has no answer to {kind} of {name}, only an error (SERVFAIL or the like)"
            raise QuestionError(text, name, kind, refused=True) from None
        except (dns.exception.DNSException, OSError) as error:
            raise QuestionError(f"DNS did not answer to {kind} of {name}: {type(error).__name__}") from None
        values = tuple(value(record) for record in list(answer.rrset or ())[:MOST])
        return Answer(values, self._secure(answer.response))

    def _secure(self, reply: Any) -> bool:
        return self.validating and reply is not None and bool(reply.flags & dns.flags.AD)

    def _stub(self, flags: int = dns.flags.RD | dns.flags.AD) -> dns.asyncresolver.Resolver:
        """AD: we understand the bit (RFC 6840 §5.7)."""
        stub = copy.copy(self._resolver.stub())
        stub.flags = flags
        stub.use_edns(0, 0, _PAYLOAD)
        return stub

    async def close(self) -> None:
        """End the questions under way."""
        for future in self._known.values():
            future.cancel()
        await asyncio.gather(*self._known.values(), return_exceptions=True)
