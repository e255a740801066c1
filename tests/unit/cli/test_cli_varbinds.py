"""Varbinds as net-snmp's tools print them; names and numbers."""

import pytest

from netmon.cli.names import Names, Wish
from netmon.cli.varbinds import as_json, line, value_text
from netmon.errors import NetmonError
from netmon.mib.modules import builtin_modules, parse_modules
from netmon.mib.tree import shipped
from netmon.snmp import ber

NAMES = Names(builtin_modules(), shipped())


@pytest.mark.parametrize(
    ("tag", "value", "text"),
    [
        (ber.INTEGER, -5, "INTEGER: -5"),
        (ber.COUNTER64, 2**64 - 1, "Counter64: 18446744073709551615"),
        (ber.TIME_TICKS, 0, "Timeticks: (0) 0:00:00.00"),
        (ber.TIME_TICKS, 8_640_000 + 366_101, "Timeticks: (9006101) 1 day, 1:01:01.01"),
        (ber.TIME_TICKS, 4294967295, "Timeticks: (4294967295) 497 days, 2:27:52.95"),
        (ber.OCTET_STRING, b"", '""'),
        (ber.OCTET_STRING, b'say "a\\b"', r'STRING: "say \"a\\b\""'),
        (ber.OCTET_STRING, b"two\nlines\r", r'STRING: "two\nlines\r"'),
        (ber.OCTET_STRING, b"\x00\x1a", "Hex-STRING: 00 1A "),
        (ber.OCTET_STRING, "é".encode(), "Hex-STRING: C3 A9 "),
        (ber.OCTET_STRING, bytes(17), "Hex-STRING: " + "00 " * 16 + "\n00 "),
        (ber.OCTET_STRING, b"\x1b[2J", "Hex-STRING: 1B 5B 32 4A "),
        (ber.IP_ADDRESS, b"\x7f\x00\x00\x01", "IpAddress: 127.0.0.1"),
        (ber.OBJECT_IDENTIFIER, b"\x2b\x06\x01", "OID: .1.3.6.1"),
        (ber.OPAQUE, b"\x9f\x78\x04\x3f\x80\x00\x00", "Opaque: Float: 1.000000"),
        (ber.NO_SUCH_OBJECT, None, "No Such Object available on this agent at this OID"),
        (ber.NULL, None, "NULL"),
    ],
)
def test_a_value_as_net_snmp_prints_it(tag: int, value: ber.Value, text: str) -> None:
    """Type, colon, value; what could move a terminal's cursor is an escape or hex."""
    assert value_text(tag, value) == text
    assert line(".1.3", tag, value) == f".1.3 = {text}"


@pytest.mark.parametrize(
    ("tag", "value", "wanted"),
    [
        (ber.OCTET_STRING, b"a\xff", {"type": "OCTET STRING", "value": "a\ufffd", "hex": "61ff"}),
        (ber.INTEGER, 3, {"type": "INTEGER", "value": 3}),
        (ber.OBJECT_IDENTIFIER, b"\x2b\x06\x01", {"type": "OBJECT IDENTIFIER", "value": "1.3.6.1"}),
        (ber.IP_ADDRESS, b"\x7f\x00\x00\x01", {"type": "IpAddress", "value": "127.0.0.1"}),
        (ber.OPAQUE, b"\x9f\x78\x04\x3f\x80\x00\x00", {"type": "Opaque", "value": 1.0}),
        (ber.NO_SUCH_INSTANCE, None, {"type": "noSuchInstance", "value": None}),
    ],
)
def test_a_value_as_json(tag: int, value: ber.Value, wanted: dict[str, object]) -> None:
    """Numbers as numbers, octets as text and as hex."""
    assert as_json(b"\x2b\x06", "x.1", tag, value) == {"oid": "1.3.6", "name": "x.1"} | wanted


@pytest.mark.parametrize(
    ("text", "oid", "scalar"),
    [
        ("1.3.6.1.2.1.1.1.0", "1.3.6.1.2.1.1.1.0", False),
        (".1.3.6.1", "1.3.6.1", False),
        ("sysName", "1.3.6.1.2.1.1.5", True),
        ("sysName.0", "1.3.6.1.2.1.1.5.0", False),
        ("IF-MIB::ifDescr.300", "1.3.6.1.2.1.2.2.1.2.300", False),
        ("ifDescr", "1.3.6.1.2.1.2.2.1.2", False),
        ("system", "1.3.6.1.2.1.1", False),
        ("SNMPv2-MIB::sysName.0", "1.3.6.1.2.1.1.5.0", False),
        ("snmpTrapOID", "1.3.6.1.6.3.1.1.4.1", True),  # in no module of metrics
        ('nsExtendOutputFull."a.b"', "1.3.6.1.4.1.8072.1.3.2.3.1.2.3.97.46.98", False),
    ],
)
def test_a_name_stands_for_an_oid(text: str, oid: str, scalar: bool) -> None:  # noqa: FBT001
    """Numbers, objects with and without index, texts in an index, a module's subtree."""
    assert NAMES.find(text) == (Wish(ber.encode_oid(oid), scalar),)


def test_a_module_stands_for_all_its_subtrees() -> None:
    """As the module's `walk` has them."""
    assert len(NAMES.find("if_mib")) == 2


@pytest.mark.parametrize(
    "text", ["ifDesc", "5", "1.99", "XX-MIB::ifDescr", "1..3", "ifDescr.x", "", "if_mib.1"]
)
def test_what_is_neither_is_told(text: str) -> None:
    """A sentence, with the nearest name where there is one."""
    with pytest.raises(NetmonError):
        NAMES.find(text)


def test_the_nearest_name_is_told() -> None:
    """Of the modules' names."""
    with pytest.raises(NetmonError, match='did you mean "ifDescr"'):
        NAMES.find("ifDesc")


def test_names_of_objects() -> None:
    """A column with its index; the nearest name above; None where there is none."""
    named = NAMES.name(ber.encode_oid("1.3.6.1.2.1.2.2.1.2.300"))
    assert named is not None
    assert (named.module, named.name, str(named)) == ("IF-MIB", "ifDescr.300", "IF-MIB::ifDescr.300")
    assert str(NAMES.name(ber.encode_oid("1.3.6.1.4.1.99999.1"))) == "SNMPv2-SMI::enterprises.99999.1"
    assert NAMES.name(ber.encode_oid("2.999.3")) is None
    assert NAMES.text(ber.encode_oid("1.3.6.1.6.3.1.1.5.1")) == "SNMPv2-MIB::coldStart"


def test_a_modules_name_is_all_that_it_reads() -> None:
    """Single objects too, which some modules read alone; a user's module goes before netmon's."""
    assert len(NAMES.find("tcp")) == len(builtin_modules()["tcp"].get)
    assert ber.encode_oid("1.3.6.1.2.1.6.9.0") in {wish.oid for wish in NAMES.find("tcp")}
    own = parse_modules("modules: {tcp: {walk: [1.3.6.1.4.1.9999]}}", "snmp.yml")
    assert Names(builtin_modules(), shipped(), own).find("tcp") == (Wish(ber.encode_oid("1.3.6.1.4.1.9999")),)
