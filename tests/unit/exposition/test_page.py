"""The pages of `/metrics` over a small world."""

import asyncio
import math
from dataclasses import replace
from itertools import groupby

import pytest

from netmon.errors import Reason
from netmon.exposition import Exposition, PageTooLargeError, SelfMetrics, UnknownHostError
from netmon.exposition import page as page_module
from netmon.model import (
    CheckKey,
    Column,
    Family,
    Finding,
    HostVerdict,
    Kind,
    MailState,
    Phase,
    Result,
    Severity,
    Silenced,
    SilenceKind,
    SnmpState,
    Table,
    Verdict,
    VerdictName,
)
from tests.unit.exposition.test_text import read
from tests.unit.exposition.world import EXPIRY, OCTETS, UPTIME, World, host, planned, ports, ran, scalar

SW1 = host("sw1", labels={"site": "waw"})
MX1 = host("mx1")

Series = dict[tuple[str, frozenset[tuple[str, str]]], float]


def scrape(exposition: Exposition, of: str | None = None) -> Series:
    """The series of a page."""
    return read(b"".join(exposition.metrics(of)))


def get(series: Series, name: str, **labels: str) -> float:
    """The value of one series."""
    return series[(name, frozenset(labels.items()))]


def names(series: Series) -> set[str]:
    """The names on a page."""
    return {name for name, _ in series}


def verdict(of: str, name: VerdictName, *kinds: str, alive: bool | None = True) -> HostVerdict:
    """A confirmed verdict with findings."""
    judged = Verdict(name, "a sentence", tuple(Finding(kind, Severity.FAULT, "text") for kind in kinds))
    return HostVerdict(of, judged, 1_700_000_000.0, judged, alive)


def test_netmon_series_exist_before_the_first_run() -> None:
    """A check that has not run is NaN and `not_run`, its states are all zero; its host is `unknown`."""
    world = World(SW1)
    world.add(planned(SW1))
    series = scrape(Exposition(world, SelfMetrics("1").text))
    key = {"host": "sw1", "probe": "snmp", "endpoint": "sw1:161"}
    for name in ("up", "duration_seconds", "last_run_timestamp_seconds"):
        assert math.isnan(get(series, f"netmon_check_{name}", **key))
    assert get(series, "netmon_check_interval_seconds", **key) == 60.0
    assert get(series, "netmon_check_reason_info", **key, reason="not_run") == 1.0
    assert [get(series, "netmon_check_result", **key, result=result) for result in Result] == [0.0] * len(
        Result
    )
    assert get(series, "netmon_host_info", host="sw1", site="waw") == 1.0
    assert get(series, "netmon_host_verdict", host="sw1", verdict="unknown") == 1.0
    assert math.isnan(get(series, "netmon_host_verdict_since_timestamp_seconds", host="sw1"))
    assert math.isnan(get(series, "netmon_host_alive", host="sw1"))
    assert get(series, "netmon_host_silenced", host="sw1") == 0.0
    assert get(series, "netmon_host_flapping", host="sw1") == 0.0
    assert math.isnan(get(series, "netmon_host_last_healthy_timestamp_seconds", host="sw1"))
    for states, name in ((MailState, "mail"), (SnmpState, "snmp")):
        assert [get(series, f"netmon_host_{name}_state", host="sw1", state=state) for state in states] == [
            0.0
        ] * len(states)
    assert get(series, "netmon_web_info", url="") == 1.0
    assert get(series, "netmon_agent_isolated") == 0.0


def test_what_lies_over_a_host_is_shown() -> None:
    """What mail and SNMP say apart, the causes, the silence, the unrest, and when all was well."""
    world = World(MX1)
    judged = Verdict(VerdictName.MAIL_STARVED, "full", mail=MailState.DOWN, snmp=SnmpState.OK)
    causes = tuple(
        Finding(kind, severity, "text")
        for kind, severity in (
            ("storage_full", Severity.CAUSE),
            ("storage_full", Severity.CAUSE),
            ("smtp_failed", Severity.FAULT),
        )
    )
    silenced = Silenced(SilenceKind.WINDOW, "Sunday", 1_700_003_600.0)
    world.judged["mx1"] = HostVerdict(
        "mx1",
        judged,
        1_700_000_000.0,
        replace(judged, findings=causes),
        alive=True,
        healthy_at=1_699_990_000.0,
        flapping=True,
        silenced=silenced,
    )
    series = scrape(Exposition(world))
    assert get(series, "netmon_host_mail_state", host="mx1", state="down") == 1.0
    assert get(series, "netmon_host_mail_state", host="mx1", state="ok") == 0.0
    assert get(series, "netmon_host_snmp_state", host="mx1", state="ok") == 1.0
    assert get(series, "netmon_host_cause", host="mx1", finding="storage_full") == 1.0
    assert [dict(labels)["finding"] for name, labels in series if name == "netmon_host_cause"] == [
        "storage_full"
    ]
    assert get(series, "netmon_host_silenced", host="mx1") == 1.0
    assert get(series, "netmon_host_silenced_info", host="mx1", kind="window") == 1.0
    assert get(series, "netmon_host_flapping", host="mx1") == 1.0
    assert get(series, "netmon_host_last_healthy_timestamp_seconds", host="mx1") == 1_699_990_000.0


