"""Names to addresses against a DNS server in the test's own process."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import cast

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from netmon.errors import Reason
from netmon.resolver import ResolveError, Resolver


class Dns(asyncio.DatagramProtocol):
    """Answers from a table; silent while `dead`; counts what it was asked."""

    def __init__(self) -> None:
        self.zone: dict[tuple[str, str], list[str]] = {}
        self.ttl = 60
        self.rcode = dns.rcode.NOERROR
        self.dead: set[str] = set()
        self.asked: list[tuple[str, str]] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the socket, to answer by."""
        self.transport = cast("asyncio.DatagramTransport", transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Answer one question."""
        query = dns.message.from_wire(data)
        question = query.question[0]
        name, kind = question.name.to_text(omit_final_dot=True), dns.rdatatype.to_text(question.rdtype)
        self.asked.append((name, kind))
        if kind in self.dead:
            return
        reply = dns.message.make_response(query)
        reply.set_rcode(self.rcode)
        if records := self.zone.get((name, kind)):
            reply.answer.append(dns.rrset.from_text(name + ".", self.ttl, "IN", kind, *records))
        elif not any(known == name for known, _ in self.zone) and self.rcode == dns.rcode.NOERROR:
            reply.set_rcode(dns.rcode.NXDOMAIN)
        self.transport.sendto(reply.to_wire(), addr)


@pytest.fixture
async def dns_server() -> AsyncIterator[Dns]:
    """A DNS server on a free loopback port."""
    transport, protocol = await asyncio.get_running_loop().create_datagram_endpoint(
        Dns, local_addr=("127.0.0.1", 0)
    )
    yield protocol
    transport.close()


class Clock:
    """A clock that only the test moves."""

    now = 1000.0

    def __call__(self) -> float:
        """Seconds."""
        return self.now


Make = Callable[..., Resolver]


@pytest.fixture
async def make(dns_server: Dns, tmp_path: Path) -> AsyncIterator[Make]:
    """Build a Resolver that asks `dns_server`; closed at the end."""
    made: list[Resolver] = []

    def build(hosts: str = "", *, clock: Clock | None = None, deadline: float = 2.0) -> Resolver:
        (tmp_path / "hosts").write_text(hosts)
        port = dns_server.transport.get_extra_info("sockname")[1]
        resolver = Resolver(
            ["127.0.0.1"], port=port, hosts=tmp_path / "hosts", clock=clock or Clock(), deadline=deadline
        )
        made.append(resolver)
        return resolver

    yield build
    for resolver in made:
        await resolver.close()


async def test_numeric_addresses_ask_nobody(make: Make, dns_server: Dns) -> None:
    """An address is its own answer, in its canonical form."""
    resolver = make()
    assert await resolver.addresses("192.0.2.1") == ("192.0.2.1",)
    assert await resolver.addresses("2001:DB8:0::1") == ("2001:db8::1",)
    assert await resolver.addresses("fe80::1%eth0") == ("fe80::1%eth0",)
    assert dns_server.asked == []


async def test_hosts_file_comes_first(make: Make, dns_server: Dns, tmp_path: Path) -> None:
    """/etc/hosts is honoured, IPv4 first, and read again when it changes."""
    resolver = make(
        "# comment\n2001:db8::7 mx1 MX1.Example.org # and\n192.0.2.7 mx1.example.org\nnonsense here\n"
    )
    assert await resolver.addresses("mx1.example.org") == ("192.0.2.7", "2001:db8::7")
    assert await resolver.addresses("mx1") == ("2001:db8::7",)
    changed = tmp_path / "changed"
    changed.write_text("192.0.2.8 mx1\n")
    changed.rename(tmp_path / "hosts")
    assert await resolver.addresses("mx1") == ("192.0.2.8",)
    assert dns_server.asked == []


async def test_localhost_is_never_asked_for(make: Make, dns_server: Dns) -> None:
    """RFC 6761 §6.3: localhost is the loopback, without DNS."""
    assert await make().addresses("localhost") == ("127.0.0.1", "::1")
    assert dns_server.asked == []


async def test_both_families(make: Make, dns_server: Dns) -> None:
    """A and AAAA are asked, and IPv4 comes first; the name's case and final dot do not matter."""
    dns_server.zone = {("mx.test", "A"): ["192.0.2.2", "192.0.2.1"], ("mx.test", "AAAA"): ["2001:db8::1"]}
    assert await make().addresses("MX.test.") == ("192.0.2.1", "192.0.2.2", "2001:db8::1")


async def test_answers_are_kept_for_their_ttl(make: Make, dns_server: Dns) -> None:
    """Within the TTL nobody is asked again; after it, once more."""
    clock = Clock()
    resolver = make(clock=clock)
    dns_server.zone = {("mx.test", "A"): ["192.0.2.1"]}
    await resolver.addresses("mx.test")
    asked = len(dns_server.asked)
    clock.now += 59
    await resolver.addresses("mx.test")
    assert len(dns_server.asked) == asked
    dns_server.zone = {("mx.test", "A"): ["192.0.2.9"]}
    clock.now += 2
    assert await resolver.addresses("mx.test") == ("192.0.2.9",)


async def test_a_ttl_of_zero_serves_one_round(make: Make, dns_server: Dns) -> None:
    """Even an answer without a lifetime is kept for some seconds."""
    dns_server.zone, dns_server.ttl = {("mx.test", "A"): ["192.0.2.1"]}, 0
    resolver = make()
    await resolver.addresses("mx.test")
    await resolver.addresses("mx.test")
    assert len(dns_server.asked) == 2


async def test_questions_are_shared(make: Make, dns_server: Dns) -> None:
    """Checks of one host that start together ask once, and a cancelled one harms no other."""
    dns_server.zone = {("mx.test", "A"): ["192.0.2.1"]}
    resolver = make()
    tasks = [asyncio.create_task(resolver.addresses("mx.test")) for _ in range(5)]
    await asyncio.sleep(0)
    tasks[0].cancel()
    answers = await asyncio.gather(*tasks[1:])
    assert answers == [("192.0.2.1",)] * 4
    assert len(dns_server.asked) == 2


async def test_a_name_that_does_not_exist(make: Make) -> None:
    """NXDOMAIN is an answer: the name is wrong, not the resolver."""
    with pytest.raises(ResolveError, match=r"no address for nowhere\.test") as caught:
        await make().addresses("nowhere.test")
    assert caught.value.reason is Reason.NAME_NOT_FOUND


@pytest.mark.parametrize("name", ["a" * 64 + ".test", "a..test", "x." * 200])
async def test_a_name_that_cannot_exist(make: Make, name: str) -> None:
    """A name that DNS could not hold is not found."""
    with pytest.raises(ResolveError) as caught:
        await make().addresses(name)
    assert caught.value.reason is Reason.NAME_NOT_FOUND


async def test_a_name_without_an_address(make: Make, dns_server: Dns) -> None:
    """A name that exists without A and AAAA has no address either."""
    dns_server.zone = {("mx.test", "TXT"): ["x"]}
    with pytest.raises(ResolveError) as caught:
        await make().addresses("mx.test")
    assert caught.value.reason is Reason.NAME_NOT_FOUND


async def test_dead_dns_ends_by_its_deadline(make: Make, dns_server: Dns) -> None:
    """Silence is our own side's failure, within the resolver's own deadline."""
    dns_server.dead = {"A", "AAAA"}
    begun = asyncio.get_running_loop().time()
    with pytest.raises(ResolveError, match="did not answer") as caught:
        await make(deadline=0.1).addresses("mx.test")
    assert caught.value.reason is Reason.RESOLVE_FAILED
    assert asyncio.get_running_loop().time() - begun < 1


async def test_servfail_is_no_answer(make: Make, dns_server: Dns) -> None:
    """A resolver that gives up has told nothing about the name."""
    dns_server.rcode = dns.rcode.SERVFAIL
    with pytest.raises(ResolveError) as caught:
        await make(deadline=0.3).addresses("mx.test")
    assert caught.value.reason is Reason.RESOLVE_FAILED


async def test_last_good_answer_outlives_dns(make: Make, dns_server: Dns) -> None:
    """When DNS dies, its last answer serves on, and DNS is not asked at every check."""
    clock = Clock()
    resolver = make(clock=clock, deadline=0.1)
    dns_server.zone = {("mx.test", "A"): ["192.0.2.1"]}
    await resolver.addresses("mx.test")
    dns_server.dead = {"A", "AAAA"}
    clock.now += 100_000
    assert await resolver.addresses("mx.test") == ("192.0.2.1",)
    asked = len(dns_server.asked)
    assert await resolver.addresses("mx.test") == ("192.0.2.1",)
    assert len(dns_server.asked) == asked


async def test_a_name_that_is_gone_is_forgotten(make: Make, dns_server: Dns) -> None:
    """NXDOMAIN ends the last good answer: it is an answer too."""
    clock = Clock()
    resolver = make(clock=clock)
    dns_server.zone = {("mx.test", "A"): ["192.0.2.1"]}
    await resolver.addresses("mx.test")
    dns_server.zone = {}
    clock.now += 100
    with pytest.raises(ResolveError):
        await resolver.addresses("mx.test")


async def test_one_family_is_enough(make: Make, dns_server: Dns) -> None:
    """Where only one of the two questions is answered, its addresses count."""
    dns_server.zone = {("mx.test", "A"): ["192.0.2.1"]}
    dns_server.dead = {"AAAA"}
    assert await make(deadline=0.3).addresses("mx.test") == ("192.0.2.1",)


async def test_no_dns_server_is_known(tmp_path: Path) -> None:
    """A machine without resolv.conf says which file is missing and what to set."""
    resolver = Resolver(hosts=tmp_path / "none", resolv_conf=tmp_path / "resolv.conf")
    with pytest.raises(ResolveError, match=r"resolv\.conf names none") as caught:
        await resolver.addresses("mx.test")
    assert caught.value.reason is Reason.RESOLVE_FAILED
