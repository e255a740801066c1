"""SNMPv3 as a receiver of notifications sees it: RFC 3414 §3.2, step by step.

Two engines can be the authority on a message's time.  For a trap it is the sender's (`peers`); for an
inform it is our own, which its sender has to discover first (RFC 3414 §4): it asks without knowing us
and is answered by a Report.  Which of the two a message means to be is told by its engine ID, and by
the reportable flag, that only a confirmed class may have (RFC 3412 §6.4).

A user's security level is the least that his messages need: who has a password configured is not
believed without its digest.  Several users may share a name, as where every device has keys of its
own; each is tried.
"""

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import Final, NamedTuple

from netmon.snmp.ber import COUNTER32, DecodeError, encode_oid
from netmon.snmp.message import INFORM, REPORT, RESPONSE, TRAP, encode_message, encode_varbind
from netmon.snmp.message_v3 import (
    AUTH,
    MAX_TIME,
    PRIV,
    REPORTABLE,
    Head,
    decode_encrypted,
    decode_head,
    decode_scoped,
    encode_scope,
)
from netmon.snmp.usm import MAX_ENGINE_ID, Keys, Level, User, keys_at, mac_at
from netmon.snmp.usm_keys import Masters
from netmon.snmp.usm_seal import seal
from netmon.traps.own_engine import MIN_ENGINE_ID, OwnEngine
from netmon.traps.peers import TIME_WINDOW, Clock, Peers
from netmon.traps.records import Admitted, Drop, Refusal

MOST_OF_A_NAME: Final = 16  # users who share a name, all of whose keys are tried
_KEYS: Final = 50_000  # localised keys that are kept
_LEVELS: Final = Level.AUTH_PRIV
_UNSUPPORTED_LEVELS, _NOT_IN_TIME, _UNKNOWN_USERS, _UNKNOWN_ENGINES, _WRONG_DIGESTS, _DECRYPTION = (
    encode_oid(f"1.3.6.1.6.3.15.1.1.{number}.0") for number in range(1, 7)
)
_NO_KEYS: Final = Keys(None, None)


class Reply(NamedTuple):
    """What an answer to an inform needs: the same user and level, under our own engine."""

    msg_id: int
    user: bytes
    keys: Keys
    level: int
    context_engine_id: bytes
    context_name: bytes


