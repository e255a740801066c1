"""Names to addresses, with a deadline of its own and no thread that dead DNS could block.

`getaddrinfo` runs in the loop's small thread pool: a few names whose servers are silent stop every
other use of that pool.  So this asks DNS itself (dnspython, asyncio), after `/etc/hosts` and the
special name `localhost` (RFC 6761 §6.3), and remembers: a good answer for its TTL, and beyond it
for as long as DNS does not answer, because a monitor must not go blind with the resolver.
"""

import asyncio
import ipaddress
import os
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

import dns.asyncresolver
import dns.exception
import dns.resolver

from netmon.errors import NetmonError, Reason

_SHORTEST: Final = 5.0  # seconds; a TTL of 0 would ask DNS again for every check of one round
_LONGEST: Final = 3600.0
_STALE: Final = 30.0  # while DNS is silent, ask again this often and answer from memory meanwhile
_NAMES: Final = 10_000  # remembered names
_ADDRESSES: Final = 16  # taken of one answer
_HOSTS_BYTES: Final = 1_000_000  # read of /etc/hosts

Answer = tuple[str, ...]


class ResolveError(NetmonError):
    """No address.  `reason` is RESOLVE_FAILED (DNS did not answer) or NAME_NOT_FOUND (it said no)."""

    def __init__(self, reason: Reason, text: str) -> None:
        super().__init__(text)
        self.reason = reason


@dataclass(slots=True)
class _Known:
    addresses: Answer
    until: float  # monotonic