def test_what_is_over_leaves_the_page() -> None:
    """Without a silence or a cause there is no series that names one."""
    world = World(MX1)
    world.judged["mx1"] = verdict("mx1", VerdictName.MAIL_DOWN, "smtp_failed")
    assert names(scrape(Exposition(world))) & {"netmon_host_silenced_info", "netmon_host_cause"} == set()


def test_an_ok_run_shows_the_check_and_the_device() -> None:
    """After a run the page has its result, reason, times and phases, and the device's series by host."""
    world = World(SW1)
    world.add(ran(SW1, tables=(ports(10, 20),)))
    series = scrape(Exposition(world))
    key = {"host": "sw1", "probe": "snmp", "endpoint": "sw1:161"}
    assert get(series, "netmon_check_up", **key) == 1.0
    assert get(series, "netmon_check_result", **key, result="ok") == 1.0
    assert get(series, "netmon_check_result", **key, result="failed") == 0.0
    assert get(series, "netmon_check_reason_info", **key, reason="ok") == 1.0
    assert get(series, "netmon_check_duration_seconds", **key) == 0.25
    assert get(series, "netmon_check_phase_seconds", **key, phase="walk") == 0.2
    assert get(series, "netmon_check_last_run_timestamp_seconds", **key) == 1_700_000_000.0
    assert get(series, "ifHCInOctets", host="sw1", ifIndex="2", ifName="Gi1/0/2", ifAlias="uplink") == 20.0


def test_a_phase_passed_twice_is_one_series() -> None:
    """EHLO before and after STARTTLS is one phase with the sum of both times."""
    world = World(MX1)
    world.add(ran(MX1, "smtp", 25, phases=(Phase("ehlo", 0.5), Phase("tls", 1.0), Phase("ehlo", 0.25))))
    key = {"host": "mx1", "probe": "smtp", "endpoint": "mx1:25"}
    assert get(scrape(Exposition(world)), "netmon_check_phase_seconds", **key, phase="ehlo") == 0.75


def test_device_series_leave_at_the_first_failed_run() -> None:
    """A failed run takes the device's series off the page; netmon's own stay, also those of `own`."""
    world = World(SW1)
    own = (scalar(EXPIRY, 1_800_000_000),)
    world.add(ran(SW1, own=own, tables=(ports(10),)))
    exposition = Exposition(world)
    before = names(scrape(exposition))
    world.known["sw1"][0] = ran(SW1, own=own, result=Result.FAILED, tables=(ports(10),))
    series = scrape(exposition)
    assert before - names(series) == {"ifHCInOctets"}
    assert get(series, "netmon_check_up", host="sw1", probe="snmp", endpoint="sw1:161") == 0.0
    assert get(series, EXPIRY.name, host="sw1", endpoint="sw1:161") == 1_800_000_000.0


def test_modules_that_came_are_shown_when_others_failed() -> None:
    """`module_failed` is not ok, but what it read was read afresh."""
    world = World(SW1)
    world.add(ran(SW1, result=Result.FAILED, reason=Reason.MODULE_FAILED, tables=(ports(10),)))
    assert "ifHCInOctets" in names(scrape(Exposition(world)))


def test_what_survived_a_restart_is_shown_before_the_first_run() -> None:
    """The result of an earlier life stands until a run of this one; its duration is not known."""
    world = World(SW1)
    world.add(replace(ran(SW1), observation=None))
    series = scrape(Exposition(world))
    key = {"host": "sw1", "probe": "snmp", "endpoint": "sw1:161"}
    assert get(series, "netmon_check_up", **key) == 1.0
    assert math.isnan(get(series, "netmon_check_duration_seconds", **key))


def test_own_series_carry_the_labels_of_their_kind() -> None:
    """`own_labels` says which fields of the key a probe's own series have."""
    world = World(SW1)
    module = Family("netmon_module_up", Kind.GAUGE, "1 if the module came.")
    world.add(ran(SW1, own=(Table(("module",), (("if_mib",),), (Column(module, (1,)),)),)))
    series = scrape(Exposition(world, own_labels={"snmp": ("host",)}))
    assert get(series, "netmon_module_up", host="sw1", module="if_mib") == 1.0


