"""One look at a domain's policies: the questions in the order in which one needs the other.

The judges are in netmon.mail.policy; this asks DNS, the web server and the mail servers for them.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from ipaddress import ip_network
from typing import Final

from netmon.errors import Reason
from netmon.mail.faults import failed, untestable
from netmon.mail.mx.answer import is_host_name
from netmon.mail.mx.fence import outside
from netmon.mail.policy import dane, dkim, dmarc, mta_sts, reverse, spf, tls_rpt
from netmon.mail.policy.https import FetchError, fetch
from netmon.mail.policy.judged import Judged, Policy, PolicyError, quoted, unknown
from netmon.mail.policy.presented import Presented
from netmon.mail.policy.questions import QuestionError, Questions
from netmon.mail.policy.visit import Visitor
from netmon.model import Check, Column, Family, Finding, Kind, Table
from netmon.probes.base import Context
from netmon.probes.policy_settings import PolicySettings

VALID: Final = Family(
    "netmon_mail_policy_valid",
    Kind.GAUGE,
    "1 if what the domain publishes of this policy is sound and true; no series while it publishes none.",
)
PRESENT: Final = Family("netmon_mail_policy_present", Kind.GAUGE, "1 if the domain publishes this policy.")
DANE: Final = Family(
    "netmon_dane_valid",
    Kind.GAUGE,
    "1 if what the MX presents is as its TLSA records say; only for records that count.",
)
MTA_STS: Final = Family(
    "netmon_mta_sts_valid", Kind.GAUGE, "1 if the domain's MX and their certificates are as its policy says."
)
LOOKUPS: Final = Family(
    "netmon_spf_dns_lookups",
    Kind.GAUGE,
    "Lookups that the domain's SPF record asks for; more than 10 break it.",
)

_SERVERS: Final = 10  # MX that are looked at
_ADDRESSES: Final = 4  # of each
_NAMES: Final = 4  # of an address in reverse DNS
_AT_ONCE: Final = 6  # connections of one run
_NOTES: Final = 120  # lines: zones are written by others
_FETCH: Final = 20.0  # seconds for the policy


@dataclass(slots=True)
class _Server:
    """An MX: whether its addresses are signed, and what they are."""

    name: str
    addresses: tuple[str, ...] = ()
    secure: bool = False
    records: dane.Server = field(default_factory=lambda: dane.Server(""))
    unknown: bool = False  # DNS did not tell its addresses


class Look:
    """What one look gathers; `look` asks, the rest tells what came of it."""

    def __init__(self, check: Check, ctx: Context, limit: float, now: float) -> None:
        self._check = check
        self._ctx = ctx
        self._settings: PolicySettings = check.settings
        self._domain = self._settings.domain
        self._allow = None if self._settings.allow is None else [*map(ip_network, self._settings.allow)]
        self._limit = limit
        self._now = now
        self.questions = Questions(ctx.resolver)
        self.phases: dict[str, float] = {}
        self._judged: dict[Policy, Judged] = {}
        self._servers: list[_Server] = []
        self._failures: list[QuestionError] = []  # of DNS, about single servers
        self._presented: list[Presented] = []
        self._dane: dict[str, bool] = {}
        self._lookups: int | None = None
        self._notes: list[str] = []

    async def look(self) -> None:
        """Everything, in the order in which one needs the other; raises MailError if nothing can be said."""
        try:
            async with asyncio.timeout_at(self._limit):
                with self._phase("dns"):
                    await self._find_servers()
                    await asyncio.gather(*(self._guarded(*row) for row in self._by_dns()))
                record, policy = await self._mta_sts_policy() if self._wants_mta_sts() else (None, None)
                if self._promised(policy):
                    with self._phase("servers"):
                        await self._visit()
                self._judge_servers(record, policy)
        except TimeoutError:
            raise untestable(Reason.DEADLINE, f"the policies of {self._domain} took too long") from None

    # DNS

    async def _find_servers(self) -> None:
        try:
            answer = await self.questions.exchanges(self._domain)
            names = [name for _, name in answer.values] or [self._domain]
            if names == [""]:
                self._note("the domain takes no mail (null MX, RFC 7505)")
                return
            for name in [name for name in names if name and not is_host_name(name)]:
                # It would only make series and questions (RFC 1123 §2.1).
                self._note(f"MX {quoted(name)} cannot be the name of a host: not looked at")
                names.remove(name)
            if len(names) > _SERVERS:
                self._note(f"{len(names)} MX; the first {_SERVERS} are looked at")
            self._servers = await asyncio.gather(
                *(self._known_server(name, signed=answer.secure) for name in names[:_SERVERS] if name)
            )
            if self._failures and all(server.unknown for server in self._servers):
                raise self._failures[0]
        except QuestionError as error:
            if error.refused and await self.questions.is_bogus(error.name, error.kind):
                text = f"DNSSEC: the answer to {error.kind} of {error.name} does not validate"
                raise failed(Reason.DNSSEC_INVALID, text) from None
            raise untestable(Reason.RESOLVE_FAILED, str(error)) from None
        if not answer.values and not any(server.addresses for server in self._servers):
            raise failed(Reason.NAME_NOT_FOUND, f"DNS has no MX and no address for {self._domain}")

    async def _known_server(self, name: str, *, signed: bool) -> _Server:
        """One server's trouble with DNS is not the domain's, unless its signatures are wrong."""
        try:
            return await self._server(name, signed=signed)
        except QuestionError as error:
            if error.refused and await self.questions.is_bogus(error.name, error.kind):
                raise
            self._failures.append(error)
            self._notes.append(f"MX {name}: {error}; it is not looked at")
            return _Server(name, unknown=True)

    async def _server(self, name: str, *, signed: bool) -> _Server:
        found = await self.questions.addresses(name)
        addresses = tuple(address for address in found.values if self._may(name, address))[:_ADDRESSES]
        server = _Server(name, addresses, signed and found.secure, dane.Server(name))
        if self._settings.dane:
            try:
                records = await self.questions.associations(dane.name(name, self._settings.port))
            except QuestionError as error:
                # Some servers of unsigned zones cannot answer to TLSA; that harms nobody (RFC 7672 §2.2.1).
                server.records = dane.Server(name, failed=server.secure and error.refused)
            else:
                server.records = dane.Server(name, records.values, server.secure and records.secure)
        return server

    def _may(self, name: str, address: str) -> bool:
        """Whether DNS may lead netmon there: the zone is written by others."""
        if self._allow is None or not outside(address, self._allow, self._settings.addresses):
            return True
        self._note(f"{name} has the address {address}, which is not public: not contacted")
        return False

    def _note(self, text: str) -> None:
        if len(self._notes) < _NOTES:
            self._notes.append(text)

    def _by_dns(self) -> Iterator[tuple[Policy, Callable[[], Awaitable[Judged]]]]:
        yield Policy.SPF, self._spf
        yield Policy.DMARC, self._dmarc
        if self._settings.dkim:
            yield Policy.DKIM, self._dkim
        if self._servers:
            yield Policy.TLS_RPT, self._tls_rpt
            yield Policy.REVERSE_DNS, self._reverse

    async def _guarded(self, policy: Policy, judge: Callable[[], Awaitable[Judged]]) -> None:
        """One policy's trouble with DNS is not another's."""
        try:
            self._judged[policy] = await judge()
        except QuestionError as error:
            self._judged[policy] = unknown(policy, f"{policy}: {error}")

    async def _spf(self) -> Judged:
        texts = (await self.questions.texts(self._domain)).values
        judged, lookups = await spf.judge(self._domain, texts, self.questions)
        if judged.present:
            self._lookups = lookups
        return judged

    async def _dmarc(self) -> Judged:
        domain = self._domain
        texts: tuple[str, ...] = ()
        for name, domain in dmarc.names(self._domain):  # noqa: B007 - the last one is used
            texts = (await self.questions.texts(name)).values
            if any(text.replace(" ", "").startswith("v=DMARC1") for text in texts):
                break
        return dmarc.judge(texts, domain, self._domain)

    async def _dkim(self) -> Judged:
        answers = {}
        for selector in self._settings.dkim:
            answers[selector] = (await self.questions.texts(dkim.name(self._domain, selector))).values
        return dkim.judge(answers)

    async def _tls_rpt(self) -> Judged:
        return tls_rpt.judge((await self.questions.texts(tls_rpt.name(self._domain))).values)

    async def _reverse(self) -> Judged:
        rows = [(server.name, address) for server in self._servers for address in server.addresses]
        return reverse.judge(await asyncio.gather(*(self._pointer(*row) for row in rows)))

    async def _pointer(self, server: str, address: str) -> reverse.Pointer:
        names = (await self.questions.pointers(address)).values[:_NAMES]
        return reverse.Pointer(
            server, address, {name: (await self.questions.addresses(name)).values for name in names}
        )

    # MTA-STS

    def _wants_mta_sts(self) -> bool:
        return self._settings.mta_sts and bool(self._servers)

    async def _mta_sts_policy(self) -> tuple[str | None, mta_sts.StsPolicy | None]:
        """The record's id and the policy; where one of them is wanting that is judged already."""
        earlier = self._ctx.policies.policy(self._domain)
        try:
            record = mta_sts.parse_record((await self.questions.texts(mta_sts.name(self._domain))).values)
            if record is None:
                self._judged[Policy.MTA_STS] = mta_sts.absent(earlier, self._now)
                return None, None
            with self._phase("https"):
                policy = mta_sts.parse_policy(await self._fetch(mta_sts.policy_host(self._domain)))
        except QuestionError as error:
            self._judged[Policy.MTA_STS] = unknown(Policy.MTA_STS, f"mta_sts: {error}")
        except PolicyError as error:
            self._judged[Policy.MTA_STS] = mta_sts.broken(error, earlier, self._now)
        else:
            return record, policy
        return None, None

    async def _fetch(self, host: str) -> bytes:
        found = (await self.questions.addresses(host)).values
        addresses = [address for address in found if self._may(host, address)][:_ADDRESSES]
        if not addresses:
            what = f"no public address, only {found[0]} (see the domain's allow)" if found else "no address"
            raise FetchError(f"{host} has {what}, so the policy cannot be fetched")
        ca_file = str(self._settings.ca_file) if self._settings.ca_file else None
        now = asyncio.get_running_loop().time()
        context = await self._ctx.policies.https_context(ca_file, now)
        left = min(_FETCH, (self._limit - now) / 2)
        for tried, address in enumerate(addresses, 1):
            try:
                return await fetch(
                    host,
                    mta_sts.PATH,
                    address=address,
                    port=self._ctx.policies.https_port,
                    context=context,
                    seconds=left / len(addresses),
                    largest=mta_sts.LARGEST,
                )
            except FetchError as error:
                if not error.network or tried == len(addresses):
                    raise
                self._note(str(error))
        raise AssertionError("the last address returns or raises")

    # The servers themselves

    def _promised(self, policy: mta_sts.StsPolicy | None) -> bool:
        """Whether anything is promised about certificates."""
        return (policy is not None and policy.mode != "none") or any(
            server.records.records and server.records.secure for server in self._servers
        )

    async def _visit(self) -> None:
        ca_file = self._settings.ca_file
        visitor = Visitor(
            agent_name=self._ctx.agent_name,
            slots=self._ctx.slots,
            manners=self._ctx.manners,
            trust=self._ctx.trust,
            ca_file=str(ca_file) if ca_file else None,
            port=self._settings.port,
            patience=self._check.timeout,
            limit=self._limit - 1.0,
            now=self._now,
        )
        gate = asyncio.Semaphore(_AT_ONCE)

        async def one(server: str, address: str) -> Presented:
            async with gate:
                return await visitor.visit(server, address)

        rows = [(server.name, address) for server in self._servers for address in server.addresses]
        self._presented = await asyncio.gather(*(one(*row) for row in rows))
        for item in self._presented:
            what = item.fault or item.untrusted or "a trusted certificate"
            self._note(f"{item.server} ({item.address}): {what}")

    def _judge_servers(self, record: str | None, policy: mta_sts.StsPolicy | None) -> None:
        if self._settings.dane and self._servers:
            records = [server.records for server in self._servers if not server.unknown]
            self._judged[Policy.DANE], self._dane = dane.judge_domain(
                self._domain, records, self._presented, validating=self.questions.validating
            )
        if record is not None and policy is not None:
            names = [server.name for server in self._servers]
            earlier = self._ctx.policies.policy(self._domain)
            self._judged[Policy.MTA_STS] = mta_sts.judge(record, policy, names, self._presented, earlier)
            self._ctx.policies.saw(self._domain, record, policy, self._now)

    # What came of it

    def summary(self) -> str:
        """One sentence."""
        sorts: dict[str, list[str]] = {}
        for policy, judged in self._sorted():
            sort = "not known" if judged.present is None else "not published" if not judged.present else None
            sorts.setdefault(sort or ("not judged", "wrong", "sound")[_rank(judged.valid)], []).append(policy)
        order = ("wrong", "sound", "not judged", "not published", "not known")
        return "; ".join(f"{sort}: {', '.join(sorts[sort])}" for sort in order if sort in sorts)

    def findings(self) -> Iterator[Finding]:
        """With the check that says them, and when."""
        for _, judged in self._sorted():
            for finding in judged.findings:
                yield replace(finding, key=self._check.key, at=self._now)

    def trail(self) -> Iterator[str]:
        """A line for each policy and note."""
        for _, judged in self._sorted():
            yield f"* {judged.summary}"
        for note in self._notes:
            yield f"* {note}"

    def tables(self) -> Iterator[Table]:
        """netmon's own series; a family without rows is told too, so that the last known ones go."""
        judged = self._sorted()
        if not judged:
            return
        yield self._table(PRESENT, [(policy, item.present) for policy, item in judged])
        yield self._table(VALID, [(policy, item.valid) for policy, item in judged])
        yield Table(
            ("domain", "mx"),
            tuple((self._domain, server) for server in self._dane),
            (Column(DANE, tuple(int(valid) for valid in self._dane.values())),),
        )
        sts = self._judged.get(Policy.MTA_STS)
        for family, value in ((MTA_STS, sts.valid if sts else None), (LOOKUPS, self._lookups)):
            rows = () if value is None else (((self._domain,), int(value)),)
            yield Table(
                ("domain",), tuple(row for row, _ in rows), (Column(family, tuple(v for _, v in rows)),)
            )

    def _table(self, family: Family, values: Sequence[tuple[Policy, bool | None]]) -> Table:
        known = [(policy, value) for policy, value in values if value is not None]
        return Table(
            ("domain", "policy"),
            tuple((self._domain, policy.value) for policy, _ in known),
            (Column(family, tuple(int(value) for _, value in known)),),
        )

    def _sorted(self) -> list[tuple[Policy, Judged]]:
        return [(policy, self._judged[policy]) for policy in Policy if policy in self._judged]

    @contextmanager
    def _phase(self, name: str) -> Iterator[None]:
        begun = time.perf_counter()
        try:
            yield
        finally:
            self.phases[name] = self.phases.get(name, 0.0) + time.perf_counter() - begun


def _rank(valid: bool | None) -> int:  # noqa: FBT001 - three values
    return 0 if valid is None else 1 + int(valid)
