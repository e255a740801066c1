"""Calls `netmon` in this process."""

from typer.testing import CliRunner, Result

from netmon.cli import app


def call(*arguments: str, **env: str) -> Result:
    """`netmon` with these arguments and environment variables."""
    return CliRunner().invoke(app, list(arguments), env={"NETMON_COMMUNITY": None, **env})
