"""A boot is told from the counter's wrap, from a restart of the agent alone, and from a late answer."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netmon.health import Device, follow
from netmon.health.uptime import WRAP
from tests.unit.health.facts import SNMP, device, found, run, scalar, view, well

DAY = 86400.0


def up(
    begun: float, *, agent: float | None = None, host: float | None = None, boots: int | None = None
) -> object:
    """A run that read these uptimes, in seconds."""
    tables = [scalar("sysUpTime", agent * 100)] if agent is not None else []
    tables += [scalar("hrSystemUptime", host * 100)] if host is not None else []
    tables += [scalar("snmpEngineBoots", boots)] if boots is not None else []
    return run(*tables, begun=begun)


def test_a_boot_is_seen_by_the_hosts_uptime() -> None:
    """hrSystemUptime falls back: the host has booted, and when is told to the second."""
    known = device(up(1000, agent=9000, host=50 * DAY), up(1060, agent=20, host=30))
    assert known is not None
    assert known.restart is not None
    assert (known.restart.host, known.restart.certain) == (True, True)
    assert known.restart.begun == 1030.0
    finding = found(view(known, well()), now=1090.0)["rebooted"]
    assert finding.text == "it booted 1 min ago"
    assert finding.at == 1030.0


def test_the_wrap_at_497_days_is_no_boot() -> None:
    """TimeTicks begin anew after 2^32 hundredths of a second, on either counter."""
    known = device(up(1000, agent=WRAP - 20, host=WRAP - 40), up(1060, agent=40, host=20))
    assert known is not None
    assert known.restart is None


def test_a_boot_on_day_497_is_still_a_boot() -> None:
    """A fresh uptime that the wrap does not explain."""
    known = device(up(1000, host=WRAP - 3600), up(1060, host=25))
    assert known is not None
    assert known.restart is not None


def test_the_agent_alone_was_started() -> None:
    """sysUpTime falls back and hrSystemUptime goes on."""
    known = device(up(1000, agent=5000, host=DAY), up(1060, agent=10, host=DAY + 60))
    kinds = found(view(known, well()))
    assert "agent_restarted" in kinds
    assert "rebooted" not in kinds


def test_without_the_hosts_uptime_nobody_can_tell_which() -> None:
    """sysUpTime alone: the sentence says so, and nothing is certain."""
    known = device(up(1000, agent=5000), up(1060, agent=10))
    assert known is not None
    assert known.restart is not None
    assert not known.restart.certain
    assert found(view(known, well()))["rebooted"].text == "it, or its SNMP agent, was started 1 min ago"


def test_engine_boots_confirm_what_the_wrap_would_explain() -> None:
    """The uptime looks like a wrap, but the engine counts one more boot."""
    known = device(up(1000, agent=WRAP - 20, boots=7), up(1060, agent=40, boots=8))
    assert known is not None
    assert known.restart is not None


def test_a_host_first_seen_after_its_boot_has_booted() -> None:
    """The first run of all: an uptime of two minutes needs no earlier one."""
    known = device(up(1000, agent=100, host=120))
    assert known is not None
    assert known.restart is not None
    assert known.restart.begun == 880.0
    assert device(up(1000, agent=100)).restart is None


def test_a_boot_is_news_for_ten_minutes_only() -> None:
    """The finding leaves when the hold-back is over."""
    known = device(up(1000, host=30))
    assert "rebooted" in found(view(known, well()), now=1500.0)
    assert "rebooted" not in found(view(known, well()), now=1600.0)


def test_a_boot_while_netmon_was_away_is_seen() -> None:
    """What is remembered of the device over a restart of the agent is compared with."""
    before = device(up(1000, agent=DAY, host=DAY))
    assert before is not None
    remembered = Device.remembered(SNMP.key, before.memory_note(), now=5000.0, wall=5000.0)
    assert device(up(5010, agent=DAY + 4010, host=DAY + 4010)).restart is None
    assert remembered is not None
    later = follow(remembered, up(5010, agent=1000, host=1000))
    assert later is not None
    assert later.restart is not None


def test_a_boot_is_still_known_when_netmon_was_killed_after_it() -> None:
    """Within its ten minutes it is told again, from the same moment; long after, it is not."""
    before = device(up(1000, host=DAY), up(1060, host=30))
    assert before is not None
    for later, told in ((1200.0, True), (3000.0, False)):
        remembered = Device.remembered(SNMP.key, before.memory_note(), now=later, wall=later)
        known = follow(remembered, up(later + 1, host=later + 1 - 1030))
        assert known is not None
        assert known.restart is not None
        assert known.restart.begun == 1030.0
        assert ("rebooted" in found(view(known, well()), now=later + 1)) is told


@pytest.mark.parametrize(
    "note", [{"uptime": 3}, {"uptime": {"agent": "x"}}, {"down": [1]}, {"down": {"1": None}}]
)
def test_a_broken_memory_is_no_memory(note: dict[str, object]) -> None:
    """What the state file holds may be anybody's edit."""
    assert Device.remembered(SNMP.key, note, 0.0, 0.0) is None


@given(
    uptime=st.floats(0, WRAP - 1),
    elapsed=st.floats(1, 3600),
    delay=st.floats(0, 10),
)
def test_time_alone_never_makes_a_boot(uptime: float, elapsed: float, delay: float) -> None:
    """Whatever the uptime, a minute later it is a minute longer, modulo the wrap, and that is no boot."""
    before = run(scalar("hrSystemUptime", uptime * 100), begun=1000.0)
    later = (uptime + elapsed + delay) % WRAP
    after = run(scalar("hrSystemUptime", later * 100), begun=1000.0 + elapsed)
    known = device(before, replace(after, duration=delay))
    first = device(before)
    assert known is not None
    assert first is not None
    assert known.restart == first.restart
