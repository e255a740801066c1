"""Traps in the running agent: net-snmp's senders, and what becomes of what they send."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from netmon.traps.records import Drop
from tests.servers.agent import AgentProcess, agent, wait_for
from tests.servers.netns import inside, namespaces, set_up
from tests.unit.exposition.test_text import read
from tests.unit.traps.test_traps_handler import trap

LINK_DOWN = "1.3.6.1.6.3.1.1.5.3"
LINK_UP = "1.3.6.1.6.3.1.1.5.4"
# A process whose user is nobody special to the kernel: it may what is named here, as in a systemd unit.
UNPRIVILEGED = ("setpriv", "--securebits=+noroot,+noroot_locked", "--no-new-privs")
NO_CAPABILITY = (*UNPRIVILEGED, "--inh-caps=-all", "--ambient-caps=-all", "--bounding-set=-all")
ONE_CAPABILITY = (
    *UNPRIVILEGED,
    "--inh-caps=-all,+net_bind_service",
    "--ambient-caps=-all,+net_bind_service",
    "--bounding-set=-all,+net_bind_service",
)
# What systemd does for a unit with ListenDatagram=162.
LAUNCHER = """
import os, socket, sys
sock = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
sock.bind(("::", 162))
if sock.fileno() != 3:
    os.dup2(sock.fileno(), 3)
os.set_inheritable(3, True)
os.environ |= {"LISTEN_FDS": "1", "LISTEN_PID": str(os.getpid()), "LISTEN_FDNAMES": "netmon.socket"}
os.execvp(sys.argv[1], sys.argv[1:])
"""
IF_INDEX = ("1.3.6.1.2.1.2.2.1.1.3", "i", "3")


def config(folder: Path, traps: str = 'listen: ["127.0.0.1:0", "[::1]:0"], communities: [s3cret]') -> str:
    """An agent that polls nothing often, and takes traps."""
    return f"""
agent: {{name: netmon.example.net}}
defaults: {{interval: 1h, timeout: 1s}}
web: {{listen: "127.0.0.1:0"}}
state: {{path: "{folder / "state"}"}}
traps: {{{traps}}}
hosts:
  - {{name: sw1, address: localhost, ping: true}}
  - {{name: v6, address: "::1", ping: true}}
"""


def values(process: AgentProcess) -> dict[str, float]:
    """The metrics of traps, by name and labels as text."""
    page = process.get("/metrics/agent").content
    return {
        name + "".join(f" {label}={text}" for label, text in sorted(labels)): value
        for (name, labels), value in read(page).items()
        if name.startswith("netmon_trap")
    }


def last_run(process: AgentProcess, host: str) -> float:
    """When the host's check ran last."""
    (at,) = (
        value
        for (name, labels), value in read(process.get("/metrics").content).items()
        if name == "netmon_check_last_run_timestamp_seconds" and ("host", host) in labels
    )
    return at


def adds_up(process: AgentProcess) -> bool:
    """received = committed + drops but the kernel's."""
    now = values(process)
    drops = sum(
        now[f"netmon_trap_dropped_total reason={reason}"] for reason in Drop if reason is not Drop.KERNEL
    )
    received = now["netmon_trap_datagrams_total stage=received"]
    return received == now["netmon_trap_datagrams_total stage=committed"] + drops


def listens(process: AgentProcess) -> list[str]:
    """Where, in net-snmp's words."""
    text = process.log.read_text()
    found = re.findall(r'"listen": "([^"]+)".*"traps are received"', text)
    return [f"udp6:{where}" if where.startswith("[") else f"udp:{where}" for where in found]


def ready(process: AgentProcess) -> None:
    """Until the receiver works."""
    wait_for("the receiver", lambda: values(process).get("netmon_trap_receiver_up") == 1)


def send(
    to: str, *varbinds: str, community: str = "s3cret", inform: bool = False, notification: str = LINK_DOWN
) -> None:
    """One v2c notification by net-snmp."""
    sender = ["snmpinform", "-t", "1", "-r", "10"] if inform else ["snmptrap"]
    subprocess.run(
        [*sender, "-v2c", "-c", community, to, "", notification, *varbinds],
        check=True,
        timeout=30,
        capture_output=True,
    )


def events(process: AgentProcess, query: str = "") -> list[dict[str, Any]]:
    """Of /api/events, newest first."""
    answer = process.get(f"/api/events{query}")
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()
    return found


def all_events(process: AgentProcess) -> Iterator[dict[str, Any]]:
    """Every one, oldest first."""
    last = 0
    while found := events(process, f"?since={last}&limit=1000"):
        yield from found
        last = found[-1]["id"]


def receiver_pid(process: AgentProcess) -> int:
    """The agent's child that receives."""
    for pid in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split():
        if b"netmon.traps" in Path(f"/proc/{pid}/cmdline").read_bytes():
            return int(pid)
    return 0


