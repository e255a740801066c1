"""Whether a host has booted, told from an uptime that fell back and from nothing else.

sysUpTime (RFC 3418) and hrSystemUptime (RFC 2790) are TimeTicks: after 2^32 hundredths of a second, 497
days, they begin at zero again without any boot.  sysUpTime counts from the start of the SNMP agent, so
only hrSystemUptime tells of the host itself.  snmpEngineBoots (RFC 3411 §5) confirms that an agent was
started again; that it stays the same proves nothing, because some agents do not keep it.
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple, Self

from netmon.health.tables import Tables
from netmon.model import Observation

WRAP: Final = 2**32 / 100.0  # seconds
_SLACK: Final = 5.0  # seconds of clock error that are no news ...
_DRIFT: Final = 0.01  # ... and the share of the time between two runs
FRESH: Final = 600.0  # seconds: a host found with a shorter uptime has booted just now


class Uptime(NamedTuple):
    """In seconds; read by a run that began at `begun` (monotonic) and took at most `delay` seconds."""

    agent: float | None  # sysUpTime
    host: float | None  # hrSystemUptime
    boots: float | None  # snmpEngineBoots
    begun: float
    delay: float

    def note(self, at: float) -> dict[str, Any]:
        """For keeping: when each was started, which changes only with a start."""
        starts = {"agent": self.agent, "host": self.host}
        note = {name: float(round(at - up)) for name, up in starts.items() if up is not None}
        return note | ({} if self.boots is None else {"boots": self.boots})

    @classmethod
    def of_note(cls, note: Mapping[str, Any], now: float, wall: float) -> Self:
        """As it must be now if nothing was started again.  Raises TypeError or ValueError."""
        agent, host = (wall - float(note[name]) if name in note else None for name in ("agent", "host"))
        boots = float(note["boots"]) if "boots" in note else None
        return cls(agent, host, boots, now, delay=2 * _SLACK)


class Restart(NamedTuple):
    """Something was started again: `at` on the wall clock, `begun` on the monotonic one."""

    at: float
    begun: float
    host: bool  # the host itself has booted; else its SNMP agent, or nobody can tell which
    certain: bool  # that the host has booted, or that it has not


def uptime_of(tables: Tables, observation: Observation) -> Uptime | None:
    """What a run read of it."""
    agent, host = tables.scalar("sysUpTime"), tables.scalar("hrSystemUptime")
    if agent is None and host is None:
        return None
    return Uptime(
        None if agent is None else agent / 100.0,
        None if host is None else host / 100.0,
        tables.scalar("snmpEngineBoots"),
        observation.begun,
        observation.duration,
    )


def restart_of(
    before: Uptime | None, now: Uptime | None, observation: Observation, *, told: bool = False
) -> Restart | None:
    """What was started again between two runs, or a short while ago and is not `told` yet.

    The latter is for the first run of the agent: the host may have booted before it, or before the
    agent was killed.
    """
    if now is None:
        return None

    def started(uptime: float, *, host: bool, certain: bool) -> Restart:
        return Restart(observation.started - uptime, observation.begun - uptime, host, certain)

    if now.host is not None:
        known = before.host if before else None
        goes_on = before is not None and known is not None and known + now.begun - before.begun > FRESH
        if not told and now.host < FRESH and not goes_on:
            return started(now.host, host=True, certain=True)
        if before is not None and _fell_back(known, now.host, before, now):
            return started(now.host, host=True, certain=True)
    if now.agent is None or before is None:
        return None
    again = _fell_back(before.agent, now.agent, before, now)
    if before.boots is not None and now.boots is not None and now.boots > before.boots:
        again = True
    if not again:
        return None
    return started(now.agent, host=now.host is None, certain=now.host is not None)


def _fell_back(then: float | None, now: float, before: Uptime, run: Uptime) -> bool:
    """Whether an uptime is shorter than time allows, and not by the counter's wrap alone."""
    if then is None:
        return False
    elapsed = max(run.begun - before.begun, 0.0)
    expected = then + elapsed
    slack = _SLACK + _DRIFT * elapsed + before.delay
    return now < expected - slack and abs(now - (expected - WRAP)) > slack + run.delay
