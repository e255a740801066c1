"""`netmon report`: how long mail and SNMP worked, and what the two agreed on.

It reads the history in `state.path`, so it works whether or not the agent runs.  What no agent saw counts
for nothing, neither as up nor as down.
"""

import json
import shutil
import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

import typer

from netmon.cli.common import (
    DEFAULT_CONFIG,
    LONGEST_NAME,
    Json,
    complete_host,
    draws_blocks,
    open_config,
    paints,
    sentences,
    shown,
    working,
)
from netmon.errors import NetmonError
from netmon.history import WINDOWS, Agreement, Totals
from netmon.history.disk import last_seen, read
from netmon.wording import did_you_mean, percent

_HEADS: Final = ("MAIL", "SNMP", "BOTH", "ONLY SNMP", "ONLY MAIL", "NEITHER", "KNOWN FOR")
_FOUR: Final = (Agreement.BOTH, Agreement.ONLY_SNMP, Agreement.ONLY_MAIL, Agreement.NEITHER)
_RUNNING: Final = 120.0  # seconds since its last sign of life in which an agent counts as running
_DAY: Final = 86_400.0
_RED, _YELLOW, _GREEN, _DIM = "31", "33", "32", "2"
# The colours of the bar; the heads of its columns wear them too and so say what they mean.
_COLOUR: Final = {
    Agreement.BOTH: _GREEN,
    Agreement.ONLY_SNMP: _RED,
    Agreement.ONLY_MAIL: _YELLOW,
    Agreement.NEITHER: _DIM,
}
_GOOD: Final = 0.999  # of the time: what people call three nines
_FAIR: Final = 0.99
_BAR: Final = 24  # columns


def report_command(
    host: Annotated[
        str,
        typer.Argument(
            help="One host, over all windows; all hosts without it.", autocompletion=complete_host
        ),
    ] = "",
    window: Annotated[str, typer.Option("--window", "-w", help=f"{', '.join(WINDOWS)}.")] = "24h",
    config: Annotated[Path, typer.Option(readable=False, help="The config.")] = DEFAULT_CONFIG,
    *,
    as_json: Json = False,
) -> None:
    """Say how long mail and SNMP worked, and how long both, only one, or neither did.

    A host's shares are of the time in which it was tested.  Examples:

        netmon report

        netmon report mx1

        netmon report --window 30d --json
    """
    with sentences():
        loaded = open_config(config)
        names = [entry.host.name for entry in loaded.hosts]
        if window not in WINDOWS:
            raise NetmonError(f'--window "{window}" is not one of {", ".join(WINDOWS)}')
        now = time.time()
        windows = list(WINDOWS) if host else [window]
        longest = max(WINDOWS[name] for name in windows)
        try:
            with working("adding up the history"):
                totals = added_up(loaded.state.path, host, windows, now=now, longest=longest)
        except sqlite3.Error as error:
            raise NetmonError(f"{loaded.state.path}: the history cannot be read: {error}") from None
        if host and host not in names and host not in totals:
            raise NetmonError(f'{config} has no host "{host}"{did_you_mean(host, names)}')
        if as_json:
            told = {name: {one: of[one].to_json() for one in windows} for name, of in sorted(totals.items())}
            typer.echo(json.dumps(told, indent=2))
            return
        if not totals:
            raise NetmonError(f"{loaded.state.path} holds no history yet: netmon run writes it")
        for line in _one(totals.get(host, {}), windows) if host else _all(totals, window):
            typer.echo(line)


def added_up(
    folder: Path, host: str, windows: list[str], *, now: float, longest: float
) -> dict[str, dict[str, Totals]]:
    """The totals by host and window.  Raises sqlite3.Error."""
    seen = last_seen(folder)
    # What lasts, lasts as long as somebody looked.
    until = now if now - seen < _RUNNING else seen
    found: dict[str, dict[str, Totals]] = {}
    for span in read(folder, now - longest, host):
        totals = found.setdefault(span.host, {name: Totals() for name in windows})
        stop = until if span.stop is None else span.stop
        for name in windows:
            seconds = stop - max(span.start, now - WINDOWS[name])
            if seconds > 0:
                totals[name].add(span.state, seconds)
    return found


