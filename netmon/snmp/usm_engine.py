"""What a client knows of one user's engine at one address, and the messages between them.

**Discovery** (RFC 3414 §4) takes one exchange: a request without engine ID is answered by a Report
with the agent's engine ID, and with its boots and time in nearly every agent.  Those two are
unauthenticated, so they are only **provisional**: good enough to ask with, never held against an
authentic answer.  The first authentic message confirms them, and if they were wrong, the agent says
notInTimeWindow, with the right ones.

**Time window** (§3.2 step 7b).  An authentic answer that is more than 150 s older than the newest is
dropped.  The clock between two answers is the monotonic one.

**Boots that go backwards**, of an agent that forgets them: the authentic notInTimeWindow is believed,
whatever it says.  It can be no replay, for its digest covers the msgID, which must be that of the
request under way.  An unauthenticated one is believed once for each request, and provisionally: that
costs a forger's victim one exchange, and locks nobody out for ever.

**Another engine** at the address (a device replaced) says unknownEngineID: its engine ID is taken and
the keys are localised again.  After a request without any answer the engine is asked for its name
again before the next, so nothing learned outlives what it was learned from.

All of it is bounded: `RESYNCS` new beginnings for each request.
"""

from collections import deque
from typing import TYPE_CHECKING, Final, NamedTuple

from netmon.errors import Reason
from netmon.snmp.ber import OCTET_STRING, SEQUENCE, DecodeError, tlv
from netmon.snmp.encoder import Encoder
from netmon.snmp.message import GET, REPORT, RESPONSE, Response, decode_pdu, encode_message
from netmon.snmp.message_v3 import (
    AUTH,
    MAX_TIME,
    PRIV,
    REPORTABLE,
    VERSION,
    Head,
    decode_encrypted,
    decode_scoped,
    encode_global,
    encode_scope,
    encode_security,
)
from netmon.snmp.usm import MAX_ENGINE_ID, Keys, User, keys_at
from netmon.snmp.usm_crypto import SALT_OCTETS
from netmon.snmp.usm_keys import Masters
from netmon.snmp.usm_reports import explain_report

if TYPE_CHECKING:
    from netmon.snmp.exchange import Request

RESYNCS: Final = 3  # new beginnings of one request: engine ID, boots and time, and one to spare
TIME_WINDOW: Final = 150.0  # seconds, RFC 3414 §2.2.3
_NO_KEYS: Final = Keys(None, None)
_NO_USM: Final = frozenset((Reason.INVALID_MESSAGE, Reason.UNKNOWN_SECURITY_MODEL))


class Again(NamedTuple):
    """The request is to be sent anew; `unproven` if only an unauthenticated report wants it."""

    unproven: bool = False


class Refused(NamedTuple):
    """The agent refuses the request for good."""

    reason: Reason
    why: str


class Dropped(NamedTuple):
    """A message that counts for nothing; if nothing better comes, this is what to say."""

    reason: Reason
    why: str


Outcome = Response | Again | Refused | Dropped


