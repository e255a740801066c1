"""What is kept and announced of domains' verdicts."""

from typing import Any

from netmon.domain_watch import DomainWatch
from netmon.model import CheckKey, CheckState, DnsState, Finding, FindingKind, Lookup, News, Severity

NULL = (Finding(FindingKind.NULL_MX, Severity.FAULT, "it takes no mail"),)
NOT_YET = Lookup("a.org", DnsState.NOT_ASKED)
DOWN = Lookup("a.org", DnsState.NOTHING, findings=NULL)
SILENT = Lookup(
    "a.org", DnsState.SILENT, findings=(Finding(FindingKind.DNS_FAILED, Severity.RISK, "silence"),)
)


class Store:
    """The store, as far as it is needed."""

    def __init__(self) -> None:
        self.news: list[str] = []
        self.notes: dict[str, Any] = {}

    def states(self) -> dict[CheckKey, CheckState]:
        """None: DNS decides here."""
        return {}

    def tell(self, news: News) -> None:
        """Keep it."""
        self.news.append(news.text)

    def note(self, _kind: str, name: str, value: Any) -> None:
        """Keep it."""
        self.notes[name] = value

    def noted(self, _kind: str) -> dict[str, Any]:
        """What was kept."""
        return {name: value for name, value in self.notes.items() if value is not None}


class Scene:
    """A watch over one domain, whose lookup and clock the test sets."""

    def __init__(self, store: Store | None = None) -> None:
        self.store = store or Store()
        self.lookups = {"a.org": NOT_YET}
        self.wall = 100.0
        self.isolated = False
        self.watch = DomainWatch(
            self.store,
            lambda: self.lookups,
            clock=lambda: self.wall,
            wall=lambda: self.wall,
            isolated=lambda: self.isolated,
        )
        self.watch.planned()

    def says(self, lookup: Lookup, wall: float) -> tuple[str, float]:
        """The verdict after a look, and since when."""
        self.lookups["a.org"], self.wall = lookup, wall
        self.watch.look("a.org")
        (verdict,) = self.watch.verdicts()
        return str(verdict.name), verdict.since


def test_a_change_is_announced_and_dated() -> None:
    """What stays keeps its time; what changes is news."""
    scene = Scene()
    assert scene.says(DOWN, 110.0) == ("down", 110.0)
    assert scene.says(DOWN, 120.0) == ("down", 110.0)
    assert scene.says(SILENT, 130.0) == ("untestable", 130.0)
    assert scene.store.news == [
        "mail for a.org is down: it takes no mail",
        "mail for a.org is untestable: silence",
    ]


def test_a_verdict_survives_a_restart() -> None:
    """Until there is something to say the old one stands, and the same one again is no news."""
    earlier = Scene()
    earlier.says(DOWN, 110.0)
    scene = Scene(earlier.store)
    assert scene.says(NOT_YET, 200.0) == ("down", 110.0)
    assert scene.says(DOWN, 210.0) == ("down", 110.0)
    assert len(scene.store.news) == 1
    scene.store.notes["a.org"] = ["no such verdict", 1]
    assert Scene(scene.store).says(NOT_YET, 220.0) == ("unknown", 100.0)


def test_a_domain_that_left_is_forgotten() -> None:
    """Verdict, metrics and note."""
    scene = Scene()
    scene.says(DOWN, 110.0)
    assert {name for name, *_ in scene.watch.readings()} >= {"netmon_domain_verdict", "netmon_domain_finding"}
    scene.lookups.clear()
    scene.watch.planned()
    assert (list(scene.watch.verdicts()), list(scene.watch.readings())) == ([], [])
    assert scene.store.notes["a.org"] is None


def test_nothing_is_said_while_netmon_is_cut_off() -> None:
    """What seems down from here may be well."""
    scene = Scene()
    scene.isolated = True
    assert scene.says(DOWN, 110.0) == ("untestable", 110.0)
