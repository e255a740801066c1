"""A check's run for a terminal: phases as bars, the dialogue, the reason with its explanation."""

from collections.abc import Iterator, Sequence
from typing import Final

from netmon.cli.verdict import Outcome, plain
from netmon.explain import REASONS
from netmon.mib.auto import Judged
from netmon.model import CheckState, Observation, Phase, Result

_BAR: Final = 40  # columns
_RED, _YELLOW, _GREEN = "31", "33", "32"
_COLOUR: Final = {
    Result.OK: _GREEN,
    Result.DEFERRED: _YELLOW,
    Result.UNTESTABLE: _YELLOW,
    Result.REJECTED: _RED,
    Result.FAILED: _RED,
}
_EIGHTHS: Final = " ▏▎▍▌▋▊▉█"


def render(outcome: Outcome, *, blocks: bool, colours: bool = False) -> Iterator[str]:
    """All lines below the first; `blocks`, `colours`: the terminal can show block characters, colours."""
    for state in outcome.states:
        yield ""
        yield from check_lines(
            state, outcome.choices.get(state.check.key, ()), blocks=blocks, colours=colours
        )
    verdict = outcome.verdict
    yield ""
    host = outcome.states[0].check.host
    yield f"Verdict of what was tested: {verdict.name}"
    for finding in verdict.findings:
        whose = f" ({finding.key.probe} {finding.key.endpoint})" if finding.key is not None else ""
        yield f"  {finding.severity:<5} {finding.kind}{whose}: {plain(finding.text)}"
    if host.depends_on:
        yield f"  (not looked at: {', '.join(host.depends_on)}, on which {host.name} depends)"
    yield f"  netmon explain {verdict.name}"


def check_lines(
    state: CheckState, choice: Sequence[Judged] = (), *, blocks: bool, colours: bool = False
) -> Iterator[str]:
    """One check's run; `choice` is what `modules: auto` chose."""
    key, seen = state.check.key, state.observation
    if seen is None:
        return
    why = "" if seen.result is Result.OK else f" ({seen.reason})"
    result = f"\x1b[{_COLOUR[seen.result]}m{seen.result}\x1b[0m" if colours else seen.result
    yield f"{key.probe} {key.endpoint}: {result}{why} in {_time(seen.duration).strip()}"
    yield f"  {plain(seen.detail)}"
    if seen.phases:
        yield ""
        yield from _bars(seen, blocks=blocks)
    said = {f"* {seen.detail}", f"* {seen.result}: {seen.detail}"}  # above already
    if trail := [line for line in seen.trail if line not in said]:
        yield ""
        yield from (f"  {plain(line)}" for line in trail)
    if choice:
        yield ""
        yield "  modules: auto"
        for found in choice:
            yield f"    {'+' if found.chosen else '-'} {found.module}: {plain(found.why)}"
    if seen.result is not Result.OK:
        text = REASONS[seen.reason]
        yield ""
        yield f"  {seen.reason}: {text.means}"
        yield from (f"    likely: {cause}" for cause in text.causes)
        yield from (f"    to do: {step}" for step in text.todo)


def _bars(seen: Observation, *, blocks: bool) -> Iterator[str]:
    whole = max(seen.duration, sum(phase.seconds for phase in seen.phases), 1e-9)
    wide = max(len(phase.name) for phase in seen.phases)
    begin = 0.0
    for phase in seen.phases:
        bar = _bar(phase, begin, whole, blocks=blocks)
        yield f"  {plain(phase.name):<{wide}} {_time(phase.seconds)}  {bar}"
        begin += phase.seconds


def _bar(phase: Phase, begin: float, whole: float, *, blocks: bool) -> str:
    """The bar begins where the phase before ended, and is never quite nothing."""
    start = min(int(begin / whole * _BAR), _BAR - 1)
    length = phase.seconds / whole * _BAR
    if not blocks:
        return " " * start + "#" * max(1, round(length))
    full, part = divmod(max(1, round(length * 8)), 8)
    return " " * start + _EIGHTHS[8] * full + (_EIGHTHS[part] if part else "")


def _time(seconds: float) -> str:
    """Nine columns, in the unit that people read."""
    return f"{seconds:7.2f} s" if seconds >= 1 else f"{seconds * 1000:6.1f} ms"
