"""SPF records and what receivers would make of them (RFC 7208)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netmon.mail.policy import spf
from netmon.mail.policy.judged import PolicyError
from netmon.mail.policy.questions import QuestionError
from netmon.mail.policy.spf import Record, Term
from tests.unit.mail.policy.making import Zone, at_most_refused, said


@pytest.mark.parametrize(
    ("text", "record"),
    [
        ("v=spf1", Record(())),
        ("V=SPF1 -ALL", Record((Term("-", "all"),))),
        ("v=spf1  a mx/24  ~all ", Record((Term("+", "a"), Term("+", "mx"), Term("~", "all")))),
        (
            "v=spf1 ip4:192.0.2.1/24 ip6:2001:db8::/32",
            Record((Term("+", "ip4", "192.0.2.0/24"), Term("+", "ip6", "2001:db8::/32"))),
        ),
        ("v=spf1 a:mail.example.test/24//64", Record((Term("+", "a", "mail.example.test"),))),
        (
            "v=spf1 ?include:_spf.example.test. redirect=b.test",
            Record((Term("?", "include", "_spf.example.test"),), "b.test"),
        ),
        (
            "v=spf1 exists:%{ir}.%{l1r+-}._spf.%{d} -all",
            Record((Term("+", "exists", "%{ir}.%{l1r+-}._spf.%{d}"), Term("-", "all"))),
        ),
        ("v=spf1 later=%{d} exp=why.%{d2} ptr", Record((Term("+", "ptr"),))),
    ],
)
def test_records(text: str, record: Record) -> None:
    """Every mechanism, qualifier, prefix length, macro and modifier (§12)."""
    assert spf.parse_record(text) == record


@pytest.mark.parametrize(
    ("term", "why"),
    [
        ("al", "no mechanism"),
        ("all:x", "takes nothing"),
        ("include", "wanted include:DOMAIN"),
        ("include:", "no domain"),
        ("include:localhost", "no domain"),
        ("include:a.123", "no domain"),
        ("a:%{z}.test", "no domain"),
        ("a:%x.test", "no domain"),
        ("a/33", "prefix length"),
        ("mx//129", "prefix length"),
        ("a/x", "wanted a:DOMAIN"),
        ("ip4:192.0.2.256", "no ip4"),
        ("ip4:2001:db8::1", "no ip4"),
        ("ip6:fe80::1%eth0", "no ip6"),
        ("ip4:192.0.2.1/", "no ip4"),
        ("ip4", "no ip4"),
        ("redirect=a.test redirect=b.test", "twice"),
        ("-redirect=a.test", "no modifier"),
        ("=x", "no term"),
        ("ä", "ASCII"),
        ("a " * 600, "terms"),
        ("a:" + "x" * 9000, "characters"),
        ("a:" + "x" * 600 + ".test", "no domain"),
    ],
)
def test_bad_terms(term: str, why: str) -> None:
    """A slip of the pen is named."""
    with pytest.raises(PolicyError, match=why):
        spf.parse_record(f"v=spf1 {term}")


@given(st.text(max_size=200) | st.text("aimx:/%{}d.-+~?=p4 redirctnlu1", max_size=200))
def test_hostile_records(text: str) -> None:
    """One error and no other, and its words can be printed."""
    at_most_refused(lambda: spf.parse_record("v=spf1 " + text))


TEN = " ".join(f"a:h{n}.test" for n in range(10))
HOSTS = {f"h{n}.test": ["192.0.2.1"] for n in range(99)}


@pytest.mark.parametrize(
    ("text", "others", "valid", "lookups", "findings"),
    [
        ("v=spf1 ip4:192.0.2.1 -all", {}, True, 0, []),
        (f"v=spf1 {TEN} -all", {}, True, 10, []),
        (f"v=spf1 {TEN} mx:h1.test -all", {}, False, 11, [("spf_invalid", "risk")]),
        (f"v=spf1 -all {TEN} {TEN}", {}, True, 0, []),
        ("v=spf1 include:i.test -all", {"i.test": ["v=spf1 a:h1.test exists:%{i}.test ~all"]}, True, 3, []),
        ("v=spf1 include:i.test", {"i.test": ["v=spf1 -all"]}, True, 1, [("spf_weak", "info")]),
        ("v=spf1 redirect=i.test", {"i.test": ["v=spf1 -all"]}, True, 1, []),
        ("v=spf1 include:i.test -all", {}, False, 1, [("spf_invalid", "risk")]),
        ("v=spf1 include:i.test -all", {"i.test": ["v=spf1 x"]}, False, 1, [("spf_invalid", "risk")]),
        ("v=spf1 include:d.test -all", {}, False, 1, [("spf_invalid", "risk")]),
        ("v=spf1 a:n1.test a:n2.test a:n3.test -all", {}, False, 3, [("spf_invalid", "risk")]),
        ("v=spf1 a:n1.test mx:n2.test -all", {}, True, 2, []),
        ("v=spf1 mx:many.test -all", {}, False, 1, [("spf_invalid", "risk")]),
        ("v=spf1 +all", {}, True, 0, [("spf_weak", "risk")]),
        ("v=spf1 ptr ?all", {}, True, 1, [("spf_weak", "info"), ("spf_weak", "info")]),
    ],
)
async def test_health(
    text: str,
    others: dict[str, list[str]],
    valid: bool,  # noqa: FBT001
    lookups: int,
    findings: list[tuple[str, str]],
) -> None:
    """Lookups over all includes, those that find nothing, circles, and how it ends (§4.6.4)."""
    zone = Zone(
        {"d.test": [text], **others},
        HOSTS,
        {"many.test": [f"h{n}.test" for n in range(11)], "h1.test": ["h1.test"]},
    )
    judged, count = await spf.judge("d.test", [text, "something else"], zone)
    assert (judged.valid, count, said(judged)) == (valid, lookups, findings), judged.summary


async def test_none_and_several() -> None:
    """No record is no fault; two are one (§4.5)."""
    assert said((await spf.judge("d.test", ["v=spf10 x"], Zone()))[0]) == [("policy_missing", "info")]
    twice = ["v=spf1 -all", "v=spf1 ~all"]
    assert said((await spf.judge("d.test", twice, Zone()))[0]) == [("spf_invalid", "risk")]


async def test_a_tree_without_end_is_left() -> None:
    """Includes that fan out are counted to a bound, and not asked for beyond it."""
    wide = "v=spf1 " + " ".join(f"include:i{n}.test" for n in range(20))
    deep = "v=spf1 " + " ".join(f"include:j{n}.test" for n in range(20))
    texts = {f"i{n}.test": [deep] for n in range(20)} | {f"j{n}.test": ["v=spf1 mx"] for n in range(20)}
    zone = Zone(texts)
    judged, _ = await spf.judge("d.test", [wide], zone)
    assert "more than 25 lookups" in judged.summary
    assert len(zone.asked) < 60


async def test_silent_dns_is_no_fault_of_the_record() -> None:
    """It is raised, for the caller to say that nothing is known."""
    with pytest.raises(QuestionError):
        await spf.judge("d.test", ["v=spf1 include:i.test -all"], Zone(broken=["i.test"]))
