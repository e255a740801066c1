"""The page of one host: why this verdict, what each check did, and what went wrong lately."""

from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import urlencode

from netmon.model import Host, Result, Severity, VerdictName
from netmon.status.charts import history, waterfall
from netmon.status.device import Facts, Port
from netmon.status.page import Page
from netmon.status.parts import announcements, badge, marks, notices, outcome, pending, result_class, sign
from netmon.status.past import NO_PAST, Past, host_pieces
from netmon.status.rows import CheckRow, FailureRow, FindingRow, HostMore, HostRow, Source, more_of, row_of
from netmon.status.text import age, duration, explain_path, host_path, identity, moment, plural, text
from netmon.status.traps import NoTraps, Traps, event_pieces, raised_pieces
from netmon.status.view import CLASS

_FAILURES: Final = 10
_RUNS: Final = 60
_EVENTS: Final = 20
_SEVERITY_CLASS: Final[Mapping[Severity, str]] = {Severity.INFO: "soft", Severity.RISK: "warn"}
_BODY: Final = """<section aria-label="Notices" data-slot="notices" role="alert"></section>
<section class="card" aria-label="Verdict" data-slot="verdict"></section>
<div class="columns">
<div>
<section aria-label="Findings" data-slot="findings"></section>
<section aria-label="Raised by traps" data-slot="raised"></section>
<section aria-label="The last days" data-slot="past"></section>
<section aria-label="Checks" class="checks" data-slot="checks"></section>
<section aria-label="Ports" data-slot="ports"></section>
</div>
<div>
<section aria-label="Last failures"><h2>Last failures</h2><div data-slot="failures"></div></section>
<section class="news" aria-label="Traps" data-slot="traps"></section>
<section class="news" aria-label="News"><h2>News</h2><ol data-slot="news"></ol></section>
</div>
</div>
"""


def host_page(
    source: Source,
    host: Host,
    told: Iterable[str] = (),
    traps: Traps | None = None,
    past: Past = NO_PAST,
) -> Page:
    """The page of `host`; `told` stands above everything."""
    traps = traps or NoTraps()
    row, more = row_of(source, host), more_of(source, host)
    return Page(
        f"{host.name} - netmon",
        {
            "notices": notices(told),
            "verdict": {"verdict": _verdict(row, more.facts)},
            "findings": _findings(row),
            "raised": raised_pieces(traps.raised_of(host.name)),
            "checks": _checks(row),
            "ports": _ports(more.facts.ports),
            "traps": event_pieces(traps.recent(host.name), _EVENTS, linked=False),
            "past": host_pieces(past, host.name),
            "failures": _failures(more),
            "news": announcements(more.news, linked=False)
            or {"no-news": '<li id="no-news" class="soft">No news of this host since netmon started.</li>'},
        },
        _BODY,
        "?" + urlencode({"host": host.name}),
    )


def _verdict(row: HostRow, facts: Facts) -> str:
    since = "" if row.since is None else f' <span class="since">since {moment(row.since)}</span>'
    about = [("Address", text(row.address))]
    if row.depends_on:
        links = (f'<a href="{host_path(name)}">{text(name)}</a>' for name in row.depends_on)
        about.append(("Depends on", ", ".join(links)))
    if row.labels:
        about.append(("Labels", text(", ".join(f"{name}={value}" for name, value in row.labels.items()))))
    if facts.name:
        about.append(("Calls itself", text(facts.name)))
    if facts.description:
        about.append(("System", text(facts.description)))
    if facts.uptime is not None:
        about.append(("Up for", age(facts.uptime)))
    if row.last_healthy is not None and row.verdict is not VerdictName.HEALTHY:
        about.append(("Last healthy", moment(row.last_healthy)))
    life = {None: "", True: " The host shows life.", False: " The host shows no life."}[row.alive]
    heading = f"<h1>{text(row.name)} {badge(row.verdict, linked=True)}</h1>"
    return (
        f'<div id="verdict" class="{CLASS[row.verdict]}">{heading}'
        f"<p>{text(row.sentence.rstrip('.'))}.{life}{since}</p>{pending(row)}{marks(row)}"
        f"<dl>{''.join(f'<div><dt>{name}</dt><dd>{value}</dd></div>' for name, value in about)}</dl></div>"
    )


def _findings(row: HostRow) -> dict[str, str]:
    if not row.findings:
        return {}
    items = "".join(map(_finding, row.findings))
    return {"findings": f'<div id="findings"><h2>Findings</h2><ul class="findings">{items}</ul></div>'}


