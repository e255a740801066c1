"""Who may send: the check of a message before a single varbind of it is read.

Nobody may unless the config says so.  A community is compared with all that are configured, each in
constant time, so that neither the time nor the order tells which octets were right; SNMPv3 is for
`security`.
"""

from hmac import compare_digest
from typing import Final, NamedTuple

from netmon.snmp.ber import OCTET_STRING, SEQUENCE, DecodeError, expect, expect_integer, header
from netmon.snmp.message import INFORM, RESPONSE, TRAP, encode_message
from netmon.snmp.message_v3 import is_version_3
from netmon.traps.notification import TRAP_V1
from netmon.traps.own_engine import OwnEngine
from netmon.traps.peers import Peers
from netmon.traps.records import Admitted, Drop, Refusal, Settings
from netmon.traps.security import Reply, Security

_LONGEST_COMMUNITY: Final = 255  # octets; snmpCommunityName has no bound, people's patience has
_UNKNOWN_COMMUNITY: Final = "its community is not in traps.communities"
_NO_COMMUNITIES: Final = "v1 and v2c are not taken: traps.communities is empty"
_NO_USERS: Final = "v3 is not taken: traps.users is empty"


class _Reply(NamedTuple):
    """Version and community of an inform, as they stood in it."""

    head: bytes


class Door:
    """See the module."""

    def __init__(self, settings: Settings, own: OwnEngine | None, peers: Peers | None = None) -> None:
        """`peers` are those of the door before this one."""
        self._communities = settings.communities
        self.security = Security(settings.users, settings.engines, settings.learn, own, peers)
        self._has_users = bool(settings.users)

    def admit(self, data: bytes, now: float) -> Admitted | Refusal:
        """What to do with a datagram; `now` is monotonic.  Raises nothing."""
        try:
            if is_version_3(data):
                if not self._has_users:
                    return Refusal(Drop.UNKNOWN_USER, _NO_USERS)
                return self.security.admit(data, now)
            return self._admit_community(data)
        except DecodeError as error:
            return Refusal(Drop.MALFORMED, str(error))

    def acknowledge(self, admitted: Admitted, now: float) -> bytes:
        """The Response that an admitted inform waits for (RFC 3416 §4.2.7)."""
        data, end = admitted.data, admitted.end
        request_id, at = expect_integer(data, admitted.start, end)
        _, at = expect_integer(data, at, end)
        _, at = expect_integer(data, at, end)
        at, _ = expect(data, at, end, SEQUENCE)
        if isinstance(admitted.reply, Reply):
            return self.security.acknowledge(admitted.reply, request_id, data[at:end], now)
        assert isinstance(admitted.reply, _Reply)  # noqa: S101 - an inform was admitted
        return encode_message(admitted.reply.head, RESPONSE, request_id, 0, 0, data[at:end])

    def _admit_community(self, data: bytes) -> Admitted | Refusal:
        begin, end = expect(data, 0, len(data), SEQUENCE)
        version, at = expect_integer(data, begin, end)
        if version not in {0, 1}:
            raise DecodeError(f"message version {version}, wanted 0 (SNMPv1), 1 (SNMPv2c) or 3")
        start, at = expect(data, at, end, OCTET_STRING)
        pdu_type, pdu, stop = header(data, at, end)
        if stop != end:
            raise DecodeError(f"octet {stop}: something follows the PDU inside the message")
        if pdu_type not in ({TRAP, INFORM} if version else {TRAP_V1}):
            return Refusal(Drop.NOT_A_NOTIFICATION, f"a PDU of type {pdu_type:#04x} in SNMPv{'12'[version]}")
        community = data[start:at]
        known = False
        # Octet by octet: one that is too long to be right would cost as much as it likes.
        for wanted in self._communities if len(community) <= _LONGEST_COMMUNITY else ():
            known |= compare_digest(wanted, community)
        if not known:
            why = _UNKNOWN_COMMUNITY if self._communities else _NO_COMMUNITIES
            return Refusal(Drop.UNKNOWN_COMMUNITY, why)
        reply = _Reply(data[begin:at]) if pdu_type == INFORM else None
        return Admitted(version + 1, pdu_type, data, pdu, end, reply=reply)
