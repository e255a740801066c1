"""The tree of the shipped MIBs: names to OIDs and back."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netmon.mib.definitions import Definitions, Row, from_json, to_json
from netmon.mib.ship import compiled
from netmon.mib.texts import shipped_folder
from netmon.mib.tree import MibError, Tree, shipped, shipped_definitions

TREE = shipped()


def oid(text: str) -> tuple[int, ...]:
    """Numbers of an OID."""
    return tuple(map(int, text.split(".")))


def test_a_column_with_all_that_its_mib_says() -> None:
    """Textual conventions resolved, the limits that the object itself sets, the row's index."""
    node = TREE.find("ifAlias")
    assert (node.full_name, node.oid) == ("IF-MIB::ifAlias", oid("1.3.6.1.2.1.31.1.1.1.18"))
    assert (node.kind, node.access, node.status) == ("column", "read-write", "current")
    assert node.type is not None
    assert (node.type.name, node.type.base, node.type.hint) == ("DisplayString", "OCTET STRING", "255a")
    assert node.type.ranges == ((0, 64),)
    (index,) = node.indexes  # of ifEntry, which ifXEntry AUGMENTS
    assert (index.name, index.type.name, index.type.base, index.implied) == (
        "ifIndex", "InterfaceIndex", "Integer32", False,
    )  # fmt: skip


def test_enums_units_and_bits() -> None:
    """In the order of their numbers, whether of the object or of its textual convention."""
    status, wait, bits = map(
        TREE.find, ("ifOperStatus", "upsEstimatedMinutesRemaining", "dot3ControlFunctionsSupported")
    )
    assert status.type is not None
    assert list(status.type.enums.items())[:3] == [(1, "up"), (2, "down"), (3, "testing")]
    assert wait.units == "minutes"
    assert bits.type is not None
    assert (bits.type.base, bits.type.enums) == ("BITS", {0: "pause"})
    truth = TREE.find("ifPromiscuousMode").type
    assert truth is not None
    assert truth.enums == {1: "true", 2: "false"}


def test_augments_of_another_module() -> None:
    """SNMP-COMMUNITY-MIB augments a row of SNMP-TARGET-MIB, whose index is an implied text."""
    node = TREE.find("snmpTargetAddrMMS")
    assert [(index.name, index.implied) for index in node.indexes] == [("snmpTargetAddrName", True)]


@pytest.mark.parametrize(
    ("name", "number", "objects"),
    [
        ("coldStart", "1.3.6.1.6.3.1.1.5.1", ()),
        ("linkDown", "1.3.6.1.6.3.1.1.5.3", ("ifIndex", "ifAdminStatus", "ifOperStatus")),
        ("authenticationFailure", "1.3.6.1.6.3.1.1.5.5", ()),
        ("upsTrapOnBattery", "1.3.6.1.2.1.33.2.1",
         ("upsEstimatedMinutesRemaining", "upsSecondsOnBattery", "upsConfigLowBattTime")),
        ("newRoot", "1.3.6.1.2.1.17.0.1", ()),
        ("risingAlarm", "1.3.6.1.2.1.16.0.1",
         ("alarmIndex", "alarmVariable", "alarmSampleType", "alarmValue", "alarmRisingThreshold")),
        ("entConfigChange", "1.3.6.1.2.1.47.2.0.1", ()),
        ("mteTriggerFired", "1.3.6.1.2.1.88.2.0.1",
         ("mteHotTrigger", "mteHotTargetName", "mteHotContextName", "mteHotOID", "mteHotValue")),
        ("nsNotifyShutdown", "1.3.6.1.4.1.8072.4.0.2", ()),
        ("bgpBackwardTransNotification", "1.3.6.1.2.1.15.0.2",
         ("bgpPeerRemoteAddr", "bgpPeerLastError", "bgpPeerState")),
    ],
)  # fmt: skip
def test_the_common_notifications(name: str, number: str, objects: tuple[str, ...]) -> None:
    """Each with the objects that it carries."""
    node = TREE.find(name)
    assert (node.kind, node.oid, node.objects) == ("notification", oid(number), objects)


