"""A million series of many switches, the same for every side that renders them."""

from collections.abc import Iterator

from netmon.model import Column, Family, Kind, Table

NAMES = ("ifAlias", "ifDescr", "ifIndex", "ifName")
PORTS = 48
FAMILIES = tuple(
    Family(f"ifBench{number:02}", Kind.COUNTER if number % 2 else Kind.GAUGE, f"Column {number} of a switch")
    for number in range(40)
)


def tables(hosts: int, turn: int) -> Iterator[tuple[str, Table]]:
    """(host, its table) of 1,920 series each; values change with `turn`."""
    for host in range(hosts):
        rows = tuple(
            (f"room {port % 9}", f"GigabitEthernet1/0/{port}", str(10100 + port), f"Gi1/0/{port}")
            for port in range(1, PORTS + 1)
        )
        columns = tuple(
            Column(family, [(turn + 1) * 1_000_003 * (host + port) * (number + 1) for port in range(PORTS)])
            for number, family in enumerate(FAMILIES)
        )
        yield f"sw{host:04}", Table(NAMES, rows, columns)
