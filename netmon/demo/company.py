"""The demo's company, all of it on loopback: simulated devices, real mail conversations, one config.

It starts calm; what happens to its machines is the business of whoever has them.
"""

import contextlib
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import yaml

from netmon.demo.cast import small
from netmon.demo.certificates import Authority
from netmon.demo.device import Device
from netmon.demo.farm import Farm
from netmon.demo.machine import COMMUNITY, Machine, MailMachine, Surroundings
from netmon.demo.notify import Told, datagram


@dataclass(frozen=True, slots=True)
class Pace:
    """How often netmon looks, and how long it waits; durations as in netmon.yml."""

    interval: str = "5s"
    timeout: str = "1s"  # of a mail server's answer: generous, on loopback
    snmp_timeout: str = "1s"
    retry: str = "2s"
    flow: str = "30s"  # of a mailflow


# A run must end within its interval: three silent ports are met one after the other.
FAST: Final = Pace(interval="1s", timeout="250ms", snmp_timeout="600ms", retry="1s", flow="10s")


class Company:
    """Starts everything on entry, on the running loop, and leaves nothing behind on exit.

    Ports are any free ones unless given: `snmp_port`, and `mail_ports` of the small company.
    OSError if one is taken.  `machines` are those of the small calm company unless given.  The same
    `seed` gives the same small company; `clock` (seconds since the epoch) is what moves the devices.
    By default that is the wall clock as it stood at the start, carried on by the monotonic one, so
    that a clock that is set makes no counter jump.  The devices send traps to `trap_port`, 0: none.
    """

    def __init__(
        self,
        machines: Sequence[Machine] = (),
        *,
        seed: int = 1,
        snmp_port: int = 0,
        mail_ports: Mapping[str, int] | None = None,
        clock: Callable[[], float] | None = None,
        trap_port: int = 0,
    ) -> None:
        self.snmp_port = snmp_port
        self._trap_port = trap_port
        self._traps = 0  # sent so far
        self.machines = {machine.name: machine for machine in machines or small(seed, mail_ports)}
        epoch = time.time() - time.monotonic()
        self._clock = clock or (lambda: epoch + time.monotonic())
        self._stack = contextlib.AsyncExitStack()
        self._folder = Path()
        self._farm: Farm | None = None

    async def __aenter__(self) -> Self:
        async with contextlib.AsyncExitStack() as stack:
            self._folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="netmon-demo-")))
            devices: dict[str, Device] = {}
            farm = Farm(devices, self._clock)
            self.snmp_port = farm.open(self.snmp_port)
            self._farm = farm
            stack.callback(farm.close)
            authority = Authority("netmon demo CA", self._clock())
            self.ca_file.write_bytes(authority.pem)
            around = Surroundings(devices, self._clock, authority, self._folder)
            for machine in self.machines.values():
                stack.push_async_callback(machine.close)
                machine.set_up(around)
                if isinstance(machine, MailMachine):
                    await machine.open_mailbox()
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    @property
    def ca_file(self) -> Path:
        """The certificate authority that the mail hosts' certificates come from."""
        return self._folder / "ca.pem"

    @property
    def mail_ports(self) -> Mapping[str, int]:
        """The ports of mx1 by the names in MAIL_PORTS."""
        return self.mail("mx1").ports

    @property
    def snmp_requests(self) -> int:
        """How many SNMP requests the devices have answered so far."""
        return 0 if self._farm is None else self._farm.requests

    def mail(self, name: str) -> MailMachine:
        """The mail host of that name.  Raises KeyError."""
        machine = self.machines[name]
        if not isinstance(machine, MailMachine):
            raise KeyError(name)
        return machine

    def tell(self, name: str, told: Told) -> None:
        """The machine of that name sends a trap, if anybody is to receive traps."""
        if self._trap_port and self._farm is not None:
            machine = self.machines[name]
            self._traps += 1
            message = datagram(told, COMMUNITY, self._traps, machine.uptime)
            self._farm.send(machine.address, self._trap_port, message)

    def config(self, *, listen: str = "127.0.0.1:9162", pace: Pace = Pace()) -> str:
        """The netmon.yml that watches this company; its state is in the company's own folder."""
        hosts = [machine.entry(self.snmp_port, self.ca_file) for machine in self.machines.values()]
        for host in hosts:
            host["snmp"]["timeout"] = pace.snmp_timeout
        config: dict[str, Any] = {
            "agent": {"name": "probe.demo.example"},
            "defaults": {
                "interval": pace.interval,
                "timeout": pace.timeout,
                "retries": 1,
                "confirm": {"fail": 3, "recover": 2, "retry_interval": pace.retry},
            },
            "auths": {
                "lab": {"version": 2, "community": COMMUNITY},
                "old": {"version": 1, "community": COMMUNITY},
            },
            "hosts": hosts,
            "web": {"listen": listen},
            "state": {"path": str(self._folder / "state")},
        }
        mails = [machine for machine in self.machines.values() if isinstance(machine, MailMachine)]
        if flows := [flow for machine in mails if (flow := machine.mailflow(self.ca_file))]:
            config["mailflows"] = [{**flow, "interval": pace.flow, "deadline": "10s"} for flow in flows]
        if self._trap_port:
            config["traps"] = {
                "listen": [f"127.0.0.1:{self._trap_port}"],
                "communities": [COMMUNITY],
                "log": False,
            }
        # Lists of words in one line, as people write them.
        return yaml.safe_dump(config, sort_keys=False, default_flow_style=None, width=100)
