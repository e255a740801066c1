"""One run of some checks, judged as the agent judges, and told as a Nagios plugin tells it.

The plugin interface (Monitoring Plugins' guidelines): the exit code is the state, the first line is
what a monitoring system shows, and after `|` stand numbers for its graphs.
"""

import asyncio
import re
import traceback
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from typing import Final

from netmon.cli.common import shown
from netmon.errors import Reason
from netmon.fields import AbsentError
from netmon.health import Device, HostView, follow, judge
from netmon.health.view import SNMP
from netmon.mail import report
from netmon.mib.auto import Judged, explain
from netmon.model import (
    Check,
    CheckKey,
    CheckState,
    HostVerdict,
    Observation,
    Result,
    Role,
    Verdict,
    VerdictName,
)
from netmon.probes import PROBES
from netmon.probes.base import Context
from netmon.store import advance

_SAFE_LABEL: Final = re.compile(r"[^A-Za-z0-9_.:-]")
_DAY: Final = 86400.0


class Status(IntEnum):
    """Exit codes of a plugin."""

    OK = 0
    WARNING = 1
    CRITICAL = 2
    UNKNOWN = 3


_STATUS: Final = {
    VerdictName.HEALTHY: Status.OK,
    VerdictName.DEVICE_DEGRADED: Status.WARNING,
    VerdictName.MAIL_DEGRADED: Status.WARNING,
    VerdictName.AGENT_DOWN: Status.WARNING,
    VerdictName.UNREACHABLE: Status.UNKNOWN,
    VerdictName.UNKNOWN: Status.UNKNOWN,
}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of it; `states` hold one observation each."""

    states: tuple[CheckState, ...]
    verdict: Verdict
    choices: Mapping[CheckKey, Sequence[Judged]] = field(default_factory=dict)  # of `modules: auto`

    @property
    def status(self) -> Status:
        """The verdict's weight; what was asked for alone weighs more than as one part of a host."""
        name = self.verdict.name
        probes = {state.check.key.probe for state in self.states}
        alone = len(probes) == 1 and all(state.result is Result.FAILED for state in self.states)
        partly = all(state.reason is Reason.MODULE_FAILED for state in self.states)
        # Of a whole host's verdict SNMP is a side matter, and an unanswered ping none at all.
        if alone and not partly and name in {VerdictName.AGENT_DOWN, VerdictName.UNKNOWN}:
            return Status.CRITICAL
        return _STATUS.get(name, Status.CRITICAL)

    @property
    def host_verdict(self) -> HostVerdict:
        """As the agent's records have it, confirmed by this one run."""
        return HostVerdict(
            self.states[0].check.host.name, self.verdict, 0.0, self.verdict, _alive(self.states)
        )


def _alive(states: Iterable[CheckState]) -> bool | None:
    said = [state.observation.alive for state in states if state.observation is not None]
    return next((value for value in (True, False) if value in said), None)


async def look(checks: Sequence[Check], context: Context) -> Outcome:
    """Run each check once, all at the same time, and judge."""
    loop = asyncio.get_running_loop()
    begun = loop.time()
    seen = await asyncio.gather(*(run_once(check, context) for check in checks))
    states = tuple(
        advance(CheckState(check), observation) for check, observation in zip(checks, seen, strict=True)
    )
    device: Device | None = None
    for observation in seen:
        if observation.key.probe == SNMP:
            device = follow(device, observation)
    view = HostView(checks[0].host, states, begun, device=device, wall=context.wall())
    return Outcome(states, judge(view, loop.time()), dict(_choices(checks, context)))


def _choices(checks: Iterable[Check], context: Context) -> Iterator[tuple[CheckKey, Sequence[Judged]]]:
    """Which modules were chosen for checks that left it to netmon, and why."""
    for check in checks:
        offered = getattr(check.settings, "auto", ())
        if offered and (choice := context.choices.get(check.key, check.digest)) is not None:
            yield check.key, explain(offered, choice)


async def run_once(check: Check, context: Context) -> Observation:
    """One run; whatever goes wrong with it is told in its observation."""
    begun, started = asyncio.get_running_loop().time(), context.wall()
    try:
        async with asyncio.timeout(check.deadline):
            return await PROBES[check.key.probe].probe(check, context)
    except TimeoutError:
        ended = Result.FAILED, Reason.DEADLINE, f"did not end within its {check.deadline:g} s"
    except AbsentError as error:
        ended = Result.UNTESTABLE, Reason.LOCAL_ERROR, str(error)
    except Exception as error:  # noqa: BLE001 - one probe's defect must not hide what the others found
        traceback.print_exc()
        ended = Result.UNTESTABLE, Reason.CRASHED, f"netmon's own probe crashed ({type(error).__name__})"
    return Observation(check.key, *ended, started, asyncio.get_running_loop().time() - begun, begun=begun)


def first_line(outcome: Outcome) -> str:
    """`NETMON OK - mx1 healthy: ... | perfdata`."""
    verdict = outcome.verdict
    host = outcome.states[0].check.host.name
    text = plain(f"{host} {verdict.name}: {verdict.sentence}")
    return with_numbers(f"NETMON {outcome.status.name} - {text}", outcome.states)


def with_numbers(line: str, states: Iterable[CheckState]) -> str:
    """A plugin's first line with its numbers behind it, where there are any."""
    return " | ".join(filter(None, (line, " ".join(perfdata(states)))))


def plain(text: str) -> str:
    """One printable line without the character that begins performance data."""
    return shown(text).replace("|", "¦")


def perfdata(states: Iterable[CheckState]) -> Iterator[str]:
    """A plugin's numbers: times of runs and phases, days of certificates; no label comes twice."""
    for state in states:
        key, seen = state.check.key, state.observation
        if seen is None:
            continue
        port = key.endpoint.removeprefix(key.host).replace(":", "_")
        if state.check.role is Role.FLOW:
            port = f"_{key.endpoint}"
        if state.check.mx:  # a domain's servers have one port, and each its name and addresses
            port = f"_{state.check.mx}_{state.check.address}"
        name = _SAFE_LABEL.sub("_", f"{key.probe}{port}")
        yield f"{name}_time={seen.duration:.6f}s;;;0"
        for phase in seen.phases:
            yield f"{name}_{_SAFE_LABEL.sub('_', phase.name)}={phase.seconds:.6f}s;;;0"
        if (ends := _certificate_end(seen)) is not None:
            yield f"{name}_certificate_days={(ends - seen.started) / _DAY:.1f}"


def _certificate_end(seen: Observation) -> float | None:
    for table in seen.own:
        for column in table.columns:
            if column.family is report.EXPIRY and column.values:
                return column.values[0]
    return None
