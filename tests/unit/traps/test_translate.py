"""What a notification means, by the MIBs and the rules."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netmon.mib import hints
from netmon.mib import values as values_module
from netmon.mib.tree import shipped
from netmon.model.events import TrapChange
from netmon.snmp import ber
from netmon.snmp.message import Varbinds
from netmon.traps.records import Notification, Rule
from netmon.traps.translate import MAX_VALUES, OTHER, Meaning, Translator

TREE = shipped()
LINK_DOWN = "1.3.6.1.6.3.1.1.5.3"
DATE = bytes.fromhex("07ea0b19030201002b0000")
IF_ENTRY = "1.3.6.1.2.1.2.2.1"


def shown(values: str) -> list[list[str]]:
    """Name, OID, type and value of each."""
    return [list(map(str, value.values())) for value in json.loads(values)]


def notification(trap: str, *varbinds: tuple[str, int, ber.Value]) -> Notification:
    """One of v2c with these OIDs, tags and values."""
    oids, tags, values = [], [], []
    for oid, tag, value in varbinds:
        oids.append(ber.encode_oid(oid))
        tags.append(tag)
        values.append(value)
    return Notification(2, False, 1, ber.encode_oid(trap), 100, Varbinds(oids, tags, values))


def meaning(
    trap: str, *varbinds: tuple[str, int, ber.Value], rules: dict[str, Rule] | None = None
) -> Meaning:
    """What a fresh translator says."""
    return Translator(TREE, rules).meaning(notification(trap, *varbinds), "sw1")


def value(oid: str, tag: int, content: ber.Value) -> list[str]:
    """The one value of a trap that has one."""
    found = shown(meaning(LINK_DOWN, (oid, tag, content)).values)
    assert len(found) == 1
    return found[0]


def test_link_down_has_names_enums_and_a_state() -> None:
    """The trap and its varbinds have their MIB's names, and the interface tells instances apart."""
    told = meaning(
        LINK_DOWN,
        (f"{IF_ENTRY}.1.3", ber.INTEGER, 3),
        (f"{IF_ENTRY}.8.3", ber.INTEGER, 2),
        (f"{IF_ENTRY}.2.3", ber.OCTET_STRING, b"eth0"),
    )
    assert (told.trap, told.oid, told.severity) == ("IF-MIB::linkDown", LINK_DOWN, "warning")
    assert told.label == told.trap
    assert shown(told.values) == [
        ["IF-MIB::ifIndex.3", f"{IF_ENTRY}.1.3", "INTEGER", "3"],
        ["IF-MIB::ifOperStatus.3", f"{IF_ENTRY}.8.3", "INTEGER", "down(2)"],
        ["IF-MIB::ifDescr.3", f"{IF_ENTRY}.2.3", "OCTET STRING", "eth0"],
    ]
    assert told.change == TrapChange("link_down", "3", active=True, ttl=86400.0, cause=False)


def test_another_column_tells_the_instance_where_the_index_is_not_sent() -> None:
    """Some devices leave ifIndex out; the index of any column of the row is the same number."""
    told = meaning("1.3.6.1.6.3.1.1.5.4", (f"{IF_ENTRY}.2.300", ber.OCTET_STRING, b"eth0"))
    assert told.change is not None
    assert (told.change.instance, told.change.active) == ("300", False)


def test_a_peer_is_an_instance_by_its_index() -> None:
    """The varbinds of BGP's traps name the peer in their index alone."""
    told = meaning("1.3.6.1.2.1.15.7.2", ("1.3.6.1.2.1.15.3.1.2.192.0.2.1", ber.INTEGER, 1))
    assert told.change is not None
    assert (told.change.state, told.change.instance) == ("bgp_down", "192.0.2.1")


