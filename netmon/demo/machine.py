"""One host of the demo's company, with its good and its bad days.

A `Machine` has an SNMP agent; a `MailMachine` besides is a Linux host with a mail server.  Each has an
address of its own on loopback, as it would have on a network, so that its SNMP and its mail meet in
netmon by host and not by port.  Faults are plain methods: they take effect at once and are undone by
their opposite.
"""

import ssl
from collections.abc import Callable, Iterable, MutableMapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from netmon.demo.certificates import DAY, Authority, Identity
from netmon.demo.device import Device, Row, Template
from netmon.demo.linux import MAIL_PROCESSES, SSH, SYSTEM_PROCESSES, LinuxHost
from netmon.demo.mailbox import USER, Mailbox
from netmon.demo.mailhost import MailServer, Tls

COMMUNITY: Final = "demo"  # everyone may read it: it opens nothing but made-up numbers
GOOD_FOR: Final = 60 * DAY  # a fresh certificate
LIFETIME: Final = 90 * DAY  # of any certificate, as automatic authorities give them


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a machine finds where it is set up.

    `devices` is what the farm serves, by address; `clock` gives seconds since the epoch; `folder` is
    private.
    """

    devices: MutableMapping[str, Device]
    clock: Callable[[], float]
    authority: Authority
    folder: Path


class Machine:
    """A host with an SNMP agent; `rows` gives what the agent serves.

    `modules` are left to netmon (auto) where none are given.  `behind` names what it depends on,
    `days_up` is how long it has been running, `phase` (seconds) when its busy time comes, `oldest` a
    device that knows SNMPv1 only.  `ping` is for machines that never fall silent: every address of
    127.0.0.0/8 answers an echo, come what may.  `interval` (as in netmon.yml) is for one that has so
    much to tell that it cannot be asked as often as the others.
    """

    def __init__(
        self,
        name: str,
        address: str,
        rows: Callable[[], Iterable[Row]],
        *,
        kind: str,
        modules: Sequence[str] = (),
        behind: Sequence[str] = (),
        days_up: float = 41.0,
        phase: float = 100.0,
        oldest: bool = False,
        ping: bool = False,
        interval: str = "",
    ) -> None:
        self.name = name
        self.address = address
        self._rows = rows
        self._kind = kind
        self._modules = modules
        self._behind = behind
        self._days_up = days_up
        self._phase = phase
        self._oldest = oldest
        self._ping = ping
        self._interval = interval
        self._around: Surroundings | None = None
        self._booted = 0.0

    def set_up(self, around: Surroundings) -> None:
        """Begin to answer.  Raises OSError."""
        self._around = around
        self._booted = around.clock() - self._days_up * DAY
        self.wake()

    async def close(self) -> None:
        """Leave nothing behind."""

    def entry(self, snmp_port: int, ca_file: Path) -> dict[str, Any]:
        """The host's entry in netmon.yml."""
        del ca_file
        entry: dict[str, Any] = {
            "name": self.name,
            "address": self.address,
            "labels": {"site": "demo", "kind": self._kind},
        }
        if self._behind:
            entry["depends_on"] = list(self._behind)
        if self._ping:
            entry["ping"] = True
        if self._interval:
            entry["interval"] = self._interval
        auth = "old" if self._oldest else "lab"
        entry["snmp"] = {"port": snmp_port, "auth": auth, "modules": list(self._modules) or "auto"}
        return entry

    @property
    def answers(self) -> bool:
        """Whether the SNMP agent does."""
        return self.address in self._surroundings.devices

    @property
    def uptime(self) -> float:
        """Seconds since it booted."""
        return self._surroundings.clock() - self._booted

    def hang(self) -> None:
        """The SNMP agent answers no more."""
        self._surroundings.devices.pop(self.address, None)

    def wake(self) -> None:
        """The SNMP agent answers, with what the machine now has to tell."""
        self._surroundings.devices[self.address] = Device(
            Template(self._rows()),
            community=COMMUNITY.encode(),
            booted=self._booted,
            phase=self._phase,
            oldest=self._oldest,
        )

    def vanish(self) -> None:
        """Nothing answers here any more, as where power or the way there is lost."""
        self.hang()

    def come_back(self, *, booted: bool = False) -> None:
        """Everything answers again; `booted`: as after a start."""
        if booted:
            self._booted = self._surroundings.clock()
        self.wake()

    @property
    def _surroundings(self) -> Surroundings:
        if self._around is None:
            raise RuntimeError(f"{self.name} is not set up")
        return self._around


