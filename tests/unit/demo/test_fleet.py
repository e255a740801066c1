"""Ten thousand simulated devices on one socket."""

import time
import tracemalloc

import pytest

from netmon.demo.farm import Farm
from netmon.demo.fleet import fleet
from netmon.demo.machine import COMMUNITY
from netmon.demo.objects import SYSTEM
from netmon.snmp.ber import encode_oid
from netmon.snmp.client import Client, Meter, Target
from netmon.snmp.walk import get, walk_all

NOW = 1_800_000_000.0
COUNT = 10_000
NAME, UP_TIME = encode_oid(f"{SYSTEM}.5.0"), encode_oid(f"{SYSTEM}.3.0")
IF_NAME = encode_oid("1.3.6.1.2.1.31.1.1.1.1")


async def test_ten_thousand_devices_answer_each_as_itself() -> None:
    """Any of them answers with its own name and time and with its 48 ports, all through one socket."""
    devices = fleet(COUNT, NOW)
    assert len(devices) == COUNT
    farm = Farm(devices, lambda: NOW)
    port = farm.open()
    client = Client()
    times = set()
    try:
        for number, address in list(enumerate(devices))[::199]:
            target = Target(address, port, community=COMMUNITY.encode())
            answer = await get(client, target, (NAME, UP_TIME), Meter())
            assert answer.values[0] == f"fleet{number}.demo.example".encode()
            times.add(answer.values[1])
        (names,) = await walk_all(client, target, (IF_NAME,), Meter(), limit=1000)
        assert len(names) == 48
    finally:
        client.close()
        farm.close()
    assert len(times) == len(range(0, COUNT, 199))


def test_a_fleet_is_cheap() -> None:
    """A device costs little memory beside what all share, so ten thousand fit beside what is measured."""
    begun = time.process_time()
    fleet(COUNT, NOW)
    assert time.process_time() - begun < 5.0
    assert (memory(2_000) - memory(1_000)) / 1_000 < 1_000


def memory(count: int) -> int:
    """Octets that a fleet of so many holds."""
    tracemalloc.start()
    try:
        devices = fleet(count, NOW, ports=4)
        return tracemalloc.get_traced_memory()[0] if devices else 0
    finally:
        tracemalloc.stop()


def test_a_fleet_is_a_function_of_its_seed() -> None:
    """The same seed gives the same devices, and what cannot be addressed is refused."""
    one, same, other = (fleet(3, NOW, seed=seed) for seed in (1, 1, 2))
    assert [device.booted for device in one.values()] == [device.booted for device in same.values()]
    assert [device.booted for device in one.values()] != [device.booted for device in other.values()]
    with pytest.raises(ValueError, match="wanted 1 to"):
        fleet(0, NOW)
