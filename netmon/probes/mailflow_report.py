"""What a mailflow's run came to, as an outcome, metric tables, findings and lines for people; pure."""

import time
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from typing import Final

from netmon.errors import Reason
from netmon.mail import esmtp
from netmon.mail.canary import Comparison, Hop
from netmon.mail.faults import MailError
from netmon.model import Column, Family, FindingKind, Kind, Result, Severity, Table

DELIVERY: Final = Family(
    "netmon_mailflow_delivery_seconds",
    Kind.GAUGE,
    "From the acceptance of the latest delivered message until it was found in its last mailbox.",
)
MESSAGES: Final = Family(
    "netmon_mailflow_messages_total", Kind.COUNTER, "Messages of the mailflow by what became of them."
)
INTACT: Final = Family(
    "netmon_mailflow_mime_intact",
    Kind.GAUGE,
    "1 if the latest delivered message had the content that was sent, else 0.",
)
LATEST: Final = Family(
    "netmon_mailflow_last_delivery_timestamp_seconds",
    Kind.GAUGE,
    "When a message was last found where it belongs.",
)
FAMILIES: Final = (DELIVERY, MESSAGES, INTACT, LATEST)
_SHOWN: Final = 3  # changes in a finding; the trail has all


class Outcome(StrEnum):
    """What became of a message: the closed list of the label `outcome`."""

    DELIVERED = "delivered"
    LATE = "late"  # delivered after late_after, or found by a later run
    JUNK = "junk"  # delivered into the folder for junk
    DUPLICATED = "duplicated"  # more than once
    DAMAGED = "damaged"  # with another content
    LOST = "lost"  # accepted, and in the mailbox by no deadline
    REFUSED = "refused"  # 5yz
    DEFERRED = "deferred"  # 4yz until the deadline
    UNSENT = "unsent"  # no conversation came so far
    UNREADABLE = "unreadable"  # the mailbox
    UNTESTABLE = "untestable"  # netmon's own side


ARRIVED: Final = frozenset(
    {Outcome.DELIVERED, Outcome.LATE, Outcome.JUNK, Outcome.DUPLICATED, Outcome.DAMAGED}
)
# The worst first: a run has one outcome, and its findings tell the others.
_WORST: Final = (Outcome.DAMAGED, Outcome.DUPLICATED, Outcome.JUNK, Outcome.LATE)
_FINDINGS: Final = {
    Outcome.DAMAGED: FindingKind.MIME_CHANGED,
    Outcome.DUPLICATED: FindingKind.DELIVERED_TWICE,
    Outcome.JUNK: FindingKind.DELIVERED_TO_JUNK,
    Outcome.LATE: FindingKind.DELIVERED_LATE,
}

# Kind, weight and sentence.
Noticed = tuple[FindingKind, Severity, str]


def unsent(fault: MailError) -> Outcome:
    """The outcome where the message was not handed over."""
    if fault.result is Result.UNTESTABLE:
        return Outcome.UNTESTABLE
    if fault.result is Result.REJECTED:
        return Outcome.REFUSED
    return Outcome.DEFERRED if fault.result is Result.DEFERRED else Outcome.UNSENT


def arrived(
    *, copies: int, boxes: int, junk: Sequence[str], seconds: float, late_after: float, comparison: Comparison
) -> tuple[Outcome, list[Noticed]]:
    """The outcome of a message that is in every mailbox, and what is to be said of it."""
    said: dict[Outcome, str] = {}
    if not comparison.intact:
        more = len(comparison.changed) - _SHOWN
        text = "; ".join(comparison.changed[:_SHOWN]) + (f"; and {more} more" if more > 0 else "")
        said[Outcome.DAMAGED] = f"the message was changed on its way: {text}"
    if copies > boxes:
        said[Outcome.DUPLICATED] = f"the message arrived {copies} times" + (
            f" in {boxes} mailboxes" if boxes > 1 else ""
        )
    if junk:
        said[Outcome.JUNK] = f"the message was delivered into {', '.join(sorted(set(junk)))}"
    if seconds > late_after:
        said[Outcome.LATE] = f"the message took {length(seconds)}, longer than {length(late_after)}"
    outcome = next((one for one in _WORST if one in said), Outcome.DELIVERED)
    return outcome, [(_FINDINGS[one], Severity.FAULT, text) for one, text in said.items()]


def tables(
    name: str,
    counts: Sequence[int],
    *,
    seconds: float | None,
    intact: bool | None,
    latest: float | None,
) -> Iterator[Table]:
    """The series of a run; what did not come to be measured stays as it was."""
    yield Table(
        ("mailflow", "outcome"),
        tuple((name, outcome.value) for outcome in Outcome),
        (Column(MESSAGES, tuple(counts)),),
    )
    measured = ((DELIVERY, seconds), (INTACT, None if intact is None else int(intact)), (LATEST, latest))
    columns = tuple(Column(family, (value,)) for family, value in measured if value is not None)
    if columns:
        yield Table(("mailflow",), ((name,),), columns)


def unrun(name: str) -> tuple[Table, ...]:
    """The series before the first run."""
    return tuple(tables(name, [0] * len(Outcome), seconds=None, intact=None, latest=None))


def hop_lines(hops: Sequence[Hop]) -> Iterator[str]:
    """The way that the message took, by its Received headers, whose clocks need not agree."""
    before: float | None = None
    for hop in hops:
        step = ""
        if hop.at is not None:
            at = time.strftime("%H:%M:%S", time.gmtime(hop.at))
            step = f" at {at} UTC" + (f" ({hop.at - before:+.0f} s)" if before is not None else "")
            before = hop.at
        source = f" from {hop.source}" if hop.source else ""
        known = f", id {hop.queue_id}" if hop.queue_id else ""
        yield f"* received by {hop.by or 'a server without a name'}{source}{step}{known}"


def comparison_lines(comparison: Comparison) -> Iterator[str]:
    """What of the message is another, and what is the same in another form."""
    for text in comparison.changed:
        yield f"* changed: {text}"
    for text in comparison.recoded:
        yield f"* re-encoded, with the same content: {text}"
    if comparison.intact and not comparison.recoded:
        yield "* the content is as it was sent"


def refuses_us(fault: MailError, words: str) -> bool:
    """Whether a no is about netmon's own address, name or login, and so no outage for others."""
    if fault.reason is Reason.LOGIN_REJECTED:
        return True
    return fault.result in (Result.REJECTED, Result.DEFERRED) and esmtp.about_us(words)


def length(seconds: float) -> str:
    """A time as people say it."""
    if seconds >= 120:  # noqa: PLR2004
        return f"{seconds / 60:.3g} min"
    return f"{seconds:.2g} s" if seconds < 10 else f"{seconds:.0f} s"  # noqa: PLR2004


def counted(outcome: Outcome, late: int, twice: int) -> Iterable[int]:
    """What a run adds to the counts: its own message, and those of earlier runs that it found."""
    found = {Outcome.LATE: late, Outcome.DUPLICATED: twice}
    return [int(one is outcome) + found.get(one, 0) for one in Outcome]
