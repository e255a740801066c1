"""In which order hosts stand, and which of them are chosen."""

from urllib.parse import parse_qsl

from netmon.model import Host, HostVerdict, Verdict, VerdictName
from netmon.status.view import ORDER, PAGE, View, common_labels, select
from tests.unit.exposition.world import World, host


def world(*verdicts: VerdictName | tuple[VerdictName, VerdictName], since: tuple[float, ...] = ()) -> World:
    """Hosts h0, h1, ... with these verdicts, or with a confirmed and a suggested one."""
    hosts = [host(f"h{number}") for number in range(len(verdicts))]
    made = World(*hosts)
    for number, (one, names) in enumerate(zip(hosts, verdicts, strict=True)):
        confirmed, candidate = names if isinstance(names, tuple) else (names, names)
        made.judged[one.name] = HostVerdict(
            one.name,
            Verdict(confirmed, f"sentence of {one.name}"),
            since[number] if since else 5.0,
            Verdict(candidate, "x"),
        )
    return made


def names(source: World, view: View | None = None) -> list[str]:
    """The hosts that are shown."""
    return [one.name for one in select(source, view or View()).hosts]


def test_the_order_knows_every_verdict() -> None:
    """A verdict that is added has its place here too."""
    assert set(ORDER) == set(VerdictName)


def test_what_is_wrong_comes_first() -> None:
    """Worst first; the healthy stay in the config's order."""
    source = world(
        VerdictName.HEALTHY,
        VerdictName.AGENT_DOWN,
        VerdictName.HEALTHY,
        VerdictName.HOST_DOWN,
        VerdictName.UNKNOWN,
        VerdictName.UNREACHABLE,
    )
    assert names(source) == ["h3", "h5", "h1", "h4", "h0", "h2"]


def test_of_equals_the_newest_comes_first() -> None:
    """What broke a minute ago is what somebody looks for."""
    down = VerdictName.MAIL_DOWN
    assert names(world(down, down, down, since=(3.0, 9.0, 5.0))) == ["h1", "h2", "h0"]


def test_an_unconfirmed_fault_stands_above_the_healthy() -> None:
    """It is seen before it is confirmed, and below what is."""
    healthy = VerdictName.HEALTHY
    source = world(healthy, (healthy, VerdictName.MAIL_DOWN), VerdictName.DEVICE_DEGRADED)
    assert names(source) == ["h2", "h1", "h0"]


def test_a_page_is_bounded_and_counts_are_of_all() -> None:
    """Of many hosts one page is shown; the counts say how many there are."""
    source = world(*[VerdictName.HEALTHY] * (PAGE + 5))
    first, last = select(source, View()), select(source, View(page=2))
    assert (len(first.hosts), len(last.hosts), first.found) == (PAGE, 5, PAGE + 5)
    assert first.counts == {VerdictName.HEALTHY: PAGE + 5}


def test_words_are_sought_everywhere_a_person_looks() -> None:
    """Every word must occur in name, address, label, verdict or sentence; case does not matter."""
    source = world(VerdictName.HEALTHY, VerdictName.MAIL_DOWN)
    source.named["h1"] = Host("h1", "192.0.2.77", labels={"Site": "Gdansk"})
    for words in ("H1", "2.77", "site=gdansk", "mail_down", "gdansk SENTENCE"):
        assert names(source, View(words)) == ["h1"]
    assert names(source, View("gdansk nowhere")) == []


def test_filters_meet() -> None:
    """Verdict and label and text must all fit."""
    source = world(VerdictName.HEALTHY, VerdictName.MAIL_DOWN, VerdictName.UNKNOWN)
    source.named["h1"] = Host("h1", "192.0.2.1", labels={"site": "waw"})
    assert names(source, View(verdict="problems")) == ["h1", "h2"]
    assert names(source, View(verdict="mail_down", label="site=waw")) == ["h1"]
    assert names(source, View(verdict="unknown", label="site=waw")) == []
    assert common_labels(source, 5) == ["site=waw"]


def test_a_view_is_what_its_address_says() -> None:
    """A view's query gives the same view again."""
    view = View("a&b <c>", "mail_down", "site=Łódź", 3)
    query = dict(parse_qsl(view.query()[1:]))
    assert View.of(query) == view
    assert View().query() == ""
