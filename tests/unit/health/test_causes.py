"""Each rule over SNMP's facts: when it speaks, when it is silent, and whether it explains a mail fault."""

from dataclasses import replace

import pytest

from netmon.errors import Reason
from netmon.health import Upstream, judge
from netmon.model import CheckKey, Limits, Severity
from tests.unit.health.facts import (
    NOW,
    SMTP,
    SUBMISSION,
    device,
    disks,
    found,
    ports,
    refusing,
    run,
    scalar,
    table,
    view,
    well,
)

LIMITS = Limits()


def memory(*, available: float, swap: float | None) -> tuple[object, ...]:
    """UCD memory in per cent of 1,000 KiB."""
    tables = [scalar("memTotalReal", 1000), scalar("memAvailReal", available * 10)]
    tables += [scalar("memTotalSwap", 0 if swap is None else 1000)]
    return (*tables, *([] if swap is None else [scalar("memAvailSwap", swap * 10)]))


def load(average: float, processors: int = 0) -> tuple[object, ...]:
    """The load average over five minutes."""
    tables = [table(("laNames",), {("Load-1",): {"laLoadFloat": 99}, ("Load-5",): {"laLoadFloat": average}})]
    if processors:
        rows = {(str(n),): {"hrProcessorLoad": 5} for n in range(processors)}
        tables.append(table(("hrDeviceIndex",), rows))
    return tuple(tables)


def counted(**processes: int) -> object:
    """What the probe counted."""
    return table(("name",), {(name,): {"netmon_host_processes": n} for name, n in processes.items()})


def applications(**more: float) -> tuple[object, ...]:
    """One application of applTable and mtaTable."""
    labels = ("applIndex", "applName")
    tables = [table(labels, {("1", "sendmail"): {"applOperStatus": more.pop("status", 1)}})]
    tables += [table(labels, {("1", "sendmail"): {name: value}}) for name, value in more.items()]
    return tuple(tables)


ALONE = [  # what SNMP brought, the finding, its weight beside mail that is well
    ((disks(var_spool=98),), "storage_full", Severity.RISK),
    (memory(available=4, swap=5), "memory_exhausted", Severity.RISK),
    (memory(available=4, swap=None), "memory_exhausted", Severity.RISK),
    (load(9.0, processors=2), "load_high", Severity.INFO),
    (load(33.0), "load_high", Severity.INFO),
    (applications(status=2), "application_down", Severity.FAULT),
    (applications(mtaStoredMessages=1000), "queue_long", Severity.RISK),
    (applications(mtaGroupOldestMessageStored=5 * 360_000), "queue_old", Severity.RISK),
]


@pytest.mark.parametrize(
    ("tables", "kind", "alone"), ALONE, ids=[f"{row[1]}-{n}" for n, row in enumerate(ALONE)]
)
def test_a_fact_is_a_risk_alone_and_a_cause_beside_a_fault(
    tables: tuple[object, ...], kind: str, alone: Severity
) -> None:
    """The same figure weighs by what mail says; mail_starved is the verdict when it explains a fault."""
    known = device(run(*tables))
    assert found(view(known, well()))[kind].severity is alone
    assert found(view(known, refusing()))[kind].severity is Severity.CAUSE
    assert judge(view(known, refusing()), NOW).name == "mail_starved"
    assert judge(view(known, well()), NOW).name == (
        "healthy" if alone is Severity.INFO else "device_degraded"
    )


QUIET = [
    (disks(var_spool=89),),
    (disks(snap_core_123=100),),
    memory(available=4, swap=50),
    memory(available=40, swap=0),
    load(7.9, processors=2),
    load(31.0),
    applications(),
    applications(mtaStoredMessages=999),
]


@pytest.mark.parametrize("tables", QUIET, ids=range(len(QUIET)))
def test_a_figure_below_its_limit_is_no_finding(tables: tuple[object, ...]) -> None:
    """Nothing is said of what is usual."""
    assert found(view(device(run(*tables)), well())) == {}


def test_limits_come_from_the_config() -> None:
    """A host may have its own."""
    limits = Limits(storage_filling=50.0, storage_full=60.0, queue_messages=5)
    assert "storage_full" in found(view(device(run(disks(var=61))), well(), limits=limits))
    known = device(run(disks(var=1), own=[scalar("netmon_mail_queue_messages", 5)]))
    assert found(view(known, well(), limits=limits))["queue_long"].text == "the mail queue holds 5 messages"


