"""NAME=VALUE to typed varbinds, by the shipped MIBs."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netmon.errors import NetmonError
from netmon.mib.settings import MAX_OBJECTS, Assignment, SettingsError, parse_settings
from netmon.mib.tree import shipped
from netmon.snmp import ber

TREE = shipped()


def one(text: str) -> Assignment:
    """The only assignment of a text."""
    (found,) = parse_settings([text], TREE)
    return found


@pytest.mark.parametrize(
    ("text", "name", "tag", "value"),
    [
        ("sysContact=noc", "SNMPv2-MIB::sysContact.0", ber.OCTET_STRING, b"noc"),
        ("sysContact.0=", "SNMPv2-MIB::sysContact.0", ber.OCTET_STRING, b""),
        ("1.3.6.1.2.1.1.4.0=a=b", "SNMPv2-MIB::sysContact.0", ber.OCTET_STRING, b"a=b"),
        ("sysName=caf\u00e9", "SNMPv2-MIB::sysName.0", ber.OCTET_STRING, "caf\u00e9".encode()),
        ("sysName=0x41", "SNMPv2-MIB::sysName.0", ber.OCTET_STRING, b"0x41"),
        ("IF-MIB::ifAlias.3=up", "IF-MIB::ifAlias.3", ber.OCTET_STRING, b"up"),
        ("ifAdminStatus.3=up", "IF-MIB::ifAdminStatus.3", ber.INTEGER, 1),
        ("ifAdminStatus.3=2", "IF-MIB::ifAdminStatus.3", ber.INTEGER, 2),
        ("ifAdminStatus.3=down(2)", "IF-MIB::ifAdminStatus.3", ber.INTEGER, 2),
        ("ifPromiscuousMode.2=true", "IF-MIB::ifPromiscuousMode.2", ber.INTEGER, 1),
        ('snmpTargetAddrTDomain."a=b"=snmpUDPDomain', 'SNMP-TARGET-MIB::snmpTargetAddrTDomain."a=b"',
         ber.OBJECT_IDENTIFIER, ber.encode_oid("1.3.6.1.6.1.1")),
        ('snmpTargetAddrTDomain."a"=1.3.6.1.6.1.1', 'SNMP-TARGET-MIB::snmpTargetAddrTDomain."a"',
         ber.OBJECT_IDENTIFIER, ber.encode_oid("1.3.6.1.6.1.1")),
        ('snmpTargetAddrTAddress."a"=0x7f00000100A2', 'SNMP-TARGET-MIB::snmpTargetAddrTAddress."a"',
         ber.OCTET_STRING, bytes.fromhex("7f00000100a2")),
        ("1.3.6.1.4.1.99999.1.0=i:-5", "1.3.6.1.4.1.99999.1.0", ber.INTEGER, -5),
        ("1.3.6.1.4.1.99999.1.0=u:4294967295", "1.3.6.1.4.1.99999.1.0", ber.GAUGE32, 2**32 - 1),
        ("1.3.6.1.4.1.99999.1.0=t:1m30s", "1.3.6.1.4.1.99999.1.0", ber.TIME_TICKS, 9000),
        ("1.3.6.1.4.1.99999.1.0=t:100", "1.3.6.1.4.1.99999.1.0", ber.TIME_TICKS, 100),
        ("1.3.6.1.4.1.99999.1.0=a:192.0.2.1", "1.3.6.1.4.1.99999.1.0", ber.IP_ADDRESS, bytes((192, 0, 2, 1))),
        ("1.3.6.1.4.1.99999.1.0=x:0a 1B", "1.3.6.1.4.1.99999.1.0", ber.OCTET_STRING, b"\x0a\x1b"),
        ("1.3.6.1.4.1.99999.1.0=s:a:b", "1.3.6.1.4.1.99999.1.0", ber.OCTET_STRING, b"a:b"),
        ("1.3.6.1.4.1.99999.1.0=o:sysName", "1.3.6.1.4.1.99999.1.0", ber.OBJECT_IDENTIFIER,
         ber.encode_oid("1.3.6.1.2.1.1.5")),
        ("1.3.6.1.4.1.99999.1.0=C:18446744073709551615", "1.3.6.1.4.1.99999.1.0", ber.COUNTER64, 2**64 - 1),
    ],
)  # fmt: skip
def test_values_as_they_are_shown(text: str, name: str, tag: int, value: ber.Value) -> None:
    """Each sort of value, by name and by number."""
    found = one(text)
    if not name.startswith("1."):
        assert found.name == name
    assert (found.tag, found.value) == (tag, value)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("sysContact", 'has no "="'),
        ("two words=", "neither a name"),
        ("sysContac=x", 'did you mean "sysContact"'),
        ("sysContact.1=x", "one instance sysContact.0"),
        ("ifAlias=x", "ifAlias.ifIndex"),
        ("ifTable=x", "is a table and holds no value"),
        ("sysUpTime=5", "max-access is read-only"),
        (f"sysName={'x' * 256}", "is 256 octets long; wanted 0..255 octets"),
        ("ifAdminStatus.1=upp", '"upp" is not one of up(1), down(2), testing(3)'),
        ("ifAdminStatus.1=up(2)", "is not one of"),
        ("ifAdminStatus.1=9", "is not one of"),
        ("snmpSetSerialNo=-1", "out of range; wanted 0..2147483647"),
        ("snmpSetSerialNo=2147483648", "does not fit"),
        ("snmpSetSerialNo=many", "is not a whole number"),
        ('snmpTargetAddrTDomain."a"=nowhere', "is not an object identifier"),
        ('snmpTargetAddrTAddress."a"=0x7', "is not hexadecimal"),
        ("1.3.6.1.4.1.99999.1.0=5", "say its type"),
        ("1.3.6.1.4.1.99999.1.0=q:5", "say its type"),
        ("1.3.6.1.4.1.99999.1.0=a:1.2.3", "is not an IPv4 address"),
        ("1.3.6.1.4.1.99999.1.0=u:-1", "wanted 0..4294967295"),
    ],
)
def test_what_is_wrong_is_told(text: str, words: str) -> None:
    """One sentence that says what was wanted."""
    with pytest.raises(SettingsError) as caught:
        one(text)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_number_of_no_known_mib_has_no_display_hint() -> None:
    """What is wanted is said without one."""
    with pytest.raises(SettingsError, match=r'1\.0: "x" is not a whole number$'):
        one("1.3.6.1.4.1.99999.1.0=i:x")


def test_all_mistakes_at_once() -> None:
    """Each assignment's own, and what is set twice, whatever its name is written as."""
    with pytest.raises(SettingsError) as caught:
        parse_settings(["sysContac=1", "sysName=a", "sysUpTime=1", "1.3.6.1.2.1.1.5.0=b"], TREE)
    assert len(caught.value.mistakes) == 3
    assert "sysName.0 is set twice" in caught.value.mistakes[2]
    with pytest.raises(SettingsError, match="wanted are 1 to"):
        parse_settings([f"ifAlias.{n}=x" for n in range(1, MAX_OBJECTS + 2)], TREE)


