"""A small real network: three mail hosts behind a switch, one more host, a gateway, and netmon.

    nm 192.0.2.10 ----+                                    +-- swp1 -- mx1 198.51.100.11
                      |                                    |
               core br0 192.0.2.254 ---- sw1 192.0.2.1 / 198.51.100.1 -- swp2 -- mx2 198.51.100.12
                      |                                    |
  ap1 192.0.2.20 -----+                                    +-- swp3 -- mx3 198.51.100.13

Each is a network namespace; all but `nm` and `core` are machines with a real snmpd, the mail hosts with
a real Postfix.  sw1 routes between its two sides.  `core` is the gateway and answers DNS for
example.test.  `nm` has no IPv6 route.  While the world stands, the calling thread is in `nm`.
"""

import contextlib
import datetime as dt
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import trustme
import yaml

from tests.servers import netns
from tests.servers.agent import AgentProcess, agent, wait_for
from tests.servers.hosts import COMMUNITY, LONG_UP, Host, MailHost

AGENT = "nm.example.test"
OUR_ADDRESS = "192.0.2.10"
GATEWAY = "192.0.2.254"
V6_ONLY = "v6.example.test"  # a name that has an IPv6 address alone
_INSIDE = {"mx1": "198.51.100.11", "mx2": "198.51.100.12", "mx3": "198.51.100.13"}
_ADDRESSES = {"sw1": "192.0.2.1", "ap1": "192.0.2.20", **_INSIDE}
_DEVICE = ["system", "if_mib", "hrSystem"]
_COMPUTER = [*_DEVICE, "hrStorage", "ucd_memory", "ucd_la_table", "ucd_dsk", "tcp_listeners"]


@dataclass
class World:
    """The network while it stands; `authority` is the file of the certificate authority `ca`."""

    folder: Path
    authority: Path
    ca: trustme.CA = field(repr=False)
    sw1: Host
    ap1: Host
    mx1: MailHost
    mx2: MailHost
    mx3: MailHost
    dns: subprocess.Popen[bytes] = field(repr=False)

    @property
    def mail_hosts(self) -> tuple[MailHost, ...]:
        """Those behind sw1."""
        return self.mx1, self.mx2, self.mx3

    @property
    def hosts(self) -> tuple[Host, ...]:
        """All that netmon watches."""
        return self.sw1, self.ap1, *self.mail_hosts

    def config(self) -> dict[str, Any]:
        """A quick agent over all hosts; for a test to add to, `config["hosts"]` is by name."""
        confirm = {"fail": 2, "recover": 2, "retry_interval": "1s"}
        # The tests' machine is busy, its disks are its own affair, and one scenario follows the other.
        limits = {
            "load_per_cpu": 1000,
            "storage": {"ignore": ["/", "/dev*", "/run*", "/sys*", "/proc*"]},
            "flapping": {"changes": 100},
        }
        defaults = {"interval": "2s", "timeout": "1s", "retries": 1, "confirm": confirm, "limits": limits}
        hosts: dict[str, dict[str, Any]] = {
            host.name: {"address": host.address, "ping": True, "snmp": {"auth": "lab", "modules": [*_DEVICE]}}
            for host in (self.sw1, self.ap1)
        }
        for number, host in enumerate(self.mail_hosts, 1):
            trust = {"tls_name": host.postfix.name, "ca_file": str(self.authority)}
            hosts[host.name] = {
                "address": host.address,
                "depends_on": ["sw1"],
                "upstream_ports": {"sw1": f"swp{number}"},
                "ping": True,
                "snmp": {"auth": "lab", "modules": [*_COMPUTER]},
                "smtp": [{"port": port, "envelope": True, **trust} for port in (25, 587)],
            }
        hosts["mx2"]["snmp"]["processes"] = ["master"]
        return {
            "agent": {"name": AGENT},
            "defaults": defaults,
            "auths": {"lab": {"community": COMMUNITY}},
            "dns": {"servers": [GATEWAY]},
            "web": {"listen": "127.0.0.1:0"},
            "hosts": hosts,
        }

    def text(self, config: dict[str, Any], state: Path) -> str:
        """A config of `config()` as the agent reads it, its state in `state`."""
        hosts = [{"name": name, **host} for name, host in config["hosts"].items()]
        return yaml.safe_dump({**config, "hosts": hosts, "state": {"path": str(state)}})

    @contextlib.contextmanager
    def agent(self, folder: Path, config: dict[str, Any] | None = None) -> Iterator[AgentProcess]:
        """The agent on `config` (default: `config()`), which has found every host healthy."""
        folder.mkdir(parents=True, exist_ok=True)
        with agent(folder, self.text(config or self.config(), folder / "state")) as process:
            process.ready()
            all_healthy(process)
            yield process

    def pem(self, host: MailHost, *, days: float = 365.0) -> bytes:
        """A private key and a certificate for the host that ends in `days`; below 0: it has ended."""
        until = dt.datetime.now(dt.UTC) + dt.timedelta(days=days)
        return _pem(self.ca, host.name, until)


