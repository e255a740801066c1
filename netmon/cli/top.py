"""`netmon top`: the hosts of a running agent in the terminal, worst first."""

import contextlib
import json
import shutil
import sys
import textwrap
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from http.client import HTTPException
from typing import Annotated, Any, Final

import typer

from netmon import __version__
from netmon.cli.common import LONGEST_NAME, Json, fail, paints, shown
from netmon.errors import NetmonError
from netmon.model import Result, VerdictName

_MOST: Final = 256 << 20  # bytes of an answer: a hundred thousand hosts
_PATIENCE: Final = 10.0  # seconds
_WORST_FIRST: Final = (
    VerdictName.HOST_DOWN, VerdictName.DEVICE_DOWN, VerdictName.MAIL_STARVED, VerdictName.MAIL_DOWN,
    VerdictName.PATH_FILTERED, VerdictName.MAIL_DEGRADED, VerdictName.AGENT_DOWN,
    VerdictName.DEVICE_DEGRADED, VerdictName.UNREACHABLE, VerdictName.UNKNOWN, VerdictName.HEALTHY,
)  # fmt: skip
_RANK: Final = {name.value: rank for rank, name in enumerate(_WORST_FIRST)}
_RED, _YELLOW, _GREEN, _DIM = "31", "33", "32", "2"
_COLOUR: Final = {
    **dict.fromkeys(_WORST_FIRST[:5], _RED),
    **dict.fromkeys(_WORST_FIRST[5:8], _YELLOW),
    **dict.fromkeys(_WORST_FIRST[8:10], _DIM),
    VerdictName.HEALTHY: _GREEN,
}
_HEAD: Final = ("HOST", "VERDICT", "SINCE", "LIFE", "SNMP", "MAIL", "WHY")
_NARROW: Final = 80
_ROOM: Final = 20  # columns in which a sentence can still be read


def top_command(
    url: Annotated[str, typer.Option(help="Where the agent serves its pages.")] = "http://127.0.0.1:9162",
    *,
    once: Annotated[bool, typer.Option("--once", help="Print once and end.")] = False,
    interval: Annotated[float, typer.Option(min=0.2, max=3600, help="Seconds between two looks.")] = 2.0,
    as_json: Json = False,
) -> None:
    """Show the hosts of a running agent, worst first, until Ctrl-C.

    Into a pipe it prints plain tables, one below the other.  Examples:

        netmon top

        netmon top --url http://127.0.0.1:9999 --once
    """
    tty = sys.stdout.isatty()
    try:
        if as_json:
            typer.echo(json.dumps(fetch(url), indent=2))
            return
        while True:
            _show(fetch(url), url, live=tty and not once)
            if once:
                return
            time.sleep(interval)
    except NetmonError as error:
        fail(str(error))
    except KeyboardInterrupt:
        return


def fetch(url: str) -> list[dict[str, Any]]:
    """The agent's hosts, worst first.  Raises NetmonError."""
    if not url.startswith(("http://", "https://")):
        raise NetmonError(f'"{url}" is no address of an agent: wanted http://HOST:PORT')
    # No proxy: an agent on loopback is not behind the one that the environment names.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    request = urllib.request.Request(  # noqa: S310 - the scheme was looked at
        url.rstrip("/") + "/api/hosts", headers={"User-Agent": f"netmon/{__version__}"}
    )
    try:
        with opener.open(request, timeout=_PATIENCE) as answer:
            data = answer.read(_MOST + 1)
    except urllib.error.HTTPError as error:
        error.close()
        raise NetmonError(f"{url} answers {error.code}; is it a netmon agent?") from None
    except (OSError, HTTPException, ValueError) as error:
        why = getattr(error, "reason", None) or error
        raise NetmonError(
            f"no agent answers at {url} ({shown(str(why))}). Start one: netmon run; or name it: --url"
        ) from None
    try:
        hosts = json.loads(data) if len(data) <= _MOST else None
    except (ValueError, RecursionError):
        hosts = None
    if not isinstance(hosts, list) or not all(isinstance(h, dict) and "verdict" in h for h in hosts):
        raise NetmonError(f"what {url} answers is no list of hosts; is it a netmon agent?")
    return sorted(hosts, key=lambda h: (_RANK.get(h["verdict"], -1), str(h.get("name"))))


