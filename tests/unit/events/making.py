"""Events for tests."""

import json

from netmon.events import Row

DAY = 86_400.0
NOON = 1_800_000_000.0  # wall clock


class Wall:
    """A wall clock that stands where it is put."""

    def __init__(self, now: float = NOON) -> None:
        self.now = now

    def __call__(self) -> float:
        """The present."""
        return self.now


def row(
    host: str = "sw1",
    trap: str = "IF-MIB::linkDown",
    *,
    oid: str = "1.3.6.1.6.3.1.1.5.3",
    severity: str = "warning",
    source: str = "192.0.2.1",
    at: float = NOON,
    inform: bool = False,
    values: tuple[tuple[str, str], ...] = (("IF-MIB::ifIndex.3", "3"),),
) -> Row:
    """A row as the receiver makes it."""
    made = [{"name": name, "oid": "1.3.6", "type": "INTEGER", "value": value} for name, value in values]
    return (
        at, at, 1, source, host, trap, oid, severity, 2, int(inform), "", 0, "", "", 12.5,
        json.dumps(made, separators=(",", ":")),
    )  # fmt: skip
