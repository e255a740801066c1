"""Whom `/snmp` contacts: the table of the promise "only what the config allows"."""

import ipaddress
from collections.abc import Mapping

import pytest

from netmon.model import Host
from netmon.probes.snmp_settings import SnmpSettings
from netmon.scrape.access import Access, Device, Door, ProbeTargets
from netmon.scrape.query import QueryError, parse_endpoint

NETWORKS = (ipaddress.ip_network("192.0.2.0/24"), ipaddress.ip_network("2001:db8::/32"))
HOSTS = (
    Device(Host("sw1", "192.0.2.1", addresses=("2001:db8::1",)), SnmpSettings(port=1161), 10, 2),
    Device(Host("mx1", "mx1.example.org"), None, 10, 2),
    Device(Host("here", "localhost"), SnmpSettings(), 10, 2),
    Device(Host("odd", "odd.example.org", addresses=("127.0.0.9",)), None, 10, 2),
)


class Dns:
    """Answers names by the book, in turn where there are several answers, and counts."""

    def __init__(self, book: Mapping[str, list[tuple[str, ...]]]) -> None:
        self.book = {name: list(answers) for name, answers in book.items()}
        self.asked: list[str] = []

    async def __call__(self, name: str) -> tuple[str, ...]:
        """Numeric addresses are themselves."""
        self.asked.append(name)
        try:
            return (str(ipaddress.ip_address(name)),)
        except ValueError:
            answers = self.book[name]
            return answers.pop(0) if len(answers) > 1 else answers[0]


def dns(**book: str) -> Dns:
    """One answer for each name, `_` in the place of dots."""
    return Dns({name.replace("_", "."): [tuple(text.split())] for name, text in book.items()})


async def admit(target: str, rule: ProbeTargets = "configured", resolver: Dns | None = None) -> Door:
    """Ask for a target."""
    resolver = resolver or dns(mx1_example_org="198.51.100.25", localhost="127.0.0.1 ::1")
    return await Access.of(rule, HOSTS).admit(parse_endpoint(target), resolver)


@pytest.mark.parametrize(
    ("target", "addresses", "port", "name"),
    [
        ("sw1", ("192.0.2.1",), 1161, "sw1"),  # its own port, where the target names none
        ("SW1:1161", ("192.0.2.1",), 1161, "sw1"),
        ("192.0.2.1:161", ("192.0.2.1",), 161, "sw1"),
        ("[2001:db8::1]:1161", ("2001:db8::1",), 1161, "sw1"),
        ("[::ffff:192.0.2.1]", ("192.0.2.1",), 1161, "sw1"),
        ("mx1", ("198.51.100.25",), 161, "mx1"),
        ("mx1.example.org.", ("198.51.100.25",), 161, "mx1"),
        ("localhost", ("127.0.0.1", "::1"), 161, "here"),
        ("udp4://here", ("127.0.0.1",), 161, "here"),
        ("udp6://here", ("::1",), 161, "here"),
    ],
)
async def test_configured_hosts_are_contacted(
    target: str, addresses: tuple[str, ...], port: int, name: str
) -> None:
    """A host is known by its name, its address and its further addresses."""
    door = await admit(target)
    assert (door.addresses, door.port) == (addresses, port)
    assert door.device is not None
    assert door.device.host.name == name


@pytest.mark.parametrize(
    ("target", "sentence"),
    [
        ("sw9", 'sw9 is not a configured host; to allow it, add to hosts in netmon.yml: - {name: "sw9"'),
        ("192.0.2.2:1161", 'add to hosts in netmon.yml: - {name: "192.0.2.2", snmp: {port: 1161}}'),
        ("169.254.169.254", "169.254.169.254 is not a configured host"),
        ("[::ffff:169.254.169.254]", "169.254.169.254 is not a configured host"),
        ("127.0.0.1", "127.0.0.1 is not a configured host"),
        ("[::ffff:127.0.0.1]", "127.0.0.1 is not a configured host"),
        ("[::1]:1161", 'hosts in netmon.yml: - {name: "NAME", address: "::1", snmp: {port: 1161}}; or allow'),
        ("sw1:162", "add to the host sw1 in netmon.yml: snmp: {port: 162}"),
        ("mx1:53", "add to the host mx1 in netmon.yml: snmp: {port: 53}"),
    ],
)  # fmt: skip
async def test_others_are_not(target: str, sentence: str) -> None:
    """Anyone else is a 403 that says which line to add, before any name is looked up."""
    resolver = dns(sw9="192.0.2.9")
    with pytest.raises(QueryError) as caught:
        await admit(target, resolver=resolver)
    assert caught.value.status == 403
    assert sentence in str(caught.value)
    assert not resolver.asked


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "169.254.169.254", "::1", "fe80::1", "::ffff:127.0.0.1", "0.0.0.0"]
)
async def test_dns_leads_no_configured_name_into_this_machine(address: str) -> None:
    """A name of another's zone resolves to a loopback or metadata address: a 403, and nothing is sent."""
    with pytest.raises(QueryError) as caught:
        await admit("mx1", resolver=dns(mx1_example_org=address))
    assert caught.value.status == 403


async def test_a_written_address_may_be_what_it_is() -> None:
    """The same is fine where the config has that very address."""
    assert (await admit("odd", resolver=dns(odd_example_org="127.0.0.9"))).addresses == ("127.0.0.9",)


async def test_what_was_judged_is_contacted() -> None:
    """A name is looked up once; that it leads elsewhere a moment later changes nothing (DNS rebinding)."""
    resolver = Dns({"sw7.example.org": [("192.0.2.7",), ("127.0.0.1",)]})
    door = await admit("sw7.example.org", NETWORKS, resolver)
    assert door.addresses == ("192.0.2.7",)
    assert resolver.asked == ["sw7.example.org"]


async def test_networks() -> None:
    """A list of networks allows what resolves into them, address by address, besides the hosts."""
    assert (await admit("192.0.2.77:1161", NETWORKS)).addresses == ("192.0.2.77",)
    mixed = dns(both_example_org="127.0.0.1 192.0.2.3 ::ffff:192.0.2.4 2001:db8::5")
    assert (await admit("both.example.org", NETWORKS, mixed)).addresses == (
        "192.0.2.3",
        "192.0.2.4",
        "2001:db8::5",
    )
    assert (await admit("mx1", NETWORKS)).addresses == ("198.51.100.25",)
    for target in ("198.51.100.1", "evil.example.org", "[::ffff:198.51.100.1]"):
        with pytest.raises(QueryError) as caught:
            await admit(target, NETWORKS, dns(evil_example_org="198.51.100.1"))
        assert caught.value.status == 403
        assert "web.probe_targets in netmon.yml: 198.51.100.1/32" in str(caught.value)


async def test_any() -> None:
    """`any` allows every single machine's address."""
    assert (await admit("10.0.0.1:99", "any")).port == 99
    for target in ("224.0.0.1", "255.255.255.255", "0.0.0.0", "[ff02::1]"):
        with pytest.raises(QueryError):
            await admit(target, "any")
    with pytest.raises(QueryError, match=r"udp6: 10\.0\.0\.1 has no IPv6 address"):
        await admit("udp6://10.0.0.1", "any")
