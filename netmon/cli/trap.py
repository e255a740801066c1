"""`netmon trap send|tail`: the commands about traps and informs, put together."""

import typer

from netmon.cli import trap_send, trap_tail

trap_app = typer.Typer(
    help="Send traps and informs, and follow those that the agent accepted.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
trap_app.command("send")(trap_send.send_command)
trap_app.command("tail")(trap_tail.tail_command)
