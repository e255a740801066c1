"""Every command that README.md, docs/ and `--help` show is run as it stands there."""

import asyncio
import itertools
import re
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperGroup

from netmon.cli import app
from tests.servers.documented import AUTH, PRIV, SNMPD, documented

ROOT = Path(__file__).resolve().parents[2]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
# With what `--help` has wrapped onto the next line.
COMMAND = r"(?:\(umask 077; )?(?:[A-Z_]+=\S+ )*(?:\S*/)?netmon [^\n]*(?:\n      [^\n]+)*"
# Words that stand for something else, and what they stand for here.
STANDS_FOR = (
    (r"\bNETMON_COMMUNITY=\.\.\.", "NETMON_COMMUNITY=demo"),
    (r"\bNETMON_AUTH_PASSWORD=\.\.\.", f"NETMON_AUTH_PASSWORD={AUTH}"),
    (r"\bNETMON_PRIV_PASSWORD=\.\.\.", f"NETMON_PRIV_PASSWORD={PRIV}"),
    (r"\bCOMMUNITY$", "demo"),
    (r"^netmon probe snmp://", "NETMON_COMMUNITY=demo netmon probe snmp://"),
    (r"\bHOST\b", "mx1"),
    (r"\bNAME\b", "mail_starved"),
    (r"\bREASON\b", "timeout"),
    # What knows SNMPv3 here, and where the agent and the device of examples with another port are.
    (r"(?<=netmon snmp set )sw1", "sw3"),
    (r"--tls-name mail\.", "--tls-name mx1."),
    (r"\bsw1(?= sysName -u netmon)", SNMPD),
    (r"(?<=snmp://)sw1(?= -v 3)", SNMPD),
    (r"127\.0\.0\.1:1161\b", "127.62.0.2"),
    (r"127\.0\.0\.1:9999\b", "127.0.0.1:9162"),
    (r"\bnetmon demo(?= --fast)", "netmon demo --listen 127.0.0.1:0"),
)
# Lines of other programs, by how they begin, and where they are run.
ELSEWHERE = {
    "make run": "test_clone.py",
    "make test": "it is what runs this",
    "python3 -m venv /opt/netmon": "make deploy-try: it installs packages",
    "apt-get install -y python3-venv": "make deploy-try",
    "install -D -m 0644 netmon.yml": "make deploy-try",
    "cp deploy/netmon": "make deploy-try: it needs systemd as the first process",
    "sed -i 's/=CAP_NET_BIND_SERVICE": "test_deploy.py, in another folder",
    "systemctl daemon-reload": "make deploy-try",
    "#!/bin/sh": "test_snmp_extras_snmpd.py, with the script that netmon has for Postfix",
    "exec /usr/sbin/exim4 -bpc": "it needs a queue of Exim's",
    "NETMON_COMPILE=1 pip install .": "make compile, with another folder",
}
# Commands that go on until Ctrl-C.
ENDLESS = re.compile(r"netmon (run|demo --l|top$|trap tail)")
# What each needs to be different, before it.
BEFORE = (
    (r"netmon init \.", "rm -rf netmon.yml && "),
    (r"netmon init /etc/netmon", "rm -rf /etc/netmon/netmon.yml && "),
    # Something to follow.
    (
        r"netmon trap tail",
        "(while sleep 1; do netmon trap send 127.0.0.1 linkDown -c demo; done) >/dev/null 2>&1 & exec ",
    ),
    # One agent listens there already.
    (
        r"\S*netmon run",
        "sed -i 's/:9162/:0/; s/:162\\b/:0/; s/:1162\\b/:0/; s,/var/lib/netmon,./state,' {} && ",
    ),
)
# What changes what others find.
ALONE = re.compile(r"netmon (init|silence)|netmon run|netmon trap tail")
CONFIG = re.compile(r"--config (\S+)")


def commands() -> dict[str, str]:
    """Each command, as a reader would type it, and a page that shows it."""
    found: dict[str, str] = {}
    for page in PAGES:
        text = page.read_text()
        for language, block in re.findall(r"^```(\w*)\n(.*?)^```", text, re.MULTILINE | re.DOTALL):
            if language in {"sh", "console", "", "text"}:
                for line in re.findall(rf"^(?:\$ |      )?({COMMAND})", block, re.MULTILINE):
                    found.setdefault(_typed(line), page.name)
        prose = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
        for line in re.findall(r"`((?:[A-Z_]+=\S+ )*netmon [a-z][^`]*)`", prose):
            if _says_more(line.split()):
                found.setdefault(_typed(line), page.name)
    return found


def _typed(line: str) -> str:
    return " ".join(re.sub(r"\s#.*", "", line).split())


def _says_more(words: list[str]) -> bool:
    """Whether it is more than the name of a command."""
    command: Any = typer.main.get_command(app)
    for word in words[words.index("netmon") + 1 :]:
        if not isinstance(command, TyperGroup) or word not in command.commands:
            return True
        command = command.commands[word]
    return False


def runnable(line: str) -> str:
    """The command with what its words stand for, and what must be done before it."""
    for words, meaning in STANDS_FOR:
        line = re.sub(words, meaning, line)
    for begin, first in BEFORE:
        if re.search(begin, line):
            config = CONFIG.search(line)
            line = first.format(config[1] if config else "") + line
    return line


def test_every_line_is_run_somewhere() -> None:
    """Lines of the shell that are no command of netmon are few, and it is known who runs them."""
    lines = [
        line
        for page in PAGES
        for block in re.findall(r"^```(?:sh|console)\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)
        for line in block.splitlines()
        if not re.match(rf"(?:\$ )?{COMMAND}", line)
    ]
    unknown = [line for line in lines if not line.startswith(tuple(ELSEWHERE))]
    assert unknown == []
    assert [begin for begin in ELSEWHERE if not any(line.startswith(begin) for line in lines)] == []


async def test_every_command_works() -> None:
    """Each ends well and says something, in a folder of its own with a config, on a machine with an agent."""
    shown = commands()
    assert len(shown) > 50
    failures = []
    async with documented() as place:

        async def failed(line: str) -> None:
            endless = ENDLESS.search(runnable(line)) is not None
            done = await asyncio.to_thread(place.run, runnable(line), endless=endless)
            if done.returncode or not (done.stdout or done.stderr or ">" in line):
                said = f"{done.stdout[-500:]}\n{done.stderr[-500:]}"
                failures.append(f"{shown[line]}: {line}\nexit {done.returncode}: {said}")

        together = {line for line in shown if not ALONE.search(line)}
        for line in (line for line in shown if line not in together):
            await failed(line)
        waiting = iter(sorted(together))
        while lines := list(itertools.islice(waiting, 3)):
            await asyncio.gather(*map(failed, lines))
    assert not failures, "\n".join(failures)
