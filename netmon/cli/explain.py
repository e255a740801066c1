"""`netmon explain`: the texts of `netmon.explain`, and the metrics' own help, by name."""

import json
import textwrap
from collections.abc import Iterator
from dataclasses import asdict
from typing import Annotated

import typer

from netmon.cli.common import Json, did_you_mean, fail
from netmon.explain import Entry, Text, entries
from netmon.exposition.families import FAMILIES
from netmon.mib.modules import builtin_modules
from netmon.model import Family
from netmon.probes import PROBES
from netmon.snmp.ber import decode_oid

_WIDTH = 100


def known() -> Iterator[Entry]:
    """Everything that can be explained."""
    yield from entries(PROBES)
    families = (*FAMILIES, *(family for kind in PROBES.values() for family in kind.families))
    for family in dict.fromkeys(families):
        yield _metric(family, "")
    for module in builtin_modules().values():
        for metric in module.metrics:
            labels = ", ".join(("host", *metric.labelling.names))
            where = f" Object {decode_oid(metric.oid)} of the module {module.name}; labels: {labels}."
            yield _metric(metric.family, where)


def _metric(family: Family, more: str) -> Entry:
    text = family.help.removesuffix(".")
    return Entry("metric", family.name, Text(f"{text} ({family.kind}).{more}"))


def _complete(incomplete: str) -> list[str]:
    return sorted({entry.name for entry in known() if entry.name.startswith(incomplete)})


def explain_command(
    name: Annotated[
        str | None,
        typer.Argument(
            help="A reason, result, verdict, finding or metric; all where it is left out.",
            autocompletion=_complete,
        ),
    ] = None,
    *,
    as_json: Json = False,
) -> None:
    """Explain a name that netmon uses: what it means, what is likely behind it, what to do.

    For example:

        netmon explain mail_starved

        netmon explain netmon_check_lateness_seconds

        netmon explain --json
    """
    every = list(known())
    found = [entry for entry in every if name is None or entry.name == name]
    if name is not None and not found:
        near = did_you_mean(name, {entry.name for entry in every})
        fail(f'nothing is called "{name}"{near or "; netmon explain lists all names"}')
    if as_json:
        typer.echo(json.dumps([{"kind": e.kind, "name": e.name, **asdict(e.text)} for e in found], indent=2))
    elif name is None:
        typer.echo(_overview(found))
    else:
        typer.echo("\n\n".join(map(render, found)))


def _overview(found: list[Entry]) -> str:
    """One line a name, by kind; of the devices' metrics, which are hundreds, only that they are there."""
    lines: list[str] = []
    kind, wide = "", 0
    ours = [e for e in found if e.kind != "metric" or e.name.startswith("netmon_")]
    for entry in sorted(ours, key=lambda e: ("verdict result reason finding metric".index(e.kind), e.name)):
        if entry.kind != kind:
            kind = entry.kind
            wide = max(len(other.name) for other in ours if other.kind == kind)
            lines += ["", f"{kind}s"]
        means = textwrap.shorten(entry.text.means, max(_WIDTH - wide, 40), placeholder="...")
        lines.append(f"  {entry.name:<{wide}}  {means}")
    others = len(found) - len(ours)
    return "\n".join([*lines[1:], "", f"and {others} metrics of devices: netmon explain ifHCInOctets"])


def render(entry: Entry) -> str:
    """One explanation as text for a terminal."""
    lines = [f"{entry.name} ({entry.kind})", *_wrapped(entry.text.means, "  ", "  ")]
    for title, items in (("Likely:", entry.text.causes), ("To do:", entry.text.todo)):
        if items:
            lines.append(f"  {title}")
            lines += [line for item in items for line in _wrapped(item, "    - ", "      ")]
    return "\n".join(lines)


def _wrapped(text: str, first: str, rest: str) -> list[str]:
    return textwrap.wrap(
        text,
        _WIDTH,
        initial_indent=first,
        subsequent_indent=rest,
        break_on_hyphens=False,
        break_long_words=False,
    )
