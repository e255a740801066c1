"""`netmon modules`: what comes with netmon, and when `modules: auto` chooses it."""

import json
from dataclasses import asdict
from typing import Annotated

import typer

from netmon.cli.common import Json
from netmon.mib.auto import shipped_rows
from netmon.mib.catalog import as_markdown, as_text, catalog
from netmon.mib.modules import builtin_modules


def modules_command(
    *,
    as_json: Json = False,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Print Markdown, as docs/modules.md is made.")
    ] = False,
) -> None:
    """List the modules that come with netmon: what each reads and when `modules: auto` chooses it."""
    modules, rows = builtin_modules(), shipped_rows()
    if as_json:
        typer.echo(json.dumps([asdict(entry) for entry in catalog(modules, rows)], indent=2))
    else:
        typer.echo((as_markdown if markdown else as_text)(modules, rows))