@pytest.mark.parametrize(
    "reason",
    [Reason.STARTTLS_MISSING, Reason.TLS_PROTOCOL_VERSION, Reason.PROTOCOL_ERROR, Reason.TLS_HANDSHAKE],
)
def test_a_full_disk_does_not_explain_what_is_about_tls_or_protocol(reason: Reason) -> None:
    """mail_down keeps its own cause; the disk stays a risk."""
    verdict = judge(view(device(run(disks(var=100))), refusing(reason=reason)), NOW)
    assert verdict.name == "mail_down"
    assert {f.kind: f.severity for f in verdict.findings}["storage_full"] is Severity.RISK


def test_inodes_can_be_full_too() -> None:
    """Nothing more can be spooled where no inode is left."""
    rows = {("1", "/var/spool"): {"dskPercent": 20, "dskPercentNode": 99}}
    finding = found(view(device(run(table(("dskIndex", "dskPath"), rows))), well()))["storage_full"]
    assert finding.text == "/var/spool has 99% of its inodes in use"


def test_a_disk_that_will_be_full_soon_is_told_by_its_trend() -> None:
    """One per cent a minute from 40%: full in half an hour; one that has stopped growing is not told."""
    runs = [run(disks(var=20 + n), begun=60.0 * n) for n in range(50)]
    finding = found(view(device(*runs), well()))["storage_filling"]
    assert finding.text == "/var is 69% full, and full in 32 min"
    calm = [*runs, *(run(disks(var=69), begun=60.0 * n) for n in range(50, 80))]
    assert found(view(device(*calm), well())) == {}
    assert found(view(device(*runs[:8]), well())) == {}, "a trend needs ten minutes"


@pytest.mark.parametrize(
    ("count", "least", "most", "text"),
    [
        (0, 1, None, "no process master runs"),
        (1, 2, None, "1 of 2 processes master run"),
        (3, 1, 2, "3 processes master run, 2 at most are wanted"),
        (1, 1, 1, None),
    ],
)
def test_processes_are_held_against_the_config(
    count: int, least: int, most: int | None, text: str | None
) -> None:
    """None, too few, too many, and as wanted."""

    class Wanted:
        name, min, max = "master", least, most

    class Settings:
        processes = (Wanted,)
        port = 161

    of = view(device(run(disks(var=1), own=[counted(master=count)])), well())
    object.__setattr__(of.checks[0].check, "settings", Settings)
    said = [finding.text for finding in found(of).values()]
    assert said == ([] if text is None else [text])


def test_a_missing_process_explains_refused_mail() -> None:
    """Postfix's master is gone, and the port is closed: that is the cause."""
    known = device(run(disks(var=1), own=[counted(master=0)]))
    assert judge(view(known, refusing()), NOW).name == "mail_starved"


def test_processes_that_were_not_counted_are_not_missing() -> None:
    """A run that brought no count says nothing of processes."""
    assert found(view(device(run(disks(var=1))), well())) == {}


def test_an_interface_that_was_up_is_down() -> None:
    """One that nobody ever plugged in is no fault, nor is one that is switched off."""
    known = device(
        run(*ports(eth0=1, spare=2, off=1, lo=1)),
        run(*ports(eth0=2, spare=2, off=(2, 2, 0, 0), lo=2), begun=1060.0),
    )
    finding = found(view(known, well()))["interface_down"]
    assert (finding.subject, finding.at) == ("eth0", 1060.0)
    assert finding.severity is Severity.RISK
    silent = found(view(known, refusing(reason=Reason.TIMEOUT)))["interface_down"]
    assert silent.severity is Severity.CAUSE
    closed = found(view(known, refusing(reason=Reason.REFUSED)))["interface_down"]
    assert closed.severity is Severity.RISK, "a closed port was reached"


def test_a_switch_is_not_accused_of_pulled_plugs() -> None:
    """Ports of a host without mail are told only where they lead to somebody."""
    known = device(run(*ports(Gi1=1)), run(*ports(Gi1=2), begun=1060.0))
    assert found(view(known)) == {}


def test_the_upstreams_port_that_leads_here() -> None:
    """By ifAlias that names the host, or by the config; another port of the switch is not told."""
    switch = device(run(*ports(uplink=1, Gi2=1)), run(*ports(uplink=2, Gi2=2), begun=1060.0))
    assert switch is not None
    switch = replace(switch, key=CheckKey("sw1", "snmp", "sw1:161"))
    upstreams = (Upstream("sw1", alive=True, begun=1061.0, device=switch),)
    by_alias = found(view(None, well(), upstreams=upstreams))["upstream_port_down"]
    assert by_alias.text == "sw1's port uplink, which leads here, is down"
    verdict = judge(view(None, well(), upstreams=upstreams), NOW)
    assert verdict.name == "device_degraded"
    assert SMTP.key in verdict.decided_by, "confirmed by the host's own runs"
    named = view(None, well(), upstreams=upstreams, upstream_ports={"sw1": "Gi2"})
    assert found(named)["upstream_port_down"].subject == "sw1's port Gi2"


