"""This receiver as an SNMP engine: its engine ID, and how often it was started.

Informs of SNMPv3 come under the receiver's own engine ID, and are fresh by its boots and the seconds
since its start (RFC 3414 §2.2.2).  Both outlive the process: senders remember the ID, and boots that
went back would let a captured inform in again.  So the new boots are on disk before they are used.
"""

import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from netmon.errors import NetmonError
from netmon.snmp.message_v3 import MAX_TIME
from netmon.snmp.usm import MAX_ENGINE_ID

FILE: Final = "engine.json"
MIN_ENGINE_ID: Final = 5  # octets, RFC 3411 §5
# RFC 3411 §5: the first bit set, an enterprise number (that for examples, RFC 5612), octets of our own.
_PREFIX: Final = (0x80000000 | 32473).to_bytes(4, "big") + b"\5"
_RANDOM: Final = 8  # octets


class EngineError(NetmonError):
    """The engine's own file cannot be used; the sentence says why and how to mend it."""


@dataclass(frozen=True, slots=True)
class OwnEngine:
    """`started` is when these boots began, by the clock of `now`."""

    engine_id: bytes
    boots: int
    started: float

    def time(self, now: float) -> int:
        """snmpEngineTime: whole seconds since the start."""
        return min(int(now - self.started), MAX_TIME)


def take_up(folder: Path, now: float, engine_id: bytes = b"") -> OwnEngine:
    """The engine of this folder, one boot later; a new one where there was none, of `engine_id` if given.

    Raises EngineError: a file that cannot be read is not replaced, because senders know the ID in it.
    """
    path = folder / FILE
    try:
        engine_id, boots = _read(path)
    except FileNotFoundError:
        engine_id, boots = engine_id or _PREFIX + secrets.token_bytes(_RANDOM), 0
    boots = min(boots + 1, MAX_TIME)  # RFC 3414 §2.2.2: it stays at its end, and nothing is fresh any more
    _write(path, engine_id, boots)
    return OwnEngine(engine_id, boots, now)


def _read(path: Path) -> tuple[bytes, int]:
    hint = "put the file back from a backup, or delete it: senders of informs then learn a new engine ID"
    try:
        known = json.loads(path.read_text("ascii"))
        engine_id, boots = bytes.fromhex(known["engine_id"]), known["boots"]
    except FileNotFoundError:
        raise
    except OSError as error:
        raise EngineError(f"{path} cannot be read: {error.strerror}") from None
    except (ValueError, KeyError, TypeError):
        raise EngineError(f"{path} does not hold an engine ID and its boots; {hint}") from None
    if not MIN_ENGINE_ID <= len(engine_id) <= MAX_ENGINE_ID or not isinstance(boots, int) or boots < 0:
        raise EngineError(f"{path} holds an engine ID or boots that cannot be; {hint}")
    return engine_id, boots


def _write(path: Path, engine_id: bytes, boots: int) -> None:
    new = path.with_suffix(".new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with new.open("w", encoding="ascii") as file:
            json.dump({"engine_id": engine_id.hex(), "boots": boots}, file)
            file.flush()
            os.fsync(file.fileno())
        new.replace(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise EngineError(f"{path} cannot be written: {error.strerror}; informs need it") from None