def test_a_secret_is_not_quoted() -> None:
    """An object whose name tells of secrets is marked, and a forgotten "=" shows no more than a name."""
    assert one('snmpCommunityName."a"=s').secret
    assert not one("sysName=s").secret
    for text in ("sysName hush!", 'snmpCommunityStatus."a"=hush', 'usmUserAuthKeyChange."a"."b"=0xhush'):
        with pytest.raises(SettingsError) as caught:
            one(text)
        assert "hush" not in str(caught.value)


def test_what_reads_otherwise_than_it_was_set() -> None:
    """RowStatus leads to states, TestAndIncr counts up, BITS may lose zero octets; the rest is equal."""
    row = 'snmpTargetAddrRowStatus."a"='
    assert one(row + "createAndGo").reads_back(ber.INTEGER, 1)
    assert not one(row + "createAndGo").reads_back(ber.INTEGER, 3)
    assert one(row + "createAndWait").reads_back(ber.INTEGER, 2)
    assert one(row + "destroy").reads_back(ber.NO_SUCH_INSTANCE, None)
    assert not one(row + "destroy").reads_back(ber.INTEGER, 1)
    assert one("snmpSetSerialNo=7").reads_back(ber.INTEGER, 8)
    assert one("snmpSetSerialNo=2147483647").reads_back(ber.INTEGER, 0)
    assert one("sysName=a").reads_back(ber.OCTET_STRING, b"a")
    assert not one("sysName=1").reads_back(ber.INTEGER, 1)


@given(st.text(max_size=80))
def test_text_is_set_as_it_is(text: str) -> None:
    """Whatever fits the size is sent as UTF-8, octet for octet."""
    octets = text.encode(errors="replace")
    text = octets.decode()
    assert one(f"sysContact={text}").value == octets


@given(st.integers(-(2**33), 2**33))
def test_numbers_are_kept_or_refused(number: int) -> None:
    """A number in range is that number; any other is refused."""
    if -(2**31) <= number < 2**31:
        assert one(f"1.3.6.1.4.1.99999.1.0=i:{number}").value == number
    else:
        with pytest.raises(SettingsError):
            one(f"1.3.6.1.4.1.99999.1.0=i:{number}")


@given(st.binary(max_size=60))
def test_octets_as_hexadecimal(octets: bytes) -> None:
    """Every octet string can be written."""
    assert one(f"1.3.6.1.4.1.99999.1.0=x:{octets.hex()}").value == octets


NAMES = [
    "sysContact",
    "ifAdminStatus.1",
    "snmpSetSerialNo",
    "1.3.6.1.4.1.99999.1.0",
    'snmpTargetAddrTDomain."a"',
]


@given(st.sampled_from(NAMES), st.text(max_size=60))
def test_one_sort_of_error(name: str, text: str) -> None:
    """Anything is an assignment that can be encoded, or a NetmonError."""
    try:
        found = one(f"{name}={text}")
    except NetmonError:
        return
    assert ber.encode_value(found.tag, found.value)


@given(st.text(max_size=60))
def test_any_text_as_an_assignment(text: str) -> None:
    """Names are as hostile as values."""
    with contextlib.suppress(NetmonError):
        assert parse_settings([text], TREE)
