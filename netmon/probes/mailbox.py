"""What the `imap` and `pop3` probes have in common: whether users can fetch their mail here.

A run goes as far as a user's program goes before it shows a message: connect, greeting, capabilities,
STARTTLS and capabilities again (or TLS first), and where the config has a login also that, and the number
of messages; then LOGOUT or QUIT.  No message is read, marked or taken.  Users' programs verify certificates,
so a bad one is a fault here.
"""

from abc import abstractmethod
from collections.abc import Iterator
from typing import Generic, TypeVar

from netmon.errors import Reason
from netmon.mail import report
from netmon.mail.mailbox import Door, MailboxSession, introduce
from netmon.model import Check, Finding, FindingKind, Result, Role, Severity, Table
from netmon.probes import mailbox_report
from netmon.probes.base import Context
from netmon.probes.mail_run import MailRun
from netmon.probes.mailbox_settings import MailboxSettings

S = TypeVar("S", bound=MailboxSession)


class MailboxRun(MailRun[S], Generic[S]):
    """One conversation."""

    def __init__(self, check: Check, ctx: Context) -> None:
        super().__init__(check, ctx)
        self._wanted: MailboxSettings = check.settings
        self._messages: int | None = None
        self._offered: dict[str, bool] = {}

    @abstractmethod
    async def _open(self, talk: S) -> None:
        """Open the mailbox of the login, and set `_messages`."""

    async def _speak(self, talk: S) -> None:
        settings, mode = self._wanted, self._wanted.mode
        door = Door(
            *("", settings.port, mode, self._ctx.trust.context, self._server_name()),
            settings.greeting_timeout,
        )
        try:
            await introduce(talk, door, lambda _: self._examine(talk))
        finally:
            before = talk.capabilities_before or talk.capabilities
            if mode == "starttls" and before:
                self._offered[talk.upgrade_word] = talk.upgrade_word in before
        if talk.capabilities:
            self._offered["a login"] = talk.login_offered
        if self._login is None:
            return
        await self._login.log_in(talk.log_in, lambda: talk.refusal, self._untrusted())
        if talk.logged_in:
            await self._open(talk)

    def _summary(self, mechanism: str) -> str:
        return mailbox_report.summary(self._facts, mechanism, self._messages)

    def _tables(self) -> Iterator[Table]:
        if self._talk is not None:
            yield from mailbox_report.conversation(self._talk)
        if self._facts is not None:
            yield from report.tls_tables(self._facts)
        if self._login is not None and self._login.logged_in is not None:
            yield report.scalar((mailbox_report.LOGIN, int(self._login.logged_in)))
        if self._messages is not None:
            yield report.scalar((mailbox_report.MESSAGES, self._messages))
        if self._server is not None:
            yield report.scalar((mailbox_report.BACKOFF, self._ctx.manners.wait(self._server)))

    def _findings(self, result: Result, reason: Reason, detail: str) -> Iterator[Finding]:
        if self._facts is not None:
            yield from self._placed(
                report.certificate_findings(
                    self._facts, self._name, warn=self._wanted.cert_warn, strict=True, now=self._started
                )
            )
        if reason is Reason.STARTTLS_INJECTION:
            yield from self._placed([Finding(FindingKind.STARTTLS_INJECTION, Severity.FAULT, detail)])
        missed = self._ctx.memory.saw(self._check.key, self._offered, self._check.host.confirm, self._started)
        for word, since in missed:
            yield mailbox_report.missed(self._check, word, since)
        words = self._talk.refusal if self._talk is not None else ""
        if not words and self._login is not None:
            words = self._login.refused_before
        if self._talk is not None and mailbox_report.refuses_us(result, reason, words):
            text = f"it refuses netmon itself: {detail}"
            yield from self._placed([Finding(FindingKind.PROBE_REJECTED, Severity.RISK, text)])


def endpoint(host: str, settings: MailboxSettings) -> str:
    """The label `endpoint`."""
    return f"{host}:{settings.port}"


def role(settings: MailboxSettings) -> Role:
    """Here users fetch their mail."""
    del settings
    return Role.ACCESS
