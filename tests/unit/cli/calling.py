"""Calls `netmon` in this process."""

from typer.testing import CliRunner, Result

from netmon.cli import app


def call(*arguments: str, colours: bool = False, **env: str) -> Result:
    """`netmon` with these arguments and environment variables; escape sequences stay in with `colours`."""
    return CliRunner().invoke(app, list(arguments), env={"NETMON_COMMUNITY": None, **env}, color=colours)
