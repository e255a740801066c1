"""The `smtp` probe: whether a server greets, introduces itself, and speaks TLS, and with what certificate.

It goes as far as a sending server goes before it names a sender: connect, greeting, EHLO, STARTTLS
with EHLO again (or TLS first on port 465), QUIT; with `envelope` it names one too, and a recipient, and
takes both back.  A bad certificate alone does not end a run: mail
flows all the same on port 25, where certificates are commonly self-signed (RFC 7435), so it is a
finding whose weight depends on the endpoint's role.
"""

from collections.abc import Iterator
from functools import partial
from typing import Final

from netmon.errors import Reason
from netmon.mail import rare, report
from netmon.mail.faults import MailError
from netmon.mail.login import log_in
from netmon.mail.smtp import Conversation
from netmon.model import Check, Finding, FindingKind, Observation, Result, Role, Severity, Table
from netmon.probes import smtp_report
from netmon.probes.base import Context, ProbeKind
from netmon.probes.mail_run import MailRun
from netmon.probes.smtp_report import BACKOFF, LOGIN
from netmon.probes.smtp_settings import SmtpSettings


async def probe(check: Check, ctx: Context) -> Observation:
    """One conversation with the first address of the host that accepts a connection."""
    return await _Run(check, ctx).observe()


class _Run(MailRun[Conversation]):
    """One conversation, and the rare tests after it."""

    def __init__(self, check: Check, ctx: Context) -> None:
        super().__init__(check, ctx)
        self._settings: SmtpSettings = check.settings
        self._offered: dict[str, bool] = {}

    async def _afterwards(self, address: str) -> None:
        if self._due():
            await self._test_rarely(address)

    def _conversation(self, phases: dict[str, float]) -> Conversation:
        return Conversation(
            self._trail, phases, limit=self._limit, patience=self._check.timeout, goodbye=self._goodbye
        )

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
            await self._login.log_in(partial(log_in, talk), lambda: talk.refusal, self._untrusted())

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

    def _summary(self, mechanism: str) -> str:
        return smtp_report.summary(self._talk, self._facts, mechanism)

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


def endpoint(host: str, settings: SmtpSettings) -> str:
    """The label `endpoint`."""
    return f"{host}:{settings.port}"


def role(settings: SmtpSettings) -> Role:
    """What the endpoint is for: 465 and 587 take mail from users, others from servers."""
    return settings.role or (Role.SUBMISSION if settings.port in (465, 587) else Role.INBOUND)


KIND: Final = ProbeKind(
    name="smtp",
    settings=SmtpSettings,
    many=True,
    probe=probe,
    endpoint=endpoint,
    role=role,
    families=(*smtp_report.FAMILIES, *report.FAMILIES),
)
