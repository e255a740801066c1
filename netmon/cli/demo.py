"""`netmon demo`: the agent on a simulated company."""

from typing import Annotated

import typer

from netmon import logs
from netmon.cli.common import Verbose, fail, in_loop
from netmon.demo.run import demo
from netmon.errors import NetmonError


def demo_command(
    listen: Annotated[str, typer.Option(help="Where the status page listens.")] = "127.0.0.1:9162",
    *,
    verbose: Verbose = False,
) -> None:
    """Run the agent on simulated devices and a real small mail server, all on loopback.

    Nothing else has to be installed or configured.  Ctrl-C ends everything.  Example:

        netmon demo --listen 127.0.0.1:9999
    """
    logs.configure(verbose=verbose)
    try:
        in_loop(
            demo(
                listen, lambda url: typer.echo(f"\n  The status page is at {url}\n  Ctrl-C ends the demo.\n")
            )
        )
    except (NetmonError, OSError) as error:
        fail(str(error))
