"""Which host has which address, kept fresh: what tells whose trap one is.

Addresses of the config stand for themselves, names are looked up in DNS again and again, away from
whatever waits for a trap, and the addresses of mail servers come from where their domains are followed.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from ipaddress import IPv6Address, ip_address
from typing import Final

from netmon.errors import NetmonError
from netmon.model import Host, Route

LOOK: Final = 60.0  # seconds between two looks at all names; the resolver remembers answers for their TTL
_AT_ONCE: Final = 20  # names


class Addresses:
    """For the event loop's thread.  `changed` is called when the map is another."""

    def __init__(
        self, resolve: Callable[[str], Awaitable[Sequence[str]]], changed: Callable[[], None]
    ) -> None:
        self._resolve = resolve
        self._changed = changed
        self._fixed: dict[str, str] = {}
        self._names: dict[str, str] = {}  # DNS name -> host
        self._found: dict[str, tuple[str, ...]] = {}  # DNS name -> its addresses
        self._routes: dict[str, str] = {}
        self._told: Mapping[str, str] = {}
        self._again = asyncio.Event()

    def configure(self, hosts: Iterable[Host], routes: Iterable[Route]) -> Mapping[str, str]:
        """Take hosts and routes of mail; the map as it is known by now.

        An address that two hosts have is the first one's, and one of the config's before one of DNS.
        """
        self._fixed, self._names = {}, {}
        for host in hosts:
            for text in (host.address, *host.addresses):
                numeric = _numeric(text)
                if numeric:
                    self._fixed.setdefault(numeric, host.name)
                elif text:
                    self._names.setdefault(text, host.name)
        self._routes = {_numeric(route.address): route.mx for route in reversed(tuple(routes))}
        self._found = {name: self._found.get(name, ()) for name in self._names}
        self._again.set()
        self._told = self.known()
        return self._told

    def known(self) -> Mapping[str, str]:
        """Numeric address -> host."""
        found = {
            numeric: host
            for name, host in reversed(self._names.items())
            for numeric in map(_numeric, self._found.get(name, ()))
            if numeric
        }
        return {**self._routes, **found, **self._fixed}

    async def run(self) -> None:
        """Look names up, again and again; ends never."""
        while True:
            self._again.clear()
            places = asyncio.Semaphore(_AT_ONCE)
            await asyncio.gather(*(self._look(name, places) for name in self._names))
            if (known := self.known()) != self._told:
                self._told = known
                self._changed()
            try:
                async with asyncio.timeout(LOOK):
                    await self._again.wait()
            except TimeoutError:
                continue

    async def _look(self, name: str, places: asyncio.Semaphore) -> None:
        async with places:
            try:
                found = tuple(await self._resolve(name))
            except NetmonError:  # what was known stays: a trap must not lose its host with DNS
                return
        if name in self._found:
            self._found[name] = found


def _numeric(text: str) -> str:
    """As the receiver writes it, one of IPv4 within IPv6 as IPv4 (RFC 4291 §2.5.5.2); "" for a name."""
    try:
        address = ip_address(text)
    except ValueError:
        return ""
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(mapped or address)