@pytest.mark.parametrize(
    ("text", "number", "shown"),
    [
        ("sysContact.0", "1.3.6.1.2.1.1.4.0", "SNMPv2-MIB::sysContact.0"),
        ("SNMPv2-MIB::sysContact", "1.3.6.1.2.1.1.4", "SNMPv2-MIB::sysContact"),
        ("1.3.6.1.2.1.31.1.1.1.18.3", "1.3.6.1.2.1.31.1.1.1.18.3", "IF-MIB::ifAlias.3"),
        (".1.3.6.1.4.1.9.1", "1.3.6.1.4.1.9.1", "SNMPv2-SMI::enterprises.9.1"),
        ("RFC1213-MIB::ifDescr.1", "1.3.6.1.2.1.2.2.1.2.1", "IF-MIB::ifDescr.1"),
        ('nsExtendOutputFull."mail q"', "1.3.6.1.4.1.8072.1.3.2.3.1.2.6.109.97.105.108.32.113",
         'NET-SNMP-EXTEND-MIB::nsExtendOutputFull."mail q"'),
        ('ipAddressIfIndex.ipv4."192.0.2.1"', "1.3.6.1.2.1.4.34.1.3.1.4.192.0.2.1",
         'IP-MIB::ipAddressIfIndex.ipv4."192.0.2.1"'),
        ("sysUpTimeInstance", "1.3.6.1.2.1.1.3.0", "SNMPv2-MIB::sysUpTime.0"),
        ("enterprises.2021.4.5", "1.3.6.1.4.1.2021.4.5", "UCD-SNMP-MIB::memTotalReal"),
        ("zeroDotZero", "0.0", "SNMPv2-SMI::zeroDotZero"),
        ("1.3", "1.3", "SNMPv2-SMI::org"),
        ("2.999.1", "2.999.1", "2.999.1"),
    ],
)  # fmt: skip
def test_text_to_oid_and_back(text: str, number: str, shown: str) -> None:
    """With and without module, by number, through an index of any kind; the newer module's name is shown."""
    _, found = TREE.parse(text)
    assert found == oid(number)
    assert TREE.name_of(found) == shown


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("ifAlais", 'defines "ifAlais"; did you mean "ifAlias"'),
        ("IF-MBI::ifAlias", 'called "IF-MBI"; did you mean "IF-MIB"'),
        ("UPS-MIB::ifAlias", 'does not define "ifAlias"; IF-MIB does'),
        ("IF-MIB::ifAlais", 'IF-MIB does not define "ifAlais"; did you mean "ifAlias"'),
        ("a b", "neither a name"),
        ("1..3", "neither a name"),
        ("1.3.4294967296", "greater than"),
        ("1." * 200 + "1", "at most 128"),
        ("ifAlias.x", "not a number"),
        ('sysName."x"', "none but .0"),
    ],
)
def test_what_is_not_there_is_told(text: str, words: str) -> None:
    """With the nearest names."""
    with pytest.raises(MibError, match=words):
        TREE.parse(text)


def test_at_gives_what_is_left_over() -> None:
    """The nearest node above, and the sub-identifiers behind it; none above another arc."""
    node, rest = TREE.at(oid("1.3.6.1.2.1.2.2.1.2.7"))
    assert node is not None
    assert (node.name, rest) == ("ifDescr", (7,))
    assert TREE.at(oid("2.5.1")) == (None, (2, 5, 1))


def test_every_node_is_found_by_its_name_and_number() -> None:
    """One tree: what a module says is what the search finds."""
    for node in TREE.nodes():
        assert TREE.find(node.full_name) is node
        if node.full_name != "DISMAN-EVENT-MIB::sysUpTimeInstance":
            assert TREE.find(".".join(map(str, node.oid))).oid == node.oid


def test_every_column_knows_its_index_and_type() -> None:
    """Nothing that the shipped MIBs use is undefined."""
    for node in TREE.nodes():
        assert (node.type is not None) == (node.kind in {"scalar", "column"}), node
        assert bool(node.indexes) == (node.kind in {"row", "column"}), node


@given(
    st.sampled_from([n for n in TREE.nodes() if n.kind == "column"]),
    st.lists(st.integers(0, 2**32 - 1), max_size=30),
)
def test_any_instance_leads_back(node: object, rest: list[int]) -> None:
    """parse(name_of(oid)) == oid, whatever an agent's index holds."""
    number = (*getattr(node, "oid"), *rest)  # noqa: B009 - hypothesis gives objects
    assert TREE.parse(TREE.name_of(number))[1] == number


def test_the_first_of_two_definitions_stands() -> None:
    """A later part replaces a module of the same name as a whole."""
    mine = Definitions(
        [], {"IF-MIB": [Row("ifAlias", "1.3.6.1.4.1.1", "node")], "A-MIB": [Row("sysName", "1.3.5", "node")]}
    )
    tree = Tree(shipped_definitions(), mine)
    assert tree.find("ifAlias").oid == oid("1.3.6.1.4.1.1")
    assert tree.find("sysName").module == "SNMPv2-MIB"
    assert tree.find("A-MIB::sysName").oid == (1, 3, 5)


def test_definitions_survive_their_document() -> None:
    """JSON and back; another format is an error."""
    document = json.loads(json.dumps(to_json(shipped_definitions())))
    again = from_json(document)
    assert again.types == shipped_definitions().types
    assert to_json(again) == to_json(shipped_definitions())
    with pytest.raises(ValueError, match="format"):
        from_json({"format": 0})


def test_the_compiled_data_is_fresh() -> None:
    """data/mibs.json is what `python -m netmon.mib.ship` makes of mibs/."""
    data = Path(__file__).parents[3] / "netmon" / "mib" / "data" / "mibs.json"
    fresh = data.read_text(encoding="utf-8") == compiled(shipped_folder())
    assert fresh, "make it anew: .venv/bin/python -m netmon.mib.ship"


def test_the_shipped_modules_hold_no_prose() -> None:
    """Descriptions name their source and say nothing; no comments but the heading."""
    for path in shipped_folder().glob("*.txt"):
        lines = path.read_text(encoding="ascii").splitlines()
        assert lines[0].startswith("-- ")
        for line in lines:
            if line.strip().startswith(("DESCRIPTION", "CONTACT-INFO", "ORGANIZATION")):
                assert len(line.partition('"')[2]) <= 12, (path.name, line)
