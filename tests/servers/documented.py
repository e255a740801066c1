"""Where the commands of the documentation run as they stand there: its names, addresses and files.

A machine with a network and an /etc of its own: `mx1.example.org` with SMTP on 25, 465 and 587, IMAP on
993 and a certificate; `sw1` behind it, both with SNMP on 161; `sw3`, a real snmpd with users of
SNMPv3; DNS on 53 for example.org; netmon running on /etc/netmon/netmon.yml, with traps on 162 and 1162.
"""

import asyncio
import contextlib
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import yaml

from netmon.demo.cast import SWITCH, linux_host
from netmon.demo.company import Company
from netmon.demo.machine import COMMUNITY, Machine, MailMachine
from netmon.demo.mailhost import Tls
from netmon.demo.switch import switch_rows
from tests.servers import netns
from tests.servers.agent import wait_for
from tests.servers.knot import knot
from tests.servers.snmpd import set_up

ROOT: Final = Path(__file__).resolve().parents[2]
MAIL: Final = "44.128.0.10"  # netmon contacts the servers of a domain at public addresses alone
SNMPD: Final = "127.62.0.40:1161"  # 161 is the simulated devices', at every address
AUTH: Final = "auth-s3same"
PRIV: Final = "priv-s3same"
_NAME: Final = "docs"
_RECORDS: Final = (
    "@ MX 10 mx1.example.org.",
    f"mx1 A {MAIL}",
    "nms A 127.0.0.1",
    '@ TXT "v=spf1 mx -all"',
    '_dmarc TXT "v=DMARC1; p=reject; rua=mailto:postmaster@example.org"',
    'mail2026._domainkey TXT "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="',
)
_SNMPD: Final = (
    f'createUser netmon SHA-256 "{AUTH}" AES "{PRIV}"',
    "rwuser netmon auth",
    'override -rw .1.3.6.1.2.1.1.4.0 octet_str "nobody"',
    'override -rw .1.3.6.1.2.1.31.1.1.1.18.3 octet_str "desk 3"',
)
_SNMPTRAPD: Final = """\
authCommunity log,execute,net public
createUser core SHA auth-secret AES priv-secret
authUser log core
traphandle default /usr/local/bin/tell
forward default 192.0.2.7
"""
_PROMETHEUS: Final = f"""\
scrape_configs:
  - job_name: snmp
    metrics_path: /snmp
    params: {{module: [if_mib]}}
    static_configs: [{{targets: [{SWITCH}]}}]
  - job_name: mail
    metrics_path: /probe
    params: {{module: [smtp_starttls]}}
    static_configs: [{{targets: ["mx1.example.org:25"]}}]
"""
_OLD: Final = """\
if_mib:
  version: 2
  auth: {community: public}
  walk: [1.3.6.1.2.1.2]
  metrics: [{name: ifNumber, oid: 1.3.6.1.2.1.2.1, type: gauge, help: Interfaces}]
"""


@dataclass(frozen=True, slots=True)
class Place:
    """The machine; `folder` has what commands find around them, a copy for each."""

    machine: netns.Machine
    folder: Path
    environment: dict[str, str]

    def run(self, line: str, *, endless: bool = False) -> subprocess.CompletedProcess[str]:
        """A line in the shell of a fresh folder; an `endless` command is interrupted once it speaks."""
        shell = _ENDLESS if endless else _ONCE
        variables = [f"{name}={value}" for name, value in self.environment.items()]
        command = ("env", "-i", *variables, "bash", "-c", shell, "bash", line, str(self.folder))
        return self.machine.run(*command, check=False)


_HERE: Final = 'cd "$(mktemp -d)" && cp -r "$2"/. . && cp netmon.yml /etc/netmon/ && '
_ONCE: Final = _HERE + 'eval "$1"'
# Output goes to files, so that nothing waits for a reader; the group of it gets what Ctrl-C sends.
_ENDLESS: Final = (
    _HERE
    + """set -m; (eval "$1") >out 2>err & pid=$!
for turn in $(seq 200); do [ -s out ] || [ -s err ] && break; sleep 0.1; done
kill -INT -- -$pid; wait $pid; code=$?; cat out; cat err >&2; exit $code"""
)


def _machines() -> list[Machine]:
    ports = (
        ("plain", Tls.STARTTLS, "inbound"),
        ("starttls", Tls.STARTTLS, "submission"),
        ("implicit", Tls.IMPLICIT, "submission"),
    )
    numbers = {"plain": 25, "starttls": 587, "implicit": 465, "imap": 993}
    linux = linux_host("mx1.example.org")
    mail = MailMachine("mx1", MAIL, linux, ports, numbers=numbers, behind=("sw1",), ping=True, mailbox=True)
    rows = partial(switch_rows, "sw1.example.org", 1, ports=24)
    return [Machine("sw1", SWITCH, rows, kind="switch", ping=True), mail]


def _user(name: str, protocol: str) -> dict[str, Any]:
    private = {"priv_protocol": "AES", "priv_password": PRIV}
    public = {"version": 3, "username": name, "security_level": "authPriv"}
    return {**public, "auth_protocol": protocol, "password": AUTH, **private}


