"""`netmon mib list|find|compile`: what the known MIBs define, and what is wrong with users' own."""

import contextlib
import json
import os
import re
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from netmon.cli.common import DEFAULT_CONFIG, Json, fail, open_config, sentences, shown, working
from netmon.config import Config
from netmon.errors import NetmonError
from netmon.mib.library import Library, load
from netmon.mib.node import Type
from netmon.mib.text_compiler import compile_places
from netmon.mib.tree import MibError, Node, Tree
from netmon.status.text import plural

_MOST: Final = 200  # nodes that one search shows
_FEW: Final = 3  # found nodes that are shown in full
_OBJECTS: Final = frozenset({"scalar", "column"})
_OID: Final = re.compile(r"\.?[0-9]+(\.[0-9]+)*")

ConfigFile = Annotated[
    Path | None, typer.Option("--config", readable=False, help="Whose mib_dirs; netmon.yml if it is there.")
]


def library_of(config: Config | None) -> Library:
    """The shipped MIBs and those of the config's `mib_dirs`; mistakes go to standard error, one line each."""
    if config is None or not config.mib_dirs:
        return load(())
    library = load(config.mib_dirs, _cache_folder(config))
    for mistake in library.mistakes:
        typer.echo(f"netmon: {shown(str(mistake))}", err=True)
    return library


def _cache_folder(config: Config) -> Path | None:
    """The agent's own folder for whom it belongs to; for anybody else that user's cache."""
    with contextlib.suppress(OSError):
        if config.state.path.stat().st_uid == os.geteuid():
            return config.state.path / "cache"
    with contextlib.suppress(RuntimeError):  # no home
        return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "netmon"
    return None


def _library(config: Path | None) -> Library:
    wanted = config is not None or DEFAULT_CONFIG.exists()
    return library_of(open_config(config or DEFAULT_CONFIG) if wanted else None)


def list_command(*, config: ConfigFile = None, as_json: Json = False) -> None:
    """List the MIB modules that netmon knows, with how many objects and notifications each defines.

    For example:

        netmon mib list
    """
    with sentences():
        tree = _library(config).tree
    rows = [
        {
            "module": module,
            "objects": sum(node.kind in _OBJECTS for node in tree.nodes(module)),
            "notifications": sum(node.kind == "notification" for node in tree.nodes(module)),
        }
        for module in sorted(tree.modules())
    ]
    if as_json:
        typer.echo(json.dumps(rows, indent=2))
        return
    width = max(len(str(row["module"])) for row in rows)
    for row in rows:
        typer.echo(f"{row['module']!s:{width}}  {row['objects']:>5} objects  {row['notifications']:>3} traps")


def find_command(
    query: Annotated[
        str, typer.Argument(help="A name, MODULE::name, an OID, a part of a name or an expression.")
    ],
    *,
    config: ConfigFile = None,
    as_json: Json = False,
) -> None:
    """Find objects by name, OID or part of a name; both ways. Exit 1 if there is none.

    For example:

        netmon mib find ifOperStatus

        netmon mib find 1.3.6.1.2.1.31.1.1.1.18.3

        netmon mib find 'nsExtendOutputFull."netmon-mailq"'

        netmon mib find '^ifHC.*Octets$' --json
    """
    with sentences():
        tree = _library(config).tree
        found = _search(tree, query)
    if as_json:
        typer.echo(json.dumps([_record(tree, node, oid) for node, oid in found], indent=2))
    elif len(found) <= _FEW:
        typer.echo("\n\n".join("\n".join(_lines(tree, node, oid)) for node, oid in found))
    else:
        for node, _ in found[:_MOST]:
            typer.echo(f"{node.full_name}  {_dotted(node.oid)}  {node.kind}")
        if len(found) > _MOST:
            typer.echo(f"netmon: {len(found) - _MOST} more are not shown", err=True)


