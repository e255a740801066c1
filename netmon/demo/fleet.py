"""Thousands of switches, cheaply: a few templates that all share, and a name and a pace for each."""

import random
from typing import Final

from netmon.demo.device import Device, Template
from netmon.demo.machine import COMMUNITY
from netmon.demo.objects import SYSTEM
from netmon.demo.switch import switch_rows

MODELS: Final = 4  # different switches; the others are like one of them
MOST: Final = 60_000  # what the addresses of one /16 hold
_SYS_NAME: Final = f"{SYSTEM}.5.0"
_LAST_OCTETS: Final = 250


def fleet(count: int, now: float, *, seed: int = 1, ports: int = 48) -> dict[str, Device]:
    """`count` switches by address, 127.64.x.y, for a `Farm`; switch N is called ``fleetN.demo.example``.

    Each has booted at another time before `now` (seconds since the epoch) and is busy in its own way.
    """
    if not 0 < count <= MOST:
        raise ValueError(f"{count} devices: wanted 1 to {MOST}")
    chance = random.Random(seed)  # noqa: S311 - scenery, and it has to repeat
    models = [
        Template(switch_rows("fleet.demo.example", seed + model, ports=ports))
        for model in range(min(count, MODELS))
    ]
    return {
        f"127.64.{number // _LAST_OCTETS}.{1 + number % _LAST_OCTETS}": Device(
            models[number % len(models)],
            community=COMMUNITY.encode(),
            booted=now - chance.uniform(3_600, 300 * 86_400),
            pace=chance.uniform(0.2, 3.0),
            phase=chance.uniform(0.0, 600.0),
            changes={_SYS_NAME: f"fleet{number}.demo.example".encode()},
        )
        for number in range(count)
    }
