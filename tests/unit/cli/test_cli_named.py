"""Values by their MIB, as net-snmp's tools print them."""

import pytest

from netmon.cli.named import label, named_text
from netmon.mib.node import Node, Type
from netmon.mib.tree import shipped
from netmon.snmp import ber


def node(name: str) -> Node:
    """An object of the shipped MIBs."""
    return shipped().find(name)


@pytest.mark.parametrize(
    ("name", "tag", "value", "text"),
    [
        ("ifOperStatus", ber.INTEGER, 1, "INTEGER: up(1)"),
        ("ifOperStatus", ber.INTEGER, 99, "INTEGER: 99"),
        ("ifOperStatus", ber.OCTET_STRING, b"up", 'STRING: "up"'),  # an agent's defect stays visible
        ("ifAlias", ber.OCTET_STRING, b"to core", "STRING: to core"),
        ("ifAlias", ber.OCTET_STRING, b"", '""'),
        ("ifAlias", ber.OCTET_STRING, b"\x1b[2J", "Hex-STRING: 1B 5B 32 4A "),
        ("ifAlias", ber.OCTET_STRING, b"\xff", "Hex-STRING: FF "),
        ("ifPhysAddress", ber.OCTET_STRING, b"\x00\x1b\x21\x3c\xff\x01", "STRING: 00:1B:21:3C:FF:01"),
        ("upsEstimatedMinutesRemaining", ber.INTEGER, 7, "INTEGER: 7 minutes"),
        ("ifInOctets", ber.COUNTER32, 5, "Counter32: 5"),
        ("sysUpTime", ber.TIME_TICKS, 100, "Timeticks: (100) 0:00:01.00"),
        ("sysObjectID", ber.OBJECT_IDENTIFIER, b"\x2b\x06\x01", "OID: <2b0601>"),
        ("sysName", ber.NO_SUCH_OBJECT, None, "No Such Object available on this agent at this OID"),
        ("dot3ControlFunctionsSupported", ber.OCTET_STRING, b"\x80", "BITS: 80 pause(0)"),
    ],
)
def test_a_value_by_its_mib(name: str, tag: int, value: ber.Value, text: str) -> None:
    """Enums, DISPLAY-HINT, units and bits where they fit; nothing that moves a terminal's cursor."""
    assert named_text(node(name), tag, value, lambda oid: f"<{oid.hex()}>") == text


def test_an_integer_by_its_hint() -> None:
    """With the decimal point that the hint puts."""
    tenths = Node("x", "X", (1,), "scalar", "", "", "°C", Type("T", "Integer32", {}, (), "d-1"), (), ())
    assert named_text(tenths, ber.INTEGER, 215, str) == "INTEGER: 21.5 °C"
    assert label(tenths, ber.INTEGER, 215) == "21.5"


def test_without_a_node_it_is_the_plain_text() -> None:
    """As without MIBs."""
    assert named_text(None, ber.INTEGER, 1, str) == "INTEGER: 1"
    assert named_text(node("internet"), ber.OCTET_STRING, b"x", str) == 'STRING: "x"'