class MailMachine(Machine):
    """A Linux host with a mail server on some ports: (name, encryption, role), numbered on `set_up`."""

    def __init__(
        self,
        name: str,
        address: str,
        linux: LinuxHost,
        ports: Sequence[tuple[str, Tls, str]],
        *,
        numbers: MutableMapping[str, int] | None = None,
        processes: Sequence[str] = (),
        mailbox: bool = False,
        **more: Any,
    ) -> None:
        """`numbers` are the ports' numbers by name; what is missing or 0 becomes any free port.

        `mailbox`: mail is delivered into one, which IMAP opens on the port named "imap".

        `processes` are those that netmon is to look for.
        """
        super().__init__(name, address, self._linux_rows, kind="mail", **more)
        self.linux = linux
        self.ports = dict(numbers or {})
        self._offered = ports
        self._processes = processes
        self.mailbox = Mailbox(linux.name) if mailbox else None
        self.imap_port = self.ports.pop("imap", 0)
        self._server: MailServer | None = None
        self._context: ssl.SSLContext | None = None

    def set_up(self, around: Surroundings) -> None:
        """Begin to answer.  Raises OSError."""
        self._around = around
        self._context = self._identity(GOOD_FOR).server_context(around.folder)
        self._server = MailServer(self.linux.name, self.address, self._context)
        for name, tls, _role in self._offered:
            self.ports[name] = self._server.listen(tls, self.ports.get(name, 0))
        if self.mailbox is not None:
            self._server.deliver = self.mailbox.deliver
        super().set_up(around)

    async def open_mailbox(self) -> None:
        """Have the mailbox opened by IMAP, if there is one.  Raises OSError."""
        if self.mailbox is not None and self._context is not None:
            self.imap_port = await self.mailbox.listen(self.address, self._context, self.imap_port)

    async def close(self) -> None:
        """Close every port and cut what conversations there are."""
        if self._server is not None:
            await self._server.close()
        if self.mailbox is not None:
            await self.mailbox.close()

    def entry(self, snmp_port: int, ca_file: Path) -> dict[str, Any]:
        """The host's entry in netmon.yml."""
        entry = super().entry(snmp_port, ca_file)
        entry["snmp"]["mail_queue"] = True
        if self._processes:
            entry["snmp"]["processes"] = list(self._processes)
        entry["smtp"] = [
            {
                "port": self.ports[name],
                "tls": tls.value,
                "role": role,
                "tls_name": self.linux.name,
                "ca_file": str(ca_file),
            }
            for name, tls, role in self._offered
        ]
        if self.mailbox is not None:
            entry["imap"] = [{**self._door(ca_file), "login": self._login(self.mailbox)}]
            entry["confirm"] = {"fail": 1, "recover": 1}  # its mailflow takes its time already
        return entry

    def mailflow(self, ca_file: Path) -> dict[str, Any]:
        """The entry of `mailflows` that sends through this host, if it has a mailbox."""
        if self.mailbox is None:
            return {}
        name, tls, _ = self._offered[0]
        tls_name = {"tls_name": self.linux.name, "ca_file": str(ca_file)}
        return {
            "name": self.name,
            "send": {
                "host": self.name, "port": self.ports[name], "tls": tls.value, **tls_name,
                "from": f"netmon@{self.linux.name}", "to": f"{USER}@{self.linux.name}",
            },
            "fetch": {"host": self.name, **self._door(ca_file), "login": self._login(self.mailbox)},
        }  # fmt: skip

    def _door(self, ca_file: Path) -> dict[str, Any]:
        return {
            "port": self.imap_port,
            "tls": "implicit",
            "tls_name": self.linux.name,
            "ca_file": str(ca_file),
        }

    def _login(self, mailbox: Mailbox) -> dict[str, Any]:
        """The password stands in a file, as netmon wants it."""
        path = self._surroundings.folder / f"{self.name}.password"
        path.touch(0o600)
        path.write_text(mailbox.password)
        return {"username": USER, "password": f"${{file:{path}}}"}

    def stop_mail(self) -> None:
        """The mail server ends; its ports refuse."""
        self._mail.stop()
        self.wake()

    def start_mail(self) -> None:
        """The mail server is there, and nothing stands in its way.  Raises OSError."""
        self._mail.refusal = ""
        self._mail.start()
        self.wake()

    def filter_mail(self) -> None:
        """Something on the way drops what goes to the mail ports; the server itself knows nothing of it."""
        self._mail.swallow()

    def refuse_mail(self, reply: str) -> None:
        """Every client gets this reply (``"421 4.3.1 ..."``) for a greeting, until `start_mail`."""
        self._mail.refusal = reply

    def fill_spool(self, percent: float) -> None:
        """How full /var/spool is."""
        self.linux.spool.percent = percent

    def certify(self, seconds: float) -> None:
        """Serve a certificate that is good for so long from now; negative: it has ended."""
        if self._context is not None:
            self._identity(seconds).load_into(self._context, self._surroundings.folder)

    def vanish(self) -> None:
        """Nothing answers here any more, as where power or the way there is lost."""
        super().vanish()
        self._mail.swallow()

    def come_back(self, *, booted: bool = False) -> None:
        """Everything answers again; `booted`: as after a start.  Raises OSError."""
        self._mail.start()
        self.linux.boots += booted
        super().come_back(booted=booted)

    def _linux_rows(self) -> Iterable[Row]:
        listening = self._mail.listening
        self.linux.listening = (SSH, *listening)
        self.linux.processes = (*SYSTEM_PROCESSES, *(MAIL_PROCESSES if listening else ()))
        return self.linux.rows()

    def _identity(self, seconds: float) -> Identity:
        until = self._surroundings.clock() + seconds
        names = (self.linux.name, self.address)
        return self._surroundings.authority.issue(names, until - LIFETIME, until)

    @property
    def _mail(self) -> MailServer:
        if self._server is None:
            raise RuntimeError(f"{self.name} is not set up")
        return self._server
