"""Imported hosts as a netmon.yml that people go on editing: texts quoted where need be, notes as comments."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from netmon.imports.hosts import ImportedHost, Known, join
from netmon.imports.prometheus import Found

_PUBLIC: Final = "public_v2"  # always there, in snmp_exporter's snmp.yml and in netmon alike
_VARIABLE: Final = re.compile(r"[^A-Z0-9]+")
_PLAIN: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*")
_WORDS: Final = frozenset(("true", "false", "null", "yes", "no", "on", "off", "y", "n"))
_INTERVAL: Final = re.compile(r"(?:[0-9]{1,6}(?:d|h|m|s))+")


def render(found: Found, source: str, known: Known) -> str:
    """The config's text; `source` is the file's name for its first line.  Adds to `found.notes`."""
    hosts = join(found, known)
    lines = [f"# Imported by netmon from {comment(source)}: {len(hosts)} hosts."]
    lines += _auths(hosts.values())
    lines.append("hosts:" if hosts else "hosts: []")
    for name, host in hosts.items():
        lines += _host(name, host)
    notes = [f"#   {comment(note)}" for note in found.notes]
    if notes:
        lines[1:1] = ["# Not carried over:", *notes]
    return "\n".join(lines) + "\n"


def _auths(hosts: Iterable[ImportedHost]) -> Iterator[str]:
    names = sorted({host.auth for host in hosts if host.auth} - {_PUBLIC})
    if not names:
        return
    yield "# Auths are in snmp_exporter's snmp.yml, not in Prometheus's files.  To take them from it, and"
    yield "# modules, write module_files: [snmp.yml], delete those below (netmon import converts old ones)."
    yield "# Or set these environment variables; for SNMPv3 write the auth out as there."
    yield "auths:"
    for name in names:
        version = 1 if name.endswith("_v1") else 2
        if name == "public_v1":
            yield f"  {name}: {{version: 1, community: public}}"
            continue
        variable = "SNMP_COMMUNITY_" + _VARIABLE.sub("_", name.upper()).strip("_")
        yield f'  {scalar(name)}: {{version: {version}, community: "${{env:{variable}}}"}}'


def _host(name: str, host: ImportedHost) -> Iterator[str]:
    for note in host.notes:
        yield f"  # {comment(note)}"
    yield f"  - name: {scalar(name)}"
    yield f"    address: {scalar(host.address)}"
    if host.labels:
        yield f"    labels: {_mapping(host.labels)}"
    if _INTERVAL.fullmatch(host.interval):
        yield f"    interval: {host.interval}"
    if host.ping:
        yield "    ping: true"
    if host.snmp_port is not None:
        port = "" if host.snmp_port == 161 else f"port: {host.snmp_port}, "  # noqa: PLR2004
        auth = f"auth: {scalar(host.auth)}, " if host.auth and host.auth != _PUBLIC else ""
        modules = ", ".join(map(scalar, host.modules or ("system",)))
        yield f"    snmp: {{{port}{auth}modules: [{modules}]}}"
    for probe in ("smtp", "imap", "pop3"):
        ends = [end for _, end in sorted(host.mail.items()) if end.probe == probe]
        if ends:
            yield f"    {probe}:"
            yield from (f"      - {{port: {end.port}, tls: {end.tls}}}" for end in ends)


def _mapping(labels: Mapping[str, str]) -> str:
    return "{" + ", ".join(f"{scalar(key)}: {scalar(value)}" for key, value in labels.items()) + "}"


def scalar(text: str) -> str:
    """A YAML scalar that reads as this text and as nothing else; JSON's strings are YAML's."""
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS:
        return text
    return json.dumps(text.replace("${", "$${"))


def comment(text: str) -> str:
    """One line, whatever the files hold."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:300]
