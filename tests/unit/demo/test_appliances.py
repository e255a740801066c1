"""The power supply and the print server: what they serve, and what they are too old for."""

from netmon.demo.appliances import print_server_rows, ups_rows
from netmon.demo.device import Device, Template
from tests.unit.demo.test_device import NOW, values


def test_the_power_supply_has_its_groups() -> None:
    """System, one interface, and the UPS-MIB from identity to alarms, with a battery that is normal."""
    found = values(Device(Template(ups_rows("ups1")), community=b"c", booted=NOW - 9000), NOW)
    for group in range(1, 5):
        assert any(oid.startswith(f"1.3.6.1.2.1.33.1.{group}.") for oid in found)
    assert found["1.3.6.1.2.1.33.1.2.1.0"][1] == 2
    assert found["1.3.6.1.2.1.1.5.0"][1] == b"ups1"


def test_the_print_server_is_old() -> None:
    """It has ifTable and neither ifXTable, Counter64 nor anything of SNMPv2's system group."""
    found = values(Device(Template(print_server_rows("print1")), community=b"c", booted=NOW - 9000), NOW)
    assert "1.3.6.1.2.1.2.2.1.10.1" in found
    assert not any(
        oid.startswith(("1.3.6.1.2.1.31.", "1.3.6.1.2.1.1.8.", "1.3.6.1.2.1.1.9.")) for oid in found
    )
    assert all(tag != 70 for tag, _ in found.values())
