"""Traps in netmon's words and in those of net-snmp's snmptranslate, by the same MIBs."""

import json
import subprocess
from typing import Final

from netmon.mib.texts import shipped_folder
from netmon.mib.tree import shipped
from netmon.snmp import ber
from netmon.snmp.message import Varbinds
from netmon.traps.records import Notification
from netmon.traps.translate import Translator

# Those of SMIv1 define the same objects under their old names.
MODULES: Final = ":".join(
    sorted(path.stem for path in shipped_folder().glob("*.txt") if not path.stem.startswith("RFC"))
)
VARBINDS: Final = (
    "1.3.6.1.2.1.2.2.1.1.3",  # ifIndex.3
    "1.3.6.1.2.1.2.2.1.8.2147483647",
    "1.3.6.1.2.1.31.1.1.1.18.1048577",  # ifAlias, whose row augments another
    "1.3.6.1.2.1.33.1.2.3.0",  # upsEstimatedMinutesRemaining.0
    "1.3.6.1.2.1.33.1.6.2.1.2.1",  # upsAlarmDescr.1
    "1.3.6.1.2.1.15.3.1.2.192.0.2.1",  # bgpPeerState by an address
    "1.3.6.1.2.1.16.3.1.1.3.7",  # alarmVariable.7
    "1.3.6.1.2.1.88.2.1.1.0",  # mteHotTrigger.0
    "1.3.6.1.2.1.4.34.1.3.1.4.192.0.2.1",  # ipAddressIfIndex.ipv4."192.0.2.1"
    "1.3.6.1.4.1.8072.1.3.2.4.1.2.4.109.97.105.108.1",  # nsExtendOutLine."mail".1
)


def snmptranslate(*oids: str) -> list[str]:
    """What net-snmp calls them."""
    done = subprocess.run(
        ["snmptranslate", "-M", str(shipped_folder()), "-m", MODULES, *oids],
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    return done.stdout.split()


def test_notifications_and_varbinds_have_net_snmps_names() -> None:
    """Every notification of the shipped MIBs, and varbinds with every sort of index."""
    translator = Translator(shipped())
    traps = [".".join(map(str, node.oid)) for node in shipped().nodes() if node.kind == "notification"]
    values = Varbinds([ber.encode_oid(oid) for oid in VARBINDS], [2] * len(VARBINDS), [1] * len(VARBINDS))
    told = [
        translator.meaning(Notification(2, False, 1, ber.encode_oid(trap), None, values)) for trap in traps
    ]
    theirs = snmptranslate(*traps, *VARBINDS)
    assert [meaning.trap for meaning in told] == theirs[: len(traps)]
    names = [value["name"] for value in json.loads(told[0].values)]
    assert names == theirs[len(traps) :]
