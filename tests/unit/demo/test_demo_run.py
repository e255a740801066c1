"""What the demo says around its story."""

import socket

import pytest

from netmon.demo.run import DemoError, Verdicts, Wanted, demo
from netmon.model import HostVerdict, Verdict, VerdictName


@pytest.mark.parametrize("listen", ["foo", "127.0.0.1:22222222", ":9162", "nosuch:80", "127.0.0.1:"])
async def test_no_place_to_listen(listen: str) -> None:
    """Said before anything starts, in the words of the command that was typed."""
    with pytest.raises(DemoError, match=r"netmon demo --listen 127\.0\.0\.1:9163"):
        await demo(Wanted(listen), print)


async def test_a_port_that_is_taken() -> None:
    """The same."""
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        pytest.raises(DemoError, match=r"in use.*--listen"),
    ):
        await demo(Wanted(f"127.0.0.1:{taken.getsockname()[1]}"), print)


def test_verdicts_are_told_as_they_change() -> None:
    """Not the first of a host, and each once."""
    said: list[str] = []
    now: dict[str, HostVerdict] = {}
    teller = Verdicts(lambda: now, said.append)
    for name in (VerdictName.UNKNOWN, VerdictName.HEALTHY, VerdictName.HEALTHY, VerdictName.MAIL_DOWN):
        verdict = Verdict(name, f"it is {name}")
        now["mx1"] = HostVerdict("mx1", verdict, 1000.0, verdict)
        teller.look("mx1")
        teller.look("nobody")
    assert [line.split(maxsplit=1)[1] for line in said] == [
        "mx1 is healthy: it is healthy",
        "mx1 is mail_down: it is mail_down",
    ]
