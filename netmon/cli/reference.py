"""docs/cli.md: the help of every command, as it prints it; `python -m netmon.cli.reference` makes it."""

import sys
from collections.abc import Iterator
from typing import Any, Final

import typer
from typer.core import TyperGroup

from netmon.cli import app

_WIDTH: Final = 100
_HEAD: Final = """\
# The command line

Made by `python -m netmon.cli.reference`: change the commands' own help, not this file. Exit codes are
0: done, 1: it could not, 2: wrong arguments, 78: a config with mistakes; `netmon probe` has those of a
Nagios plugin."""


def as_markdown() -> str:
    """A section for each command, in the order of `netmon --help`."""
    return "\n".join([_HEAD, *_sections(typer.main.get_command(app), "netmon", None)])


def _sections(command: Any, name: str, above: typer.Context | None) -> Iterator[str]:
    context = command.context_class(
        command, above, info_name=name, terminal_width=_WIDTH, max_content_width=_WIDTH, color=False
    )
    told = "\n".join(line.rstrip() for line in command.get_help(context).splitlines())
    yield f"\n## `{context.command_path}`\n\n```text\n{told}\n```"
    if isinstance(command, TyperGroup):
        for child in command.list_commands(context):
            yield from _sections(command.get_command(context, child), child, context)


if __name__ == "__main__":
    sys.stdout.write(f"{as_markdown()}\n")
