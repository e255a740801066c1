"""The optional compilation of hot modules: what it names exists, and nothing compiled lies in a checkout."""

import tomllib
from pathlib import Path

import netmon.snmp.ber
from netmon.compiled import COMPILED

ROOT = Path(__file__).resolve().parents[2]


def test_every_module_to_compile_exists() -> None:
    """A module that is renamed must be renamed in the build too, or it is silently interpreted."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    modules = project["tool"]["hatch"]["build"]["targets"]["wheel"]["hooks"]["custom"]["modules"]
    assert "netmon/compiled.py" in modules
    assert [name for name in modules if not (ROOT / name).is_file()] == []


def test_netmon_says_truly_whether_it_is_compiled() -> None:
    """The word stands for all modules that are compiled together."""
    assert COMPILED is not netmon.snmp.ber.__file__.endswith(".py")


def test_nothing_compiled_lies_beside_the_sources() -> None:
    """It would be imported in their stead, however old."""
    assert list((ROOT / "netmon").rglob("*.so")) == []