class Resolver:
    """Addresses of names; shared by all probes, and lives as long as the agent.

    `servers` are DNS servers (default: those of `resolv_conf`), `port` is theirs where they name none,
    `deadline` the seconds that one question may take in all, over every server and retry.
    """

    def __init__(
        self,
        servers: Sequence[str] = (),
        *,
        port: int = 53,
        deadline: float = 5.0,
        hosts: Path = Path("/etc/hosts"),
        resolv_conf: Path = Path("/etc/resolv.conf"),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        split = [_server(server, port) for server in servers]
        self._servers = [address for address, _ in split]
        self._ports = dict(split)
        self._port = port
        self._deadline = deadline
        self._hosts = _HostsFile(hosts)
        self._resolv_conf = resolv_conf
        self._clock = clock
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._asking: dict[str, asyncio.Task[Answer]] = {}
        self._dns: tuple[int, dns.asyncresolver.Resolver] | None = None

    async def addresses(self, name: str) -> Answer:
        """The addresses of `name`, IPv4 before IPv6, at least one; a numeric address is itself.

        Raises ResolveError.
        """
        try:
            return (str(ipaddress.ip_address(name)),)
        except ValueError:
            name = name.rstrip(".").lower()
        if listed := self._hosts.addresses(name):
            return listed
        if name == "localhost" or name.endswith(".localhost"):
            return ("127.0.0.1", "::1")
        known = self._known.get(name)
        if known is not None and self._clock() < known.until:
            self._known.move_to_end(name)
            return known.addresses
        # Checks of one host start together; they share one question.
        task = self._asking.get(name)
        if task is None:
            task = asyncio.get_running_loop().create_task(self._ask(name, known))
            self._asking[name] = task
            task.add_done_callback(lambda done: self._asked(name, done))
        return await asyncio.shield(task)

    @property
    def deadline(self) -> float:
        """Seconds that one question may take."""
        return self._deadline

    def stub(self) -> dns.asyncresolver.Resolver:
        """dnspython's resolver with this one's servers, for questions of other kinds; not to be changed.

        Raises ResolveError if no server is known.
        """
        return self._resolver()

    async def close(self) -> None:
        """End the questions under way."""
        tasks = list(self._asking.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _asked(self, name: str, task: asyncio.Task[Answer]) -> None:
        self._asking.pop(name, None)
        if not task.cancelled():
            task.exception()  # mark it seen: all who waited may have been cancelled

    async def _ask(self, name: str, known: _Known | None) -> Answer:
        try:
            addresses, ttl = await self._query(name)
        except ResolveError as error:
            if error.reason is Reason.NAME_NOT_FOUND:
                self._known.pop(name, None)
                raise
            if known is None:
                raise
            self._remember(name, known.addresses, _STALE)
            return known.addresses
        self._remember(name, addresses, min(max(ttl, _SHORTEST), _LONGEST))
        return addresses

    def _remember(self, name: str, addresses: Answer, seconds: float) -> None:
        self._known[name] = _Known(addresses, self._clock() + seconds)
        self._known.move_to_end(name)
        while len(self._known) > _NAMES:
            self._known.popitem(last=False)

    async def _query(self, name: str) -> tuple[Answer, float]:
        resolver = self._resolver()
        answers = await asyncio.gather(
            self._records(resolver, name, "A"),
            self._records(resolver, name, "AAAA"),
        )
        found = tuple(address for addresses, _, _ in answers for address in addresses)
        if found:
            return found[:_ADDRESSES], min(ttl for addresses, ttl, _ in answers if addresses)
        failures = [failure for _, _, failure in answers if failure is not None]
        if failures:
            raise ResolveError(Reason.RESOLVE_FAILED, f"DNS did not answer for {name}: {failures[0]}")
        raise ResolveError(Reason.NAME_NOT_FOUND, f"DNS has no address for {name}")

    async def _records(
        self, resolver: dns.asyncresolver.Resolver, name: str, kind: Literal["A", "AAAA"]
    ) -> tuple[list[str], float, str | None]:
        """Addresses, TTL, and what went wrong if DNS gave no answer at all."""
        try:
            # dnspython's own lifetime does not bound its pauses between tries.
            async with asyncio.timeout(self._deadline):
                answer = await resolver.resolve(name, kind, raise_on_no_answer=False)
        except TimeoutError:
            return [], 0.0, f"silence for {self._deadline:g} s"
        except dns.resolver.NXDOMAIN:
            return [], 0.0, None
        except (dns.exception.DNSException, OSError, UnicodeError) as error:
            if isinstance(error, dns.name.LabelTooLong | dns.name.NameTooLong | dns.name.EmptyLabel):
                return [], 0.0, None  # no such name can exist
            return [], 0.0, f"{type(error).__name__}: {str(error)[:200]}"
        records = sorted(record.to_text() for record in answer.rrset or ())
        return records, float(answer.rrset.ttl) if answer.rrset else 0.0, None

    def _resolver(self) -> dns.asyncresolver.Resolver:
        """The dnspython resolver, made anew when the system's resolv.conf has changed."""
        stamp = 0 if self._servers else _stamp(self._resolv_conf)
        if self._dns is None or self._dns[0] != stamp:
            resolver = dns.asyncresolver.Resolver(configure=False)
            if self._servers:
                resolver.nameservers = self._servers
                resolver.nameserver_ports = self._ports
            else:
                try:
                    resolver.read_resolv_conf(str(self._resolv_conf))
                except (dns.exception.DNSException, OSError, ValueError) as error:
                    raise ResolveError(
                        Reason.RESOLVE_FAILED,
                        f"no DNS server is known: {self._resolv_conf} names none; list some in dns.servers",
                    ) from error
            resolver.port = self._port
            resolver.lifetime = self._deadline
            resolver.use_search_by_default = True  # as the system does for short names
            self._dns = (stamp, resolver)
        return self._dns[1]


def _server(text: str, port: int) -> tuple[str, int]:
    """Address and port of ``ADDRESS``, ``ADDRESS:PORT`` or ``[ADDRESS]:PORT``."""
    try:
        return str(ipaddress.ip_address(text)), port
    except ValueError:
        host, _, own = text.rpartition(":")
        return host.strip("[]"), int(own)


class _HostsFile:
    """`/etc/hosts`, read again when it changes (hosts(5))."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp = -1
        self._names: dict[str, Answer] = {}

    def addresses(self, name: str) -> Answer:
        stamp = _stamp(self._path)
        if stamp != self._stamp:
            self._stamp = stamp
            self._names = self._read()
        return self._names.get(name, ())

    def _read(self) -> dict[str, Answer]:
        try:
            with self._path.open("rb") as file:
                text = file.read(_HOSTS_BYTES).decode("utf-8", "replace")
        except OSError:
            return {}
        found: dict[str, list[str]] = {}
        for line in text.splitlines():
            address, *names = line.partition("#")[0].split() or [""]
            try:
                numeric = ipaddress.ip_address(address)
            except ValueError:
                continue
            for name in names:
                found.setdefault(name.lower(), []).append(str(numeric))
        return {
            name: tuple(sorted(dict.fromkeys(all_), key=lambda a: ":" in a)) for name, all_ in found.items()
        }


def _stamp(path: Path) -> int:
    """The file's time of change, 0 where there is none."""
    try:
        return os.stat(path).st_mtime_ns  # noqa: PTH116 (runs at every question; Path costs twice)
    except OSError:
        return 0
