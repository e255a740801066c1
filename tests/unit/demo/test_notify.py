"""What the demo's devices send by themselves."""

import socket

import pytest

from netmon.demo.company import Company
from netmon.demo.machine import COMMUNITY
from netmon.demo.notify import COLD_START, ON_BATTERY, Told, datagram, link
from netmon.mib.tree import shipped
from netmon.snmp import ber, message


@pytest.mark.parametrize(
    ("told", "name", "values"),
    [
        (COLD_START, "SNMPv2-MIB::coldStart", []),
        (ON_BATTERY, "UPS-MIB::upsTrapOnBattery", [38, 1, 2]),
        (link(24, up=False), "IF-MIB::linkDown", [10124, 1, 2]),
        (link(48, up=True), "IF-MIB::linkUp", [10148, 1, 1]),
    ],
)
def test_a_trap_is_what_the_mib_says(told: Told, name: str, values: list[int]) -> None:
    """The notification has that name, and carries the objects that its definition lists, in order."""
    tree = shipped()
    data = datagram(told, COMMUNITY, 7, 12.5)
    at, end = ber.expect(data, 0, len(data), ber.SEQUENCE)
    for tag in (ber.INTEGER, ber.OCTET_STRING):
        start, stop = ber.expect(data, at, end, tag)
        at = stop
    start, stop = ber.expect(data, at, end, message.TRAP)
    request_id, _, _, varbinds = message.decode_pdu(data, start, stop)
    assert (request_id, varbinds.values[0]) == (7, 1250)
    trap = tree.find(ber.decode_oid(varbinds.values[1]))  # type: ignore[arg-type]
    assert trap.full_name == name
    found = [tree.at(ber.oid_numbers(oid))[0] for oid in varbinds.oids[2:]]
    assert tuple(node.name for node in found if node) == trap.objects
    assert varbinds.values[2:] == values


async def test_it_comes_from_the_device_and_only_where_traps_are_received() -> None:
    """The source is the device's own address; a company without a port for traps sends none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(("127.0.0.1", 0))
        receiver.settimeout(5)
        async with Company(trap_port=receiver.getsockname()[1]) as company:
            company.tell("sw1", COLD_START)
            data, source = receiver.recvfrom(65_535)
            assert source == ("127.62.0.2", company.snmp_port)
            assert COMMUNITY.encode() in data
            assert "traps:" in company.config()
    async with Company() as silent:
        silent.tell("sw1", COLD_START)
        assert "traps:" not in silent.config()
