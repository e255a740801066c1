"""The page of all hosts: how many are how, what is wrong and why, and each check's outcome in a matrix."""

from collections.abc import Iterable, Sequence
from typing import Final

from netmon.model import Result, Role, VerdictName
from netmon.status.charts import sparkline
from netmon.status.domains import DomainRow, domain_pieces
from netmon.status.page import Page
from netmon.status.parts import announcements, badge, marks, notices, pending, result_class, sign
from netmon.status.past import NO_PAST, Past, overview_pieces
from netmon.status.rows import CheckRow, HostRow, Source, row_of
from netmon.status.text import host_path, identity, moment, plural, text
from netmon.status.traps import NoTraps, Traps, event_pieces, trap_cell
from netmon.status.view import (
    CLASS,
    ORDER,
    PAGE,
    PROBLEMS,
    Selection,
    View,
    common_labels,
    select,
)

_RUNS: Final = 20  # in a cell
_NEWS: Final = 15
_EVENTS: Final = 15
_LABELS: Final = 60  # to choose from; any other one is found by its text
_ROLES: Final = (Role.INBOUND, Role.SUBMISSION, Role.ACCESS, Role.FLOW)


def overview(  # noqa: PLR0917 - what the page is made of
    source: Source,
    view: View,
    told: Iterable[str] = (),
    domains: Iterable[DomainRow] = (),
    traps: Traps | None = None,
    past: Past = NO_PAST,
) -> Page:
    """The page of `view`; `told` stands above everything."""
    traps = traps or NoTraps()
    selection = select(source, view)
    rows = [row_of(source, host) for host in selection.hosts]
    seen = {check.role for row in rows for check in row.mail}
    roles = [role for role in _ROLES if role in seen]
    trapped = {row.name: traps.summary(row.name) for row in rows}
    # Nobody who receives no traps has a column of nothing.
    cells = {name: trap_cell(summary) for name, summary in trapped.items()} if any(trapped.values()) else {}
    slots = {
        "notices": notices(told),
        "summary": _summary(selection, view),
        "head": {"head-row": _head(roles, traps=bool(cells))},
        "rows": {
            (key := identity("host", row.name)): _row(row, key, roles, cells.get(row.name, ""))
            for row in rows
        },
        "pages": _pages(selection, view),
        "domains": domain_pieces(domains),
        "news": announcements(source.news()[-_NEWS:]),
        "traps": event_pieces(traps.recent(), _EVENTS, linked=True),
        "past": overview_pieces(past),
    }
    return Page("netmon", slots, _body(source, view), view.query())


def _body(source: Source, view: View) -> str:
    """What stays while everything else changes, with a place for each slot."""
    return f"""<section aria-label="Notices" data-slot="notices" role="alert"></section>
<section class="summary" aria-label="Summary" data-slot="summary"></section>
<form class="filter" role="search" action="/" method="get">
<label>Search <input type="search" name="q" value="{text(view.text)}" maxlength="200" autocomplete="off" \
placeholder="name, address, label, words" aria-keyshortcuts="/"></label>
<label>Verdict <select name="verdict">{_verdict_options(view)}</select></label>
{_label_choice(source, view)}<button>Show</button>
</form>
<div class="columns">
<section class="hosts" aria-label="Hosts">
<table class="matrix" role="table"><thead role="rowgroup" data-slot="head"></thead>
<tbody role="rowgroup" data-slot="rows"></tbody></table>
<nav aria-label="Pages of hosts" data-slot="pages"></nav>
<section aria-label="Domains" data-slot="domains"></section>
<section aria-label="All hosts together" data-slot="past"></section>
</section>
<div class="side">
<section class="news" aria-label="News"><h2>News</h2><ol data-slot="news"></ol></section>
<section class="news" aria-label="Traps" data-slot="traps"></section>
</div>
</div>
"""


def _verdict_options(view: View) -> str:
    choices = [("", "any"), (PROBLEMS, "not healthy"), *((str(name), str(name)) for name in ORDER)]
    return "".join(
        f'<option value="{value}"{" selected" if value == view.verdict else ""}>{shown}</option>'
        for value, shown in choices
    )


def _label_choice(source: Source, view: View) -> str:
    labels = common_labels(source, _LABELS)
    if view.label and view.label not in labels:
        labels.append(view.label)
    if not labels:
        return ""
    options = "".join(
        f'<option value="{text(label)}"{" selected" if label == view.label else ""}>{text(label)}</option>'
        for label in labels
    )
    return f'<label>Label <select name="label"><option value="">any</option>{options}</select></label>\n'


def _summary(selection: Selection, view: View) -> dict[str, str]:
    counts = selection.counts
    chips = "".join(_chip(name, counts[name], view) for name in ORDER if counts[name] or view.verdict == name)
    return {
        "headline": f'<div id="headline" role="status"><h1>{_headline(selection)}</h1></div>',
        "counts": f'<ul id="counts" class="counts" aria-label="Hosts by verdict">{chips}</ul>',
    }


