"""The clocks of SNMPv3 senders on disk, so that a captured trap is no news to a receiver that was restarted.

A file that is lost or broken costs what the standard costs everybody: after a start the first authentic
message of an engine sets its clock, whatever its age (RFC 3414 §2.3).
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import structlog

from netmon.snmp.message_v3 import MAX_TIME
from netmon.snmp.usm import MAX_ENGINE_ID
from netmon.traps.peers import Clock

log = structlog.get_logger(__name__)

FILE: Final = "peers.json"
PERIOD: Final = 60.0  # seconds between two writings
_MOST: Final = 256 << 20  # bytes; a million engines take less


def load(folder: Path) -> dict[str, Clock]:
    """The clocks by engine ID in hex; none where there is no file that can be used."""
    path = folder / FILE
    try:
        if path.stat().st_size > _MOST:
            raise ValueError("too large")  # noqa: TRY301 - the same words
        known = json.loads(path.read_text("ascii"))
        return {name: _clock(name, value) for name, value in known.items()}
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, AttributeError, RecursionError) as error:
        log.warning("the clocks of SNMPv3 senders are not known: replays may pass once", why=str(error))
        return {}


def save(folder: Path, clocks: Mapping[str, Clock]) -> None:
    """Keep them; a disk that refuses is told by the store of events already."""
    new = folder / f"{FILE}.new"
    try:
        new.write_text(json.dumps(clocks, separators=(",", ":")), "ascii")
        new.replace(folder / FILE)
    except OSError:
        new.unlink(missing_ok=True)


def _clock(name: str, value: object) -> Clock:
    if not isinstance(value, list) or len(bytes.fromhex(name)) > MAX_ENGINE_ID:
        raise ValueError("not an engine and its clock")
    boots, time = value
    if not all(type(number) is int and 0 <= number <= MAX_TIME for number in (boots, time)):
        raise ValueError("boots or time out of range")
    return Clock(boots, time)
