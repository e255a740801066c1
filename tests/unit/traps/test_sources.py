"""Who may send, and which host something is from."""

from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netmon.traps.sources import Sources

ENGINE = bytes.fromhex("80001f8880aabbccdd")
SOURCES = Sources(
    hosts={"192.0.2.1": "sw1", "2001:db8::1": "sw6"},
    engines={"0x80001F8880AABBCCDD": "ups1", "junk": "x"},
    relays=["198.51.100.9"],
    allow=[ip_network("203.0.113.0/24")],
)


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("192.0.2.1", True),
        ("::ffff:192.0.2.1", True),
        ("2001:db8::1", True),
        ("2001:DB8:0::1", True),
        ("198.51.100.9", True),
        ("203.0.113.77", True),
        ("::ffff:203.0.113.77", True),
        ("192.0.2.2", False),
        ("2001:db8::2", False),
        ("nonsense", False),
    ],
)
def test_only_hosts_relays_and_allowed_networks_may_send(address: str, *, allowed: bool) -> None:
    """Default deny, and IPv4 within IPv6 is the same sender."""
    assert SOURCES.allowed(address) is allowed
    assert SOURCES.allowed(address) is allowed  # remembered


@pytest.mark.parametrize(
    ("source", "engine", "agent", "host"),
    [
        ("192.0.2.1", ENGINE, "2001:db8::1", "sw1"),  # the peer's address first
        ("203.0.113.77", ENGINE, "192.0.2.1", "ups1"),  # then the engine
        ("198.51.100.9", b"", "192.0.2.1", "sw1"),  # then what a relay says
        ("203.0.113.77", b"", "192.0.2.1", ""),  # which others are not believed
        ("203.0.113.77", b"other", "", ""),
        ("::ffff:192.0.2.1", b"", "", "sw1"),
    ],
)
def test_the_host_is_by_address_then_engine_then_relay(
    source: str, engine: bytes, agent: str, host: str
) -> None:
    """In that order, and of an agent address only what a trusted relay says."""
    assert SOURCES.host_of(source, engine, agent) == host


def test_what_is_remembered_of_addresses_is_bounded() -> None:
    """Whoever writes a new source address on each datagram does not fill the memory."""
    sources = Sources(hosts={}, engines={})
    for number in range(40_000):
        sources.allowed(f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}")
    assert len(sources._known) <= 16_384


@given(st.ip_addresses(), st.lists(st.ip_addresses().map(str), max_size=5), st.integers(0, 32))
def test_networks_are_what_ipaddress_says(
    address: IPv4Address | IPv6Address, bases: list[str], length: int
) -> None:
    """Of either version and any length, the whole of the internet included."""
    networks = [ip_network(f"{base}/{length}", strict=False) for base in bases]
    sources = Sources(hosts={}, engines={}, allow=networks)
    plain = getattr(address, "ipv4_mapped", None) or address
    assert sources.allowed(str(address)) is any(plain in network for network in networks)
    for base in bases:
        if getattr(ip_address(base), "ipv4_mapped", None) is None:
            assert sources.allowed(base)