def _finding(finding: FindingRow) -> str:
    style = _SEVERITY_CLASS.get(finding.severity, "bad")
    said = f'{finding.severity}: <a href="{explain_path(finding.kind)}">{text(finding.kind)}</a>'
    if finding.probe:
        said += f", said by {text(finding.probe)} {text(finding.endpoint or '')}"
    at = "" if finding.at is None else f", {moment(finding.at)}"
    return f'<li class="{style}">{sign(style)}<p>{text(finding.text)}<small>{said}{at}</small></p></li>'


def _checks(row: HostRow) -> dict[str, str]:
    shown = {}
    sides = [("Life", row.life), ("SNMP", row.snmp), ("Mail", row.mail)]
    sides.sort(key=lambda side: all(map(_well, side[1])))  # what is wrong comes first
    for title, checks in sides:
        if checks:
            side = f"side-{title.lower()}"
            shown[side] = f'<h2 id="{side}">{title}</h2>'
        for check in sorted(checks, key=_well):
            key = identity("check", check.probe, check.endpoint)
            shown[key] = _check(check, key)
    return shown


def _well(check: CheckRow) -> bool:
    return check.result in {Result.OK, Result.UNTESTABLE, None}


def _check(check: CheckRow, key: str) -> str:
    facts = []
    if check.last_run is not None:
        facts.append(f"ran {moment(check.last_run)}")
    if check.duration is not None:
        facts.append(f"took {duration(check.duration)}")
    facts.append(f"every {check.interval:g} s")
    if check.role is not None:
        facts.append(text(check.role) + ("" if check.required else ", not required"))
    if check.result is not Result.OK:
        facts.append("never ok" if check.last_ok is None else f"last ok {moment(check.last_ok)}")
    return (
        f'<article id="{key}" class="check {result_class(check.result)}">'
        f"<h3>{text(check.probe)} {text(check.endpoint)} {outcome(check)}</h3>"
        f"<p>{text(check.detail)}</p><p><small>{'; '.join(facts)}</small></p>"
        f"{history(check.runs, _RUNS)}{waterfall(check.phases)}"
        f"{_dialogue('What was said', check.trail, opened=not _well(check))}</article>"
    )


def _dialogue(summary: str, trail: Iterable[str], *, opened: bool = False) -> str:
    lines = text("\n".join(trail))
    if not lines:
        return ""
    return (
        f"<details{' open' if opened else ''}><summary>{summary}</summary>"
        f'<pre tabindex="0" role="group" aria-label="What was said">{lines}</pre></details>'
    )


def _failures(more: HostMore) -> dict[str, str]:
    shown = {}
    for failure in more.failures[:_FAILURES]:
        key = identity("failure", failure.probe, failure.endpoint, f"{failure.at * 1000:.0f}")
        shown[key] = (
            f'<div id="{key}" class="failure {result_class(failure.result)}">{_failure(failure)}</div>'
        )
    return shown or {
        "no-failure": '<p id="no-failure" class="soft">No run has failed since netmon started.</p>'
    }


def _failure(failure: FailureRow) -> str:
    said = _dialogue(f"What was said <small>({plural(len(failure.trail), 'line')})</small>", failure.trail)
    return (
        f"<p>{sign(result_class(failure.result))}<b>{text(failure.probe)} {text(failure.endpoint)}</b> "
        f"{failure.result}: {text(failure.reason)}<small>{moment(failure.at)}</small></p>"
        f"<p>{text(failure.detail)}</p>{said}"
    )


def _ports(ports: Iterable[Port]) -> dict[str, str]:
    ports = tuple(ports)
    if not ports:
        return {}
    up, off = sum(port.up for port in ports), sum(not port.wanted for port in ports)
    said = f"{up} of {len(ports)} up" + (f", {off} switched off" if off else "")
    items = "".join(map(_port, ports))
    return {
        "ports": f'<div id="ports"><h2>Ports <small>{said}</small></h2><ul class="ports">{items}</ul></div>'
    }


def _port(port: Port) -> str:
    style = state = "up" if port.up else "down"
    if not port.wanted:
        style, state = "off", "switched off"
    words = f"{port.name} {port.alias}".strip()
    return (
        f'<li class="{style}" title="{text(words)}: {state}">'
        f'<span class="sr">{text(words)}: {state}</span></li>'
    )
