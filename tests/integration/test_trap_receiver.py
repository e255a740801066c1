"""The receiver's real process, with real senders on loopback: nothing is lost uncounted."""

import resource
import socket
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from ipaddress import ip_network
from pathlib import Path

import pytest

from netmon.events import Reader
from netmon.snmp import ber, message
from netmon.snmp.usm import Level, User
from netmon.traps.counters import Gauge
from netmon.traps.records import Drop, Forward, Settings, Stage
from tests.servers.trap_receiver import Receiver, receiver, udp
from tests.unit.traps import messages

LINK_DOWN = "1.3.6.1.6.3.1.1.5.3"
IF_INDEX = "1.3.6.1.2.1.2.2.1.1"
USERS = (
    User("plain"),
    User("signed", Level.AUTH_NO_PRIV, "SHA256", b"auth-password"),
    User("sealed", Level.AUTH_PRIV, "SHA256", b"auth-password", "AES", b"priv-password"),
)
LEVELS = {
    "plain": ["-l", "noAuthNoPriv"],
    "signed": ["-l", "authNoPriv", "-a", "SHA-256", "-A", "auth-password"],
    "sealed": ["-l", "authPriv", "-a", "SHA-256", "-A", "auth-password", "-x", "AES", "-X", "priv-password"],
}


def settings(folder: Path, **more: object) -> Settings:
    """One community, all of loopback but 127.9.0.0/16, one host."""
    words: dict[str, object] = {
        "folder": folder / "events",
        "communities": (b"public",),
        "users": USERS,
        "allow": (ip_network("127.0.0.0/16"),),
        "hosts": {"127.0.0.1": "sw1"},
        **more,
    }
    return Settings(**words)  # type: ignore[arg-type]


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Receiver]:
    """A receiver of these settings."""
    with receiver(settings(tmp_path), tmp_path / "log") as made:
        yield made


def trap(index: int, *, request_id: int = 1, community: bytes = b"public", kind: int = message.TRAP) -> bytes:
    """A linkDown of an interface."""
    varbinds = (
        message.encode_varbind(ber.encode_oid("1.3.6.1.2.1.1.3.0"), ber.TIME_TICKS, 1)
        + message.encode_varbind(
            ber.encode_oid("1.3.6.1.6.3.1.1.4.1.0"), ber.OBJECT_IDENTIFIER, ber.encode_oid(LINK_DOWN)
        )
        + message.encode_varbind(ber.encode_oid(f"{IF_INDEX}.{index}"), ber.INTEGER, index)
    )
    return message.encode_message(message.encode_head(2, community), kind, request_id, 0, 0, varbinds)


def snmp(kind: str, made: Receiver, *words: str, retries: int = 0, timeout: float = 3.0) -> list[str]:
    """The command of net-snmp that sends a linkDown of interface 3."""
    where = f"127.0.0.1:{made.port}"
    return [
        kind, *words, "-r", str(retries), "-t", str(timeout), where, "", LINK_DOWN, f"{IF_INDEX}.3", "i", "3",
    ]  # fmt: skip


def run(words: list[str]) -> int:
    """Run it to its end."""
    return subprocess.run(words, check=False, capture_output=True, timeout=30).returncode


def events(made: Receiver) -> Reader:
    """What the receiver stores."""
    return Reader(made.settings.folder)


@pytest.mark.parametrize("user", LEVELS)
@pytest.mark.parametrize("kind", ["snmptrap", "snmpinform"])
def test_net_snmp_in_every_level_of_version_3(running: Receiver, kind: str, user: str) -> None:
    """What net-snmp sends by SNMPv3 is an event with names, the user, and whether it was authenticated."""
    engine = [] if kind == "snmpinform" else ["-e", "0x80001f8880e9630000d61ff449"]
    assert run(snmp(kind, running, "-v3", "-u", user, *LEVELS[user], *engine)) == 0
    running.wait(1)
    assert running.stop() == 0
    (event,) = events(running).latest(limit=10)
    assert (event.trap, event.host, event.version) == ("IF-MIB::linkDown", "sw1", 3)
    assert (event.user, event.authenticated, event.inform) == (user, user != "plain", kind == "snmpinform")
    assert [value.name for value in event.values] == ["IF-MIB::ifIndex.3"]


