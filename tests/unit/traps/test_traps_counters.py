"""The counters that the receiver and the agent share."""

import os
import subprocess
import sys

from netmon.traps.counters import SLOT, Counters, Gauge, make
from netmon.traps.records import Drop, Stage


def test_every_name_has_a_slot_of_its_own() -> None:
    """No stage, reason or gauge shares its count with another."""
    assert sorted(SLOT.values()) == list(range(len(Stage) + len(Drop) + len(Gauge)))


def test_counts_outlive_the_process_that_made_them() -> None:
    """What a process counted is there after it has died, for whoever holds the same memory."""
    descriptor = make()
    os.set_inheritable(descriptor, True)
    code = (
        "import os, signal\n"
        "from netmon.traps.counters import Counters\n"
        "from netmon.traps.records import Stage\n"
        f"Counters({descriptor}).add(Stage.RECEIVED, 7)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", code], pass_fds=(descriptor,), check=False, timeout=30)
    counters = Counters(descriptor)
    os.close(descriptor)
    assert counters[Stage.RECEIVED] == 7


def test_what_a_dead_receiver_had_taken_is_booked_once() -> None:
    """Received datagrams that ended nowhere are lost with the receiver, and are not counted twice."""
    counters = Counters(make())
    counters.add(Stage.RECEIVED, 10)
    counters.add(Stage.COMMITTED, 4)
    counters.add(Drop.MALFORMED, 3)
    counters.add(Drop.KERNEL, 100)
    assert (counters.book_death(), counters.book_death()) == (3, 0)
    assert counters[Drop.RECEIVER_DIED] == 3
