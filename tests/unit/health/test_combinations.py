"""Outcomes of checks and facts of SNMP in every mixture: one verdict each, and worse is never better."""

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from netmon.errors import Reason
from netmon.health import HostView, Upstream, follow, judge
from netmon.model import CheckState, Host, MailState, Result, Severity, SnmpState, Table, VerdictName
from tests.unit.health.facts import NOW, SMTP, SNMP, SUBMISSION, disks, ports, run, scalar, table
from tests.unit.spine.records import check, seen, state

PING = check("ping")
RANK = [
    "healthy", "device_degraded", "agent_down", "mail_degraded", "path_filtered",
    "mail_down", "mail_starved", "device_down", "host_down",
]  # fmt: skip
LADDER = ("ok", "deferred", "rejected", "refused", "silent")  # of a check, from good to worst
STEPS = {
    "ok": (Result.OK, Reason.OK, True),
    "deferred": (Result.DEFERRED, Reason.GREETING_DEFERRED, True),
    "rejected": (Result.REJECTED, Reason.GREETING_REJECTED, True),
    "refused": (Result.FAILED, Reason.REFUSED, True),
    "silent": (Result.FAILED, Reason.TIMEOUT, False),
}
LISTENER = table(
    ("tcpListenerLocalAddress", "tcpListenerLocalPort"), {("0.0.0.0", "25"): {"tcpListenerProcess": 1}}
)
FACTS: dict[str, tuple[Table, ...]] = {
    "disk": (disks(var=100),),
    "filling": (disks(var_log=92),),
    "memory": (scalar("memTotalReal", 100), scalar("memAvailReal", 1)),
    "load": (table(("laNames",), {("Load-5",): {"laLoadFloat": 99}}),),
    "application": (table(("applIndex", "applName"), {("1", "exim"): {"applOperStatus": 2}}),),
    "interface": ports(eth0=2),
    "boot": (scalar("hrSystemUptime", 3000),),
}


def ended(of: object, step: str) -> CheckState:
    """A check that was ok and then ended so."""
    result, reason, alive = STEPS[step]
    return state(of, seen(of, begun=900.0), seen(of, result, reason, alive=alive))


def judged(steps: tuple[str, ...], facts: frozenset[str], *, listener: bool = False) -> VerdictName:
    """The verdict over ping, SNMP and two mail endpoints; what SNMP told before stays known."""
    states = []
    device = follow(None, run(*ports(eth0=1), scalar("sysUpTime", 100), begun=900.0))
    for of, step in zip((PING, SNMP, SMTP, SUBMISSION), steps, strict=True):
        if of is SNMP:
            tables = [table for name in sorted(facts) for table in FACTS[name]]
            device = follow(
                device, run(*tables, *([LISTENER] if listener else []), scalar("sysUpTime", 20_000))
            )
        states.append(ended(of, step))
    view = HostView(Host("mx1", "192.0.2.1"), tuple(states), started=0.0, device=device, wall=NOW)
    return judge(view, NOW).name


STEP = st.sampled_from(LADDER)
PINGS = st.sampled_from(("ok", "silent"))


@given(
    steps=st.tuples(PINGS, STEP, STEP, STEP),
    facts=st.frozensets(st.sampled_from(sorted(FACTS))),
    place=st.integers(1, 3),
    down=st.integers(1, 4),
)
@settings(max_examples=400)
def test_a_worse_outcome_never_gives_a_better_verdict(
    steps: tuple[str, ...], facts: frozenset[str], place: int, down: int
) -> None:
    """With any facts beside it: one check further down its ladder.

    The listener's table is left out: that silence is a filter's work is better news than a refusal.
    """
    worse = list(steps)
    worse[place] = LADDER[min(LADDER.index(steps[place]) + down, len(LADDER) - 1)]
    before = judged(steps, facts)
    assert RANK.index(judged(tuple(worse), facts)) >= RANK.index(before)


@given(
    steps=st.tuples(PINGS, STEP, STEP, STEP),
    facts=st.frozensets(st.sampled_from(sorted(FACTS))),
    more=st.sampled_from(sorted(FACTS)),
    listener=st.booleans(),
)
@settings(max_examples=400)
def test_one_more_bad_fact_never_gives_a_better_verdict(
    steps: tuple[str, ...], facts: frozenset[str], more: str, *, listener: bool
) -> None:
    """With any outcomes beside it."""
    before = judged(steps, facts, listener=listener)
    assert RANK.index(judged(steps, facts | {more}, listener=listener)) >= RANK.index(before)


def test_every_combination_has_one_verdict_and_both_sides_a_state() -> None:
    """All outcomes with each fact alone: a name, a sentence, and states that fit the verdict."""
    for steps in itertools.product(("ok", "silent"), LADDER, LADDER, LADDER):
        for name, tables in FACTS.items():
            device = follow(None, run(*tables))
            states = tuple(
                ended(of, step) for of, step in zip((PING, SNMP, SMTP, SUBMISSION), steps, strict=True)
            )
            upstreams = (Upstream("sw1", alive=True, begun=1050.0),)
            view = HostView(Host("mx1", "192.0.2.1"), states, 0.0, upstreams, device=device, wall=NOW)
            verdict = judge(view, NOW)
            assert verdict.sentence, (steps, name)
            assert (verdict.mail is MailState.OK) is (steps[2:] == ("ok", "ok"))
            assert (verdict.snmp is SnmpState.OK) is (steps[1] == "ok")
            starved = verdict.name is VerdictName.MAIL_STARVED
            assert not starved or any(f.severity is Severity.CAUSE for f in verdict.findings)
