"""Debian's Dovecot with a configuration, users and mail of its own, on loopback.

Nothing of the system's Dovecot is read or written.  IMAP and POP3 with STARTTLS and with TLS first, LMTP
for a Postfix that delivers into it, users out of a passwd-file, sieve scripts and quotas where a test wants
them.  It must start as root; mail belongs to the package's own user.
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.servers.postfix import free_ports

START: Final = 20.0  # seconds to come up
_CONF: Final = """\
base_dir = {base}/run
state_dir = {base}/state
instance_name = {base.name}
log_path = {base}/dovecot.log
ssl = yes
ssl_cert = <{base}/server.crt
ssl_key = <{base}/server.key
ssl_min_protocol = TLSv1.2
listen = 127.0.0.1
protocols = imap pop3 lmtp
disable_plaintext_auth = yes
auth_mechanisms = {mechanisms}
auth_failure_delay = {delay}
mail_location = maildir:{base}/mail/%u
mail_uid = dovecot
mail_gid = dovecot
first_valid_uid = 1
postmaster_address = postmaster@{name}
hostname = {name}
mail_max_userip_connections = 100
login_greeting = {name} ready
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%u {base}/users
}}
userdb {{
  driver = passwd-file
  args = username_format=%u {base}/users
  default_fields = uid=dovecot gid=dovecot home={base}/home/%u
}}
namespace inbox {{
  inbox = yes
  mailbox Junk {{
    auto = create
    special_use = \\Junk
  }}
}}
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
    ssl = yes
  }}
}}
service pop3-login {{
  chroot =
  inet_listener pop3 {{
    port = {pop3}
  }}
  inet_listener pop3s {{
    port = {pop3s}
    ssl = yes
  }}
}}
service lmtp {{
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {lmtp}
  }}
}}
protocol lmtp {{
  mail_plugins = $mail_plugins{lmtp_plugins}
}}
{extra}
"""
_QUOTA: Final = """\
mail_plugins = $mail_plugins quota
plugin {
  quota = maildir:User quota
  quota_rule = *:storage=0
  quota_grace = 0
}
"""


@dataclass(frozen=True, slots=True)
class Dovecot:
    """A running Dovecot: its ports on 127.0.0.1 and its folder."""

    base: Path
    name: str
    imap: int  # as port 143: STARTTLS
    imaps: int  # as port 993
    pop3: int  # as port 110: STLS
    pop3s: int  # as port 995
    lmtp: int

    def log(self) -> str:
        """Everything that it has logged."""
        path = self.base / "dovecot.log"
        return path.read_text(errors="replace") if path.exists() else ""

    def serve(self, pem: bytes) -> None:
        """Take another private key and certificate chain; it counts from the next reload."""
        _serve(self.base, pem)

    def users(self, users: Mapping[str, str], quota: Mapping[str, str] = {}) -> None:
        """Have these users and passwords; a quota by user, such as ``10K``.  It counts at once."""
        # passwd-file: user:password:uid:gid:gecos:home:shell:extra fields
        lines = [
            f"{user}:{{PLAIN}}{password}::::::"
            + (f"userdb_quota_rule=*:storage={quota[user]}" if user in quota else "")
            for user, password in users.items()
        ]
        path = self.base / "users"
        (self.base / "users.new").write_text("\n".join(lines) + "\n")
        (self.base / "users.new").chmod(0o644)
        (self.base / "users.new").replace(path)

    def sieve(self, user: str, script: str) -> None:
        """Have this user's mail go through a sieve script, from the next delivery on."""
        home = self.base / "home" / user
        home.mkdir(parents=True, exist_ok=True)
        (home / ".dovecot.sieve").write_text(script)
        (home / ".dovecot.svbin").unlink(missing_ok=True)
        for path in (home, home / ".dovecot.sieve"):
            shutil.chown(path, "dovecot", "dovecot")

    def deliver(self, user: str, message: bytes, folder: str = "") -> None:
        """Put a message into a user's INBOX, or into another folder, without a delivery."""
        box = self.base / "mail" / user
        if folder:
            box /= f".{folder}"
        for part in ("cur", "new", "tmp"):
            (box / part).mkdir(parents=True, exist_ok=True)
        path = box / "new" / f"{time.time_ns()}.test"
        path.write_bytes(message)
        for made in (self.base / "mail" / user, box, *(box / part for part in ("cur", "new", "tmp")), path):
            shutil.chown(made, "dovecot", "dovecot")

    def messages(self, user: str, folder: str = "") -> list[bytes]:
        """What lies in a user's INBOX, or in another folder."""
        box = self.base / "mail" / user
        if folder:
            box /= f".{folder}"
        return [path.read_bytes() for part in ("new", "cur") for path in sorted(box.glob(f"{part}/*"))]

    def counts(self, user: str) -> bool:
        """Whether it has counted a session of this user, which it does a moment after the login."""
        return any(line.startswith(f"{user} ") for line in self._run("who").stderr.splitlines())

    def reload(self) -> None:
        """Make it read its configuration and certificate again."""
        self._run("reload")

    def stop(self) -> None:
        """Stop it, and wait until it is gone; its own way takes three seconds."""
        pid_file = self.base / "run" / "master.pid"
        if not pid_file.exists():
            return
        master = int(pid_file.read_text())
        with contextlib.suppress(ProcessLookupError):
            os.kill(master, signal.SIGSTOP)  # so that it starts no other ones meanwhile
            for pid in [pid for pid, parent, _ in _processes() if parent == master] + [master]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        deadline = time.monotonic() + START
        # What is dead may stay in the table until the machine's first process has looked for it.
        while time.monotonic() < deadline and any(pid == master for pid, _, _ in _processes()):
            time.sleep(0.01)
        pid_file.unlink(missing_ok=True)

    def start(self) -> None:
        """Start it (again), and wait until it greets."""
        done = self._run()
        if done.returncode:
            raise RuntimeError(f"dovecot: {done.stderr}\n{self.log()}")
        self._await_greeting()

    def frozen(self, process: str) -> "contextlib.AbstractContextManager[None]":
        """Hold the processes of this name (``imap``, ``lmtp``) still, as a dead disk would."""
        return _frozen(self.base, process)

    def _run(self, *words: str) -> subprocess.CompletedProcess[str]:
        config = str(self.base / "dovecot.conf")
        program = ["doveadm", "-c", config, *words] if words else ["dovecot", "-c", config]
        # A daemon that keeps a pipe of ours open would never let us see its end.
        with tempfile.TemporaryFile("w+") as told:
            done = subprocess.run(
                program, stdin=subprocess.DEVNULL, stdout=told, stderr=told, check=False, timeout=60
            )
            told.seek(0)
            return subprocess.CompletedProcess(program, done.returncode, "", told.read())

    def _await_greeting(self) -> None:
        deadline = time.monotonic() + START
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.imap), 2) as door:
                door.settimeout(10)
                if door.recv(200).startswith(b"* OK"):
                    door.sendall(b"a LOGOUT\r\n")
                    return
            if time.monotonic() > deadline:
                raise RuntimeError(f"Dovecot did not start:\n{self.log()}")
            time.sleep(0.05)