def test_own_series_before_the_first_run() -> None:
    """Counters that `unrun` gives stand there from the first scrape on, until the check brings its own."""
    world = World(SW1)
    of = Family("netmon_things_total", Kind.COUNTER, "Things.")
    known = ran(SW1, "mailflow", 25)
    world.add(replace(known, observation=None, own=()))
    page = Exposition(
        world,
        own_labels={"mailflow": ()},
        unrun={"mailflow": lambda _: (Table((), ((),), (Column(of, (0,)),)),)},
    )
    assert get(scrape(page), "netmon_things_total") == 0.0
    world.add(replace(known, own=(Table((), ((),), (Column(of, (7,)),)),)))
    assert get(scrape(page), "netmon_things_total") == 7.0


def test_two_checks_with_the_same_series_show_the_first() -> None:
    """A series that two checks of a host bring appears once, from the first of them."""
    world = World(SW1, MX1)
    world.add(ran(SW1, tables=(scalar(UPTIME, 1), scalar(UPTIME, 2))))
    world.add(ran(SW1, "snmp", 1161, tables=(scalar(UPTIME, 3), ports(4))))
    world.add(ran(MX1, tables=(scalar(UPTIME, 5),)))
    series = scrape(Exposition(world))
    assert get(series, "sysUpTime", host="sw1") == 1.0
    assert get(series, "sysUpTime", host="mx1") == 5.0


def test_lines_of_a_family_stand_together() -> None:
    """Over all hosts and checks a family has one HELP, one TYPE and no line elsewhere."""
    world = World(SW1, MX1)
    for owner in (SW1, MX1):
        world.add(ran(owner, tables=(ports(1), scalar(UPTIME, 2))))
        world.add(ran(owner, "smtp", 25))
    text = b"".join(Exposition(world, SelfMetrics("1").text).metrics()).decode()
    order = [line.split("{")[0].split(" ")[0] for line in text.splitlines() if not line.startswith("#")]
    order = [name for name in order if not name.startswith("netmon_check_lateness_seconds")]  # several names
    assert len([name for name, _ in groupby(order)]) == len(set(order))
    types = [line for line in text.splitlines() if line.startswith("# TYPE")]
    assert len(types) == len(set(types))


def test_a_device_cannot_speak_in_netmons_name() -> None:
    """A device family that begins with netmon_, or is one of the agent's own, is left out."""
    world = World(SW1)
    forged = Family("netmon_check_up", Kind.GAUGE, "A forged one.")
    cpu = Family("process_cpu_seconds_total", Kind.COUNTER, "A router's own idea of it.")
    table = Table((), ((),), (Column(forged, (1,)), Column(UPTIME, (2,)), Column(cpu, (-1,))))
    world.add(ran(SW1, result=Result.OK, tables=(table,)))
    series = scrape(Exposition(world, SelfMetrics("1").text))
    assert ("netmon_check_up", frozenset({("host", "sw1")})) not in series
    assert get(series, "sysUpTime", host="sw1") == 2.0
    assert [value for (name, _), value in series.items() if name == cpu.name] != [-1.0]


def test_verdict_findings_and_life_are_shown() -> None:
    """The verdict is a state set, the findings of the latest runs are listed once a kind."""
    world = World(MX1)
    judged = verdict("mx1", VerdictName.MAIL_DOWN, "smtp_silent", "smtp_silent", "disk_full", alive=False)
    world.judged["mx1"] = judged
    series = scrape(Exposition(world))
    assert get(series, "netmon_host_verdict", host="mx1", verdict="mail_down") == 1.0
    assert get(series, "netmon_host_verdict", host="mx1", verdict="unknown") == 0.0
    assert sum(name == "netmon_host_verdict" for name, _ in series) == len(VerdictName)
    assert get(series, "netmon_host_finding", host="mx1", finding="smtp_silent") == 1.0
    assert get(series, "netmon_host_finding", host="mx1", finding="disk_full") == 1.0
    assert get(series, "netmon_host_alive", host="mx1") == 0.0
    assert get(series, "netmon_host_verdict_since_timestamp_seconds", host="mx1") == 1_700_000_000.0


def test_one_hosts_page_holds_only_its_series() -> None:
    """`?host=` gives that host alone, without the agent's own metrics."""
    world = World(SW1, MX1)
    world.add(ran(SW1, tables=(ports(1),)))
    world.add(ran(MX1, "smtp", 25))
    exposition = Exposition(world, SelfMetrics("1").text)
    series = scrape(exposition, "sw1")
    assert {dict(labels)["host"] for _, labels in series} == {"sw1"}
    assert series.keys() < scrape(exposition).keys()


def test_an_unknown_host_is_refused() -> None:
    """The error names what was asked for, and comes before any output."""
    with pytest.raises(UnknownHostError, match="'nosuch'"):
        Exposition(World(SW1)).metrics("nosuch")