def _search(tree: Tree, query: str) -> list[tuple[Node, tuple[int, ...]]]:
    """Nodes with the OID asked for, which may go on behind the node's.  Raises NetmonError if none fits."""
    try:
        node, oid = tree.parse(query)
    except MibError as error:
        if _OID.fullmatch(query):
            raise
        return _matching(tree, query, error)
    if node is None:
        raise NetmonError(f"no known MIB defines {query[:120]} or anything above it")
    return [(node, oid)]


def _matching(tree: Tree, query: str, error: MibError) -> list[tuple[Node, tuple[int, ...]]]:
    try:
        pattern = re.compile(query, re.IGNORECASE)
    except re.error as wrong:
        raise NetmonError(f'"{query[:80]}" is neither a name nor an expression: {wrong}') from None
    seen: dict[tuple[int, ...], Node] = {}
    for node in tree.nodes():
        if pattern.search(node.name) or pattern.fullmatch(node.full_name):
            seen.setdefault(node.oid, node)
    if not seen:
        raise error
    return [(node, node.oid) for node in sorted(seen.values(), key=lambda node: node.oid)]


def _dotted(oid: tuple[int, ...]) -> str:
    return ".".join(map(str, oid))


def _lines(tree: Tree, node: Node, oid: tuple[int, ...]) -> Iterator[str]:
    yield node.full_name if oid == node.oid else tree.name_of(oid)
    yield f"  OID      {_dotted(oid)}"
    yield f"  kind     {', '.join(filter(None, (node.kind, node.access, node.status)))}"
    if node.type is not None:
        yield f"  syntax   {syntax_text(node.type)}"
        if node.type.hint:
            yield f"  hint     {node.type.hint}"
    if node.units:
        yield f"  units    {node.units}"
    for index in node.indexes:
        yield f"  index    {index.name}, {syntax_text(index.type)}{', implied' if index.implied else ''}"
    for name in node.objects:
        yield f"  carries  {name}"


def syntax_text(kind: Type) -> str:
    """`TruthValue = INTEGER {true(1), false(2)}`, `DisplayString = OCTET STRING (SIZE (0..64))`."""
    text = kind.base if kind.name == kind.base else f"{kind.name} = {kind.base}"
    if kind.enums:
        return text + " {" + ", ".join(f"{name}({number})" for number, name in kind.enums.items()) + "}"
    if not kind.ranges:
        return text
    limits = " | ".join(str(low) if low == high else f"{low}..{high}" for low, high in kind.ranges)
    return f"{text} (SIZE ({limits}))" if kind.base in {"OCTET STRING", "Opaque"} else f"{text} ({limits})"


def _record(tree: Tree, node: Node, oid: tuple[int, ...]) -> dict[str, Any]:
    record = asdict(node)
    return record | {"oid": _dotted(node.oid), "instance": None if oid == node.oid else tree.name_of(oid)}


def compile_command(
    places: Annotated[list[Path], typer.Argument(metavar="DIR_OR_FILE...", help="MIB text.")],
    *,
    as_json: Json = False,
) -> None:
    """Check MIB modules of your own: exit 0, or 1 and one line for each mistake, with file and line.

    What they import is looked for in the same places and among netmon's own. Folders that are fine go
    into the config: mib_dirs: [DIR].

    For example:

        netmon mib compile mibs/
    """
    with sentences(), working("compiling MIBs"):
        compiled = compile_places(places)
    modules = {name: len(rows) for name, rows in sorted(compiled.definitions.modules.items())}
    if as_json:
        mistakes = [{"file": str(m.path), "line": m.line, "message": m.message} for m in compiled.mistakes]
        typer.echo(json.dumps({"modules": modules, "mistakes": mistakes}, indent=2))
        raise typer.Exit(1 if mistakes else 0)
    for mistake in compiled.mistakes:
        typer.echo(shown(str(mistake)), err=True)
    for name, count in modules.items():
        typer.echo(f"{name}: fine, {count} names")
    if not modules and not compiled.mistakes:
        fail(f"there is no MIB text in {', '.join(map(str, places))}")
    if compiled.mistakes:
        fail(f"{plural(len(compiled.mistakes), 'mistake')}; modules that are not named as fine are left out")
