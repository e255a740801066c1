"""The command line: one file for each group of commands; here they are put together.

Commands read arguments, call the parts that do the work, and turn errors into sentences and exit
codes: 0 done, 1 could not, 2 wrong arguments, 78 bad config (EX_CONFIG of sysexits.h).  `probe` alone
exits as a Nagios plugin does.
"""

import sys
from typing import Annotated, TextIO

import typer

from netmon import __version__
from netmon.cli import (
    demo,
    explain,
    files,
    imports,
    mib,
    modules,
    probe,
    report,
    run,
    silence,
    snmp,
    snmp_set,
    top,
    trap,
)
from netmon.compiled import COMPILED
from netmon.demo.run import DEMO_HELP

app = typer.Typer(
    name="netmon",
    help="Says why the mail is down: polls SNMP, talks to mail servers, and judges each host by both.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,  # its tracebacks would print local variables, secrets among them
    rich_markup_mode=None,
)
snmp_app = typer.Typer(
    help="Ask an SNMP agent by hand, as snmpget and snmpbulkwalk do, and change what the config allows.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

mib_app = typer.Typer(
    help="Look names and OIDs up in MIBs, and check MIBs of your own.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

app.command("run")(run.run_command)
app.command("demo", help=DEMO_HELP)(demo.demo_command)
app.command("init")(files.init_command)
app.command("check-config")(files.check_config_command)
app.command("schema")(files.schema_command)
app.command("import")(imports.import_command)
app.command("modules")(modules.modules_command)
app.command("probe", cls=probe.PluginCommand)(probe.probe_command)
snmp_app.command("get")(snmp.get_command)
snmp_app.command("walk")(snmp.walk_command)
snmp_app.command("set")(snmp_set.set_command)
app.add_typer(snmp_app, name="snmp")
mib_app.command("list")(mib.list_command)
mib_app.command("find")(mib.find_command)
mib_app.command("compile")(mib.compile_command)
app.add_typer(mib_app, name="mib")
app.add_typer(trap.trap_app, name="trap")
app.command("silence")(silence.silence_command)
app.command("reload")(silence.reload_command)
app.command("report")(report.report_command)
app.command("top")(top.top_command)
app.command("explain")(explain.explain_command)


def _version(wanted: bool) -> None:  # noqa: FBT001 - typer's callback
    if wanted:
        typer.echo(f"netmon {__version__}{' (compiled)' if COMPILED else ''}")
        raise typer.Exit


@app.callback()
def _main(
    *,
    _version_: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    pass


def main() -> None:
    """The console script."""
    for stream in (sys.stdout, sys.stderr):
        _never_fail(stream)
    app()


def _never_fail(stream: TextIO) -> None:
    """A terminal or a pipe that is not UTF-8 shows an escape rather than ending the command."""
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="backslashreplace")
