"""An event as a row of the file, as a record, and as the JSON that users see.  One shape everywhere.

The values are kept as JSON text already: who writes twenty thousand events a second has no time to
make records of their varbinds, and who reads them wants few.
"""

import json
from collections.abc import Callable, Sequence
from json.encoder import encode_basestring_ascii  # the C one
from typing import Any, Final

from netmon.model import Event, EventSeverity, EventValue

Cell = str | int | float | None
# at, last, count, source, host, trap, oid, severity, version, inform, user, authenticated, engine_id,
# agent_address, uptime, values; what they mean is in model.Event.
Row = Sequence[Cell]

# Columns behind the id, in a row's order.
COLUMNS: Final = (
    "at REAL NOT NULL",
    "last REAL NOT NULL",
    "count INTEGER NOT NULL",
    "source TEXT NOT NULL",
    "host TEXT NOT NULL",
    "trap TEXT NOT NULL",
    "oid TEXT NOT NULL",
    "severity TEXT NOT NULL",
    "version INTEGER NOT NULL",
    "inform INTEGER NOT NULL",
    "user TEXT NOT NULL",
    "authenticated INTEGER NOT NULL",
    "engine_id TEXT NOT NULL",
    "agent_address TEXT NOT NULL",
    "uptime REAL",
    "vals TEXT NOT NULL",
)
_quoted: Final[Callable[[Any], str]] = encode_basestring_ascii
_VERSIONS: Final = {1: "1", 2: "2c", 3: "3"}


def from_row(row: Sequence[Any]) -> Event:
    """The event of an id and a `Row` behind it.  Raises ValueError for a row that is none."""
    (
        number, at, last, count, source, host, trap, oid, severity, version, inform, user, authenticated,
        engine_id, agent_address, uptime, values,
    ) = row  # fmt: skip
    return Event(
        int(number), float(at), float(last), int(count), str(source), str(host), str(trap), str(oid),
        EventSeverity(severity), int(version), bool(inform), str(user), bool(authenticated), str(engine_id),
        str(agent_address), None if uptime is None else float(uptime), values_of(values),
    )  # fmt: skip


def values_of(text: str) -> tuple[EventValue, ...]:
    """The varbinds of a row's last cell.  Raises ValueError."""
    try:
        return tuple(
            EventValue(str(one["name"]), str(one["oid"]), str(one["type"]), str(one["value"]))
            for one in json.loads(text)
        )
    except (KeyError, TypeError):
        raise ValueError("not the values of an event") from None


def to_json(event: Event) -> dict[str, Any]:
    """The event for `/api/events`, webhooks, logs and the command line."""
    return {
        "id": event.id,
        "at": event.at,
        "last": event.last,
        "count": event.count,
        "source": event.source,
        "host": event.host,
        "trap": event.trap,
        "oid": event.oid,
        "severity": event.severity.value,
        "version": _VERSIONS.get(event.version, str(event.version)),
        "inform": event.inform,
        "user": event.user,
        "authenticated": event.authenticated,
        "engine_id": event.engine_id,
        "agent_address": event.agent_address,
        "uptime": event.uptime,
        "values": [value._asdict() for value in event.values],
    }


def line(number: int, row: Row) -> str:
    """The JSON of `to_json` for a row, by joining: for the log, where every event is a line."""
    (
        at, last, count, source, host, trap, oid, severity, version, inform, user, authenticated, engine_id,
        agent_address, uptime, values,
    ) = row  # fmt: skip
    return (
        f'{{"id":{number},"at":{at},"last":{last},"count":{count},"source":{_quoted(source)},'
        f'"host":{_quoted(host)},"trap":{_quoted(trap)},"oid":{_quoted(oid)},"severity":{_quoted(severity)},'
        f'"version":"{_VERSIONS.get(version, "")}","inform":{"true" if inform else "false"},'  # type: ignore[arg-type]
        f'"user":{_quoted(user)},"authenticated":{"true" if authenticated else "false"},'
        f'"engine_id":"{engine_id}","agent_address":{_quoted(agent_address)},'
        f'"uptime":{"null" if uptime is None else uptime},"values":{values}}}'
    )
