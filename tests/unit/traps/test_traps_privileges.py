"""What the receiver's process gives up: seen in /proc of a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
_SHOW = """
import os
from netmon.traps import privileges
privileges._filtered = lambda: False
{before}
privileges.drop()
print(open("/proc/self/status").read(), open("/proc/self/limits").read())
"""
_NOT_ROOT = "os.geteuid = lambda: 1000"  # who runs the tests may be root, whose capabilities stay


def told(before: str) -> dict[str, str]:
    """The lines of a process that has given up what it can."""
    done = subprocess.run(
        [sys.executable, "-P", "-c", _SHOW.format(before=before)],
        env={"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=True, timeout=30,
    )  # fmt: skip
    limits = {
        line[:26].strip(): line[26:].split()[0] for line in done.stdout.splitlines() if line[26:].split()
    }
    return limits | dict(line.split(":", 1) for line in done.stdout.splitlines() if ":" in line)


def test_no_capability_and_no_core_file_is_left() -> None:
    """Those that a unit gives the agent for its port are none of the receiver's affair."""
    after = told(_NOT_ROOT)
    for name in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
        assert int(after[name], 16) == 0, name
    assert after["NoNewPrivs"].strip() == "1"
    assert after["Max core file size"] == "0"


def test_children_do_not_inherit_what_a_unit_gives() -> None:
    """The agent's capability for its port ends where it starts a program; the agent has it still."""
    # Root that is nothing special and has one capability, as netmon's user has it by the unit.
    as_by_a_unit = ("setpriv", "--securebits=+noroot", "--inh-caps=-all,+net_bind_service",
                    "--ambient-caps=-all,+net_bind_service")  # fmt: skip
    show = (
        "import subprocess; from netmon.traps import privileges; {} "
        "print(open('/proc/self/status').read(), flush=True); subprocess.run(['cat', '/proc/self/status'])"
    )

    def effective(before: str) -> list[int]:
        command = [sys.executable, "-P", "-c", show.format(before)]
        done = subprocess.run(
            [*(as_by_a_unit if os.geteuid() == 0 else ()), *command],
            env={"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]},
            capture_output=True, text=True, check=True, timeout=30,
        )  # fmt: skip
        return [int(line.split()[1], 16) for line in done.stdout.splitlines() if line.startswith("CapEff")]

    has = 1 << 10 if os.geteuid() == 0 else 0
    assert effective("") == [has, has]
    assert effective("privileges.keep_from_children();") == [has, 0]


def test_root_can_still_write() -> None:
    """Where others own the folder of events, it takes a capability to write there."""
    after = told("")
    assert (int(after["CapEff"], 16) > 0) is (os.geteuid() == 0)
    assert after["Max core file size"] == "0"


def test_a_filter_of_system_calls_is_not_tried() -> None:
    """The unit that netmon ships kills whoever sets capabilities."""
    after = told(f"{_NOT_ROOT}; privileges._filtered = lambda: True")
    assert (int(after["CapEff"], 16) > 0) is (os.geteuid() == 0)
