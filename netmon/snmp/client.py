"""One SNMP client for all devices: requests out, each reply to the request that it answers.

One unconnected UDP socket per address family carries everything (RFC 3417 §3): ten thousand devices
need no ten thousand descriptors.  A reply counts only when request-id *and* sender match; whatever
else arrives is counted in `Client.stats`.

A peer that answers sends through the window of `gate`.  One that has never answered, or whose last
datagram got no answer in time, sends through its lane.  A place in the window is given back after
`PATIENCE` without an answer while the request goes on waiting, so that even a thousand hosts that
die at one moment hold up the living for a few seconds at most.  `loop.time()` is the only clock.

ICMP port-unreachable ends a request at once.  Host and network unreachable are hints (RFC 1122
§3.2.2.1): the request goes on, and the hint becomes the reason if no answer comes.
"""

import asyncio
import errno
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

from netmon.errors import Reason
from netmon.snmp.ber import DecodeError
from netmon.snmp.exchange import SMALL, Ask, Door, Meter, Peer, Request, SnmpError, Stats, Steps, Target
from netmon.snmp.gate import Standing
from netmon.snmp.message import Response, decode_request_id, decode_response
from netmon.snmp.message_v3 import decode_message_id, is_version_3
from netmon.snmp.plans import MOST, Plans
from netmon.snmp.request_ids import RequestIds
from netmon.snmp.secure import Secure
from netmon.snmp.sockets import Address, IcmpError, Socket, numeric_address
from netmon.snmp.usm_engine import Dropped
from netmon.snmp.usm_keys import Masters

__all__ = ["PATIENCE", "Client", "Meter", "SnmpError", "Stats", "Target"]

# Seconds that a request without an answer holds its place in the window.  The window is there for
# answers that come all at once; what has not come by now comes scattered.
PATIENCE: Final = 0.25
_PEERS: Final = 65_536  # peers remembered: more than the devices that one process polls
_DRAIN: Final = 64  # datagrams read before other callbacks get their turn
_DATAGRAM: Final = 65_535
_NO_ROUTE: Final = frozenset(
    (errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.ENETDOWN)
)

T = TypeVar("T")