def _show(hosts: Sequence[dict[str, Any]], url: str, *, live: bool) -> None:
    size = shutil.get_terminal_size((120, 40))
    width = max(size.columns, _NARROW)
    now = time.time()
    if not live:
        # Into a pipe a host is one line, whatever its length; a person reads on below its beginning.
        fold = width if sys.stdout.isatty() else None
        typer.echo("\n".join(table(hosts, now, width=fold, wrap=True, colour=paints())))
        return
    bad = sum(host["verdict"] != VerdictName.HEALTHY for host in hosts)
    room = max(size.lines - 4, 1)
    lines = [f"{shown(url)}   {len(hosts)} hosts, {bad} not healthy   {time.strftime('%H:%M:%S')}", ""]
    lines += table(hosts[:room], now, width=width, colour=paints())
    if len(hosts) > room:
        lines.append(f"and {len(hosts) - room} more")
    # Home, each line to its end, then what is below: no flicker, and no trace of a longer table before.
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.write("\x1b[H" + "".join(f"{line}\x1b[K\n" for line in lines) + "\x1b[J")
        sys.stdout.flush()


def table(
    hosts: Sequence[dict[str, Any]],
    now: float,
    *,
    width: int | None,
    wrap: bool = False,
    colour: bool = False,
) -> Iterator[str]:
    """The lines; `width` cuts them, or with `wrap` has the sentence go on below; None leaves them whole."""
    rows = [_HEAD, *(_row(host, now) for host in hosts)]
    if width is not None:
        # Why a host is as it is says more than the end of its name.
        most = max(width // 4, len(_HEAD[0]))
        rows = [(_cut(row[0], most), *row[1:]) for row in rows]
    wide = [max(len(row[column]) for row in rows) for column in range(len(_HEAD) - 1)]
    for number, row in enumerate(rows):
        cells = [f"{cell:<{wide[column]}}" for column, cell in enumerate(row[:-1])]
        before = "  ".join([*cells, ""])
        paint = _COLOUR.get(row[1].partition(" ")[0]) if number and colour else None  # type: ignore[call-overload]
        for text in _fitting(before, row[-1], width, wrap=wrap):
            yield f"\x1b[{paint}m{text}\x1b[0m" if paint else text


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}~"


def _fitting(before: str, sentence: str, width: int | None, *, wrap: bool) -> Sequence[str]:
    """The row as lines of the terminal; where names leave no room for a sentence below, it is cut."""
    text = f"{before}{sentence}".rstrip()
    if width is None or len(text) <= width:
        return [text]
    room = width - len(before)
    if not wrap or room < _ROOM:
        return [f"{text[: width - 1]}~"]
    first, *others = textwrap.wrap(sentence, room) or [""]
    return [before + first, *(" " * len(before) + line for line in others)]


def _row(host: dict[str, Any], now: float) -> tuple[str, ...]:
    alive = host.get("alive")
    since = host.get("since")
    return (
        shown(str(host.get("name", "")))[:LONGEST_NAME],
        _verdict(host),
        _ago(now - since) if isinstance(since, int | float) else "-",
        "yes" if alive else "-" if alive is None else "no",
        _side(host.get("snmp")),
        _side(host.get("mail")),
        shown(str(host.get("sentence", ""))),
    )


def _verdict(host: dict[str, Any]) -> str:
    """The confirmed one, and what the latest runs say where that is another."""
    verdict, candidate = str(host["verdict"]), str(host.get("candidate") or host["verdict"])
    return shown(verdict if candidate == verdict else f"{verdict} ({candidate}?)")


def _side(checks: object) -> str:
    """`ok`, or how many of a side's checks are, or `-` where there are none."""
    results = [c.get("result") for c in checks if isinstance(c, dict)] if isinstance(checks, list) else []
    good = results.count(Result.OK.value)
    if not results:
        return "-"
    if good == len(results):
        return "ok"
    return f"{good}/{len(results)} ok" if len(results) > 1 else shown(str(results[0] or "-"))


def _ago(seconds: float) -> str:
    for size, unit in ((86400, "d"), (3600, "h"), (60, "m")):
        if seconds >= size:
            return f"{seconds / size:.0f}{unit}"
    return f"{max(seconds, 0):.0f}s"
