"""Debian's Postfix, with a configuration, queue and log of its own: on loopback, or on a machine.

Nothing of the system's Postfix is read or written: `postfix -c DIR` takes a directory that is made
here and removed afterwards.  It must start as root, as Postfix itself demands.
"""

import contextlib
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
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

POSTSCREEN = """
127.0.0.1:{port} inet n - n - 1 postscreen
smtpd     pass  -  -  n  -     -  smtpd
dnsblog   unix  -  -  n  -     0  dnsblog
tlsproxy  unix  -  -  n  -     0  tlsproxy
"""


def _here(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)


@dataclass(frozen=True, slots=True)
class Postfix:
    """A Postfix: its ports on 127.0.0.1 and ::1, or on a machine's `address`, and its log."""

    base: Path
    name: str
    smtp: int  # as port 25: STARTTLS offered
    submission: int  # as port 587: STARTTLS demanded
    implicit: int  # as port 465: TLS first; 0: no such port
    address: str = "127.0.0.1"
    run: Callable[..., subprocess.CompletedProcess[str]] = _here  # runs a command where it is to run

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
        self.await_greeting()

    def reload(self) -> None:
        """Make it read its configuration and certificate again."""
        self._run("reload")

    def serve(self, pem: bytes) -> None:
        """Take another private key and certificate chain; it counts from the next start or reload."""
        (self.base / "server.pem").write_bytes(pem)
        (self.base / "server.pem").chmod(0o600)

    def await_greeting(self) -> None:
        """Wait until it greets, or refuses: that too may be what a test wants."""
        deadline = time.monotonic() + 20
        while True:
            with contextlib.suppress(OSError), socket.create_connection((self.address, self.smtp), 2) as door:
                door.settimeout(10)
                if door.recv(200)[:1] in (b"2", b"4", b"5"):
                    door.sendall(b"QUIT\r\n")
                    return
            if time.monotonic() > deadline:
                raise RuntimeError(f"Postfix did not start:\n{self.log()}")
            time.sleep(0.05)

    def _run(self, command: str, *, check: bool = True) -> None:
        done = self.run("postfix", "-c", str(self.base / "etc"), command)
        if check and done.returncode:
            raise RuntimeError(f"postfix {command}: {done.stderr}\n{self.log()}")


@contextlib.contextmanager
def running(
    pem: bytes,
    *,
    name: str = "mail.example.test",
    extra: Mapping[str, str] = {},
    doors: Sequence[str] = ("127.0.0.1:", "[::1]:"),
    postscreen: bool = False,
    services: str = "",
) -> Iterator[Postfix]:
    """A Postfix that serves the private key and certificate chain in `pem`.

    `extra` goes into main.cf, `services` are more lines of master.cf.

    With `postscreen` that answers the port `smtp` on 127.0.0.1 first, and trusts no network.
    """
    # Not pytest's folder, which is root's alone: Postfix's daemons run as another user.
    base = Path(tempfile.mkdtemp(prefix="netmon-postfix-", dir="/var/tmp"))
    try:
        base.chmod(0o755)
        smtp, submission, implicit = free_ports(3)
        server = Postfix(base, name, smtp, submission, implicit)
        if postscreen:
            # smtpd keeps the two other ports; a port of 0 is left out.
            behind = Postfix(base, name, 0, submission, implicit)
            services = POSTSCREEN.format(port=smtp)
            extra = {"postscreen_access_list": "", "postscreen_cache_map": "", **extra}
            set_up(behind, pem, doors=("127.0.0.1:",), extra=extra, services=services)
        else:
            set_up(server, pem, doors=doors, extra=extra, services=services)
        try:
            server.start()
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(base, ignore_errors=True)


def set_up(
    server: Postfix, pem: bytes, *, doors: Sequence[str], extra: Mapping[str, str] = {}, services: str = ""
) -> None:
    """Write its configuration into its folder, for its ports on each of `doors` (as ``127.0.0.1:``).

    `extra` goes into main.cf, `services` are more lines of master.cf.
    """
    etc = server.base / "etc"
    for folder in (etc, server.base / "spool", server.base / "data"):
        folder.mkdir(parents=True)
    shutil.chown(server.base / "data", "postfix")
    server.serve(pem)
    # A key that stands twice is warned of, which can lock up postlogd: it logs to itself.
    lines = MAIN.format(base=server.base, name=server.name).strip().splitlines()
    settings = dict(line.split(" =", maxsplit=1) for line in lines) | dict(extra)
    (etc / "main.cf").write_text("".join(f"{key} = {value}\n" for key, value in settings.items()))
    ports = (
        (server.smtp, ""),
        (server.submission, "-o smtpd_tls_security_level=encrypt"),
        (server.implicit, "-o smtpd_tls_wrappermode=yes"),
    )
    open_doors = "".join(
        f"{door}{port} inet n - n - - smtpd {options}\n" for door in doors for port, options in ports if port
    )
    (etc / "master.cf").write_text(f"{open_doors}{MASTER}{services}\n")


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
