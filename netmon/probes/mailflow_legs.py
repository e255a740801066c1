"""The conversations of a mailflow: one that hands the message over, and looks into a mailbox.

Each is a mail run of its own, with the turns, manners and refused logins that all mail probes share; a look
is short, so that the server's other checks need not wait for the mail.
"""

import asyncio
from abc import abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from email.errors import MessageError
from email.parser import BytesHeaderParser
from functools import partial
from typing import Any, Final, Generic, TypeVar

from netmon.errors import Reason
from netmon.mail.canary import HEADER, MOST, Token
from netmon.mail.faults import MailError
from netmon.mail.flows import Flows
from netmon.mail.imap import ImapSession
from netmon.mail.login import log_in
from netmon.mail.mailbox import Door, MailboxSession, introduce
from netmon.mail.pop3 import Pop3Session
from netmon.mail.sending import Accepted, send
from netmon.mail.smtp import Conversation
from netmon.model import Check, Finding, Result, Table
from netmon.probes.base import Context
from netmon.probes.mail_run import MailRun, Talk
from netmon.probes.mailflow_settings import FetchSettings, SendSettings

_GREETING: Final = 30.0
_HEADER: Final = 262_144  # octets in which a message's header is looked for
_MESSAGE: Final = 4 * MOST  # octets that are fetched: what has grown so far is changed, and no fault of IMAP
_LOGIN: Final = frozenset({Reason.LOGIN_REJECTED, Reason.LOGIN_DEFERRED, Reason.TOKEN_UNAVAILABLE})
_CLOSED: Final = frozenset({Reason.MAILBOX_REJECTED, Reason.MAILBOX_DEFERRED, Reason.PROTOCOL_ERROR})
_COPIES: Final = 5  # of one message that are fetched
_HEADERS: Final = 50  # messages whose header is looked at in one look
_UID_DIGITS: Final = 10  # of 32 bits
_AGAIN: Final = 0.1  # seconds after which a second copy is looked for
_PREFIX: Final = "netmon-"  # of every token
_JUNK: Final = frozenset({"junk", "spam", "junk e-mail", "junk email", "bulk mail"})

T = TypeVar("T", bound=Talk)
S = TypeVar("S", bound=MailboxSession)


class Leg(MailRun[T], Generic[T]):
    """A conversation that tells nothing by itself."""

    def __init__(
        self, check: Check, ctx: Context, settings: SendSettings | FetchSettings, address: str, until: float
    ) -> None:
        """`until` is the loop time that it does not outlive."""
        left = max(until - asyncio.get_running_loop().time(), 0.01)
        own: Any = replace(
            check, host=replace(check.host, address=address), settings=settings, deadline=left, address=""
        )
        super().__init__(own, ctx)
        self._mode = settings.mode

    async def go(self) -> None:
        """Do it.  Raises MailError with its `phase`."""
        try:
            await self._run()
        except MailError as fault:
            fault.phase = "login" if fault.reason in _LOGIN else fault.phase or self._failed_in()
            raise

    def _failed_in(self) -> str:
        named = [name for name in self._phases if name not in ("quit", "logout", "resolve")]
        return named[-1] if named else "resolve"

    @property
    def phases(self) -> dict[str, float]:
        """Seconds by phase, in their order."""
        return self._phases

    @property
    def alive(self) -> bool | None:
        """Whether the server answered at all."""
        return self._alive

    @property
    def refusal(self) -> str:
        """The server's own words for a no."""
        words: str = getattr(self._talk, "refusal", "")
        return words or (self._login.refused_before if self._login is not None else "")

    def lines(self) -> tuple[str, ...]:
        """The dialogue."""
        return self._trail.lines()

    def cleaned(self, fault: MailError) -> str:
        """A fault in words, without secrets."""
        return self._trail.cleaned(str(fault))

    def _summary(self, mechanism: str) -> str:
        return mechanism

    def _tables(self) -> Iterator[Table]:
        return iter(())

    def _findings(self, result: Result, reason: Reason, detail: str) -> Iterator[Finding]:
        del result, reason, detail
        return iter(())