def test_net_snmp_in_versions_1_and_2(running: Receiver) -> None:
    """Traps of v1 and v2c and informs of v2c are events; the inform is acknowledged."""
    v1 = ["snmptrap", "-v1", "-c", "public", f"127.0.0.1:{running.port}", "1.3.6.1.4.1.8072", "10.0.0.1"]
    assert run([*v1, "2", "0", "123", f"{IF_INDEX}.3", "i", "3"]) == 0
    assert run(snmp("snmptrap", running, "-v2c", "-c", "public")) == 0
    assert run(snmp("snmpinform", running, "-v2c", "-c", "public")) == 0
    assert run(snmp("snmpinform", running, "-v2c", "-c", "wrong", timeout=0.3)) != 0
    running.wait(4)
    assert running.stop() == 0
    found = events(running).since(0, limit=10)
    assert [(event.version, event.inform, event.trap) for event in found] == [
        (1, False, "IF-MIB::linkDown"),
        (2, False, "IF-MIB::linkDown"),
        (2, True, "IF-MIB::linkDown"),
    ]
    assert found[0].agent_address == "10.0.0.1"
    running_counts = running.told()
    assert running_counts["unknown_community"] == 1
    assert "wrong" not in running.log.read_text().replace("wrong_digest", "")


@pytest.mark.parametrize("how", ["stop", "EOF", "SIGTERM"])
def test_the_end_takes_what_the_kernel_holds(tmp_path: Path, how: str) -> None:
    """However the receiver is ended, datagrams that had arrived before are events."""
    with receiver(settings(tmp_path), tmp_path / "log") as made:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            for number in range(300):
                sender.sendto(trap(number), ("127.0.0.1", made.port))
        assert made.stop(how) == 0
        assert made.told() == {"received": 300, "decoded": 300, "accepted": 300, "committed": 300}
        assert events(made).last_id() == 300


def test_a_flood_is_counted_to_the_last_datagram(tmp_path: Path) -> None:
    """Sent is committed and dropped and the kernel's drops, exactly: repeats, garbage, strangers and all."""
    chosen = settings(tmp_path, rate=100.0, burst=300.0)
    with receiver(chosen, tmp_path / "log", buffer=40_000) as made:
        where = ("127.0.0.1", made.port)
        allowed = [udp(f"127.0.1.{number}") for number in range(1, 9)]
        stranger = udp("127.9.0.1")
        sent = 0
        for number in range(1, 4001):
            octets = (
                trap(number),
                trap(7, request_id=number),
                b"\x30\x03\x02\x01",
                trap(1, community=b"x"),
                trap(1, kind=message.GET),
            )
            for kind, each in enumerate(octets):
                allowed[number % 2 if kind < 2 else kind].sendto(each, where)
            stranger.sendto(octets[0], where)
            sent += 6
            if number % 100 == 0:
                time.sleep(0.005)
        made.wait(sent)
        told, kernel = made.told(), made.kernel_drops()
        assert made.stop() == 0
        assert made.ended() + kernel == sent
        assert told["received"] + kernel == sent
        wanted = {
            "malformed",
            "unknown_community",
            "not_a_notification",
            "source_not_allowed",
            "rate_limited",
        }
        assert wanted <= set(told)
        assert kernel > 0
        assert made.counters[Gauge.FOLDED] > 0
        stored = events(made).since(0, limit=100_000)
        assert sum(event.count for event in stored) == told["committed"]
        assert max(event.count for event in stored) > 1
        for sock in (*allowed, stranger):
            sock.close()


def test_an_inform_whose_receiver_is_killed_comes_again(tmp_path: Path) -> None:
    """kill -9 between receipt and commit: no acknowledgement, and the sender's repeat is the one event."""
    with receiver(settings(tmp_path), tmp_path / "log") as made:
        (file,) = made.settings.folder.glob("events-*.db")
        with closing(sqlite3.connect(file, isolation_level=None)) as holder:
            holder.execute("BEGIN IMMEDIATE")  # commits wait for this
            words = snmp("snmpinform", made, "-v2c", "-c", "public", retries=5, timeout=0.5)
            sender = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            deadline = time.monotonic() + 10
            while not made.counters[Stage.RECEIVED]:
                assert time.monotonic() < deadline
                time.sleep(0.005)
            time.sleep(0.1)
            assert sender.poll() is None  # not acknowledged
            made.kill()
            holder.execute("ROLLBACK")
        assert made.counters[Drop.RECEIVER_DIED] > 0
        assert events(made).last_id() == 0
        made.start()
        assert sender.wait(20) == 0
        assert made.stop() == 0
        assert [event.count for event in events(made).latest(limit=10)] == [1]
        assert made.ended() == made.counters[Stage.RECEIVED]


