"""Small drawings as inline SVG: the last runs of a check, and the phases of one run.

Geometry is in attributes and colour in classes, because the content security policy allows no
style in the markup.
"""

from collections.abc import Sequence
from statistics import median
from typing import Final

from netmon.model import Result, Run
from netmon.status.rows import PhaseRow
from netmon.status.text import duration, text

STEP: Final = 3  # user units from bar to bar
HEIGHT: Final = 16
_LEAST: Final = 3  # the shortest bar that is still seen


def sparkline(runs: Sequence[Run], most: int) -> str:
    """A bar for each of the last `most` runs: its height is the time it took; not ok is full and marked."""
    runs = runs[-most:]
    if not runs:
        return ""
    slowest = max((run.seconds for run in runs if run.result is Result.OK), default=0.0) or 1.0
    paths = {"ok": "", "no": ""}
    for number, run in enumerate(runs):
        ok = run.result is Result.OK
        height = _LEAST + round((HEIGHT - _LEAST) * run.seconds / slowest) if ok else HEIGHT
        paths["ok" if ok else "no"] += f"M{number * STEP + 1} {HEIGHT}v-{height}"
    bars = "".join(f'<path class="{name}" d="{path}"/>' for name, path in paths.items() if path)
    width = len(runs) * STEP
    return (
        f'<svg class="spark" viewBox="0 0 {width} {HEIGHT}" width="{width}" height="{HEIGHT}" '
        f'aria-hidden="true">{bars}</svg>'
    )


def history(runs: Sequence[Run], most: int) -> str:
    """The same with its numbers in words."""
    runs = runs[-most:]
    if not runs:
        return ""
    times = [run.seconds for run in runs if run.result is Result.OK]
    words = f"last {len(runs)} runs" if len(runs) > 1 else "1 run"
    words += ": all ok" if len(times) == len(runs) else f": {len(runs) - len(times)} not ok"
    if times:
        words += f"; median {duration(median(times))}, slowest {duration(max(times))}"
    return f'<p class="history">{sparkline(runs, most)}<small>{words}</small></p>'


def waterfall(phases: Sequence[PhaseRow]) -> str:
    """The phases of a run below each other, each beginning where the last one ended."""
    if not phases:
        return ""
    lines, begin = [], 0.0
    for phase in phases:
        begin = min(begin, 1.0 - phase.share)  # rounding, or phases that overlap
        lines.append(
            f'<tr><th scope="row">{text(phase.name)}</th><td class="bar"><svg viewBox="0 0 1000 10" '
            f'preserveAspectRatio="none" aria-hidden="true"><rect x="{begin * 1000:.0f}" '
            f'width="{max(2.0, phase.share * 1000):.0f}" height="10"/></svg></td>'
            f'<td class="num">{duration(phase.seconds)}</td></tr>'
        )
        begin += phase.share
    return (
        '<table class="phases"><thead class="sr"><tr><th scope="col">Phase</th><th scope="col">When</th>'
        f'<th scope="col">Time</th></tr></thead><tbody>{"".join(lines)}</tbody></table>'
    )
