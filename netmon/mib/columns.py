"""Varbinds cut into columns: the part of the mapping that looks at OIDs.

A walk gives columns one after another, and the columns of a table have the same rows.  So a column
is taken as a slice when the suffixes of the one before fit it, and they stay the same list: whoever
works something out for a list of suffixes need do so once.  Anything less regular is found row by
row, and gives the same.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from netmon.mib.records import Metric, Module
from netmon.snmp.ber import Value
from netmon.snmp.message import Varbinds


class Run(NamedTuple):
    """A metric's column as it came: `suffixes` is the same object in columns with equal rows."""

    metric: Metric
    suffixes: list[bytes]
    tags: list[int]
    values: list[Value]


class _Piece(NamedTuple):
    """Where rows of a column stand among the varbinds."""

    start: int
    suffixes: list[bytes]
    distinct: bool  # no suffix comes twice


class Columns:
    """The columns of what was read for a module."""

    def __init__(self, module: Module, varbinds: Varbinds) -> None:
        self._module = module
        self._varbinds = varbinds
        self._pieces: dict[bytes, list[_Piece]] = {}
        for prefix, piece in self._cut():
            self._pieces.setdefault(prefix, []).append(piece)
        self._indexes: dict[bytes, dict[bytes, int]] = {}

    def runs(self) -> list[Run]:
        """Each metric's column, in the order in which they came."""
        runs = []
        for prefix, pieces in self._pieces.items():
            metric = self._module.columns[prefix]
            if metric is not None:
                run = self._run(metric, pieces[0])
                for piece in pieces[1:]:
                    # Came in pieces, as when an instance was also asked for by GET.
                    more = self._run(metric, piece)
                    run = Run(
                        metric, run.suffixes + more.suffixes, run.tags + more.tags, run.values + more.values
                    )
                runs.append(run)
        return runs

    def _run(self, metric: Metric, piece: _Piece) -> Run:
        start, stop = piece.start, piece.start + len(piece.suffixes)
        return Run(metric, piece.suffixes, self._varbinds.tags[start:stop], self._varbinds.values[start:stop])

    def find(self, column: bytes, suffixes: Sequence[bytes | None]) -> Sequence[int | None]:
        """Position of the object `column` + suffix among the varbinds, for each of `suffixes`."""
        pieces = self._pieces.get(column, [])
        if len(pieces) == 1 and pieces[0].distinct and pieces[0].suffixes is suffixes:
            return range(pieces[0].start, pieces[0].start + len(suffixes))
        index = self._indexes.get(column)
        if index is None:
            index = self._indexes[column] = self._index(column, pieces)
        return [None if suffix is None else index.get(suffix) for suffix in suffixes]

    def _index(self, column: bytes, pieces: Sequence[_Piece]) -> dict[bytes, int]:
        """The first position of each suffix."""
        index: dict[bytes, int] = {}
        if pieces:
            for piece in pieces:
                for at, suffix in enumerate(piece.suffixes, piece.start):
                    index.setdefault(suffix, at)
        else:
            # Not a column of the module, or inside one.
            width = len(column)
            for at, oid in enumerate(self._varbinds.oids):
                if oid.startswith(column):
                    index.setdefault(oid[width:], at)
        return index

    def _cut(self) -> Iterator[tuple[bytes, _Piece]]:
        """Prefix of a known column and its varbinds that follow each other."""
        oids, columns, widths = self._varbinds.oids, self._module.columns, self._module.widths
        shapes: dict[tuple[bytes, ...], list[bytes]] = {}
        suffixes: list[bytes] = []
        distinct = True
        at, end = 0, len(oids)
        while at < end:
            for width in widths:
                prefix = oids[at][:width]
                if prefix in columns:
                    break
            else:
                at += 1
                continue
            stop = at + len(suffixes)
            if (
                not suffixes
                or oids[at:stop] != [prefix + suffix for suffix in suffixes]
                or (stop < end and oids[stop].startswith(prefix))
            ):
                stop = at + 1
                while stop < end and oids[stop].startswith(prefix):
                    stop += 1
                suffixes = [oid[width:] for oid in oids[at:stop]]
                suffixes = shapes.setdefault(tuple(suffixes), suffixes)
                distinct = len(set(suffixes)) == len(suffixes)
            yield prefix, _Piece(at, suffixes, distinct)
            at = stop