def test_a_retransmitted_inform_is_one_event_and_two_answers(running: Receiver) -> None:
    """The same inform again is acknowledged again and raises no count; another one does."""
    with udp("127.0.0.1") as sender:
        sender.settimeout(5)
        for request_id in (5, 5, 6):
            sender.sendto(trap(1, request_id=request_id, kind=message.INFORM), ("127.0.0.1", running.port))
            assert message.decode_response(sender.recv(2000)).request_id == request_id
    running.wait(3)
    assert running.stop() == 0
    assert [event.count for event in events(running).latest(limit=10)] == [2]
    assert running.counters[Stage.COMMITTED] == 3


def test_informs_stay_unanswered_while_nothing_can_be_stored(running: Receiver) -> None:
    """A full store costs traps and leaves informs unacknowledged; when there is room again, all goes on."""
    assert running.child is not None
    unlimited = resource.prlimit(running.child.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(running.child.pid, resource.RLIMIT_FSIZE, (8192, unlimited[1]))
    inform = snmp("snmpinform", running, "-v2c", "-c", "public", timeout=0.5)
    assert run(inform) != 0
    assert running.counters[Drop.STORE_FULL] == 1
    resource.prlimit(running.child.pid, resource.RLIMIT_FSIZE, unlimited)
    assert run(inform) == 0
    assert running.stop() == 0
    assert [event.count for event in events(running).latest(limit=10)] == [1]


def test_a_replay_is_one_over_a_restart(running: Receiver) -> None:
    """A sealed trap of a boot that was left behind is refused, even by a receiver that was begun again."""
    sealed = {boots: messages.v3(USERS[2], boots=boots) for boots in (7, 6)}
    with udp() as sender:
        sender.sendto(sealed[7], ("127.0.0.1", running.port))
        running.wait(1)
        assert running.stop() == 0
        running.start()
        sender.sendto(sealed[6], ("127.0.0.1", running.port))
        running.wait(2)
    assert running.told()["not_in_time_window"] == 1


@pytest.mark.parametrize(
    ("everywhere", "own", "asked"),
    [("0.0.0.0", "127.0.0.1", "127.0.0.77"), ("::", "::1", "::1")],
)
def test_answers_leave_from_the_address_that_was_asked(
    tmp_path: Path, everywhere: str, own: str, asked: str
) -> None:
    """A receiver on all addresses answers an inform from the one that it came to."""
    chosen = settings(tmp_path, hosts={"127.0.0.1": "sw1", "::1": "sw1"})
    with receiver(chosen, tmp_path / "log", address=everywhere) as made, udp(own) as sender:
        sender.settimeout(5)
        sender.sendto(trap(1, kind=message.INFORM), (asked, made.port))
        assert sender.recvfrom(2000)[1][:2] == (asked, made.port)


def test_events_are_told_on_and_told_of(tmp_path: Path) -> None:
    """Another receiver gets the trap with its origin; the agent hears what was sent and what it changed."""
    with udp() as target:
        target.settimeout(5)
        forward = (Forward("127.0.0.1", target.getsockname()[1], b"onwards"),)
        with receiver(settings(tmp_path, forward=forward), tmp_path / "log") as made:
            with udp("127.0.0.5") as sender:
                sender.sendto(trap(9), ("127.0.0.1", made.port))
            told = target.recv(2000)
            assert b"onwards" in told
            assert bytes((127, 0, 0, 5)) in told
            assert run(snmp("snmptrap", made, "-v2c", "-c", "public")) == 0
            made.wait(2)
            made.stop()
            assert made.counters[Gauge.FORWARDED] == 1  # not what comes from the target itself
            traps = [trap for notice in made.notices for trap in notice["traps"]]
            assert ["sw1", "IF-MIB::linkDown", "warning", 1] in [each[:4] for each in traps]
            changes = [change for notice in made.notices for change in notice["changes"]]
            assert [each[:4] for each in changes] == [["sw1", "link_down", "3", True]]
            assert "sw1" in [host for notice in made.notices for host in notice["hosts"]]
