"""`netmon explain`: the texts of `netmon.explain`, and the metrics' own help, by name."""

import json
from typing import Annotated

import typer

from netmon.cli.common import Json, fail
from netmon.explain.render import as_json as to_json
from netmon.explain.render import as_markdown, as_text, metrics_as_markdown, overview_as_text
from netmon.loading import explained
from netmon.mib.modules import builtin_modules
from netmon.wording import did_you_mean


def _complete(incomplete: str) -> list[str]:
    known = explained(builtin_modules())
    return sorted({entry.name for entry in known if entry.name.startswith(incomplete)})


def explain_command(
    name: Annotated[
        str | None,
        typer.Argument(
            help="An alert, verdict, finding, result, reason, silence or metric; all where it is left out.",
            autocompletion=_complete,
        ),
    ] = None,
    *,
    as_json: Json = False,
    metrics: Annotated[
        bool,
        typer.Option("--metrics", help="Print a table of metrics, as docs/metrics.md is made."),
    ] = False,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Print Markdown, as docs/explain.md is made.")
    ] = False,
) -> None:
    """Explain a name that netmon uses: what it means, what is likely behind it, what to do.

    For example:

        netmon explain mail_starved

        netmon explain NetmonMailDown

        netmon explain netmon_check_lateness_seconds

        netmon explain --json
    """
    every = explained(builtin_modules())
    found = [entry for entry in every if name is None or entry.name == name]
    if name is not None and not found:
        near = did_you_mean(name, {entry.name for entry in every})
        fail(f'nothing is called "{name}"{near or "; netmon explain lists all names"}')
    if as_json:
        typer.echo(json.dumps(to_json(found), indent=2))
    elif metrics:
        typer.echo(metrics_as_markdown(found))
    elif markdown:
        typer.echo(as_markdown(found))
    elif name is None:
        typer.echo(overview_as_text(found, "netmon explain ifHCInOctets"))
    else:
        typer.echo("\n\n".join(map(as_text, found)))
