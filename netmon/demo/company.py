"""The demo's company, all of it on loopback: an access switch and the mail host behind it.

Each host has a loopback address of its own, as it would have on a network, so that its SNMP and its
mail meet in netmon by host and not by port.
"""

import contextlib
import json
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from netmon.demo.certificates import DAY, Authority
from netmon.demo.device import Device, Template
from netmon.demo.farm import Farm
from netmon.demo.linux import Disk, LinuxHost, Memory
from netmon.demo.mailhost import MailServer, Tls
from netmon.demo.switch import switch_rows

COMMUNITY: Final = "demo"  # everyone may read it: it opens nothing but made-up numbers
SWITCH: Final = "127.62.0.2"
MAIL: Final = "127.62.0.10"
MAIL_NAME: Final = "mx1.demo.example"
# Behind each: how it encrypts and what it is for.
MAIL_PORTS: Final = (
    ("plain", Tls.NONE, "inbound"),
    ("starttls", Tls.STARTTLS, "submission"),
    ("implicit", Tls.IMPLICIT, "submission"),
)


def mail_host() -> LinuxHost:
    """The Linux mail host as it is on a good day."""
    return LinuxHost(
        MAIL_NAME,
        disks=(
            Disk("/", "/dev/sda1", 20_466_256, 34.0),
            Disk("/var/spool", "/dev/sda2", 41_152_736, 12.0),
        ),
        memory=Memory(
            total=4_015_200,
            free=1_204_300,
            swap_total=2_097_148,
            swap_free=2_097_148,
            buffers=210_000,
            cached=1_450_000,
        ),
    )


class Company:
    """Starts everything on entry, on the running loop, and leaves nothing behind on exit.

    Ports are any free ones unless given: `snmp_port`, and `mail_ports` by the names in MAIL_PORTS.
    OSError if one is taken.  The same `seed` gives the same devices; `clock` (seconds since the
    epoch) is what moves them.  By default that is the wall clock as it stood at the start, carried on
    by the monotonic one, so that a clock that is set makes no counter jump.
    """

    def __init__(
        self,
        *,
        seed: int = 1,
        snmp_port: int = 0,
        mail_ports: Mapping[str, int] | None = None,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self.snmp_port = snmp_port
        self.mail_ports = {name: (mail_ports or {}).get(name, 0) for name, _, _ in MAIL_PORTS}
        self.mail_host = mail_host()
        self._seed = seed
        epoch = time.time() - time.monotonic()
        self._clock = clock or (lambda: epoch + time.monotonic())
        self._stack = contextlib.AsyncExitStack()
        self._folder = Path()

    async def __aenter__(self) -> Self:
        now = self._clock()
        async with contextlib.AsyncExitStack() as stack:
            self._folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="netmon-demo-")))
            farm = Farm(self._devices(now), self._clock)
            self.snmp_port = farm.open(self.snmp_port)
            stack.callback(farm.close)
            authority = Authority("netmon demo CA", now)
            self.ca_file.write_bytes(authority.pem)
            identity = authority.issue((MAIL_NAME, MAIL), now - DAY, now + 60 * DAY)
            server = MailServer(MAIL_NAME, MAIL, identity.server_context(self._folder))
            stack.push_async_callback(server.close)
            for name, tls, _ in MAIL_PORTS:
                self.mail_ports[name] = await server.listen(tls, self.mail_ports[name])
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    @property
    def ca_file(self) -> Path:
        """The certificate authority that the mail host's certificate comes from."""
        return self._folder / "ca.pem"

    def config(self, *, listen: str = "127.0.0.1:9162", interval: str = "5s") -> str:
        """The netmon.yml that watches this company; its state is in the company's own folder."""
        mail = "\n".join(
            f"      - {{port: {self.mail_ports[name]}, tls: {tls.value}, role: {role}, "
            f"tls_name: {MAIL_NAME}, ca_file: {json.dumps(str(self.ca_file))}}}"
            for name, tls, role in MAIL_PORTS
        )
        return f"""\
agent: {{name: probe.demo.example}}
defaults:
  interval: {interval}
  timeout: 2s
  retries: 1
  confirm: {{fail: 3, recover: 2, retry_interval: 2s}}
auths:
  lab: {{version: 2, community: {COMMUNITY}}}
hosts:
  - name: sw1
    address: {SWITCH}
    labels: {{site: demo, kind: switch}}
    ping: true
    snmp: {{port: {self.snmp_port}, auth: lab, modules: [system, if_mib]}}
  - name: mx1
    address: {MAIL}
    labels: {{site: demo, kind: mail}}
    depends_on: [sw1]
    ping: true
    snmp:
      port: {self.snmp_port}
      auth: lab
      modules: [system, hrSystem, hrStorage, ucd_memory, ucd_la_table, ucd_dsk, if_mib]
    smtp:
{mail}
web: {{listen: "{listen}"}}
state: {{path: {json.dumps(str(self._folder / "state"))}}}
"""

    def _devices(self, now: float) -> dict[str, Device]:
        community = COMMUNITY.encode()
        return {
            SWITCH: Device(
                Template(switch_rows("sw1.demo.example", self._seed)),
                community=community,
                booted=now - 41 * DAY,
                phase=100.0,
            ),
            MAIL: Device(
                Template(self.mail_host.rows()), community=community, booted=now - 12 * DAY, phase=250.0
            ),
        }
