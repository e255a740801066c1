"""Value syntax that few of the shipped objects have, by types made for the test."""

import pytest

from netmon.errors import NetmonError
from netmon.mib.node import Type
from netmon.mib.settings import _value
from netmon.mib.tree import shipped
from netmon.snmp import ber

TREE = shipped()
FEATURES = Type("Features", "BITS", {0: "pause", 1: "asym", 9: "late"}, (), "")
MAC = Type("MacAddress", "OCTET STRING", {}, ((6, 6),), "1x:")
CENTI = Type("Centi", "Integer32", {}, ((-100000, 100000),), "d-2")


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (FEATURES, "pause late", b"\x80\x40"),
        (FEATURES, "{asym, late(9)}", b"\x40\x40"),
        (FEATURES, "0,1", b"\xc0\x00"),
        (FEATURES, "", b"\x00\x00"),
        (FEATURES, "0x80", b"\x80"),
        (MAC, "0:1b:2C:3:4:5", bytes((0, 0x1B, 0x2C, 3, 4, 5))),
        (MAC, "0x001b2c030405", bytes((0, 0x1B, 0x2C, 3, 4, 5))),
        (CENTI, "12.34", 1234),
        (CENTI, "-0.5", -50),
        (Type("Hex", "Integer32", {}, (), "x"), "1f", 31),
        (Type("Age", "TimeTicks", {}, (), ""), "1h", 360000),
        (Type("Any", "Opaque", {}, (), ""), "0x9f78", b"\x9f\x78"),
        (Type("Raw", "OCTET STRING", {}, (), ""), "0x0a", b"\n"),
        (Type("Raw", "OCTET STRING", {}, (), ""), "plain", b"plain"),
    ],
)
def test_values(kind: Type, text: str, value: ber.Value) -> None:
    """BITS by names, octets and numbers by their DISPLAY-HINT."""
    assert _value(kind, text, TREE) == value


@pytest.mark.parametrize(
    ("kind", "text", "words"),
    [
        (FEATURES, "pause never", '"never" is not one of the bits pause(0), asym(1), late(9)'),
        (MAC, "0:1:2", "is 3 octets long; wanted 6 octets"),
        (MAC, "zz", "octets may be written as 0x"),
        (CENTI, "12", "write the decimal point, as 12.00"),
        (CENTI, "12.345", "DISPLAY-HINT d-2"),
        (CENTI, "1000.01", "100001 is out of range"),
    ],
)
def test_mistakes(kind: Type, text: str, words: str) -> None:
    """What was wanted is said; a number that may mean two things is not guessed at."""
    with pytest.raises(NetmonError) as caught:
        _value(kind, text, TREE)
    assert words in str(caught.value)
