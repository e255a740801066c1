"""A Linux mail host under net-snmp's agent: host resources, memory, load, disks, interfaces, listeners.

Shapes follow RFC 2790 (HOST-RESOURCES-MIB), RFC 4022 (TCP-MIB), RFC 3411 (the engine's starts) and
net-snmp's own MIBs (UCD-SNMP-MIB, and NET-SNMP-EXTEND-MIB for the mail queue).  What a
person would watch on a mail host is held in two records that a script may change while the host
runs: `Disk` and `Memory`.  The tables read them, so hrStorage and dskTable always agree.
"""

import math
import struct
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from netmon.demo.device import Moment, Moving, Row, swing, ticks
from netmon.demo.objects import LOOPBACK, Port, identifier, interfaces, number, system, text
from netmon.snmp import ber

HOST: Final = "1.3.6.1.2.1.25"
UCD: Final = "1.3.6.1.4.1.2021"
TCP_LISTENER: Final = "1.3.6.1.2.1.6.20.1.4"  # tcpListenerProcess
ENGINE: Final = "1.3.6.1.6.3.10.2.1"
EXTEND: Final = "1.3.6.1.4.1.8072.1.3.2.3.1"  # nsExtendOutput1Entry
QUEUE_EXTEND: Final = "netmon-mailq"
SSH: Final = 22
FIRST_PROCESSOR: Final = 196608  # hrDeviceIndex, as net-snmp counts
PROCESSORS: Final = 2
SYSTEM_PROCESSES: Final = (
    "systemd", "kthreadd", "rcu_preempt", "ksoftirqd/0", "migration/0", "kworker/0:0H-ev", "kworker/u4:1-ev",
    "kswapd0", "jbd2/sda1-8", "jbd2/sda2-8", "systemd-journal", "systemd-udevd", "systemd-timesyn",
    "dbus-daemon", "systemd-logind", "cron", "rsyslogd", "agetty", "sshd", "snmpd",
)  # fmt: skip
MAIL_PROCESSES: Final = (
    "master", "qmgr", "pickup", "tlsmgr", "anvil", "smtpd", "smtpd",
    "dovecot", "anvil", "log", "config", "stats", "imap-login", "imap-login",
)  # fmt: skip
NET_SNMP_LINUX: Final = "1.3.6.1.4.1.8072.3.2.10"
BLOCK: Final = 4  # KiB, hrStorageAllocationUnits of a disk
MODULES: Final = (
    ("1.3.6.1.6.3.1", "SNMPv2-MIB"),
    ("1.3.6.1.2.1.25", "HOST-RESOURCES-MIB"),
    ("1.3.6.1.2.1.31", "IF-MIB"),
    ("1.3.6.1.4.1.2021", "UCD-SNMP-MIB"),
    ("1.3.6.1.4.1.8072.1.3.2", "NET-SNMP-EXTEND-MIB"),
)


@dataclass(slots=True)
class Disk:
    """A file system; `percent` is how full it is and may be changed while the host runs."""

    path: str
    device: str
    total: int  # KiB
    percent: float
    minimum: int = 10  # percent that must stay free before dskErrorFlag is set

    def used(self, _moment: Moment) -> int:
        """KiB in use."""
        return int(self.total * self.percent / 100)


@dataclass(slots=True)
class Memory:
    """Memory and swap in KiB; the `free` ones may be changed while the host runs."""

    total: int
    free: int
    swap_total: int
    swap_free: int
    buffers: int
    cached: int


