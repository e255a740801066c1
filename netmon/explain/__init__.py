"""What netmon's words mean and what to do: one text for each alert, verdict, finding, reason, metric.

Whoever is woken by `mail_starved` at night should not have to search for it.  The texts are keyed by
the enums themselves, so a new member without a text fails the tests, and so does a text that nothing
can ever say.  `netmon explain` prints them, the pages at /explain show them, and docs/explain.md is
made of them.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from netmon.explain.alerts import ALERTS, SILENCES, URGENCY
from netmon.explain.findings import FINDINGS
from netmon.explain.metrics import METRICS
from netmon.explain.reasons import REASONS
from netmon.explain.text import Text
from netmon.explain.verdicts import RESULTS, VERDICTS
from netmon.model import Family, Result

__all__ = [
    "ALERTS",
    "FINDINGS",
    "KINDS",
    "METRICS",
    "REASONS",
    "RESULTS",
    "SILENCES",
    "URGENCY",
    "VERDICTS",
    "Entry",
    "Text",
    "entries",
]

# In the order in which they are listed: what people meet first stands first.
KINDS: Final = ("alert", "verdict", "finding", "result", "reason", "silence", "metric")


_TEXTS: Final[tuple[tuple[str, Mapping[Any, Text]], ...]] = (
    ("verdict", VERDICTS),
    ("finding", FINDINGS),
    ("result", RESULTS),
    ("reason", REASONS),
    ("silence", SILENCES),
    ("metric", METRICS),
)


@dataclass(frozen=True, slots=True)
class Entry:
    """A name, what kind of name it is (one of `KINDS`), and its text."""

    kind: str
    name: str
    text: Text

    @property
    def of_device(self) -> bool:
        """Whether it is a metric of devices: there are hundreds, named by their MIBs."""
        return self.kind == "metric" and not self.name.startswith("netmon_")


def entries(probes: Iterable[str], families: Iterable[tuple[Family, str]] = ()) -> Iterator[Entry]:
    """All of them; of one kind in the order of its enum.

    `probes` are the names of the probes, whose bad results are findings too.  `families` are metrics
    that carry their help with them, each with a sentence of what more there is to say, or "".
    A name may come twice, as `unreachable`, which is a verdict and a reason.
    """
    for alert, text in ALERTS.items():
        means = f"{text.means} Severity: {URGENCY[alert]}."
        yield Entry("alert", alert.value, Text(means, text.causes, text.todo))
    for kind, texts in _TEXTS:
        for name, text in texts.items():
            yield Entry(kind, str(name), text)
    for probe in probes:
        for result, text in RESULTS.items():
            if result is not Result.OK:
                means = f"The latest run of the {probe} check ended as {result}: {_lower(text.means)}"
                yield Entry("finding", f"{probe}_{result}", Text(means, text.causes, text.todo))
    for family, more in families:
        means = f"{family.help.removesuffix('.')} ({family.kind}). {more}".rstrip()
        yield Entry("metric", family.name, Text(means))


def _lower(sentence: str) -> str:
    return sentence if sentence.startswith("netmon") else sentence[0].lower() + sentence[1:]
