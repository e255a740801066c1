"""A machine as netmon meets it: with an snmpd, and a mail host with a Postfix besides.

A mail host's spool is a small file system of its own.  Postfix speaks of a full one at MAIL and no
sooner (452 4.3.1), which a check with `envelope` hears.
"""

from functools import partial
from pathlib import Path

from tests.servers import postfix, snmpd
from tests.servers.agent import wait_for
from tests.servers.netns import Machine
from tests.servers.postfix import Postfix

COMMUNITY = "public"
LONG_UP = 10_000_000.0  # seconds: 115 days
_SMTP, _SUBMISSION = 25, 587
_SPOOL_SIZE = "24m"
_LEAST_FREE = 2_000_000  # octets of the spool, below which no mail is taken


class Host(Machine):
    """A machine with an snmpd on port 161."""

    def __init__(self, name: str, address: str, folder: Path, *lines: str, disk: Path | None = None) -> None:
        super().__init__(name, folder, disk=disk, disk_size=_SPOOL_SIZE)
        self.address = address
        self._pid_file = folder / f"{name}.snmpd.pid"
        options, environment = snmpd.set_up(folder / f"{name}.snmpd", "udp:161", COMMUNITY, *lines)
        variables = [f"{key}={value}" for key, value in environment.items()]
        self._command = ("env", *variables, "snmpd", "-p", str(self._pid_file), *options)

    def start(self) -> None:
        """Start all that it serves."""
        self.start_snmp()

    def start_snmp(self) -> None:
        """Start snmpd, and wait until it answers; its link must be up."""
        self._pid_file.unlink(missing_ok=True)
        self.run(*self._command)
        if not snmpd.answers(self.address, 161, COMMUNITY):
            raise RuntimeError(f"snmpd of {self.name} does not answer at {self.address}")

    def stop_snmp(self) -> None:
        """Stop snmpd, and wait until it is gone."""
        self._end(self._pid_file)

    def _end(self, pid_file: Path) -> None:
        pid = int(pid_file.read_text())
        self.run("kill", str(pid))
        wait_for(f"process {pid} of {self.name} to end", lambda: not self.runs(pid), 20)


class MailHost(Host):
    """A host with a Postfix on the ports 25 and 587; its spool is a file system of its own."""

    def __init__(self, name: str, address: str, folder: Path, pem: bytes) -> None:
        base = folder / f"{name}.postfix"
        self.spool = base / "spool"
        super().__init__(name, address, folder, f"disk {self.spool}", disk=self.spool)
        self.pem = pem
        self.clients = base / "clients"  # addresses and what is said to them
        self.postfix = Postfix(
            base, f"{name}.example.test", _SMTP, _SUBMISSION, 0, address, partial(self.run, check=False)
        )
        postfix.set_up(
            self.postfix,
            pem,
            doors=("",),
            extra={
                "inet_interfaces": "all",
                "inet_protocols": "ipv4",
                "message_size_limit": "1000000",
                "queue_minfree": str(_LEAST_FREE),
                "smtpd_peername_lookup": "no",  # dead DNS is a fault of its own
                "smtpd_delay_reject": "no",
                "smtpd_client_restrictions": f"check_client_access cidr:{self.clients}",
            },
        )
        self.clients.write_text("")

    def start_mail(self) -> None:
        """Start Postfix, and wait until it greets."""
        self.postfix.start()

    def stop_mail(self) -> None:
        """Stop Postfix, and wait until it is gone."""
        self._end(self.spool_here / "pid" / "master.pid")

    @property
    def spool_here(self) -> Path:
        """The spool, for us to read and write."""
        return self.root(self.spool)

    def start(self) -> None:
        """Start all that it serves."""
        super().start()
        self.start_mail()