class SendLeg(Leg[Conversation]):
    """Hands one message over."""

    def __init__(
        self,
        check: Check,
        ctx: Context,
        make: Callable[[bool], bytes],
        until: float,
    ) -> None:
        settings = check.settings
        super().__init__(check, ctx, settings.send, settings.addresses[0], until)
        self._make = make
        self._envelope = settings.sender, settings.recipient
        self.sent = b""
        self.accepted: Accepted | None = None

    def _conversation(self, phases: dict[str, float]) -> Conversation:
        return Conversation(
            self._trail, phases, limit=self._limit, patience=self._check.timeout, goodbye=self._goodbye
        )

    async def _speak(self, talk: Conversation) -> None:
        context = self._ctx.trust.context
        if self._mode == "implicit":
            await talk.tls(context, self._server_name())
            self._examine(talk)
        await talk.greet(_GREETING)
        await talk.ehlo(self._ctx.agent_name)
        if self._mode == "starttls":
            await talk.starttls(context, self._server_name())
            self._examine(talk)
            await talk.ehlo(self._ctx.agent_name)
        if self._login is not None:
            await self._login.log_in(partial(log_in, talk), lambda: talk.refusal, self._untrusted())
        self.sent, self.accepted = await send(talk, *self._envelope, self._make)


@dataclass(frozen=True, slots=True)
class Copy:
    """A canary that was fetched: where it lay, and its octets."""

    folder: str
    junk: bool
    message: bytes = field(repr=False)


@dataclass(slots=True)
class Wanted:
    """What a look is for.

    `token` is the one that was sent, if one was; with `sweep` older ones are looked for too, and with
    `delete` what is found is taken away.
    """

    flow: str
    box: int
    flows: Flows
    token: str = ""
    sweep: bool = False
    delete: bool = True


class Look(Leg[S], Generic[S]):
    """One look into a mailbox: who says what it holds is `wanted.flows.signer`, and nothing else."""

    def __init__(self, check: Check, ctx: Context, wanted: Wanted, until: float) -> None:
        settings = check.settings.fetch[wanted.box]
        super().__init__(check, ctx, settings, check.settings.addresses[wanted.box + 1], until)
        self._wanted = wanted
        self._mailbox: str = settings.mailbox
        self.copies: list[Copy] = []
        self.earlier: list[Token] = []  # that were sent by runs before this one
        self.left = False  # something of ours is still there
        self._looked_at: set[tuple[str, int]] = set()  # messages with our token, by folder

    async def _speak(self, talk: S) -> None:
        door = Door("", self._port, self._mode, self._ctx.trust.context, self._server_name(), _GREETING)
        await introduce(talk, door, lambda _: self._examine(talk))
        assert self._login is not None  # noqa: S101 - a mailbox has a login
        await self._login.log_in(talk.log_in, lambda: talk.refusal, self._untrusted())
        await self._look(talk)

    @abstractmethod
    async def _look(self, talk: S) -> None: ...

    def _read(self, message: bytes) -> Token | None:
        return self._wanted.flows.signer.read(self._wanted.flow, header_of(message))

    def _ours(self, token: Token | None) -> bool:
        return token is not None and token.text == self._wanted.token

    async def _away(self, delete: Callable[[], Any]) -> None:
        """Take a message of ours away; that it cannot be had is no fault of the mail."""
        if not self._wanted.delete:
            self.left = True
            return
        try:
            await delete()
        except MailError as fault:
            if fault.result is Result.FAILED and fault.reason is not Reason.MAILBOX_REJECTED:
                raise
            self.left = True
            self._trail.note(f"not deleted: {fault}")


