"""The records of an exchange: whom a client asks, what it knows of them, and a conversation under way."""

import asyncio
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Any, Final, NamedTuple, TypeVar

from netmon.errors import NetmonError, Reason
from netmon.snmp.alarms import Alarm, Alarms
from netmon.snmp.ber import decode_oid
from netmon.snmp.encoder import Encoder
from netmon.snmp.gate import Gate, Standing, Ticket
from netmon.snmp.message import PDU_NAMES, Response, encode_head
from netmon.snmp.message_v3 import VERSION
from netmon.snmp.sockets import Address, Socket
from netmon.snmp.usm import Level, User
from netmon.snmp.usm_engine import Dropped, Session
from netmon.snmp.usm_keys import Masters

_REPLY_OCTETS: Final = 2_304  # of receive buffer that a reply of 1,472 octets takes, overhead included
_SMALLEST_WINDOW: Final = 8
_OIDS_NAMED: Final = 3  # in a message for people
_SESSIONS: Final = 8  # users and contexts remembered for each peer

T = TypeVar("T")


class SnmpError(NetmonError):
    """A request or a walk that failed; the text says what was asked of whom and what came.

    `alive` is evidence as in `Observation.alive`: True if anything was heard from the host, False
    if it was silent, None if it could not be asked.
    """

    def __init__(self, reason: Reason, text: str, *, alive: bool | None) -> None:
        super().__init__(text)
        self.reason = reason
        self.alive = alive


@dataclass(frozen=True, slots=True)
class Target:
    """An agent and how to talk to it.

    `timeout` is seconds to wait after each send, `retries` the sends after the first: a silent
    agent costs ``timeout * (retries + 1)``, which is what a check calls its timeout.
    """

    address: str  # numeric
    port: int = 161
    version: int = 2  # 1, 2 or 3
    community: bytes = field(default=b"public", repr=False)  # of version 1 and 2
    user: User | None = None  # of version 3
    timeout: float = 3.0
    retries: int = 2
    max_repetitions: int = 25

    @property
    def patience(self) -> float:
        """Seconds after which silence is the answer."""
        return self.timeout * (self.retries + 1)

    def __str__(self) -> str:
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"


@dataclass(slots=True)
class Meter:
    """What one run cost: datagrams sent, how many of them again, varbinds that came.

    `tap` is told of each request that leaves (with None) and of each response that answers one.
    """

    packets: int = 0
    retries: int = 0
    varbinds: int = 0
    tap: "Callable[[str, Ask, Response | None], None] | None" = field(default=None, repr=False)


@dataclass(slots=True)
class Stats:
    """Datagrams that were no answer to anything, since the client began."""

    late: int = 0  # the request had been given up
    duplicate: int = 0  # the request had been answered
    unmatched: int = 0  # no such request was ever sent
    foreign: int = 0  # from an address that was not asked
    malformed: int = 0  # no SNMP response
    untrusted: int = 0  # of SNMPv3: a wrong digest, engine or time, or less secure than asked
    icmp: int = 0  # ICMP errors


class Peer:
    """What is known of an agent's address."""

    __slots__ = (
        "address",
        "at_once",
        "door",
        "heard",
        "malformed",
        "max_repetitions",
        "requests",
        "sessions",
        "standing",
    )

    def __init__(self, address: Address, door: "Door") -> None:
        self.address = address
        self.door = door
        self.requests: set[Request] = set()
        self.standing = Standing.UNSURE
        self.heard = 0  # datagrams
        self.malformed = 0  # of them no SNMP response
        self.max_repetitions = 0  # learned from tooBig; 0: not learned
        self.at_once = 2  # requests under way; 1 once it lost one of several
        self.sessions: dict[User, Session] = {}  # of SNMPv3; the latest used last

    def session(self, user: User, masters: Masters) -> Session:
        """What is known of a user's engine here."""
        session = self.sessions.pop(user, None) or Session(user, masters)
        self.sessions[user] = session
        if len(self.sessions) > _SESSIONS:
            del self.sessions[next(iter(self.sessions))]
        return session


class Ask(NamedTuple):
    """What one request asks for; the two counts mean something in a GETBULK only."""

    pdu_type: int
    oids: Sequence[bytes]
    non_repeaters: int = 0
    max_repetitions: int = 0


# A conversation: what to ask next, in the light of the answer to the question before.
Steps = Generator[Ask, Response, T]