class Session:
    """See the module.  `leader` is the request that discovers; the others wait for it in `waiting`."""

    __slots__ = (
        "_boots", "_confirmed", "_keys", "_latest", "_masters", "_security", "_security_of", "_set_at",
        "_stale", "_time", "encoder", "engine_id", "leader", "proven", "user", "waiting",
    )  # fmt: skip

    def __init__(self, user: User, masters: Masters) -> None:
        self.user = user
        self._masters = masters
        self.engine_id = b""
        self.encoder = Encoder(b"")
        self.leader: Request | None = None
        self.waiting: deque[Request] = deque()
        self.proven = False  # an answer at the full level has come: all the user's secrets are right
        self._keys = _NO_KEYS
        self._boots = self._time = 0
        self._latest = 0  # the greatest time received in these boots
        self._set_at = 0.0
        self._confirmed = False
        self._stale = False
        self._security = b"", 0
        self._security_of = (b"", -1, -1)

    @property
    def ready(self) -> bool:
        """Whether the engine is known, so that it can be asked without discovery."""
        return bool(self.engine_id) and not self._stale

    def doubt(self) -> None:
        """Nothing was heard: begin with discovery next time."""
        self._stale = True

    # Discovery, which the requests of a session share.

    def may_go(self, request: "Request") -> bool:
        """Whether it may be sent now; while another discovers the engine, it waits for that."""
        if request.engine_id or self.leader is request:
            return True
        if self.leader is None:
            self.leader = request
            return True
        self.waiting.append(request)
        return False

    def release(self, request: "Request") -> "list[Request]":
        """Its discovery is over: who waited for it and still wants an answer."""
        if self.leader is not request:
            return []
        self.leader = None
        waiting, self.waiting = self.waiting, deque()
        return [other for other in waiting if not other.future.done()]

    # Requests.

    def discovery(self, msg_id: int) -> bytes:
        """A request that only asks who is there (RFC 3414 §4)."""
        security, _ = encode_security(b"", 0, 0, b"", 0, 0)
        scoped = encode_message(encode_scope(b"", b""), GET, msg_id, 0, 0, b"")
        return tlv(SEQUENCE, encode_global(msg_id, REPORTABLE) + security + scoped)

    def seal(self, msg_id: int, scoped: bytes, now: float) -> bytes:
        """The message around a scoped PDU, encrypted and signed as the user's level wants it."""
        mac, cipher = self._keys
        time = min(self._time + int(now - self._set_at), MAX_TIME)
        of = (self.engine_id, self._boots, time)
        if of != self._security_of:
            self._security = encode_security(
                self.engine_id,
                self._boots,
                time,
                self.user.name.encode(),
                mac.octets if mac is not None else 0,
                SALT_OCTETS if cipher is not None else 0,
            )
            self._security_of = of
        security, digest_at = self._security
        if cipher is not None:
            salt, encrypted = cipher.encrypt(scoped, self._boots, time)
            security = security[:-SALT_OCTETS] + salt
            scoped = tlv(OCTET_STRING, encrypted)
        head = encode_global(msg_id, self.user.level | REPORTABLE)
        message = tlv(SEQUENCE, b"".join((head, security, scoped)))
        if mac is None:
            return message
        at = len(message) - len(scoped) - len(security) + digest_at
        return b"".join((message[:at], mac.sign(message), message[at + mac.octets :]))

    # Answers.

    def receive(self, data: bytes, head: Head, request: "Request", now: float) -> Outcome:
        """What a message means that carries the msgID of `request`.  Raises DecodeError."""
        secure = bool(head.flags & AUTH)
        data, at = data[: head.end], head.data_at
        if secure:
            mac, cipher = self._keys
            if head.engine_id != self.engine_id:
                return _wrong_engine(head, self.engine_id)
            if mac is None or not mac.verify(data, head.digest_at, head.digest_octets):
                return Dropped(Reason.UNTRUSTED_REPLY, "an answer came whose digest is wrong")
            if head.flags & PRIV:
                if cipher is None:
                    return Dropped(Reason.UNTRUSTED_REPLY, "an answer came encrypted, unasked")
                data = cipher.decrypt(decode_encrypted(data, head), head.salt, head.boots, head.time)
                at = 0
        try:
            engine_id, name, pdu_type, at, end = decode_scoped(data, at, len(data))
        except DecodeError:
            if head.flags & PRIV:
                return Dropped(Reason.DECRYPTION_ERROR, "an answer came that does not decrypt to a PDU")
            raise
        request_id, status, index, varbinds = decode_pdu(data, at, end)
        response = Response(VERSION, b"", pdu_type, request_id, status, index, varbinds)
        if pdu_type == REPORT:
            return self._on_report(response, head, request, now, secure=secure)
        if pdu_type != RESPONSE:
            raise DecodeError(f"a PDU of type {pdu_type:#04x}, wanted a Response or a Report")
        return self._on_response(response, head, (engine_id, name), request, now)

    def _on_response(
        self, response: Response, head: Head, context: tuple[bytes, bytes], request: "Request", now: float
    ) -> Outcome:
        """RFC 3412 §7.2 steps 11 and 13, RFC 3414 §3.2 step 7b."""
        user = self.user
        if head.flags & user.level != user.level or not request.engine_id:
            return Dropped(Reason.UNTRUSTED_REPLY, "an answer came that is less secure than the request")
        if head.engine_id != request.engine_id:
            return _wrong_engine(head, request.engine_id)
        wanted = (user.context_engine_id or request.engine_id, user.context_name)
        if head.user != user.name.encode() or context != wanted:
            return Dropped(Reason.UNTRUSTED_REPLY, "an answer came for another user or context than asked")
        if response.request_id != request.request_id:
            return Dropped(Reason.MALFORMED_REPLY, "an answer came whose request-id is not that of its msgID")
        if user.level:
            if not self._in_window(head):
                why = (
                    f"an answer came from another time: boots {head.boots}, time {head.time} s "
                    f"after boots {self._boots}, time {self._latest} s"
                )
                self.doubt()
                return Dropped(Reason.NOT_IN_TIME_WINDOW, why)
            if head.boots != self._boots or head.time > self._latest or not self._confirmed:
                self._set_clock(head, now, confirmed=True)
        self.proven = True
        self._stale = False
        return response

    def _in_window(self, head: Head) -> bool:
        if head.boots == MAX_TIME:
            return False
        if not self._confirmed or head.boots > self._boots:
            return True
        return head.boots == self._boots and head.time >= self._latest - TIME_WINDOW

    def _on_report(
        self, report: Response, head: Head, request: "Request", now: float, *, secure: bool
    ) -> Outcome:
        """RFC 3412 §7.2 step 11 and RFC 3414 §4: what the agent wants to be asked otherwise."""
        reason, why = explain_report(report.varbinds, self.user, request.target)
        if request.resyncs >= RESYNCS:
            return Refused(reason, why)
        known = head.engine_id == request.engine_id
        if not request.engine_id or reason is Reason.UNKNOWN_ENGINE_ID:
            if 0 < len(head.engine_id) <= MAX_ENGINE_ID and not known and reason not in _NO_USM:
                self._meet(head, now)
                return Again()
            if not request.engine_id and reason is Reason.UNKNOWN_ENGINE_ID:
                why = f"the agent at {request.target} gives no engine ID of 1 to {MAX_ENGINE_ID} octets"
        elif reason is Reason.NOT_IN_TIME_WINDOW and self.user.level and known:
            if head.boots == MAX_TIME:
                why += ": its boots have reached their end"
            elif secure or not request.unproven:
                self._set_clock(head, now, confirmed=secure)
                return Again(unproven=not secure)
            else:
                why += "; it does not say so with authentication"
        return Refused(reason, why)

    def _meet(self, head: Head, now: float) -> None:
        """Take an engine for that of this address, and its boots and time provisionally."""
        if head.engine_id != self.engine_id:
            self.engine_id = head.engine_id
            self._keys = keys_at(self.user, head.engine_id, self._masters)
            scope = encode_scope(self.user.context_engine_id or head.engine_id, self.user.context_name)
            self.encoder = Encoder(scope)
        self.proven = self._stale = False
        self._set_clock(head, now, confirmed=False)

    def _set_clock(self, head: Head, now: float, *, confirmed: bool) -> None:
        self._boots = head.boots
        self._time = self._latest = head.time
        self._set_at = now
        self._confirmed = confirmed


def _wrong_engine(head: Head, wanted: bytes) -> Dropped:
    if len(head.engine_id) > MAX_ENGINE_ID:
        seen = f"a name of {len(head.engine_id)} octets"
    else:
        seen = head.engine_id.hex() or "no name"
    why = f"an answer came from engine {seen}, wanted {wanted.hex() or 'its name'}"
    return Dropped(Reason.UNKNOWN_ENGINE_ID, why)
