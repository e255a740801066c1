"""The agent asks itself before it accuses many, and only then."""

import pytest

from netmon.health import Isolation, is_local
from netmon.model import Host

WINDOW = 120.0


def lost(*hosts: str, at: float = 100.0, alive: int = 0) -> Isolation:
    """These fell silent at that moment; as many others were heard since."""
    isolation = Isolation()
    for host in hosts:
        isolation.heard(host, at - 60)
    for number in range(alive):
        isolation.heard(f"other{number}", at + 1)
    for host in hosts:
        isolation.lost(host, at, WINDOW)
    return isolation


def test_one_of_many_is_no_suspicion() -> None:
    """Three of ten are not more than 30%, four are."""
    assert not lost("a", "b", "c", alive=7).suspicious(110.0)
    assert lost("a", "b", "c", "d", alive=6).suspicious(110.0)


def test_silence_counts_as_sudden_for_its_window_only() -> None:
    """Hosts that have been dead since yesterday do not make the agent doubt itself."""
    isolation = lost("a", "b")
    assert isolation.suspicious(110.0)
    assert not isolation.suspicious(100.0 + WINDOW + 1)


def test_a_dead_link_isolates_and_a_host_that_answers_ends_it() -> None:
    """Unknown while it lasts; the first answer of a run begun since is the proof."""
    isolation = lost("a", "b")
    assert isolation.must_ask(101.0)
    assert isolation.holds("a", 101.0)
    isolation.told(sound=False, begun=101.0, now=103.0)
    assert isolation.isolated
    isolation.heard("a", 100.5)
    assert isolation.isolated, "that run began before the link was tested"
    isolation.heard("a", 104.0)
    assert not isolation.isolated


@pytest.mark.parametrize("sound", [True, None])
def test_a_sound_link_leaves_the_blame_where_it_is(*, sound: bool | None) -> None:
    """So does a test that could not tell: hosts are judged as usual."""
    isolation = lost("a", "b")
    assert isolation.must_ask(101.0)
    isolation.told(sound=sound, begun=101.0, now=103.0)
    assert not isolation.isolated
    assert not isolation.holds("a", 103.0)


def test_a_host_that_falls_silent_after_the_test_waits_for_another() -> None:
    """A test tells of the moment in which it was made."""
    isolation = lost("a", "b")
    isolation.must_ask(101.0)
    isolation.told(sound=True, begun=101.0, now=103.0)
    isolation.lost("c", 104.0, WINDOW)
    assert isolation.holds("c", 104.0)
    assert not isolation.must_ask(104.0), "not more than once in five seconds"
    assert isolation.must_ask(107.0)


def test_somebody_who_answered_meanwhile_is_stronger_than_the_test() -> None:
    """Two of three are gone, the gateway is silent, and a host has just answered: it is they."""
    isolation = lost("a", "b")
    isolation.must_ask(101.0)
    isolation.heard("c", 102.0)
    isolation.told(sound=False, begun=101.0, now=103.0)
    assert not isolation.isolated


def test_it_goes_on_asking_while_isolated() -> None:
    """The link may come back before any check runs."""
    isolation = lost("a")
    isolation.must_ask(101.0)
    isolation.told(sound=False, begun=101.0, now=103.0)
    assert isolation.must_ask(500.0)
    isolation.told(sound=True, begun=500.0, now=501.0)
    assert not isolation.isolated


@pytest.mark.parametrize(
    ("address", "local"),
    [
        ("127.0.0.1", True),
        ("::1", True),
        ("localhost", True),
        ("192.0.2.1", False),
        ("mx1.example.org", False),
    ],
)
def test_this_machine_tells_nothing_of_the_network(*, address: str, local: bool) -> None:
    """Loopback always answers."""
    assert is_local(Host("x", address)) is local