class Request(Ticket):
    """What a conversation waits for an answer to.

    The same object is its requests one after another, until the future is done: only what `begin`
    sets is a single request's.
    """

    __slots__ = (
        "alarm", "ask", "datagram", "encoder", "engine_id", "future", "heard", "hint", "malformed", "meter",
        "peer", "remark", "request_id", "resyncs", "sends", "session", "steps", "stranger", "target",
        "unproven", "used",
    )  # fmt: skip

    def __init__(self, peer: Peer, target: Target, steps: Steps[Any], meter: Meter, masters: Masters) -> None:
        super().__init__()
        self.peer = peer
        self.target = target
        self.steps = steps
        self.meter = meter
        self.session: Session | None = None
        if target.version == VERSION and target.user is not None:
            self.session = peer.session(target.user, masters)
        else:
            self.encoder = Encoder(encode_head(target.version, target.community))
        self.future: asyncio.Future[Any] = peer.door.loop.create_future()
        self.alarm = Alarm(self)
        self.request_id = 0  # none
        self.sends = 0
        # Of SNMPv3 alone, and of one question, however often it was put anew:
        self.engine_id = b""  # whom it asks; empty: it asks who is there
        self.resyncs = 0  # how often it was put anew
        self.unproven = False  # once because an unauthenticated report wanted it
        self.used = 0  # sends that were lost before
        self.remark: Dropped | None = None  # what came and could not count

    def begin(self, ask: Ask, request_id: int) -> None:
        """Make it the conversation's next request, not sent yet.  Raises EncodeError."""
        self.ask = ask
        self.request_id = request_id
        if self.session is None:
            self.datagram = self.encoder.encode(
                ask.pdu_type, request_id, ask.oids, ask.non_repeaters, ask.max_repetitions
            )
        else:
            self.resyncs = self.used = 0
            self.unproven = False
            self.remark = None
            self._seal(self.session)
        self._set_out()

    def again(self, request_id: int) -> None:
        """Put the same question anew, to what is now known of the engine."""
        self.used += max(0, self.sends - 1)
        self.request_id = request_id
        if self.session is not None:
            self._seal(self.session)
        self._set_out()

    def _seal(self, session: Session) -> None:
        if session.ready:
            ask = self.ask
            self.engine_id = session.engine_id
            scoped = session.encoder.encode(
                ask.pdu_type, self.request_id, ask.oids, ask.non_repeaters, ask.max_repetitions
            )
            self.datagram = session.seal(self.request_id, scoped, self.peer.door.loop.time())
        else:
            self.engine_id = b""
            self.datagram = session.discovery(self.request_id)

    def _set_out(self) -> None:
        peer = self.peer
        self.sends = 0
        self.alarm.due = inf  # that of the request before
        self.heard = peer.heard
        self.malformed = peer.malformed
        self.hint = False  # ICMP said unreachable
        self.stranger = ""  # who answered in the peer's place

    def fail(self, reason: Reason, why: str, *, alive: bool | None) -> None:
        """End the conversation with an error that says what was asked of whom."""
        if not self.future.done():
            pdu_type, oids, *_ = self.ask
            what = ", ".join(map(decode_oid, oids[:_OIDS_NAMED]))
            more = ", ..." if len(oids) > _OIDS_NAMED else ""
            text = f"{PDU_NAMES[pdu_type]} of {what}{more} to {self.target}: {why}"
            self.future.set_exception(SnmpError(reason, text, alive=alive))

    def end_in_silence(self, *, heard: bool) -> None:
        """Fail for want of an answer; `heard` is whether the peer said anything at all meanwhile."""
        alive = heard or self.meter.varbinds > 0 or self.resyncs > 0
        times = "send" if self.sends == 1 else "sends"
        tried = f"{self.sends} {times} of {self.target.timeout:g} s each"
        if self.remark is not None:
            self.fail(self.remark.reason, f"{self.remark.why}, and no other to {tried}", alive=True)
        elif self.peer.malformed > self.malformed:
            self.fail(Reason.MALFORMED_REPLY, f"what came in {tried} was no SNMP response", alive=True)
        elif self.hint:
            self.fail(Reason.UNREACHABLE, f"no answer to {tried}, and ICMP says unreachable", alive=alive)
        else:
            why = f"; {self.stranger} answered instead" if self.stranger else self._silence()
            self.fail(Reason.TIMEOUT, f"no answer to {tried}{why}", alive=alive)

    def _silence(self) -> str:
        """What may be behind silence in SNMPv3, as a clause."""
        session = self.session
        if session is None:
            return ""
        if not self.engine_id:
            return "; it was asked for its engine ID (SNMPv3)"
        if session.proven or session.user.level is not Level.AUTH_PRIV:
            return ""
        return (
            "; it has told its engine ID, so the privacy password (or privacy protocol) of user "
            f"{session.user.name} may be wrong: net-snmp drops what it cannot decrypt"
        )


class Door:
    """The socket of one address family, its gate, its alarms and its loop."""

    __slots__ = ("alarms", "gate", "loop", "socket")

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        family: int,
        send: Callable[[Request], None],
        ring: Callable[[Request], None],
    ) -> None:
        self.loop = loop
        self.socket = Socket(family)
        window = max(_SMALLEST_WINDOW, self.socket.granted_rcvbuf // _REPLY_OCTETS)
        self.gate: Gate[Request] = Gate(loop, window, send)
        self.alarms: Alarms[Request] = Alarms(loop, ring)
