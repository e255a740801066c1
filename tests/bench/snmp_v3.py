"""The same page in SNMPv2c and in SNMPv3 at its safest usual level: what the security costs."""

import contextlib
from pathlib import Path

from netmon.demo.cast import SWITCH
from netmon.demo.machine import COMMUNITY
from tests.bench.process import Contender, Page, Process, compiled, python, race
from tests.bench.snmp_page import differences, series
from tests.unit.snmp.engines import USER

LAB = f"lab: {{version: 2, community: {COMMUNITY}}}"
LAB_V3 = (
    f"lab: {{version: 3, username: {USER.name}, security_level: authPriv, auth_protocol: SHA256, "
    "password: auth-secret, priv_protocol: AES, priv_password: priv-secret}"
)


def measure(folder: Path, *, rounds: int, count: int) -> list[Contender]:
    """Verify that the pages are equal, then time them.  Raises RuntimeError if they differ."""
    with contextlib.ExitStack() as stack:
        simulator = stack.enter_context(python("simulator", str(folder), log=folder / "simulator.log"))
        switch = (SWITCH, str(simulator.port))
        engine = stack.enter_context(python("engine", *switch, log=folder / "engine.log"))
        for size in ("own", "equal"):
            config = (folder / f"{size}.yml").read_text()
            if LAB not in config:
                raise RuntimeError(f"the simulator's config has no {LAB}")
            config = config.replace(f"port: {simulator.port}\n", f"port: {engine.port}\n")
            (folder / f"{size}.yml").write_text(config)
            (folder / f"{size}3.yml").write_text(config.replace(LAB, LAB_V3))
        sides = [
            _side(stack, folder, size, version, engine, fast=fast)
            for fast in ((False, True) if compiled() else (False,))
            for size in ("equal", "own")
            for version in ("", "3")
        ]
        first, *others = (series(page.fetch()) for _, page in sides)
        for page in others:
            if wrong := differences(page, first):
                raise RuntimeError(f"{len(wrong)} series differ between the pages, such as {wrong[:5]}")
        contenders = [side for side, _ in sides]
        race(contenders, rounds=rounds, count=count)
        return contenders


def _side(
    stack: contextlib.ExitStack, folder: Path, size: str, version: str, agent: Process, *, fast: bool
) -> tuple[Contender, Page]:
    name = (
        f"{'v3 authPriv' if version else 'v2c'}{', compiled' if fast else ''}"
        f"{', requests of 25' if size == 'equal' else ''}"
    )
    config, log = folder / f"{size}{version}.yml", folder / f"{size}{version}-{fast}.log"
    process = stack.enter_context(python("checks", str(config), log=log, fast=fast))
    page = stack.enter_context(Page(process, f"/check?host=sw1&endpoint=sw1:{agent.port}"))

    def requests() -> int:
        return int(agent.ask("requests"))

    return Contender(name, process, page.times, requests=requests, reference=bool(version)), page
