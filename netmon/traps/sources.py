"""Who may send traps here, and which host a trap is from.

An address is a key of a dict where it was seen before, so that a datagram costs one look; what is
remembered is bounded, because the source address of a datagram is whatever its sender wrote.
"""

from collections.abc import Iterable, Mapping
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Final

from netmon.traps.records import Settings

_REMEMBERED: Final = 16_384  # addresses


def plain_address(text: str) -> str:
    """The usual text of an address, without zone; IPv4 within IPv6 is IPv4.  What is no address stays."""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return text
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(mapped or address)


class Sources:
    """What the settings say of addresses and engines."""

    def __init__(
        self,
        *,
        hosts: Mapping[str, str],
        engines: Mapping[str, str],
        relays: Iterable[str] = (),
        allow: Iterable[IPv4Network | IPv6Network] = (),
    ) -> None:
        """`hosts` by numeric address, `engines` by engine ID in hexadecimal digits."""
        self._hosts = {plain_address(address): host for address, host in hosts.items()}
        self._engines = {_engine(text): host for text, host in engines.items() if host}
        self._relays = frozenset(map(plain_address, relays))
        # By IP version and prefix length: a flood from addresses that were never seen costs a look for
        # each length, however many networks there are.
        self._allow: dict[tuple[int, int], set[int]] = {}
        for network in allow:
            shift = network.max_prefixlen - network.prefixlen
            self._allow.setdefault((network.version, shift), set()).add(int(network.network_address) >> shift)
        self._known: dict[str, tuple[bool, str]] = {}  # as the kernel writes it: allowed, plain text

    @classmethod
    def of(cls, settings: Settings) -> "Sources":
        """Those of the receiver's settings."""
        return cls(
            hosts=settings.hosts, engines=settings.engines, relays=settings.relays, allow=settings.allow
        )

    def allowed(self, address: str) -> bool:
        """Whether datagrams from there are looked at: a host's, a relay's, or one of an allowed network."""
        return self.seen(address)[0]

    def seen(self, address: str) -> tuple[bool, str]:
        """Whether datagrams from there are looked at, and the usual text of the address."""
        return self._known.get(address) or self._look(address)

    def host_of(self, source: str, engine_id: bytes = b"", agent_address: str = "") -> str:
        """The host that sent something, "" where none of the config did.

        By the peer's address, then by the engine ID, then by what a trusted relay says of the origin.
        The caller passes the engine ID of a sender only: an inform names the receiver's own.
        """
        _, peer = self.seen(source)
        host = self._hosts.get(peer)
        if host:
            return host
        if engine_id and self._engines:
            host = self._engines.get(engine_id)
            if host:
                return host
        if agent_address and peer in self._relays:
            return self._hosts.get(plain_address(agent_address), "")
        return ""

    def _look(self, address: str) -> tuple[bool, str]:
        plain = plain_address(address)
        found = (plain in self._hosts or plain in self._relays or self._in_allowed(plain), plain)
        if len(self._known) >= _REMEMBERED:
            self._known.clear()
        self._known[address] = found
        return found

    def _in_allowed(self, plain: str) -> bool:
        try:
            address = ip_address(plain)
        except ValueError:
            return False
        return any(
            version == address.version and int(address) >> shift in networks
            for (version, shift), networks in self._allow.items()
        )


def _engine(text: str) -> bytes:
    """Octets of an engine ID in hexadecimal digits, with or without `0x` and colons; none if it is none."""
    try:
        return bytes.fromhex(text.lower().removeprefix("0x").replace(":", " "))
    except ValueError:
        return b""
