"""The verdict table, row by row, and what holds for every input."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netmon.errors import Reason
from netmon.health import HostView, Upstream, follow, judge
from netmon.model import CheckState, Column, Family, Finding, Host, Kind, Result, Severity, Table, VerdictName
from tests.unit.spine.records import check, seen, state

NOW = 1100.0
PING = check("ping")
SNMP = check("snmp", port=161)
SMTP = check("smtp", port=25)
SUBMISSION = check("smtp", port=587)
SMTPS = check("smtp", port=465, required=False)

OK = Result.OK
FAILED = Result.FAILED
REJECTED = Result.REJECTED
DEFERRED = Result.DEFERRED
UNTESTABLE = Result.UNTESTABLE


def silent(of: object) -> CheckState:
    """A check that answered once and is silent now."""
    return state(of, seen(of, begun=900.0), seen(of, FAILED, Reason.TIMEOUT, alive=False))


def refused(of: object) -> CheckState:
    """A port that is closed on a living host."""
    return state(of, seen(of, FAILED, Reason.REFUSED, alive=True))


def well(of: object, **more: object) -> CheckState:
    """A check that is ok."""
    return state(of, seen(of, **more))


def ended(of: object, result: Result, reason: Reason) -> CheckState:
    """A check on a living host that ended so."""
    return state(of, seen(of, result, reason))


def untestable(of: object) -> CheckState:
    """A check that netmon could not carry out."""
    return state(of, seen(of, UNTESTABLE, Reason.NO_ROUTE, alive=None))


def disk(of: object, percent: int) -> CheckState:
    """An snmp check that saw /var/spool filled to `percent`."""
    family = Family("dskPercent", Kind.GAUGE, "per cent used")
    table = Table(("dskIndex", "dskPath"), (("1", "/var/spool"),), (Column(family, [percent]),))
    return well(of, tables=(table,))


def listener(of: object, address: str, port: int) -> CheckState:
    """An snmp check that saw a TCP listener."""
    family = Family("tcpListenerProcess", Kind.GAUGE, "process")
    names = ("tcpListenerLocalAddress", "tcpListenerLocalPort")
    return well(of, tables=(Table(names, ((address, str(port)),), (Column(family, [812]),)),))


def verdict(*states: CheckState, **more: object) -> VerdictName:
    """The verdict over a host of these checks."""
    device = None
    for of in states:
        if of.check.key.probe == "snmp" and of.observation is not None:
            device = follow(device, of.observation)
    view = HostView(Host("mx1", "192.0.2.1"), states, started=0.0, device=device, **more)
    return judge(view, NOW).name


ROWS = [
    ("nothing ran", [CheckState(SNMP), CheckState(SMTP)], "unknown"),
    ("no check at all", [], "unknown"),
    ("nothing testable", [untestable(SNMP), untestable(SMTP)], "unknown"),
    ("ping alone, never answered", [state(PING, seen(PING, FAILED, alive=False))], "unknown"),
    ("silent, with mail", [silent(PING), silent(SNMP), silent(SMTP)], "host_down"),
    ("silent, no mail", [silent(PING), silent(SNMP)], "device_down"),
    ("ping alone, answered before", [silent(PING)], "device_down"),
    (
        "ping never answered, the rest fine",
        [state(PING, seen(PING, FAILED, alive=False)), well(SMTP)],
        "healthy",
    ),
    ("ping silent, the rest fine", [silent(PING), well(SNMP), well(SMTP)], "healthy"),
    ("port closed on a living host", [well(SNMP), refused(SMTP)], "mail_down"),
    ("both services stopped, host answers", [well(PING), refused(SNMP), refused(SMTP)], "mail_down"),
    ("refused everywhere is life", [refused(SNMP), refused(SMTP)], "mail_down"),
    ("silent mail on a living host", [well(SNMP), silent(SMTP)], "mail_down"),
    ("spool full and mail down", [disk(SNMP, 100), refused(SMTP)], "mail_starved"),
    (
        "spool full and mail defers",
        [disk(SNMP, 100), ended(SMTP, DEFERRED, Reason.GREETING_DEFERRED)],
        "mail_starved",
    ),
    ("spool full and mail fine", [disk(SNMP, 100), well(SMTP)], "device_degraded"),
    ("spool fills", [disk(SNMP, 92), well(SMTP)], "device_degraded"),
    ("spool has room", [disk(SNMP, 50), well(SMTP)], "healthy"),
    ("one role down", [well(SMTP), refused(SUBMISSION)], "mail_down"),
    ("an optional port down", [well(SMTP), well(SUBMISSION), refused(SMTPS)], "mail_degraded"),
    ("only the optional one works", [refused(SUBMISSION), well(SMTPS)], "mail_down"),
    ("rejected at the door", [ended(SMTP, REJECTED, Reason.GREETING_REJECTED)], "mail_down"),
    ("deferred for a moment", [ended(SMTP, DEFERRED, Reason.GREETING_DEFERRED)], "mail_degraded"),
    ("its own system in trouble", [ended(SMTP, DEFERRED, Reason.SYSTEM_DEFERRED)], "mail_down"),
    ("mail untestable, SNMP fine", [well(SNMP), untestable(SMTP)], "unknown"),
    ("one address untestable, another fine", [untestable(SUBMISSION), well(SMTPS), well(SMTP)], "healthy"),
    ("SNMP untestable, mail fine", [untestable(SNMP), well(SMTP)], "unknown"),
    ("agent stopped, mail fine", [refused(SNMP), well(SMTP)], "agent_down"),
    ("agent silent, mail fine", [silent(SNMP), well(SMTP)], "agent_down"),
    ("agent refuses us", [ended(SNMP, REJECTED, Reason.AUTHORIZATION_ERROR), well(SMTP)], "agent_down"),
    ("some modules fail", [ended(SNMP, FAILED, Reason.MODULE_FAILED), well(SMTP)], "device_degraded"),
    ("all well", [well(PING), well(SNMP), well(SMTP), well(SUBMISSION)], "healthy"),
]


@pytest.mark.parametrize(("states", "expected"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_the_table(states: list[CheckState], expected: str) -> None:
    """Each situation that an administrator knows has its verdict."""
    assert verdict(*states) == expected


def test_deferring_for_a_quarter_of_an_hour_is_down() -> None:
    """A role that only ever says "come back" is down after 15 minutes, not before."""
    states = [ended(SMTP, DEFERRED, Reason.GREETING_DEFERRED)]
    view = HostView(Host("mx1", "192.0.2.1"), tuple(states), started=0.0)
    view_later = HostView(
        Host("mx1", "192.0.2.1"),
        (state(SMTP, *(seen(SMTP, DEFERRED, Reason.GREETING_DEFERRED, begun=t) for t in (1000.0, 1890.0))),),
        started=0.0,
    )
    assert judge(view, 1000.0 + 100.0).name is VerdictName.MAIL_DEGRADED
    assert judge(view_later, 1000.0 + 901.0).name is VerdictName.MAIL_DOWN


def test_stale_outcomes_do_not_count() -> None:
    """A check that has not ended for three intervals says nothing any more."""
    view = HostView(Host("mx1", "192.0.2.1"), (well(SMTP), well(SNMP)), started=0.0)
    assert judge(view, 1100.0).name is VerdictName.HEALTHY
    late = judge(view, 1000.0 + 4 * 60 + 61)
    assert late.name is VerdictName.UNKNOWN
    assert [finding.kind for finding in late.findings] == ["stale", "stale"]


def test_a_dead_upstream_takes_the_blame_only_when_looked_at_since() -> None:
    """`unreachable` needs a run of the upstream begun after the child fell silent."""
    states = [silent(SNMP), silent(SMTP)]
    assert verdict(*states, upstreams=(Upstream("sw1", alive=False, begun=1001.0),)) == "unreachable"
    assert verdict(*states, upstreams=(Upstream("sw1", alive=False, begun=999.0),)) == "host_down"
    assert verdict(*states, upstreams=(Upstream("sw1", alive=True, begun=1001.0),)) == "host_down"


def test_an_upstream_with_somebody_alive_behind_it_is_not_down() -> None:
    """A switch whose agent is silent but which still carries another host is no excuse."""
    states = [silent(SNMP), silent(SMTP)]
    carrying = Upstream("sw1", alive=False, begun=1001.0, behind_begun=1002.0)
    assert verdict(*states, upstreams=(carrying,)) == "host_down"


def test_one_living_upstream_suffices() -> None:
    """Of two ways to a host one is enough."""
    states = [silent(SNMP), silent(SMTP)]
    both = (Upstream("sw1", alive=False, begun=1001.0), Upstream("sw2", alive=True, begun=1001.0))
    assert verdict(*states, upstreams=both) == "host_down"


def test_host_down_waits_for_the_upstream() -> None:
    """Before silence is blamed on the host, its upstream is looked at once more."""
    view = HostView(
        Host("mx1", "192.0.2.1"), (silent(SMTP),), 0.0, (Upstream("sw1", alive=True, begun=900.0),)
    )
    assert judge(view, NOW).waits_for == ("sw1",)
    seen_since = HostView(
        Host("mx1", "192.0.2.1"), (silent(SMTP),), 0.0, (Upstream("sw1", alive=True, begun=1001.0),)
    )
    assert judge(seen_since, NOW).waits_for == ()


def test_a_filtered_path_is_told_from_a_dead_service() -> None:
    """Silence outside and a listener inside (TCP-MIB): something on the way drops it."""
    everywhere = "0000:0000:0000:0000:0000:0000:0000:0000"
    assert verdict(listener(SNMP, everywhere, 25), silent(SMTP)) == "path_filtered"
    assert verdict(listener(SNMP, "192.0.2.1", 25), silent(SMTP)) == "path_filtered"
    assert verdict(listener(SNMP, everywhere, 25), refused(SMTP)) == "mail_down"
    assert verdict(listener(SNMP, everywhere, 587), silent(SMTP)) == "mail_down"
    assert verdict(listener(SNMP, "127.0.0.1", 25), silent(SMTP)) == "mail_down"


def test_a_cut_off_agent_accuses_nobody() -> None:
    """When netmon itself is isolated, every host is unknown."""
    assert verdict(silent(SNMP), silent(SMTP), isolated=True) == "unknown"


def test_facts_of_lower_rows_stay_as_findings() -> None:
    """mail_down does not hide that the agent is silent too."""
    view = HostView(Host("mx1", "192.0.2.1"), (well(PING), refused(SNMP), refused(SMTP)), 0.0)
    kinds = {finding.kind for finding in judge(view, NOW).findings}
    assert kinds == {"snmp_failed", "smtp_failed"}


def test_a_fault_that_a_probe_reports_degrades_mail() -> None:
    """An expired certificate on submission is a fault though the conversation went well."""
    finding = Finding("certificate_expired", Severity.FAULT, "expired yesterday", SUBMISSION.key, 1000.0)
    assert verdict(well(SMTP), well(SUBMISSION, findings=(finding,))) == "mail_degraded"


def test_a_refusal_of_netmon_itself_is_no_outage() -> None:
    """A server that refuses our address may serve all others: untestable, unless another port tells more."""
    finding = Finding("probe_rejected", Severity.RISK, "your address is listed", SMTP.key, 1000.0)
    refuses = state(SMTP, seen(SMTP, REJECTED, Reason.GREETING_REJECTED, findings=(finding,)))
    assert verdict(well(SNMP), refuses) == "unknown"
    assert verdict(well(SNMP), refuses, well(SUBMISSION)) == "unknown"
    listed = state(SMTPS, seen(SMTPS, REJECTED, Reason.GREETING_REJECTED, findings=(finding,)))
    assert verdict(well(SNMP), well(SUBMISSION), listed) == "device_degraded"


def test_a_risk_that_a_probe_reports_degrades_the_device() -> None:
    """A certificate that ends soon is a ticket, not an outage."""
    finding = Finding("certificate_expiring", Severity.RISK, "ends in 3 days", SUBMISSION.key, 1000.0)
    assert verdict(well(SMTP), well(SUBMISSION, findings=(finding,))) == "device_degraded"


RANK = [
    "healthy",
    "device_degraded",
    "agent_down",
    "mail_degraded",
    "path_filtered",
    "mail_down",
    "mail_starved",
    "device_down",
    "host_down",
]
OUTCOMES = {
    "ok": well,
    "module_failed": lambda of: ended(of, FAILED, Reason.MODULE_FAILED),
    "deferred": lambda of: ended(of, DEFERRED, Reason.GREETING_DEFERRED),
    "rejected": lambda of: ended(of, REJECTED, Reason.GREETING_REJECTED),
    "refused": refused,
    "silent": silent,
    "untestable": untestable,
    "not run": CheckState,
}


def test_every_combination_has_one_verdict_with_its_checks() -> None:
    """No combination of outcomes crashes the table, and what decides was really configured."""
    checks = (PING, SNMP, SMTP, SUBMISSION, SMTPS)
    for outcomes in itertools.product(OUTCOMES.values(), repeat=len(checks)):
        states = tuple(make(of) for make, of in zip(outcomes, checks, strict=True))
        found = judge(HostView(Host("mx1", "192.0.2.1"), states, 0.0), NOW)
        assert found.name in VerdictName
        assert found.sentence
        assert set(found.decided_by) <= {of.key for of in checks}


# Of a required mail endpoint or an agent: a later one is never better news than an earlier one.
WORSE = ["ok", "deferred", "rejected", "refused", "silent"]


@given(st.data())
def test_worse_news_never_gives_a_better_verdict(data: st.DataObject) -> None:
    """One outcome replaced by a worse one leaves the verdict as it was or makes it worse."""
    checks = (PING, SNMP, SMTP, SUBMISSION)
    picks = [data.draw(st.sampled_from(WORSE if of is not PING else ["ok", "silent"])) for of in checks]
    place = data.draw(st.integers(0, len(checks) - 1))
    ladder = WORSE if checks[place] is not PING else ["ok", "silent"]
    worse = list(picks)
    worse[place] = data.draw(st.sampled_from(ladder[ladder.index(picks[place]) :]))

    def rank(names: list[str]) -> int:
        return RANK.index(verdict(*(OUTCOMES[name](of) for name, of in zip(names, checks, strict=True))))

    assert rank(worse) >= rank(picks)
