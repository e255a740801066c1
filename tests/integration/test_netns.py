"""The namespaces that the scenarios stand in are gone when their process is, however it ended."""

import subprocess
import sys
from pathlib import Path

from tests.servers.agent import wait_for
from tests.servers.netns import Machine, full_name, inside, namespaces

CRASH = """
import os, signal
from tests.servers.netns import Machine, namespaces
with namespaces("crash") as folder:
    machine = Machine("crash", folder)
    machine.boot(1000)
    machine.await_boot()
    print(os.getpid(), machine.run("sh", "-c", "sleep 60 >&- 2>&- & echo $!").stdout, folder, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_crashed_run_is_cleared_away() -> None:
    """kill -9 ends the machines at once; the next run removes namespaces and folders."""
    done = subprocess.run(
        [sys.executable, "-c", CRASH], capture_output=True, text=True, check=False, timeout=60
    )
    pid, _, folder = done.stdout.split()
    left = Path(f"/run/netns/netmon-{pid}-crash")
    assert left.exists(), done.stderr

    def processes() -> str:
        return subprocess.run(
            ["ip", "netns", "pids", left.name], capture_output=True, text=True, check=True
        ).stdout

    wait_for("the machine to end", lambda: not processes(), 20)
    with namespaces("next"):
        assert not left.exists()
        assert not Path(folder).exists()
        assert Path(f"/run/netns/{full_name('next')}").exists()
    assert not Path(f"/run/netns/{full_name('next')}").exists()


def test_a_machine_is_one() -> None:
    """It has a name, an uptime, a disk and processes of its own, and loses them with its power."""
    with namespaces("m") as folder:
        disk = folder / "disk"
        disk.mkdir()
        machine = Machine("m", folder, disk=disk, disk_size="1m")
        for uptime in (1_000_000.0, 5.0):
            machine.boot(uptime)
            machine.await_boot()
            try:
                assert machine.run("hostname").stdout == "m\n"
                seconds = float(machine.run("cat", "/proc/uptime").stdout.split()[0])
                assert uptime - 2 < seconds < uptime + 60
                (machine.root(disk) / "file").touch()  # not there at the next boot
                assert [entry.name for entry in machine.root(disk).iterdir()] == ["file"]
                assert list(disk.iterdir()) == []
                assert machine.runs(1)
                assert not machine.runs(99_999)
            finally:
                machine.power_off()


def test_inside_and_back() -> None:
    """The thread, and what it starts, is in the namespace for a block and at home after it."""
    home = Path("/proc/thread-self/ns/net").readlink()
    with namespaces("n"):
        with inside("n"):
            there = Path("/proc/thread-self/ns/net").readlink()
            child = subprocess.run(
                ["readlink", "/proc/self/ns/net"], capture_output=True, text=True, check=True
            )
            assert (there != home, child.stdout.strip()) == (True, str(there))
        assert Path("/proc/thread-self/ns/net").readlink() == home
