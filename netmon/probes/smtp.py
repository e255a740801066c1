"""The `smtp` probe: whether a server greets, introduces itself, and speaks TLS, and with what certificate.

It goes as far as a sending server goes before it names a sender: connect, greeting, EHLO, STARTTLS
with EHLO again (or TLS first on port 465), QUIT; with `envelope` it names one too, and a recipient, and
takes both back.  A bad certificate alone does not end a run: mail
flows all the same on port 25, where certificates are commonly self-signed (RFC 7435), so it is a
finding whose weight depends on the endpoint's role.
"""

import asyncio
import ipaddress
import re
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BeforeValidator, Field
from pydantic_core import PydanticCustomError

from netmon.errors import Reason
from netmon.fields import Duration, Settings
from netmon.mail import esmtp, report
from netmon.mail.faults import MailError, failed, untestable
from netmon.mail.slots import NoSlotError
from netmon.mail.smtp import Conversation
from netmon.mail.tls import TlsFacts, TrustError
from netmon.mail.trail import Trail, printable
from netmon.model import (
    Check,
    Column,
    Family,
    Finding,
    FindingKind,
    Kind,
    Observation,
    Phase,
    Result,
    Role,
    Severity,
    Table,
)
from netmon.probes.base import Context, Library, ProbeKind
from netmon.resolver import ResolveError

BANNER: Final = Family(
    "netmon_smtp_banner_info", Kind.GAUGE, "Name and software that the SMTP server gives in its greeting."
)
CAPABILITY: Final = Family(
    "netmon_smtp_capability",
    Kind.GAUGE,
    "SMTP service extensions that the server offers; unknown ones as other.",
)
MAX_BYTES: Final = Family(
    "netmon_smtp_max_message_bytes",
    Kind.GAUGE,
    "Largest message that the server declares to take; 0 is no limit.",
)

_SHARE: Final = 0.98
# RFC 5321 §4.1.2 without quoted local parts: what a person writes into a config.
_MAILBOX: Final = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,255}|postmaster", re.IGNORECASE
)
_OWN_TROUBLE: Final = re.compile(
    r"5\.[23]\."
)  # RFC 3463 §3.3, §3.4: a mailbox or the system, not the address
_GOODBYE: Final = 1.0  # seconds of the deadline kept for QUIT, or a tenth of a short deadline


def _mailbox(text: str) -> str:
    if not _MAILBOX.fullmatch(text):
        raise PydanticCustomError("mailbox", "is not a mail address like postmaster@example.org")
    return text


def _switch(value: Any) -> Any:
    """`true` is all defaults, `false` is not at all."""
    return {} if value is True else None if value is False else value


class EnvelopeSettings(Settings):
    """`envelope`: ask the server for a transaction and take it back; no message is ever sent.

    An empty sender is the null reverse-path `<>`, which every server must take (RFC 5321 §4.5.5).
    """

    sender: Annotated[str, AfterValidator(lambda text: text and _mailbox(text))] = ""
    recipient: Annotated[str, AfterValidator(_mailbox)] | None = None