@pytest.fixture
def process(tmp_path: Path) -> Iterator[AgentProcess]:
    """An agent whose receiver works."""
    with agent(tmp_path, config(tmp_path)) as running:
        ready(running)
        yield running


def test_a_trap_becomes_an_event_of_its_host(process: AgentProcess) -> None:
    """By IPv4 and IPv6, trap and inform: names, host, metrics, a state that is raised and cleared, a look."""
    now = values(process)
    assert {f"netmon_trap_dropped_total reason={reason}" for reason in Drop} <= now.keys()
    assert now["netmon_trap_rechecks_total outcome=done"] == 0
    process.ready()
    ran = last_run(process, "sw1")
    v4, v6 = listens(process)
    send(v4, *IF_INDEX)
    send(v6, *IF_INDEX, inform=True)  # acknowledged: it is there
    (inform,) = [event for event in events(process) if event["inform"]]
    assert (inform["host"], inform["source"]) == ("v6", "::1")
    (event,) = wait_for("the trap", lambda: events(process, "?host=sw1"))
    assert event["trap"] == "IF-MIB::linkDown"
    assert event["source"] == "127.0.0.1"
    assert ["IF-MIB::ifIndex.3", "3"] in [[one["name"], one["value"]] for one in event["values"]]
    raised = "netmon_trap_state host=sw1 state=link_down"
    wait_for("the state", lambda: values(process).get(raised) == 1)
    now = values(process)
    total = "netmon_traps_total host=sw1 severity=warning trap=IF-MIB::linkDown"
    assert now.get(total) == 1, now
    assert now["netmon_trap_datagrams_total stage=committed"] == 2
    assert adds_up(process)
    wait_for("looks", lambda: values(process)["netmon_trap_rechecks_total outcome=done"] == 2)
    wait_for("the check that the trap asked for", lambda: last_run(process, "sw1") > ran)
    send(v4, *IF_INDEX, notification=LINK_UP)
    wait_for("its end", lambda: values(process).get(raised) == 0)
    send(v4, community="wrong")
    wrong = "netmon_trap_dropped_total reason=unknown_community"
    wait_for("the stranger", lambda: values(process)[wrong] == 1)
    assert "s3cret" not in process.log.read_text()
    assert "linkDown" in process.get("/hosts/sw1").text


def test_kill_9_of_the_receiver(process: AgentProcess) -> None:
    """What was committed stays, informs are repeated by their sender, the books add up, people are told."""
    v4 = listens(process)[0]
    for number in range(3):
        send(v4, f"1.3.6.1.2.1.2.2.1.1.{number}", "i", str(number), inform=True)
    first = receiver_pid(process)
    os.kill(first, signal.SIGSTOP)
    send(v4, "1.3.6.1.2.1.2.2.1.1.7", "i", "7")  # the kernel keeps it
    os.kill(first, signal.SIGKILL)
    send(v4, "1.3.6.1.2.1.2.2.1.1.8", "i", "8", inform=True)
    assert receiver_pid(process) not in {0, first}
    names = {one["name"] for event in events(process) for one in event["values"]}
    assert {f"IF-MIB::ifIndex.{number}" for number in (0, 1, 2, 7, 8)} <= names
    now = values(process)
    assert now["netmon_trap_receiver_restarts_total"] == 1
    assert now["netmon_trap_receiver_up"] == 1
    wait_for("the books to add up", lambda: adds_up(process))
    assert "The receiver of traps died" in process.get("/").text
    second = receiver_pid(process)
    process.kill()
    words = Path(f"/proc/{second}/cmdline")  # a zombie has none
    wait_for("the orphan to end", lambda: not words.exists() or not words.read_bytes())
    assert "ended by signal 9" in process.log.read_text()


def test_a_flood_with_deaths(tmp_path: Path) -> None:
    """5,000 traps of five sources while the receiver is killed twice: every one is in the books.

    A receiver that dies between the kernel's handing over of a datagram and its count takes that one along.
    """
    traps = 'listen: ["127.0.0.1:0"], communities: [public], allow: [127.0.0.0/8], rate: 10000, burst: 10000'
    with agent(tmp_path, config(tmp_path, traps)) as process:
        ready(process)
        port = int(listens(process)[0].rpartition(":")[2])
        sent, killed = 0, []
        for number in range(1, 6):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
                sender.bind((f"127.0.0.{number}", 0))
                for index in range(1000):
                    sender.sendto(trap(index=index + 1), ("127.0.0.1", port))
                    sent += 1
            if number in {2, 4}:
                killed.append(wait_for("a receiver", lambda: receiver_pid(process)))
                os.kill(killed[-1], signal.SIGKILL)

        def told() -> int:
            now = values(process)
            kernel = now["netmon_trap_dropped_total reason=kernel"]
            return int(now["netmon_trap_datagrams_total stage=received"] + kernel)

        wait_for("all of them", lambda: sent - len(killed) <= told() <= sent and adds_up(process))
        assert values(process)["netmon_trap_receiver_restarts_total"] == len(killed)
        committed = values(process)["netmon_trap_datagrams_total stage=committed"]
        # The store may hold what was committed when its count was not made any more; never less.
        assert sum(event["count"] for event in all_events(process)) >= committed > 0