def _config(company: Company) -> str:
    config = yaml.safe_load(company.config())
    (flow,) = config["mailflows"]
    flow["name"] = "example"
    config["auths"] |= {"core": _user("netmon", "SHA256"), "noc": _user("noc", "SHA256")}
    host, _, port = SNMPD.partition(":")
    config["hosts"].append(
        {"name": "sw3", "address": host, "snmp": {"auth": "core", "modules": ["system"], "port": int(port)}}
    )
    config["domains"] = [{"name": "example.org", "ca_file": str(company.ca_file)}]
    listen = ["127.0.0.1:162", "127.0.0.1:1162"]
    config["traps"] = {
        "listen": listen,
        "communities": [COMMUNITY],
        "users": ["noc"],
        "allow": ["127.0.0.0/8"],
    }
    allow = ["sysContact", "sysLocation", "IF-MIB::ifAlias"]
    config["settings"] = {"allow": allow, "auth_file": "/etc/netmon/set-auths.yml"}
    config["state"] = {"path": "/var/lib/netmon"}
    return yaml.safe_dump(config, sort_keys=False)


def _furnish(machine: netns.Machine, folder: Path, config: str) -> None:
    """The files that commands name, below /etc and in the folder that each starts in."""
    disk = machine.disk
    assert disk is not None
    for place in ("/etc", "/var/lib"):
        upper, work = f"{disk}{place}/upper", f"{disk}{place}/work"
        machine.run("mkdir", "-p", upper, work)
        options = f"lowerdir={place},upperdir={upper},workdir={work}"
        machine.run("mount", "-t", "overlay", "overlay", "-o", options, place)
    files = {
        "/etc/netmon/netmon.yml": config,
        "/etc/netmon/set-auths.yml": yaml.safe_dump({"auths": {"core": _user("netmon", "SHA256")}}),
        "/etc/resolv.conf": "nameserver 127.0.0.1\n",
        "/etc/hosts": f"127.0.0.1 localhost nms\n{SWITCH} sw1\n{MAIL} mx1\n",
        "/etc/prometheus/prometheus.yml": _PROMETHEUS,
        "/etc/snmp/snmptrapd.conf": _SNMPTRAPD,
        f"{folder}/netmon.yml": config,
        f"{folder}/prometheus.yml": _PROMETHEUS,
        f"{folder}/old.yml": _OLD,
    }
    for path, text in files.items():
        machine.run("mkdir", "-p", str(Path(path).parent))
        machine.run("tee", path, words=text)
    machine.run("chmod", "600", "/etc/netmon/set-auths.yml")
    machine.run("mkdir", "-p", f"{folder}/mibs")
    machine.run("cp", str(ROOT / "mibs" / "UPS-MIB.txt"), f"{folder}/mibs")
    machine.run("ln", "-s", sys.prefix, f"{folder}/.venv")


def _snmpd(folder: Path) -> subprocess.Popen[bytes]:
    options, environment = set_up(folder, f"udp:{SNMPD}", COMMUNITY, *_SNMPD)
    return subprocess.Popen(["snmpd", "-f", *options], env=environment, stdin=subprocess.DEVNULL)


@contextlib.asynccontextmanager
async def documented() -> AsyncIterator[Place]:
    """The place, with the agent running and every check run once, until the block ends."""
    with contextlib.ExitStack() as stack:
        base = stack.enter_context(netns.namespaces(_NAME))
        netns.set_up(_NAME, "link set lo up", f"address add {MAIL}/32 dev lo")
        disk = base / "disk"
        disk.mkdir()
        machine = netns.Machine(_NAME, base, disk=disk, disk_size="64m")
        stack.callback(machine.power_off)
        machine.boot(3600.0)
        machine.await_boot()
        stack.enter_context(netns.inside(_NAME))
        zone = stack.enter_context(knot("example.org", port=53))
        zone.write("example.org", *_RECORDS)
        stack.callback(netns.end, _snmpd(base / "snmpd"))
        async with Company(_machines(), snmp_port=161) as company:
            folder = disk / "here"
            await asyncio.to_thread(_furnish, machine, folder, _config(company))
            environment = {
                "PATH": f"{sys.prefix}/bin:/usr/sbin:/usr/bin:/sbin:/bin",
                "SSL_CERT_FILE": str(company.ca_file),
                "HOME": str(disk),
                "LANG": "C.UTF-8",
            }
            place = Place(machine, folder, environment)
            run = "setsid netmon run --config /etc/netmon/netmon.yml >/var/lib/netmon.log 2>&1 &"
            await asyncio.to_thread(place.run, run)

            def ready() -> bool:
                return place.run("curl -fs http://127.0.0.1:9162/-/ready").returncode == 0

            try:
                await asyncio.to_thread(wait_for, "every check to have run", ready)
            except AssertionError as error:
                raise AssertionError(place.run("tail -n 50 /var/lib/netmon.log").stdout) from error
            yield place
