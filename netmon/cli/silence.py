"""`netmon silence` and `netmon reload`: what is asked of the running agent, through its control socket."""

import json
import os
import pwd
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from pydantic_core import PydanticCustomError

from netmon.cli.common import (
    DEFAULT_CONFIG,
    EX_CONFIG,
    Json,
    complete_host,
    fail,
    sentences,
    shown,
)
from netmon.config import state_path
from netmon.control import NAME, ask
from netmon.errors import NetmonError
from netmon.fields import parse_duration

_USAGE: Final = 2
_RELOAD_SECONDS: Final = 130.0  # the agent gives itself ten less
_HEAD: Final = ("ID", "HOST", "LEFT", "UNTIL", "BY", "WHY")

ConfigFile = Annotated[
    Path, typer.Option("--config", "-c", readable=False, help="The config of the agent to ask.")
]
Socket = Annotated[
    Path | None, typer.Option(help="The agent's control socket; else it is in the config's state.path.")
]


def silence_command(
    host: Annotated[
        str | None,
        typer.Argument(help="A host, or a shell pattern in quotes.", autocompletion=complete_host),
    ] = None,
    duration: Annotated[str | None, typer.Argument(help="How long: 30m, 2h, 1d12h.")] = None,
    *,
    why: Annotated[
        str | None, typer.Option(help="What is being done; others will read it. Needed to begin one.")
    ] = None,
    end: Annotated[
        bool, typer.Option("--end", help="End the host's silences, or the one of that ID.")
    ] = False,
    config: ConfigFile = DEFAULT_CONFIG,
    socket: Socket = None,
    as_json: Json = False,
) -> None:
    """Hold alerts about a host back for a time, or list what is silenced.

    The host is still checked and judged.  It lasts over restarts and clock changes.  Examples:

        netmon silence mx1 2h --why "new kernel"

        netmon silence "sw-waw-*" 30m --why "power works"

        netmon silence

        netmon silence mx1 --end
    """
    adding = host is not None and not end
    missing = [word for word, given in (("how long", duration), ("why", (why or "").strip())) if not given]
    if adding and missing:
        example = f'netmon silence {shown(str(host))} {shown(duration or "2h")} --why "new kernel"'
        fail(f"say {' and '.join(missing)}: {example}; or end it: --end", _USAGE)
    if not adding and (duration is not None or why is not None):
        fail("--end takes no duration and no --why", _USAGE)
    if end and host is None:
        fail("say which silence to end: netmon silence HOST --end", _USAGE)
    with sentences():
        if host is None:
            _list(_asked(config, socket, {"command": "silences"}), as_json=as_json)
        elif end:
            answer = _asked(config, socket, {"command": "unsilence", "host": host})
            _print_ended(answer, as_json=as_json)
        else:
            request = {"command": "silence", "host": host, "seconds": _seconds(str(duration))}
            answer = _asked(config, socket, request | {"why": why, "by": login()})
            _print_begun(answer, as_json=as_json)


def reload_command(config: ConfigFile = DEFAULT_CONFIG, *, socket: Socket = None) -> None:
    """Have the running agent read its config again: exit 0, or 78 and one line per mistake.

    With a mistake in it the config before stays in force.  Example:

        netmon reload --config /etc/netmon/netmon.yml
    """
    with sentences():
        answer = _asked(config, socket, {"command": "reload"}, _RELOAD_SECONDS)
    mistakes = answer.get("mistakes")
    if mistakes:
        for mistake in mistakes:
            typer.echo(shown(str(mistake)), err=True)
        raise typer.Exit(EX_CONFIG)
    typer.echo("the config was read again")


def login() -> str:
    """The name of the person who types, behind sudo too."""
    uid = os.getuid()
    if uid == 0 and os.environ.get("SUDO_USER"):
        return os.environ["SUDO_USER"]
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"


def _asked(
    config: Path, control: Path | None, request: Mapping[str, Any], seconds: float | None = None
) -> dict[str, Any]:
    if control is None:
        if not config.exists():
            raise NetmonError(
                f"{config} is not there. Name the agent's config: --config FILE, or its socket: --socket PATH"
            )
        control = state_path(config, os.environ) / NAME
    return ask(control, request) if seconds is None else ask(control, request, seconds=seconds)


def _seconds(text: str) -> float:
    try:
        return parse_duration(text)
    except PydanticCustomError as error:
        fail(f'"{shown(text)}" {error.message()}', _USAGE)


def _print_begun(answer: Mapping[str, Any], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(answer, indent=2))
    else:
        until = _clock(answer.get("until"))
        typer.echo(f"{_cell(answer, 'host')} is silenced until {until} ({_cell(answer, 'id')})")
    if answer.get("hosts") == 0:
        typer.echo("netmon: no host of the running config fits that pattern now", err=True)


def _print_ended(answer: Mapping[str, Any], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(answer, indent=2))
        return
    for silence in _entries(answer, "ended"):
        name, host, why = (_cell(silence, key) for key in ("id", "host", "why"))
        typer.echo(f"{host} is silenced no more ({name}: {why})")


def _list(answer: Mapping[str, Any], *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps(answer, indent=2))
        return
    rows = [
        (_cell(one, "id"), _cell(one, "host"), _left(one), _clock(one.get("until")), _cell(one, "by"),
         _cell(one, "why"))
        for one in _entries(answer, "silences")
    ] + [
        ("window", _cell(one, "name"), _left(one), _clock(one.get("until")), "config", _cell(one, "why"))
        for one in _entries(answer, "windows")
    ]  # fmt: skip
    if not rows:
        typer.echo("nothing is silenced")
    for line in _table([_HEAD, *rows]) if rows else ():
        typer.echo(line)


def _table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    wide = [max(len(row[column]) for row in rows) for column in range(len(_HEAD) - 1)]
    for row in rows:
        cells = [f"{cell:<{width}}" for cell, width in zip(row, wide, strict=False)]
        yield "  ".join([*cells, row[-1]]).rstrip()


def _entries(answer: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    found = answer.get(key)
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _cell(entry: Mapping[str, Any], key: str) -> str:
    return shown(str(entry.get(key, "")))


def _clock(wall: object) -> str:
    """A moment in this machine's civil time."""
    try:
        return time.strftime("%Y-%m-%d %H:%M", time.localtime(float(wall)))  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError, OSError):
        return "?"


def _left(entry: Mapping[str, Any]) -> str:
    """The two largest units: 1d4h, 59m30s."""
    left = entry.get("left")
    if not isinstance(left, int | float):
        return "?"
    parts: list[tuple[int, str]] = []
    rest = max(int(left), 0)
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m"), (1, "s")):
        number, rest = divmod(rest, size)
        if number or parts:
            parts.append((number, unit))
    return "".join(f"{number}{unit}" for number, unit in parts[:2] if number) or "0s"