@dataclass(slots=True)
class LinuxHost:
    """What the objects of a Linux host are made from."""

    name: str
    disks: Sequence[Disk]
    memory: Memory
    load: float = 0.4  # average over time; the tables let it swing
    octets: float = 400_000.0  # a second on eth0
    listening: Sequence[int] = (SSH,)  # TCP ports, on all addresses
    processes: Sequence[str] = SYSTEM_PROCESSES + MAIL_PROCESSES  # names, as the kernel has them
    boots: int = 3  # of the SNMP engine
    queue: int = 7  # messages on average; the script that counts them needs a mail server that runs

    @property
    def spool(self) -> Disk:
        """The file system that queued mail is on: the last one."""
        return self.disks[-1]

    def rows(self) -> Iterator[Row]:
        """All objects of the host."""
        yield from system(
            self.name,
            f"Linux {self.name} 6.1.0-28-amd64 #1 SMP PREEMPT_DYNAMIC Debian 6.1.119-1 x86_64",
            NET_SNMP_LINUX,
            location="server room, rack 1",
            services=72,
            modules=MODULES,
        )
        yield from interfaces(
            (
                Port(1, "lo", "lo", kind=LOOPBACK, mtu=65536, megabits=10, octets_in=9_000, octets_out=9_000),
                Port(
                    2,
                    "eth0",
                    "eth0",
                    mac=bytes((2, 0, 0, 0, 0, 2)),
                    octets_in=self.octets,
                    octets_out=self.octets * 0.7,
                ),
            )
        )
        yield from self._host_system()
        yield from self._host_storage()
        yield from self._ucd_memory()
        yield from self._ucd_load()
        yield from self._ucd_disks()
        for port in self.listening:
            # The index: an IPv4 address's type and length, 0.0.0.0, the port.  No process is told.
            yield Row(f"{TCP_LISTENER}.1.4.0.0.0.0.{port}", ber.GAUGE32, 0)
        yield from self._host_processors()
        yield from self._host_processes()
        yield number(f"{ENGINE}.2.0", self.boots)
        yield Row(f"{ENGINE}.3.0", ber.INTEGER, lambda moment: int(moment.uptime))
        yield from self._mail_queue()

    def _host_system(self) -> Iterator[Row]:
        yield Row(f"{HOST}.1.1.0", ber.TIME_TICKS, lambda moment: ticks(moment) + 2_500)
        yield Row(f"{HOST}.1.2.0", ber.OCTET_STRING, _date)
        yield number(f"{HOST}.1.3.0", 393216)
        yield text(f"{HOST}.1.4.0", "BOOT_IMAGE=/boot/vmlinuz-6.1.0-28-amd64 root=/dev/sda1 ro quiet")
        yield Row(f"{HOST}.1.5.0", ber.GAUGE32, 1)
        yield Row(f"{HOST}.1.6.0", ber.GAUGE32, swing(140, 12))
        yield number(f"{HOST}.1.7.0", 0)

    def _host_storage(self) -> Iterator[Row]:
        memory = self.memory
        yield number(f"{HOST}.2.2.0", memory.total)
        # (index, hrStorageType's last number, description, unit in octets, size and use in units)
        entries: list[tuple[int, int, str, int, int, int | Moving]] = [
            (1, 2, "Physical memory", 1024, memory.total, lambda _: memory.total - memory.free),
            (
                3,
                3,
                "Virtual memory",
                1024,
                memory.total + memory.swap_total,
                lambda _: memory.total - memory.free + memory.swap_total - memory.swap_free,
            ),
            (6, 1, "Memory buffers", 1024, memory.total, memory.buffers),
            (7, 1, "Cached memory", 1024, memory.cached, memory.cached),
            (10, 3, "Swap space", 1024, memory.swap_total, lambda _: memory.swap_total - memory.swap_free),
        ]
        for index, disk in enumerate(self.disks, start=31):
            entries.append((index, 4, disk.path, BLOCK * 1024, disk.total // BLOCK, _blocks(disk)))
        for index, kind, words, unit, size, used in entries:
            yield number(f"{HOST}.2.3.1.1.{index}", index)
            yield identifier(f"{HOST}.2.3.1.2.{index}", f"{HOST}.2.1.{kind}")
            yield text(f"{HOST}.2.3.1.3.{index}", words)
            yield number(f"{HOST}.2.3.1.4.{index}", unit)
            yield number(f"{HOST}.2.3.1.5.{index}", size)
            yield Row(f"{HOST}.2.3.1.6.{index}", ber.INTEGER, used)
            yield Row(f"{HOST}.2.3.1.7.{index}", ber.COUNTER32, 0)

    def _host_processors(self) -> Iterator[Row]:
        for index in range(FIRST_PROCESSOR, FIRST_PROCESSOR + PROCESSORS):
            yield number(f"{HOST}.3.2.1.1.{index}", index)
            yield identifier(f"{HOST}.3.2.1.2.{index}", f"{HOST}.3.1.3")
            yield text(f"{HOST}.3.2.1.3.{index}", "Example processor at 2.4 GHz")
            yield identifier(f"{HOST}.3.3.1.1.{index}", "0.0")
            yield Row(f"{HOST}.3.3.1.2.{index}", ber.INTEGER, swing(12, 9, 60.0 + index % 7))

    def _host_processes(self) -> Iterator[Row]:
        for place, name in enumerate(self.processes):
            index = place + 1 if place < len(SYSTEM_PROCESSES) else 700 + 13 * place
            yield number(f"{HOST}.4.2.1.1.{index}", index)
            yield text(f"{HOST}.4.2.1.2.{index}", name)
            yield number(f"{HOST}.4.2.1.6.{index}", 4)  # application
            yield number(f"{HOST}.4.2.1.7.{index}", 2)  # runnable: it waits, as nearly all do

    def _mail_queue(self) -> Iterator[Row]:
        """What snmpd's extend says of the queue (docs/mail-queue.md)."""
        runs = "master" in self.processes
        messages, oldest = swing(self.queue, self.queue / 2), swing(240, 180, 400.0)

        def counted(moment: Moment) -> bytes:
            return b"%d %d" % (int(messages(moment)), int(oldest(moment)))

        stopped = b"postqueue failed: Queue report unavailable - mail system is down"
        said: Moving | bytes = counted if runs else stopped
        index = ".".join(map(str, (len(QUEUE_EXTEND), *QUEUE_EXTEND.encode())))
        yield Row(f"{EXTEND}.1.{index}", ber.OCTET_STRING, said)
        yield Row(f"{EXTEND}.2.{index}", ber.OCTET_STRING, said)
        yield number(f"{EXTEND}.3.{index}", 1)
        yield number(f"{EXTEND}.4.{index}", 0 if runs else 1)

    def _ucd_memory(self) -> Iterator[Row]:
        memory = self.memory
        minimum = 16_000  # KiB of swap, net-snmp's own default
        kib: tuple[tuple[int, int, int | Moving], ...] = (
            (3, 18, memory.swap_total),
            (4, 19, lambda _: memory.swap_free),
            (5, 20, memory.total),
            (6, 21, lambda _: memory.free),
            (11, 22, lambda _: memory.free + memory.swap_free),
            (12, 23, minimum),
            (13, 24, 0),
            (14, 25, memory.buffers),
            (15, 26, memory.cached),
        )
        yield number(f"{UCD}.4.1.0", 0)
        yield text(f"{UCD}.4.2.0", "swap")
        for narrow, wide, value in kib:
            yield Row(f"{UCD}.4.{narrow}.0", ber.INTEGER, value)
            yield Row(f"{UCD}.4.{wide}.0", ber.COUNTER64, value)
        yield Row(f"{UCD}.4.100.0", ber.INTEGER, lambda _: int(memory.swap_free < minimum))
        yield Row(
            f"{UCD}.4.101.0",
            ber.OCTET_STRING,
            lambda _: b"Running out of swap space" if memory.swap_free < minimum else b"",
        )

    def _ucd_load(self) -> Iterator[Row]:
        for index, minutes in enumerate((1, 5, 15), start=1):
            load = self._load(minutes)
            yield number(f"{UCD}.10.1.1.{index}", index)
            yield text(f"{UCD}.10.1.2.{index}", f"Load-{minutes}")
            yield Row(f"{UCD}.10.1.3.{index}", ber.OCTET_STRING, _decimal(load))
            yield text(f"{UCD}.10.1.4.{index}", "12.00")
            yield Row(f"{UCD}.10.1.5.{index}", ber.INTEGER, load)
            yield Row(f"{UCD}.10.1.6.{index}", ber.OPAQUE, _opaque_float(load))
            yield number(f"{UCD}.10.1.100.{index}", 0)
            yield text(f"{UCD}.10.1.101.{index}", "")

    def _load(self, minutes: int) -> Callable[[Moment], int]:
        """Load in hundredths; a longer average swings less."""

        def load(moment: Moment) -> int:
            wave = math.sin(moment.uptime / 37) / minutes**0.5
            return int(100 * self.load * (1 + 0.5 * wave))

        return load

    def _ucd_disks(self) -> Iterator[Row]:
        for index, disk in enumerate(self.disks, start=1):
            used, free = disk.used, _free(disk)
            columns: tuple[tuple[int, int, int | bytes | Moving], ...] = (
                (1, ber.INTEGER, index),
                (2, ber.OCTET_STRING, disk.path.encode()),
                (3, ber.OCTET_STRING, disk.device.encode()),
                (4, ber.INTEGER, -1),
                (5, ber.INTEGER, disk.minimum),
                (6, ber.INTEGER, min(disk.total, 0x7FFFFFFF)),
                (7, ber.INTEGER, free),
                (8, ber.INTEGER, used),
                (9, ber.INTEGER, _percent(disk)),
                (10, ber.INTEGER, 4),
                (11, ber.GAUGE32, disk.total & 0xFFFFFFFF),
                (12, ber.GAUGE32, disk.total >> 32),
                (13, ber.GAUGE32, free),
                (14, ber.GAUGE32, 0),
                (15, ber.GAUGE32, used),
                (16, ber.GAUGE32, 0),
                (100, ber.INTEGER, _disk_error(disk)),
                (101, ber.OCTET_STRING, _disk_message(disk)),
            )
            for column, tag, value in columns:
                yield Row(f"{UCD}.9.1.{column}.{index}", tag, value)


def _blocks(disk: Disk) -> Moving:
    return lambda moment: disk.used(moment) // BLOCK


def _free(disk: Disk) -> Moving:
    return lambda moment: disk.total - disk.used(moment)


def _percent(disk: Disk) -> Moving:
    return lambda _: round(disk.percent)


def _disk_error(disk: Disk) -> Moving:
    return lambda _: int(disk.percent > 100 - disk.minimum)


def _disk_message(disk: Disk) -> Moving:
    def message(_moment: Moment) -> bytes:
        free = 100 - round(disk.percent)
        return f"{disk.path[:16]}: {free}% free".encode() if disk.percent > 100 - disk.minimum else b""

    return message


def _decimal(hundredths: Callable[[Moment], int]) -> Moving:
    return lambda moment: b"%.2f" % (hundredths(moment) / 100)


def _opaque_float(hundredths: Callable[[Moment], int]) -> Moving:
    # net-snmp's float inside an Opaque: two octets of a tag of its own, a length, the IEEE number.
    return lambda moment: b"\x9f\x78\x04" + struct.pack(">f", hundredths(moment) / 100)


def _date(moment: Moment) -> bytes:
    """DateAndTime in UTC (RFC 2579 §2)."""
    at = datetime.fromtimestamp(moment.now, UTC)
    return (
        struct.pack(
            ">HBBBBBB", at.year, at.month, at.day, at.hour, at.minute, at.second, at.microsecond // 100_000
        )
        + b"+\0\0"
    )
