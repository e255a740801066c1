"""Events told on to other receivers, as traps of v2c: as good as UDP is, and counted.

A forwarded notification carries where it came from in snmpTrapAddress.0 (RFC 3584 §3.1 (4)).  So that
no two receivers send one to each other for ever, what a proxy sent is not forwarded again, nor anything
that comes from a target.
"""

import contextlib
import itertools
import socket
from collections.abc import Iterable
from ipaddress import IPv4Address, ip_address
from typing import Final

from netmon.snmp.ber import IP_ADDRESS, OBJECT_IDENTIFIER, TIME_TICKS, EncodeError
from netmon.snmp.message import TRAP, encode_head, encode_message, encode_varbind
from netmon.traps.notification import SNMP_TRAP_OID, SYS_UP_TIME
from netmon.traps.records import Forward, Notification

_SNMP_TRAP_ADDRESS: Final = bytes.fromhex("2b06010603120103 00")  # 1.3.6.1.6.3.18.1.3.0
_NO_ADDRESS: Final = bytes(4)
_REQUEST_IDS: Final = 1 << 31
_BUFFER: Final = 1 << 20  # octets of send buffer


def encode_forward(said: Notification, source: str) -> bytes:
    """The varbinds of the trap that tells this on; none if it was told on before, or cannot be told."""
    if said.agent_address and said.version != 1:
        return b""
    with contextlib.suppress(EncodeError):
        parts = [
            encode_varbind(SYS_UP_TIME, TIME_TICKS, said.uptime or 0),
            encode_varbind(SNMP_TRAP_OID, OBJECT_IDENTIFIER, said.trap),
        ]
        varbinds = said.varbinds
        for oid, tag, value in zip(varbinds.oids, varbinds.tags, varbinds.values, strict=True):
            if oid != _SNMP_TRAP_ADDRESS:
                parts.append(encode_varbind(oid, tag, value))
        parts.append(encode_varbind(_SNMP_TRAP_ADDRESS, IP_ADDRESS, _origin(said, source)))
        return b"".join(parts)
    return b""


def _origin(said: Notification, source: str) -> bytes:
    """An IpAddress, which has no room for IPv6."""
    with contextlib.suppress(ValueError):
        address = ip_address(said.agent_address or source)
        if isinstance(address, IPv4Address):
            return address.packed
    return _NO_ADDRESS


class Forwarder:
    """Sends to all targets, from sockets of its own that are never waited for."""

    def __init__(self, targets: Iterable[Forward]) -> None:
        self._request_ids = itertools.cycle(range(1, _REQUEST_IDS))
        self._targets = []
        for target in targets:
            family = socket.AF_INET6 if ":" in target.address else socket.AF_INET
            sock = socket.socket(family, socket.SOCK_DGRAM)
            sock.setblocking(False)
            with contextlib.suppress(OSError):
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _BUFFER)
            self._targets.append((sock, (target.address, target.port), encode_head(2, target.community)))

    def send(self, varbinds: bytes) -> tuple[int, int]:
        """To all of them: how many the kernel took, and how many it did not."""
        sent = lost = 0
        for sock, address, head in self._targets:
            try:
                sock.sendto(encode_message(head, TRAP, next(self._request_ids), 0, 0, varbinds), address)
                sent += 1
            except OSError:
                lost += 1
        return sent, lost

    def close(self) -> None:
        """Close the sockets."""
        for sock, _, _ in self._targets:
            sock.close()
