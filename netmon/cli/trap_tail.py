"""`netmon trap tail`: the events of an agent, as they come.

It reads the files in `state.path`, which the agent's receiver writes, so it works whatever the agent
does, and costs it nothing.
"""

import json
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from netmon.cli.common import DEFAULT_CONFIG, Json, complete_host, open_config, paints, sentences, shown
from netmon.config.receiver import FOLDER
from netmon.errors import NetmonError
from netmon.events import Found, Reader, Wanted, to_json
from netmon.model import Event, EventSeverity
from netmon.wording import did_you_mean

_PACE: Final = 0.25  # seconds between two looks
_AT_ONCE: Final = 1000  # events of one look
_WATCHED: Final = 200  # printed events that may still be counted again
_COLOURS: Final = {EventSeverity.CRITICAL: "31", EventSeverity.WARNING: "33", EventSeverity.INFO: "2"}
_VALUES: Final = 300  # characters of an event's values on its line


def tail_command(  # noqa: PLR0917 - typer's
    host: Annotated[
        str, typer.Option(help="Of this host alone.", autocompletion=complete_host, show_default=False)
    ] = "",
    trap: Annotated[str, typer.Option(help="linkDown, IF-MIB::linkDown or an OID.", show_default=False)] = "",
    severity: Annotated[
        list[str] | None, typer.Option(help="critical, warning or info; may stand several times.")
    ] = None,
    source: Annotated[str, typer.Option(help="From this address alone.", show_default=False)] = "",
    lines: Annotated[int, typer.Option("--lines", "-n", min=0, max=10_000, help="Events that were.")] = 10,
    config: Annotated[Path, typer.Option(readable=False, help="The config.")] = DEFAULT_CONFIG,
    *,
    once: Annotated[bool, typer.Option("--once", help="Print what is there and end.")] = False,
    as_json: Json = False,
) -> None:
    """Follow the traps and informs that the agent accepts, until Ctrl-C.

    The same notification again is only counted; the line tells how often. Examples:

        netmon trap tail

        netmon trap tail --severity critical --severity warning --json
    """
    with sentences():
        loaded = open_config(config)
        if loaded.traps is None:
            raise NetmonError(f"{config} has no section traps, so nothing is received")
        known = [one.value for one in EventSeverity]
        for one in severity or ():
            if one not in known:
                raise NetmonError(f'"{one}" is not one of {", ".join(known)}{did_you_mean(one, known)}')
        names = [entry.host.name for entry in loaded.hosts]
        if host and host not in names:
            raise NetmonError(f'{config} has no host "{host}"{did_you_mean(host, names)}')
        folder = loaded.state.path / FOLDER
        try:
            if folder.exists():
                next(folder.iterdir(), None)
        except OSError as error:
            raise NetmonError(
                f"{folder} cannot be read: {error.strerror}; run this as the agent's user"
            ) from error
        reader = Reader(folder)
        wanted = Wanted(host, trap, tuple(severity or ()), source)
        colours = paints() and not as_json
        try:
            for text in follow(reader, wanted, lines, as_json=as_json, colours=colours, once=once):
                typer.echo(text)
        except KeyboardInterrupt:
            return


def follow(
    reader: Reader, wanted: Wanted, lines: int, *, as_json: bool, colours: bool, once: bool
) -> Iterator[str]:
    """The lines to print, for ever unless `once`."""
    at = reader.last_id()
    known = reader.latest(wanted, limit=lines) if lines else Found()
    if not known.complete:
        typer.echo("netmon: the search took too long; there may be more events of before", err=True)
    shown_events = known[::-1]
    watched: dict[int, Event] = {}
    while True:
        # An event may come between the two questions, and must not be printed again.
        at = max([at, *(event.id for event in shown_events)])
        for event in shown_events:
            watched[event.id] = event
            yield json.dumps(to_json(event)) if as_json else told(event, colours=colours)
        if once:
            return
        for event in _again(reader, wanted, watched):
            watched[event.id] = event
            yield json.dumps(to_json(event)) if as_json else told(event, colours=colours)
        while len(watched) > _WATCHED:
            del watched[min(watched)]
        time.sleep(_PACE)
        newest = reader.last_id()
        shown_events = reader.since(at, wanted, limit=_AT_ONCE) if newest != at else []
        at = shown_events[-1].id if len(shown_events) == _AT_ONCE else max(newest, at)


def _again(reader: Reader, wanted: Wanted, watched: dict[int, Event]) -> Iterable[Event]:
    """Events that were printed and have come again since."""
    if not watched:
        return []
    now = reader.since(min(watched) - 1, wanted, limit=_WATCHED)  # others must not use the limit up
    return [event for event in now if event.id in watched and event.count > watched[event.id].count]


def told(event: Event, *, colours: bool = False) -> str:
    """An event on one line; what came from the network is escaped."""
    at = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(event.last))
    who = shown(event.host) if event.host else event.source
    trap = shown(event.trap)
    severity = event.severity.value
    if colours:
        severity = f"\x1b[{_COLOURS[event.severity]}m{severity}\x1b[0m"
    parts: list[Any] = [at, f"{who:16}", severity + " " * (8 - len(event.severity.value)), trap]
    values = " ".join(
        f"{shown(value.name.partition('::')[2] or value.name)}={shown(value.value)}" for value in event.values
    )
    if values:
        parts.append(values if len(values) <= _VALUES else values[:_VALUES] + "…")
    if event.count > 1:
        parts.append(f"({event.count} times)")
    if event.inform:
        parts.append("[inform]")
    return " ".join(parts)
