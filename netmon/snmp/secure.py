"""The SNMPv3 side of a client: whose answer a message is, and discovery that requests share.

What a message means is for `usm_engine`; here is what becomes of the request.
"""

from collections.abc import Callable

from netmon.snmp.ber import DecodeError
from netmon.snmp.exchange import Peer, Request, SnmpError, Stats
from netmon.snmp.message import Response
from netmon.snmp.message_v3 import decode_head
from netmon.snmp.request_ids import RequestIds
from netmon.snmp.sockets import Address
from netmon.snmp.usm_engine import Dropped, Outcome, Refused, Session


class Secure:
    """Works on its client's requests under way: `pending`, by request-id, and `ids` are the client's own.

    `deliver` takes the response of a request, `stray` a datagram that answers none.
    """

    __slots__ = ("_deliver", "_ids", "_pending", "_stats", "_stray")

    def __init__(
        self,
        pending: dict[int, Request],
        stats: Stats,
        ids: RequestIds,
        deliver: Callable[[Request, Response], None],
        stray: Callable[[Peer, bytes, Address], None],
    ) -> None:
        self._pending = pending
        self._stats = stats
        self._ids = ids
        self._deliver = deliver
        self._stray = stray

    def leave(self, request: Request, session: Session) -> None:
        """A request has ended; if others wait for its discovery, they share what became of it.

        Those that would have waited no longer than it did end as it did.  One that is more patient
        begins anew, and so do all when it was only withdrawn.
        """
        future = request.future
        error = future.exception() if future.done() and not future.cancelled() else None
        for other in session.release(request):
            if isinstance(error, SnmpError) and other.target.patience <= request.target.patience:
                text = f"{other.target}: shared with another request: {error}"
                other.future.set_exception(SnmpError(error.reason, text, alive=error.alive))
            else:
                self._again(other, session)

    def receive(self, peer: Peer, datagram: bytes, address: Address) -> None:
        """Take a message of SNMPv3 from a peer that is asked in it."""
        try:
            head = decode_head(datagram)
            request = self._pending.get(head.msg_id)
            if request is None or request.peer is not peer or request.session is None or not request.sends:
                self._stray(peer, datagram, address)
            elif request.future.done():
                self._stats.late += 1
            else:
                request.meter.octets += len(datagram)
                outcome = request.session.receive(datagram, head, request, peer.door.loop.time())
                self._take(request, request.session, outcome)
        except DecodeError:
            self._stats.malformed += 1
            peer.malformed += 1

    def _take(self, request: Request, session: Session, outcome: Outcome) -> None:
        if isinstance(outcome, Response):
            self._deliver(request, outcome)
        elif isinstance(outcome, Dropped):
            self._stats.untrusted += 1
            request.remark = outcome
        elif isinstance(outcome, Refused):
            request.fail(outcome.reason, outcome.why, alive=True)
        else:
            request.peer.door.gate.release(request)
            request.resyncs += 1
            request.unproven |= outcome.unproven
            others = session.release(request)
            for waiting in (request, *others):
                self._again(waiting, session)

    def _again(self, request: Request, session: Session) -> None:
        """Put the question anew, under a new msgID."""
        self._ids.retire(request.request_id)
        request.again(self._ids.draw())
        self._pending[request.request_id] = request
        if session.may_go(request):
            request.peer.door.gate.submit(request, request.peer.standing)
