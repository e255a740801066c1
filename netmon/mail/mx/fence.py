"""Which addresses of somebody else's DNS netmon may connect to.

Whoever writes the zone of a monitored domain writes where netmon goes.  So an address counts only if it
is one of the public internet, or a person has written it into the config: as a host's address, or as a
network of the domain's `allow`.  The address that was judged is the one that is contacted.
"""

import ipaddress
from collections.abc import Collection, Sequence
from typing import Final

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_NAT64: Final = ipaddress.ip_network("64:ff9b::/96")  # RFC 6052 §2.1


def outside(address: str, allow: Sequence[Network] = (), configured: Collection[str] = ()) -> bool:
    """Whether netmon must not connect to a numeric address that DNS gave."""
    if address in configured:
        return False
    numeric = ipaddress.ip_address(address)
    if any(numeric.version == network.version and numeric in network for network in allow):
        return False
    within = _within(numeric)
    return not all(map(_public, within if within and numeric in _NAT64 else (numeric, *within)))


def _public(address: _Address) -> bool:
    return address.is_global and not address.is_multicast and not address.is_reserved


def _within(address: _Address) -> Sequence[ipaddress.IPv4Address]:
    """The IPv4 addresses that packets to an IPv6 address end at, on some networks."""
    if not isinstance(address, ipaddress.IPv6Address):
        return ()
    found = [address.ipv4_mapped, address.sixtofour, *(address.teredo or ())]
    if address in _NAT64:
        found.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    return [one for one in found if one is not None]
