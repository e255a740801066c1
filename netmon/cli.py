"""The command line: reads arguments, calls the agent, turns errors into sentences and exit codes.

Exit codes: 0 done, 1 could not, 2 wrong arguments, 78 bad config (EX_CONFIG of sysexits.h).
"""

import asyncio
import json
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any, Final, NoReturn

import typer

from netmon import __version__, logs
from netmon.agent import load_config, run
from netmon.config import ConfigError, schema, starter
from netmon.demo.run import DEMO_HELP, Wanted, demo
from netmon.errors import NetmonError
from netmon.mib.modules import builtin_modules
from netmon.probes import PROBES

EX_CONFIG: Final = 78

app = typer.Typer(
    name="netmon",
    help="Says why the mail is down: polls SNMP, talks to mail servers, and judges each host by both.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,  # its tracebacks would print local variables, secrets among them
    rich_markup_mode=None,
)

ConfigPath = Annotated[Path, typer.Option("--config", "-c", help="The config file.")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Log debugging lines too.")]


def _version(wanted: bool) -> None:  # noqa: FBT001 - typer's callback
    if wanted:
        typer.echo(f"netmon {__version__}")
        raise typer.Exit


@app.callback()
def _main(
    *,
    _version_: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    pass


@app.command("run")
def run_command(config: ConfigPath = Path("netmon.yml"), *, verbose: Verbose = False) -> None:
    """Run the agent in the foreground.

    SIGHUP reads the config again; SIGTERM and Ctrl-C stop it.  Example:

        netmon run --config /etc/netmon/netmon.yml
    """
    logs.configure(verbose=verbose)
    _in_loop(run(config))


@app.command("demo", help=DEMO_HELP)
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
    logs.configure(verbose=verbose)
    _in_loop(demo(Wanted(listen, fast, scenario, seed, tuple(device or ())), typer.echo))


@app.command("init")
def init_command(folder: Annotated[Path, typer.Argument(help="Where to write netmon.yml.")] = Path()) -> None:
    """Write a commented starter config, DIR/netmon.yml."""
    target = folder / "netmon.yml"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with target.open("x", encoding="utf-8") as file:
            file.write(starter())
    except FileExistsError:
        _fail(f"{target} is there already and was left as it is; name another folder: netmon init DIR")
    except OSError as error:
        _fail(f"{target} cannot be written: {error.strerror}")
    typer.echo(f"{target} is written. Edit its hosts, then: netmon run --config {target}")


@app.command("check-config")
def check_config_command(
    file: Annotated[Path, typer.Argument(help="The config file.")] = Path("netmon.yml"),
) -> None:
    """Check a config without touching the network: exit 0, or 78 and one line per mistake."""
    try:
        config = load_config(file, builtin_modules())
    except ConfigError as error:
        _bad_config(error)
    checks = sum(len(host.probes) for host in config.hosts)
    typer.echo(f"{file}: fine, {len(config.hosts)} hosts with {checks} checks")


@app.command("schema")
def schema_command() -> None:
    """Print the JSON Schema of the config, for editors."""
    typer.echo(json.dumps(schema(PROBES), indent=2))


def main() -> None:
    """The console script."""
    app()


def _in_loop(main_: Coroutine[Any, Any, None]) -> None:
    """Run on uvloop where there is one, and give errors as sentences."""
    try:
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(main_)
    except ConfigError as error:
        _bad_config(error)
    except NetmonError as error:
        _fail(str(error))
    except OSError as error:
        _fail(error.strerror or str(error))


def _loop_factory() -> Any:
    try:
        import uvloop  # noqa: PLC0415 - absent where it has no build
    except ImportError:
        return None
    return uvloop.new_event_loop


def _bad_config(error: ConfigError) -> NoReturn:
    for mistake in error.mistakes:
        typer.echo(str(mistake), err=True)
    raise typer.Exit(EX_CONFIG)


def _fail(sentence: str) -> NoReturn:
    typer.echo(f"netmon: {sentence}", err=True)
    raise typer.Exit(1)
