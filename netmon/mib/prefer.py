"""64-bit counters preferred: a series of 32 bits goes where its row has the same in 64.

A 32-bit octet counter wraps every 34 seconds at 1 Gbit/s, so its rate is wrong at any usual interval,
and two series for one fact invite the wrong one.  But old agents, small ports and SNMPv1, which cannot
carry Counter64 (RFC 3584 §4.2.2), have the narrow one only.  So both are read and it is decided row by
row.  Some agents have the wide column and leave it at zero; there the narrow one stays.

Scheduled checks do so; `/snmp` gives what the module says.
"""

from collections.abc import Mapping, Sequence
from importlib import resources

from netmon.mib.document import read_document
from netmon.model import Column, Table, Value


def parse_preferences(text: str, source: str) -> dict[str, str]:
    """Metric of 32 bits -> metric of 64; `source` names the document.  Raises DocumentError."""
    root = read_document(text, source)
    top = root.fields(("prefer",), required=("prefer",))
    entries = top["prefer"].entries() if "prefer" in top else {}
    wider = {name: place.text() for name, place in entries.items()}
    root.finish()
    return wider


def shipped_preferences() -> dict[str, str]:
    """The list that comes with netmon; read anew at every call."""
    path = resources.files("netmon.mib") / "data" / "tables" / "prefer.yml"
    return parse_preferences(path.read_text("utf-8"), path.name)


def prefer_wide(tables: Sequence[Table], wider: Mapping[str, str]) -> tuple[Table, ...]:
    """The tables of a module without the narrow values of rows that have the wide one.

    Pure, and the tables that are given stay as they are.
    """
    columns = {column.family.name: (table, column) for table in tables for column in table.columns}
    changed: dict[int, list[Column]] = {}
    for name, wide_name in wider.items():
        if name not in columns or wide_name not in columns:
            continue
        table, narrow = columns[name]
        wide = _aligned(table, *columns[wide_name])
        kept: list[Value] = [
            value if other is None or (value and not other) else None
            for value, other in zip(narrow.values, wide, strict=True)
        ]
        here = changed.setdefault(id(table), list(table.columns))
        at = next(at for at, column in enumerate(here) if column.family.name == name)
        if any(value is not None for value in kept):
            here[at] = Column(narrow.family, kept)
        else:
            del here[at]
    if not changed:
        return tuple(tables)
    return tuple(
        Table(table.names, table.rows, tuple(changed[id(table)])) if id(table) in changed else table
        for table in tables
        if changed.get(id(table), True)
    )


def _aligned(table: Table, other: Table, column: Column) -> Sequence[Value]:
    """The values of another table's column for the rows of this one, None where it lacks the row."""
    if other is table:
        return column.values
    if other.names != table.names:
        return [None] * len(table.rows)
    values = dict(zip(other.rows, column.values, strict=True))
    return [values.get(row) for row in table.rows]
