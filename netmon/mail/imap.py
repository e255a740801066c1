"""One IMAP conversation, seen as closely as a diagnosis needs (RFC 9051, and RFC 3501 before it).

Every response is bounded: a line, the octets of an answer, the number of responses to one command, and a
literal's size before one octet of it is read.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import ClassVar, Final

from netmon.errors import Reason
from netmon.mail import sasl
from netmon.mail.faults import failed
from netmon.mail.imap_words import (
    Literal,
    NotImapError,
    Response,
    Value,
    astring,
    capabilities,
    decode_mailbox,
    encode_mailbox,
    literal,
    response,
    uids,
    values,
)
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

_RESPONSES: Final = 5_000  # to one command
_SMALL_LITERAL: Final = 65_536  # octets, where no message is asked for
_HEADERS: Final = 262_144  # octets of a message's header
_MAILBOXES: Final = 1_000
_UIDS: Final = 1_000


@dataclass(frozen=True, slots=True)
class Mailbox:
    r"""A mailbox as LIST tells it; `flags` in lower case, with special uses (RFC 6154), as \junk."""

    name: str
    flags: frozenset[str]


@dataclass(frozen=True, slots=True)
class Reply:
    """The tagged response to a command, and the untagged ones before it."""

    status: Response
    data: tuple[Response, ...]


class ImapSession(MailboxSession):
    """A connection to one IMAP server."""

    upgrade_word: ClassVar[str] = "STARTTLS"
    goodbye_word: ClassVar[str] = "LOGOUT"
    validity = ""  # UIDVALIDITY of the open mailbox: what its UIDs mean (RFC 9051 §2.3.1.1)
    _tags = 0
    _preauth = False

    async def examine(self, mailbox: str = "INBOX") -> int:
        r"""Open a mailbox to read, which leaves even \Recent as it was; gives its number of messages."""
        return await self._open("EXAMINE", mailbox)

    async def select(self, mailbox: str = "INBOX") -> int:
        """Open a mailbox; gives its number of messages."""
        return await self._open("SELECT", mailbox)

    async def search_header(self, name: str, value: str) -> list[int]:
        """The UIDs of the messages whose header `name` holds `value`; the newest thousand."""
        words = astring(name.encode()), astring(value.encode())
        # Who can send mail here can make it a long answer, and a long line of it.
        reply = await self._do("search", b"UID SEARCH HEADER", *words, line=BUDGET)
        return uids(reply.data)[-_UIDS:]

    async def list_mailboxes(self) -> list[Mailbox]:
        """All mailboxes, at most a thousand, with their special uses where the server tells them."""
        told = {"SPECIAL-USE", "LIST-EXTENDED"} <= self.capabilities.keys()
        words = (b"RETURN (SPECIAL-USE)",) if told else ()
        reply = await self._do("list", b"LIST", b'""', b'"*"', *words)
        found = []
        for item in reply.data:
            if item.kind != "LIST":
                continue
            match self._values(item):
                case (tuple() as flags, _, bytes() as name, *_):
                    words_of = frozenset(_lower(flag) for flag in flags)
                    found.append(Mailbox(decode_mailbox(name), words_of))
                case _:
                    raise failed(Reason.PROTOCOL_ERROR, "LIST tells no mailbox")
        return found[:_MAILBOXES]

    async def fetch(self, uid: int, limit: int) -> bytes:
        r"""A whole message of at most `limit` octets; \Seen stays as it is."""
        return await self._fetch(uid, b"BODY.PEEK[]", limit)

    async def fetch_headers(self, uid: int) -> bytes:
        """A message's header."""
        return await self._fetch(uid, b"BODY.PEEK[HEADER]", _HEADERS)

    async def delete(self, uid: int) -> None:
        """Delete one message, and never another: raises MailError where that cannot be had.

        UID EXPUNGE takes one out (RFC 4315 §2.1; RFC 9051 §6.4.9 has it without a word of UIDPLUS).  Plain
        EXPUNGE takes all that are flagged, so it is used only while the server says that this one alone is.
        """
        number = str(uid).encode()
        by_uid = "UIDPLUS" in self.capabilities or (
            "IMAP4REV2" in self.capabilities and "IMAP4REV1" not in self.capabilities
        )
        if not by_uid and set(await self._flagged()) - {uid}:
            text = "other messages are marked as deleted, and the server has no UIDPLUS: nothing is expunged"
            raise failed(Reason.MAILBOX_REJECTED, text)
        await self._do("delete", b"UID STORE", number, b"+FLAGS.SILENT (\\Deleted)")
        if by_uid:
            await self._do("delete", b"UID EXPUNGE", number)
        elif await self._flagged() != [uid]:
            await self._do("delete", b"UID STORE", number, b"-FLAGS.SILENT (\\Deleted)")
            text = "the server has no UIDPLUS, and does not say that this message alone is marked: it is left"
            raise failed(Reason.MAILBOX_REJECTED, text)
        else:
            await self._do("delete", b"EXPUNGE")

    async def noop(self) -> None:
        """Let the server tell what is new."""
        await self._do("noop", b"NOOP")

    async def logout(self) -> None:
        """Say goodbye; the end of the context does it too."""
        await self.part()

    # The steps that MailboxSession asks for.

    async def _greeting(self) -> None:
        told = await self._response()
        if told.tag != "*" or told.kind not in ("OK", "PREAUTH", "BYE"):
            raise failed(Reason.PROTOCOL_ERROR, "the greeting is none of OK, PREAUTH and BYE")
        self.greeting = told.text
        if told.kind == "BYE":
            raise self.refuse("greeting: BYE", told.code, told.text, GREETING)
        self._preauth = self.logged_in = told.kind == "PREAUTH"

    async def _capability(self) -> Mapping[str, str]:
        reply = await self._command(b"CAPABILITY")
        if reply.status.kind != "OK":
            raise self.refuse("CAPABILITY", reply.status.code, reply.status.text, GREETING)
        told = [item for item in reply.data if item.kind == "CAPABILITY"]
        if not told:
            raise failed(Reason.PROTOCOL_ERROR, "CAPABILITY is answered without a word of what it can")
        return capabilities(told[-1].rest[0].decode("utf-8", "replace"))

    async def _upgrade(self) -> None:
        if self._preauth:
            # RFC 9051 §7.1.4: behind PREAUTH there is no STARTTLS; whoever forges it keeps all in plain text.
            text = "the server greets with PREAUTH, behind which there is no STARTTLS (RFC 9051 §7.1.4)"
            raise failed(Reason.STARTTLS_MISSING, text)
        self._expect("STARTTLS", await self._command(b"STARTTLS"), STARTTLS)

    async def _log_in(self, mechanism: str, credentials: Credentials) -> str:
        if mechanism == OWN:
            name = "LOGIN command"
            words = astring(credentials.username.encode()), astring(credentials.secret.encode())
            reply = await self._command(b"LOGIN", *words, shown=b"LOGIN <secret>", secrets=words)
        else:
            name = mechanism
            reply = await self._authenticate(mechanism, credentials)
        self._expect(name if mechanism == OWN else f"AUTHENTICATE {name}", reply, LOGIN)
        # What a server can depends on who asks; it may say it with its OK (RFC 9051 §6.2.3).
        if reply.status.code == "CAPABILITY":
            self.capabilities = capabilities(reply.status.arguments)
        elif told := [item for item in reply.data if item.kind == "CAPABILITY"]:
            self.capabilities = capabilities(told[-1].rest[0].decode("utf-8", "replace"))
        else:
            self.capabilities = await self._capability()
        return name

    async def _authenticate(self, mechanism: str, credentials: Credentials) -> Reply:
        first = sasl.initial(mechanism, credentials)
        words, answers = [b"AUTHENTICATE", mechanism.encode()], [first] if first else []
        if first and "SASL-IR" in self.capabilities:  # RFC 4959
            words, answers = [*words, first], []
        if mechanism == "LOGIN":
            answers = [sasl.encoded(credentials.username), sasl.encoded(credentials.secret)]
        asked = 0

        def answer(challenge: str) -> bytes:
            nonlocal asked
            asked += 1
            if asked > QUESTIONS:
                raise failed(Reason.PROTOCOL_ERROR, "the server asks and asks in the login")
            if mechanism == "CRAM-MD5" and asked == 1:
                return sasl.cram_md5(credentials, challenge)
            # After a token that it does not take the server says why, and we nothing (RFC 7628 §3.2.3).
            return answers.pop(0) if answers else b"" if credentials.token else sasl.CANCEL

        shown = f"AUTHENTICATE {mechanism}{' <secret>' if len(words) > 2 else ''}"  # noqa: PLR2004
        return await self._command(*words, shown=shown.encode(), answer=answer, secrets=(first,))

    def _mechanisms(self) -> Sequence[str]:
        return self.capabilities.get("AUTH", "").split()

    def _own_login(self) -> bool:
        return "LOGINDISABLED" not in self.capabilities

    async def _farewell(self) -> None:
        await self._command(b"LOGOUT")

    # Commands and responses.

    async def _open(self, command: str, mailbox: str) -> int:
        with self._phase(command.lower(), self._patience, self._silence(command)):
            reply = await self._command(command.encode(), astring(encode_mailbox(mailbox)))
            self._expect(command, reply, MAILBOX)
        self.validity = next((item.arguments for item in reply.data if item.code == "UIDVALIDITY"), "")
        counts = [item.number for item in reply.data if item.kind == "EXISTS" and item.number is not None]
        if not counts:
            raise failed(Reason.PROTOCOL_ERROR, f"{command} tells no number of messages")
        return counts[-1]

    async def _flagged(self) -> list[int]:
        """The messages that EXPUNGE would take."""
        return uids((await self._do("delete", b"UID SEARCH DELETED", line=BUDGET)).data)

    async def _fetch(self, uid: int, what: bytes, limit: int) -> bytes:
        reply = await self._do("fetch", b"UID FETCH", str(uid).encode(), b"(" + what + b")", limit=limit)
        wanted = what.replace(b".PEEK", b"")
        for item in reply.data:
            if item.kind != "FETCH":
                continue
            match self._values(item):
                case (tuple() as pairs,):
                    told = {_lower(name): value for name, value in zip(pairs[::2], pairs[1::2], strict=False)}
                case _:
                    raise failed(Reason.PROTOCOL_ERROR, "FETCH tells no list")
            body = told.get(_lower(wanted))
            if told.get("uid") == str(uid).encode() and isinstance(body, bytes):
                if len(body) > limit:
                    raise failed(Reason.PROTOCOL_ERROR, f"a message of more than {limit} octets")
                return body
        raise failed(Reason.MAILBOX_REJECTED, f"there is no message with the UID {uid} any more")

    async def _do(self, phase: str, *words: bytes, limit: int = _SMALL_LITERAL, line: int = LINE) -> Reply:
        """A command in a phase of its own that must be answered with OK."""
        name = words[0].decode()
        with self._phase(phase, self._patience, self._silence(name)):
            reply = await self._command(*words, limit=limit, longest=line)
            self._expect(name, reply, MAILBOX)
        return reply

    def _expect(self, what: str, reply: Reply, reasons: Reasons) -> None:
        status = reply.status
        if status.kind == "BAD" and not status.code and reasons is not LOGIN:
            said = self._trail.cleaned(f"{what}: BAD {status.text}")[:300]
            raise failed(Reason.PROTOCOL_ERROR, said)
        if status.kind != "OK":
            raise self.refuse(f"{what}: {status.kind}", status.code, status.text, reasons)

    async def _command(
        self,
        *words: bytes,
        shown: bytes = b"",
        answer: Callable[[str], bytes] | None = None,
        secrets: Sequence[bytes] = (),
        limit: int = _SMALL_LITERAL,
        longest: int = LINE,
    ) -> Reply:
        """Send a command and read all up to its tagged response.

        `shown` takes its place in the trail where it holds secrets; `answer` gives what is said to each
        request to go on; `limit` is that of a literal, `longest` that of a line.
        """
        self._tags += 1
        tag = f"N{self._tags}"
        self._stream.allow(BUDGET + limit)
        line = b" ".join(words) if not any(isinstance(word, Literal) for word in words) else b""
        self._trail.told(f"{tag} ".encode() + (shown or line or words[0]), *secrets)
        waiting = _pieces(tag, words)
        self._stream.write(waiting.pop(0))
        data: list[Response] = []
        while True:
            told = await self._response(limit, longest)
            if told.tag == "+":
                if waiting:
                    self._stream.write(waiting.pop(0))
                    continue
                if answer is None:
                    raise failed(Reason.PROTOCOL_ERROR, f"a request to go on with {words[0].decode()}")
                said = answer(told.text)
                self._trail.told(b"<secret>" if said not in (b"", sasl.CANCEL) else said, said)
                self._stream.write(said + b"\r\n")
            elif told.tag == "*":
                if told.kind == "BYE" and words[0] != b"LOGOUT":
                    reasons = MAILBOX if self.logged_in else GREETING
                    raise self.refuse(f"{words[0].decode()}: BYE", told.code, told.text, reasons)
                data.append(told)
                if len(data) > _RESPONSES:
                    raise failed(Reason.PROTOCOL_ERROR, f"more than {_RESPONSES} responses to one command")
            elif told.tag == tag:
                return Reply(told, tuple(data))
            else:
                raise failed(Reason.PROTOCOL_ERROR, "a response to a command that was not given")

    async def _response(self, limit: int = _SMALL_LITERAL, longest: int = LINE) -> Response:
        """The next response; its literals of at most `limit` octets each."""
        pieces: list[bytes] = []
        while True:
            line = await self._stream.line(longest)
            self._trail.received(line + b"\r\n")
            pieces.append(line)
            size = literal(line) if len(pieces) > 1 or line[:1] == b"*" else None
            if size is None:
                break
            if size > limit:
                text = f"a literal of {size} octets is announced; {limit} are read at most"
                raise failed(Reason.PROTOCOL_ERROR, text)
            self._trail.note(f"{size} octets")
            pieces.append(Literal(await self._stream.octets(size)))
        try:
            return response(pieces)
        except NotImapError as error:
            shown = self._trail.cleaned(printable(pieces[0][:300]))[:100]
            raise failed(Reason.PROTOCOL_ERROR, f"not IMAP: {shown!r} ({error})") from None

    def _values(self, item: Response) -> tuple[Value, ...]:
        try:
            return values(item.rest)
        except NotImapError as error:
            raise failed(Reason.PROTOCOL_ERROR, f"not IMAP: {item.kind} with {error}") from None


