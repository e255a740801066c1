"""Debian's Postfix on loopback, with a configuration, queue and log of its own.

Nothing of the system's Postfix is read or written: `postfix -c DIR` takes a directory that is made
here and removed afterwards.  It must start as root, as Postfix itself demands.
"""

import contextlib
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

MAIN = """
compatibility_level = 3.6
queue_directory = {base}/spool
data_directory = {base}/data
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
mail_owner = postfix
setgid_group = postdrop
maillog_file = {base}/mail.log
maillog_file_prefixes = {base}
myhostname = {name}
mydestination = {name}
mynetworks = 127.0.0.0/8 [::1]/128
inet_interfaces = loopback-only
inet_protocols = all
alias_maps =
alias_database =
local_recipient_maps =
biff = no
message_size_limit = 20480000
smtpd_tls_chain_files = {base}/server.pem
smtpd_tls_security_level = may
smtpd_tls_auth_only = yes
smtpd_tls_loglevel = 1
"""

MASTER = """
pickup    unix  n  -  n  60    1  pickup
cleanup   unix  n  -  n  -     0  cleanup
qmgr      unix  n  -  n  300   1  qmgr
tlsmgr    unix  -  -  n  1000? 1  tlsmgr
rewrite   unix  -  -  n  -     -  trivial-rewrite
bounce    unix  -  -  n  -     0  bounce
defer     unix  -  -  n  -     0  bounce
error     unix  -  -  n  -     -  error
retry     unix  -  -  n  -     -  error
showq     unix  n  -  n  -     -  showq
discard   unix  -  -  n  -     -  discard
local     unix  -  n  n  -     -  local
anvil     unix  -  -  n  -     1  anvil
postlog   unix-dgram n - n -   1  postlogd
"""


@dataclass(frozen=True, slots=True)
class Postfix:
    """A running Postfix: its ports on 127.0.0.1 and ::1, and its log."""

    base: Path
    name: str
    smtp: int  # as port 25: STARTTLS offered
    submission: int  # as port 587: STARTTLS demanded
    implicit: int  # as port 465: TLS first

    def log(self) -> str:
        """Everything that it has logged."""
        path = self.base / "mail.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def stop(self) -> None:
        """Stop it, and wait until it is gone."""
        self._run("stop", check=False)

    def start(self) -> None:
        """Start it (again), and wait until it greets."""
        self._run("start")
        deadline = time.monotonic() + 20
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.smtp), 2) as door:
                door.settimeout(10)
                if door.recv(200)[:1] in (b"2", b"4", b"5"):  # a refusal too may be what a test wants
                    door.sendall(b"QUIT\r\n")
                    return
            if time.monotonic() > deadline:
                raise RuntimeError(f"Postfix did not start:\n{self.log()}")
            time.sleep(0.05)

    def _run(self, command: str, *, check: bool = True) -> None:
        done = subprocess.run(
            ["postfix", "-c", str(self.base / "etc"), command],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        if check and done.returncode:
            raise RuntimeError(f"postfix {command}: {done.stderr}\n{self.log()}")


@contextlib.contextmanager
def running(
    pem: bytes, *, name: str = "mail.example.test", extra: Mapping[str, str] = {}
) -> Iterator[Postfix]:
    """A Postfix that serves the private key and certificate chain in `pem`; `extra` goes into main.cf."""
    # Not pytest's folder, which is root's alone: Postfix's daemons run as another user.
    base = Path(tempfile.mkdtemp(prefix="netmon-postfix-", dir="/var/tmp"))
    try:
        base.chmod(0o755)
        smtp, submission, implicit = free_ports(3)
        etc = base / "etc"
        for folder in (etc, base / "spool", base / "data"):
            folder.mkdir()
        shutil.chown(base / "data", "postfix")
        (base / "server.pem").write_bytes(pem)
        (base / "server.pem").chmod(0o600)
        settings = "".join(f"{key} = {value}\n" for key, value in extra.items())
        (etc / "main.cf").write_text(MAIN.format(base=base, name=name) + settings)
        doors = "".join(
            f"{host}:{port} inet n - n - - smtpd {options}\n"
            for host in ("127.0.0.1", "[::1]")
            for port, options in (
                (smtp, ""),
                (submission, "-o smtpd_tls_security_level=encrypt"),
                (implicit, "-o smtpd_tls_wrappermode=yes"),
            )
        )
        (etc / "master.cf").write_text(doors + MASTER)
        server = Postfix(base, name, smtp, submission, implicit)
        try:
            server.start()
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(base, ignore_errors=True)


def free_ports(count: int) -> list[int]:
    """Ports that are free on 127.0.0.1 and ::1 at this moment."""
    doors: list[socket.socket] = []
    ports: list[int] = []
    try:
        while len(ports) < count:
            door = socket.create_server(("127.0.0.1", 0))
            doors.append(door)
            port = door.getsockname()[1]
            with contextlib.suppress(OSError):
                doors.append(socket.create_server(("::1", port), family=socket.AF_INET6))
                ports.append(port)
    finally:
        for door in doors:
            door.close()
    return ports
