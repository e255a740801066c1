"""Domains on the page of hosts and in JSON."""

from netmon.model import (
    DnsState,
    DomainVerdict,
    DomainVerdictName,
    Finding,
    FindingKind,
    Lookup,
    Route,
    Severity,
)
from netmon.status import domain_rows
from netmon.status.domains import domain_pieces

EVIL = "<script>alert(1)</script>"
LOOKUPS = {
    "a.org": Lookup(
        "a.org", DnsState.ANSWERS, ("m1", "m2"), (Route("a.org", "m1", "192.0.2.1"),), named=True, good=9.0
    ),
    "b.org": Lookup("b.org", DnsState.SILENT),
}
VERDICTS = [
    DomainVerdict("a.org", DomainVerdictName.HEALTHY, "its mail server accepts", (), 5.0, ("m1",)),
    DomainVerdict(
        "b.org",
        DomainVerdictName.UNTESTABLE,
        EVIL,
        (Finding(FindingKind.DNS_FAILED, Severity.RISK, f"DNS: {EVIL}"),),
        6.0,
    ),
]


def test_a_domain_as_json_has_it() -> None:
    """Servers with their addresses, and what DNS says."""
    first, second = domain_rows(VERDICTS, LOOKUPS)
    assert [(mx.mx, mx.addresses, mx.accepts) for mx in first.mx] == [
        ("m1", ("192.0.2.1",), True),
        ("m2", (), False),
    ]
    assert (first.verdict, first.dns, first.dns_answered) == ("healthy", "answers", 9.0)
    assert (second.verdict, second.dns, second.dns_answered) == ("untestable", "silent", None)
    assert second.findings[0].finding == "dns_failed"


def test_the_page_escapes_and_puts_what_is_wrong_first() -> None:
    """Nothing of the network is markup; without domains there is no table."""
    table = domain_pieces(domain_rows(VERDICTS, LOOKUPS))["domains"]
    assert "<script" not in table
    assert table.index("b.org") < table.index("a.org")
    assert domain_pieces([]) == {}


def test_the_page_marks_a_server_that_does_not_accept() -> None:
    """One that was tested in vain is marked as wrong, one that was not is only not known."""
    verdict = DomainVerdict("a.org", DomainVerdictName.DOWN, "none accepts", failing=("m1",))
    table = domain_pieces(domain_rows([verdict], LOOKUPS))["domains"]
    assert '<li class="outcome bad">' in table.partition("m1</span>")[0]
    assert '<li class="outcome soft">' in table.partition("m1</span>")[2]
