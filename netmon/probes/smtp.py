"""The `smtp` probe: whether a server greets, introduces itself, and speaks TLS, and with what certificate.

It goes as far as a sending server goes before it names a sender: connect, greeting, EHLO, STARTTLS
with EHLO again (or TLS first on port 465), QUIT; with `envelope` it names one too, and a recipient, and
takes both back.  A bad certificate alone does not end a run: mail
flows all the same on port 25, where certificates are commonly self-signed (RFC 7435), so it is a
finding whose weight depends on the endpoint's role.
"""

import asyncio
import ipaddress
import time
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final

from netmon.errors import Reason
from netmon.mail import rare, report
from netmon.mail.faults import MailError, failed, untestable
from netmon.mail.slots import NoSlotError, Slot
from netmon.mail.smtp import Conversation
from netmon.mail.tls import TlsFacts, TrustError
from netmon.mail.trail import Trail, printable
from netmon.model import (
    Check,
    Finding,
    FindingKind,
    Observation,
    Phase,
    Result,
    Role,
    Severity,
    Table,
)
from netmon.probes import smtp_report
from netmon.probes.base import Context, Library, ProbeKind
from netmon.probes.smtp_login import Login
from netmon.probes.smtp_report import BACKOFF, LOGIN
from netmon.probes.smtp_settings import SmtpSettings
from netmon.resolver import ResolveError

_SHARE: Final = 0.98
_GOODBYE: Final = 1.0  # seconds of the deadline kept for QUIT, or a tenth of a short deadline


async def probe(check: Check, ctx: Context) -> Observation:
    """One conversation with the first address of the host that accepts a connection."""
    return await _Run(check, ctx).observe()


