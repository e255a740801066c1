"""The mailbox of the demo: what a mail server took, and a small IMAP server to fetch it by.

Enough of IMAP (RFC 9051, with UIDPLUS of RFC 4315) for a program that logs in, opens INBOX, searches by a
header, fetches and deletes.  TLS comes first, as on port 993.  Lines, messages, sessions and silences
are bounded.  It has a bad day too: `stall` has mail taken and not delivered until `release`.
"""

import asyncio
import contextlib
import re
import secrets
import ssl
from typing import Final

USER: Final = "canary"
_MOST: Final = 200  # messages; the oldest go
_LINE: Final = 4096  # octets
_SESSIONS: Final = 50
_SILENCE: Final = 60.0  # seconds until an idle client is sent away
_WORDS: Final = re.compile(r'"((?:[^"\\]|\\.)*)"|(\([^)]*\)|\S+)')
_CAPABILITIES: Final = "IMAP4rev1 UIDPLUS"


class Mailbox:
    """One user's INBOX; `password` is made afresh for each demo."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.password = secrets.token_urlsafe(12)
        self._messages: dict[int, bytes] = {}
        self._deleted: set[int] = set()
        self._next = 1
        self._held: list[bytes] | None = None
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    def deliver(self, message: bytes) -> None:
        """Take a message that the mail server accepted."""
        if self._held is not None:
            self._held.append(message)
            del self._held[:-_MOST]
            return
        self._messages[self._next] = message
        self._next += 1
        while len(self._messages) > _MOST:
            del self._messages[min(self._messages)]

    def stall(self) -> None:
        """Deliver nothing from now on, as a queue that hangs."""
        self._held = []

    def release(self) -> None:
        """Deliver again, what waited first."""
        held, self._held = self._held or [], None
        for message in held:
            self.deliver(message)

    async def listen(self, address: str, context: ssl.SSLContext, port: int = 0) -> int:
        """Open this port, or any free one; its number.  Raises OSError."""
        self._server = await asyncio.start_server(self._serve, address, port, ssl=context, limit=_LINE)
        return int(self._server.sockets[0].getsockname()[1])

    async def close(self) -> None:
        """Close the port and cut what conversations there are."""
        if self._server is not None:
            self._server.close()
        for writer in tuple(self._writers):
            writer.transport.abort()
        await asyncio.sleep(0)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._writers) >= _SESSIONS:
            writer.transport.abort()
            return
        self._writers.add(writer)
        try:
            with contextlib.suppress(OSError, EOFError, TimeoutError, ValueError, asyncio.LimitOverrunError):
                await _Session(self, reader, writer).run()
        finally:
            self._writers.discard(writer)
            writer.transport.abort()

    # What a session asks.

    def uids(self) -> list[int]:
        """Of all messages, the oldest first."""
        return list(self._messages)

    def search(self, header: str, value: str) -> list[int]:
        """The UIDs of messages whose header holds a text."""
        wanted = re.compile(
            rf"^{re.escape(header)}:[^\r\n]*{re.escape(value)}".encode(), re.IGNORECASE | re.MULTILINE
        )
        return [
            uid for uid, message in self._messages.items() if wanted.search(message.partition(b"\r\n\r\n")[0])
        ]

    def message(self, uid: int) -> bytes | None:
        """A message."""
        return self._messages.get(uid)

    def mark(self, uid: int) -> None:
        """Flag a message as deleted."""
        if uid in self._messages:
            self._deleted.add(uid)

    def expunge(self, uid: int) -> None:
        """Take a flagged message out."""
        if uid in self._deleted:
            self._deleted.discard(uid)
            self._messages.pop(uid, None)


class _Session:
    """One client's conversation."""

    def __init__(self, box: Mailbox, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._box = box
        self._reader = reader
        self._writer = writer
        self._logged_in = False

    async def run(self) -> None:
        """Until LOGOUT, a lost connection or a limit."""
        await self._say(f"* OK [CAPABILITY {_CAPABILITIES}] {self._box.name} ready")
        while True:
            async with asyncio.timeout(_SILENCE):
                line = (await self._reader.readuntil(b"\n")).decode("utf-8", "replace").strip()
            tag, _, rest = line.partition(" ")
            words = [
                re.sub(r"\\(.)", r"\1", quoted) if quoted else bare for quoted, bare in _WORDS.findall(rest)
            ]
            verb = words[0].upper() if words else ""
            if verb == "LOGOUT":
                await self._say("* BYE logging out", f"{tag} OK LOGOUT")
                return
            for answer in self._answers(verb, words[1:]):
                await self._say(answer)
            await self._say(f"{tag} {self._outcome(verb, words[1:])}")

    def _outcome(self, verb: str, words: list[str]) -> str:
        if verb == "LOGIN":
            self._logged_in = words == [USER, self._box.password]
            return "OK LOGIN" if self._logged_in else "NO [AUTHENTICATIONFAILED] wrong name or password"
        if verb in {"CAPABILITY", "NOOP"}:
            return f"OK {verb}"
        if not self._logged_in:
            return "NO log in first"
        if verb in {"SELECT", "EXAMINE"} and [word.upper() for word in words] != ["INBOX"]:
            return "NO [NONEXISTENT] there is INBOX only"
        known = verb in {"SELECT", "EXAMINE", "LIST", "UID"}
        return f"OK {verb}" if known else "BAD unknown command"

    def _answers(self, verb: str, words: list[str]) -> list[str | bytes]:
        """The untagged ones."""
        if verb == "CAPABILITY":
            return [f"* CAPABILITY {_CAPABILITIES}"]
        if not self._logged_in:
            return []
        if verb in {"SELECT", "EXAMINE"}:
            return [
                f"* {len(self._box.uids())} EXISTS",
                "* OK [UIDVALIDITY 1] valid",
                r"* FLAGS (\Deleted \Seen)",
            ]
        if verb == "LIST":
            return ['* LIST () "/" INBOX']
        return self._uid(words) if verb == "UID" and words else []

    def _uid(self, words: list[str]) -> list[str | bytes]:
        verb = words[0].upper()
        if verb == "SEARCH" and [word.upper() for word in words[1:2]] == ["HEADER"] and len(words) > 3:  # noqa: PLR2004
            return [" ".join(["* SEARCH", *map(str, self._box.search(words[2], words[3]))])]
        if verb == "SEARCH":
            return ["* SEARCH"]
        uid = int(words[1]) if len(words) > 1 and words[1].isdecimal() else 0
        if verb == "STORE" and r"\DELETED" in words[-1].upper():
            self._box.mark(uid)
        elif verb == "EXPUNGE":
            self._box.expunge(uid)
        elif verb == "FETCH" and (message := self._box.message(uid)) is not None:
            what = "BODY[HEADER]" if "HEADER" in words[-1].upper() else "BODY[]"
            body = message.partition(b"\r\n\r\n")[0] + b"\r\n\r\n" if "HEADER" in what else message
            place = self._box.uids().index(uid) + 1
            head = f"* {place} FETCH (UID {uid} {what} {{{len(body)}}}\r\n".encode()
            return [head + body + b")"]
        return []

    async def _say(self, *lines: str | bytes) -> None:
        for line in lines:
            self._writer.write((line.encode() if isinstance(line, str) else line) + b"\r\n")
        async with asyncio.timeout(_SILENCE):
            await self._writer.drain()
