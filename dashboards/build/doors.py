"""Doors: the ports of mail servers, one series each, named by their endpoint."""

from collections.abc import Sequence
from typing import Final

from dashboards.build.panels import GREEN, RED, YELLOW, Panel, Query, State, timeline
from dashboards.build.promql import host

MAIL: Final = 'probe=~"smtp|imap|pop3"'
SMTP: Final = 'probe="smtp"'
MAILBOX: Final = 'probe=~"imap|pop3"'
DOOR: Final = "host, endpoint"
BY_DOOR: Final = f"max by ({DOOR}) ({{}})".format
NAMED: Final = "{{endpoint}}"
VALID: Final = (State(0, "not valid", RED), State(1, "valid", GREEN))


def door_states(
    title: str, description: str, states: Sequence[State], metric: str, *, span: int, empty: str = ""
) -> Panel:
    """A band for each door, by a metric that is 0 or 1."""
    return timeline(title, description, states, Query(BY_DOOR(host(metric)), NAMED), span=span, empty=empty)


def backing_off(title: str, metric: str, *, span: int, empty: str = "") -> Panel:
    """When netmon left doors alone, by the seconds that it still does."""
    return timeline(
        title,
        "Ports that netmon asks less often for a while, since the server asked it to.",
        (State(0, "no", GREEN), State(1, "backs off", YELLOW)),
        Query(f"{BY_DOOR(host(metric))} > bool 0", NAMED),
        span=span,
        empty=empty,
    )
