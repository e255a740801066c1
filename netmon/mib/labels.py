"""From the index of a table to labels: what every column of that table shares.

A module says how the sub-identifiers behind a column's OID split into index labels, and which
further labels are looked up in other columns by those indexes.  The same answer serves all columns
with the same rows, so labels are worked out once per set of rows and not per value; and they are
worked out label by label over all rows, which costs a fraction of doing it row by row.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import Final

from netmon.mib.hints import Hint
from netmon.mib.syntax import (
    COMBINED,
    Enums,
    Syntax,
    encode_sub_ids,
    index_text,
    sub_ids,
    value_text,
    value_texts,
)
from netmon.snmp.message import Varbinds

Rows = tuple[tuple[str, ...], ...]
_NOTHING: Final[Sequence[bytes | None]] = ()
Find = Callable[[bytes, Sequence[bytes | None]], Sequence[int | None]]


@dataclass(frozen=True, slots=True)
class Index:
    """One part of a table's INDEX: its label and how its sub-identifiers read."""

    label: str
    syntax: Syntax
    size: int = 0  # octets of a string of fixed length; 0: the length is in the index
    implied: bool = False
    enums: Enums = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Lookup:
    """A label whose value is the object `oid` followed by what `labels` stand for.

    Without `labels` it removes the label instead.  A chained lookup names an earlier one's label,
    which then stands for the number that was found.
    """

    labels: tuple[str, ...]
    label: str
    oid: bytes = b""
    syntax: Syntax = Syntax.GAUGE
    enums: Enums = field(default_factory=dict)
    selector: bytes | None = None  # for a combined type: the column that says how a value reads
    hint: Hint | None = None


class Labelling:
    """How rows get their labels: indexes in order, then lookups in order."""

    __slots__ = ("_chained", "indexes", "lookups", "names")

    def __init__(self, indexes: Sequence[Index], lookups: Sequence[Lookup]) -> None:
        self.indexes = tuple(indexes)
        self.lookups = tuple(lookups)
        names = dict.fromkeys(index.label for index in indexes)
        for lookup in lookups:
            if lookup.labels:
                names[lookup.label] = None
            else:
                names.pop(lookup.label, None)
        self.names = tuple(names)
        self._chained = {label for lookup in lookups for label in lookup.labels}

    def rows(self, suffixes: Sequence[bytes], varbinds: Varbinds, find: Find) -> Rows:
        """Label values for each suffix (octets of the OID behind the column's), in the order of `names`.

        `find` gives positions in `varbinds`: of an OID followed by each of some octets, None where it is
        not; as a range where they follow each other.
        """
        texts: dict[str, list[str]] = {}
        keys: dict[str, Sequence[bytes | None]] = {}
        self._read_indexes(suffixes, texts, keys)
        for lookup in self.lookups:
            if not lookup.labels:
                texts.pop(lookup.label, None)
                continue
            behind = _keys_of(lookup, keys)
            found = find(lookup.oid, behind)
            tags, values, syntax, enums = varbinds.tags, varbinds.values, lookup.syntax, lookup.enums
            if syntax in COMBINED:
                texts[lookup.label] = _combined(lookup, found, behind, varbinds, find)
            elif isinstance(found, range):
                place = slice(found.start, found.stop)
                texts[lookup.label] = value_texts(tags[place], values[place], syntax, enums, lookup.hint)
            else:
                texts[lookup.label] = [
                    "" if at is None else value_text(tags[at], values[at], syntax, enums, lookup.hint)
                    for at in found
                ]
            if lookup.label in self._chained:
                # Where nothing was found, a label that was there before stands for what it did.
                before = keys.get(lookup.label, _NOTHING)
                keys[lookup.label] = [
                    old if at is None else _key(values[at])
                    for at, old in zip_longest(found, before[: len(found)])
                ]
        return tuple(zip(*(texts[name] for name in self.names), strict=True)) or ((),) * len(suffixes)

    def _read_indexes(
        self, suffixes: Sequence[bytes], texts: dict[str, list[str]], keys: dict[str, Sequence[bytes | None]]
    ) -> None:
        indexes = self.indexes
        if len(indexes) == 1 and indexes[0].syntax is Syntax.GAUGE and not indexes[0].enums:
            # Nearly every table: one number, which is the whole suffix.
            numbers = [sub_ids(suffix) for suffix in suffixes]
            if all(len(ids) == 1 for ids in numbers):
                texts[indexes[0].label] = [str(ids[0]) for ids in numbers]
                keys[indexes[0].label] = suffixes
                return
        rests: list[Sequence[int]] = [sub_ids(suffix) for suffix in suffixes]
        for index in indexes:
            column: list[str] = []
            used_keys: list[bytes | None] = []
            for row, ids in enumerate(rests):
                text, used, rests[row] = index_text(
                    ids, index.syntax, index.size, implied=index.implied, enums=index.enums
                )
                column.append(text)
                used_keys.append(encode_sub_ids(used))
            texts[index.label] = column
            keys[index.label] = used_keys


def _combined(
    lookup: Lookup,
    found: Sequence[int | None],
    behind: Sequence[bytes | None],
    varbinds: Varbinds,
    find: Find,
) -> list[str]:
    """The text of each value, where the column before says how it reads."""
    forms, tags, values = COMBINED[lookup.syntax], varbinds.tags, varbinds.values
    kinds: Sequence[int | None] = () if lookup.selector is None else find(lookup.selector, behind)
    texts = []
    for at, place in zip_longest(found, kinds):
        kind = None if place is None else values[place]
        syntax = forms.get(kind) if isinstance(kind, int) else None
        texts.append(
            ""
            if at is None
            else value_text(tags[at], values[at], syntax or Syntax.OCTET_STRING, hint=lookup.hint)
        )
    return texts


def _keys_of(lookup: Lookup, keys: Mapping[str, Sequence[bytes | None]]) -> Sequence[bytes | None]:
    """What stands behind the looked-up OID in each row, None where an earlier lookup came to nothing."""
    parts = [keys[label] for label in lookup.labels]
    if len(parts) == 1:
        return parts[0]
    return [
        None if None in row else b"".join([key for key in row if key is not None])
        for row in zip(*parts, strict=True)
    ]


def _key(value: int | bytes | None) -> bytes | None:
    """What a looked-up value stands for in an OID: its number, if it is one."""
    return encode_sub_ids((value,)) if isinstance(value, int) and 0 <= value <= 0xFFFFFFFF else None  # noqa: PLR2004 - RFC 2578 §3.5
