"""A 48-port access switch: interface names, descriptions and traffic as such a switch has them.

The walk of its interface tables is 1,969 objects, the page that the benchmarks compare.
"""

import random
from collections.abc import Iterator
from typing import Final

from netmon.demo.device import Row
from netmon.demo.objects import Port, interfaces, system

# Taken from the range that RFC 5612 reserves for documentation.
OBJECT_ID: Final = "1.3.6.1.4.1.32473.1.48"
FIRST_INDEX: Final = 10101
ROOMS: Final = ("reception", "accounts", "workshop", "meeting room", "warehouse", "sales")


def switch_rows(name: str, seed: int, *, ports: int = 48, uplink: str = "core") -> Iterator[Row]:
    """The objects of a switch; the last two ports are 10 Gbit/s uplinks."""
    yield from system(
        name,
        f"Example Switch 4800, {ports} ports, software 7.2(4)",
        OBJECT_ID,
        location="server room, rack 2",
        services=6,
        modules=(
            ("1.3.6.1.6.3.1", "SNMPv2-MIB"),
            ("1.3.6.1.2.1.31", "IF-MIB"),
        ),
    )
    yield from interfaces(_ports(seed, ports, uplink))


def _ports(seed: int, count: int, uplink: str) -> Iterator[Port]:
    chance = random.Random(seed)  # noqa: S311 - scenery, and it has to repeat
    maker = b"\x02" + chance.randbytes(4)  # a locally administered address, which no vendor owns
    for number in range(1, count + 1):
        uplinks = number > count - 2
        up = uplinks or chance.random() < 0.8  # noqa: PLR2004 - four in five ports are in use
        octets = chance.lognormvariate(11, 1.5) if up else 0.0
        yield Port(
            number=FIRST_INDEX + number - 1,
            name=f"Te1/1/{number - count + 2}" if uplinks else f"Gi1/0/{number}",
            descr=f"{'TenGigabitEthernet1/1/' if uplinks else 'GigabitEthernet1/0/'}"
            f"{number - count + 2 if uplinks else number}",
            alias=f"uplink to {uplink}" if uplinks else f"{chance.choice(ROOMS)} {number}" if up else "",
            mac=maker + bytes((number,)),
            megabits=10_000 if uplinks else 1000,
            up=up,
            octets_in=octets * (20 if uplinks else 1),
            octets_out=octets * chance.uniform(0.1, 4.0) * (20 if uplinks else 1),
            errors_in=0.01 if chance.random() < 0.05 else 0.0,  # noqa: PLR2004 - few cables are bad
        )
