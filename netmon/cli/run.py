"""`netmon run`: the agent in the foreground."""

from pathlib import Path
from typing import Annotated

import typer

from netmon import logs
from netmon.cli.common import DEFAULT_CONFIG, EX_CONFIG, Verbose, fail, in_loop, sentences
from netmon.serving import run


def run_command(
    config: Annotated[
        Path, typer.Option("--config", "-c", readable=False, help="The config file; netmon init writes one.")
    ] = DEFAULT_CONFIG,
    *,
    verbose: Verbose = False,
) -> None:
    """Run the agent in the foreground.

    SIGHUP reads the config again; SIGTERM and Ctrl-C stop it.  Example:

        netmon run --config /etc/netmon/netmon.yml
    """
    if not config.exists():
        fail(
            f"{config} is not there. Write one with: netmon init; or see netmon at work: netmon demo",
            EX_CONFIG,
        )
    logs.configure(verbose=verbose)
    with sentences():
        in_loop(run(config))
