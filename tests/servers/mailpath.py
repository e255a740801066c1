"""Debian's Postfix delivering into Debian's Dovecot by LMTP, with faults that are made for real.

The faults go by the recipient, so that one pair of servers serves all tests at the same time: whatever a
name of `FAULTS` means happens to its mail and to nobody else's.  What changes a message is a program that
Postfix's pipe(8) runs, as site filters are, and that hands it back by SMTP.
"""

import contextlib
import shutil
import socketserver
import tempfile
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from tests.servers import dovecot, postfix

NAME: Final = "mail.example.test"
PASSWORD: Final = "a canary's song"  # of users that these tests make
FILTERED: Final = ("recoded", "damaged", "footed", "doubled", "slow")
FAULTS: Final = (
    "held",  # accepted, and kept in the queue
    "full",  # its mailbox is over its quota
    *FILTERED,
    "junk",  # sieve files it into Junk
    "grey",  # greylisted for the first two tries
    "never",  # greylisted for ever
    "unwanted",  # refused at RCPT
)
_GREY_TRIES: Final = 2

# Runs as nobody, under the system's Python: $1 what to do, $2 the port to hand back to, then the envelope.
_FILTER: Final = r"""
import base64, email, quopri, smtplib, sys, time

how, port, sender, recipient = sys.argv[1:5]
data = sys.stdin.buffer.read()

def texts(message):
    return [part for part in message.walk() if part.get_content_maintype() == "text"]

message = email.message_from_bytes(data)
times = 1
if how == "recoded":
    for part in texts(message):
        octets = part.get_payload(decode=True)
        other = part.get("Content-Transfer-Encoding", "").lower() == "base64"
        encoded = quopri.encodestring(octets, quotetabs=True) if other else base64.encodebytes(octets)
        del part["Content-Transfer-Encoding"]
        part["Content-Transfer-Encoding"] = "quoted-printable" if other else "base64"
        part.set_payload(encoded.decode("ascii"))
    data = message.as_bytes()
elif how == "damaged":
    for part in message.walk():
        if part.get_filename():
            octets = bytearray(part.get_payload(decode=True))
            octets[100] ^= 1
            part.set_payload(base64.encodebytes(bytes(octets)).decode("ascii"))
    data = message.as_bytes()
elif how == "footed":
    part = texts(message)[0]
    octets = part.get_payload(decode=True) + b"\n-- \nThis mail may be confidential.\n"
    part.set_payload(quopri.encodestring(octets).decode("ascii"))
    data = message.as_bytes()
elif how == "doubled":
    times = 2
elif how == "slow":
    time.sleep(2.5)
data = data.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
with smtplib.SMTP("127.0.0.1", int(port), timeout=20) as server:
    server.ehlo("filter.example.test")
    for _ in range(times):
        server.sendmail(sender, [recipient], data, mail_options=["BODY=8BITMIME"])
"""


@dataclass(frozen=True, slots=True)
class MailPath:
    """The two servers; mail for `user(NAME)` goes in at `mta.smtp` and comes out of `store`."""

    mta: postfix.Postfix
    store: dovecot.Dovecot
    tries: dict[str, int] = field(default_factory=dict)  # of greylisted recipients, by name

    def release(self) -> None:
        """Let the held mail go on."""
        done = self.mta.run("postsuper", "-c", str(self.mta.base / "etc"), "-H", "ALL")
        if done.returncode:
            raise RuntimeError(done.stderr)
        self.mta.run("postqueue", "-c", str(self.mta.base / "etc"), "-f")

    def queued(self) -> str:
        """What `postqueue -p` says."""
        return self.mta.run("postqueue", "-c", str(self.mta.base / "etc"), "-p").stdout


def user(name: str) -> str:
    """A user's address, which is his login too."""
    return f"{name}@{NAME}"


