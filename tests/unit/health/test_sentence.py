"""The verdict in one line, as an expert would say it."""

import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from netmon.errors import Reason
from netmon.health import HostView, Upstream, judge
from netmon.health.sentence import clock
from netmon.model import CheckState, Finding, Host, Result, Severity
from tests.unit.health.facts import (
    SMTP,
    SNMP,
    SUBMISSION,
    device,
    disks,
    found,
    refusing,
    run,
    table,
    view,
    well,
)
from tests.unit.spine.records import check, seen, state

MORNING = 1_700_000_000.0 - 1_700_000_000.0 % 86400 + 10 * 3600  # 10:00 UTC on some day


@pytest.fixture(autouse=True)
def utc(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The agent's machine is in UTC."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def at(minute: float) -> float:
    """So many minutes after ten."""
    return MORNING + 60 * minute


def ended(of: object, minute: float, result: Result, reason: Reason, detail: str = "") -> CheckState:
    """A check that has ended so since that minute."""
    runs = [seen(of, result, reason, begun=at(when)) for when in (minute, max(minute, 9.5))]
    return state(of, *(replace(one, detail=detail or f"was {result}") for one in runs))


def said(of: HostView, minute: float = 10) -> str:
    """The sentence at that minute."""
    known = replace(of, wall=at(minute), started=at(-60))
    return judge(known, at(minute)).sentence


def test_the_symptom_comes_first_and_the_cause_next() -> None:
    """Mail defers because the spool is full; each with its time, and when all was last well."""
    known = device(run(disks(var_spool=100), begun=at(9.5)))
    defers = ended(
        SMTP, 2, Result.DEFERRED, Reason.SYSTEM_DEFERRED, "MAIL: 452 4.3.1 Insufficient system storage"
    )
    snmp = state(SNMP, seen(SNMP, begun=at(9.5)))
    of = HostView(Host("mx1", "192.0.2.1"), (snmp, defers), 0.0, device=known, healthy_at=at(-2))
    earlier = Finding("storage_full", Severity.RISK, "", SNMP.key, at(1), "/var/spool")
    of = replace(of, earlier=(earlier,))
    assert said(of) == (
        "SMTP on 25 defers with 452 4.3.1 since 10:02; /var/spool is 100% full since 10:01 (SNMP); "
        "last healthy 09:58"
    )


def test_ports_that_meet_the_same_are_told_together() -> None:
    """One fact with all who say it, since the earliest of them."""
    states = [ended(of, n, Result.FAILED, Reason.REFUSED) for n, of in enumerate((SMTP, SUBMISSION), 3)]
    snmp = state(SNMP, seen(SNMP, begun=at(9)))
    assert said(HostView(Host("mx1", "192.0.2.1"), (snmp, *states), 0.0)) == (
        "SMTP on 25 and 587 refuses the connection since 10:03"
    )


def test_why_somebody_is_refused_is_told_in_the_servers_words() -> None:
    """A code alone would not say it; what the network says is bounded."""
    words = "You are on our block list " + "x" * 500
    refuses = ended(SMTP, 2, Result.REJECTED, Reason.GREETING_REJECTED, f"greeting: 554 5.7.0 {words}")
    text = said(HostView(Host("mx1", "192.0.2.1"), (refuses,), 0.0))
    assert text.startswith('SMTP on 25 refuses with 554 5.7.0 "You are on our block list xxx')
    assert len(text) < 200


def test_a_silent_host_is_told_with_what_stands_in_front_of_it() -> None:
    """No sign of life, and the switch in front of it is alive."""
    silent = [seen(SNMP, Result.FAILED, alive=False, begun=at(minute)) for minute in (5, 9.5)]
    snmp = state(SNMP, seen(SNMP, begun=at(0)), *silent)
    alive = Upstream("sw1", alive=True, begun=at(6))
    of = HostView(Host("mx1", "192.0.2.1"), (snmp,), 0.0, (alive,), healthy_at=at(-1))
    assert (
        said(of)
        == "no sign of life since 10:05: SNMP is silent; sw1 in front of it is alive; last healthy 09:59"
    )
    dead = replace(of, upstreams=(replace(alive, alive=False),))
    assert (
        said(dead)
        == "no sign of life since 10:05: SNMP is silent; sw1 in front of it is down; last healthy 09:59"
    )


def test_a_filter_on_the_path_is_named() -> None:
    """Silence outside and a listener inside."""
    names = ("tcpListenerLocalAddress", "tcpListenerLocalPort")
    listener = table(names, {("0.0.0.0", "25"): {"tcpListenerProcess": 1}})
    seen_ = run(listener, begun=at(9))
    silent = ended(SMTP, 2, Result.FAILED, Reason.TIMEOUT)
    of = HostView(Host("mx1", "192.0.2.1"), (state(SNMP, seen_), silent), 0.0, device=device(seen_))
    assert said(of) == (
        "SMTP on 25 does not answer since 10:02; its own table shows it listening (SNMP): "
        "something on the way drops it"
    )


def test_a_dead_agent_is_told_with_what_lives() -> None:
    """SNMP is silent, the host and its mail are not."""
    snmp = ended(SNMP, 4, Result.FAILED, Reason.TIMEOUT)
    mail = state(SMTP, seen(SMTP, begun=at(9)))
    assert said(HostView(Host("mx1", "192.0.2.1"), (snmp, mail), 0.0)) == (
        "SNMP does not answer since 10:04; the host is alive, and so is its mail"
    )


def test_what_was_found_just_now_has_no_since() -> None:
    """The first run that shows it is the present."""
    refuses = ended(SMTP, 10, Result.FAILED, Reason.REFUSED)
    assert said(HostView(Host("mx1", "192.0.2.1"), (refuses,), 0.0)) == "SMTP on 25 refuses the connection"


def test_moments_are_told_as_people_say_them() -> None:
    """By the hour today, by the day this week, by the date before that."""
    assert clock(at(2), at(10)) == "10:02"
    assert clock(at(2) - 86400, at(10)) == "Mon 10:02"
    assert clock(at(2) - 30 * 86400, at(10)) == "2023-10-15 10:02"


def test_what_goes_on_keeps_the_time_of_its_first_finding() -> None:
    """Numbers may change from run to run; the path is what names the fact."""
    first = found(
        view(
            device(
                run(disks(var=98), begun=at(1)),
            ),
            well(),
        )
    )["storage_full"]
    of = replace(view(device(run(disks(var=99), begun=at(5))), well()), earlier=(first,), wall=at(5))
    later = found(of)["storage_full"]
    assert (later.text, later.at) == ("/var is 99% full", at(1))


def test_only_so_many_facts_are_told() -> None:
    """Three in the sentence; the rest stand below it as findings."""
    known = device(run(disks(a=100, b=100, c=100, d=100), begun=at(9)))
    of = view(known, refusing())
    assert judge(of, 1100.0).sentence.count(";") == 2


def test_nothing_checked_is_said() -> None:
    """A host without checks, and a check of ping alone."""
    assert judge(HostView(Host("x", "192.0.2.1"), (), 0.0), 0.0).sentence == "nothing is checked on this host"
    ping = check("ping")
    assert (
        judge(HostView(ping.host, (state(ping, seen(ping)),), 0.0), 1000.0).sentence == "the only check is ok"
    )
