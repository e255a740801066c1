"""The domains on the page of all hosts, and in JSON: where mail for each goes, and whether it arrives."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from netmon.model import DomainVerdict, DomainVerdictName, Lookup
from netmon.status.parts import sign
from netmon.status.text import identity, moment, text

# What is wrong stands first.
_CLASS: Final[Mapping[str, str]] = {
    DomainVerdictName.DOWN: "bad",
    DomainVerdictName.DEGRADED: "warn",
    DomainVerdictName.UNTESTABLE: "soft",
    DomainVerdictName.UNKNOWN: "soft",
    DomainVerdictName.HEALTHY: "good",
}
_ORDER: Final = tuple(_CLASS)
_MOST: Final = 200  # on the page; JSON has all
_SHOWN: Final = 5  # facts of one domain


@dataclass(frozen=True, slots=True)
class MxRow:
    """A mail server: the addresses that are checked, and whether one of them accepts.

    `fails`: it was tested, and none does; neither holds while nothing could be tested.
    """

    mx: str
    addresses: tuple[str, ...]
    accepts: bool
    fails: bool = False


@dataclass(frozen=True, slots=True)
class FindingRow:
    """A fact of DNS."""

    finding: str
    severity: str
    text: str


@dataclass(frozen=True, slots=True)
class DomainRow:
    """A domain as JSON has it; `since` and `dns_answered` are wall clock, the latter None if never."""

    domain: str
    verdict: str
    sentence: str
    since: float
    dns: str
    dns_answered: float | None
    mx: tuple[MxRow, ...]
    findings: tuple[FindingRow, ...]


def domain_rows(verdicts: Iterable[DomainVerdict], lookups: Mapping[str, Lookup]) -> Sequence[DomainRow]:
    """All domains, in the config's order."""
    return tuple(_row(verdict, lookups[verdict.domain]) for verdict in verdicts)


def _row(verdict: DomainVerdict, lookup: Lookup) -> DomainRow:
    addresses: dict[str, list[str]] = {mx: [] for mx in lookup.mx}
    for route in lookup.routes:
        addresses[route.mx].append(route.address)
    return DomainRow(
        verdict.domain,
        verdict.name.value,
        verdict.sentence,
        verdict.since,
        lookup.dns.value,
        lookup.good or None,
        tuple(
            MxRow(mx, tuple(known), mx in verdict.accepting, mx in verdict.failing)
            for mx, known in addresses.items()
        ),
        tuple(FindingRow(str(found.kind), found.severity.value, found.text) for found in verdict.findings),
    )


def domain_pieces(rows: Iterable[DomainRow]) -> dict[str, str]:
    """A table, what is wrong first; nothing where there are no domains."""
    chosen = sorted(rows, key=lambda row: _ORDER.index(row.verdict))
    if not chosen:
        return {}
    head = "".join(f'<th scope="col" role="columnheader">{name}</th>' for name in ("Domain", "Mail", "MX"))
    body = "".join(map(_piece, chosen[:_MOST]))
    more = "" if len(chosen) <= _MOST else f"<p>{len(chosen) - _MOST} more are in /api/domains.</p>"
    return {
        "domains": f'<div id="domains"><h2>Domains</h2><table class="matrix" role="table">'
        f'<thead role="rowgroup"><tr role="row">{head}</tr></thead>'
        f'<tbody role="rowgroup">{body}</tbody></table>{more}</div>'
    }


def _piece(row: DomainRow) -> str:
    style = _CLASS[row.verdict]
    facts = [finding.text for finding in row.findings if finding.text not in row.sentence][:_SHOWN]
    told = "".join(f"<p>{text(fact)}</p>" for fact in facts)
    return (
        f'<tr class="{style}" id="{identity("domain", row.domain)}" role="row">'
        f'<th scope="row" role="rowheader">{text(row.domain)}</th>'
        f'<td role="cell" class="judged"><span class="badge {style}">{sign(style)}{row.verdict}</span> '
        f'<span class="since">since {moment(row.since)}</span><p>{text(row.sentence)}</p>{told}</td>'
        f'<td role="cell" data-name="MX"><ul>{"".join(map(_server, row.mx))}</ul></td></tr>'
    )


def _server(server: MxRow) -> str:
    style, words = (
        ("good", "accepts") if server.accepts
        else ("bad", "does not accept") if server.fails
        else ("soft", "was not tested")
    )  # fmt: skip
    return (
        f'<li class="outcome {style}">{sign(style)}<span class="where">{text(server.mx)}</span>'
        f'<span class="sr">{words}</span></li>'
    )
