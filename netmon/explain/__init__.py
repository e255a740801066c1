"""What netmon's words mean and what to do: one text for each reason, result, verdict, finding.

Whoever is woken by `mail_starved` at night should not have to search for it.  The texts are keyed by
the enums themselves, so a new member without a text fails the tests, and so does a text that nothing
can ever say.  `netmon explain` prints them; a document may be made of them.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from netmon.explain.findings import FINDINGS
from netmon.explain.metrics import METRICS
from netmon.explain.reasons import REASONS
from netmon.explain.text import Text
from netmon.explain.verdicts import RESULTS, VERDICTS
from netmon.model import Result

__all__ = ["FINDINGS", "METRICS", "REASONS", "RESULTS", "VERDICTS", "Entry", "Text", "entries"]


@dataclass(frozen=True, slots=True)
class Entry:
    """A name, what kind of name it is (reason, result, verdict, finding, metric), and its text."""

    kind: str
    name: str
    text: Text


def entries(probes: Iterable[str]) -> Iterator[Entry]:
    """All of them; `probes` are the names of the probes, whose bad results are findings too.

    A name may come twice, as `unreachable`, which is a verdict and a reason.
    """
    for verdict, text in VERDICTS.items():
        yield Entry("verdict", verdict.value, text)
    for result, text in RESULTS.items():
        yield Entry("result", result.value, text)
    for reason, text in REASONS.items():
        yield Entry("reason", reason.value, text)
    for finding, text in FINDINGS.items():
        yield Entry("finding", finding.value, text)
    for name, text in METRICS.items():
        yield Entry("metric", name, text)
    for probe in probes:
        for result, text in RESULTS.items():
            if result is not Result.OK:
                means = f"The latest run of the {probe} check ended as {result}: {_lower(text.means)}"
                yield Entry("finding", f"{probe}_{result}", Text(means, text.causes, text.todo))


def _lower(sentence: str) -> str:
    return sentence if sentence.startswith("netmon") else sentence[0].lower() + sentence[1:]
