"""The past on the pages."""

from netmon.history import WINDOWS, Totals
from netmon.history.track import State, Track
from netmon.model import MailState, SnmpState, VerdictName
from netmon.status.past import NO_PAST, host_pieces, overview_pieces

NOON = 1_800_000_000.0
WELL = State(VerdictName.HEALTHY, MailState.OK, SnmpState.OK)
DOWN = State(VerdictName.MAIL_DOWN, MailState.DOWN, SnmpState.OK)


class Past:
    """One host's track, up to noon."""

    def __init__(self, *changes: tuple[float, State]) -> None:
        self.track = Track()
        for at, state in changes:
            self.track.change(NOON - at, state.code)

    def totals(self, _host: str, window: float) -> Totals:
        """Of the host."""
        return self.track.totals(NOON - window, NOON)

    def of_all(self, window: str) -> Totals:
        """It is the only one."""
        return self.totals("", WINDOWS[window])

    def spans(self, _host: str, window: float) -> list[tuple[float, float, State]]:
        """Its states."""
        return list(self.track.spans(NOON - window, NOON))


def test_nothing_known_is_nothing_shown() -> None:
    """An agent that has just started has no section of dashes."""
    assert host_pieces(NO_PAST, "mx1") == overview_pieces(NO_PAST) == {}


def test_the_table() -> None:
    """Shares by window; one of which no more is known than of a shorter one is left out."""
    text = host_pieces(Past((2 * 3600.0, WELL), (1800.0, DOWN)), "mx1")["past"]
    assert '<th scope="row">1h</th><td class="num">50.0 %</td><td class="num">100 %</td>' in text
    assert '<th scope="row">24h</th><td class="num">75.0 %</td>' in text
    assert '<th scope="row">7d</th>' not in text
    assert text.startswith('<div id="past">')


def test_the_band_of_a_day() -> None:
    """Each verdict in its colour and in words, the present at the right."""
    text = host_pieces(Past((6 * 3600.0, WELL), (3 * 3600.0, DOWN)), "mx1")["past"]
    assert '<rect class="good" x="360" width="60" height="16">' in text
    assert '<rect class="bad" x="420" width="60" height="16">' in text
    assert "mail_down from" in text
    assert 'aria-label="Verdicts of the last 24 hours: healthy, mail_down"' in text


def test_a_host_that_flaps_has_a_bounded_band() -> None:
    """The latest spans, each wide enough to be seen."""
    changes = [(40_000.0 - 10 * number, DOWN if number % 2 else WELL) for number in range(900)]
    text = host_pieces(Past(*changes), "mx1")["past"]
    assert text.count("<rect") == 200
    assert 'width="0"' not in text


def test_all_hosts_together() -> None:
    """The same table, without a band."""
    text = overview_pieces(Past((3600.0, WELL)))["past"]
    assert "All hosts together" in text
    assert "<svg" not in text
