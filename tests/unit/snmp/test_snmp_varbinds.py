"""The two ways through a list of varbinds: the quick one is taken, and both say the same."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netmon.snmp import ber, varbinds
from netmon.snmp.message import encode_varbind
from tests.unit.snmp.test_snmp_ber import OIDS
from tests.unit.snmp.test_snmp_message import VALUES

COLUMN = "1.3.6.1.2.1.31.1.1.1.6"


def by(way: object, octets: bytes) -> object:
    """What a way makes of the octets: three lists, or the words of its refusal."""
    try:
        return way(octets, 0, len(octets))  # type: ignore[operator]
    except ber.DecodeError as error:
        return str(error)


def agree(octets: bytes) -> object:
    """The result of both ways, which has to be one; a refusal's words may differ."""
    quick, slow = by(varbinds.decode_varbinds, octets), by(varbinds._decode_one_by_one, octets)
    assert quick == slow or (isinstance(quick, str) and isinstance(slow, str))
    return quick


@given(st.lists(st.tuples(st.integers(128, 16_383), VALUES), max_size=30))
def test_names_of_one_length_read_the_same_both_ways(rows: list[tuple[int, tuple[int, ber.Value]]]) -> None:
    """Values of every type and size, each name as long as the others."""
    encoded = [encode_varbind(ber.encode_oid(f"{COLUMN}.{index}"), *value) for index, value in rows]
    oids, tags, values = agree(b"".join(encoded))  # type: ignore[misc]
    assert tags == [tag for _, (tag, _) in rows]
    assert values == [value for _, (_, value) in rows]
    assert len(oids) == len(rows)


@given(st.lists(st.tuples(OIDS.map(ber.encode_oid), VALUES), max_size=9))
def test_names_of_any_length_read_the_same_both_ways(rows: list[tuple[bytes, tuple[int, ber.Value]]]) -> None:
    """Whatever the expression does not know, the loop does."""
    oids, _, values = agree(b"".join(encode_varbind(oid, *value) for oid, value in rows))  # type: ignore[misc]
    assert (oids, values) == ([oid for oid, _ in rows], [value for _, (_, value) in rows])


@pytest.mark.parametrize("name", [1, 2, 10, 11, 12, 63, 64, 65, 100])
def test_every_size_of_value_reads_the_same_both_ways(name: int) -> None:
    """Of every type that a reply may hold and of none, in the right size and in wrong ones."""
    oid = b"\x2b" * name
    for tag in (*range(0x02, 0x07), *range(0x40, 0x48), *range(0x80, 0x83), 0x30, 0xFF):
        for size in range(60):
            for filling in (b"\0", b"\x7f", b"\x80", b"\xff"):
                inside = ber.tlv(ber.OBJECT_IDENTIFIER, oid) + ber.tlv(tag, filling * size)
                agree(ber.tlv(ber.SEQUENCE, inside))


def test_damage_reads_the_same_both_ways() -> None:
    """20,000 lists with an octet or two changed, moved or lost: one result, or two refusals."""
    chance = random.Random(5)  # noqa: S311 - to be repeatable
    refused = 0
    for _ in range(20_000):
        octets = bytearray()
        tag = chance.choice((ber.INTEGER, ber.COUNTER64, ber.GAUGE32, ber.OCTET_STRING))
        for index in range(300, 304):
            value = (
                chance.randbytes(chance.randrange(9)) if tag == ber.OCTET_STRING else chance.randrange(2**31)
            )
            octets += encode_varbind(ber.encode_oid(f"{COLUMN}.{index}"), tag, value)
        for _ in range(chance.randrange(1, 3)):
            at = chance.randrange(len(octets))
            match chance.randrange(4):
                case 0:
                    octets[at] = chance.randrange(256)
                case 1:
                    octets[at] = (octets[at] + chance.choice((-1, 1))) % 256
                case 2:
                    del octets[at : at + chance.randrange(1, 3)]
                case 3:
                    octets[at:at] = chance.randbytes(1)
        refused += isinstance(agree(bytes(octets)), str)
    assert 5_000 < refused < 20_000


def test_the_usual_list_takes_the_quick_way(monkeypatch: pytest.MonkeyPatch) -> None:
    """Columns of numbers, strings and OIDs, one behind the other, without a step of the loop."""
    monkeypatch.delattr(varbinds, "_decode_one_by_one")
    octets = b"".join(
        encode_varbind(ber.encode_oid(f"1.3.6.1.2.1.2.2.1.{column}.{index}"), tag, value)
        for column, (tag, value) in enumerate(
            (
                (ber.INTEGER, -5),
                (ber.OCTET_STRING, b"GigabitEthernet1/0/1"),
                (ber.OCTET_STRING, b""),
                (ber.GAUGE32, 2**32 - 1),
                (ber.COUNTER64, 2**63 - 1),
                (ber.OBJECT_IDENTIFIER, b"\0"),
                (ber.NO_SUCH_INSTANCE, None),
            )
        )
        for index in (10_101, 10_102)
    )
    _, tags, values = varbinds.decode_varbinds(octets, 0, len(octets))
    assert values[::2] == [-5, b"GigabitEthernet1/0/1", b"", 2**32 - 1, 2**63 - 1, b"\0", None]
    assert tags[::2] == tags[1::2]


def test_a_refusal_names_the_octet() -> None:
    """Where in the list a value is beyond its type, also when the expression has read it."""
    fine = encode_varbind(b"\x2b\x06", ber.GAUGE32, 1)
    wrong = ber.tlv(
        ber.SEQUENCE, ber.tlv(ber.OBJECT_IDENTIFIER, b"\x2b\x06") + ber.tlv(ber.GAUGE32, b"\x01" * 5)
    )
    with pytest.raises(ber.DecodeError, match=f"octet {len(fine) + 8}: 4311810305 is above"):
        varbinds.decode_varbinds(fine + wrong, 0, len(fine + wrong))


def test_long_garbage_is_refused_soon() -> None:
    """No octets make the expression try for ever: a datagram full of its beginnings is refused."""
    for piece in (b"\x30", b"\x30\x10\x06\x0b", b"\x30\x7f\x06\x40" + bytes(64) + b"\x04\x30"):
        garbage = piece * (65_000 // len(piece))
        with pytest.raises(ber.DecodeError):
            varbinds.decode_varbinds(garbage, 0, len(garbage))
