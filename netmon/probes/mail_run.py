"""What one run of a mail probe does whatever the protocol: addresses, turns, manners, TLS, the observation.

A run gathers what it learns on its way, so that a fault at any step loses none of it.
"""

import asyncio
import ipaddress
import ssl
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from functools import lru_cache
from types import TracebackType
from typing import Any, Final, Generic, Protocol, Self, TypeVar

from netmon.errors import Reason
from netmon.mail.faults import MailError, failed, untestable
from netmon.mail.slots import NoSlotError, Slot
from netmon.mail.tls import TlsFacts, TrustError
from netmon.mail.trail import Trail, printable
from netmon.model import Check, Finding, Observation, Phase, Result, Table
from netmon.probes.base import Context
from netmon.probes.mail_login import Login
from netmon.resolver import ResolveError

_SHARE: Final = 0.98
_GOODBYE: Final = 1.0  # seconds of the deadline kept for the goodbye, or a tenth of a short deadline


class Talk(Protocol):
    """A conversation, as far as every run knows it."""

    sent_away: bool  # the server does not want us back at once

    @property
    def session(self) -> ssl.SSLObject | None:
        """The TLS session, once there is one."""

    async def connect(self, address: str, port: int, *, within: float) -> None:
        """Connect to a numeric address."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


T = TypeVar("T", bound=Talk)


class MailRun(ABC, Generic[T]):
    """One run of a check; the class of a protocol says what is said.

    Its settings hold at least `port`, `tls_name`, `ca_file` and `login`.
    """

    def __init__(self, check: Check, ctx: Context) -> None:
        self._check = check
        self._ctx = ctx
        settings: Any = check.settings
        self._port: int = settings.port
        self._ca_file = settings.ca_file
        self._name = (settings.tls_name or check.host.address).rstrip(".")
        self._loop = asyncio.get_running_loop()
        self._begun = self._loop.time()
        self._started = ctx.wall()
        self._stopwatch = time.perf_counter()
        self._goodbye = min(_GOODBYE, check.deadline / 10)
        # A little less than the deadline: the run itself is to say how it ended.
        self._limit = self._begun + check.deadline * _SHARE - self._goodbye
        self._trail = Trail()
        self._phases: dict[str, float] = {}
        self._talk: T | None = None  # the one whose connect succeeded
        self._facts: TlsFacts | None = None
        self._alive: bool | None = None
        self._server: tuple[str, int] | None = None  # that was spoken to, or is left alone
        self._left_alone = False  # nothing was asked: the server sent us away a short while ago
        login = settings.login
        self._login = None if login is None else Login(check, ctx, login, self._trail)

    async def observe(self) -> Observation:
        """Run to the end; nothing that the network does is raised."""
        login = self._login
        try:
            await self._run()
        except MailError as fault:
            said = self._trail.cleaned(printable(str(fault).encode(errors="replace")))
            result, reason, detail = fault.result, fault.reason, said
        else:
            result, reason = Result.OK, Reason.OK
            detail = self._summary("" if login is None else login.mechanism)
        self._trail.note(f"{result}: {detail}")
        return Observation(
            key=self._check.key,
            result=result,
            reason=reason,
            detail=detail,
            started=self._started,
            duration=time.perf_counter() - self._stopwatch,
            begun=self._begun,
            phases=tuple(Phase(name, seconds) for name, seconds in self._phases.items()),
            own=tuple(self._tables()),
            findings=tuple(self._findings(result, reason, detail)),
            alive=self._alive,
            trail=self._trail.lines(),
            scheduled=not self._left_alone,
        )

    async def _run(self) -> None:
        if self._login is not None:
            await self._login.prepare(self._limit, self._phases)
        addresses = await self._addresses()
        faults: list[MailError] = []
        for tried, address in enumerate(addresses):
            share = (self._limit - self._loop.time()) / (len(addresses) - tried)
            try:
                await self._visit(address, max(share, 0.0))
            except MailError as fault:
                if self._talk is not None or self._left_alone:
                    raise
                faults.append(fault)
                self._trail.note(str(fault))
            else:
                return
        # An address that could not be tried says nothing about the server, and a reset more than silence.
        tested = [fault for fault in faults if fault.result is not Result.UNTESTABLE]
        refused = [fault for fault in tested if fault.reason is Reason.REFUSED]
        self._alive = bool(refused) if tested else None
        raise (refused or tested or faults)[0]

    async def _addresses(self) -> Sequence[str]:
        name = self._check.address or self._check.host.address
        if known := numeric(name):
            self._phases["resolve"] = time.perf_counter() - self._stopwatch
            return (known,)
        try:
            async with asyncio.timeout_at(self._limit):
                return await self._ctx.resolver.addresses(name)
        except ResolveError as error:
            own_side = error.reason is Reason.RESOLVE_FAILED
            raise (untestable if own_side else failed)(error.reason, str(error)) from error
        except TimeoutError as error:
            raise untestable(Reason.RESOLVE_FAILED, f"DNS did not answer for {name} in time") from error
        finally:
            self._phases["resolve"] = time.perf_counter() - self._stopwatch

    async def _visit(self, address: str, share: float) -> None:
        """Talk to one address; `share` is the seconds that its connect may take."""
        self._server = server = (address, self._port)
        self._respect(server)
        talk = self._conversation(self._phases)
        try:
            async with self._ctx.slots.hold(address, until=self._limit) as slot:
                self._respect(server)  # who was there before us may have been sent away
                async with talk:
                    await self._converse(talk, slot, server, share)
                await self._afterwards(address)
        except NoSlotError as error:
            raise untestable(Reason.LOCAL_ERROR, str(error)) from error

    def _respect(self, server: tuple[str, int]) -> None:
        """Leave alone who sent netmon away a short while ago."""
        if (away := self._ctx.manners.away(server, self._loop.time())) is not None:
            self._left_alone = True
            text = f"it is left alone until it may be asked again, in {away.until - self._loop.time():.0f} s"
            raise MailError(Result.DEFERRED, away.reason, f"{away.text}; {text}")

    async def _converse(self, talk: T, slot: Slot, server: tuple[str, int], share: float) -> None:
        """Connect and speak; who does not answer is remembered, and who sends us away."""
        address, port = server
        try:
            await talk.connect(address, port, within=min(self._check.timeout, share))
        except MailError as fault:
            if fault.reason is Reason.TIMEOUT:
                slot.silent()
            elif fault.result is not Result.UNTESTABLE:
                slot.answered()
            raise
        slot.answered()
        self._talk, self._alive = talk, True
        try:
            await self._speak(talk)
        except MailError as fault:
            self._part(talk, server, fault)
            raise
        self._part(talk, server, None)

    def _part(self, talk: T, server: tuple[str, int], fault: MailError | None) -> None:
        """Remember whether the server sent us away; what it did not answer says nothing of that."""
        manners = self._ctx.manners
        if fault is not None and talk.sent_away:
            interval = self._check.interval
            manners.send_away(server, self._loop.time(), interval, fault.reason, str(fault))
        elif fault is None or fault.result is Result.REJECTED:
            manners.welcome(server)

    @abstractmethod
    def _conversation(self, phases: dict[str, float]) -> T:
        """A new conversation, not connected yet."""

    @abstractmethod
    async def _speak(self, talk: T) -> None:
        """All that is said once the connection is there."""

    async def _afterwards(self, address: str) -> None:
        """What a protocol does in the same turn, once the conversation has ended well."""

    @abstractmethod
    def _summary(self, mechanism: str) -> str:
        """A good run in one sentence; `mechanism` is that of a login."""

    @abstractmethod
    def _tables(self) -> Iterator[Table]: ...

    @abstractmethod
    def _findings(self, result: Result, reason: Reason, detail: str) -> Iterator[Finding]: ...

    def _untrusted(self) -> str:
        """Why the server might be another one than it says; empty if it has proved its name."""
        facts = self._facts
        if facts is None:
            return "there is no TLS"
        return facts.certificate.chain_error or ("" if facts.name_valid else f"it is not for {self._name}")

    def _server_name(self) -> str | None:
        """The name for SNI, which takes no address (RFC 6066 §3)."""
        return None if numeric(self._name) else self._name

    def _examine(self, talk: T) -> None:
        if talk.session is None:
            return
        try:
            facts = self._ctx.trust.examine(
                talk.session, self._name, str(self._ca_file) if self._ca_file else None, self._started
            )
        except TrustError as error:
            raise untestable(Reason.LOCAL_ERROR, str(error)) from error
        self._facts = facts
        told = facts.certificate
        self._trail.note(f"{facts.version} {facts.cipher}, {told.key}, {told.chain_error or 'chain valid'}")

    def _placed(self, findings: Sequence[Finding]) -> Iterator[Finding]:
        """The findings with the check that says them, and when."""
        for finding in findings:
            yield Finding(finding.kind, finding.severity, finding.text, self._check.key, self._started)


@lru_cache(10_000)
def numeric(name: str) -> str:
    """An address as it is usually written; empty if it is a name."""
    try:
        return str(ipaddress.ip_address(name))
    except ValueError:
        return ""
