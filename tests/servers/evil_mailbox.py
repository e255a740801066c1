"""IMAP and POP3 servers that do what they are told, and mostly what they should not.

They are scripts for `tests.servers.evil_smtp.serving`.  A `Tongue` knows the words of one protocol: what an
honest server says to each step of the probe, and how to say it wrongly.
"""

import ssl
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from tests.servers.evil_smtp import Peer, Script, repeats

Act = Callable[[Peer, bytes], Awaitable[None]]  # the peer, and the command with its tag if it has one


@dataclass(frozen=True, slots=True)
class Tongue:
    """One protocol's words; in an answer ``%t`` stands for the command's tag."""

    probe: str
    greeting: bytes
    answers: Mapping[str, bytes]  # by step
    upgrade: str
    goodbye: str
    rejects: bytes
    defers: bytes
    unfinished: bytes  # the beginning of an answer that may go on for ever
    more: bytes  # a whole line of such an answer
    open: str  # the step that opens the mailbox

    def step(self, line: bytes, *, secured: bool) -> tuple[str, bytes]:
        """What a command is called, and its tag."""
        words = line.split(b" ")
        tag, verb = (words[0], words[1:2]) if self.probe == "imap" else (b"", words[:1])
        name = verb[0].decode().upper() if verb else ""
        inside = " inside" if secured and name in ("CAPABILITY", "CAPA") else ""
        return name + inside, tag


IMAP = Tongue(
    "imap",
    b"* OK evil.example.test ready\r\n",
    {
        "CAPABILITY": b"* CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED\r\n%t OK done\r\n",
        "STARTTLS": b"%t OK go\r\n",
        "CAPABILITY inside": b"* CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN X-UNHEARD-OF\r\n%t OK done\r\n",
        "AUTHENTICATE": b"* CAPABILITY IMAP4rev1 IDLE\r\n%t OK [CAPABILITY IMAP4rev1 MOVE] in\r\n",
        "EXAMINE": b"* FLAGS (\\Seen)\r\n* 3 EXISTS\r\n* 0 RECENT\r\n%t OK [READ-ONLY] done\r\n",
        "LOGOUT": b"* BYE bye\r\n%t OK done\r\n",
    },
    upgrade="STARTTLS",
    goodbye="LOGOUT",
    rejects=b"%t NO [SERVERBUG] broken\r\n",
    defers=b"%t NO [UNAVAILABLE] come later\r\n",
    unfinished=b"* OK ",
    more=b"* 4 EXISTS\r\n",
    open="EXAMINE",
)
POP3 = Tongue(
    "pop3",
    b"+OK evil.example.test ready\r\n",
    {
        "CAPA": b"+OK\r\nSTLS\r\nUIDL\r\n.\r\n",
        "STLS": b"+OK go\r\n",
        "CAPA inside": b"+OK\r\nSASL PLAIN\r\nUIDL\r\nX-UNHEARD-OF\r\n.\r\n",
        "AUTH": b"+OK in\r\n",
        "STAT": b"+OK 3 4567\r\n",
        "QUIT": b"+OK bye\r\n",
    },
    upgrade="STLS",
    goodbye="QUIT",
    rejects=b"-ERR [SYS/PERM] broken\r\n",
    defers=b"-ERR [SYS/TEMP] come later\r\n",
    unfinished=b"+OK ",
    more=b"+OK more\r\n",
    open="STAT",
)


def spoils(tongue: Tongue, step: str, act: Act, context: ssl.SSLContext | None) -> Script:
    """Do everything right until `step` (``greeting`` is the first); without a `context` TLS came before."""

    async def script(peer: Peer) -> None:
        if step == "greeting":
            await act(peer, b"*")
        else:
            await peer.say(tongue.greeting)
        secured = context is None
        while (line := await peer.hear()) or not peer.gone:
            name, tag = tongue.step(line, secured=secured)
            if name == step:
                await act(peer, tag)
                continue
            await peer.say(tongue.answers.get(name, b"%t BAD what?\r\n").replace(b"%t", tag))
            if name == tongue.goodbye:
                return
            if name == tongue.upgrade and context is not None:
                await peer.tls(context)
                secured = True

    return script


def honest(tongue: Tongue, context: ssl.SSLContext | None) -> Script:
    """Do everything right."""
    return spoils(tongue, "", says(b""), context)


def says(data: bytes) -> Act:
    """Say it, and go on."""

    async def act(peer: Peer, tag: bytes) -> None:
        await peer.say(data.replace(b"%t", tag))

    return act


def drips(tongue: Tongue) -> Act:
    """An answer that comes an octet at a time and has no end."""

    async def act(peer: Peer, _tag: bytes) -> None:
        await peer.say(tongue.unfinished)
        await repeats(b"x", 0.05)(peer)

    return act


def floods(piece: bytes) -> Act:
    """Say this again and again, as fast as it goes."""

    async def act(peer: Peer, _tag: bytes) -> None:
        await repeats(piece * 100, 0)(peer)

    return act


async def hangs_up(peer: Peer, _tag: bytes) -> None:
    """Close without a word."""
    peer.hang_up()


def injects(tongue: Tongue, injected: bytes, context: ssl.SSLContext) -> Act:
    """Say more than the OK before the handshake (RFC 3207 §6 has the same of SMTP)."""

    async def act(peer: Peer, tag: bytes) -> None:
        await peer.say(tongue.answers[tongue.upgrade].replace(b"%t", tag) + injected)
        await peer.tls(context)

    return act