def test_a_reload(process: AgentProcess, tmp_path: Path) -> None:
    """Another community; another address; an address that cannot be had, which changes nothing."""
    v4 = listens(process)[0]
    pid = receiver_pid(process)
    text = config(tmp_path).replace("s3cret", "n3w-one")
    process.config.write_text(text)
    process.signal(signal.SIGHUP)
    send(v4, *IF_INDEX, community="n3w-one", inform=True)  # until it is acknowledged
    wrong = "netmon_trap_dropped_total reason=unknown_community"
    before = values(process)[wrong]
    send(v4, *IF_INDEX, community="s3cret")
    wait_for("the old one to be refused", lambda: values(process)[wrong] == before + 1)
    assert receiver_pid(process) == pid

    process.config.write_text(
        text.replace("127.0.0.1:0", "127.0.0.2:0", 2).replace(
            'web: {listen: "127.0.0.2:0"}', 'web: {listen: "127.0.0.1:0"}'
        )
    )
    process.signal(signal.SIGHUP)
    moved = wait_for("another socket", lambda: [to for to in listens(process) if "127.0.0.2" in to])
    send(moved[0], *IF_INDEX, community="n3w-one", inform=True)
    assert len(events(process)) == 2

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        taken = f"127.0.0.1:{other.getsockname()[1]}"
        process.config.write_text(config(tmp_path, f'listen: ["{taken}"], communities: [third]'))
        process.signal(signal.SIGHUP)
        mistake = f"traps.listen: {taken}: Address already in use; "
        wait_for("the mistake", lambda: mistake in process.log.read_text())
    send(moved[0], *IF_INDEX, community="n3w-one", inform=True)
    assert adds_up(process)


@pytest.fixture
def network() -> Iterator[Path]:
    """A network of the test's own, in which its thread is, and a folder; port 162 is free there."""
    with namespaces("traps") as folder:
        set_up("traps", "link set lo up")
        with inside("traps"):
            yield folder


def test_port_162_with_one_capability(network: Path) -> None:
    """CAP_NET_BIND_SERVICE is enough, for the agent alone; without it the start ends and says so."""
    text = config(network, "communities: [s3cret]")
    refused = AgentProcess(network / "netmon.yml", {}, NO_CAPABILITY)
    refused.config.write_text(text)
    with pytest.raises(AssertionError) as told:
        refused.start()
    assert "0.0.0.0:162: Permission denied; a port below 1024 wants one capability" in str(told.value)
    assert "AmbientCapabilities=CAP_NET_BIND_SERVICE" in str(told.value)
    with agent(network, text, prefix=ONE_CAPABILITY) as running:
        ready(running)
        send("udp:127.0.0.1:162", *IF_INDEX, inform=True)
        send("udp6:[::1]:162", *IF_INDEX, inform=True)
        assert {event["host"] for event in events(running)} == {"sw1", "v6"}
        powers = [Path(f"/proc/{pid}/status").read_text() for pid in (running.pid, receiver_pid(running))]
        assert "CapEff:\t0000000000000400" in powers[0]
        assert "CapEff:\t0000000000000000" in powers[1]  # it got open sockets, and nothing to open more with
        granted = values(running)["netmon_trap_receive_buffer_bytes listen=0.0.0.0:162"]
        assert 0 < granted <= 32 << 20
        if granted < 32 << 20:
            assert "net.core.rmem_max" in running.log.read_text()


def test_a_socket_that_systemd_passes(network: Path) -> None:
    """One socket for both families, no capability at all; it outlives a reload and a receiver."""
    text = config(network, "communities: [s3cret]")
    prefix = (sys.executable, "-c", LAUNCHER, *NO_CAPABILITY)
    with agent(network, text, prefix=prefix) as running:
        ready(running)
        send("udp:127.0.0.1:162", *IF_INDEX, inform=True)
        running.config.write_text(text.replace("s3cret", "n3w-one"))
        running.signal(signal.SIGHUP)
        wait_for("the plan", lambda: '"plan"' in running.log.read_text().split("netmon runs")[1])
        os.kill(receiver_pid(running), signal.SIGKILL)
        send("udp6:[::1]:162", *IF_INDEX, community="n3w-one", inform=True)
        assert {(event["host"], event["source"]) for event in events(running)} == {
            ("sw1", "127.0.0.1"),
            ("v6", "::1"),
        }
        assert "netmon_trap_receive_buffer_bytes listen=[::]:162" in values(running)
