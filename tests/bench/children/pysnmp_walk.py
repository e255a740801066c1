"""pysnmp walking the interface tables, at the same max-repetitions; a line of input is a count of walks."""

# ruff: noqa: T201 - stdout is how it talks to the benchmark

import asyncio
import sys

from pysnmp.hlapi.v3arch.asyncio import (
    CommunityData,
    ContextData,
    ObjectIdentity,
    ObjectType,
    SnmpEngine,
    UdpTransportTarget,
    bulk_walk_cmd,
)

ROOTS = ("1.3.6.1.2.1.2", "1.3.6.1.2.1.31.1.1")


async def walk(engine: SnmpEngine, target: UdpTransportTarget, community: CommunityData) -> int:
    """One walk of both tables; the number of varbinds."""
    count = 0
    for root in ROOTS:
        subject = ObjectType(ObjectIdentity(root))
        replies = bulk_walk_cmd(
            engine, community, target, ContextData(), 0, 25, subject, lookupMib=False, lexicographicMode=False
        )
        async for error, status, _, varbinds in replies:
            if error or status:
                raise RuntimeError(f"{error} {status}")
            count += len(varbinds)
    return count


async def main(address: str, port: int) -> None:
    """Walk as often as each line of input says."""
    engine = SnmpEngine()
    target = await UdpTransportTarget.create((address, port), timeout=5, retries=1)
    community = CommunityData("demo", mpModel=1)  # noqa: S508 - version 2c is what is compared
    print(0, flush=True)
    while line := await asyncio.to_thread(sys.stdin.readline):
        counts = {await walk(engine, target, community) for _ in range(int(line))}
        print(*counts, flush=True)


asyncio.run(main(sys.argv[1], int(sys.argv[2])))
