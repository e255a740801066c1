"""What README.md and the pages of docs/ show is valid; their commands are run by test_docs_commands.py."""

import asyncio
import re
import shlex
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.core import TyperGroup
from typer.testing import CliRunner

from netmon.cli import app
from netmon.demo.company import Company
from netmon.model import VerdictName
from tests.servers.agent import agent

ROOT = Path(__file__).resolve().parents[2]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
BLOCKS = [
    (page.name, *block)
    for page in PAGES
    for block in re.findall(r"^```(\w*)\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)
]
PROBES = {"PROBE": "probe-secret", "CANARY_PASSWORD": "canary-secret", "TRAP_COMMUNITY": "trap-secret"}
TOKENS = {"PAGER_TOKEN": "a", "CHAT_TOKEN": "b", "BEATS_TOKEN": "c"}
SECRETS = {"SNMP_AUTH": "auth-secret", "SNMP_PRIV": "priv-secret"}
ENV = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "SNMP_COMMUNITY": "public", **SECRETS, **PROBES, **TOKENS}


def blocks(language: str, having: str) -> list[str]:
    """The code blocks of a language that hold a text; at least one."""
    found = [text for _, name, text in BLOCKS if name == language and having in text]
    assert found, f"no page has a {language} block with {having}"
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


def test_its_first_config_is_one() -> None:
    """README.md shows one config with hosts, so that nobody wonders which to take."""
    assert (
        sum(page == "README.md" and name == "yaml" and "hosts:" in text for page, name, text in BLOCKS) == 1
    )


CONFIGS = [
    pytest.param(text, id=f"{page}-{number}")
    for number, (page, name, text) in enumerate(BLOCKS)
    if name == "yaml" and "scrape_configs:" not in text
]


@pytest.mark.parametrize("text", CONFIGS)
def test_each_config_is_valid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """Every config, section and entry that a page shows is taken, with the environment that it speaks of."""
    monkeypatch.chdir(tmp_path)
    for name, value in ENV.items():
        monkeypatch.setenv(name, value)
    (tmp_path / "snmp.yml").write_text("modules: {own: {walk: [1.3.6.1.2.1.1]}}\n")
    written = f"hosts:\n  - name: host\n    address: 192.0.2.1\n{_entry(text)}" if _is_entry(text) else text
    if "hosts:" not in written:
        written = f"hosts: [{{name: sw1, ping: true}}]\n{written}"
    if "auths:" not in written:
        levels = "username: netmon, security_level: authNoPriv, password: auth-secret"
        written += f"\nauths: {{lab: {{community: public}}, core: {{version: 3, {levels}}}}}\n"
    (tmp_path / "netmon.yml").write_text(written)
    done = CliRunner().invoke(app, ["check-config", "netmon.yml"])
    assert done.exit_code == 0, done.output


def _is_entry(text: str) -> bool:
    """Whether the block is a part of a host rather than of the file."""
    return text.startswith((" ", "imap:", "smtp:", "pop3:"))


def _entry(text: str) -> str:
    return textwrap.indent(textwrap.dedent(text), "    ")


def test_each_link_leads_somewhere() -> None:
    """Pages, files and tests that are linked are there; a test that is named is in its file."""
    for page in PAGES:
        text = page.read_text()
        for target in re.findall(r"\]\(((?!https?:|#)[^)#\s]+)", text):
            assert (page.parent / target).exists(), (page.name, target)
        for file, tests in re.findall(r"\]\((tests/[^)]+)\): ([^|]+)", text):
            for test in re.findall(r"`(test_\w+)`", tests):
                assert f"def {test}(" in (ROOT / file).read_text(), (page.name, test)


def test_commands_of_the_pages_are_commands() -> None:
    """Every `netmon ...` in the pages' code is a command with options that it has."""
    for page, name, text in BLOCKS:
        if name not in {"sh", "console", ""} or page == "cli.md":
            continue
        for line in re.findall(r"^(?:\$ )?(?:[A-Z_]+=\S+ )*(?:\S*/)?netmon +(.*)$", text, re.MULTILINE):
            words = shlex.split(line, comments=True)
            _known(words, f"{page}: {line}")
    for page in PAGES:
        if page.name != "cli.md":
            for line in re.findall(r"`netmon ([a-z][^`]*)`", page.read_text()):
                _known(line.split(), f"{page.name}: {line}")


def _known(words: list[str], where: str) -> None:
    command: Any = typer.main.get_command(app)
    while words and isinstance(command, TyperGroup) and not words[0].startswith("-"):
        found = command.commands.get(words[0])
        assert found is not None, where
        command, words = found, words[1:]
    options = {option for parameter in command.params for option in parameter.opts} | {"--help"}
    for word in words:
        if word.startswith("--"):
            assert word.partition("=")[0] in options, (where, word)


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
    text = (ROOT / "docs" / "verdicts.md").read_text()
    table = text[text.index("| verdict | when |") : text.index("(The table of listeners")]
    assert sorted(re.findall(r"`([a-z_]+)`", table)) == sorted(VerdictName)


async def test_labels_are_told(tmp_path: Path) -> None:
    """Of netmon's own series, every label is in docs/metrics.md; of a host's own labels there is no list."""
    told = re.findall(
        r"^\| `(\w+)` \| \w+ \| (.*?) \|", (ROOT / "docs" / "metrics.md").read_text(), re.MULTILINE
    )
    labels = {name: set(re.findall(r"`(\w+)`", cell)) for name, cell in told}
    async with Company() as company:
        running = agent(tmp_path, company.config(listen="127.0.0.1:0"))
        process = await asyncio.to_thread(running.__enter__)
        try:
            await asyncio.to_thread(process.ready)
            metrics = (await asyncio.to_thread(process.get, "/metrics")).text
        finally:
            await asyncio.to_thread(running.__exit__, None, None, None)
    found = re.findall(r"^(netmon_\w+?)(?:_bucket|_sum|_count)?\{(.*)\} ", metrics, re.MULTILINE)
    assert found
    for name, pairs in found:
        if name != "netmon_host_info":
            has = set(re.findall(r'(\w+)="', pairs)) - {"le"}
            assert has <= labels[name] | {"domain", "mx"}, name
