"""Does this machine's own link carry anything?  Asked when many hosts fall silent at once.

By what is nearest and surest: an interface with a carrier, then an echo from the addresses that the
config names, or from the default gateways; a gateway that answers no echo may still answer ARP.  Reads
what Linux shows under /proc and /sys.
"""

import asyncio
import contextlib
import ipaddress
import socket
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from netmon.icmp import Pinger, PingError

ECHOES: Final = 2  # to each reference before its silence counts
PATIENCE: Final = 1.0  # seconds for one echo
_ROUTE_GATEWAY: Final = 0x2  # RTF_GATEWAY, linux/route.h
_ARP_COMPLETE: Final = 0x2  # ATF_COM, linux/if_arp.h
_DISCARD: Final = 9  # RFC 863: a datagram to it asks ARP for the address and nothing of the gateway


class OwnLink:
    """The test.  `root` is where /proc and /sys are."""

    def __init__(self, pinger: Pinger, root: Path = Path("/")) -> None:
        self._pinger = pinger
        self._root = root

    async def sound(self, references: Sequence[str]) -> bool | None:
        """True if it carries, False if not, None where nothing tells; takes a few seconds at most.

        `references` are numeric addresses that answer echoes; without any the default gateways are asked.
        """
        if not self._has_carrier():
            return False
        asked = list(references) or self._gateways()
        if not asked:
            return None
        if any(await asyncio.gather(*(self._answers(address) for address in asked))):
            return True
        if references:
            return False
        return any(self._has_neighbour(address) for address in asked)

    def _has_carrier(self) -> bool:
        """Whether any interface but loopback has a carrier."""
        for link in sorted((self._root / "sys/class/net").glob("*")):
            if link.name == "lo":
                continue
            # Reading it fails with EINVAL while the interface is switched off.
            with contextlib.suppress(OSError):
                if (link / "carrier").read_text().strip() == "1":
                    return True
        return False

    def _gateways(self) -> list[str]:
        """The default gateways, IPv4 before IPv6."""
        found: list[str] = []
        for line in self._lines("proc/net/route")[1:]:
            words = line.split()
            if words[1] == "00000000" and int(words[3], 16) & _ROUTE_GATEWAY:
                found.append(socket.inet_ntoa(struct.pack("=L", int(words[2], 16))))
        for line in self._lines("proc/net/ipv6_route"):
            words = line.split()
            gateway = ipaddress.IPv6Address(bytes.fromhex(words[4]))
            if words[1] == "00" and int(words[0], 16) == 0 and int(gateway):
                zone = f"%{words[9]}" if gateway.is_link_local else ""
                found.append(f"{gateway}{zone}")
        return list(dict.fromkeys(found))

    async def _answers(self, address: str) -> bool:
        for _ in range(ECHOES):
            try:
                await self._pinger.ping(address, PATIENCE)
            except PingError:
                await asyncio.to_thread(_nudge, address)
                continue
            except OSError:
                return False
            return True
        return False

    def _has_neighbour(self, address: str) -> bool:
        """Whether ARP has found it."""
        for line in self._lines("proc/net/arp")[1:]:
            words = line.split()
            if words[0] == address and int(words[2], 16) & _ARP_COMPLETE:
                return True
        return False

    def _lines(self, path: str) -> list[str]:
        try:
            return (self._root / path).read_text().splitlines()
        except OSError:
            return []


def _nudge(address: str) -> None:
    """Have the kernel look for an address on its own network, where no ping may be sent."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as door:
        door.sendto(b"", (address, _DISCARD))
