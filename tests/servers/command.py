"""`netmon` as users call it, but for the second that a new Python takes to start."""

import contextlib
import os
from dataclasses import dataclass
from pathlib import Path

from typer.testing import CliRunner

from netmon.cli import app


@dataclass(frozen=True)
class Done:
    """A command that has ended."""

    returncode: int
    stdout: str
    stderr: str


def netmon(*arguments: str, folder: Path | None = None, **env: str) -> Done:
    """The command with these arguments, in a folder: its output and its exit code.

    What it does not catch itself is raised here.
    """
    hidden: dict[str, str | None] = {name: None for name in os.environ if name.startswith("NETMON_")}
    with contextlib.chdir(folder or Path.cwd()):
        done = CliRunner().invoke(app, list(arguments), env=hidden | env)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return Done(done.exit_code, done.stdout, done.stderr)
