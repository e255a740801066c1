"""Captured devices as machines of the demo: each `--device FILE` becomes one more host.

Everything is as it was when it was captured but sysUpTime, which goes on from there: an agent whose
time stands still would look as if it had stopped.
"""

import re
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from netmon.demo.device import Moving, Row
from netmon.demo.machine import Machine
from netmon.demo.snmprec import Capture, CaptureError, read
from netmon.snmp import ber

MOST: Final = 250  # captures: what the addresses 127.62.1.x hold
_UP_TIME: Final = "1.3.6.1.2.1.1.3.0"
_NOT_IN_NAMES: Final = re.compile(r"[^\w.-]+", re.ASCII)
_NAME: Final = 60  # characters


def replayed(captures: Sequence[Path]) -> Sequence[tuple[Machine, str]]:
    """A machine for each capture, and a line for people about it.  Raises CaptureError."""
    if len(captures) > MOST:
        raise CaptureError(f"{len(captures)} captures are too many; {MOST} are the most")
    machines: list[tuple[Machine, str]] = []
    names: set[str] = set()
    for number, path in enumerate(captures, start=1):
        capture = read(path)
        name = host_name(path, names)
        names.add(name)
        rows = partial(moving, capture)
        machine = Machine(name, f"127.62.1.{number}", rows, kind="capture", days_up=0.0, interval="15s")
        machines.append((machine, f"{name} replays {path.name}: {capture}"))
    return machines


def host_name(path: Path, taken: set[str]) -> str:
    """A host's name out of a file's, unlike those that are taken."""
    stem = path.name.removesuffix(".bz2").removesuffix(".snmprec")
    base = _NOT_IN_NAMES.sub("-", stem).strip(".-_")[:_NAME] or "device"
    name, number = base, 1
    while name in taken:
        number += 1
        name = f"{base}-{number}"
    return name


def moving(capture: Capture) -> Iterator[Row]:
    """The capture's objects, with a sysUpTime that goes on."""
    for row in capture.rows:
        if row.oid.removeprefix(".") == _UP_TIME and row.tag == ber.TIME_TICKS and isinstance(row.value, int):
            yield row._replace(value=_goes_on(row.value))
        else:
            yield row


def _goes_on(start: int) -> Moving:
    return lambda moment: (start + int(moment.uptime * 100)) & 0xFFFFFFFF
