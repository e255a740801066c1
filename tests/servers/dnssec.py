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
from collections.abc import Iterator, Mapping, Sequence
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
    module-config: "validator iterator"
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
    zones: Mapping[str, str],
    *,
    unsigned: tuple[str, ...] = (),
    bogus: tuple[str, ...] = (),
) -> Iterator[Dns]:
    """Serve zones (name -> records without SOA and NS) through unbound, which validates them.

    Of `bogus` zones it expects another key than they have.
    """
    signed = [name for name in zones if name not in unsigned]
    trust = {name: signed[0] if name in bogus else name for name in signed}
    for last in (False, False, True):
        base = Path(tempfile.mkdtemp(prefix="netmon-dns-"))
        processes: list[subprocess.Popen[bytes]] = []
        try:
            try:
                knot = _knot(base, zones, signed, processes)
                port = _unbound(base, zones, trust, knot, processes)
            except _NotStartedError:  # mostly another program took the port meanwhile
                if last:
                    raise
                continue
            yield Dns(port, base)
            return
        finally:
            for process in processes:
                process.terminate()
            for process in processes:
                process.wait(_SECONDS)
            shutil.rmtree(base, ignore_errors=True)


class _NotStartedError(AssertionError):
    pass


def _knot(
    base: Path, zones: Mapping[str, str], signed: Sequence[str], processes: list[subprocess.Popen[bytes]]
) -> int:
    port = _free_port()
    (base / "db").mkdir()
    config = _KNOT.format(base=base, knot=port, user=_user())
    for name, records in zones.items():
        head = f"$ORIGIN {name}.\n$TTL 1\n@ SOA ns hostmaster 1 600 60 86400 1\n@ NS ns\nns A 127.0.0.1\n"
        (base / f"{name}.zone").write_text(head + records + "\n")
        config += f"  - domain: {name}\n"
        if name in signed:
            config += "    dnssec-signing: on\n    dnssec-policy: signed\n"
    (base / "knot.conf").write_text(config)
    processes.append(_start(base, "knotd", "-c", str(base / "knot.conf")))
    return port


def _unbound(
    base: Path,
    zones: Mapping[str, str],
    trust: Mapping[str, str],
    knot: int,
    processes: list[subprocess.Popen[bytes]],
) -> int:
    port = _free_port()
    keys = [f"{name}. DNSKEY {_key(whose, knot, processes[0], base)}" for name, whose in trust.items()]
    text = _UNBOUND.format(
        unbound=port,
        base=base,
        anchors="".join(f'    trust-anchor: "{key}"\n' for key in keys),
        stubs="".join(
            f'stub-zone:\n    name: "{name}."\n    stub-addr: 127.0.0.1@{knot}\n' for name in zones
        ),
    )
    (base / "unbound.conf").write_text(text)
    processes.append(_start(base, "unbound", "-d", "-c", str(base / "unbound.conf")))
    _answer(next(iter(zones)), "SOA", port, processes[1], base)
    return port


def _user() -> str:
    return "root" if os.geteuid() == 0 else str(os.geteuid())


def _start(base: Path, program: str, *arguments: str) -> subprocess.Popen[bytes]:
    path = shutil.which(program, path=f"{os.environ.get('PATH', '')}:/usr/sbin")
    assert path is not None, f"{program} is not installed: sh tests/servers/install.sh"
    with (base / f"{program}.out.log").open("wb") as out:
        return subprocess.Popen([path, *arguments], stdout=out, stderr=out, cwd=base)


def _key(name: str, port: int, process: subprocess.Popen[bytes], base: Path) -> str:
    """The zone's DNSKEY, once Knot has signed it."""
    reply = _answer(name, "DNSKEY", port, process, base)
    return str(reply.answer[0][0].to_text())


def _answer(
    name: str, kind: str, port: int, process: subprocess.Popen[bytes], base: Path
) -> dns.message.Message:
    """The first answer that holds records."""
    question = dns.message.make_query(name, kind, want_dnssec=True)
    end = time.monotonic() + _SECONDS
    while time.monotonic() < end and process.poll() is None:
        with contextlib.suppress(OSError, dns.exception.DNSException):
            reply = dns.query.udp(question, "127.0.0.1", port=port, timeout=0.5)
            if reply.answer:
                return reply
        time.sleep(0.02)
    logs = "\n".join(path.read_text(errors="replace") for path in base.glob("*.log"))
    raise _NotStartedError(f"no {kind} of {name} from port {port}:\n{logs}")


def _free_port() -> int:
    """Free for UDP and TCP alike."""
    while True:
        with (
            socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp,
        ):
            tcp.bind(("127.0.0.1", 0))
            port = int(tcp.getsockname()[1])
            with contextlib.suppress(OSError):
                udp.bind(("127.0.0.1", port))
                return port