class Security:
    """Judges messages; the clock is the caller's.  `own` is None where no inform can be taken."""

    def __init__(
        self,
        users: Iterable[User],
        engines: Mapping[str, str],
        learn: int,
        own: OwnEngine | None,
        peers: Peers | None = None,
    ) -> None:
        """`engines` are engine IDs in hex that may always send; `learn` others are learned at most.

        `peers` are those of a predecessor: what it has seen is a replay here as well.
        """
        self.own = own
        self._users: dict[bytes, list[User]] = {}
        for user in users:
            self._users.setdefault(user.name.encode(), []).append(user)
        allowed = frozenset(map(bytes.fromhex, engines))
        self.peers = Peers(learn, allowed) if peers is None else peers
        self.peers.configure(learn, allowed)
        self._masters = Masters(2 * sum(map(len, self._users.values())))
        self._keys: OrderedDict[tuple[int, bytes], Keys] = OrderedDict()
        self._counts: dict[bytes, int] = {}

    def admit(self, data: bytes, now: float) -> Admitted | Refusal:
        """Who sent a message, and its PDU in the clear.  Raises DecodeError."""
        head = decode_head(data)  # steps 1 and 2
        own = self.own
        ours = own is not None and head.engine_id == own.engine_id
        reportable = bool(head.flags & REPORTABLE)
        if not ours:
            refusal = self._unknown_engine(head, now, reportable=reportable)  # step 3
            if refusal is not None:
                return refusal
        level = head.flags & _LEVELS
        users = self._users.get(head.user, ())[:MOST_OF_A_NAME]
        if not users:  # step 4
            why = f"no user {_shown(head.user)} is configured in traps.users"
            return self._refused(head, Drop.UNKNOWN_USER, why, _UNKNOWN_USERS)
        able = [user for user in users if user.level == level]
        if not able:  # step 5
            why = f"user {_shown(head.user)} sends at {_level(level)}, and traps.users has him at "
            why += " or ".join(sorted({_level(user.level) for user in users}))
            return self._refused(head, Drop.UNSUPPORTED_SECURITY, why, _UNSUPPORTED_LEVELS)
        keys, digest = _NO_KEYS, b""
        whole = data[: head.end]
        if level & AUTH:  # step 6
            for user in able:
                known = self._keys.get((id(user), head.engine_id))
                mac = known.mac if known is not None else mac_at(user, head.engine_id, self._masters)
                if mac is not None and mac.verify(whole, head.digest_at, head.digest_octets):
                    keys = known or self._keys_of(user, head.engine_id)
                    break
            else:
                why = f"{_whose(head)}: wrong auth password or protocol"
                return self._refused(head, Drop.WRONG_DIGEST, why, _WRONG_DIGESTS)
            digest = whole[head.digest_at : head.digest_at + head.digest_octets]
            late = self._not_in_time(head, keys, digest, now, ours=ours)  # step 7
            if late is not None:
                return late
        opened = self._open(whole, head, keys, ours=ours)
        # A trap that came before is refused above; of an inform the sender may not have heard the answer.
        return opened._replace(digest=digest) if ours and isinstance(opened, Admitted) else opened

    def acknowledge(self, reply: Reply, request_id: int, varbinds: bytes, now: float) -> bytes:
        """The Response to an inform; `varbinds` are encoded."""
        assert self.own is not None  # noqa: S101 - no inform was admitted without
        scope = encode_scope(reply.context_engine_id, reply.context_name)
        scoped = encode_message(scope, RESPONSE, request_id, 0, 0, varbinds)
        return self._sealed(reply.msg_id, reply.user, reply.keys, reply.level, scoped, now)

    def note(self) -> dict[str, Clock]:
        """See Peers.note."""
        return self.peers.note()

    def _unknown_engine(self, head: Head, now: float, *, reportable: bool) -> Refusal | None:
        """Step 3: whether the sender can be the authority on its message."""
        size = len(head.engine_id)
        known = MIN_ENGINE_ID <= size <= MAX_ENGINE_ID and self.peers.may_enter(head.engine_id, now)
        # A sender that asks for answers means us, unless it is one that sends traps so by mistake.
        if reportable and not (self.peers.knows(head.engine_id) and head.flags & AUTH):
            why = "asked for this receiver's engine ID"
            return self._refused(head, Drop.DISCOVERY, why, _UNKNOWN_ENGINES)
        if not MIN_ENGINE_ID <= size <= MAX_ENGINE_ID:
            return Refusal(Drop.UNKNOWN_ENGINE, f"an engine ID of {size} octets, wanted 5 to 32")
        if not known:
            why = f"engine {head.engine_id.hex()} is not in traps.engines, and no more are learned"
            return Refusal(Drop.UNKNOWN_ENGINE, why)
        return None

    def _not_in_time(
        self, head: Head, keys: Keys, digest: bytes, now: float, *, ours: bool
    ) -> Refusal | None:
        """Step 7, for a message whose digest is right."""
        own = self.own
        if ours and own is not None:
            mine = own.time(now)
            if own.boots != MAX_TIME and head.boots == own.boots and abs(head.time - mine) <= TIME_WINDOW:
                return None
            why = (
                f"user {_shown(head.user)} believes this receiver at boots {head.boots}, time {head.time} s; "
                f"it is at boots {own.boots}, time {mine} s"
            )
            # Zeros are how a sender asks for the clock in the first place (RFC 3414 §4 step 2).
            asks = head.boots == head.time == 0
            reason = Drop.DISCOVERY if asks else Drop.NOT_IN_TIME_WINDOW
            return self._refused(head, reason, why, _NOT_IN_TIME, keys, now)
        # A message that is no trap must not move the sender's clock; whether it is one is known only
        # after decryption, and a wrong one costs its sender nothing, for its digest was right.
        if not self.peers.is_fresh(head.engine_id, head.boots, head.time, now):
            why = (
                f"engine {head.engine_id.hex()} says boots {head.boots}, time {head.time} s: not within 150 s"
            )
            return Refusal(Drop.NOT_IN_TIME_WINDOW, f"{why} of what it said before")
        if self.peers.is_replay(digest, now):
            return Refusal(Drop.REPLAYED, f"engine {head.engine_id.hex()}: the same message came before")
        return None

    def _open(self, data: bytes, head: Head, keys: Keys, *, ours: bool) -> Admitted | Refusal:
        """Step 8 and RFC 3412 §7.2: the PDU in the clear."""
        at = head.data_at
        if head.flags & PRIV:
            cipher = keys.cipher
            try:
                if cipher is None:
                    raise DecodeError("no key to decrypt with")  # noqa: TRY301 - the same refusal
                data = cipher.decrypt(decode_encrypted(data, head), head.salt, head.boots, head.time)
                at = 0
                opened = decode_scoped(data, at, len(data))
            except DecodeError:
                why = f"{_whose(head)}: wrong privacy password or protocol"
                return self._refused(head, Drop.DECRYPTION_ERROR, why, _DECRYPTION)
        else:
            opened = decode_scoped(data, at, len(data))
        context_engine_id, context_name, pdu_type, start, end = opened
        if pdu_type == INFORM and ours:
            reply = Reply(head.msg_id, head.user, keys, head.flags & _LEVELS, context_engine_id, context_name)
        elif pdu_type == TRAP and not ours:
            reply = None
        else:
            if pdu_type == INFORM:
                why = f"an inform under engine {head.engine_id.hex()}, which is not this receiver"
                return self._refused(head, Drop.UNKNOWN_ENGINE, why, _UNKNOWN_ENGINES)
            what = f"a PDU of type {pdu_type:#04x} under {'our own' if ours else 'its own'} engine ID"
            return Refusal(Drop.NOT_A_NOTIFICATION, f"{what} is neither a trap nor an inform")
        user, proven = head.user.decode(errors="replace"), bool(head.flags & AUTH)
        return Admitted(3, pdu_type, data, start, end, user, head.engine_id, proven, reply)

    def _keys_of(self, user: User, engine_id: bytes) -> Keys:
        """Keys of a user who has proven that he has them: nobody else costs the making, nor a place."""
        keys = self._keys[id(user), engine_id] = keys_at(user, engine_id, self._masters)
        if len(self._keys) > _KEYS:
            self._keys.popitem(last=False)
        return keys

    def _refused(  # noqa: PLR0917 - the fields of a report
        self,
        head: Head,
        reason: Drop,
        why: str,
        counter: bytes,
        keys: Keys = _NO_KEYS,
        now: float = 0.0,
    ) -> Refusal:
        """A refusal, with a Report where the message asks for one (RFC 3412 §7.1 step 3)."""
        count = self._counts[counter] = self._counts.get(counter, 0) + 1 & 0xFFFFFFFF
        if not head.flags & REPORTABLE or self.own is None:
            return Refusal(reason, why)
        scope = encode_scope(self.own.engine_id, b"")
        scoped = encode_message(scope, REPORT, 0, 0, 0, encode_varbind(counter, COUNTER32, count))
        # Only a report about time is authenticated (RFC 3414 §3.2 step 7 a); boots and time go with it.
        level = AUTH if keys.mac is not None else 0
        return Refusal(reason, why, self._sealed(head.msg_id, head.user, keys, level, scoped, now))

    def _sealed(  # noqa: PLR0917 - the fields of a message
        self, msg_id: int, user: bytes, keys: Keys, level: int, scoped: bytes, now: float
    ) -> bytes:
        assert self.own is not None  # noqa: S101 - see acknowledge
        time = self.own.time(now) if level else 0
        boots = self.own.boots if level else 0
        return seal(self.own.engine_id, boots, time, user, keys, level, msg_id, scoped)


def _level(level: int) -> str:
    return {0: "noAuthNoPriv", AUTH: "authNoPriv"}.get(level, "authPriv")


def _shown(user: bytes) -> str:
    """A name for the log, on one line."""
    return user[:64].decode("ascii", "backslashreplace").encode("unicode_escape").decode()


def _whose(head: Head) -> str:
    return f"user {_shown(head.user)} of engine {head.engine_id.hex()}"