@contextlib.contextmanager
def running(pem: bytes, users: tuple[str, ...] = ()) -> Iterator[MailPath]:
    """The pair of servers, with a user for each fault besides `users`; they serve the key and chain in `pem`.

    Postfix takes logins as Dovecot knows them on its submission port.
    """
    names = (*users, *FAULTS)
    folder = Path(tempfile.mkdtemp(prefix="netmon-mailpath-", dir="/var/tmp"))
    sasl, back = postfix.free_ports(2)
    auth = f"service auth {{\n  inet_listener sasl {{\n    address = 127.0.0.1\n    port = {sasl}\n  }}\n}}\n"
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        store = stack.enter_context(
            dovecot.running(
                pem,
                users={user(name): PASSWORD for name in names},
                quota={user("full"): "1B"},
                sieve=True,
                extra=auth,
            )
        )
        store.sieve(user("junk"), 'require "fileinto";\nfileinto "Junk";\n')
        tries: dict[str, int] = {}
        policy = stack.enter_context(_policy(tries))
        _write(folder)
        extra = {
            "local_transport": f"lmtp:inet:127.0.0.1:{store.lmtp}",
            "lmtp_tls_security_level": "none",
            "lmtp_connection_cache_on_demand": "no",
            "smtpd_sasl_type": "dovecot",
            "smtpd_sasl_path": f"inet:127.0.0.1:{sasl}",
            "smtpd_recipient_restrictions": (
                f"check_recipient_access regexp:{folder}/access,"
                f" check_policy_service inet:127.0.0.1:{policy},"
                " permit_mynetworks, reject_unauth_destination"
            ),
        }
        base = folder / "postfix"
        base.mkdir()
        smtp, submission, implicit = postfix.free_ports(3)
        mta = postfix.Postfix(base, NAME, smtp, submission, implicit)
        postfix.set_up(
            mta,
            pem,
            doors=("127.0.0.1:",),
            extra=extra,
            services=_services(folder, back),
        )
        etc = base / "etc" / "master.cf"
        # Who may log in is asked on the submission port alone.
        etc.write_text(
            etc.read_text().replace(
                "-o smtpd_tls_security_level=encrypt",
                "-o smtpd_tls_security_level=encrypt -o smtpd_sasl_auth_enable=yes"
                " -o smtpd_relay_restrictions=permit_sasl_authenticated,reject"
                " -o smtpd_recipient_restrictions=permit_sasl_authenticated,reject",
            )
        )
        stack.callback(mta.stop)
        mta.start()
        yield MailPath(mta, store, tries)


def _write(folder: Path) -> None:
    folder.chmod(0o755)
    (folder / "filter.py").write_text(_FILTER)
    lines = [f"/^{name}@/ FILTER {name}:" for name in FILTERED]
    lines += ["/^held@/ HOLD", "/^unwanted@/ 550 5.7.1 no mail for him"]
    (folder / "access").write_text("".join(f"{line}\n" for line in lines))
    for path in (folder / "filter.py", folder / "access"):
        path.chmod(0o644)


def _services(folder: Path, back: int) -> str:
    # Mail that comes back is asked nothing, or it would be filtered for ever.
    back_door = (
        f"127.0.0.1:{back} inet n - n - - smtpd -o smtpd_recipient_restrictions=permit_mynetworks,reject"
        " -o smtpd_tls_security_level=none"
    )
    lines = ["lmtp unix - - n - - lmtp", back_door]
    lines += [
        f"{how} unix - n n - 4 pipe flags=Rq user=nobody null_sender="
        f" argv=/usr/bin/python3 {folder}/filter.py {how} {back} ${{sender}} ${{recipient}}"
        for how in FILTERED
    ]
    return "\n".join(lines)


class _PolicyServer(socketserver.ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True
    tries: dict[str, int]


class _Policy(socketserver.StreamRequestHandler):
    """Postfix's policy delegation protocol: lines of ``name=value``, an empty one, and an action back."""

    def handle(self) -> None:
        """Answer until Postfix closes."""
        asked: dict[str, str] = {}
        for line in self.rfile:
            text = line.decode().rstrip("\n")
            if text:
                name, _, value = text.partition("=")
                asked[name] = value
                continue
            self.wfile.write(f"action={self._action(asked.get('recipient', ''))}\n\n".encode())
            asked = {}

    def _action(self, recipient: str) -> str:
        name = recipient.partition("@")[0]
        if name not in ("grey", "never"):
            return "DUNNO"
        assert isinstance(self.server, _PolicyServer)
        tries = self.server.tries
        tries[name] = tries.get(name, 0) + 1
        if name == "grey" and tries[name] > _GREY_TRIES:
            return "DUNNO"
        return "DEFER 4.7.1 greylisted, come back later"


@contextlib.contextmanager
def _policy(tries: dict[str, int]) -> Iterator[int]:
    with _PolicyServer(("127.0.0.1", 0), _Policy) as server:
        server.tries = tries
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield int(server.server_address[1])
        finally:
            server.shutdown()
            thread.join()