class _Run:
    """What one run gathers on its way, so that a fault at any step loses none of it."""

    def __init__(self, check: Check, ctx: Context) -> None:
        self._check = check
        self._ctx = ctx
        self._settings: SmtpSettings = check.settings
        self._name = (self._settings.tls_name or check.host.address).rstrip(".")
        self._loop = asyncio.get_running_loop()
        self._begun = self._loop.time()
        self._started = ctx.wall()
        self._stopwatch = time.perf_counter()
        self._goodbye = min(_GOODBYE, check.deadline / 10)
        # A little less than the deadline: the run itself is to say how it ended.
        self._limit = self._begun + check.deadline * _SHARE - self._goodbye
        self._trail = Trail()
        self._phases: dict[str, float] = {}
        self._talk: Conversation | None = None  # the one whose connect succeeded
        self._facts: TlsFacts | None = None
        self._alive: bool | None = None
        self._server: tuple[str, int] | None = None  # that was spoken to, or is left alone
        self._left_alone = False  # nothing was asked: the server sent us away a short while ago
        self._offered: dict[str, bool] = {}
        login = self._settings.login
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
            result, reason, detail = (
                Result.OK,
                Reason.OK,
                smtp_report.summary(self._talk, self._facts, "" if login is None else login.mechanism),
            )
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
        if numeric := _numeric(name):
            self._phases["resolve"] = time.perf_counter() - self._stopwatch
            return (numeric,)
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
        self._server = server = (address, self._settings.port)
        self._respect(server)
        talk = self._conversation(self._phases)
        try:
            async with self._ctx.slots.hold(address, until=self._limit) as slot:
                self._respect(server)  # who was there before us may have been sent away
                async with talk:
                    await self._converse(talk, slot, server, share)
                if self._due():
                    await self._test_rarely(address)
        except NoSlotError as error:
            raise untestable(Reason.LOCAL_ERROR, str(error)) from error

    def _respect(self, server: tuple[str, int]) -> None:
        """Leave alone who sent netmon away a short while ago."""
        if (away := self._ctx.manners.away(server, self._loop.time())) is not None:
            self._left_alone = True
            text = f"it is left alone until it may be asked again, in {away.until - self._loop.time():.0f} s"
            raise MailError(Result.DEFERRED, away.reason, f"{away.text}; {text}")

    def _conversation(self, phases: dict[str, float]) -> Conversation:
        return Conversation(
            self._trail, phases, limit=self._limit, patience=self._check.timeout, goodbye=self._goodbye
        )

    async def _converse(self, talk: Conversation, slot: Slot, server: tuple[str, int], share: float) -> None:
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

    def _part(self, talk: Conversation, server: tuple[str, int], fault: MailError | None) -> None:
        """Remember whether the server sent us away; what it did not answer says nothing of that."""
        manners = self._ctx.manners
        if fault is not None and talk.sent_away:
            interval = self._check.interval
            manners.send_away(server, self._loop.time(), interval, fault.reason, str(fault))
        elif fault is None or fault.result is Result.REJECTED:
            manners.welcome(server)

    async def _speak(self, talk: Conversation) -> None:
        mode = self._settings.mode
        if mode == "implicit":
            await talk.tls(self._ctx.trust.context, self._server_name())
            self._examine(talk)
        await talk.greet(self._settings.greeting_timeout)
        await talk.ehlo(self._ctx.agent_name)
        if mode == "starttls":
            self._offered["STARTTLS"] = "starttls" in talk.extensions
            await talk.starttls(self._ctx.trust.context, self._server_name())
            self._examine(talk)
            await talk.ehlo(self._ctx.agent_name)
        self._offered["AUTH"] = "auth" in talk.extensions
        if (wanted := self._settings.envelope) is not None:
            await talk.envelope(wanted.sender, wanted.recipient)
        if self._login is not None:
            await self._login.log_in(talk, self._untrusted())

    def _due(self) -> list[str]:
        """The rare tests that the config asks for and that were not done lately."""
        return [test for test in self._rare() if self._ctx.memory.due(self._check.key, test, self._started)]

    def _rare(self) -> list[str]:
        return [test for test in rare.TESTS if getattr(self._settings, test)]

    async def _test_rarely(self, address: str) -> None:
        """The rare tests, each on a connection of its own; nothing that happens there changes the result."""
        memory, key = self._ctx.memory, self._check.key
        for test in self._due():
            _, found = memory.found(key, test) or (0.0, "")
            # Before it begins: once a day it is also where it never ends, or netmon does in the midst of it.
            memory.tested(key, test, self._started, found)
            self._trail.note(f"{test}: tested once a day, on a connection of its own")
            talk = self._conversation({})
            try:
                async with talk:
                    await talk.connect(address, self._settings.port, within=self._check.timeout)
                    found = await self._test(test, talk)
            except MailError as fault:
                # That says nothing of what was found before.
                self._trail.note(f"{test}: {fault}")
                continue
            self._trail.note(f"{test}: {found or 'nothing wrong'}")
            memory.tested(key, test, self._started, found)

    async def _test(self, test: str, talk: Conversation) -> str:
        context, server_name, me = self._ctx.trust.context, self._server_name(), self._ctx.agent_name
        mode = self._settings.mode
        if mode == "implicit":
            await talk.tls(context, server_name)
        await talk.greet(self._settings.greeting_timeout)
        await talk.ehlo(me)
        if test == "starttls_injection":
            return await rare.starttls_injection(talk, context, server_name, me)
        if mode == "starttls":
            await talk.starttls(context, server_name)
            await talk.ehlo(me)
        if test == "vrfy":
            return await rare.vrfy(talk)
        wanted = self._settings.open_relay
        assert wanted is not None  # noqa: S101 - it was asked for
        return await rare.open_relay(talk, wanted.sender or f"netmon@{me}", wanted.recipient)

    def _untrusted(self) -> str:
        """Why the server might be another one than it says; empty if it has proved its name."""
        facts = self._facts
        if facts is None:
            return "there is no TLS"
        return facts.certificate.chain_error or ("" if facts.name_valid else f"it is not for {self._name}")

    def _server_name(self) -> str | None:
        """The name for SNI, which takes no address (RFC 6066 §3)."""
        return None if _numeric(self._name) else self._name

    def _examine(self, talk: Conversation) -> None:
        if talk.session is None:
            return
        try:
            ca_file = self._settings.ca_file
            facts = self._ctx.trust.examine(
                talk.session, self._name, str(ca_file) if ca_file else None, self._started
            )
        except TrustError as error:
            raise untestable(Reason.LOCAL_ERROR, str(error)) from error
        self._facts = facts
        told = facts.certificate
        self._trail.note(f"{facts.version} {facts.cipher}, {told.key}, {told.chain_error or 'chain valid'}")

    def _tables(self) -> Iterator[Table]:
        if self._talk is not None:
            yield from smtp_report.conversation(self._talk, self._named)
        if self._facts is not None:
            yield from report.tls_tables(self._facts)
        if self._login is not None and self._login.logged_in is not None:
            yield report.scalar((LOGIN, int(self._login.logged_in)))
        if self._server is not None:
            yield report.scalar((BACKOFF, self._ctx.manners.wait(self._server)))

    def _named(self, name: str) -> bool:
        return self._ctx.memory.named(self._check.key, name, self._started)

    def _findings(self, result: Result, reason: Reason, detail: str) -> Iterator[Finding]:
        if self._facts is not None:
            yield from self._placed(
                report.certificate_findings(
                    self._facts,
                    self._name,
                    warn=self._settings.cert_warn,
                    strict=role(self._settings) is Role.SUBMISSION or self._settings.mode == "implicit",
                    now=self._started,
                )
            )
        if reason is Reason.STARTTLS_INJECTION:
            yield from self._placed([Finding(FindingKind.STARTTLS_INJECTION, Severity.FAULT, detail)])
        missed = self._ctx.memory.saw(self._check.key, self._offered, self._check.host.confirm, self._started)
        for word, since in missed:
            yield smtp_report.missed(self._check, role(self._settings), word, since)
        for test in self._rare():
            at, wrong = self._ctx.memory.found(self._check.key, test) or (0.0, "")
            if wrong:
                kind, severity = smtp_report.RARE[test]
                yield Finding(kind, severity, wrong, self._check.key, at)
        if self._talk is not None and smtp_report.refuses_us(
            result,
            reason,
            self._talk.refusal or (self._login.refused_before if self._login is not None else ""),
        ):
            yield from self._placed(
                [Finding(FindingKind.PROBE_REJECTED, Severity.RISK, f"it refuses netmon itself: {detail}")]
            )

    def _placed(self, findings: Sequence[Finding]) -> Iterator[Finding]:
        """The findings with the check that says them, and when."""
        for finding in findings:
            yield Finding(finding.kind, finding.severity, finding.text, self._check.key, self._started)


@lru_cache(10_000)
def _numeric(name: str) -> str:
    """An address as it is usually written; empty if it is a name."""
    try:
        return str(ipaddress.ip_address(name))
    except ValueError:
        return ""


def endpoint(host: str, settings: SmtpSettings) -> str:
    """The label `endpoint`."""
    return f"{host}:{settings.port}"


def role(settings: SmtpSettings) -> Role:
    """What the endpoint is for: 465 and 587 take mail from users, others from servers."""
    return settings.role or (Role.SUBMISSION if settings.port in (465, 587) else Role.INBOUND)


def bind(settings: SmtpSettings, library: Library) -> SmtpSettings:
    """Settings name nothing of the config: they are bound as they are."""
    del library
    return settings


KIND: Final = ProbeKind(
    name="smtp",
    settings=SmtpSettings,
    many=True,
    probe=probe,
    endpoint=endpoint,
    role=role,
    bind=bind,
    families=(*smtp_report.FAMILIES, *report.FAMILIES),
)
