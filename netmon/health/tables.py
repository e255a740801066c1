"""A run's tables by family name: what a rule asks for by a name of the MIB."""

from collections.abc import Iterable, Sequence

from netmon.model import Table, Value

Row = tuple[dict[str, str], float]


class Tables:
    """The columns of some tables; only those that are asked for are looked into."""

    def __init__(self, tables: Iterable[Table]) -> None:
        self._columns: dict[str, list[tuple[Table, Sequence[Value]]]] = {}
        for table in tables:
            for column in table.columns:
                self._columns.setdefault(column.family.name, []).append((table, column.values))

    def rows(self, name: str) -> Sequence[Row]:
        """Labels and value of every sample of a family; a row without a value is left out."""
        return [
            (dict(zip(table.names, row, strict=True)), float(value))
            for table, values in self._columns.get(name, ())
            for row, value in zip(table.rows, values, strict=True)
            if value is not None
        ]

    def by(self, label: str, name: str) -> dict[str, float]:
        """The values of a family by one of its labels."""
        found: dict[str, float] = {}
        for table, values in self._columns.get(name, ()):
            if label in table.names:
                at = table.names.index(label)
                found |= {
                    row[at]: float(value)
                    for row, value in zip(table.rows, values, strict=True)
                    if value is not None
                }
        return found

    def scalar(self, name: str) -> float | None:
        """The first value of a family; None where there is none."""
        for _table, values in self._columns.get(name, ()):
            for value in values:
                if value is not None:
                    return float(value)
        return None
