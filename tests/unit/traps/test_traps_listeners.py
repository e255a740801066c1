"""The sockets of traps: which are bound, which are taken from systemd, and what a mistake says."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from netmon.traps.holders import holder_of
from netmon.traps.listeners import Listeners, passed_sockets

HERE = ("127.0.0.1", 0)


@pytest.fixture
def listeners() -> Iterator[Listeners]:
    """None yet."""
    made = Listeners()
    yield made
    made.close()


def send(to: tuple[str, int], count: int = 1, octets: bytes = b"x" * 100) -> None:
    """Datagrams from nobody in particular."""
    with socket.socket(socket.AF_INET6 if ":" in to[0] else socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for _ in range(count):
            sender.sendto(octets, to)


def address(listeners: Listeners, number: int = 0) -> tuple[str, int]:
    """Where one of them listens."""
    host, port = listeners.current[number].sock.getsockname()[:2]
    return str(host), int(port)


def test_both_wildcards_live_on_one_port(listeners: Listeners) -> None:
    """The default, 0.0.0.0 and [::] with the same port, is two sockets, each of its own family."""
    listeners.open([("0.0.0.0", 0)]).take()
    port = address(listeners)[1]
    listeners.open([("", 0), ("::", port)]).take()
    assert [each.name for each in listeners.current] == [f"0.0.0.0:{port}", f"[::]:{port}"]
    send(("127.0.0.1", port))
    assert [each.left() for each in listeners.current] == [1, 0]
    send(("::1", port), 2)
    assert [each.left() for each in listeners.current] == [0, 2]


def test_what_stays_is_the_same_socket(listeners: Listeners) -> None:
    """A move keeps the sockets that are still wanted, with what is queued in them."""
    listeners.open([HERE]).take()
    first = listeners.current[0]
    send(address(listeners), 3)
    move = listeners.open([HERE, ("127.0.0.2", 0)])
    assert move.changes
    assert move.take() == []
    assert listeners.current[0] is first
    assert first.left() == 3
    assert not listeners.open([("127.0.0.2", 0), HERE]).changes


def test_from_everywhere_to_one_address(listeners: Listeners) -> None:
    """The new socket is bound while the old one still is, though their addresses overlap."""
    listeners.open([("0.0.0.0", 0)]).take()
    port = address(listeners)[1]
    send(("127.0.0.1", port))
    move = listeners.open([("127.0.0.1", port)])
    (leaving,) = move.leaving()
    leaving.retire()
    assert move.take() == [leaving]
    send(("127.0.0.1", port), 2)
    assert (leaving.left(), listeners.current[0].left()) == (1, 2)
    leaving.close()


def test_a_move_that_fails_leaves_nothing_behind(listeners: Listeners) -> None:
    """One address that cannot be had: the others are not listened on either, the old ones stay."""
    listeners.open([HERE]).take()
    before = list(listeners.current)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(HERE)
        taken = other.getsockname()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
            free.bind(HERE)
            port = free.getsockname()[1]
        with pytest.raises(OSError, match=rf"127.0.0.1:{taken[1]}: Address already in use") as told:
            listeners.open([("127.0.0.1", port), taken])
    assert f"(process {os.getpid()}) has it" in str(told.value)
    assert listeners.current == before
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", port))


def test_no_such_address(listeners: Listeners) -> None:
    """An address that this machine has not is said to be so."""
    with pytest.raises(OSError, match=r"traps.listen: 192\.0\.2\.1:9999: .*this machine has no such address"):
        listeners.open([("192.0.2.1", 9999)])


def test_another_program_cannot_share_the_port(listeners: Listeners) -> None:
    """SO_REUSEADDR of another's socket does not let it take our traps, after a move neither."""
    listeners.open([("0.0.0.0", 0)]).take()
    port = address(listeners)[1]
    for leaving in listeners.open([("127.0.0.1", port)]).take():
        leaving.close()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with pytest.raises(OSError, match="in use"):
            other.bind(("127.0.0.1", port))


def test_the_kernel_tells_what_it_dropped(listeners: Listeners) -> None:
    """More than fits into the buffer is counted at once, and once."""
    listeners.open([HERE]).take()
    listener = listeners.current[0]
    listener.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 20_000)
    assert listener.granted > 20_000
    assert listener.queued() == 0
    send(address(listeners), 200)
    dropped = listener.newly_dropped()
    assert 0 < dropped < 200
    assert listener.newly_dropped() == 0
    assert listener.queued() > 0
    assert listener.left() == 200 - dropped


def test_sockets_that_systemd_passes() -> None:
    """Descriptors from 3 on, if they are meant for this process; only those of UDP are taken.

    In a process of its own, whose descriptors are what systemd would give.
    """
    reader = """
import os, socket, sys
from netmon.traps.listeners import Listeners, passed_sockets
print(len(passed_sockets({}, os.getpid())), len(passed_sockets({"LISTEN_PID": "1", "LISTEN_FDS": "3"}, 2)))
passed = passed_sockets({"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "3"}, os.getpid())
listeners = Listeners(passed)
port = passed[0].getsockname()[1]
listeners.open([("127.0.0.1", port), ("127.0.0.2", port)]).take()
print(len(passed), [each.passed for each in listeners.current], passed[0].get_inheritable())
listeners.close()
print(passed[0].fileno())
"""
    read, write = os.pipe()
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind(HERE)
    tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    script = f'exec 3<&{udp.fileno()} 4<&{tcp.fileno()} 5<&{read}; exec "$@"'
    done = subprocess.run(
        ["bash", "-c", script, "-", sys.executable, "-c", reader],
        pass_fds=[udp.fileno(), tcp.fileno(), read],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    for each in (udp, tcp):
        each.close()
    os.close(read)
    os.close(write)
    lines = [line for line in done.stdout.splitlines() if "traps are received" not in line]
    assert lines == ["0 0", "1 [True, False] False", "3"], done.stdout + done.stderr


def test_one_socket_for_both_families() -> None:
    """systemd's ListenDatagram=PORT serves 0.0.0.0 and [::] of the config; neither is bound again."""
    dual = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    dual.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    dual.bind(("::", 0))
    port = dual.getsockname()[1]
    listeners = Listeners([dual])
    listeners.open([("0.0.0.0", port), ("::", port)]).take()
    (only,) = listeners.current
    assert only.passed
    send(("127.0.0.1", port))
    send(("::1", port))
    assert only.left() == 2
    assert not listeners.open([("0.0.0.0", port), ("::", port)]).changes
    listeners.close()
    assert dual.fileno() != -1, "systemd would not give it again"
    dual.close()


def test_nobody_holds_a_free_port(tmp_path: Path) -> None:
    """No holder is made up, nor is one without /proc."""
    assert holder_of(1) == ""
    assert holder_of(162, tmp_path) == ""
    assert passed_sockets({"LISTEN_PID": "7", "LISTEN_FDS": "x"}, 7) == []