def all_healthy(process: AgentProcess) -> None:
    """Wait until the agent finds every host healthy; AssertionError says which it does not."""
    seen: dict[str, str] = {}

    def healthy() -> bool:
        seen.clear()
        seen.update({host["name"]: host["verdict"] for host in process.get("/api/hosts").json()})
        return set(seen.values()) == {"healthy"}

    try:
        wait_for("every host to be healthy", healthy, 60)
    except AssertionError as error:
        unwell = {name: verdict for name, verdict in seen.items() if verdict != "healthy"}
        sentences = [process.host(name)["sentence"] for name in unwell]
        raise AssertionError(f"{error}: {unwell}: {sentences}") from None


@contextlib.contextmanager
def world() -> Iterator[World]:
    """The network, everything in it running; all of it is gone when the block ends."""
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(netns.namespaces("nm", "core", *_ADDRESSES))
        _lay_cables()
        ca = trustme.CA()
        authority = folder / "ca.pem"
        ca.cert_pem.write_to_path(str(authority))
        sw1, ap1 = (Host(name, _ADDRESSES[name], folder) for name in ("sw1", "ap1"))
        mx1, mx2, mx3 = (MailHost(name, address, folder, _pem(ca, name)) for name, address in _INSIDE.items())
        hosts = (sw1, ap1, mx1, mx2, mx3)
        for host in hosts:
            stack.callback(host.power_off)
            host.boot(LONG_UP)
        dns = _serve_names(folder)
        stack.callback(netns.end, dns)
        stack.enter_context(netns.inside("nm"))
        for host in hosts:
            host.await_boot()
        with ThreadPoolExecutor() as pool:  # its threads are in `nm` too
            for started in [pool.submit(host.start) for host in hosts]:
                started.result()
        yield World(folder, authority, ca, sw1, ap1, mx1, mx2, mx3, dns)


def _pem(ca: trustme.CA, name: str, until: dt.datetime | None = None) -> bytes:
    begun = until and until - dt.timedelta(days=365)
    certificate = ca.issue_cert(f"{name}.example.test", not_before=begun, not_after=until)
    chain = b"".join(blob.bytes() for blob in certificate.cert_chain_pems)
    return certificate.private_key_pem.bytes() + chain


def _lay_cables() -> None:
    """Interfaces, addresses and routes."""
    lan = "netns " + netns.full_name("core")
    netns.set_up("core", "link add br0 type bridge", "link set br0 up", "link set lo up")
    netns.set_up("core", f"addr add {GATEWAY}/24 dev br0", "route add 198.51.100.0/24 via 192.0.2.1")
    for name in ("nm", "sw1", "ap1"):
        netns.set_up(name, "link set lo up", f"link add eth0 type veth peer name {name} {lan}")
        netns.set_up("core", f"link set {name} master br0 up")
    plug_in_agent()
    netns.set_up(
        "ap1", *_routed(f"{_ADDRESSES['ap1']}/24", GATEWAY), "route add 198.51.100.0/24 via 192.0.2.1"
    )
    netns.set_up("sw1", *_routed("192.0.2.1/24", GATEWAY), "link add br1 type bridge", "link set br1 up")
    netns.set_up("sw1", "addr add 198.51.100.1/24 dev br1")
    netns.run("ip", "netns", "exec", netns.full_name("sw1"), "sysctl", "-q", "net.ipv4.ip_forward=1")
    switch = "netns " + netns.full_name("sw1")
    for port, (name, address) in enumerate(_INSIDE.items(), 1):
        netns.set_up(name, "link set lo up", f"link add eth0 type veth peer name swp{port} {switch}")
        netns.set_up("sw1", f"link set swp{port} master br1 up")
        netns.set_up(name, *_routed(f"{address}/24", "198.51.100.1"))


def plug_in_agent() -> None:
    """Give `nm` its address and routes, which go when its interface is taken down."""
    netns.set_up("nm", *_routed(f"{OUR_ADDRESS}/24", GATEWAY), "route add 198.51.100.0/24 via 192.0.2.1")


def _routed(address: str, gateway: str) -> tuple[str, ...]:
    return (f"addr replace {address} dev eth0", "link set eth0 up", f"route replace default via {gateway}")


def _serve_names(folder: Path) -> subprocess.Popen[bytes]:
    config = folder / "dnsmasq.conf"
    records = [f"host-record={name}.example.test,{address}" for name, address in _ADDRESSES.items()]
    config.write_text(
        "\n".join(
            (
                *("no-hosts", "no-resolv", "local=/test/", "bind-interfaces", f"listen-address={GATEWAY}"),
                *("user=root", "pid-file", "local-ttl=1", "keep-in-foreground", "log-facility=-"),
                *records,
                f"host-record={V6_ONLY},2001:db8::25",
                "mx-host=example.test,mx1.example.test,10",
                "",
            )
        )
    )
    return netns.daemon("core", "dnsmasq", f"--conf-file={config}", log=folder / "dnsmasq.log")
