"""Who is in the company: a small calm one for tests and benchmarks, and the whole one of the demo.

The whole one is wired as such companies are::

    core1 -- sw1 -- mx1, mx3, box1, ups1, print1
          -- sw2 -- mx2
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final

from netmon.demo.appliances import print_server_rows, ups_rows
from netmon.demo.linux import Disk, LinuxHost, Memory
from netmon.demo.machine import Machine, MailMachine
from netmon.demo.mailhost import Tls
from netmon.demo.switch import switch_rows

DOMAIN: Final = "demo.example"
SWITCH: Final = "127.62.0.2"
MAIL: Final = "127.62.0.10"
MAIL_NAME: Final = f"mx1.{DOMAIN}"
# Behind each: how it encrypts and what it is for.
MAIL_PORTS: Final = (
    ("plain", Tls.NONE, "inbound"),
    ("starttls", Tls.STARTTLS, "submission"),
    ("implicit", Tls.IMPLICIT, "submission"),
)
_MODULES: Final = (
    "system",
    "hrSystem",
    "hrStorage",
    "ucd_memory",
    "ucd_la_table",
    "ucd_dsk",
    "tcp_listeners",
    "hr_processor",
    "snmp_engine",
    "if_mib",
)


def linux_host(name: str = MAIL_NAME) -> LinuxHost:
    """A Linux mail host as it is on a good day."""
    return LinuxHost(
        name,
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


def small(seed: int, mail_ports: Mapping[str, int] | None = None) -> Sequence[Machine]:
    """One access switch and the mail host behind it."""
    return (
        _switch("sw1", SWITCH, seed, ping=True),
        _mail_host("mx1", MAIL, MAIL_PORTS, numbers=mail_ports, behind=("sw1",), days_up=12.0, ping=True),
    )


def whole(seed: int) -> Sequence[Machine]:
    """Core and access switches, two mail hosts, a backup MX, mailboxes, a power supply, an old device."""
    inbound = ("inbound", Tls.STARTTLS, "inbound")
    submission = ("submission", Tls.IMPLICIT, "submission")
    # No processes on mx1: its Postfix stops, and the demo shows what is said where nobody knows why.
    return (
        _switch("core1", "127.62.0.1", seed, ports=24, ping=True),
        _switch("sw1", SWITCH, seed + 1, behind=("core1",)),
        _switch("sw2", "127.62.0.3", seed + 2, behind=("core1",)),
        _mail_host("mx1", MAIL, MAIL_PORTS, behind=("sw1",), days_up=12.0),
        _mail_host(
            "mx2",
            "127.62.0.11",
            (inbound, submission),
            behind=("sw2",),
            days_up=85.0,
            processes=("master", "qmgr"),
        ),
        _mail_host(
            "mx3", "127.62.0.12", (inbound,), behind=("sw1",), days_up=203.0, processes=("master", "qmgr")
        ),
        _mail_host("box1", "127.62.0.13", (inbound,), behind=("sw1",), days_up=31.0, mailbox=True),
        Machine("ups1", "127.62.0.20", partial(ups_rows, f"ups1.{DOMAIN}"), kind="power", behind=("sw1",)),
        Machine(
            "print1",
            "127.62.0.21",
            partial(print_server_rows, "print1"),
            kind="printer",
            behind=("sw1",),
            days_up=300.0,
            oldest=True,
        ),
    )


def _switch(
    name: str, address: str, seed: int, *, ports: int = 48, behind: Sequence[str] = (), ping: bool = False
) -> Machine:
    rows = partial(switch_rows, f"{name}.{DOMAIN}", seed, ports=ports)
    return Machine(name, address, rows, kind="switch", behind=behind, ping=ping)


def _mail_host(
    name: str,
    address: str,
    ports: Sequence[tuple[str, Tls, str]],
    *,
    behind: Sequence[str],
    days_up: float,
    numbers: Mapping[str, int] | None = None,
    processes: Sequence[str] = (),
    ping: bool = False,
    mailbox: bool = False,
) -> MailMachine:
    return MailMachine(
        name,
        address,
        linux_host(f"{name}.{DOMAIN}"),
        ports,
        numbers=dict(numbers or {}),
        processes=processes,
        modules=_MODULES,
        behind=behind,
        days_up=days_up,
        phase=250.0,
        ping=ping,
        mailbox=mailbox,
    )
