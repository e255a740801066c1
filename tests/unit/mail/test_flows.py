"""What mailflows remember between their runs."""

from typing import Any

import pytest

from netmon.mail.flows import Flows


def test_the_key_survives_a_restart() -> None:
    """A later life reads the tokens of an earlier one; a life without a note makes a key and keeps it."""
    notes: dict[str, Any] = {}
    first = Flows({}, notes.__setitem__)
    token = first.signer.make("a", b"12345678", 100.0)
    assert Flows(notes, notes.__setitem__).signer.read("a", token) is not None
    assert Flows().signer.read("a", token) is None


@pytest.mark.parametrize("noted", ["", "00", "no hex", 7, None])
def test_a_note_that_is_broken(noted: Any) -> None:
    """It is replaced by a new key."""
    notes: dict[str, Any] = {"key": noted}
    Flows(notes, notes.__setitem__)
    assert len(bytes.fromhex(notes["key"])) == 32


def test_what_is_known_of_a_mailflow() -> None:
    """Delivered canaries and those left behind are told apart, and forgotten with the mailflow."""
    flows = Flows()
    flows.delivered("a", "1")
    flows.delivered("a", "2", left=True)
    assert (flows.is_delivered("a", "1"), flows.was_left("a", "1")) == (True, False)
    assert (flows.is_delivered("a", "2"), flows.was_left("a", "2")) == (False, True)
    assert not flows.is_delivered("b", "1")
    flows.ended("a", clean=True)
    flows.others("a", 0).add("INBOX 7")
    flows.planned(["a"])
    assert flows.is_clean("a")
    flows.planned(["b"])
    assert not flows.is_clean("a")
    assert not flows.is_delivered("a", "1")
    assert flows.others("a", 0) == set()
    assert flows.turn("b") is flows.turn("b")
    for number in range(1000):
        flows.delivered("b", str(number))
    assert not flows.is_delivered("b", "1")
