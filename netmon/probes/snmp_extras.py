"""What the snmp probe reads beside modules: processes counted by name, and the mail queue.

Both become netmon's own series and not the device's.  A table of processes has a row for each, and
its columns of paths and parameters may hold passwords: so only names and states are read, and only
configured names are counted.  Standard MIBs know no mail queue where the mail server has no subagent:
an `extend` of net-snmp's agent runs a script that counts it (docs/mail-queue.md).

An extra stands for itself as a module does, and is named like one in `netmon_module_up`.  What the
agent does not serve is said and not counted as zero: a table that is missing is no missing process.
"""

import re
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from netmon.mail.trail import printable
from netmon.model import Column, Family, Kind, Table
from netmon.probes.snmp_settings import Bound, ProcessEntry
from netmon.snmp.ber import encode_oid
from netmon.snmp.client import Client, Meter, Target
from netmon.snmp.walk import get, walk

PROCESSES: Final = Family(
    "netmon_host_processes",
    Kind.GAUGE,
    "Processes of a configured name, zombies left out, when SNMP last counted them.",
)
QUEUE_MESSAGES: Final = Family(
    "netmon_mail_queue_messages",
    Kind.GAUGE,
    "Messages in the mail queue, as the host's own script last counted them.",
)
QUEUE_OLDEST: Final = Family(
    "netmon_mail_queue_oldest_seconds",
    Kind.GAUGE,
    "Age of the oldest message in the mail queue, as the host's own script last told it.",
)

_RUN_NAME: Final = encode_oid("1.3.6.1.2.1.25.4.2.1.2")  # hrSWRunName
_RUN_STATUS: Final = encode_oid("1.3.6.1.2.1.25.4.2.1.7")  # hrSWRunStatus
_INVALID: Final = 4  # a zombie, to net-snmp
_MOST_ROWS: Final = 20_000
_KERNEL_NAME: Final = 15  # octets that Linux keeps of a process's name, and so net-snmp
_EXTEND: Final = "1.3.6.1.4.1.8072.1.3.2.3.1"  # nsExtendOutput1Entry; its index is the name behind its length
_OUTPUT_FULL: Final = 2
_RESULT: Final = 4
_NUMBERS: Final = re.compile(rb"\s*([0-9]{1,10})(?:\s+([0-9]{1,10}))?\s*")
_SHOWN: Final = 80  # octets of an odd output
_HELP: Final = "docs/mail-queue.md has the script"


class Found(NamedTuple):
    """What an extra came to: a table of netmon's own, or a sentence's rest that says why there is none."""

    own: Table | None
    objects: int
    trouble: str = ""  # goes on from "mx1:161 "


@dataclass(frozen=True, slots=True)
class Extra:
    """Something to read beside the modules; like one of them it has a name, and no settings of its own."""

    name: str
    read: Callable[[Client, Target, Meter], Awaitable[Found]]  # raises SnmpError
    max_repetitions: int | None = None
    retries: int | None = None
    timeout: float | None = None


def extras(settings: Bound) -> Iterator[Extra]:
    """What a host's settings want beside its modules."""
    if settings.processes:

        async def processes(client: Client, target: Target, meter: Meter) -> Found:
            return await _read_processes(client, target, meter, settings.processes)

        yield Extra("processes", processes)
    if (name := settings.mail_queue) is not None:

        async def mail_queue(client: Client, target: Target, meter: Meter) -> Found:
            return await _read_queue(client, target, meter, name)

        yield Extra("mail_queue", mail_queue)


async def _read_processes(
    client: Client, target: Target, meter: Meter, wanted: Sequence[ProcessEntry]
) -> Found:
    # The states first, which are the table's last column, and then the names of those rows one by one:
    # a walk of the names might be answered beyond its end, with what is not to be read.
    states = await walk(client, target, _RUN_STATUS, meter, limit=_MOST_ROWS)
    rows = [
        _RUN_NAME + oid[len(_RUN_STATUS) :]
        for oid, state in zip(states.oids, states.values, strict=True)
        if state != _INVALID
    ]
    came = await get(client, target, rows, meter)
    names = [name for name in came.values if isinstance(name, bytes)]
    objects = len(states) + len(came)
    if not names:
        return Found(None, objects, "serves no processes (hrSWRunTable) to count; widen its view")
    counts = count_processes(names, [entry.name for entry in wanted])
    labels = tuple((entry.name,) for entry in wanted)
    return Found(Table(("name",), labels, (Column(PROCESSES, counts),)), objects)


def count_processes(running: Iterable[bytes], wanted: Iterable[str]) -> list[int]:
    """How many of the running processes have each of the names; pure.

    A process may be named by its path, whose last part counts too, or cut off as the kernel does it.
    """
    tally = Counter[bytes]()
    for name in running:
        tally.update({name, name.rpartition(b"/")[2]})
    counts = []
    for name in (text.encode() for text in wanted):
        cut = name[:_KERNEL_NAME]
        counts.append(tally[name] + (tally[cut] if cut != name else 0))
    return counts


async def _read_queue(client: Client, target: Target, meter: Meter, name: str) -> Found:
    index = ".".join(map(str, (len(name), *name.encode())))
    output, result = (encode_oid(f"{_EXTEND}.{column}.{index}") for column in (_OUTPUT_FULL, _RESULT))
    came = await get(client, target, (output, result), meter)
    values = dict(zip(came.oids, came.values, strict=True))
    said, status = values.get(output), values.get(result)
    if not isinstance(said, bytes) or not isinstance(status, int):
        return Found(None, len(came), f"has no extend {name}, which `mail_queue` reads; {_HELP}")
    shown = f'"{printable(said[:_SHOWN])}"'
    if len(said) > _SHOWN:
        shown += f" and {len(said) - _SHOWN} octets more"
    if status:
        trouble = f"runs its extend {name} in vain: exit status {status}, output {shown}; {_HELP}"
        return Found(None, len(came), trouble)
    numbers = _NUMBERS.fullmatch(said)
    if numbers is None:
        trouble = (
            f"has an extend {name} that says {shown}, wanted one or two whole numbers: "
            f"messages, and seconds since the oldest came; {_HELP}"
        )
        return Found(None, len(came), trouble)
    messages, oldest = (None if digits is None else int(digits) for digits in numbers.groups())
    # None for an age that was not told, so that the one of an earlier run does not stay.
    columns = (Column(QUEUE_MESSAGES, [messages]), Column(QUEUE_OLDEST, [oldest]))
    return Found(Table((), ((),), columns), len(came))
