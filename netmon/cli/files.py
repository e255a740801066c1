"""`netmon init`, `check-config`, `schema`: the config file, without an agent."""

import json
from pathlib import Path
from typing import Annotated

import typer

from netmon.cli.common import DEFAULT_CONFIG, EX_CONFIG, bad_config, fail, shown
from netmon.cli.mib import library_of
from netmon.config import ConfigError, schema, starter
from netmon.config.reference import as_markdown
from netmon.loading import load_config
from netmon.mib.modules import builtin_modules
from netmon.mib.node import MibError
from netmon.probes import PROBES
from netmon.status.text import plural
from netmon.traps.rules import mistakes as rule_mistakes


def init_command(folder: Annotated[Path, typer.Argument(help="Where to write netmon.yml.")] = Path()) -> None:
    """Write a commented starter config, DIR/netmon.yml; an existing one is left alone.

    For example:

        netmon init /etc/netmon
    """
    target = folder / "netmon.yml"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with target.open("x", encoding="utf-8") as file:
            file.write(starter())
    except FileExistsError:
        fail(f"{target} is there already and was left as it is; name another folder: netmon init DIR")
    except OSError as error:
        fail(f"{target} cannot be written: {error.strerror}")
    typer.echo(f"{target} is written. Edit its hosts, then: netmon run --config {target}")


def check_config_command(
    file: Annotated[Path, typer.Argument(help="The config file.", readable=False)] = DEFAULT_CONFIG,
) -> None:
    """Check a config without touching the network: exit 0, or 78 and one line per mistake.

    For example:

        netmon check-config /etc/netmon/netmon.yml
    """
    if not file.exists():
        fail(f"{file} is not there. Write one with: netmon init", EX_CONFIG)
    hints: list[str] = []
    try:
        config = load_config(file, builtin_modules(), hints=hints)
    except ConfigError as error:
        bad_config(error)
    for line in [*(f"{file}: {notice}" for notice in config.notices), *hints]:
        typer.echo(line, err=True)
    library = library_of(
        config
    )  # tells what is wrong with the MIBs of mib_dirs; none is a mistake of the config
    if config.traps is not None:
        rules = {name: entry.rule() for name, entry in config.traps.rules.items()}
        for place, sentence in rule_mistakes(rules, library.tree):
            typer.echo(f"{file}: traps.rules: {shown(place)}: {shown(sentence)}", err=True)
    for name in config.settings.allow:
        try:
            library.tree.parse(name)
        except MibError as error:
            typer.echo(f"{file}: settings.allow: {shown(str(error))}", err=True)
    counts = [
        plural(len(config.hosts), "host"),
        plural(sum(len(host.probes) for host in config.hosts), "check"),
        *([plural(len(config.domains), "domain")] if config.domains else []),
        *([plural(len(config.mailflows), "mailflow")] if config.mailflows else []),
    ]
    typer.echo(f"{file}: fine, {', '.join(counts)}")


def schema_command(
    *,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Print Markdown, as docs/config.md is made.")
    ] = False,
) -> None:
    """Print the JSON Schema of the config, for editors.

    For example:

        netmon schema > netmon.schema.json
    """
    found = schema(PROBES)
    typer.echo(as_markdown(found) if markdown else json.dumps(found, indent=2))