class SmtpSettings(Settings):
    """An entry of a host's `smtp`."""

    port: Annotated[int, Field(ge=1, le=65535)] = 25
    tls: Literal["none", "starttls", "implicit"] | None = None  # default: implicit on 465, else starttls
    required: bool = True
    role: Role | None = None  # default: by port
    tls_name: str | None = None  # default: the host's address
    ca_file: Path | None = None  # default: the system's trust store
    cert_warn: Duration = 14 * 86400.0
    greeting_timeout: Duration = 30.0
    envelope: Annotated[EnvelopeSettings | None, BeforeValidator(_switch)] = None

    @property
    def mode(self) -> str:
        """How this endpoint speaks TLS."""
        return self.tls or ("implicit" if self.port == 465 else "starttls")  # noqa: PLR2004 (RFC 8314 §7.3)


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

    async def observe(self) -> Observation:
        """Run to the end; nothing that the network does is raised."""
        try:
            await self._run()
        except MailError as fault:
            result, reason, detail = (
                fault.result,
                fault.reason,
                printable(str(fault).encode(errors="replace")),
            )
        else:
            result, reason, detail = Result.OK, Reason.OK, self._summary()
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
        )

    async def _run(self) -> None:
        addresses = await self._addresses()
        faults: list[MailError] = []
        for tried, address in enumerate(addresses):
            share = (self._limit - self._loop.time()) / (len(addresses) - tried)
            try:
                await self._visit(address, max(share, 0.0))
            except MailError as fault:
                if self._talk is not None:
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
        name = self._check.host.address
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
        talk = Conversation(
            self._trail,
            self._phases,
            limit=self._limit,
            patience=self._check.timeout,
            goodbye=self._goodbye,
        )
        try:
            async with self._ctx.slots.hold(address, until=self._limit) as slot, talk:
                try:
                    await talk.connect(address, self._settings.port, within=min(self._check.timeout, share))
                except MailError as fault:
                    if fault.reason is Reason.TIMEOUT:
                        slot.silent()
                    elif fault.result is not Result.UNTESTABLE:
                        slot.answered()
                    raise
                slot.answered()
                self._talk, self._alive = talk, True
                await self._speak(talk)
        except NoSlotError as error:
            raise untestable(Reason.LOCAL_ERROR, str(error)) from error

    async def _speak(self, talk: Conversation) -> None:
        mode = self._settings.mode
        if mode == "implicit":
            await talk.tls(self._ctx.trust.context, self._server_name())
            self._examine(talk)
        await talk.greet(self._settings.greeting_timeout)
        await talk.ehlo(self._ctx.agent_name)
        if mode == "starttls":
            await talk.starttls(self._ctx.trust.context, self._server_name())
            self._examine(talk)
            await talk.ehlo(self._ctx.agent_name)
        if (wanted := self._settings.envelope) is not None:
            await talk.envelope(wanted.sender, wanted.recipient)

    def _server_name(self) -> str | None:
        """The name for SNI, which takes no address (RFC 6066 §3)."""
        try:
            ipaddress.ip_address(self._name)
        except ValueError:
            return self._name
        return None

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

    def _summary(self) -> str:
        name, software = esmtp.greeting(self._talk.greeting if self._talk else "")
        secured = f", {self._facts.version}" if self._facts else ""
        known = "" if software == "other" else f" ({software})"
        return f"{name or 'the server'}{known} accepts{secured}"

    def _tables(self) -> Iterator[Table]:
        if self._talk is not None and self._talk.greeting:
            row = esmtp.greeting(self._talk.greeting)
            yield Table(("name", "software"), (row,), (Column(BANNER, (1,)),))
        if self._talk is not None and self._talk.extensions:
            # Inside TLS no server offers STARTTLS again; that it did before is what people look for.
            before = {"starttls": ""} if self._talk.upgraded else {}
            offered = esmtp.capabilities(self._talk.extensions | before)
            yield Table(
                ("capability",),
                tuple((word,) for word in offered),
                (Column(CAPABILITY, (1,) * len(offered)),),
            )
            if (size := esmtp.max_message_bytes(self._talk.extensions)) is not None:
                yield report.scalar((MAX_BYTES, size))
        if self._facts is not None:
            yield from report.tls_tables(self._facts)

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
        if self._talk is not None and self._refuses_us(result, reason, self._talk.refusal):
            yield from self._placed(
                [Finding(FindingKind.PROBE_REJECTED, Severity.RISK, f"it refuses netmon itself: {detail}")]
            )

    def _refuses_us(self, result: Result, reason: Reason, words: str) -> bool:
        """Whether a refusal is about netmon's own address, sender or recipient, and so no outage."""
        if reason is Reason.ENVELOPE_REJECTED:
            return not _OWN_TROUBLE.match(words)
        return result in (Result.REJECTED, Result.DEFERRED) and esmtp.about_us(words)

    def _placed(self, findings: Sequence[Finding]) -> Iterator[Finding]:
        """The findings with the check that says them, and when."""
        for finding in findings:
            yield Finding(finding.kind, finding.severity, finding.text, self._check.key, self._started)


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
    families=(BANNER, CAPABILITY, MAX_BYTES, *report.FAMILIES),
)
