"""The verdict in one line, as somebody who knows the host would say it.

Symptoms come first and what explains them next, each with the time since when it holds; at the end when
all was last well.  Times are those of the agent's machine.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from netmon.errors import Reason
from netmon.health.rules import DATED
from netmon.health.view import SNMP, HostView, refused_us
from netmon.model import CheckState, Finding, FindingKind, Result, Severity, VerdictName

MOST: Final = 3  # facts in a sentence; the rest stand below it
_ORDER: Final = (Severity.CAUSE, Severity.FAULT, Severity.RISK, Severity.INFO)
_FLOW: Final = "mailflow"
# Told as the symptom of its check already.
_SYMPTOMS: Final = frozenset({FindingKind.MAIL_LOST, FindingKind.MAILBOX_UNREADABLE})
_PROBES: Final[Mapping[str, str]] = {"smtp": "SMTP", "imap": "IMAP", "pop3": "POP3", "snmp": "SNMP"}
# What the reason alone says well enough; the others are told in the check's own words.
_SAYS: Final[Mapping[Reason, str]] = {
    Reason.TIMEOUT: "does not answer",
    Reason.DEADLINE: "does not come to an end",
    Reason.REFUSED: "refuses the connection",
    Reason.UNREACHABLE: "cannot be reached",
    Reason.NO_ROUTE: "cannot be tested: no route from here",
    Reason.RESOLVE_FAILED: "cannot be tested: DNS does not answer",
    Reason.CONNECTION_LOST: "closes the connection",
    Reason.GREETING_TIMEOUT: "connects but does not greet",
    Reason.STARTTLS_MISSING: "does not offer STARTTLS",
}
_REPLY: Final = re.compile(
    r"[A-Za-z ]+: (?P<code>[45][0-9]{2})(?: (?P<enhanced>[45]\.[0-9]{1,3}\.[0-9]{1,3})\b)?"
)
_QUOTED: Final = 80  # characters of a reply
_NO_LIFE: Final = frozenset({VerdictName.HOST_DOWN, VerdictName.DEVICE_DOWN, VerdictName.UNREACHABLE})
# Verdicts that are about all checks: whatever is not ok is told.
_WHOLE: Final = frozenset({VerdictName.UNKNOWN, VerdictName.DEVICE_DEGRADED, VerdictName.HEALTHY})
_A_WEEK: Final = timedelta(days=6)


class Told(NamedTuple):
    """What the judgement has gathered for the sentence."""

    fresh: Sequence[CheckState]
    failing_mail: Sequence[CheckState]
    life: bool | None
    life_lost_at: float
    findings: Sequence[Finding]


def sentence(name: VerdictName, view: HostView, told: Told) -> str:
    """The line; `name` is the verdict that it explains."""
    if view.isolated:
        return "netmon itself is cut off: most hosts fell silent at once"
    if not view.checks:
        return "nothing is checked on this host"
    facts = list(_facts(name, view, told))
    if name is VerdictName.HEALTHY:
        return "; ".join([_well(told), *facts][:MOST])
    said = "; ".join(facts[:MOST]) or "not every check has run yet"
    # Only a sentence about a fault asks when all was well; "unknown" at a start does not.
    if view.healthy_at and name is not VerdictName.UNKNOWN:
        said += f"; last healthy {clock(view.healthy_at, view.wall)}"
    return said


def clock(at: float, now: float) -> str:
    """A moment as people say it on that day: 10:02, Mon 10:02, 2026-11-03 10:02."""
    then, present = datetime.fromtimestamp(at).astimezone(), datetime.fromtimestamp(now).astimezone()
    if then.date() == present.date():
        return f"{then:%H:%M}"
    return f"{then:%a %H:%M}" if abs(present - then) < _A_WEEK else f"{then:%Y-%m-%d %H:%M}"


def _facts(name: VerdictName, view: HostView, told: Told) -> Iterator[str]:
    if name in _NO_LIFE:
        yield from _no_life(name, view, told)
    elif name is VerdictName.AGENT_DOWN:
        yield from _symptoms(view, [state for state in told.fresh if state.check.key.probe == SNMP])
        if told.life:
            yield "the host is alive" + (", and so is its mail" if view.has_mail else "")
    elif name in _WHOLE:
        # A refusal of netmon itself is told by its own finding.
        yield from _symptoms(view, [state for state in told.fresh if not refused_us(state)])
    else:
        yield from _symptoms(view, told.failing_mail)
    if name is VerdictName.PATH_FILTERED:
        yield "its own table shows it listening (SNMP): something on the way drops it"
    yield from _noticed(name, view, told)


def _no_life(name: VerdictName, view: HostView, told: Told) -> Iterator[str]:
    silent = [state for state in told.fresh if state.observation is not None and not state.observation.alive]
    where = [_PROBES.get(probe, probe) + _ports(group) for probe, group in _by_probe(silent).items()]
    verb = "is" if len(where) == 1 else "are"
    yield f"no sign of life{_since(told.life_lost_at, view)}: {_list(where)} {verb} silent"
    upstreams = [upstream for upstream in view.upstreams if upstream.alive is not None]
    if name is VerdictName.UNREACHABLE:
        yield f"{_list(upstream.name for upstream in view.upstreams)} in front of it is down"
    elif alive := [upstream.name for upstream in upstreams if upstream.alive]:
        yield f"{_list(alive)} in front of it is alive"


def _symptoms(view: HostView, states: Iterable[CheckState]) -> Iterator[str]:
    """What the checks met, each outcome once with all that met it."""
    met: dict[tuple[str, str], list[CheckState]] = {}
    for state in states:
        if state.result not in {None, Result.OK}:
            met.setdefault((state.check.key.probe, _says(state)), []).append(state)
    for (probe, says), group in met.items():
        where = _PROBES.get(probe, probe) + _ports(group)
        since = min((state.since for state in group if state.since), default=0.0)
        yield f"{where} {says}{_since(since, view)}"


def _by_probe(states: Iterable[CheckState]) -> dict[str, list[CheckState]]:
    groups: dict[str, list[CheckState]] = {}
    for state in states:
        groups.setdefault(state.check.key.probe, []).append(state)
    return groups


def _ports(group: Sequence[CheckState]) -> str:
    """` on 25 and 587` for mail; a host has one check of everything else."""
    if group[0].check.role is None:
        return ""
    if group[0].check.key.probe == _FLOW:
        return f" {_list(state.check.key.endpoint for state in group)}"
    return f" on {_list(state.check.key.endpoint.rpartition(':')[2] for state in group)}"


def _says(state: CheckState) -> str:
    """What a check met, as a verb."""
    seen = state.observation
    if seen is None:
        return f"ended as {state.result} before netmon started"
    if state.check.key.probe == _FLOW:
        return f"fails: {seen.detail}"  # which tells the phase
    verb = {Result.REJECTED: "refuses", Result.DEFERRED: "defers"}.get(seen.result)
    if reply := _REPLY.match(seen.detail) if verb else None:
        text = f"{verb} with {reply['code']}"
        if reply["enhanced"]:
            text += f" {reply['enhanced']}"
        words = seen.detail[reply.end() :].strip()[:_QUOTED]
        # The enhanced code of a deferral says enough; why somebody is refused, only the words say.
        quoted = words and (verb == "refuses" or not reply["enhanced"])
        return f'{text} "{words}"' if quoted else text
    return _SAYS.get(seen.reason) or f"fails: {seen.detail}"


def _noticed(name: VerdictName, view: HostView, told: Told) -> Iterator[str]:
    """The other findings, heaviest first, each fact once; hints only if nothing weighs."""
    met = {f"{state.check.key.probe}_{state.result}" for state in view.checks}
    facts: dict[tuple[Severity, str], Finding] = {}
    for finding in sorted(told.findings, key=lambda finding: _ORDER.index(finding.severity)):
        if finding.kind not in met and finding.kind not in _SYMPTOMS:  # those are told as symptoms
            facts.setdefault((finding.severity, finding.text), finding)
    weighty = [finding for (severity, _), finding in facts.items() if severity is not Severity.INFO]
    for finding in weighty or (facts.values() if name in _WHOLE else ()):
        yield _fact(finding, view)


def _fact(finding: Finding, view: HostView) -> str:
    text = finding.text if finding.kind in DATED else finding.text + _since(finding.at, view)
    if finding.key is None:
        return text
    probe = _PROBES.get(finding.key.probe, finding.key.probe)
    if finding.key.probe == SNMP:
        return f"{text} ({probe})"
    if finding.key.probe == _FLOW:
        return f"{probe} {finding.key.endpoint}: {text}"
    return f"{probe} on {finding.key.endpoint.rpartition(':')[2]}: {text}"


def _since(at: float, view: HostView) -> str:
    """Nothing for what was found just now."""
    return f" since {clock(at, view.wall)}" if at and view.wall - at >= 1 else ""


def _well(told: Told) -> str:
    results = [state.result for state in told.fresh]
    fine = results.count(Result.OK)
    return "the only check is ok" if fine == len(results) == 1 else f"{fine} of {len(results)} checks are ok"


def _list(names: Iterable[str]) -> str:
    words = list(dict.fromkeys(names))
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}" if words else "nothing"
