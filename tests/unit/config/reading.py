"""What the tests of the config share: a known environment, and a config written and read."""

from pathlib import Path
from typing import Final

from netmon.config import Config, ConfigError, load
from netmon.probes import PROBES

MODULES: Final = ("system", "if_mib", "hrSystem", "hrStorage", "ucd_memory", "ucd_la_table", "ucd_dsk")
SECRET: Final = "swordfish"
ENV: Final = {"SECRET": SECRET, "PORT": "2525"}

GOOD: Final = """\
agent: {name: probe1.example.net}
defaults: {interval: 60s, timeout: 10s, retries: 2, confirm: {fail: 3, recover: 2, retry_interval: 15s}}
auths:
  lab: {version: 2, community: "${env:SECRET}"}  # swordfish too
  old: {version: 1, community: swordfish}
  #community: swordfish
groups:
  switches: {snmp: {auth: lab, modules: [system, if_mib]}, interval: 30s}
hosts:
  - name: core-sw1
    address: 192.0.2.1
    groups: [switches]
  - name: mx1
    address: mx1.example.org
    addresses: [192.0.2.10, "2001:db8::10"]
    labels: {site: "waw # east"}
    depends_on: [core-sw1]
    ping: true
    snmp: {auth: old}
    smtp:
      - {port: "${env:PORT}", tls: starttls}
      - {port: 465, tls: implicit, required: false}
dns: {servers: [192.0.2.53]}
web: {listen: "127.0.0.1:9162"}
state: {path: state, retention: 90d}
"""


def read(folder: Path, text: str | bytes) -> Config:
    """Write `text` as netmon.yml into the folder and load it."""
    path = folder / "netmon.yml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return load(path, PROBES, MODULES, ENV)


def mistakes(folder: Path, text: str | bytes) -> list[str]:
    """The mistakes of a config, without the folder's name."""
    try:
        read(folder, text)
    except ConfigError as error:
        return [str(mistake).replace(f"{folder}/", "") for mistake in error.mistakes]
    return []