def _chip(name: VerdictName, count: int, view: View) -> str:
    """A count that chooses its verdict, or lets go of it."""
    chosen = view.verdict == name
    query = text(view.query(verdict="" if chosen else name.value, page=1))
    current = ' aria-current="true"' if chosen else ""
    style = CLASS[name]
    return (
        f'<li><a class="count {style}" href="/{query}"{current}>{sign(style)}<b>{count:,}</b> {name}</a></li>'
    )


def _headline(selection: Selection) -> str:
    counts, total = selection.counts, sum(selection.counts.values())
    if not total:
        return "No host is configured"
    healthy, unknown = counts[VerdictName.HEALTHY], counts[VerdictName.UNKNOWN]
    wrong = total - healthy - unknown
    if unknown == total:
        return f"{plural(total, 'host')}, nothing is known yet"
    if wrong:
        return f"{wrong:,} of {plural(total, 'host')} {'needs' if wrong == 1 else 'need'} attention"
    if unknown:
        return f"{healthy:,} of {plural(total, 'host')} healthy, {unknown:,} unknown"
    return f"All {plural(total, 'host')} healthy" if total > 1 else "The one host is healthy"


def _head(roles: Sequence[Role], *, traps: bool) -> str:
    names = ["Host", "Verdict", "Life", "SNMP", *(role.capitalize() for role in roles)]
    if traps:
        names.append("Traps")
    cells = "".join(f'<th scope="col" role="columnheader">{name}</th>' for name in names)
    return f'<tr id="head-row" role="row">{cells}</tr>'


def _row(row: HostRow, key: str, roles: Sequence[Role], traps: str) -> str:
    labels = "".join(f"<li>{text(name)}={text(value)}</li>" for name, value in row.labels.items())
    labels = f'<ul class="labels">{labels}</ul>' if labels else ""
    style = CLASS[row.verdict]
    since = "" if row.since is None else f'<span class="since">since {moment(row.since)}</span>'
    cells = [("Life", row.life), ("SNMP", row.snmp)]
    cells += [(role.capitalize(), tuple(check for check in row.mail if check.role == role)) for role in roles]
    quiet = " quiet" if row.candidate is row.verdict is VerdictName.HEALTHY else ""
    return (
        f'<tr id="{key}" class="{style}{quiet}" role="row"><th scope="row" role="rowheader">'
        f'<a href="{host_path(row.name)}">{text(row.name).replace(".", ".<wbr>")}</a><div class="about">'
        f'<span class="address">{text(row.address)}</span>'
        f"{labels}</div></th>"
        f'<td role="cell" class="judged">{badge(row.verdict)} {since}'
        f"<p>{text(row.sentence)}</p>{pending(row)}{marks(row)}</td>"
        f"{''.join(_cell(row, name, checks) for name, checks in cells)}{traps}</tr>"
    )


def _cell(row: HostRow, name: str, checks: Iterable[CheckRow]) -> str:
    items = []
    checks = tuple(checks)
    # Whatever answered shows life; where no check is about it alone, it is said all the same.
    if name == "Life" and row.alive is not None and not (row.alive and checks):
        style, words = ("good", "alive") if row.alive else ("bad", "no life")
        items.append(f'<li class="outcome {style}">{sign(style)}{words}</li>')
    for check in checks:
        style = result_class(check.result)
        where = check.endpoint.removeprefix(f"{row.name}:") if check.role is not None else check.probe
        if check.result is Result.OK:
            why = '<span class="sr">ok</span>'
        else:
            reason = "not run yet" if check.result is None else text(check.reason).replace("_", "_<wbr>")
            why = f'<span class="why">{reason}</span>'
        items.append(
            f'<li class="outcome {style}">{sign(style)}<span class="where">{text(where)}</span>'
            f"{sparkline(check.runs, _RUNS)} {why}</li>"
        )
    if not items:
        return '<td role="cell" class="none"></td>'
    return f'<td role="cell" data-name="{name}"><ul>{"".join(items)}</ul></td>'


def _pages(selection: Selection, view: View) -> dict[str, str]:
    begin = (view.page - 1) * PAGE
    if not selection.found:
        asked = sum(selection.counts.values())
        words = "No host matches what is asked for." if asked else ""
        return {"range": f'<p id="range">{words}</p>'}
    words = f"{plural(selection.found, 'host')}, worst first"
    if selection.found > PAGE:
        words = f"{begin + 1:,} to {min(begin + PAGE, selection.found):,} of {words}"
    links = ""
    if view.page > 1:
        links += f' <a href="/{text(view.query(page=view.page - 1))}" rel="prev">Back</a>'
    if begin + PAGE < selection.found:
        links += f' <a href="/{text(view.query(page=view.page + 1))}" rel="next">Further</a>'
    return {"range": f'<p id="range">{words}{links}</p>'}