@pytest.mark.parametrize(
    ("oid", "tag", "content", "text"),
    [
        (f"{IF_ENTRY}.8.1", ber.INTEGER, 99, "99"),
        (f"{IF_ENTRY}.6.1", ber.OCTET_STRING, bytes.fromhex("00005e005301"), "00:00:5E:00:53:01"),
        (f"{IF_ENTRY}.9.1", ber.TIME_TICKS, 8_640_000 + 6_150, "1 day, 0:01:01.50"),
        (f"{IF_ENTRY}.2.1", ber.OCTET_STRING, b"\xff\x00", "0xFF00"),
        (f"{IF_ENTRY}.2.1", ber.OCTET_STRING, b"", ""),
        ("1.3.6.1.4.1.9.1.1.0", ber.OCTET_STRING, "süß".encode(), "süß"),
        ("1.3.6.1.4.1.9.1.1.0", ber.OCTET_STRING, b"\x1b[2J", "0x1B5B324A"),
        ("1.3.6.1.4.1.9.1.1.0", ber.OCTET_STRING, b"one\ntwo", "one\ntwo"),
        ("1.3.6.1.4.1.9.1.1.0", ber.IP_ADDRESS, b"\xc0\x00\x02\x01", "192.0.2.1"),
        ("1.3.6.1.4.1.9.1.1.0", ber.IP_ADDRESS, b"\xc0", "0xC0"),
        ("1.3.6.1.4.1.9.1.1.0", ber.COUNTER64, 2**64 - 1, "18446744073709551615"),
        ("1.3.6.1.4.1.9.1.1.0", ber.NULL, None, ""),
        ("1.3.6.1.4.1.9.1.1.0", ber.OPAQUE, b"\x9f\x78\x04\x3f\xc0\x00\x00", "1.5"),
        ("1.3.6.1.4.1.9.1.1.0", ber.OBJECT_IDENTIFIER, ber.encode_oid(LINK_DOWN), "IF-MIB::linkDown"),
        # hrSystemDate, by the DISPLAY-HINT of DateAndTime
        ("1.3.6.1.2.1.25.1.2.0", ber.OCTET_STRING, DATE, "2026-11-25,3:2:1.0,+0:0"),
        # alarm descriptions are OIDs of well-known alarms
        ("1.3.6.1.2.1.33.1.6.2.1.2.1", ber.OBJECT_IDENTIFIER, ber.encode_oid("1.3.6.1.2.1.33.1.6.3.2"),
         "UPS-MIB::upsAlarmOnBattery"),
        ("1.3.6.1.2.1.1.7.0", ber.INTEGER, 72, "72"),
    ],
)  # fmt: skip
def test_a_value_is_text_as_its_object_says(oid: str, tag: int, content: ber.Value, text: str) -> None:
    """Enums, hints, addresses and names as people know them; octets that are no text as digits."""
    assert value(oid, tag, content)[3] == text


def test_bits_have_their_names() -> None:
    """The bits that are set, each with its number."""
    node = next(node for node in TREE.nodes() if node.type is not None and node.type.base == "BITS")
    assert node.type is not None
    name = node.type.enums[0]
    assert value(".".join(map(str, node.oid)) + ".1", ber.OCTET_STRING, b"\x80")[3] == f"{name}(0)"


def test_what_no_mib_knows_stays_numbers() -> None:
    """An unknown trap is an event all the same, under the label that all unknown ones share."""
    told = meaning("1.3.6.1.4.1.99999.0.7", ("1.3.6.1.4.1.99999.1.1", ber.INTEGER, 5))
    assert (told.trap, told.label, told.severity, told.change) == (
        "1.3.6.1.4.1.99999.0.7",
        OTHER,
        "info",
        None,
    )
    assert shown(told.values) == [["1.3.6.1.4.1.99999.1.1", "1.3.6.1.4.1.99999.1.1", "INTEGER", "5"]]


def test_an_object_that_is_no_notification_lends_no_label() -> None:
    """Whoever sends sysDescr as a trap's name makes no new series."""
    assert meaning("1.3.6.1.2.1.1.1").label == OTHER