@asynccontextmanager
async def open_imap(
    door: Door,
    credentials: Credentials,
    *,
    trail: Trail,
    phases: dict[str, float],
    limit: float,
    patience: float,
    verify: Callable[[ImapSession], None],
) -> AsyncIterator[ImapSession]:
    """A session that is logged in; `limit` is a loop time, `patience` the seconds for one answer.

    `verify` is called once TLS stands, before the secret goes out, and may raise MailError.  A MailError
    of a step has its `phase`.
    """
    async with ImapSession(trail, phases, limit=limit, patience=patience) as session:
        await session.connect(door.address, door.port, within=patience)
        await introduce(session, door)
        verify(session)
        await session.log_in(credentials)
        yield session


def _pieces(tag: str, words: Sequence[bytes]) -> list[bytes]:
    """What is sent at once: up to each literal's size, for which the server has to ask (RFC 9051 §4.3)."""
    pieces = [tag.encode()]
    for word in words:
        if isinstance(word, Literal):
            pieces[-1] += b" {%d}\r\n" % len(word)
            pieces.append(bytes(word))
        else:
            pieces[-1] += b" " + word
    pieces[-1] += b"\r\n"
    return pieces


def _lower(word: Value) -> str:
    return word.decode("ascii", "replace").lower() if isinstance(word, bytes) else ""
