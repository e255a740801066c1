"""Markup that both pages use: a check's outcome, a verdict, an announcement."""

from collections.abc import Iterable, Mapping
from typing import Final
from zlib import crc32

from netmon.model import News, Result, VerdictName
from netmon.status.rows import CheckRow, HostRow
from netmon.status.text import explain_path, host_path, identity, moment, text
from netmon.status.view import CLASS

# Colour is never the only sign.
_SIGN: Final[Mapping[str, str]] = {"good": "✓", "warn": "!", "bad": "✕", "soft": "?"}
_RESULT_CLASS: Final[Mapping[Result | None, str]] = {
    None: "soft",
    Result.OK: "good",
    Result.UNTESTABLE: "soft",
    Result.DEFERRED: "warn",
}


def result_class(result: Result | None) -> str:
    """The class of an outcome's colour."""
    return _RESULT_CLASS.get(result, "bad")


def sign(style: str) -> str:
    """The sign of a colour."""
    return f'<span class="sign" aria-hidden="true">{_SIGN[style]}</span>'


def badge(name: VerdictName, *, linked: bool = False) -> str:
    """A verdict's name, in its colour and with its sign; `linked`: to what it means."""
    style = CLASS[name]
    if linked:
        return f'<a class="badge {style}" href="{explain_path(name)}">{sign(style)}{name}</a>'
    return f'<span class="badge {style}">{sign(style)}{name}</span>'


def outcome(check: CheckRow) -> str:
    """How a check's latest run ended, in words."""
    style = result_class(check.result)
    if check.result is None:
        words = "not run yet"
    else:
        words = check.result if check.result is Result.OK else f"{check.result}: {text(check.reason)}"
    return f'<span class="outcome {style}">{sign(style)}{words}</span>'


def pending(row: HostRow) -> str:
    """What the latest runs say, where that is not confirmed yet."""
    if row.candidate is row.verdict:
        return ""
    said = f"<b>{row.candidate}</b>: {text(row.candidate_sentence)}"
    return f'<p class="pending">Not confirmed yet: {said}</p>'


def marks(row: HostRow) -> str:
    """What lies over the verdict: that alerts are held back, why and until when; that it is not steady."""
    shown = ""
    if row.silenced is not None:
        why = f": {row.silenced.why}" if row.silenced.why else ""
        shown += (
            f'<p class="silenced">Alerts are held back ({row.silenced.kind}{text(why)}), '
            f"which ends {moment(row.silenced.until)}</p>"
        )
    if row.flapping:
        shown += '<p class="pending">Flapping: the verdict changes to and fro</p>'
    return shown


def notices(lines: Iterable[str]) -> dict[str, str]:
    """What a person should know first, as the mistakes of a refused config."""
    return {
        (key := f"notice-{number}"): f'<p class="notice" id="{key}">{text(line)}</p>'
        for number, line in enumerate(lines)
    }


def announcements(news: Iterable[News], *, linked: bool = True) -> dict[str, str]:
    """Announcements, newest first; `linked`: with the host that each is about."""
    shown = {}
    for item in reversed(tuple(news)):
        key = identity("news", f"{item.at * 1000:.0f}", f"{crc32(repr(item).encode()):08x}")
        host = ""
        if linked and item.host:
            host = f'<a href="{host_path(item.host)}">{text(item.host)}</a> '
        shown[key] = f'<li id="{key}">{moment(item.at)}<p>{host}{text(item.text)}</p></li>'
    return shown
