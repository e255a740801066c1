"""Debian's Exim and OpenSMTPD beside Postfix, whose packages refuse each other.

install.sh unpacks both into a folder of the tests' own.  Each runs in a mount namespace in which their
users exist and the folders that are compiled into them are empty ones in memory, so that nothing of the
system's is read, written or added.  They must start as root.
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.servers.postfix import free_ports

UNPACKED: Final = Path("/var/cache/netmon-tests/mailers")
START: Final = 20.0  # seconds to come up
_USERS: Final = {"Debian-exim": 29901, "opensmtpd": 29902, "opensmtpq": 29903}

_EXIM: Final = """\
exim_path = {programs}/usr/sbin/exim4
spool_directory = {base}/spool
log_file_path = {base}/spool/log-%s
pid_file_path = {base}/spool/pid
primary_hostname = {name}
local_interfaces = 127.0.0.1
daemon_smtp_ports = {port}
tls_advertise_hosts = *
tls_certificate = {base}/server.pem
keep_environment =
rfc1413_hosts =
{extra}
begin routers
begin transports
"""
_OPENSMTPD: Final = """\
pki {name} cert "{base}/server.crt"
pki {name} key "{base}/server.key"
listen on 127.0.0.1 port {port} tls pki {name} hostname {name}
action "local" maildir
match from any for domain "example.test" action "local"
"""
_NAMESPACE: Final = """\
set -e
mount --bind {base}/passwd /etc/passwd
mount --bind {base}/group /etc/group
for folder in /usr/libexec /var/spool /var/lib /run; do mount -t tmpfs none $folder; done
mkdir -p /var/lib/opensmtpd/empty /usr/libexec/opensmtpd
mkdir -m 711 /var/spool/smtpd
mount --bind {programs}/usr/libexec/opensmtpd /usr/libexec/opensmtpd
exec {command}
"""


@dataclass(frozen=True, slots=True)
class Mailer:
    """A running server: its port on 127.0.0.1, and its folder."""

    port: int
    base: Path

    def log(self) -> str:
        """Everything that Exim has logged."""
        return (self.base / "spool" / "log-main").read_text()


@contextlib.contextmanager
def exim(pem: bytes, name: str = "mail.example.test", extra: str = "") -> Iterator[Mailer]:
    """An Exim that offers STARTTLS with the key and chain in `pem`; `extra` ends its main section.

    Without an access control list for them it refuses all recipients.
    """
    command = "{programs}/usr/sbin/exim4 -C {base}/server.conf -bdf"
    with _running(pem, name, _EXIM, command, extra) as running:
        yield running


@contextlib.contextmanager
def opensmtpd(pem: bytes, name: str = "mail.example.test") -> Iterator[Mailer]:
    """An OpenSMTPD that offers STARTTLS with the key and chain in `pem`.

    Debian 12's does not find its key with OpenSSL 3: it ends the handshake with an alert.
    """
    with _running(pem, name, _OPENSMTPD, "{programs}/usr/sbin/smtpd -F -f {base}/server.conf") as running:
        yield running


@contextlib.contextmanager
def _running(pem: bytes, name: str, config: str, command: str, extra: str = "") -> Iterator[Mailer]:
    if not UNPACKED.is_dir():
        raise RuntimeError(f"{UNPACKED} is not there: tests/servers/install.sh unpacks Exim and OpenSMTPD")
    base = Path(tempfile.mkdtemp(prefix="netmon-mailer-", dir="/var/tmp"))
    (port,) = free_ports(1)
    facts = {"base": base, "programs": UNPACKED, "name": name, "port": port, "extra": extra}
    try:
        _prepare(base, pem)
        (base / "server.conf").write_text(config.format(**facts))
        (base / "server.conf").chmod(0o600)
        script = _NAMESPACE.format(command=command.format(**facts), **facts)
        with (base / "log").open("w") as log:
            process = subprocess.Popen(
                ["unshare", "--mount", "sh", "-c", script], stdout=log, stderr=log, start_new_session=True
            )
        try:
            _await_greeting(port, process, base / "log")
            yield Mailer(port, base)
        finally:
            process.terminate()
            process.wait(START)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # who serves a connection outlives the server
    finally:
        shutil.rmtree(base, ignore_errors=True)


def _prepare(base: Path, pem: bytes) -> None:
    """Users, certificate and spool."""
    base.chmod(0o755)
    users = "".join(f"{user}:x:{uid}:{uid}::/:/usr/sbin/nologin\n" for user, uid in _USERS.items())
    groups = "".join(f"{user}:x:{uid}:\n" for user, uid in _USERS.items())
    (base / "passwd").write_text(Path("/etc/passwd").read_text() + users)
    (base / "group").write_text(Path("/etc/group").read_text() + groups)
    (base / "server.pem").write_bytes(pem)
    for file in ("server.crt", "server.key"):  # those of OpenSMTPD are root's alone
        (base / file).write_bytes(pem)
        (base / file).chmod(0o600)
    (base / "spool").mkdir()
    for path in (base / "spool", base / "server.pem"):
        shutil.chown(path, _USERS["Debian-exim"], _USERS["Debian-exim"])
    (base / "server.pem").chmod(0o600)


def _await_greeting(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + START
    while True:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 2) as door:
            door.settimeout(10)
            if door.recv(200).startswith(b"220"):
                door.sendall(b"QUIT\r\n")
                return
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"the mail server did not start:\n{log.read_text()}")
        time.sleep(0.05)
