"""Five hundred dead hosts beside twenty living ones: the real probe and socket, on virtual time."""

import asyncio
import time
from collections import defaultdict

from netmon.demo.device import Device, Template
from netmon.demo.farm import Farm
from netmon.demo.switch import switch_rows
from netmon.fields import Secret
from netmon.icmp import Pinger
from netmon.mail.slots import Slots
from netmon.mail.tls import TrustStores
from netmon.mib.modules import builtin_modules
from netmon.model import Check, CheckKey, Host, Observation, Result
from netmon.probes import PROBES
from netmon.probes.base import Auth, Context, Library
from netmon.probes.snmp import SnmpSettings
from netmon.resolver import Resolver
from netmon.scheduler import Scheduler
from netmon.snmp.client import Client
from tests.unit.spine.test_scheduler import Tally
from tests.virtual import run_virtual

LIVING = 20
DEAD = 500
INTERVAL = 60.0
ROUNDS = 6
SNMP = PROBES["snmp"]


def plan(port: int) -> list[Check]:
    """One snmp check a host; only the first `LIVING` addresses have a device."""
    library = Library({"lab": Auth(version=2, community=Secret("public"))}, builtin_modules())
    settings = SnmpSettings(auth="lab", modules=("system", "if_mib"), port=port)
    bound = SNMP.bind(settings, library)
    checks = []
    for n in range(LIVING + DEAD):
        host = Host(f"h{n}", f"127.63.{n // 250}.{1 + n % 250}")
        key = CheckKey(host.name, "snmp", SNMP.endpoint(host.name, settings))
        checks.append(
            Check(key, host, bound, INTERVAL, timeout=10.0, retries=2, deadline=INTERVAL, digest="1")
        )
    return checks


async def scene() -> tuple[Tally, dict[str, list[Observation]]]:
    """Poll all of them for some minutes."""
    loop = asyncio.get_running_loop()
    template = Template(switch_rows("sw.example", 1))
    devices = {
        f"127.63.0.{1 + n}": Device(template, community=b"public", booted=0.0, phase=float(n))
        for n in range(LIVING)
    }
    farm = Farm(devices, lambda: 1e9 + loop.time())
    port = farm.open()
    client = Client()
    context = Context(
        "probe.example",
        client,
        Pinger(),
        Resolver(clock=loop.time),
        TrustStores(),
        Slots(),
        time.time,
        loop.time,
    )
    seen: dict[str, list[Observation]] = defaultdict(list)
    tally = Tally()
    scheduler = Scheduler(
        lambda check: SNMP.probe(check, context),
        lambda observation: seen[observation.key.host].append(observation),
        wall=time.time,
        gauges=tally,
    )
    scheduler.apply(plan(port))
    scheduler.start()
    await asyncio.sleep(INTERVAL * (ROUNDS + 1))
    await scheduler.stop()
    client.close()
    context.pinger.close()
    farm.close()
    return tally, seen


def test_no_living_host_is_late_for_the_dead() -> None:
    """Every living check runs each interval, begins when due and takes no longer than alone."""
    tally, seen = run_virtual(scene())
    for n in range(LIVING):
        observations = seen[f"h{n}"]
        assert len(observations) >= ROUNDS
        assert {observation.result for observation in observations} == {Result.OK}
        assert max(observation.duration for observation in observations) < 1.0
    assert max(tally.lateness["snmp"]) < 1.0
    assert not tally.skips
    dead = [observation for n in range(LIVING, LIVING + DEAD) for observation in seen[f"h{n}"]]
    assert len(dead) >= DEAD * ROUNDS
    assert {observation.result for observation in dead} == {Result.FAILED}
