"""Keeps every domain's verdict up to date, announces what changes, and tells it as metrics.

A domain's verdict rests on its servers' checks, whichever hosts have them, and on DNS.  It owns no facts:
it reads the store and the latest lookups, and asks `health`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final, Protocol

import structlog

from netmon.health import judge_domain
from netmon.model import (
    CheckKey,
    CheckState,
    DnsState,
    DomainVerdict,
    DomainVerdictName,
    Kind,
    Lookup,
    News,
)

log = structlog.get_logger(__name__)

_NOTE: Final = "domain_verdict"


class Source(Protocol):
    """The store, as far as this needs it."""

    def states(self) -> Mapping[CheckKey, CheckState]:
        """Every planned check."""

    def tell(self, news: News) -> None:
        """Announce something."""

    def note(self, kind: str, name: str, value: Any) -> None:
        """Have something survive a restart; None forgets it."""

    def noted(self, kind: str) -> Mapping[str, Any]:
        """What of a kind an earlier life left, by name."""


class DomainWatch:
    """All domains' verdicts.  `clock` is monotonic, `wall` for people."""

    def __init__(
        self,
        source: Source,
        lookups: Callable[[], Mapping[str, Lookup]],
        *,
        clock: Callable[[], float],
        wall: Callable[[], float],
        isolated: Callable[[], bool] = bool,
    ) -> None:
        """`isolated` tells whether the agent itself is cut off."""
        self._source = source
        self._lookups = lookups
        self._clock = clock
        self._wall = wall
        self._isolated = isolated
        self._started = clock()
        self._checks: dict[str, list[CheckKey]] = {}
        self._verdicts: dict[str, DomainVerdict] = {}
        self._notes = dict(source.noted(_NOTE))

    def verdicts(self) -> Iterable[DomainVerdict]:
        """One for every domain, in the config's order."""
        return tuple(self._verdicts[name] for name in self._lookups() if name in self._verdicts)

    def planned(self) -> None:
        """The set of domains or checks has changed."""
        self._checks = {name: [] for name in self._lookups()}
        for key, state in self._source.states().items():
            for name in state.check.domains:
                self._checks.setdefault(name, []).append(key)
        for name in self._verdicts.keys() - self._lookups().keys():
            del self._verdicts[name]
            self._source.note(_NOTE, name, None)
        self.tick()

    def saw(self, _before: CheckState, after: CheckState) -> None:
        """An observation was taken."""
        for name in after.check.domains:
            self.look(name)

    def tick(self) -> None:
        """Judge all, since time alone may change something."""
        for name in self._lookups():
            self.look(name)

    def look(self, name: str) -> None:
        """Judge one domain."""
        lookup = self._lookups().get(name)
        if lookup is None:
            return
        states = self._source.states()
        checks = [states[key] for key in self._checks.get(name, ()) if key in states]
        wall = self._wall()
        judged = judge_domain(lookup, checks, started=self._started, now=self._clock(), wall=wall)
        if self._isolated():
            told = "netmon itself is cut off: most hosts fell silent at once"
            judged = replace(judged, name=DomainVerdictName.UNTESTABLE, sentence=told)
        before = self._verdicts.get(name) or self._earlier(name)
        if before is None or before.name is judged.name:
            since = wall if before is None else before.since
            self._verdicts[name] = replace(judged, since=since)
            return
        if judged.name is DomainVerdictName.UNKNOWN:
            # Its checks are new, or the agent is: what was known stands until there is something to say.
            self._verdicts[name] = replace(before, findings=judged.findings)
            return
        self._verdicts[name] = judged
        self._source.note(_NOTE, name, [judged.name.value, judged.sentence, judged.since])
        if before.name is not DomainVerdictName.UNKNOWN or judged.name is not DomainVerdictName.HEALTHY:
            self._source.tell(News(wall, f"mail for {name} is {judged.name}: {judged.sentence}"))
        log.info(
            "domain verdict",
            domain=name,
            verdict=judged.name.value,
            before=before.name.value,
            sentence=judged.sentence,
        )

    def _earlier(self, name: str) -> DomainVerdict | None:
        """What an earlier life said."""
        note = self._notes.pop(name, None)
        try:
            verdict, sentence, since = note
            return DomainVerdict(name, DomainVerdictName(verdict), str(sentence), since=float(since))
        except (TypeError, ValueError):
            return None

    def readings(self) -> Iterator[tuple[str, str, Kind, Mapping[str, str], float]]:
        """The `netmon_domain_` metrics: name, help, kind, labels, value."""
        for verdict in self.verdicts():
            lookup = self._lookups()[verdict.domain]
            of = {"domain": verdict.domain}
            told = "1 at the verdict over the domain's mail, 0 at the others."
            for each in DomainVerdictName:
                labels = of | {"verdict": each.value}
                yield "netmon_domain_verdict", told, Kind.GAUGE, labels, int(verdict.name is each)
            for name, told, value in (
                ("verdict_since_timestamp_seconds", "When the verdict took effect.", verdict.since),
                ("mx", "Mail servers that DNS names for the domain.", len(lookup.mx)),
                ("mx_accepting", "Mail servers of the domain that accept.", len(verdict.accepting)),
                (
                    "dns_answers",
                    "1 while DNS answers for the domain, 0 when it is silent, NaN before it was asked.",
                    _answers(lookup),
                ),
                (
                    "dns_last_answer_timestamp_seconds",
                    "When DNS last answered for the domain, NaN if never.",
                    lookup.good or float("nan"),
                ),
            ):
                yield f"netmon_domain_{name}", told, Kind.GAUGE, of, value
            for kind in sorted({str(finding.kind) for finding in verdict.findings}):
                told = "1 for each fact that DNS now tells of the domain's mail."
                yield "netmon_domain_finding", told, Kind.GAUGE, of | {"finding": kind}, 1


def _answers(lookup: Lookup) -> float:
    if lookup.dns is DnsState.NOT_ASKED:
        return float("nan")
    return int(lookup.dns is not DnsState.SILENT)
