"""What README.md shows is run here as it stands there."""

import re
import subprocess
import sys
from pathlib import Path

from netmon.model import VerdictName

ROOT = Path(__file__).resolve().parents[2]
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)
ENV = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "SNMP_COMMUNITY": "public"}


def blocks(language: str, having: str) -> list[str]:
    """The code blocks of a language that hold a text; at least one."""
    found = [text for name, text in BLOCKS if name == language and having in text]
    assert found, f"README.md has no {language} block with {having}"
    return found


def netmon(*arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """The command line, in a folder."""
    return subprocess.run(
        [sys.executable, "-m", "netmon", *arguments],
        cwd=folder,
        env=ENV,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_its_make_targets_exist() -> None:
    """Every `make` command that it names is one."""
    named = set(re.findall(r"make ([a-z]+)", (ROOT / "README.md").read_text()))
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert {"run", "test", "check", "bench"} <= named <= targets


def test_its_config_is_valid(tmp_path: Path) -> None:
    """The example passes check-config with the environment that it speaks of."""
    (config,) = blocks("yaml", "hosts:")
    (tmp_path / "netmon.yml").write_text(config)
    done = netmon("check-config", "netmon.yml", folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


def test_its_first_commands(tmp_path: Path) -> None:
    """`init`, then `check-config`: what is written is valid as it stands."""
    (commands,) = blocks("sh", "netmon init")
    lines = [line.partition("#")[0].split() for line in commands.splitlines()]
    for words in lines[:2]:
        assert words[0] == ".venv/bin/netmon"
        done = netmon(*words[1:], folder=tmp_path)
        assert (done.returncode, done.stderr) == (0, "")
    assert lines[2][1:] == ["run", "--config", "netmon.yml"]


def test_its_prometheus_snippets(tmp_path: Path) -> None:
    """Prometheus's own checker takes them."""
    for number, snippet in enumerate(blocks("yaml", "scrape_configs:")):
        file = tmp_path / f"prometheus{number}.yml"
        file.write_text(snippet)
        subprocess.run(["promtool", "check", "config", str(file)], check=True, capture_output=True)


def test_its_verdicts_are_all() -> None:
    """The table names every verdict once."""
    text = (ROOT / "README.md").read_text()
    table = text[text.index("| verdict | when |") : text.index("(The table of listeners")]
    assert sorted(re.findall(r"`([a-z_]+)`", table)) == sorted(VerdictName)
