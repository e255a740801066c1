"""The clocks of SNMPv3 senders over a restart: what was a replay before is one afterwards.

RFC 3414 §2.3 leaves it open whether they are kept; a receiver that forgets them takes an old message for
the first one of its engine.
"""

import contextlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import structlog

from netmon.traps.peers import Clock

log = structlog.get_logger(__name__)

FILE: Final = "peers.json"
_MAX_OCTETS: Final = 16 << 20
_MAX_NUMBER: Final = 0x7FFFFFFF


def read(folder: Path) -> Mapping[str, Clock]:
    """What was kept, by engine ID in hex; nothing where there is none, or none that can be read."""
    try:
        with (folder / FILE).open("rb") as file:
            found = json.loads(file.read(_MAX_OCTETS))
        return {
            bytes.fromhex(name).hex(): Clock(_number(boots), _number(time))
            for name, (boots, time) in found.items()
        }
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, TypeError, AttributeError, RecursionError) as error:
        log.warning("the clocks of SNMPv3 senders are learned anew", file=str(folder / FILE), why=str(error))
        return {}


def write(folder: Path, clocks: Mapping[str, Clock]) -> None:
    """Keep them; a disk that does not take it costs no trap."""
    new = folder / f"{FILE}.new"
    with contextlib.suppress(OSError):
        new.write_text(json.dumps({name: tuple(clock) for name, clock in clocks.items()}))
        new.replace(folder / FILE)


def _number(value: object) -> int:
    if not isinstance(value, int) or not 0 <= value <= _MAX_NUMBER:
        raise ValueError(f"{value!r} is no clock of an engine")
    return value
