"""The past on the pages: a day's verdicts as a band, and what SNMP and mail agreed on over hours and days."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final, Protocol

from netmon.history import WINDOWS, Agreement, Totals
from netmon.history.track import State
from netmon.status.text import duration, moment, text
from netmon.status.view import CLASS
from netmon.wording import percent

_DAY: Final = WINDOWS["24h"]
_UNITS: Final = 480  # of the band: three minutes each
_SPANS: Final = 200  # of a band; a host that flaps all day has its latest ones
_NEVER: Final = "-"  # nothing was told
_HEADS: Final = ("Window", "Mail works", "SNMP works", "both", "only SNMP", "only mail", "neither")
_FOUR: Final = (Agreement.BOTH, Agreement.ONLY_SNMP, Agreement.ONLY_MAIL, Agreement.NEITHER)


class Past(Protocol):
    """What the pages read of the past; `netmon.history.History` is one."""

    def totals(self, host: str, window: float) -> Totals:
        """Of one host in the last `window` seconds."""

    def of_all(self, window: str) -> Totals:
        """Of all hosts together."""

    def spans(self, host: str, window: float) -> Sequence[tuple[float, float, State]]:
        """A host's states, as start, stop and state."""


class _NoPast:
    """Where nothing is kept."""

    def totals(self, host: str, window: float) -> Totals:  # noqa: ARG002 - as the protocol has it
        """Nothing is known."""
        return Totals()

    def of_all(self, window: str) -> Totals:  # noqa: ARG002 - as the protocol has it
        """Nothing is known."""
        return Totals()

    def spans(self, host: str, window: float) -> Sequence[tuple[float, float, State]]:  # noqa: ARG002
        """Nothing is known."""
        return ()


NO_PAST: Final[Past] = _NoPast()


def host_pieces(past: Past, host: str) -> dict[str, str]:
    """The section of one host; nothing where nothing is known."""
    table = _table(lambda window: past.totals(host, WINDOWS[window]))
    if not table:
        return {}
    return _piece("The last days", _band(past.spans(host, _DAY)) + table)


def overview_pieces(past: Past) -> dict[str, str]:
    """The section of all hosts together."""
    table = _table(past.of_all)
    return _piece("All hosts together", table) if table else {}


def _piece(title: str, body: str) -> dict[str, str]:
    """One element under its id, as the live page wants every piece."""
    return {"past": f'<div id="past"><h2>{title}</h2>{body}</div>'}


def _table(totals_of: Callable[[str], Totals]) -> str:
    lines: list[str] = []
    known = 0.0
    for window in WINDOWS:
        totals = totals_of(window)
        if totals.known <= known:
            continue  # a longer window of which no more is known says the same
        known = totals.known
        shares = [totals.mail, totals.snmp, *(totals.share(name) for name in _FOUR)]
        row = "".join(f'<td class="num">{cell}</td>' for cell in map(percent, shares))
        lines.append(f'<tr><th scope="row">{window}</th>{row}</tr>')
    if not lines:
        return ""
    head = "".join(f'<th scope="col">{name}</th>' for name in _HEADS)
    table = f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(lines)}</tbody></table>"
    note = "Of the time in which each was tested; the last four of the time in which both were."
    return f'<div class="past">{table}</div><p><small>{note}</small></p>'


def _band(spans: Sequence[tuple[float, float, State]]) -> str:
    """The verdicts of a day in their colours, the present at the right."""
    if not spans:
        return ""
    end = spans[-1][1]
    begin = end - _DAY
    parts, words = [], []
    for start, stop, state in spans[-_SPANS:]:
        left = round((start - begin) / _DAY * _UNITS)
        width = max(round((stop - begin) / _DAY * _UNITS) - left, 1)
        title = f"{state.verdict} {moment_words(start)} for {duration(stop - start)}"
        parts.append(
            f'<rect class="{CLASS.get(state.verdict, "soft")}" x="{left}" width="{width}" height="16">'
            f"<title>{text(title)}</title></rect>"
        )
        words.append(state.verdict)
    return (
        f'<svg class="band" viewBox="0 0 {_UNITS} 16" preserveAspectRatio="none" role="img" '
        f'aria-label="Verdicts of the last 24 hours: {text(_summary(words))}">{"".join(parts)}</svg>'
        f'<p class="ends"><small>24 h ago</small> <small>now, {text(spans[-1][2].verdict)} since '
        f"{moment(spans[-1][0])}</small></p>"
    )


def moment_words(at: float) -> str:
    """From when, for the title of a drawing, which holds no markup."""
    return time.strftime("from %d %b %H:%M UTC", time.gmtime(at))


def _summary(words: Sequence[str]) -> str:
    counts: Mapping[str, int] = {word: words.count(word) for word in dict.fromkeys(words)}
    return ", ".join(f"{word} {count} times" if count > 1 else word for word, count in counts.items())