def _all(totals: dict[str, dict[str, Totals]], window: str) -> list[str]:
    """A line a host, the worst first, and one of all together."""
    together = Totals()
    for of in totals.values():
        together.plus(of[window])

    def rank(item: tuple[str, dict[str, Totals]]) -> tuple[float, float, str]:
        mine = item[1][window]
        return (1.0 if mine.mail is None else mine.mail, 1.0 if mine.snmp is None else mine.snmp, item[0])

    ordered = [(name, of[window]) for name, of in sorted(totals.items(), key=rank)]
    # Time of hosts added up says nothing to people who look for how long it was.
    return _table(f"THE LAST {window.upper()}", [*ordered, ("all together", together)], summed=True)


def _one(of: dict[str, Totals], windows: list[str]) -> list[str]:
    return _table("THE LAST", [(name, of.get(name, Totals())) for name in windows])


def _table(corner: str, rows: list[tuple[str, Totals]], *, summed: bool = False) -> list[str]:
    """The lines; on a terminal with colours each ends with a bar of the four, where there is room for it.

    With `summed` the last row is of all others.
    """
    cells: list[tuple[str, ...]] = [(corner, *_HEADS)]
    for name, mine in rows:
        shares = [mine.mail, mine.snmp, *(mine.share(one) for one in _FOUR)]
        cells.append((shown(name)[:LONGEST_NAME], *map(percent, shares), _known(mine.known)))
    if summed:
        cells[-1] = (*cells[-1][:-1], "")
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    lines = [_padded(row, widths) for row in cells]
    if not paints():
        return ["  ".join(line).rstrip() for line in lines]
    whole = sum(widths) + 2 * len(widths) + _BAR
    bars = draws_blocks() and whole <= shutil.get_terminal_size((120, 40)).columns
    return [
        "  ".join(_painted(lines[0], [None, None, None, *_COLOUR.values(), None])),
        *(
            "  ".join([*_painted(line, _levels(mine)), *([_bar(mine)] if bars else [])])
            for line, (_, mine) in zip(lines[1:], rows, strict=True)
        ),
    ]


def _padded(row: tuple[str, ...], widths: list[int]) -> list[str]:
    return [f"{cell:{'>' if place else '<'}{widths[place]}}" for place, cell in enumerate(row)]


def _painted(cells: list[str], colours: Sequence[str | None]) -> list[str]:
    return [
        f"\x1b[{colour}m{cell}\x1b[0m" if colour else cell
        for cell, colour in zip(cells, colours, strict=True)
    ]


def _levels(mine: Totals) -> list[str | None]:
    """The colours of a row: of how long mail and SNMP worked, and dim where nothing was."""

    def level(share: float | None) -> str:
        if share is None:
            return _DIM
        return _GREEN if share >= _GOOD else _YELLOW if share >= _FAIR else _RED

    return [
        None,
        level(mine.mail),
        level(mine.snmp),
        *(None if mine.share(one) else _DIM for one in _FOUR),
        None,
    ]


def _bar(mine: Totals) -> str:
    """The four shares side by side; what was at all has at least a column."""
    shares = {one: mine.share(one) or 0.0 for one in _FOUR}
    wide = {one: max(1, round(share * _BAR)) if share > 0 else 0 for one, share in shares.items()}
    largest = max(shares, key=lambda one: shares[one])
    if shares[largest] > 0:
        wide[largest] += _BAR - sum(wide.values())
    return "".join(f"\x1b[{_COLOUR[one]}m{'█' * wide[one]}\x1b[0m" for one in _FOUR if wide[one])


def _known(seconds: float) -> str:
    if seconds >= _DAY:
        return f"{seconds / _DAY:.1f} d"
    return f"{seconds / 3600:.1f} h" if seconds >= 3600 else f"{seconds / 60:.0f} min"  # noqa: PLR2004
