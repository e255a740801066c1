"""The following of domains: routes that change with DNS, by a loop whose clock only the test moves."""

import asyncio
import ipaddress
from dataclasses import dataclass, field
from typing import Any

from netmon.domains import MOST, NOTE, Domains
from netmon.mail.mx.questions import Kind, Reply, State
from netmon.model import DnsState, FindingKind, Host
from tests.virtual import run_virtual

ALL = (ipaddress.ip_network("0.0.0.0/0"), ipaddress.ip_network("::/0"))


@dataclass
class Domain:
    """As the config has it."""

    name: str
    interval: float = 300.0
    allow: tuple[Any, ...] = ALL


@dataclass
class World:
    """DNS as a table of zones, and what was kept and told."""

    mx: dict[str, dict[str, list[str]]] = field(default_factory=dict)
    dead: bool = False
    ttl: float = 60.0
    asked: int = 0
    changes: int = 0
    notes: dict[str, Any] = field(default_factory=dict)

    async def ask(self, name: str, kind: Kind) -> Reply:
        """Answer from the table."""
        self.asked += kind == "MX"
        if self.dead:
            return Reply(State.FAILED, why="silence")
        if kind == "MX":
            found = [(number, mx) for number, mx in enumerate(self.mx.get(name, ()))]
            return Reply(State.FOUND, tuple(found), self.ttl) if found else Reply(State.ABSENT)
        addresses = {mx: known for servers in self.mx.values() for mx, known in servers.items()}.get(name, [])
        family = [address for address in addresses if (":" in address) is (kind == "AAAA")]
        return Reply(State.FOUND, tuple(family), self.ttl) if family else Reply(State.EMPTY)

    def changed(self) -> None:
        """Count it."""
        self.changes += 1

    def note(self, _kind: str, name: str, value: Any) -> None:
        """Keep it."""
        self.notes[name] = value

    def follow(self, *domains: Domain, hosts: tuple[Host, ...] = ()) -> Domains:
        """Begin to follow."""
        noted = {name: value for name, value in self.notes.items() if value is not None}
        domains_ = Domains(
            self.ask,
            self.changed,
            wall=lambda: 1000.0 + asyncio.get_running_loop().time(),
            note=self.note,
            noted=lambda kind: noted if kind == NOTE else {},
        )
        domains_.configure(domains, hosts)
        domains_.start()
        return domains_


def shown(domains: Domains) -> list[str]:
    """Routes in short."""
    return [f"{r.domain} {r.mx} {r.address} {r.number}" for r in domains.routes]


def test_routes_follow_dns() -> None:
    """A change is noticed when the TTL and the interval are over; numbers stay with their addresses."""

    async def scene() -> None:
        world = World({"a.org": {"mx": ["192.0.2.1", "192.0.2.2", "2001:db8::1"]}})
        domains = world.follow(Domain("a.org"))
        await asyncio.sleep(1)
        assert shown(domains) == ["a.org mx 192.0.2.1 1", "a.org mx 192.0.2.2 2", "a.org mx 2001:db8::1 1"]
        world.mx["a.org"] = {"mx": ["192.0.2.2", "192.0.2.3"]}
        await asyncio.sleep(200)
        assert (world.asked, world.changes) == (1, 1)
        await asyncio.sleep(100)
        assert shown(domains) == ["a.org mx 192.0.2.2 2", "a.org mx 192.0.2.3 1"]
        assert (world.asked, world.changes) == (2, 2)
        await domains.close()

    run_virtual(scene())


def test_dead_dns_takes_nothing_away_and_says_so() -> None:
    """Routes stay, a finding tells since when, and the next look comes soon."""

    async def scene() -> None:
        world = World({"a.org": {"mx": ["192.0.2.1"]}})
        domains = world.follow(Domain("a.org"))
        await asyncio.sleep(1)
        world.dead = True
        await asyncio.sleep(3600)
        lookup = domains.lookups()["a.org"]
        assert shown(domains) == ["a.org mx 192.0.2.1 1"]
        assert lookup.dns is DnsState.SILENT
        assert (lookup.findings[0].kind, lookup.findings[0].at) == (FindingKind.DNS_FAILED, 1300.0)
        assert world.changes == 1
        world.dead = False
        await asyncio.sleep(31)
        assert domains.lookups()["a.org"].findings == ()
        await domains.close()

    run_virtual(scene())


def test_a_domain_that_is_gone_is_taken_away_once_confirmed() -> None:
    """The third answer in a row ends its checks; it comes back with the first good one."""

    async def scene() -> None:
        world = World({"a.org": {"mx": ["192.0.2.1"]}})
        domains = world.follow(Domain("a.org"))
        await asyncio.sleep(1)
        servers = world.mx.pop("a.org")
        await asyncio.sleep(300 + 30)
        assert shown(domains) == ["a.org mx 192.0.2.1 1"]
        await asyncio.sleep(31)
        assert shown(domains) == []
        world.mx["a.org"] = servers
        await asyncio.sleep(31)
        assert shown(domains) == ["a.org mx 192.0.2.1 1"]
        await domains.close()

    run_virtual(scene())


def test_a_restart_under_dead_dns_goes_on_with_what_was_known() -> None:
    """The note of the earlier life gives the routes before anything is asked."""

    async def scene() -> None:
        world = World({"a.org": {"mx": ["192.0.2.1"]}, "b.org": {"mx": ["192.0.2.1"]}})
        domains = world.follow(Domain("a.org"), Domain("b.org"))
        await asyncio.sleep(1)
        await domains.close()
        world.dead = True
        domains = world.follow(Domain("a.org"))
        assert shown(domains) == ["a.org mx 192.0.2.1 1"]
        assert world.notes["b.org"] is None, "a domain that left the config is forgotten"
        await asyncio.sleep(600)
        assert shown(domains) == ["a.org mx 192.0.2.1 1"]
        await domains.close()

    run_virtual(scene())


def test_addresses_of_nets_that_are_not_public_are_no_routes() -> None:
    """Only a host's address or the domain's `allow` makes one; the finding says so."""

    async def scene() -> None:
        world = World({"a.org": {"mx": ["127.0.0.1", "10.0.0.1", "8.8.8.8", "::1"]}})
        domains = world.follow(
            Domain("a.org", allow=(ipaddress.ip_network("10.0.0.0/8"),)), hosts=(Host("v6", "::1"),)
        )
        await asyncio.sleep(1)
        assert [route.address for route in domains.routes] == ["10.0.0.1", "8.8.8.8", "::1"]
        (refused,) = domains.lookups()["a.org"].findings
        assert (refused.kind, refused.subject) == (FindingKind.MX_ADDRESS_REFUSED, "127.0.0.1")
        await domains.close()

    run_virtual(scene())


def test_all_domains_together_are_bounded() -> None:
    """However many domains name however many servers, there are ten thousand routes at most."""

    async def scene() -> None:
        servers = {f"m{number}": [f"192.0.2.{each}" for each in range(10)] for number in range(20)}
        world = World({f"d{number}.org": servers for number in range(60)})
        domains = world.follow(*(Domain(name) for name in world.mx))
        await asyncio.sleep(1)
        assert len(domains.routes) == MOST
        assert domains.lookups()["d59.org"].findings[0].kind == FindingKind.MX_TOO_MANY
        await domains.close()

    run_virtual(scene())
