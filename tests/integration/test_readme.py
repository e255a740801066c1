"""What README.md shows is run here as it stands there."""

import asyncio
import re
import shutil
import subprocess
import sys
from pathlib import Path

from netmon.demo.cast import MAIL
from netmon.demo.company import Company
from netmon.model import VerdictName
from tests.servers.agent import agent

ROOT = Path(__file__).resolve().parents[2]
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```", (ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)
TOKENS = {"PAGER_TOKEN": "a", "CHAT_TOKEN": "b", "BEATS_TOKEN": "c"}
SECRETS = {"SNMP_AUTH": "auth-secret", "SNMP_PRIV": "priv-secret"}
ENV = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "SNMP_COMMUNITY": "public", **SECRETS, **TOKENS}


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


def test_its_drop_in_is_valid(tmp_path: Path) -> None:
    """The config of who moves from snmp_exporter needs a snmp.yml and nothing else."""
    (config,) = blocks("yaml", "module_files:")
    (tmp_path / "netmon.yml").write_text(config)
    (tmp_path / "snmp.yml").write_text("modules: {own: {walk: [1.3.6.1.2.1.1]}}\n")
    done = netmon("check-config", "netmon.yml", folder=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")


def test_its_other_settings_are_valid_too(tmp_path: Path) -> None:
    """Alerting, windows, auths and what may be set, as they stand there, beside one host."""
    for section in ("alerting:", "windows:", "auths:\n  core:", "settings:"):
        for number, snippet in enumerate(blocks("yaml", section)):
            name = f"{section.partition(':')[0]}{number}.yml"
            (tmp_path / name).write_text(f"hosts: [{{name: sw1, ping: true}}]\n{snippet}")
            done = netmon("check-config", name, folder=tmp_path)
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


PROMETHEUS = """
scrape_configs:
  - job_name: snmp
    metrics_path: /snmp
    params: {module: [if_mib]}
    static_configs: [{targets: [127.62.0.2]}]
"""


async def test_its_command_line(tmp_path: Path) -> None:
    """Each command of its list works, on the demo's switch and mail host and a running agent."""
    (block,) = blocks("sh", "netmon probe mx1")
    async with Company() as company:
        (tmp_path / "prometheus.yml").write_text(PROMETHEUS)
        (tmp_path / "mibs").mkdir()
        shutil.copy(ROOT / "mibs" / "UPS-MIB.txt", tmp_path / "mibs")
        running = agent(tmp_path, company.config(listen="127.0.0.1:0"))
        process = await asyncio.to_thread(running.__enter__)
        try:
            await asyncio.to_thread(process.ready)
            for line in block.splitlines():
                words = line.partition("#")[0].replace("> netmon.yml", "").split()
                assert words[0] == "netmon"
                here = f"{MAIL}:{company.mail_ports['plain']}"
                words = [word.replace("mx1.example.org:25", here) for word in words[1:]]
                if here in line.replace("mx1.example.org:25", here):
                    words[1] = words[1].replace("smtp://", "smtp+plain://")
                if words[0] == "top":
                    words += ["--once", "--url", process.url]
                done = await asyncio.to_thread(netmon, *words, folder=tmp_path)
                assert (done.returncode, bool(done.stdout)) == (0, True), (line, done.stdout, done.stderr)
        finally:
            await asyncio.to_thread(running.__exit__, None, None, None)
