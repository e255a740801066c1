"""One POP3 conversation, seen as closely as a diagnosis needs (RFC 1939, RFC 2449, RFC 5034)."""

import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import ClassVar, Final

from netmon.errors import Reason
from netmon.mail import sasl
from netmon.mail.faults import failed, untestable
from netmon.mail.mailbox import (
    GREETING,
    LINE,
    LOGIN,
    MAILBOX,
    OWN,
    QUESTIONS,
    STARTTLS,
    Door,
    MailboxSession,
    Reasons,
    introduce,
)
from netmon.mail.sasl import Credentials
from netmon.mail.stream import BUDGET
from netmon.mail.trail import Trail, printable

_STATUS_LINE: Final = 4096  # octets; RFC 2449 §4 has 512
_LIST: Final = 1 << 24  # octets of a listing: 200,000 messages with names of the longest (RFC 1939 §7)
_CODE: Final = re.compile(r"\[([A-Za-z0-9/.-]{1,64})\] ?")
_STAT: Final = re.compile(r"([0-9]{1,12}) ([0-9]{1,20})(?: .*)?$")
_LINE_END: Final = re.compile(r"[\r\n\0]")


class Pop3Session(MailboxSession):
    """A connection to one POP3 server."""

    upgrade_word: ClassVar[str] = "STLS"
    goodbye_word: ClassVar[str] = "QUIT"
    removed = False  # the server has said with its goodbye that the marked messages are gone

    async def stat(self) -> tuple[int, int]:
        """The number of messages, and their octets."""
        with self._phase("stat", self._patience, self._silence("STAT")):
            text = await self._command("STAT", MAILBOX)
        found = _STAT.match(text)
        if found is None:
            raise failed(Reason.PROTOCOL_ERROR, "STAT tells no number of messages")
        return int(found[1]), int(found[2])

    async def uidl(self) -> dict[int, str]:
        """The messages' numbers and their unique identifiers (RFC 1939 §7)."""
        found: dict[int, str] = {}
        for line in (await self._many("uidl", "UIDL", _LIST)).splitlines():
            number, _, name = line.decode("ascii", "backslashreplace").partition(" ")
            if number.isascii() and number.isdigit() and len(number) < 11:  # noqa: PLR2004 - 32 bits
                found[int(number)] = name[:200]
        return found

    async def top(self, number: int, lines: int = 0, limit: int = 262_144) -> bytes:
        """A message's header and its first lines."""
        return await self._many("top", f"TOP {number} {lines}", limit)

    async def retr(self, number: int, limit: int) -> bytes:
        """A whole message of at most `limit` octets."""
        return await self._many("retr", f"RETR {number}", limit)

    async def dele(self, number: int) -> None:
        """Mark a message as deleted; it goes with the QUIT."""
        with self._phase("dele", self._patience, self._silence("DELE")):
            await self._command(f"DELE {number}", MAILBOX)

    async def quit(self) -> None:
        """Say goodbye, with which the marked messages go; the end of the context does it too."""
        await self.part()

    # The steps that MailboxSession asks for.

    async def _greeting(self) -> None:
        good, text = await self._status()
        if not good:
            raise self._refused("greeting", text, GREETING)
        self.greeting = text

    async def _capability(self) -> Mapping[str, str]:
        good, text = await self._ask("CAPA")
        if not good:
            if self.logged_in and _CODE.match(text):
                # Said of its own accord: the login was taken, and then the mailbox could not be opened.
                raise self._refused("after the login", text, MAILBOX)
            return {}  # a server older than RFC 2449 knows no CAPA
        told = {}
        for line in (await self._lines(LINE)).decode("utf-8", "replace").upper().splitlines()[:500]:
            word, _, arguments = line.strip().partition(" ")
            if word:
                told[word] = arguments
        return told

    async def _upgrade(self) -> None:
        await self._command("STLS", STARTTLS)

    async def _log_in(self, mechanism: str, credentials: Credentials) -> str:
        name = "USER and PASS" if mechanism == OWN else mechanism
        if mechanism == OWN:
            if _LINE_END.search(credentials.username + credentials.secret):
                text = "USER and PASS cannot say a secret that holds the end of a line"
                raise untestable(Reason.LOCAL_ERROR, text)
            await self._command(f"USER {credentials.username}", LOGIN)
            await self._command(f"PASS {credentials.secret}", LOGIN, shown="PASS <secret>")
        else:
            await self._authenticate(mechanism, credentials)
        self.logged_in = True
        self.capabilities = await self._capability()
        return name

    async def _authenticate(self, mechanism: str, credentials: Credentials) -> None:
        """AUTH (RFC 5034 §4); a line of it may be longer than any other."""
        first = sasl.initial(mechanism, credentials)
        answers = [first] if first else []
        if first and len(mechanism) + len(first) < 240:  # noqa: PLR2004 - RFC 5034 §4: 255 with the verb
            line, answers = f"AUTH {mechanism} {first.decode()}", []
            text = await self._say(line, shown=f"AUTH {mechanism} <secret>", secrets=(first,))
        else:
            text = await self._say(f"AUTH {mechanism}")
        if mechanism == "LOGIN":
            answers = [sasl.encoded(credentials.username), sasl.encoded(credentials.secret)]
        for turn in range(QUESTIONS + 1):
            if not text.startswith("+ ") and text != "+":
                break
            if turn == QUESTIONS:
                raise failed(Reason.PROTOCOL_ERROR, "the server asks and asks in the login")
            if mechanism == "CRAM-MD5" and not turn:
                answers = [sasl.cram_md5(credentials, text[2:])]
            word = answers.pop(0) if answers else b"" if credentials.token else sasl.CANCEL
            shown = "<secret>" if word not in (b"", sasl.CANCEL) else word.decode()
            text = await self._say(word.decode(), shown=shown, secrets=(word,))
        good, rest = self._judged(text)
        if not good:
            raise self._refused(f"AUTH {mechanism}", rest, LOGIN)

    def _mechanisms(self) -> Sequence[str]:
        return self.capabilities.get("SASL", "").split()

    def _own_login(self) -> bool:
        # RFC 2449 §6.3; a server without CAPA has USER and PASS.
        return "USER" in self.capabilities or not self.capabilities

    async def _farewell(self) -> None:
        self.removed, _ = await self._ask("QUIT")

    # Commands and replies.

    async def _many(self, phase: str, command: str, limit: int) -> bytes:
        with self._phase(phase, self._patience, self._silence(phase.upper())):
            await self._command(command, MAILBOX, limit=limit)
            return await self._lines(limit, seen=phase in ("uidl", "top"))

    async def _lines(self, limit: int, *, seen: bool = True) -> bytes:
        """The lines of a multi-line answer, each with CRLF, without the dots that stand before dots."""
        taken = bytearray()
        while (line := await self._stream.line(limit)) != b".":
            taken += line.removeprefix(b".") + b"\r\n"
            if seen:
                self._trail.received(line + b"\r\n")
            if len(taken) > limit:
                raise failed(Reason.PROTOCOL_ERROR, f"an answer of more than {limit} octets")
        if not seen:
            self._trail.note(f"{len(taken)} octets")
        return bytes(taken)

    async def _command(self, command: str, reasons: Reasons, *, shown: str = "", limit: int = LINE) -> str:
        good, text = await self._ask(command, shown=shown, limit=limit)
        if not good:
            raise self._refused((shown or command).split()[0], text, reasons)
        return text

    async def _ask(self, command: str, *, shown: str = "", limit: int = LINE) -> tuple[bool, str]:
        secrets = (command.partition(" ")[2].encode(),) if shown else ()
        return self._judged(await self._say(command, shown=shown, secrets=secrets, limit=limit))

    async def _say(
        self, line: str, *, shown: str = "", secrets: Sequence[bytes] = (), limit: int = LINE
    ) -> str:
        """Send a line; the line that is said to it."""
        # What came unasked since the last answer is no answer to what is only now asked; a refusal is one.
        if self.logged_in and self._stream.begins(b"-ERR"):
            return await self._line()
        if unread := self._stream.drop():
            self._trail.note(f"{unread} bytes that no command asked for")
        self._stream.allow(BUDGET + limit)
        self._trail.told((shown or line).encode(), *secrets)
        self._stream.write(line.encode() + b"\r\n")
        return await self._line()

    async def _status(self) -> tuple[bool, str]:
        return self._judged(await self._line())

    async def _line(self) -> str:
        line = await self._stream.line(_STATUS_LINE)
        self._trail.received(line + b"\r\n")
        return line.decode("utf-8", "backslashreplace")

    def _judged(self, line: str) -> tuple[bool, str]:
        """Whether a status line says +OK, and its text."""
        word, _, text = line.partition(" ")
        if word.upper() in ("+OK", "-ERR"):
            return word.upper() == "+OK", text
        shown = self._trail.cleaned(printable(line[:300].encode()))[:100]
        raise failed(Reason.PROTOCOL_ERROR, f"not POP3: {shown!r} is neither +OK nor -ERR")

    def _refused(self, what: str, text: str, reasons: Reasons) -> Exception:
        found = _CODE.match(text)
        code, text = (found[1].upper(), text[found.end() :]) if found else ("", text)
        return self.refuse(what, code, text, reasons)


@asynccontextmanager
async def open_pop3(
    door: Door,
    credentials: Credentials,
    *,
    trail: Trail,
    phases: dict[str, float],
    limit: float,
    patience: float,
    verify: Callable[[Pop3Session], None],
) -> AsyncIterator[Pop3Session]:
    """A session that is logged in; as `open_imap`."""
    async with Pop3Session(trail, phases, limit=limit, patience=patience) as session:
        await session.connect(door.address, door.port, within=patience)
        await introduce(session, door)
        verify(session)
        await session.log_in(credentials)
        yield session
