"""What several commands share: options, loading the config, the event loop, errors as sentences."""

import asyncio
import contextlib
import os
import re
import sys
import threading
import time
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import Annotated, Any, Final, NoReturn, TypeVar

import typer

from netmon.config import Config, ConfigError
from netmon.errors import NetmonError
from netmon.loading import load_config
from netmon.mail.trail import printable
from netmon.mib.modules import builtin_modules

EX_CONFIG: Final = 78
DEFAULT_CONFIG: Final = Path("netmon.yml")
COMMUNITY_VARIABLE: Final = "NETMON_COMMUNITY"

LONGEST_NAME: Final = 40  # characters of a host's name in a table
_PATIENCE: Final = 2.0  # seconds after which people wonder whether anything happens
_MAX_PORT: Final = 65535
_PORT: Final = re.compile(r"[0-9]{1,5}")

T = TypeVar("T")

Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Log debugging lines too.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def open_config(path: Path) -> Config:
    """The config at `path`, for a command: the agent's secrets are not in everybody's environment.

    Raises NetmonError that names `netmon init` where there is no file, and later where a secret is used
    that could not be had.
    """
    if not path.exists():
        raise NetmonError(f"{path} is not there. Write one: netmon init; or name yours: --config FILE")
    return load_config(path, builtin_modules(), strict=False)


def complete_host(incomplete: str) -> list[str]:
    """The shell's completion for a host of ./netmon.yml."""
    try:
        config = load_config(DEFAULT_CONFIG, builtin_modules(), strict=False)
    except ConfigError:
        return []
    names = [*(entry.host.name for entry in config.hosts), *(domain.name for domain in config.domains)]
    return [name for name in names if name.startswith(incomplete)]


def in_loop(main: Coroutine[Any, Any, T]) -> T:
    """Run on uvloop where there is one."""
    with asyncio.Runner(loop_factory=_loop_factory()) as runner:
        return runner.run(main)


def _loop_factory() -> Any:
    try:
        import uvloop  # noqa: PLC0415 - absent where it has no build
    except ImportError:
        return None
    return uvloop.new_event_loop


def bad_config(error: ConfigError) -> NoReturn:
    """Print every mistake and exit 78."""
    for mistake in error.mistakes:
        typer.echo(str(mistake), err=True)
    raise typer.Exit(EX_CONFIG)


def fail(sentence: str, code: int = 1) -> NoReturn:
    """Print one sentence and exit."""
    typer.echo(f"netmon: {sentence}", err=True)
    raise typer.Exit(code)


@contextlib.contextmanager
def sentences() -> Iterator[None]:
    """What is raised on purpose, and by the system, becomes a sentence and an exit code."""
    try:
        yield
    except ConfigError as error:
        bad_config(error)
    except NetmonError as error:
        fail(str(error))
    except BrokenPipeError:
        raise  # whoever read has had enough: typer ends quietly
    except OSError as error:
        fail(error.strerror or str(error))


def shown(text: str) -> str:
    """Text from the network as one line of plain characters: no escape sequence reaches the terminal."""
    return printable(text.encode(errors="replace"))


def split_host_port(text: str) -> tuple[str, int | None]:
    """`sw1`, `sw1:1161`, `[::1]:1161` and a bare IPv6 address.  Raises NetmonError."""
    if text.count(":") > 1 and not text.startswith("["):
        return text, None
    host, colon, port = text.rpartition(":") if not text.endswith("]") else (text, "", "")
    if not colon:
        host = text
    elif not _PORT.fullmatch(port) or not 0 < int(port) <= _MAX_PORT:
        raise NetmonError(f'"{text}" is no target: wanted HOST, HOST:PORT or [IPV6]:PORT')
    return host.removeprefix("[").removesuffix("]"), int(port) if colon else None


@contextlib.contextmanager
def working(what: str, patience: float = _PATIENCE) -> Iterator[None]:
    """Say on a terminal that work goes on, and for how long, once it has taken `patience` seconds."""
    done = threading.Event()
    told = threading.Thread(target=_tell, args=(what, patience, done), daemon=True)
    if sys.stderr.isatty():
        told.start()
    try:
        yield
    finally:
        done.set()
        if told.ident is not None:
            told.join()


def _tell(what: str, patience: float, done: threading.Event) -> None:
    begun = time.monotonic()
    wait = patience
    while not done.wait(wait):
        wait = 1.0
        sys.stderr.write(f"\r{what}, {time.monotonic() - begun:.0f} s so far\x1b[K")
        sys.stderr.flush()
    if wait != patience:
        sys.stderr.write("\r\x1b[K")
        sys.stderr.flush()


def paints() -> bool:
    """Whether standard output is a terminal that shows colours, and nobody has said NO_COLOR."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def draws_blocks() -> bool:
    """Whether standard output can show block characters."""
    try:
        "█".encode(sys.stdout.encoding or "ascii")
    except (LookupError, UnicodeEncodeError):
        return False
    return True