def test_errors_are_told_after_two_polls_and_above_their_share() -> None:
    """One burst is no news; few errors among many packets are none either."""

    def polls(*counts: tuple[int, int]) -> dict[str, object]:
        runs = [run(*ports(eth0=(1, 1, *of)), begun=1000.0 + 60 * n) for n, of in enumerate(counts)]
        return found(view(device(*runs), well()))

    assert "interface_errors" in polls((0, 0), (50, 1000), (100, 2000))
    assert polls((0, 0), (50, 1000)) == {}
    assert polls((0, 0), (50, 100_000), (100, 200_000)) == {}
    assert polls((0, 0), (5, 10), (10, 20)) == {}, "ten errors at least"
    assert polls((100, 2000), (50, 1000), (0, 0)) == {}, "a counter that fell back says nothing"


def test_packets_are_counted_port_by_port() -> None:
    """A port without a 64-bit counter, or with one that stands still, is judged by its narrow one."""

    def poll(n: int) -> object:
        packets = {"1": {"ifInUcastPkts": 100_000 * n}, "2": {"ifInUcastPkts": 100_000 * n}}
        rows = {("1",): {"ifOperStatus": 1, "ifInErrors": 50 * n} | packets["1"]}
        rows |= {("2",): {"ifOperStatus": 1, "ifInErrors": 50 * n} | packets["2"]}
        wide = table(("ifIndex",), {("2",): {"ifHCInUcastPkts": 0}, ("3",): {"ifHCInUcastPkts": n}})
        return run(table(("ifIndex",), rows), wide, begun=1000.0 + 60 * n)

    assert "interface_errors" not in found(view(device(*map(poll, range(3))), well()))


def listeners(*rows: tuple[str, int]) -> object:
    """tcpListenerTable."""
    names = ("tcpListenerLocalAddress", "tcpListenerLocalPort")
    return table(names, {(address, str(port)): {"tcpListenerProcess": 1} for address, port in rows})


def test_nobody_listens_where_mail_fails() -> None:
    """The service is stopped, or bound to loopback alone; a port that works is not looked for."""
    known = device(run(listeners(("0.0.0.0", 22), ("127.0.0.1", 25))))
    kinds = found(view(known, refusing(), refusing(SUBMISSION)))
    assert kinds["listening_locally"].text == "TCP port 25 is listened on by loopback alone"
    assert kinds["not_listening"].text == "nothing listens on its TCP port 587"
    assert found(view(known, well())) == {}
    assert judge(view(known, refusing(), well(SUBMISSION)), NOW).name == "mail_down"


def test_refusals_are_counted_by_the_server_itself() -> None:
    """They grow with every stranger who is turned away: news only beside a fault."""
    runs = [
        run(*applications(applRejectedInboundAssociations=count), begun=begun)
        for count, begun in ((5, 1000.0), (9, 1060.0))
    ]
    assert found(view(device(*runs), well()))["mta_refusing"].severity is Severity.INFO
    assert found(view(device(*runs), refusing()))["mta_refusing"].severity is Severity.CAUSE
    assert "mta_refusing" not in found(view(device(runs[0]), refusing())), "one count is no growth"


def test_a_disk_that_fills_explains_nothing_yet() -> None:
    """At 91% a server still spools: a risk, and mail that fails has another cause."""
    known = device(run(disks(var_spool=91)))
    assert found(view(known, refusing()))["storage_filling"].severity is Severity.RISK
    assert judge(view(known, refusing()), NOW).name == "mail_down"
    assert judge(view(known, well()), NOW).name == "device_degraded"


def test_facts_outlive_a_failed_run_but_not_for_long() -> None:
    """The agent died of the full disk: the disk stays the cause (the watch lets it grow old)."""
    full = run(disks(var=100))
    failed = run(begun=1060.0)
    assert device(full, failed) == device(full)
    partial = run(scalar("sysUpTime", 100), begun=1060.0, reason=Reason.MODULE_FAILED)
    kept = device(full, partial)
    assert kept is not None
    assert kept.systems["/var"].used == 100
    assert kept.begun == full.begun, "as old as what it was taken from"