def test_a_page_over_the_limit_is_refused_and_names_sd() -> None:
    """A too large page is refused before its first byte, with the way out; single hosts still come."""
    world = World(SW1)
    world.add(ran(SW1, tables=(ports(*range(1000)),)))
    exposition = Exposition(world, limit=10_000)
    with pytest.raises(PageTooLargeError, match="/sd"):
        exposition.metrics()
    assert "ifHCInOctets" in names(scrape(exposition, "sw1"))


def test_the_estimate_of_a_pages_size_is_near() -> None:
    """What the limit is held against is within a quarter of the true size."""
    world = World(SW1)
    world.add(ran(SW1, tables=(ports(*range(10**9, 10**9 + 1000)),)))
    true = sum(map(len, Exposition(world).metrics()))
    Exposition(world, limit=int(true * 1.25)).metrics()
    with pytest.raises(PageTooLargeError):
        Exposition(world, limit=int(true * 0.75)).metrics()


def test_text_is_made_once_for_an_observation(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second scrape makes no text; a new run makes its own check's text and no other's."""
    made: list[bytes] = []
    labelled: list[tuple[str, ...]] = []
    samples, label_lines = page_module.samples, page_module.label_lines
    monkeypatch.setattr(page_module, "samples", lambda name, *rest: made.append(name) or samples(name, *rest))
    monkeypatch.setattr(
        page_module, "label_lines", lambda names, *rest: labelled.append(names) or label_lines(names, *rest)
    )
    world = World(SW1, MX1)
    world.add(ran(SW1, tables=(ports(1, 2),)))
    world.add(ran(MX1, tables=(ports(3, 4),)))
    exposition = Exposition(world)
    first = b"".join(exposition.metrics())
    assert made.count(b"ifHCInOctets") == 2
    made.clear()
    labelled.clear()
    assert b"".join(exposition.metrics()) == first
    assert (made, labelled) == ([], [])
    world.known["sw1"][0] = ran(SW1, tables=(ports(7, 8),))
    assert (
        get(scrape(exposition), OCTETS.name, host="sw1", ifIndex="1", ifName="Gi1/0/1", ifAlias="uplink")
        == 7.0
    )
    assert made.count(b"ifHCInOctets") == 1
    assert labelled == []  # the rows stayed, so their labels did


async def test_preparing_leaves_nothing_to_label(monkeypatch: pytest.MonkeyPatch) -> None:
    """After `prepare` a page needs no labels made; a host that leaves meanwhile does no harm."""
    world = World(SW1, MX1)
    world.add(ran(SW1, tables=(ports(1, 2),)))
    exposition = Exposition(world)
    task = asyncio.create_task(exposition.prepare())
    await asyncio.sleep(0)
    del world.named["mx1"]
    await task
    monkeypatch.setattr(page_module, "label_lines", None)
    assert "ifHCInOctets" in names(scrape(exposition))


def test_changed_rows_get_new_labels() -> None:
    """A renamed interface is shown by its new name at the next scrape."""
    world = World(SW1)
    world.add(ran(SW1, tables=(ports(1),)))
    exposition = Exposition(world)
    scrape(exposition)
    world.known["sw1"][0] = ran(SW1, tables=(ports(1, alias="renamed"),))
    key = {"host": "sw1", "ifIndex": "1", "ifName": "Gi1/0/1", "ifAlias": "renamed"}
    assert get(scrape(exposition), OCTETS.name, **key) == 1.0


def test_what_leaves_the_config_leaves_the_memory() -> None:
    """A removed host or check is forgotten, even when only single hosts are scraped."""
    world = World(SW1, MX1)
    world.add(ran(SW1))
    world.add(ran(SW1, "ping", 0))
    exposition = Exposition(world)
    scrape(exposition)
    del world.named["mx1"]
    world.known["sw1"].pop()
    scrape(exposition, "sw1")
    assert set(exposition._known) == {"sw1"}
    assert set(exposition._known["sw1"].checks) == {CheckKey("sw1", "snmp", "sw1:161")}


def test_a_page_in_progress_is_of_one_moment() -> None:
    """What changes after the first chunk shows in the next scrape, not in this one."""
    world = World(SW1)
    world.add(ran(SW1, tables=(ports(1), scalar(UPTIME, 1))))
    page = Exposition(world).metrics()
    world.known["sw1"][0] = ran(SW1, tables=(ports(2), scalar(UPTIME, 2)))
    assert get(read(b"".join(page)), "sysUpTime", host="sw1") == 1.0


def test_large_pages_come_in_chunks() -> None:
    """No chunk is much larger than the bound, so the event loop gets its turns."""
    hosts = [host(f"sw{i}") for i in range(60)]
    world = World(*hosts)
    for owner in hosts:
        world.add(ran(owner, tables=(ports(*range(200)),)))
    sizes = [len(chunk) for chunk in Exposition(world).metrics()]
    assert len(sizes) > 5
    assert max(sizes) < 2 * page_module.CHUNK