class Client:
    """See the module.  Sockets open with the first request of their family, on the running loop."""

    def __init__(self, *, peers: int = _PEERS, make_socket: Callable[[int], Socket] | None = None) -> None:
        """`peers` are remembered; more only while they are asked.  `make_socket` makes that of a family."""
        self._most_peers = peers
        self._make_socket = make_socket
        self.stats = Stats()
        self.plans = Plans()
        self._doors: dict[int, Door] = {}
        self._peers: OrderedDict[Address, Peer] = OrderedDict()
        self._pending: dict[int, Request] = {}
        self._ids = RequestIds(self._pending)
        self._masters = Masters()
        self._secure = Secure(self._pending, self.stats, self._ids, self._on_response, self._on_stray)
        self._closed = False

    @property
    def granted_rcvbuf(self) -> int:
        """Octets of receive buffer granted to the smallest open socket; 0 before the first."""
        return min((door.socket.granted_rcvbuf for door in self._doors.values()), default=0)

    def is_silent(self, target: Target) -> bool:
        """Whether a request to this address ran out of retries and nothing was heard since."""
        peer = self._find(target)
        return peer is not None and peer.standing is Standing.SILENT

    def max_repetitions(self, target: Target) -> int:
        """What the target asks for, or less where the agent or the path bears less; 0: no limit known.

        An agent that was silent is asked for little until it answers: it may have been the size.
        """
        peer = self._find(target)
        learned = peer.max_repetitions if peer is not None else 0
        if peer is not None and peer.standing is Standing.SILENT:
            learned = min(learned or SMALL, SMALL)
        if learned and target.max_repetitions:
            return min(learned, target.max_repetitions)
        return learned or target.max_repetitions

    def at_once(self, target: Target) -> int:
        """How many requests this agent may have before it: two where it answers and bears them.

        The second reaches it while it is awake, which spares both sides half of their waking up; a
        distant one that has lost nothing is given more.  An SNMPv1 agent is old, and one that has lost
        a datagram of two has no buffer for them: one.
        """
        peer = self._find(target)
        if peer is None or peer.standing is not Standing.ANSWERING or target.version == 1:
            return 1
        return peer.at_once

    def learn_max_repetitions(self, target: Target, count: int) -> None:
        """Remember what this agent can bear."""
        self._peer(target).bears_less(count)

    def learn(self, target: Target, *, clean: bool, wait: float) -> bool:
        """Take in that a reading came to its end; whether all replies fitted a datagram of the path."""
        peer = self._peer(target)
        if clean:
            peer.read_clean(target.max_repetitions or MOST, wait)
        largest, peer.largest = peer.largest, 0
        return largest <= target.datagram

    async def request(
        self,
        target: Target,
        pdu_type: int,
        oids: Sequence[bytes],
        non_repeaters: int = 0,
        max_repetitions: int = 0,
        *,
        meter: Meter | None = None,
    ) -> Response:
        """Ask, ask again, and give the agent's response, whatever its error-status.

        Raises SnmpError as `converse`.
        """
        steps = _one_step(Ask(pdu_type, oids, non_repeaters, max_repetitions))
        return await self.converse(target, steps, meter if meter is not None else Meter())

    async def converse(self, target: Target, steps: Steps[T], meter: Meter) -> T:
        """Send what `steps` asks, give it the response whatever its error-status, and so on to its end.

        It goes on as soon as a response is there, not in the loop's next turn, which spares a walk a
        future, a timer and a task's turn for every step.  What it raises ends the conversation, and so
        does a request without an answer.  A retransmission keeps the request-id, so a late reply to
        an earlier send counts.  Cancelling withdraws the request at once.

        Raises SnmpError: `timeout`, `refused`, `unreachable`, `no_route`, `malformed_reply` (nothing
        better came in time), `local_error`; in SNMPv3 also what an agent's report says, and
        `untrusted_reply`, `unknown_engine_id`, `not_in_time_window` and `decryption_error` (nothing better
        came in time).
        """
        if self._closed:
            raise SnmpError(Reason.LOCAL_ERROR, f"{target}: the SNMP client is closed", alive=None)
        peer = self._peer(target)
        request = Request(peer, target, steps, meter, self._masters)
        peer.requests.add(request)
        try:
            self._go_on(request, None)
            result: T = await request.future
        finally:
            self._ids.abandon(request.request_id)
            peer.requests.discard(request)
            peer.door.alarms.clear(request.alarm)
            peer.door.gate.withdraw(request)
            if request.session is not None:
                self._secure.leave(request, request.session)
        return result

    def _go_on(self, request: Request, response: Response | None) -> None:
        """Take the conversation to its next request, or to its end."""
        try:
            ask = request.steps.send(response)  # type: ignore[arg-type]  # None begins a generator
            request.begin(ask, self._ids.draw())
        except StopIteration as end:
            request.future.set_result(end.value)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is for who waits
            request.future.set_exception(error)
        else:
            self._pending[request.request_id] = request
            if request.session is None or request.session.may_go(request):
                request.peer.door.gate.submit(request, request.peer.standing)

    def close(self) -> None:
        """Close the sockets; requests under way fail with `local_error`."""
        self._closed = True
        for request in self._pending.values():
            request.fail(Reason.LOCAL_ERROR, "the SNMP client was closed", alive=None)
        for door in self._doors.values():
            door.gate.close()
            door.alarms.close()
            if not door.loop.is_closed():
                door.loop.remove_reader(door.socket.fileno())
            door.socket.close()
        self._doors.clear()

    def hear(self, datagram: bytes, address: Address) -> None:
        """Take a message that came by another way than a socket of the client's own."""
        self._on_datagram(datagram, address)

    def lose(self, why: str) -> None:
        """That way is closed: requests under way fail with `connection_lost`."""
        for request in list(self._pending.values()):
            request.fail(Reason.CONNECTION_LOST, why, alive=True)

    # Peers.

    def _find(self, target: Target) -> Peer | None:
        # A canonical IPv4 address is its own key; anything else goes by its numeric form.
        peer = self._peers.get((target.address, target.port))
        if peer is None:
            try:
                peer = self._peers.get(numeric_address(target.address, target.port)[1])
            except (OSError, ValueError):
                return None
        return peer

    def _peer(self, target: Target) -> Peer:
        """The peer of a target; a new one opens the socket of its family where that is needed."""
        peer = self._find(target)
        if peer is None:
            peer = self._new_peer(target)
        else:
            self._peers.move_to_end(peer.address)
        return peer

    def _new_peer(self, target: Target) -> Peer:
        try:
            family, address = numeric_address(target.address, target.port)
        except (OSError, ValueError):
            text = f"{target}: not a numeric address and port"
            raise SnmpError(Reason.LOCAL_ERROR, text, alive=None) from None
        door = self._doors.get(family)
        if door is None:
            loop = asyncio.get_running_loop()
            try:
                door = Door(loop, family, self._transmit, self._on_alarm, self._make_socket)
            except OSError as error:
                reason = Reason.NO_ROUTE if error.errno in _NO_ROUTE else Reason.LOCAL_ERROR
                raise SnmpError(reason, f"{target}: no UDP socket: {error.strerror}", alive=None) from None
            self._doors[family] = door
            loop.add_reader(door.socket.fileno(), self._on_readable, door)
        self._peers[address] = peer = Peer(address, door)
        for _ in range(len(self._peers) - self._most_peers):
            # One with requests under way must stay findable for their replies.
            oldest, forgotten = self._peers.popitem(last=False)
            if forgotten.requests or forgotten is peer:
                self._peers[oldest] = forgotten
        return peer

    # Sending.

    def _transmit(self, request: Request) -> None:
        peer = request.peer
        door = peer.door
        trouble = door.socket.send(request.datagram, peer.address)
        if trouble is not None:
            failure, met = trouble
            if door.socket.disturbed:
                # Not here: failing other requests would run their gates inside this one's turn.
                door.loop.call_soon(self._on_icmp, door, met)
            if failure is not None:
                reason = Reason.NO_ROUTE if failure.errno in _NO_ROUTE else Reason.LOCAL_ERROR
                request.fail(reason, f"the datagram could not be sent: {failure.strerror}", alive=None)
                return
        request.sends += 1
        request.meter.packets += 1
        if request.meter.tap is not None:
            event = "sent" if request.sends == 1 else "sent again"
            if request.session is not None and not request.engine_id:
                event = f"{event}, as a question for the engine ID first:"
            request.meter.tap(event, request.ask, None)
        timeout = request.target.timeout
        door.alarms.set(request.alarm, PATIENCE if request.held and timeout > PATIENCE else timeout)

    def _on_alarm(self, request: Request) -> None:
        if request.future.done():
            return
        peer, target = request.peer, request.target
        if request.held:
            peer.door.gate.release(request)
            if target.timeout > PATIENCE:
                peer.door.alarms.set(request.alarm, target.timeout - PATIENCE)
                return
        heard = peer.heard > request.heard
        if not heard and peer.standing is Standing.ANSWERING:
            peer.standing = Standing.UNSURE
        if heard and request.meter.varbinds:  # it answered others of these meanwhile, and this one was lost
            peer.bears_less()
        if request.sends + request.used <= target.retries:
            request.meter.retries += 1
            request.ask_for_less()
            self._transmit(request)
            return
        self._give_up(request, heard=heard)

    def _give_up(self, request: Request, *, heard: bool) -> None:
        """No answer to all sends."""
        peer = request.peer
        if not heard:
            peer.standing = Standing.SILENT
            if request.session is not None:
                request.session.doubt()
        # Next time it may get through with less.  Silence to all of a run says nothing of sizes: the host
        # is away, or does not know who asks, and others ask it as well.
        if request.ask.max_repetitions > 1 and request.meter.varbinds:
            peer.bears_less(request.ask.max_repetitions // 2)
        request.end_in_silence(heard=heard)

    # Receiving.

    def _on_readable(self, door: Door) -> None:
        receive = door.socket.receive
        for count in range(_DRAIN):
            try:
                datagram, address = receive(_DATAGRAM)
            except BlockingIOError:
                # Woken for nothing but the error queue, which would wake us for ever.
                if count == 0:
                    self._on_icmp(door, door.socket.errors())
                return
            except OSError:
                self._on_icmp(door, door.socket.errors())
                continue
            self._on_datagram(datagram, address)

    def _on_datagram(self, datagram: bytes, address: Address) -> None:
        peer = self._peers.get(address)
        if peer is None or not peer.requests:
            self._on_stray(peer, datagram, address)
            return
        peer.heard += 1
        peer.largest = max(peer.largest, len(datagram))
        peer.standing = Standing.ANSWERING
        if peer.sessions and is_version_3(datagram):
            self._secure.receive(peer, datagram, address)
            return
        try:
            response = decode_response(datagram)
        except DecodeError:
            self.stats.malformed += 1
            peer.malformed += 1
            return
        request = self._pending.get(response.request_id)
        if request is None or request.peer is not peer or not request.sends:
            self._on_stray(peer, datagram, address)
        elif request.future.done():
            self.stats.late += 1
        elif request.session is not None:
            self.stats.untrusted += 1
            why = f"an answer came in SNMPv{response.version}, wanted SNMPv3"
            request.remark = Dropped(Reason.UNTRUSTED_REPLY, why)
        else:
            request.meter.octets += len(datagram)
            self._on_response(request, response)

    def _on_response(self, request: Request, response: Response) -> None:
        peer = request.peer
        self._ids.retire(request.request_id)
        if peer.suspect or request.sends > 1:
            peer.suspect_size(request.asked, request.ask.max_repetitions, len(response.varbinds.oids))
        request.meter.varbinds += len(response.varbinds.oids)
        if request.meter.tap is not None:
            request.meter.tap("came", request.ask, response)
        # First the place in the window: others wait for it.
        peer.door.gate.release(request)
        if request.meter.octets > request.meter.most:
            why = f"more than {request.meter.most >> 20} MiB of answers; the table may be endless"
            request.fail(Reason.ENDLESS_TABLE, why, alive=True)
            return
        self._go_on(request, response)

    def _on_stray(self, peer: Peer | None, datagram: bytes, address: Address) -> None:
        """Count what answers no request; that a known peer sent it shows that it lives."""
        if peer is not None:
            peer.standing = Standing.ANSWERING
        try:
            read_id = decode_message_id if is_version_3(datagram) else decode_request_id
            request_id = read_id(datagram)
        except DecodeError:
            self.stats.malformed += 1
            return
        request = self._pending.get(request_id)
        if request is not None and request.target.any_source and request.peer is not peer and request.sends:
            self._on_datagram(datagram, request.peer.address)
            return
        if request is not None or peer is None:
            self.stats.foreign += 1
            if request is not None and request.peer.address != address:
                request.stranger = str(address[0])
        else:
            self._ids.count(request_id, self.stats)

    def _on_icmp(self, door: Door, errors: list[IcmpError]) -> None:
        for error in errors:
            self.stats.icmp += 1
            peer = self._peers.get(error.peer)
            if peer is None:
                continue
            if error.by_peer and peer.standing is Standing.SILENT:
                peer.standing = Standing.UNSURE
            for request in peer.requests:
                if not request.sends:
                    continue
                if error.errno == errno.ECONNREFUSED:
                    who = "" if error.by_peer else " by another host on the way"
                    why = f"refused{who} (ICMP port unreachable)"
                    request.fail(Reason.REFUSED, why, alive=error.by_peer or request.meter.varbinds > 0)
                else:
                    request.hint = True
        door.socket.disturbed = False
        if not self._closed:
            # libuv stops watching a descriptor that has reported an error.
            door.loop.remove_reader(door.socket.fileno())
            door.loop.add_reader(door.socket.fileno(), self._on_readable, door)


def _one_step(ask: Ask) -> Steps[Response]:
    return (yield ask)
