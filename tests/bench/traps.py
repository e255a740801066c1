"""Traps: netmon's receiver in the whole agent, Debian's snmptrapd, pysnmp's receiver; one sender for all.

All the while an agent polls simulated switches, and its /metrics is scraped.  The CPU is that of the
receiving process alone.  snmptrapd writes lines with names to a file, as it does by default, but asks
DNS for no sender's name (-n): it would wait for the answer.  netmon commits events and writes its lines
too; pysnmp decodes and counts.
"""

import contextlib
import json
import re
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

from netmon.events import Reader
from tests.bench import snmp_fleet
from tests.bench.process import CPU_CLOCK, ROOT, Fact, Page, Process, agent, compiled, program, python
from tests.unit.traps.messages import ALICE, COMMUNITY

SOURCES: Final = 50
MANY: Final = 10_000
BURST: Final = 10_000
DIFFERENT: Final = 4_999  # a prime: no source sends one of them again within the time of folding
FOLDED: Final = 11.0  # seconds after which the same trap is another event
QUIET: Final = 2.0  # seconds without progress: it has taken what it takes
SCRAPE: Final = 5.0
_COUNTER: Final = r'^netmon_trap_datagrams_total\{{[^}}]*stage="{}"[^}}]*\}} (\S+)$'


def measure(folder: Path, *, devices: int, interval: float, rate: int, seconds: int, many: int) -> list[Fact]:
    """All of it, one receiver after the other; `many` is how many traps the test of memory sends."""
    listing = folder / "addresses"
    with python("fleet", str(devices), "20", str(listing), log=folder / "fleet.log") as fleet:
        addresses = listing.read_text().split()
        facts = [Fact("devices polled meanwhile", devices, "", 0)]
        for fast in (False, True) if compiled() else (False,):
            place = folder / ("compiled" if fast else "interpreted")
            place.mkdir()
            config, port = place / "netmon.yml", _free_port()
            config.write_text(_config(place / "state", addresses, fleet.port, interval, port))
            with agent(config, log=place / "netmon.log", fast=fast) as netmon, _scraped(netmon):
                time.sleep(min(interval, 10.0))
                name = "netmon, compiled" if fast else "netmon"
                facts += _netmon(place, name, netmon, port, rate, seconds, many)
                if not fast:
                    facts += _snmptrapd(folder, rate, seconds)
                    facts += _pysnmp(folder, rate, seconds)
        return facts


