"""Devices that are neither switch nor server: an uninterruptible power supply and an old print server.

The power supply serves the UPS-MIB's identity, battery, input and output groups (RFC 1628).  The
print server is of the time of SNMPv1 and 32-bit counters: ifTable and no ifXTable.
"""

from collections.abc import Iterator
from typing import Final

from netmon.demo.device import Moving, Row, Value, swing
from netmon.demo.objects import IFX_TABLE, SYSTEM, Port, interfaces, system
from netmon.snmp import ber

UPS: Final = "1.3.6.1.2.1.33.1"
# Both from the range that RFC 5612 reserves for documentation.
UPS_ID: Final = "1.3.6.1.4.1.32473.2.1"
PRINT_SERVER_ID: Final = "1.3.6.1.4.1.32473.3.1"


def ups_rows(name: str) -> Iterator[Row]:
    """A power supply of 3 kVA on mains, with a management card."""
    yield from system(
        name,
        "Example UPS 3000 management card, firmware 2.4.1",
        UPS_ID,
        location="server room, rack 1, bottom",
        services=72,
        modules=(("1.3.6.1.2.1.33", "UPS-MIB"),),
    )
    yield from interfaces((Port(1, "eth0", "Ethernet", mac=bytes((2, 0, 0, 0, 1, 1)), octets_in=300.0),))
    groups: tuple[tuple[str, int, Value | Moving], ...] = (
        ("1.1.0", ber.OCTET_STRING, b"Example"),
        ("1.2.0", ber.OCTET_STRING, b"UPS 3000"),
        ("1.3.0", ber.OCTET_STRING, b"2.4.1"),
        ("1.5.0", ber.OCTET_STRING, name.encode()),
        ("2.1.0", ber.INTEGER, 2),  # upsBatteryStatus: batteryNormal
        ("2.2.0", ber.INTEGER, 0),  # upsSecondsOnBattery
        ("2.3.0", ber.INTEGER, swing(38, 4)),  # upsEstimatedMinutesRemaining
        ("2.4.0", ber.INTEGER, 100),  # upsEstimatedChargeRemaining, per cent
        ("2.5.0", ber.INTEGER, 546),  # upsBatteryVoltage, 0.1 V
        ("2.7.0", ber.INTEGER, swing(24, 1)),  # upsBatteryTemperature, degrees Celsius
        ("3.1.0", ber.COUNTER32, 3),  # upsInputLineBads
        ("3.2.0", ber.INTEGER, 1),  # upsInputNumLines
        ("3.3.1.2.1", ber.INTEGER, 500),  # upsInputFrequency, 0.1 Hz
        ("3.3.1.3.1", ber.INTEGER, swing(231, 3, 90)),  # upsInputVoltage, V
        ("4.1.0", ber.INTEGER, 3),  # upsOutputSource: normal
        ("4.2.0", ber.INTEGER, 500),  # upsOutputFrequency, 0.1 Hz
        ("4.3.0", ber.INTEGER, 1),  # upsOutputNumLines
        ("4.4.1.2.1", ber.INTEGER, 230),  # upsOutputVoltage, V
        ("4.4.1.5.1", ber.INTEGER, swing(41, 6)),  # upsOutputPercentLoad
        ("6.1.0", ber.GAUGE32, 0),  # upsAlarmsPresent
    )
    for tail, tag, value in groups:
        yield Row(f"{UPS}.{tail}", tag, value)


def print_server_rows(name: str) -> Iterator[Row]:
    """A print server that was bought long ago and still prints."""
    for row in system(
        name,
        "Example PrintBox 2, ROM A.05.32",
        PRINT_SERVER_ID,
        location="reception",
        services=64,
        modules=(),
    ):
        if row.oid == f"{SYSTEM}.8.0":  # sysORLastChange came with SNMPv2
            continue
        yield row
    port = Port(
        1,
        "",
        "PrintBox Ethernet",
        mac=bytes((2, 0, 0, 0, 3, 1)),
        megabits=10,
        octets_in=900.0,
        octets_out=200.0,
    )
    for row in interfaces((port,)):
        if not row.oid.startswith(IFX_TABLE):
            yield row
    yield Row("1.3.6.1.2.1.43.10.2.1.4.1.1", ber.COUNTER32, 412_339)  # prtMarkerLifeCount
