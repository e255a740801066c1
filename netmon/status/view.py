"""Which hosts a person wants to see, and in what order: what is wrong comes first.  Pure."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final, Self
from urllib.parse import urlencode

from netmon.model import Host, HostVerdict, VerdictName
from netmon.status.rows import Source

PAGE: Final = 100  # hosts on one page
_LONGEST: Final = 200  # characters of what is searched for
_LAST_PAGE: Final = 100_000
PROBLEMS: Final = "problems"  # every verdict but healthy

# Worst first.  Unreachable hosts follow the faults that explain them.
ORDER: Final = (
    VerdictName.HOST_DOWN,
    VerdictName.DEVICE_DOWN,
    VerdictName.MAIL_STARVED,
    VerdictName.MAIL_DOWN,
    VerdictName.PATH_FILTERED,
    VerdictName.UNREACHABLE,
    VerdictName.MAIL_DEGRADED,
    VerdictName.AGENT_DOWN,
    VerdictName.DEVICE_DEGRADED,
    VerdictName.UNKNOWN,
    VerdictName.HEALTHY,
)
_RANK: Final = {name: rank for rank, name in enumerate(ORDER)}
CLASS: Final[Mapping[VerdictName, str]] = {
    VerdictName.HEALTHY: "good",
    VerdictName.UNKNOWN: "soft",
    VerdictName.UNREACHABLE: "soft",
    VerdictName.DEVICE_DEGRADED: "warn",
    VerdictName.AGENT_DOWN: "warn",
    VerdictName.MAIL_DEGRADED: "warn",
} | dict.fromkeys(ORDER[:5], "bad")


@dataclass(frozen=True, slots=True)
class View:
    """What is asked of the page of all hosts; every field may come from anybody's URL."""

    text: str = ""  # words that must all occur in name, address, labels, verdict or sentence
    verdict: str = ""  # the name of a verdict, or PROBLEMS
    label: str = ""  # name=value
    page: int = 1

    @classmethod
    def of(cls, query: Mapping[str, str]) -> Self:
        """The view of a URL's query; what makes no sense there counts as not asked."""
        verdict, page = query.get("verdict", ""), query.get("page", "")
        return cls(
            query.get("q", "")[:_LONGEST].strip(),
            verdict if verdict == PROBLEMS or verdict in _RANK else "",
            query.get("label", "")[:_LONGEST],
            min(_LAST_PAGE, max(1, int(page))) if page.isascii() and page.isdecimal() else 1,
        )

    def query(self, **changed: str | int) -> str:
        """Its URL's query, with the leading `?` if there is anything to say."""
        new = replace(self, **changed)  # type: ignore[arg-type]
        fields = {"q": new.text, "verdict": new.verdict, "label": new.label}
        if new.page > 1:
            fields["page"] = str(new.page)
        asked = urlencode({name: value for name, value in fields.items() if value})
        return f"?{asked}" if asked else ""


@dataclass(frozen=True, slots=True)
class Selection:
    """The hosts of one page of a view, and how many there are."""

    hosts: tuple[Host, ...]
    found: int
    counts: Mapping[VerdictName, int]  # of all configured hosts


def select(source: Source, view: View) -> Selection:
    """The hosts that `view` asks for, worst first; ten thousand take some ten milliseconds."""
    verdicts, counts = source.verdicts(), Counter[VerdictName]()
    found: list[tuple[int, float, int, Host]] = []
    words = view.text.lower().split()
    for number, host in enumerate(source.hosts().values()):
        judged = verdicts.get(host.name)
        verdict = VerdictName.UNKNOWN if judged is None else judged.confirmed.name
        counts[verdict] += 1
        if view.verdict and (
            verdict is VerdictName.HEALTHY if view.verdict == PROBLEMS else verdict != view.verdict
        ):
            continue
        if view.label and view.label not in labels_of(host):
            continue
        if words and not _says(host, judged, verdict, words):
            continue
        found.append((*_rank(judged, verdict), number, host))
    found.sort()
    begin = (view.page - 1) * PAGE
    return Selection(tuple(item[-1] for item in found[begin : begin + PAGE]), len(found), counts)


def labels_of(host: Host) -> list[str]:
    """Its labels as `name=value`."""
    return [f"{name}={value}" for name, value in host.labels.items()]


def common_labels(source: Source, most: int) -> list[str]:
    """The labels that most hosts carry, in alphabetical order."""
    counted = Counter(label for host in source.hosts().values() for label in labels_of(host))
    return sorted(label for label, _ in counted.most_common(most))


def _rank(judged: HostVerdict | None, verdict: VerdictName) -> tuple[int, float]:
    """By severity, then the newest first; an unconfirmed fault stands between the faults and the healthy."""
    rank = 2 * _RANK[verdict]
    if judged is None or verdict is VerdictName.HEALTHY:
        pending = judged is not None and judged.candidate.name is not VerdictName.HEALTHY
        return rank - pending, 0.0
    return rank, -judged.since


def _says(host: Host, judged: HostVerdict | None, verdict: VerdictName, words: list[str]) -> bool:
    told = "" if judged is None else judged.confirmed.sentence
    text = f"{host.name}\n{host.address}\n{verdict}\n{told}\n".lower()
    text += "\n".join(labels_of(host)).lower()
    return all(word in text for word in words)
