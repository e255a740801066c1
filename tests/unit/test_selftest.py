"""Whether the own link carries anything: by carrier, by gateways and references, by ARP."""

from collections.abc import Collection
from pathlib import Path

import pytest

from netmon.errors import Reason
from netmon.icmp import PingError
from netmon.selftest import OwnLink

ROUTES = (
    "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\n"
    "eth0\t00000000\tFE0200C0\t0003\t0\t0\t0\t00000000\n"
    "eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\n"
)
V6 = (
    "00000000000000000000000000000000 00 00000000000000000000000000000000 00 "
    "fe800000000000000000000000000001 00000400 00000001 00000000 00000003     eth0\n"
)
ARP = (
    "IP address  HW type  Flags  HW address  Mask  Device\n"
    "192.0.2.254  0x1  0x2  02:00:00:00:00:01  *  eth0\n"
)


class Echoes:
    """A pinger that knows who answers."""

    def __init__(self, *answering: str) -> None:
        self.answering: Collection[str] = answering
        self.asked: list[str] = []

    async def ping(self, address: str, timeout: float) -> float:  # noqa: ASYNC109 - as the real one
        """Answer or not."""
        assert timeout
        self.asked.append(address)
        if address not in self.answering:
            raise PingError(Reason.TIMEOUT, "silence")
        return 0.001


def machine(folder: Path, *, carrier: str = "1", routes: str = ROUTES, arp: str = "", v6: str = "") -> Path:
    """What Linux shows of a machine with one interface beside loopback."""
    for name, up in (("lo", "1"), ("eth0", carrier)):
        link = folder / "sys/class/net" / name
        link.mkdir(parents=True)
        if up:
            (link / "carrier").write_text(f"{up}\n")
    proc = folder / "proc/net"
    proc.mkdir(parents=True)
    (proc / "route").write_text(routes)
    (proc / "ipv6_route").write_text(v6)
    (proc / "arp").write_text(arp)
    return folder


@pytest.fixture(autouse=True)
def _no_packets(monkeypatch: pytest.MonkeyPatch) -> None:
    """No test sends anything."""
    monkeypatch.setattr("netmon.selftest._nudge", lambda _address: None)


async def test_without_a_carrier_nothing_is_asked(tmp_path: Path) -> None:
    """The cable is out, or the interface is off: loopback does not count."""
    for number, carrier in enumerate(("0", "")):
        echoes = Echoes("192.0.2.254")
        link = OwnLink(echoes, machine(tmp_path / str(number), carrier=carrier))
        assert await link.sound(()) is False
        assert echoes.asked == []


async def test_a_gateway_that_answers_is_enough(tmp_path: Path) -> None:
    """The default route's, not that of the own network."""
    echoes = Echoes("192.0.2.254")
    assert await OwnLink(echoes, machine(tmp_path)).sound(()) is True
    assert echoes.asked == ["192.0.2.254"]


async def test_a_gateway_that_answers_no_echo_may_answer_arp(tmp_path: Path) -> None:
    """Many routers drop pings; that they have a hardware address proves the link."""
    assert await OwnLink(Echoes(), machine(tmp_path / "a", arp=ARP)).sound(()) is True
    incomplete = ARP.replace("0x2", "0x0")
    assert await OwnLink(Echoes(), machine(tmp_path / "b", arp=incomplete)).sound(()) is False
    assert await OwnLink(Echoes(), machine(tmp_path / "c")).sound(()) is False


async def test_references_replace_the_gateways(tmp_path: Path) -> None:
    """One that answers suffices, and their silence counts whatever ARP says."""
    link = OwnLink(Echoes("198.51.100.1"), machine(tmp_path, arp=ARP))
    assert await link.sound(("198.51.100.9", "198.51.100.1")) is True
    assert await link.sound(("198.51.100.9",)) is False


async def test_ipv6_gateways_are_asked_too(tmp_path: Path) -> None:
    """A link-local one on its interface."""
    echoes = Echoes("fe80::1%eth0")
    assert await OwnLink(echoes, machine(tmp_path, routes="", v6=V6)).sound(()) is True


async def test_nobody_to_ask_is_no_answer(tmp_path: Path) -> None:
    """A carrier and no gateway: it cannot tell."""
    assert await OwnLink(Echoes(), machine(tmp_path, routes="")).sound(()) is None
    assert await OwnLink(Echoes(), tmp_path / "nothing").sound(()) is False
