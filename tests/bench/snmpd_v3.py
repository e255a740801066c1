"""What SNMPv3 costs beside SNMPv2c: the same walk of Debian's snmpd, CPU of our own process.

    python -m tests.bench.snmpd_v3

Walks alone, without a page, so that the ratio flatters nobody: a page adds the same to both.
"""

import asyncio
import gc
import tempfile
import time
from pathlib import Path
from typing import Final

import uvloop

from netmon.snmp.ber import encode_oid
from netmon.snmp.client import Client, Meter, Target
from netmon.snmp.usm import Level, User
from netmon.snmp.walk import walk
from tests.servers.snmpd import snmpd

ROUNDS: Final = 7
WALKS: Final = 20  # in a round
LIMIT: Final = 2.0  # times the CPU of v2c, which authPriv with SHA-256 and AES-128 may take
_ROOT: Final = encode_oid("1.3.6.1.2.1")
_USER: Final = User("ana", Level.AUTH_PRIV, "SHA256", b"auth-secret", "AES", b"priv-secret")
_LINES: Final = ('createUser ana SHA-256 "auth-secret" AES "priv-secret"', "rouser ana priv")


async def _cpu(client: Client, target: Target) -> tuple[float, Meter]:
    """Milliseconds of CPU of one walk, and what one walk is."""
    meter = Meter()
    begun = time.process_time()
    for _ in range(WALKS):
        await walk(client, target, _ROOT, meter, limit=100_000)
    spent = (time.process_time() - begun) * 1_000 / WALKS
    return spent, Meter(meter.packets // WALKS, meter.retries, meter.varbinds // WALKS)


async def _race(port: int) -> dict[str, list[float]]:
    client = Client()
    targets = {
        "v2c": Target("127.0.0.1", port, 2, timeout=5.0),
        "v3 authPriv": Target("127.0.0.1", port, 3, user=_USER, timeout=5.0),
    }
    times: dict[str, list[float]] = {name: [] for name in targets}
    for name, target in targets.items():  # warm, and the engine discovered
        _, meter = await _cpu(client, target)
        print(f"{name}: {meter.varbinds} varbinds in {meter.packets} packets a walk")  # noqa: T201
    gc.collect()
    for _ in range(ROUNDS):
        for name, target in targets.items():
            times[name].append((await _cpu(client, target))[0])
    client.close()
    return times


def measure(folder: Path) -> dict[str, float]:
    """Milliseconds of CPU of a walk, the best of all rounds, by what it spoke."""
    with snmpd(folder, *_LINES) as server, asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return {name: min(times) for name, times in runner.run(_race(server.port)).items()}


def main() -> None:
    """Print the figures; exit 1 where v3 is above its limit."""
    with tempfile.TemporaryDirectory() as folder:
        best = measure(Path(folder))
    ratio = best["v3 authPriv"] / best["v2c"]
    for name, spent in best.items():
        print(f"{name}: {spent:.2f} ms")  # noqa: T201
    print(f"v3 / v2c: {ratio:.2f} (at most {LIMIT:g})")  # noqa: T201
    raise SystemExit(ratio > LIMIT)


if __name__ == "__main__":
    main()
