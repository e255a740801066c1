"""Rows as HTML.

Much of the text comes from the network: whatever goes into the markup passes `_text`.  No script, no
style in the markup, nothing from elsewhere: the pages obey the strictest content security policy.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from html import escape
from typing import Final
from urllib.parse import quote

from netmon.model import Result, Severity, VerdictName
from netmon.status.rows import CheckRow, HostRow

REFRESH: Final = 15  # seconds
_MINUTE, _HOUR, _DAY = 60, 3600, 86400

_CLASS: Final[Mapping[VerdictName, str]] = {
    VerdictName.HEALTHY: "good",
    VerdictName.UNKNOWN: "soft",
    VerdictName.UNREACHABLE: "soft",
    VerdictName.DEVICE_DEGRADED: "warn",
    VerdictName.AGENT_DOWN: "warn",
    VerdictName.MAIL_DEGRADED: "warn",
}
_RESULT_CLASS: Final[Mapping[Result | None, str]] = {
    None: "soft",
    Result.OK: "good",
    Result.UNTESTABLE: "soft",
    Result.DEFERRED: "warn",
}
_SEVERITY_CLASS: Final[Mapping[Severity, str]] = {Severity.INFO: "soft", Severity.RISK: "warn"}


def render_hosts(rows: Sequence[HostRow], now: float, notices: Iterable[str] = ()) -> str:
    """The page of all hosts; `notices` stand above it, as the mistakes of a refused config."""
    counts = Counter(row.verdict for row in rows)
    summary = ", ".join(
        f'<span class="{_CLASS.get(name, "bad")}">{counts[name]} {name}</span>'
        for name in VerdictName
        if counts[name]
    )
    number = "1 host" if len(rows) == 1 else f"{len(rows)} hosts"
    lines = [f"<h1>netmon</h1>\n<p>{number}: {summary or 'none is configured'}</p>\n"]
    lines += [f'<p class="notice" role="alert">{_text(notice)}</p>\n' for notice in notices]
    lines.append(
        '<table>\n<thead><tr><th scope="col">Host</th><th scope="col">Verdict</th><th scope="col">Life</th>'
        '<th scope="col">SNMP</th><th scope="col">Mail</th></tr></thead>\n<tbody>\n'
    )
    for row in rows:
        lines.append(
            f'<tr><th scope="row"><a href="/hosts/{quote(row.name, safe="")}">{_text(row.name)}</a>'
            f"<br><small>{_text(row.address)}</small></th><td>{_verdict(row, now)}{_findings(row, now)}</td>"
            f"<td>{_alive(row)}{_cell(row.life, now)}</td><td>{_cell(row.snmp, now)}</td>"
            f"<td>{_cell(row.mail, now)}</td></tr>\n"
        )
    lines.append("</tbody>\n</table>\n")
    return _page("netmon", "".join(lines))


def render_host(row: HostRow, now: float) -> str:
    """The page of one host."""
    lines = [f'<p><a href="/">All hosts</a></p>\n<h1>{_text(row.name)}</h1>\n']
    about = [f"address {row.address}"]
    about += [f"depends on {name}" for name in row.depends_on]
    about += [f"{name}={value}" for name, value in row.labels.items()]
    lines.append(f'<p class="soft">{_text(", ".join(about))}</p>\n{_verdict(row, now)}{_findings(row, now)}')
    for title, checks in (("Life", row.life), ("SNMP", row.snmp), ("Mail", row.mail)):
        if checks:
            lines.append(f"<h2>{title}</h2>\n")
        lines += [_check(check, now) for check in checks]
    return _page(f"{row.name} - netmon", "".join(lines))


def _text(text: str) -> str:
    """Text as HTML text or attribute; what does not print (controls, text direction) as U+FFFD."""
    if not text.isprintable():
        text = "".join(char if char.isprintable() or char in "\n\t" else "\ufffd" for char in text)
    return escape(text)


def _age(then: float, now: float) -> str:
    """A moment as people ask for it: how long ago; the moment itself is in the title."""
    seconds = max(0.0, now - then)
    if seconds < _MINUTE * 2:
        ago = f"{seconds:.0f} s"
    elif seconds < _HOUR * 2:
        ago = f"{seconds / _MINUTE:.0f} min"
    elif seconds < _DAY * 2:
        ago = f"{seconds / _HOUR:.0f} h"
    else:
        ago = f"{seconds / _DAY:.0f} d"
    moment = datetime.fromtimestamp(then, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return f'<time datetime="{moment}" title="{moment}">{ago} ago</time>'


def _duration(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms" if seconds < 1 else f"{seconds:.2f} s"


def _verdict(row: HostRow, now: float) -> str:
    html = (
        f'<span class="verdict {_CLASS.get(row.verdict, "bad")}">{_text(row.verdict)}</span>'
        f"<br>{_text(row.sentence)}"
    )
    if row.since is not None:
        html += f" <small>since {_age(row.since, now)}</small>"
    if row.candidate is not row.verdict:
        html += (
            f"<br><small>not confirmed yet: {_text(row.candidate)}: {_text(row.candidate_sentence)}</small>"
        )
    return html


def _findings(row: HostRow, now: float) -> str:
    if not row.findings:
        return ""
    items = "".join(
        f'<li class="{_SEVERITY_CLASS.get(finding.severity, "bad")}">'
        f"{_text(finding.kind)}: {_text(finding.text)}"
        + (f" <small>{_text(finding.probe)} {_text(finding.endpoint or '')}</small>" if finding.probe else "")
        + (f" <small>{_age(finding.at, now)}</small>" if finding.at is not None else "")
        + "</li>"
        for finding in row.findings
    )
    return f"<ul>{items}</ul>"


def _alive(row: HostRow) -> str:
    if row.alive is None:
        return ""
    return '<span class="good">alive</span>' if row.alive else '<span class="bad">no life</span>'


def _state(check: CheckRow) -> str:
    style = _RESULT_CLASS.get(check.result, "bad")
    if check.result is None:
        return f'<span class="{style}">not run yet</span>'
    reason = "" if check.result is Result.OK else f": {check.reason}"
    return f'<span class="{style}">{check.result}{_text(reason)}</span>'


def _times(check: CheckRow, now: float) -> list[str]:
    parts = [] if check.duration is None else [_duration(check.duration)]
    if check.last_run is not None:
        parts.append(_age(check.last_run, now))
    return parts


def _cell(checks: Iterable[CheckRow], now: float) -> str:
    items = []
    for check in checks:
        html = f"<li>{_text(check.probe)} {_text(check.endpoint)} {_state(check)}"
        html += f" <small>{', '.join(_times(check, now))}</small>"
        if check.result is not Result.OK and check.detail:
            html += f"<br><small>{_text(check.detail)}</small>"
        items.append(html + "</li>")
    return f"<ul>{''.join(items)}</ul>" if items else ""


def _check(check: CheckRow, now: float) -> str:
    facts = [*_times(check, now), f"every {check.interval:g} s"]
    if check.role is not None:
        facts.append(_text(check.role))
        if not check.required:
            facts.append("not required")
    html = (
        f"<h3>{_text(check.probe)} {_text(check.endpoint)}</h3>\n"
        f"<p>{_state(check)} <small>{', '.join(facts)}</small>"
    )
    if check.result is not Result.OK and check.last_ok is not None:
        html += f" <small>last ok {_age(check.last_ok, now)}</small>"
    html += f"<br>{_text(check.detail)}</p>\n"
    if check.phases:
        html += '<table>\n<thead><tr><th scope="col">Phase</th><th scope="col">Time</th>'
        html += '<th scope="col">Share</th></tr></thead>\n<tbody>\n'
        html += "".join(
            f'<tr><th scope="row">{_text(phase.name)}</th><td>{_duration(phase.seconds)}</td>'
            f'<td><meter value="{phase.share:.3f}" aria-label="share of the run">'
            f"{phase.share:.0%}</meter></td></tr>\n"
            for phase in check.phases
        )
        html += "</tbody>\n</table>\n"
    if check.trail:
        lines = _text("\n".join(check.trail))
        html += f'<pre tabindex="0" aria-label="What was said">{lines}</pre>\n'
    return html


def _page(title: str, body: str) -> str:
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f'<meta http-equiv="refresh" content="{REFRESH}">\n<title>{_text(title)}</title>\n'
        '<link rel="icon" href="data:,">\n<link rel="stylesheet" href="/static/status.css">\n'
        f"</head>\n<body>\n<main>\n{body}</main>\n</body>\n</html>\n"
    )
