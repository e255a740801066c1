"""Targets of exporters -> hosts of netmon: what was several jobs about one address becomes one host."""

import ipaddress
import re
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Final

from netmon.imports.prometheus import Found, Target

_PORTS: Final = {25: "starttls", 587: "starttls", 2525: "starttls", 465: "implicit"}
_ACCESS: Final = {
    143: ("imap", "starttls"),
    993: ("imap", "implicit"),
    110: ("pop3", "starttls"),
    995: ("pop3", "implicit"),
}
_TRANSPORT: Final = re.compile(r"(udp|tcp)[46]?://")
_NAME: Final = re.compile(r"\w[\w.:-]{0,252}")
_DNS_NAME: Final = re.compile(
    r"(?=.{1,253}$)[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?)*\.?"
)
_LABEL: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_SNMP_PORT: Final = 161
_MAX_PORT: Final = 65535


@dataclass(slots=True)
class Mail:
    """One mail endpoint."""

    probe: str  # smtp, imap, pop3
    port: int
    tls: str


@dataclass(slots=True)
class ImportedHost:
    """A host to be; `notes` are comments that stand above it."""

    address: str
    names: Counter[str] = field(default_factory=Counter)
    labels: dict[str, str] = field(default_factory=dict)
    interval: str = ""
    ping: bool = False
    snmp_port: int | None = None
    auth: str = ""
    modules: dict[str, None] = field(default_factory=dict)
    mail: dict[int, Mail] = field(default_factory=dict)
    notes: dict[str, None] = field(default_factory=dict)

    @property
    def asked(self) -> bool:
        """Whether anything would be checked."""
        return self.ping or self.snmp_port is not None or bool(self.mail)


@dataclass(frozen=True, slots=True)
class Known:
    """What the config that is written may speak of."""

    modules: Collection[str]
    probes: Collection[str]
    reserved_labels: Collection[str]


def join(found: Found, known: Known) -> dict[str, ImportedHost]:
    """One host for each address, by the name it gets; adds to `found.notes` what was left out."""
    by_address: dict[str, ImportedHost] = {}
    for target in found.targets:
        place = _place(target.target)
        if place is None:
            found.note(f"job {target.job}: {target.target[:100]!r} is no host that netmon could ask")
            continue
        address, port = place
        host = by_address.setdefault(address.lower(), ImportedHost(address))
        if target.kind == "snmp":
            _add_snmp(host, target, port, known)
        else:
            _add_probe(host, target, port, known)
        _add_labels(host, target, known)
        host.interval = host.interval or target.interval
        if target.interval not in {"", host.interval}:
            text = f"job {target.job} has it every {target.interval[:20]}, here it is {host.interval}"
            host.notes[text] = None
    for host in by_address.values():
        if not host.asked:
            found.note(f"{host.address}: {'; '.join(host.notes)}")
    return _named(host for host in by_address.values() if host.asked)


def _named(hosts: Iterable[ImportedHost]) -> dict[str, ImportedHost]:
    """By the most frequent name that is not taken, else the address."""
    named: dict[str, ImportedHost] = {}
    for host in hosts:
        wishes = [name for name, _ in host.names.most_common()] + [host.address]
        name = next((wish for wish in wishes if wish not in named), None)
        number = 2
        while name is None:
            wish = f"{host.address}-{number}"
            name = wish if wish not in named else None
            number += 1
        named[name] = host
    return named


def _place(target: str) -> tuple[str, int | None] | None:
    """Host and port of `[transport://]host[:port]`; None for a URL or what is no host."""
    text = _TRANSPORT.sub("", target, count=1)
    host, port = text, None
    if match := re.fullmatch(r"\[([0-9A-Fa-f:.]+)\](?::([0-9]{1,5}))?", text):
        host, port = match[1], match[2]
    elif text.count(":") == 1:
        host, port = text.split(":")
    number = int(port) if port and port.isdecimal() else None
    if (port is not None and number is None) or (number is not None and not 0 < number <= _MAX_PORT):
        return None
    try:
        return str(ipaddress.ip_address(host)), number
    except ValueError:
        # A last label of digits alone is a broken IPv4 address.
        fits = _DNS_NAME.fullmatch(host) and not host.rstrip(".").rpartition(".")[2].isdecimal()
        return (host, number) if fits else None


def _add_snmp(host: ImportedHost, target: Target, port: int | None, known: Known) -> None:
    if host.snmp_port is not None and (port or _SNMP_PORT) != host.snmp_port:
        host.notes[f"job {target.job} asks port {port or _SNMP_PORT} too; a host has one snmp check"] = None
        return
    host.snmp_port = port or _SNMP_PORT
    if host.auth and target.auth and host.auth != target.auth:
        host.notes[f"job {target.job} asks with the auth {target.auth} too"] = None
    host.auth = host.auth or target.auth
    for module in target.modules or ("if_mib",):  # snmp_exporter's default
        if module in known.modules:
            host.modules[module] = None
        else:
            text = (
                f"the module {module} is not among netmon's; with your snmp.yml in module_files add it below"
            )
            host.notes[text] = None


def _add_probe(host: ImportedHost, target: Target, port: int | None, known: Known) -> None:
    """Blackbox modules are named as people like; the port and the words in the name tell."""
    name = (target.modules or ("http_2xx",))[0]
    words = name.lower()
    if "icmp" in words or "ping" in words:
        host.ping = True
        return
    mail = _mail(words, port)
    if mail is None:
        host.notes[
            f"the probe {name}{f' on port {port}' if port else ''} (job {target.job}) is no mail probe"
        ] = None
    elif mail.probe not in known.probes:
        host.notes[
            f"{mail.probe} on port {mail.port} (job {target.job}): netmon has no {mail.probe} probe yet"
        ] = None
    else:
        host.mail[mail.port] = mail


def _mail(words: str, port: int | None) -> Mail | None:
    if port in _ACCESS:
        probe, tls = _ACCESS[port]
        return Mail(probe, port, tls)
    for probe in ("imap", "pop3"):
        if probe in words:
            plain, implicit = (143, 993) if probe == "imap" else (110, 995)
            secure = f"{probe}s" in words
            return Mail(probe, port or (implicit if secure else plain), "implicit" if secure else "starttls")
    if port in _PORTS:
        return Mail("smtp", port, _PORTS[port])
    if "smtp" in words or "submission" in words:
        secure = "smtps" in words or "submissions" in words or "implicit" in words
        other = 465 if secure else 587 if "submission" in words else 25
        return Mail("smtp", port or other, "implicit" if secure else "starttls")
    return None


def _add_labels(host: ImportedHost, target: Target, known: Known) -> None:
    for name, text in target.labels.items():
        if name == "instance":
            # Commonly the target itself; otherwise the name that people gave the host.
            if text != target.target and _NAME.fullmatch(text):
                host.names[text] += 1
        elif name in known.reserved_labels or name.startswith("exported_") or not _LABEL.fullmatch(name):
            host.notes[f"the label {name} is netmon's or Prometheus's own"] = None
        elif host.labels.setdefault(name, text) != text:
            host.notes[f"the label {name} of job {target.job} differs"] = None
