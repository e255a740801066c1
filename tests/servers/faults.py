"""Faults made for real in the `world`, each a block at whose end it is mended.

A fault is there when its block begins and mended when it has ended; what netmon makes of either is
for the test to wait for.
"""

import contextlib
import signal
from collections.abc import Iterator

from tests.servers import netns
from tests.servers.hosts import Host, MailHost
from tests.servers.world import OUR_ADDRESS, World, plug_in_agent

# Where each host's cable ends: the namespace and the interface on the far side.
_CABLES = {
    "nm": ("core", "nm"),
    "sw1": ("core", "sw1"),
    "ap1": ("core", "ap1"),
    "mx1": ("sw1", "swp1"),
    "mx2": ("sw1", "swp2"),
    "mx3": ("sw1", "swp3"),
}
_MAIL = "tcp dport { 25, 587 } drop"


@contextlib.contextmanager
def mail_stopped(host: MailHost) -> Iterator[None]:
    """Postfix is stopped: its ports refuse."""
    host.stop_mail()
    try:
        yield
    finally:
        host.start_mail()


@contextlib.contextmanager
def snmp_stopped(host: Host) -> Iterator[None]:
    """snmpd is stopped: port 161 is unreachable."""
    host.stop_snmp()
    try:
        yield
    finally:
        host.start_snmp()


@contextlib.contextmanager
def filtered(host: Host, rule: str = _MAIL, *, hook: str = "input") -> Iterator[None]:
    """A packet filter on the host has this nftables rule; on a router with `hook="forward"`, on the path."""
    table = "inet netmon_fault"
    host.run(
        "nft",
        "-f",
        "-",
        words=f"table {table} {{ chain fault {{ type filter hook {hook} priority 0; {rule}; }}; }}",
    )
    try:
        yield
    finally:
        host.run("nft", "delete", "table", *table.split())


@contextlib.contextmanager
def spool_full(host: MailHost) -> Iterator[None]:
    """The spool's file system has no octet left."""
    ballast = host.spool_here / "ballast"
    try:
        with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while file.write(bytes(1 << 16)):  # until ENOSPC
                pass
        yield
    finally:
        ballast.unlink()


@contextlib.contextmanager
def unplugged(name: str) -> Iterator[None]:
    """The cable of this host is out: `sw1` takes all behind it along, and `nm` is netmon itself."""
    far, interface = _CABLES[name]
    netns.set_up(far, f"link set {interface} down")
    try:
        yield
    finally:
        netns.set_up(far, f"link set {interface} up")


@contextlib.contextmanager
def interface_down() -> Iterator[None]:
    """netmon's own machine has its interface down: it has no route to anything."""
    netns.set_up("nm", "link set eth0 down")
    try:
        yield
    finally:
        plug_in_agent()


@contextlib.contextmanager
def powered_off(host: Host, *, uptime: float = 5.0) -> Iterator[None]:
    """The host's power is off; at the end it has booted `uptime` seconds ago, and all of it runs."""
    with _dark(host, uptime):
        yield
    host.start()


@contextlib.contextmanager
def rebooting(host: Host, *, uptime: float = 5.0) -> Iterator[None]:
    """The host was dark for a moment and booted `uptime` seconds ago; snmpd runs, Postfix from the end on."""
    with _dark(host, uptime):
        pass
    host.start_snmp()
    try:
        yield
    finally:
        if isinstance(host, MailHost):
            host.start_mail()


@contextlib.contextmanager
def _dark(host: Host, uptime: float) -> Iterator[None]:
    with unplugged(host.name):
        host.power_off()
        try:
            yield
        finally:
            host.boot(uptime)
            host.await_boot()


@contextlib.contextmanager
def certificate(world: World, host: MailHost, *, days: float = -1.0) -> Iterator[None]:
    """Postfix serves a certificate that ends in `days` (fewer than 0: it has ended)."""
    host.postfix.serve(world.pem(host, days=days))
    host.postfix.reload()
    try:
        yield
    finally:
        host.postfix.serve(host.pem)
        host.postfix.reload()


@contextlib.contextmanager
def refused(host: MailHost, words: str = "554 5.7.1 You are not welcome here") -> Iterator[None]:
    """Postfix greets netmon's address, and no other, with a refusal."""
    host.clients.write_text(f"{OUR_ADDRESS} {words}\n")
    host.postfix.reload()
    try:
        yield
    finally:
        host.clients.write_text("")
        host.postfix.reload()


@contextlib.contextmanager
def dns_dead(world: World) -> Iterator[None]:
    """DNS does not answer."""
    world.dns.send_signal(signal.SIGSTOP)
    try:
        yield
    finally:
        world.dns.send_signal(signal.SIGCONT)
