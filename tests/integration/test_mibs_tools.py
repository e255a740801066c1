"""The shipped MIBs by others' parsers: libsmi's smilint finds nothing new, net-snmp sees the same tree."""

import os
import re
import subprocess
from pathlib import Path
from typing import Final

import pytest

from netmon.mib.texts import shipped_folder
from netmon.mib.tree import shipped

MIBS: Final = shipped_folder()
MODULES: Final = sorted(path.stem for path in MIBS.glob("*.txt"))
MODERN: Final = ":".join(module for module in MODULES if not module.startswith("RFC"))
# What smilint says at level 3 of these modules as they were published, and that stays: to mend it would
# be to define something else.
_NO_SIZE: Final = "an index that the standard leaves without a size or range"
_BASE: Final = "the SMI itself, whose numbers are wider than libsmi's INTEGER"
ACCEPTED: Final = {
    "IF-MIB": {"ifRcvAddressAddress": _NO_SIZE},
    "IP-FORWARD-MIB": {"inetCidrRoutePolicy": _NO_SIZE},
    "NET-SNMP-AGENT-MIB": {"nsCachedOID": _NO_SIZE, "nsmRegistrationPoint": _NO_SIZE},
    "RFC1155-SMI": {"range limit": _BASE},
    "RFC1213-MIB": {"ifIndex": _NO_SIZE, "atIfIndex": _NO_SIZE, "ipNetToMediaIfIndex": _NO_SIZE},
    "RMON-MIB": {
        "hostAddress": _NO_SIZE,
        "matrixSDSourceAddress": _NO_SIZE,
        "matrixSDDestAddress": _NO_SIZE,
        "matrixDSDestAddress": _NO_SIZE,
        "matrixDSSourceAddress": _NO_SIZE,
    },
    "SNMP-NOTIFICATION-MIB": {"snmpNotifyFilterSubtree": _NO_SIZE},
    "SNMP-VIEW-BASED-ACM-MIB": {"vacmViewTreeFamilySubtree": _NO_SIZE},
    "SNMPv2-SMI": {"range limit": _BASE, "range limits": _BASE},
    "UCD-SNMP-MIB": {"mrIndex": _NO_SIZE},
    "UPS-MIB": {"upsAlarmId": "RFC 1628 lets notifications carry an object that is not accessible"},
}


def smilint(module: str) -> list[str]:
    """What smilint finds in one module at level 3, with no other folder to look into."""
    done = subprocess.run(
        ["smilint", "-c", "/dev/null", "-l", "3", f"./{module}.txt"],
        cwd=MIBS,
        env={"PATH": os.environ["PATH"], "SMIPATH": "."},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return [line for line in (done.stdout + done.stderr).splitlines() if line.strip()]


@pytest.mark.parametrize("module", MODULES)
def test_smilint_finds_nothing_but_what_is_known(module: str) -> None:
    """Every line is one of the accepted, and every accepted one is still found."""
    accepted = ACCEPTED.get(module, {})
    found = set()
    for line in smilint(module):
        known = [what for what in accepted if re.search(rf"{re.escape(what)}\b", line)]
        assert known, line
        found.update(known)
    assert found == set(accepted)


def translate(*arguments: str, mibs: Path = MIBS, modules: str = "ALL") -> str:
    """What snmptranslate prints over the shipped folder alone, and no complaint."""
    done = subprocess.run(
        ["snmptranslate", "-M", str(mibs), "-m", modules, *arguments],
        env={"PATH": os.environ["PATH"], "LC_ALL": "C"},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stderr == ""
    return done.stdout


def test_net_snmp_gives_every_name_the_same_oid() -> None:
    """Both parsers agree on all nodes of all modules, in both directions."""
    lines = re.findall(r'"([^"]+)"\s+"([0-9.]+)"', translate("-Tz"))
    theirs = {(name, oid) for name, oid in lines}
    ours = {(node.name, ".".join(map(str, node.oid))) for node in shipped().nodes()}
    assert len(ours) > 2300
    # SMIv1's spelling of a few nodes, and the root, are only in one of the two.
    assert {pair for pair in theirs - ours if pair[1].count(".") > 1} == set()
    assert ours - theirs == set()


@pytest.mark.parametrize(
    "name",
    [
        "IF-MIB::ifAlias", "IF-MIB::ifOperStatus", "IF-MIB::ifPhysAddress", "IF-MIB::linkDown",
        "IP-MIB::ipAddressIfIndex", "HOST-RESOURCES-MIB::hrStorageUsed", "UCD-SNMP-MIB::laLoadFloat",
        "UPS-MIB::upsEstimatedMinutesRemaining", "BRIDGE-MIB::dot1dTpFdbStatus",
        "TCP-MIB::tcpConnectionState",
        "ENTITY-SENSOR-MIB::entPhySensorType", "ENTITY-MIB::entPhysicalClass", "MTA-MIB::mtaGroupName",
        "EtherLike-MIB::dot3StatsDuplexStatus", "NET-SNMP-EXTEND-MIB::nsExtendOutputFull",
        "SNMP-TARGET-MIB::snmpTargetAddrTimeout", "LM-SENSORS-MIB::lmTempSensorsValue",
    ],
)  # fmt: skip
def test_net_snmp_describes_an_object_as_we_do(name: str) -> None:
    """Access, status, units, display hint, enums and INDEX, as `snmptranslate -Td` shows them."""
    node = shipped().find(name)
    told = translate("-Td", "-On", name, modules=MODERN)
    assert f"MAX-ACCESS\t{node.access}" in told or not node.access
    assert f"STATUS\t{node.status}" in told or node.kind == "notification"
    assert (re.search(r'UNITS\t*\s*"(.*)"', told) or ["", ""])[1] == node.units
    if node.type is not None:
        assert (re.search(r'DISPLAY-HINT\s*"(.*)"', told) or ["", ""])[1] == node.type.hint
        enums = dict(
            re.findall(r"(\w+)\(([0-9]+)\)[,} ]", told.partition("SYNTAX")[2].partition("MAX-ACCESS")[0])
        )
        assert {label: str(number) for number, label in node.type.enums.items()} == enums
    if node.objects:
        assert re.search(r"OBJECTS\s*\{\s*(.*?)\s*\}", told)[1].split(", ") == list(node.objects)  # type: ignore[index]
