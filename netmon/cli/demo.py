"""`netmon demo`: the agent on a simulated company."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from netmon import logs
from netmon.cli.common import Verbose, in_loop, sentences
from netmon.demo.run import Wanted, demo


def demo_command(
    listen: Annotated[str, typer.Option(help="Where the status page listens.")] = "127.0.0.1:9162",
    *,
    fast: Annotated[
        bool, typer.Option("--fast", help="Three times as quick; checks run every second.")
    ] = False,
    scenario: Annotated[str, typer.Option(metavar="NAME", help="Show one fault only: see above.")] = "",
    seed: Annotated[
        int, typer.Option(help="Other numbers give other traffic, and later rounds another order.")
    ] = 1,
    device: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="Replay a .snmprec or .snmprec.bz2 capture as one more device."),
    ] = None,
    verbose: Verbose = False,
) -> None:
    """Run the agent on a simulated company whose faults come and go, all on loopback."""
    # A person at a terminal wants the story; the log would drown it.
    person = sys.stderr.isatty() and not verbose
    logs.configure(verbose=verbose, quiet=person)
    with sentences():
        wanted = Wanted(listen, fast, scenario, seed, tuple(device or ()), verdicts=person)
        in_loop(demo(wanted, typer.echo))