def test_a_users_rule_replaces_netmons() -> None:
    """By name or by OID, and whole."""
    rules = {
        "IF-MIB::linkDown": Rule(severity="info"),
        "1.3.6.1.4.1.99999.0.7": Rule(severity="critical", raises="on_fire", ttl=60.0, cause=True),
    }
    assert meaning(LINK_DOWN, rules=rules)[2::2] == ("info", None)
    change = meaning("1.3.6.1.4.1.99999.0.7", rules=rules).change
    assert change == TrapChange("on_fire", "", active=True, ttl=60.0, cause=True)


def test_a_users_rule_by_oid_replaces_netmons_by_name() -> None:
    """Both name the same notification."""
    assert meaning(LINK_DOWN, rules={LINK_DOWN: Rule(severity="critical")}).severity == "critical"


def test_long_values_are_cut_and_it_is_said() -> None:
    """The JSON of one event stays within its bound, and is JSON still."""
    told = meaning(
        LINK_DOWN,
        *[(f"1.3.6.1.4.1.9.1.{n}", ber.OCTET_STRING, ("\U0001f600" * 3000).encode()) for n in range(40)],
        ("1.3.6.1.4.1.9.2", ber.OCTET_STRING, b"\xff" * 60_000),
    )
    values = shown(told.values)
    assert len(told.values) <= MAX_VALUES
    assert len(values[0][3]) < 1100
    assert values[-1][:3] == ["", "", ""]
    assert values[-1][3].endswith("more values are cut")
    assert "60000 octets, cut" in value("1.3.6.1.4.1.9.2", ber.OCTET_STRING, b"\xff" * 60_000)[3]


def test_hints_are_applied_to_so_many_octets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each hinted octet takes its time, so a datagram full of them goes without from some place on."""
    hinted: list[int] = []

    def format_octets(hint: str, octets: bytes) -> str | None:
        hinted.append(len(octets))
        return hints.format_octets(hint, octets)

    monkeypatch.setattr(values_module, "format_octets", format_octets)
    addresses = [(f"{IF_ENTRY}.6.{index}", ber.OCTET_STRING, bytes([index]) * 500) for index in range(1, 9)]
    told = shown(meaning(LINK_DOWN, *addresses).values)
    assert sum(hinted) <= 2048
    assert [value[3][:6] for value in told] == ["01:01:", "02:02:", "03:03:", "04:04:"] + [
        f"0x0{index}0{index}" for index in range(5, 9)
    ]


def test_what_is_remembered_is_bounded() -> None:
    """A sender that never repeats itself does not fill the memory."""
    translator = Translator(TREE)
    for number in range(40_000):
        translator.meaning(
            notification(f"1.3.6.1.4.1.9.{number}", (f"1.3.6.1.4.1.9.1.{number}", ber.INTEGER, number))
        )
    assert max(len(translator._traps), len(translator._heads), len(translator._pieces)) <= 16_384


_OIDS = st.binary(max_size=40) | st.sampled_from(
    [ber.encode_oid(f"{IF_ENTRY}.{column}.3") for column in (1, 6, 8)] + [ber.encode_oid(LINK_DOWN), b""]
)
_VALUES = st.none() | st.integers(-(2**63), 2**64 - 1) | st.binary(max_size=80)


@given(_OIDS, st.lists(st.tuples(_OIDS, st.integers(0, 255), _VALUES), max_size=8))
def test_whatever_the_octets_are_it_is_an_event(
    trap: bytes, rows: list[tuple[bytes, int, ber.Value]]
) -> None:
    """No octets make it raise, and what it gives is JSON with four texts for each value."""
    oids, tags, values = ([row[at] for row in rows] for at in range(3))
    translator = Translator(TREE)
    event = Notification(2, False, 1, trap, None, Varbinds(oids, tags, values))  # type: ignore[arg-type]
    first = translator.meaning(event)
    found = shown(first.values)
    assert len(found) == len(rows)
    assert all(isinstance(text, str) for row in found for text in row)
    assert translator.meaning(event) == first  # from memory it is the same
