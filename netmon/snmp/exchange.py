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
from netmon.snmp.message import GETBULK, PDU_NAMES, Response, encode_head
from netmon.snmp.message_v3 import VERSION
from netmon.snmp.sockets import Address, Socket
from netmon.snmp.usm import Level, User
from netmon.snmp.usm_engine import Dropped, Session
from netmon.snmp.usm_keys import Masters

_REPLY_OCTETS: Final = 2_304  # of receive buffer that a reply of 1,472 octets takes, overhead included
_SMALLEST_WINDOW: Final = 8
_OIDS_NAMED: Final = 3  # in a message for people
_PATIENCE: Final = 4  # readings without a loss before a peer is trusted with more; doubled by each loss
_MOST_PATIENCE: Final = 256
_AT_ONCE: Final = 4  # requests under way at most ...
_DISTANT: Final = 0.004  # ... of a peer that takes so many seconds to answer
SMALL: Final = 4  # varbinds: what is not asked for with fewer when it is lost
_DATAGRAM_IPV4: Final = 1_472  # octets of UDP payload in an Ethernet frame
_DATAGRAM_IPV6: Final = 1_452
_AROUND: Final = 29  # octets of a reply beside varbinds and community
_AROUND_V3: Final = 220  # with engine IDs, a user's name and the parameters of authentication and privacy
# Octets of answers for one module: no device has so much to say in it, and an agent that fills each object
# with a long string would fill the memory long before it has sent too many.
MOST_OCTETS: Final = 32 << 20
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
    max_repetitions: int = 0  # at most; 0: as many as fill a datagram of the path
    any_source: bool = False  # take an answer from another address than was asked, if its request-id fits

    @property
    def patience(self) -> float:
        """Seconds after which silence is the answer."""
        return self.timeout * (self.retries + 1)

    @property
    def datagram(self) -> int:
        """Octets of the largest datagram that Ethernet carries in one piece."""
        return _DATAGRAM_IPV6 if ":" in self.address else _DATAGRAM_IPV4

    @property
    def room(self) -> int:
        """Octets for varbinds in a reply that takes one such datagram."""
        around = _AROUND_V3 if self.version == VERSION else _AROUND + len(self.community)
        return self.datagram - around

    def __str__(self) -> str:
        return f"[{self.address}]:{self.port}" if ":" in self.address else f"{self.address}:{self.port}"


@dataclass(slots=True)
class Meter:
    """What one run cost: datagrams sent, how many of them again, varbinds that came, octets of the answers.

    `tap` is told of each request that leaves (with None) and of each response that answers one.
    """

    packets: int = 0
    retries: int = 0
    varbinds: int = 0
    octets: int = field(default=0, compare=False)
    most: int = field(default=MOST_OCTETS, compare=False)  # octets; an answer beyond is an endless table
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
        "clean",
        "door",
        "heard",
        "largest",
        "malformed",
        "max_repetitions",
        "patience",
        "requests",
        "sessions",
        "standing",
        "suspect",
    )

    def __init__(self, address: Address, door: "Door") -> None:
        self.address = address
        self.door = door
        self.requests: set[Request] = set()
        self.standing = Standing.UNSURE
        self.heard = 0  # datagrams
        self.malformed = 0  # of them no SNMP response
        self.max_repetitions = 0  # learned from tooBig and loss; 0: not learned
        self.at_once = 2  # requests under way; 1 once it lost one of several
        self.largest = 0  # octets of a datagram, since the last reading
        self.suspect = 0  # varbinds that got through where twice as many did not
        self.clean = 0  # readings without a loss since the last one with
        self.patience = _PATIENCE  # of them, until it is trusted with more
        self.sessions: dict[User, Session] = {}  # of SNMPv3; the latest used last

    def session(self, user: User, masters: Masters) -> Session:
        """What is known of a user's engine here."""
        session = self.sessions.pop(user, None) or Session(user, masters)
        self.sessions[user] = session
        if len(self.sessions) > _SESSIONS:
            del self.sessions[next(iter(self.sessions))]
        return session

    def bears_less(self, max_repetitions: int = 0) -> None:
        """It said so, or lost something: take that from it, and wait longer before trying more."""
        if max_repetitions:
            self.max_repetitions = max_repetitions
        else:
            self.at_once = 1
        self.clean = 0
        self.patience = min(2 * self.patience, _MOST_PATIENCE)

    def suspect_size(self, asked: int, got_by: int, got: int) -> None:
        """An answer of `got` varbinds came; `asked` for at first, and then maybe for less, `got_by`.

        One loss says nothing.  Two in a row, with nothing larger in between that got through, do.
        """
        if got_by == asked or got > got_by:
            if got > self.suspect:
                self.suspect = 0
        elif self.suspect:
            self.suspect = 0
            self.bears_less(got_by)
        else:
            self.suspect = got_by

    def read_clean(self, most: int, wait: float) -> None:
        """A reading lost nothing, at `wait` seconds for an answer: maybe it bears a little more."""
        self.clean += 1
        if self.clean == 1 and 1 < self.at_once < _AT_ONCE and wait > _DISTANT:
            self.at_once = _AT_ONCE
        if self.clean >= self.patience:
            self.clean = 0
            self.at_once = max(self.at_once, 2)
            if self.max_repetitions:
                more = self.max_repetitions * 5 // 4 + 1
                self.max_repetitions = more if more < most else 0


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
        "alarm", "ask", "asked", "datagram", "encoder", "engine_id", "future", "heard", "hint", "malformed",
        "meter", "peer", "remark", "request_id", "resyncs", "sends", "session", "steps", "stranger", "target",
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
        self.asked = ask.max_repetitions  # at first
        self.request_id = request_id
        if self.session is not None:
            self.resyncs = self.used = 0
            self.unproven = False
            self.remark = None
        self._encode()
        self._set_out()

    def again(self, request_id: int) -> None:
        """Put the same question anew, to what is now known of the engine."""
        self.used += max(0, self.sends - 1)
        self.request_id = request_id
        if self.session is not None:
            self._seal(self.session)
        self._set_out()

    def _encode(self) -> None:
        if self.session is not None:
            self._seal(self.session)
            return
        ask = self.ask
        self.datagram = self.encoder.encode(
            ask.pdu_type, self.request_id, ask.oids, ask.non_repeaters, ask.max_repetitions
        )

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

    def ask_for_less(self) -> None:
        """Halve what an unanswered GETBULK asks for: its reply may be too large for a hop of the path."""
        ask = self.ask
        if ask.pdu_type == GETBULK and ask.max_repetitions > SMALL:
            self.ask = ask._replace(max_repetitions=ask.max_repetitions // 2)
            self._encode()

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
        tried = f"{self.sends} {times} of {self.target.timeout:.3g} s each"
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
        suspects = ["the privacy password (or privacy protocol)"] * (session.user.level is Level.AUTH_PRIV)
        if session.user.context_name:
            suspects.append(f'the context "{session.user.shown_context}"')
        if session.proven or not suspects:
            return ""
        return (
            f"; it has told its engine ID, so {' or '.join(suspects)} of user {session.user.name} "
            "may be wrong, which net-snmp meets with silence"
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
        make_socket: Callable[[int], Socket] | None = None,
    ) -> None:
        self.loop = loop
        self.socket = (make_socket or Socket)(family)
        window = max(_SMALLEST_WINDOW, self.socket.granted_rcvbuf // _REPLY_OCTETS)
        self.gate: Gate[Request] = Gate(loop, window, send)
        self.alarms: Alarms[Request] = Alarms(loop, ring)
