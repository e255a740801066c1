"""The verdict over a domain, one line a case."""

from dataclasses import replace

import pytest

from netmon.errors import Reason
from netmon.health import judge_domain
from netmon.model import (
    Check,
    CheckKey,
    CheckState,
    DnsState,
    DomainVerdict,
    Finding,
    FindingKind,
    Host,
    Lookup,
    Observation,
    Result,
    Role,
    Route,
    Severity,
)

NOW = 10_000.0
ROUTES = tuple(Route("a.org", mx, "192.0.2.1") for mx in ("m1", "m2"))
GOOD = Lookup("a.org", DnsState.ANSWERS, ("m1", "m2"), ROUTES, named=True, good=1.0)
SILENT = replace(
    GOOD,
    dns=DnsState.SILENT,
    findings=(Finding(FindingKind.DNS_FAILED, Severity.RISK, "DNS does not answer: silence"),),
)


def fact(kind: FindingKind, severity: Severity = Severity.FAULT) -> tuple[Finding, ...]:
    """A finding of DNS."""
    return (Finding(kind, severity, f"it is {kind}"),)


BARE = Lookup("a.org", DnsState.ANSWERS)
NULL = replace(BARE, dns=DnsState.NOTHING, findings=fact(FindingKind.NULL_MX))
LOST = replace(BARE, named=True, mx=("m1",), findings=fact(FindingKind.MX_WITHOUT_ADDRESS))
INNER = replace(BARE, named=True, mx=("m1",), findings=fact(FindingKind.MX_ADDRESS_REFUSED, Severity.RISK))
REASONS = {
    Result.OK: Reason.OK,
    Result.FAILED: Reason.REFUSED,
    Result.DEFERRED: Reason.GREETING_DEFERRED,
    Result.REJECTED: Reason.GREETING_REJECTED,
    Result.UNTESTABLE: Reason.NO_ROUTE,
}


def states(text: str) -> tuple[CheckState, ...]:
    """`m1=ok m2=failed*1`: results by MX, with the streak of one that is not ok; `-` has never run."""
    made = []
    for word in text.split():
        mx, _, outcome = word.partition("=")
        name, _, streak = outcome.partition("*")
        check = Check(
            CheckKey(mx, "smtp", f"{mx}:25/ip4"), Host(mx, mx), None, 300.0, 10.0, 0, 60.0, Role.INBOUND,
            mx=mx, domains=("a.org",),
        )  # fmt: skip
        if name == "-":
            made.append(CheckState(check))
            continue
        begun = NOW - 5000 if name == "old" else NOW - 1
        result = Result.OK if name == "old" else Result(name)
        seen = Observation(check.key, result, REASONS[result], f"says {result}", begun, 0.1, begun)
        made.append(
            CheckState(
                check,
                seen,
                result=result,
                reason=REASONS[result],
                streak=int(streak or 3),
                streak_ok=result is Result.OK,
                last_ok=1.0 if streak else 0.0,
                since_begun=NOW - 100,
            )
        )
    return tuple(made)


def judged(lookup: Lookup, text: str) -> DomainVerdict:
    """The verdict."""
    return judge_domain(lookup, states(text), started=NOW - 100, now=NOW, wall=5.0)


CASES = [
    ("m1=ok m2=ok", GOOD, "healthy", "all 2 mail servers accept"),
    ("m1=ok", GOOD, "healthy", "its mail server accepts"),
    ("m1=ok m2=failed", GOOD, "degraded", "1 of 2 mail servers accept: m2:25/ip4: says failed"),
    ("m1=ok m1=failed", GOOD, "degraded", "1 of 1 mail servers accept: m1:25/ip4: says failed"),
    (
        "m1=failed m2=failed",
        GOOD,
        "down",
        "accepts: m1:25/ip4: says failed; m2:25/ip4: ",
    ),
    ("m1=rejected", GOOD, "down", "no mail server of it accepts"),
    ("m1=deferred", GOOD, "degraded", "0 of 1 mail servers accept"),
    ("m1=failed*2 m2=failed*9", GOOD, "degraded", "1 of 2 mail servers accept: m2"),
    ("m1=failed*2", GOOD, "healthy", "its mail server accepts"),
    ("m1=ok m2=untestable", GOOD, "healthy", "its mail server accepts"),
    ("m1=untestable", GOOD, "untestable", "no mail server of it can be tested: m1:25/ip4: says untestable"),
    ("m1=- m2=-", GOOD, "unknown", "no mail server of it has been checked yet"),
    ("m1=- m2=failed", GOOD, "down", "no mail server of it accepts: m2"),
    ("m1=old", GOOD, "untestable", "no check of its mail servers has run lately"),
    ("m1=ok", replace(GOOD, findings=fact(FindingKind.MX_WITHOUT_ADDRESS)), "degraded", "; it is mx_without"),
    ("m1=ok", replace(GOOD, findings=fact(FindingKind.MX_IS_ALIAS, Severity.RISK)), "healthy", "its mail"),
    (
        "m1=ok m2=ok",
        SILENT,
        "untestable",
        "does not answer: silence; by that, 2 of 2 mail servers accept",
    ),
    ("m1=failed", SILENT, "down", "no mail server of it accepts"),
    ("", replace(SILENT, routes=()), "untestable", "DNS does not answer: silence"),
    ("", NULL, "down", "it is null_mx"),
    ("m1=ok", NULL, "down", "it is null_mx"),
    ("", replace(NULL, dns=DnsState.ANSWERS), "unknown", "not confirmed yet: it is null_mx"),
    ("", LOST, "down", "it is mx_without_address"),
    ("", replace(LOST, unsure=True), "untestable", "it is mx_without_address"),
    ("", INNER, "untestable", "no mail server of it has an address that netmon may contact"),
    ("", Lookup("a.org", DnsState.NOT_ASKED), "unknown", "DNS has not answered yet"),
]


@pytest.mark.parametrize(("runs", "lookup", "verdict", "words"), CASES)
def test_the_verdict(runs: str, lookup: Lookup, verdict: str, words: str) -> None:
    """Down only when no MX accepts and that is confirmed; what cannot be tested is left out or told apart."""
    told = judged(lookup, runs)
    assert (told.name, told.domain, told.since) == (verdict, "a.org", 5.0)
    assert words in told.sentence


def test_a_server_without_tls_takes_mail_all_the_same() -> None:
    """Its host has a fault, and the domain is degraded by it, not down."""
    clear = [replace(state, reason=Reason.STARTTLS_MISSING) for state in states("m1=failed")]
    told = judge_domain(GOOD, clear, started=NOW - 100, now=NOW, wall=5.0)
    assert (told.name, told.accepting) == ("degraded", ("m1",))


def test_who_accepts_stands_in_the_order_of_preference() -> None:
    """For the page and the metric."""
    assert judged(GOOD, "m2=ok m1=failed m1=ok").accepting == ("m1", "m2")
    assert judged(GOOD, "m2=failed m1=ok").accepting == ("m1",)


def test_a_server_that_fails_is_told_from_one_that_cannot_be_tested() -> None:
    """For the page: what was tested and does not accept is wrong, the rest is only not known."""
    assert judged(GOOD, "m2=failed m1=ok").failing == ("m2",)
    assert judged(GOOD, "m2=untestable m1=failed m1=ok").failing == ()
