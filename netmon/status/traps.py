"""Traps and informs on the pages: a host's in a line, what is raised, and the latest events.

Whatever an event says comes from the network, most of it from senders that nobody has verified; the
pages say so where it is so.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Final, Protocol

from netmon.model.events import Event, EventSeverity, RaisedState
from netmon.status.parts import sign
from netmon.status.text import host_path, identity, moment, plural, text
from netmon.trap_board import TrapSummary

_CLASS: Final = {EventSeverity.CRITICAL: "bad", EventSeverity.WARNING: "warn", EventSeverity.INFO: "soft"}
_RAISED: Final = 8  # states that are named of one host
_VALUES: Final = 30  # of one event; `netmon trap tail --json` and /api/events have all
_WORD: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")  # where a name such as upsTrapOnBattery may be broken
_VERSIONS: Final = {1: "v1", 2: "v2c", 3: "v3"}


class Traps(Protocol):
    """What the pages read of traps; `TrapBoard` is one."""

    def summary(self, name: str) -> TrapSummary | None:
        """A host's traps in a line; None where none came."""

    def raised_of(self, name: str) -> Sequence[RaisedState]:
        """What is raised of a host: what authenticated senders told, then the latest first."""

    def recent(self, name: str = "") -> Sequence[Event]:
        """The latest events of a host, or of all senders; newest first."""


class NoTraps:
    """Where no receiver runs."""

    def summary(self, name: str) -> None:
        """Nothing came."""

    def raised_of(self, name: str) -> Sequence[RaisedState]:  # noqa: ARG002 - as the protocol has it
        """Nothing is raised."""
        return ()

    def recent(self, name: str = "") -> Sequence[Event]:  # noqa: ARG002 - as the protocol has it
        """Nothing came."""
        return ()


def trap_cell(summary: TrapSummary | None) -> str:
    """The cell of a host in the table of hosts."""
    if summary is None:
        return '<td role="cell" class="none"></td>'
    style = _CLASS[summary.severity]
    name = _WORD.sub("<wbr>", text(summary.trap.rpartition("::")[2]))
    raised = ""
    if summary.raised:
        raised = f'<li class="outcome warn">{sign("warn")}{plural(summary.raised, "state")} raised</li>'
    return (
        f'<td role="cell" data-name="Traps"><ul>{raised}<li class="outcome {style}">{_mark(summary.severity)}'
        f"{name} {moment(summary.at)}</li></ul></td>"
    )


def event_pieces(events: Iterable[Event], most: int, *, linked: bool) -> dict[str, str]:
    """A heading and events, newest first; nothing where there are none.  `linked`: each with its host."""
    shown = {}
    for event in list(events)[:most]:
        key = identity("event", str(event.id))
        shown[key] = _event(event, key, linked=linked)
    return {"traps-title": '<h2 id="traps-title">Traps</h2>'} | shown if shown else {}


def raised_pieces(raised: Sequence[RaisedState]) -> dict[str, str]:
    """What traps have raised of a host and nothing has ended."""
    if not raised:
        return {}
    items = "".join(map(_raised, raised[:_RAISED]))
    if len(raised) > _RAISED:
        items += f"<li><p>{len(raised) - _RAISED} more</p></li>"
    return {"raised": f'<div id="raised"><h2>Raised by traps</h2><ul class="findings">{items}</ul></div>'}


def _raised(state: RaisedState) -> str:
    style = "warn" if state.authenticated else "soft"
    until = f", forgotten {moment(state.until)} unless it is told again" if state.until else ""
    by = "" if state.authenticated else f", {_ANYBODY}"
    return (
        f'<li class="{style}">{sign(style)}<p>{text(f"{state.state} {state.instance}".rstrip())}'
        f"<small>{_name(state.text)}{by}, {moment(state.at)}{until}</small></p></li>"
    )


_ANYBODY: Final = '<span class="unsure">not authenticated</span>'


def _event(event: Event, key: str, *, linked: bool) -> str:
    count = f' <b class="times">{event.count:,} times</b>' if event.count > 1 else ""
    who = ""
    if linked:
        named = f'<a href="{host_path(event.host)}">{text(event.host)}</a>' if event.host else "no known host"
        who = f"{named}, "
    version = _VERSIONS.get(event.version, "")
    kind = f"{version} inform" if event.inform else f"{version} trap"
    how = f"user {text(event.user)}" if event.authenticated else _ANYBODY
    origin = f" for {text(event.agent_address)}" if event.agent_address not in {"", event.source} else ""
    values = ""
    if event.values:
        rows = "".join(
            f"<div><dt>{_name(value.name)}</dt><dd>{text(value.value)}</dd></div>"
            for value in event.values[:_VALUES]
        )
        said = plural(len(event.values), "value")
        values = f"<details><summary>{said}</summary><dl>{rows}</dl></details>"
    return (
        f'<div id="{key}" class="event {_CLASS[event.severity]}">'
        f"<p>{_mark(event.severity)}<b>{_name(event.trap)}</b>{count} {moment(event.last)}</p>"
        f"<small>{who}from {text(event.source)}{origin}, {kind}, {how}</small>{values}</div>"
    )


def _mark(severity: EventSeverity) -> str:
    """Its sign, and the word for who cannot see it."""
    style = _CLASS[severity]
    shown = sign(style) if style != "soft" else '<span class="sign" aria-hidden="true">·</span>'
    return f'{shown}<span class="sr">{severity}: </span>'


def _name(name: str) -> str:
    """A long name may be broken behind its module."""
    return text(name).replace("::", "::<wbr>")
