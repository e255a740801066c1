"""What a mailflow's run is told as."""

import pytest

from netmon.errors import Reason
from netmon.mail.canary import Comparison, Hop
from netmon.mail.faults import MailError
from netmon.model import FindingKind, Result
from netmon.probes.mailflow_legs import header_of
from netmon.probes.mailflow_report import (
    Noticed,
    Outcome,
    arrived,
    comparison_lines,
    counted,
    hop_lines,
    refuses_us,
    tables,
    unsent,
)

FINE = Comparison(True)
CHANGED = Comparison(False, tuple(f"part {number} is another" for number in range(5)))


def came(
    copies: int = 1, *, junk: tuple[str, ...] = (), seconds: float = 1.0, how: Comparison = FINE
) -> tuple[Outcome, list[Noticed]]:
    """A message that came, into one mailbox."""
    return arrived(copies=copies, boxes=1, junk=junk, seconds=seconds, late_after=60.0, comparison=how)


@pytest.mark.parametrize(
    ("found", "outcome", "kinds"),
    [
        (came(), Outcome.DELIVERED, []),
        (came(seconds=60.0), Outcome.DELIVERED, []),
        (came(seconds=60.1), Outcome.LATE, [FindingKind.DELIVERED_LATE]),
        (came(junk=("Junk",)), Outcome.JUNK, [FindingKind.DELIVERED_TO_JUNK]),
        (came(2), Outcome.DUPLICATED, [FindingKind.DELIVERED_TWICE]),
        (came(how=CHANGED), Outcome.DAMAGED, [FindingKind.MIME_CHANGED]),
        (
            came(2, junk=("Junk",), seconds=61.0, how=CHANGED),
            Outcome.DAMAGED,
            [
                FindingKind.MIME_CHANGED,
                FindingKind.DELIVERED_TWICE,
                FindingKind.DELIVERED_TO_JUNK,
                FindingKind.DELIVERED_LATE,
            ],
        ),
    ],
)
def test_a_message_that_came(
    found: tuple[Outcome, list[Noticed]], outcome: Outcome, kinds: list[FindingKind]
) -> None:
    """The worst is the outcome, and the findings tell all of it."""
    assert found[0] is outcome
    assert [kind for kind, _, _ in found[1]] == kinds


def test_a_copy_for_each_mailbox_is_no_duplicate() -> None:
    """Two mailboxes want two copies; of many changes a finding tells the first."""
    fine, _ = arrived(copies=2, boxes=2, junk=[], seconds=1.0, late_after=60.0, comparison=FINE)
    assert fine is Outcome.DELIVERED
    _, ((_, _, text),) = arrived(copies=1, boxes=1, junk=[], seconds=1, late_after=60, comparison=CHANGED)
    assert text.endswith("part 2 is another; and 2 more")


@pytest.mark.parametrize(
    ("result", "outcome"),
    [
        (Result.REJECTED, Outcome.REFUSED),
        (Result.DEFERRED, Outcome.DEFERRED),
        (Result.FAILED, Outcome.UNSENT),
        (Result.UNTESTABLE, Outcome.UNTESTABLE),
    ],
)
def test_a_message_that_was_not_taken(result: Result, outcome: Outcome) -> None:
    """A no, a not yet, silence and netmon's own trouble are told apart."""
    assert unsent(MailError(result, Reason.ENVELOPE_REJECTED, "no")) is outcome


@pytest.mark.parametrize(
    ("result", "reason", "words", "ours"),
    [
        (Result.REJECTED, Reason.LOGIN_REJECTED, "", True),
        (Result.REJECTED, Reason.ENVELOPE_REJECTED, "5.1.1 user unknown", False),
        (Result.REJECTED, Reason.MESSAGE_REJECTED, "5.2.2 mailbox full", False),
        (Result.REJECTED, Reason.MESSAGE_REJECTED, "5.7.1 listed on a blocklist", True),
        (Result.FAILED, Reason.CONNECTION_LOST, "5.7.1 listed on a blocklist", False),
    ],
)
def test_whom_a_refusal_is_about(result: Result, reason: Reason, words: str, *, ours: bool) -> None:
    """One of netmon's login or reputation is no outage; one of the recipient is what was to be found."""
    assert refuses_us(MailError(result, reason, "no"), words) is ours


def test_series() -> None:
    """Every outcome has a series from the first run on; what was not measured has none."""
    (messages,) = tables("a", counted(Outcome.LOST, 2, 1), seconds=None, intact=None, latest=None)
    assert messages.names == ("mailflow", "outcome")
    told = dict(zip((row[1] for row in messages.rows), messages.columns[0].values, strict=True))
    assert told.keys() == {outcome.value for outcome in Outcome}
    assert {name: value for name, value in told.items() if value} == {"lost": 1, "late": 2, "duplicated": 1}
    _, measured = tables("a", counted(Outcome.LATE, 1, 0), seconds=2.5, intact=False, latest=9.0)
    assert [column.values for column in measured.columns] == [(2.5,), (0,), (9.0,)]


def test_the_way_of_a_message() -> None:
    """Hops with the time between them, as far as servers tell; content that was encoded anew is said."""
    hops = [Hop("mx1", "probe", 36000.0, "4XyZ"), Hop("store", "", 36002.0, ""), Hop("", "", None, "")]
    assert list(hop_lines(hops)) == [
        "* received by mx1 from probe at 10:00:00 UTC, id 4XyZ",
        "* received by store at 10:00:02 UTC (+2 s)",
        "* received by a server without a name",
    ]
    assert list(comparison_lines(FINE)) == ["* the content is as it was sent"]
    assert list(comparison_lines(Comparison(True, (), ("part 1",)))) == [
        "* re-encoded, with the same content: part 1"
    ]


@pytest.mark.parametrize(
    ("message", "found"),
    [
        (b"X-Netmon-Canary: a\r\n b\r\n\r\nbody", "a b"),
        (b"Subject: x\r\n\r\nX-Netmon-Canary: in the body\r\n", ""),
        (b"", ""),
        (b"\xff\xfe\x00", ""),
        (b"x-netmon-canary: \xff\r\n\r\n", "\udcff"),
    ],
)
def test_the_canary_in_a_header(message: bytes, found: str) -> None:
    """It is read from the header only, whatever a message holds."""
    assert header_of(message) == found or "\ufffd" in header_of(message)
