"""What the compiled wheel must not meet: interpreted subclasses of classes that are compiled there."""

import ast
import tomllib
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[3]


def classes(path: Path) -> Iterator[ast.ClassDef]:
    """The classes of a module."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ClassDef):
            yield node


def test_nothing_interpreted_inherits_from_what_is_compiled() -> None:
    """mypyc refuses that when the class is used; a checkout, which is never compiled, would not show it."""
    hooks = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]["wheel"]
    compiled = {ROOT / name for name in hooks["hooks"]["custom"]["modules"]}
    # Of errors and records that only inherit from the standard library's or pydantic's there is no matter.
    native = {each.name for path in compiled for each in classes(path) if not each.bases}
    assert native
    wrong = [
        f"{path.relative_to(ROOT)}: {each.name}({base.id})"
        for path in (ROOT / "netmon").rglob("*.py")
        if path not in compiled and imported(path, compiled)
        for each in classes(path)
        for base in each.bases
        if isinstance(base, ast.Name) and base.id in native & imported(path, compiled)
    ]
    assert not wrong


def imported(path: Path, compiled: set[Path]) -> set[str]:
    """The names that a module has from compiled ones."""
    modules = {".".join(one.relative_to(ROOT).with_suffix("").parts) for one in compiled}
    return {
        alias.asname or alias.name
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and node.module in modules
        for alias in node.names
    }
