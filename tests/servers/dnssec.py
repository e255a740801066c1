"""A signed zone and a validating resolver on loopback: Debian's Knot and unbound on high ports.

Knot signs the zones by itself; unbound gets their keys as trust anchors, since no parent vouches for
them.  A zone that is not to be signed is served as it is.
"""

import contextlib
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import dns.exception
import dns.message
import dns.query

_SECONDS = 15.0
_KNOT = """
server:
    rundir: "{base}"
    listen: 127.0.0.1@{knot}
    user: {user}
database:
    storage: "{base}/db"
log:
  - target: "{base}/knot.log"
    any: info
policy:
  - id: signed
    algorithm: ecdsap256sha256
    single-type-signing: on
template:
  - id: default
    storage: "{base}"
    file: "%s.zone"
    zonefile-sync: -1
    zonefile-load: difference
    journal-content: all
zone:
"""
_UNBOUND = """
server:
    interface: 127.0.0.1
    port: {unbound}
    username: ""
    chroot: ""
    directory: "{base}"
    pidfile: ""
    use-syslog: no
    logfile: "{base}/unbound.log"
    verbosity: 1
    do-daemonize: no
    do-ip6: no
    do-not-query-localhost: no
    module-config: "{modules}"
    cache-max-ttl: 1
    cache-max-negative-ttl: 1
    local-zone: "test." nodefault
    domain-insecure: "plain.test."
{anchors}
remote-control:
    control-enable: no
{stubs}
"""


@dataclass(frozen=True, slots=True)
class Dns:
    """Ports on 127.0.0.1."""

    port: int  # unbound's
    base: Path

    def log(self) -> str:
        """What both have logged."""
        return "\n".join(path.read_text(errors="replace") for path in self.base.glob("*.log"))


@contextlib.contextmanager
def validating(
    zones: Mapping[str, str], *, unsigned: tuple[str, ...] = (), validate: bool = True
) -> Iterator[Dns]:
    """Serve zones (name -> records without SOA and NS) through unbound, which validates them.

    With `validate` off unbound only resolves, and sets no AD bit.
    """
    base = Path(tempfile.mkdtemp(prefix="netmon-dns-"))
    knot_port, unbound_port = _free_port(), _free_port()
    processes: list[subprocess.Popen[bytes]] = []
    try:
        (base / "db").mkdir()
        for name, records in zones.items():
            head = f"$ORIGIN {name}.\n$TTL 1\n@ SOA ns hostmaster 1 600 60 86400 1\n@ NS ns\nns A 127.0.0.1\n"
            (base / f"{name}.zone").write_text(head + records + "\n")
        config = _KNOT.format(base=base, knot=knot_port, user=_user())
        for name in zones:
            config += f"  - domain: {name}\n"
            if name not in unsigned:
                config += "    dnssec-signing: on\n    dnssec-policy: signed\n"
        (base / "knot.conf").write_text(config)
        processes.append(_start(base, "knotd", "-c", str(base / "knot.conf")))
        anchors = "".join(
            f'    trust-anchor: "{_anchor(base, name, knot_port)}"\n'
            for name in zones
            if name not in unsigned and validate
        )
        stubs = "".join(
            f'stub-zone:\n    name: "{name}."\n    stub-addr: 127.0.0.1@{knot_port}\n' for name in zones
        )
        modules = "validator iterator" if validate else "iterator"
        (base / "unbound.conf").write_text(
            _UNBOUND.format(unbound=unbound_port, base=base, anchors=anchors, stubs=stubs, modules=modules)
        )
        processes.append(_start(base, "unbound", "-d", "-c", str(base / "unbound.conf")))
        _until_it_answers(next(iter(zones)), unbound_port, base)
        yield Dns(unbound_port, base)
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(_SECONDS)
        shutil.rmtree(base, ignore_errors=True)


def _user() -> str:
    return "root" if os.geteuid() == 0 else str(os.geteuid())


def _free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        udp.bind(("127.0.0.1", 0))
        return int(udp.getsockname()[1])


def _start(base: Path, program: str, *arguments: str) -> subprocess.Popen[bytes]:
    path = shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    assert path is not None, f"{program} is not installed: sh tests/servers/install.sh"
    with (base / f"{program}.out.log").open("wb") as out:
        return subprocess.Popen([path, *arguments], stdout=out, stderr=out, cwd=base)


def _anchor(base: Path, name: str, port: int) -> str:
    """The zone's DNSKEY, once Knot has signed it."""
    question = dns.message.make_query(name, "DNSKEY", want_dnssec=True)
    end = time.monotonic() + _SECONDS
    while time.monotonic() < end:
        with contextlib.suppress(OSError, dns.exception.DNSException):
            reply = dns.query.udp(question, "127.0.0.1", port=port, timeout=0.5)
            if len(reply.answer) > 1:  # the key and its signature
                return f"{name}. DNSKEY {reply.answer[0][0].to_text()}"
        time.sleep(0.02)
    raise AssertionError(f"Knot does not sign {name}:\n{(base / 'knot.log').read_text()}")


def _until_it_answers(name: str, port: int, base: Path) -> None:

    end = time.monotonic() + _SECONDS
    while time.monotonic() < end:
        with contextlib.suppress(OSError, dns.exception.DNSException):
            dns.query.udp(dns.message.make_query(name, "SOA"), "127.0.0.1", port=port, timeout=0.5)
            return
        time.sleep(0.02)
    raise AssertionError(f"unbound does not answer:\n{(base / 'unbound.out.log').read_text()}")