def _netmon(  # noqa: PLR0917 - what is measured, and how much of it
    folder: Path, name: str, netmon: Process, port: int, rate: int, seconds: int, many: int
) -> list[Fact]:
    pid = _receiver_of(netmon)
    reader = Reader(folder / "state" / "events")

    def committed() -> float:
        return _counter(netmon, "committed")

    facts = [Fact(f"{name}: receive buffer granted", _granted(folder) / 1e6, "MB", 1)]
    with python("trap_sender", str(port), str(SOURCES), "v2c", log=folder / "sender.log") as sender:
        before = reader.last_id()
        facts += _run(f"{name}, every trap another", sender, rate, rate * seconds, DIFFERENT, pid, committed)
        facts.append(Fact(f"{name}: events of them", reader.last_id() - before, "", 0))
        facts += _run(f"{name}, repeats (folded)", sender, rate, rate * seconds, 1, pid, committed)
        time.sleep(FOLDED)
        facts += _run(f"{name}, {BURST} at once", sender, 10_000_000, BURST, DIFFERENT, pid, committed)
    with python("trap_sender", str(port), str(SOURCES), "v3", log=folder / "sender.log") as sender:
        count = 3_000 * seconds
        facts += _run(f"{name}, v3 authPriv, 3,000/s", sender, 3_000, count, count, pid, committed)
    with python("trap_sender", str(port), str(MANY), "v2c", log=folder / "sender.log") as sender:
        early = _memory(pid)
        facts += _run(f"{name}, 10,000 sources", sender, 10_000, many // 2, DIFFERENT, pid, committed)
        middle = _memory(pid)
        _run("", sender, 10_000, many // 2, DIFFERENT, pid, committed)
        facts += [
            Fact(f"{name}: memory before them", early / 1e6, "MB", 1),
            Fact(f"{name}: memory after {many // 2:,} of them", middle / 1e6, "MB", 1),
            Fact(f"{name}: memory after {many:,}", _memory(pid) / 1e6, "MB", 1),
        ]
    return facts


def _snmptrapd(folder: Path, rate: int, seconds: int) -> list[Fact]:
    port, lines = _free_port(), folder / "snmptrapd.out"
    (folder / "snmptrapd.conf").write_text(f"authCommunity log {COMMUNITY.decode()}\n")
    command = [
        "snmptrapd", "-f", "-n", "-C", "-c", str(folder / "snmptrapd.conf"), "-M", str(ROOT / "mibs"), "-m",
        "SNMPv2-MIB:IF-MIB", "-Lf", str(lines), f"udp:127.0.0.1:{port}",
    ]  # fmt: skip

    def logged() -> float:
        return int(subprocess.run(["grep", "-c", "linkDown", lines], capture_output=True, check=False).stdout)

    with (
        program(["env", "LC_ALL=C", *command], log=folder / "snmptrapd.log") as peer,
        python("trap_sender", str(port), str(SOURCES), "v2c", log=folder / "sender.log") as sender,
    ):
        time.sleep(1.0)
        total = rate * seconds
        return _run("snmptrapd, lines in a file", sender, rate, total, DIFFERENT, peer.child.pid, logged)


def _pysnmp(folder: Path, rate: int, seconds: int) -> list[Fact]:
    with (
        python("pysnmp_traps", log=folder / "pysnmp.log") as peer,
        python("trap_sender", str(peer.port), str(SOURCES), "v2c", log=folder / "sender.log") as sender,
    ):
        total = rate * seconds
        pid = peer.child.pid
        return _run("pysnmp, counted only", sender, rate, total, DIFFERENT, pid, lambda: float(peer.ask("")))


def _run(  # noqa: PLR0917 - what is sent, to whom, and how it is counted
    name: str, sender: Process, rate: int, count: int, kinds: int, pid: int, taken: Callable[[], float]
) -> list[Fact]:
    """Send, wait until no more is taken, and say what that cost."""
    before, cpu, begun = taken(), _cpu(pid), time.monotonic()
    sender.ask(f"{rate} {count} {kinds}")
    took = time.monotonic() - begun
    now, moved = taken(), time.monotonic()
    used = _cpu(pid) - cpu
    while now - before < count and time.monotonic() - moved < QUIET:
        time.sleep(0.2)
        last, now = now, taken()
        if now > last:
            moved, used = time.monotonic(), _cpu(pid) - cpu
    done = now - before
    return [
        Fact(f"{name}: sent", count / took, "a second", 0),
        Fact(f"{name}: lost", 100 * (1 - done / count), "%", 2),
        Fact(f"{name}: taken", done / used, "a CPU-second", 0),
    ]


@contextlib.contextmanager
def _scraped(netmon: Process) -> Iterator[None]:
    """Fetch /metrics all the while."""
    end = threading.Event()

    def work() -> None:
        with Page(netmon, "/metrics") as page:
            while not end.wait(SCRAPE):
                page.fetch()

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield
    finally:
        end.set()
        thread.join()


def _config(state: Path, addresses: list[str], port: int, interval: float, traps: int) -> str:
    document: dict[str, Any] = json.loads(snmp_fleet.config(state, addresses, port, interval))
    document["auths"]["alice"] = {
        "version": 3,
        "username": ALICE.name,
        "security_level": "authPriv",
        "auth_protocol": ALICE.auth_protocol,
        "password": ALICE.auth_password.decode(),
        "priv_protocol": ALICE.priv_protocol,
        "priv_password": ALICE.priv_password.decode(),
    }
    document["traps"] = {
        "listen": [f"127.0.0.1:{traps}"],
        "communities": [COMMUNITY.decode()],
        "users": ["alice"],
        "allow": ["127.0.0.0/8"],
        "rate": 20_000,  # for the bursts; 50 sources at 400/s are below the default of 1,000
        "burst": 20_000,
    }
    return json.dumps(document)


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


def _counter(netmon: Process, stage: str) -> float:
    with Page(netmon, "/metrics/agent") as page:
        found = re.search(_COUNTER.format(stage), page.fetch(), re.MULTILINE)
    return float(found[1]) if found else 0.0


def _receiver_of(netmon: Process) -> int:
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError, IndexError):
            words = (entry / "cmdline").read_bytes().split(b"\0")
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            if b"netmon.traps" in words and parent == netmon.child.pid:
                return int(entry.name)
    raise RuntimeError("the agent has no receiver of traps")


def _granted(folder: Path) -> float:
    found = re.search(r'"receive_buffer": (\d+)', (folder / "netmon.log").read_text())
    return float(found[1]) if found else 0.0


def _cpu(pid: int) -> float:
    return time.clock_gettime(~pid << 3 | CPU_CLOCK)


def _memory(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS")) * 1024