@contextlib.contextmanager
def running(
    pem: bytes,
    *,
    users: Mapping[str, str],
    name: str = "mail.example.test",
    quota: Mapping[str, str] | None = None,
    sieve: bool = False,
    mechanisms: str = "plain login",
    delay: str = "0",
    extra: str = "",
) -> Iterator[Dovecot]:
    """A Dovecot with these users and passwords that serves the private key and chain in `pem`.

    With `sieve` its LMTP runs each user's script; `quota` (also an empty one) makes it count storage;
    `extra` ends its configuration.
    """
    base = Path(tempfile.mkdtemp(prefix="netmon-dovecot-", dir="/var/tmp"))
    server = Dovecot(base, name, *free_ports(5))
    try:
        base.chmod(0o755)
        for folder in ("mail", "home", "state"):
            (base / folder).mkdir()
            shutil.chown(base / folder, "dovecot", "dovecot")
        _serve(base, pem)
        server.users(users, quota or {})
        plugins = (" quota" if quota is not None else "") + (" sieve" if sieve else "")
        text = _CONF.format(
            base=base,
            name=name,
            mechanisms=mechanisms,
            delay=delay,
            lmtp_plugins=plugins,
            extra=(_QUOTA if quota is not None else "") + extra,
            imap=server.imap,
            imaps=server.imaps,
            pop3=server.pop3,
            pop3s=server.pop3s,
            lmtp=server.lmtp,
        )
        (base / "dovecot.conf").write_text(text)
        try:
            server.start()
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(base, ignore_errors=True)


def _serve(base: Path, pem: bytes) -> None:
    for file in ("server.crt", "server.key"):
        (base / file).write_bytes(pem)
        (base / file).chmod(0o600)


@contextlib.contextmanager
def _frozen(base: Path, name: str) -> Iterator[None]:
    master = int((base / "run" / "master.pid").read_text())
    held = [pid for pid, parent, command in _processes() if parent == master and command == name]
    if not held:
        raise RuntimeError(f"Dovecot runs no {name} now")
    try:
        for pid in held:
            os.kill(pid, signal.SIGSTOP)
        yield
    finally:
        for pid in held:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)


def _processes() -> Iterator[tuple[int, int, str]]:
    """The number, the parent and the name of each process that is alive."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            text = path.read_text()
            head, _, rest = text.rpartition(")")
            number, _, command = head.partition(" (")
            if rest.split()[0] != "Z":
                yield int(number), int(rest.split()[1]), command