class ImapLook(Look[ImapSession]):
    """By SEARCH for the header, also in the folder for junk."""

    def _conversation(self, phases: dict[str, float]) -> ImapSession:
        return ImapSession(
            self._trail, phases, limit=self._limit, patience=self._check.timeout, goodbye=self._goodbye
        )

    async def _look(self, talk: ImapSession) -> None:
        wanted = self._wanted
        await self._folder(talk, self._mailbox, junk=False)
        if self.copies and wanted.delete:
            await asyncio.sleep(_AGAIN)
            await talk.noop()
            await self._canaries(talk, self._mailbox, junk=False)
        if self.copies and not wanted.sweep:
            return
        try:
            for folder in await self._junk(talk):
                await self._folder(talk, folder, junk=True)
        except MailError as fault:
            # A folder that is not told or opened is no fault of the mail; a connection that is lost is.
            if fault.reason not in _CLOSED:
                raise
            self._trail.note(f"junk is not looked into: {fault}")

    async def _junk(self, talk: ImapSession) -> list[str]:
        r"""The folders for junk: those with the special use \Junk (RFC 6154), else by their usual names."""
        there = await talk.list_mailboxes()
        told = [folder.name for folder in there if "\\junk" in folder.flags]
        named = [folder.name for folder in there if _last(folder.name) in _JUNK]
        return [name for name in (told or named)[:3] if name != self._mailbox]

    async def _folder(self, talk: ImapSession, folder: str, *, junk: bool) -> None:
        await talk.select(folder)
        if self._wanted.token:
            await self._canaries(talk, folder, junk=junk)
        if not self._wanted.sweep:
            return
        others = self._wanted.flows.others(self._wanted.flow, self._wanted.box)
        # A mailbox that was made anew gives the same numbers to other messages.
        known = f"{folder} {talk.validity[:_UID_DIGITS]} "
        uids = await talk.search_header(HEADER, _PREFIX)
        unknown = [uid for uid in uids if f"{known}{uid}" not in others]
        for uid in unknown[-_HEADERS:]:
            token = self._read(await talk.fetch_headers(uid))
            if token is None:
                others.add(f"{known}{uid}")
            elif not self._ours(token):
                self.earlier.append(token)
                await self._away(partial(talk.delete, uid))
        if len(others) > len(uids) * 4 + 1000:
            others.clear()

    async def _canaries(self, talk: ImapSession, folder: str, *, junk: bool) -> None:
        for uid in (await talk.search_header(HEADER, self._wanted.token))[:_COPIES]:
            if (folder, uid) in self._looked_at:  # and could not be deleted: it is no second copy
                continue
            message = await talk.fetch(uid, _MESSAGE)
            self._looked_at.add((folder, uid))
            if self._ours(self._read(message)):
                self.copies.append(Copy(folder, junk, message))
                await self._away(partial(talk.delete, uid))


class Pop3Look(Look[Pop3Session]):
    """By the headers of messages that are not known yet, the newest first."""

    def _conversation(self, phases: dict[str, float]) -> Pop3Session:
        return Pop3Session(
            self._trail, phases, limit=self._limit, patience=self._check.timeout, goodbye=self._goodbye
        )

    async def go(self) -> None:
        """Look; what was marked is still there if the goodbye fails (RFC 1939 §6)."""
        await super().go()
        if (self.copies or self.earlier) and (self._talk is None or not self._talk.removed):
            self.left = True

    async def _look(self, talk: Pop3Session) -> None:
        there = await talk.uidl()
        others = self._wanted.flows.others(self._wanted.flow, self._wanted.box)
        others.intersection_update(there.values())
        unknown = [number for number in sorted(there, reverse=True) if there[number] not in others]
        for number in unknown[:_HEADERS]:
            token = self._read(await talk.top(number))
            if token is None:
                others.add(there[number])
            elif not self._ours(token):
                if self._wanted.sweep:
                    self.earlier.append(token)
                    await self._away(partial(talk.dele, number))
            elif len(self.copies) < _COPIES:
                self.copies.append(Copy("INBOX", junk=False, message=await talk.retr(number, _MESSAGE)))
                await self._away(partial(talk.dele, number))


def header_of(message: bytes) -> str:
    """The canary's header in a message, on one line; "" if there is none."""
    try:
        found = BytesHeaderParser().parsebytes(message[:_HEADER]).get_all(HEADER, [])
        return " ".join(" ".join(str(text).split()) for text in found[:2])
    except (MessageError, ValueError, LookupError, AttributeError, RecursionError):
        return ""


def _last(name: str) -> str:
    """The last part of a folder's name, whatever the server puts between the parts."""
    return name.replace("/", ".").rpartition(".")[2].strip().lower()
