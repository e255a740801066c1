"""The agent's own metrics, and promtool's opinion of all names."""

import subprocess
from collections.abc import Iterable

from netmon.errors import Reason
from netmon.exposition import Exposition, Reading, SelfMetrics
from netmon.model import (
    Finding,
    HostVerdict,
    Kind,
    Result,
    Severity,
    Silenced,
    SilenceKind,
    Verdict,
    VerdictName,
)
from tests.unit.exposition.test_page import get
from tests.unit.exposition.test_text import read
from tests.unit.exposition.world import EXPIRY, World, host, planned, ran, scalar


def readings() -> Iterable[Reading]:
    """What agent.py would connect."""
    for transport in ("udp4", "udp6"):
        yield Reading(
            "netmon_snmp_late_replies_total",
            "Replies that came after their request had ended.",
            Kind.COUNTER,
            {"transport": transport},
            3,
        )
    yield Reading("netmon_store_queue_length", "Rows that wait for the disk.", Kind.GAUGE, {}, 5)


def test_counters_exist_from_the_start() -> None:
    """Every probe is counted from zero, so that the first skipped run is an increase."""
    series = read(SelfMetrics("0.1.0", ["snmp", "smtp"]).text())
    assert get(series, "netmon_build_info", version="0.1.0") == 1.0
    assert get(series, "netmon_check_skipped_total", probe="smtp") == 0.0
    assert get(series, "netmon_probe_crashes_total", probe="snmp") == 0.0
    assert get(series, "netmon_check_lateness_seconds_count", probe="snmp") == 0.0
    assert any(name == "process_cpu_seconds_total" for name, _ in series)


def test_events_are_counted() -> None:
    """Late, skipped and crashed runs and reloads show, also of a probe not named before."""
    own = SelfMetrics("0.1.0", ["snmp"])
    own.late("snmp", 0.05)
    own.late("snmp", 0.2)
    own.late("snmp", 1000.0)
    own.skipped("ping")
    own.crashed("snmp")
    own.reloaded(1_700_000_000.0, ok=True)
    own.reloaded(1_700_000_100.0, ok=False)
    series = read(own.text())
    bucket = "netmon_check_lateness_seconds_bucket"
    assert get(series, bucket, probe="snmp", le="0.05") == 1.0
    assert get(series, bucket, probe="snmp", le="0.25") == 2.0
    assert get(series, bucket, probe="snmp", le="60.0") == 2.0
    assert get(series, bucket, probe="snmp", le="+Inf") == 3.0
    assert get(series, "netmon_check_lateness_seconds_sum", probe="snmp") == 1000.25
    assert get(series, "netmon_check_skipped_total", probe="ping") == 1.0
    assert get(series, "netmon_probe_crashes_total", probe="snmp") == 1.0
    assert get(series, "netmon_config_last_reload_successful") == 0.0
    assert get(series, "netmon_config_last_reload_success_timestamp_seconds") == 1_700_000_000.0


def test_sources_are_read_at_the_scrape() -> None:
    """Readings of one name form one family, with their labels and kind."""
    own = SelfMetrics("0.1.0")
    own.add_source(readings)
    text = own.text()
    assert text.count(b"# TYPE netmon_snmp_late_replies_total counter") == 1
    series = read(text)
    assert get(series, "netmon_snmp_late_replies_total", transport="udp6") == 3.0
    assert get(series, "netmon_store_queue_length") == 5.0


def test_where_the_pages_are_and_whether_the_agent_is_cut_off() -> None:
    """Both are asked for at every scrape, since both may change."""
    state = {"url": "http://a:9162", "isolated": False}
    own = SelfMetrics("0.1.0", url=lambda: str(state["url"]), isolated=lambda: bool(state["isolated"]))
    series = read(own.text())
    assert get(series, "netmon_web_info", url="http://a:9162") == 1.0
    assert get(series, "netmon_agent_isolated") == 0.0
    state |= {"url": "http://b:80", "isolated": True}
    series = read(own.text())
    assert get(series, "netmon_web_info", url="http://b:80") == 1.0
    assert get(series, "netmon_agent_isolated") == 1.0


def test_two_agents_do_not_meet() -> None:
    """Each object has a registry of its own, and none leaves `_created` series."""
    one, two = SelfMetrics("1"), SelfMetrics("2")
    one.skipped("snmp")
    assert b"netmon_check_skipped_total{" not in two.text()
    assert b"_created" not in one.text()


def test_promtool_finds_nothing_to_mend() -> None:
    """`promtool check metrics` is content with every family of a whole page."""
    mx1 = host("mx1", labels={"site": "waw"})
    world = World(mx1)
    world.add(planned(mx1, "ping", 0))
    world.add(ran(mx1, "smtp", 25, own=(scalar(EXPIRY, 1_800_000_000),)))
    world.add(ran(mx1, "smtp", 465, result=Result.FAILED, reason=Reason.REFUSED))
    judged = Verdict(VerdictName.MAIL_DOWN, "down", (Finding("storage_full", Severity.CAUSE, "text"),))
    silenced = Silenced(SilenceKind.SILENCE, "moves", 1_700_003_600.0)
    world.judged["mx1"] = HostVerdict(
        "mx1", judged, 1_700_000_000.0, judged, alive=True, silenced=silenced, healthy_at=1_699_990_000.0
    )
    own = SelfMetrics("0.1.0", ["ping", "smtp"])
    own.late("smtp", 0.1)
    own.add_source(readings)
    page = b"".join(Exposition(world, own.text).metrics())
    done = subprocess.run(["promtool", "check", "metrics"], input=page, capture_output=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
