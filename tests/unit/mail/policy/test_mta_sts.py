"""MTA-STS records, policies and what they say of a domain's servers (RFC 8461)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netmon.mail.policy import mta_sts
from netmon.mail.policy.judged import PolicyError
from netmon.mail.policy.mta_sts import Seen, StsPolicy
from netmon.mail.policy.presented import Presented
from tests.unit.mail.policy.making import at_most_refused, said

GOOD = b"version: STSv1\r\nmode: enforce\r\nmx: mx1.example.test\r\nmx: *.example.test\r\nmax_age: 604800\r\n"
DAY = 86400


@pytest.mark.parametrize(
    ("texts", "found"),
    [
        (["v=STSv1; id=20260101T000000;"], "20260101T000000"),
        (["v=STSv1;id=1"], "1"),
        (["v=STSv1 ; id = a1 ; future=x"], "a1"),
        (["v=spf1 -all", "v=STSv1; id=1;"], "1"),
        (["v=STSv2; id=1"], None),
        ([], None),
    ],
)
def test_record(texts: list[str], found: str | None) -> None:
    """One record counts; other records at the name are of no concern."""
    assert mta_sts.parse_record(texts) == found


@pytest.mark.parametrize(
    ("texts", "why"),
    [
        (["v=STSv1;"], "no id"),
        (["v=STSv1; id=a-b"], '"a-b" in the record'),
        (["v=STSv1; id=" + "a" * 33], "letters and digits"),
        (["v=STSv1; id=1", "v=STSv1; id=2"], "2 records"),
        (["v=STSv1; id=1; id=2"], "twice"),
        (["v=STSv1; id"], "no tag"),
        (["v=STSv1; id=\xff"], "ASCII"),
        (["v=STSv1; id=1;" + "x" * 9000], "characters"),
    ],
)
def test_bad_record(texts: list[str], why: str) -> None:
    """What is wrong is said."""
    with pytest.raises(PolicyError, match=why):
        mta_sts.parse_record(texts)


def test_policy() -> None:
    """CR LF or LF, keys in any order, unknown keys, the first of several."""
    wanted = StsPolicy("enforce", 604800, ("mx1.example.test", "*.example.test"))
    assert mta_sts.parse_policy(GOOD) == wanted
    assert mta_sts.parse_policy(GOOD.replace(b"\r\n", b"\n").rstrip(b"\n")) == wanted
    assert mta_sts.parse_policy(b"later: x\n" + GOOD + b"mode: none\n") == wanted
    assert mta_sts.parse_policy(b"max_age:0\nmode:none\nversion:STSv1") == StsPolicy("none", 0, ())


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "no version"),
        (b"<html>not found</html>", "line 1"),
        (GOOD.replace(b"STSv1", b"STSv2"), "version"),
        (GOOD.replace(b"enforce", b"Enforce"), "mode"),
        (GOOD.replace(b"max_age: 604800", b"x: y"), "no max_age"),
        (GOOD.replace(b"604800", b"31557601"), "max_age"),
        (GOOD.replace(b"604800", b"-1"), "max_age"),
        (GOOD.replace(b"604800", "٣".encode()), "max_age"),
        (GOOD.replace(b"604800", b"9" * 99), "max_age"),
        (GOOD.replace(b"mx: ", b"xm: "), "names no mx"),
        (GOOD.replace(b"*.example", b"m*.example"), "line 4: mx"),
        (GOOD.replace(b"*.example.test", b"a@b"), "mx"),
        (GOOD + b"\xff", "UTF-8"),
        (GOOD + b"x: y\n" * 2000, "lines"),
        (GOOD + b"mx: a.test\n" * 300, "mx"),
        (b"x" * 70_000, "octets"),
    ],
)
def test_bad_policy(body: bytes, why: str) -> None:
    """What is wrong is said, with the line."""
    with pytest.raises(PolicyError, match=why):
        mta_sts.parse_policy(body)


@given(st.binary(max_size=400) | st.text(max_size=400).map(lambda text: GOOD + text.encode()))
def test_hostile_policy(body: bytes) -> None:
    """One error and no other, and its words can be printed."""
    at_most_refused(lambda: mta_sts.parse_policy(body))


@given(st.lists(st.text(max_size=60).map(lambda text: "v=STSv1;" + text), max_size=3))
def test_hostile_record(texts: list[str]) -> None:
    """One error and no other."""
    at_most_refused(lambda: mta_sts.parse_record(texts))


@pytest.mark.parametrize(
    ("pattern", "server", "allowed"),
    [
        ("mx1.example.test", "MX1.example.test.", True),
        ("mx1.example.test", "mx2.example.test", False),
        ("*.example.test", "mx2.example.test", True),
        ("*.example.test", "a.mx2.example.test", False),
        ("*.example.test", "example.test", False),
    ],
)
def test_patterns(pattern: str, server: str, allowed: bool) -> None:  # noqa: FBT001
    """A wildcard is one label (§4.1)."""
    assert mta_sts.allows(StsPolicy("enforce", 1, (pattern,)), server) is allowed


MX = "mx1.example.test"
ENFORCE = StsPolicy("enforce", 7 * DAY, (MX,))
SEEN = Presented(MX, "192.0.2.1", chain=(b"",), name_valid=True)


@pytest.mark.parametrize(
    ("policy", "servers", "presented", "valid", "findings"),
    [
        (ENFORCE, [MX], SEEN, True, []),
        (ENFORCE, [MX, "mx2.test"], SEEN, False, [("mta_sts_mismatch", "fault")]),
        (ENFORCE, [MX], Presented(MX, "a", untrusted="self-signed"), False, [("mta_sts_mismatch", "fault")]),
        (ENFORCE, [MX], Presented(MX, "a", chain=(b"",)), False, [("mta_sts_mismatch", "fault")]),
        (ENFORCE, [MX], Presented(MX, "a", fault="no", no_tls=True), False, [("mta_sts_mismatch", "fault")]),
        (ENFORCE, [MX], Presented(MX, "a", fault="silent"), True, []),
        (StsPolicy("testing", 7 * DAY, ("x.test",)), [MX], SEEN, False, [("mta_sts_mismatch", "risk")]),
        (StsPolicy("none", 60, ()), [MX], SEEN, True, []),
        (StsPolicy("enforce", 60, (MX,)), [MX], SEEN, True, [("mta_sts_invalid", "info")]),
    ],
)
def test_against_the_servers(
    policy: StsPolicy,
    servers: list[str],
    presented: Presented,
    valid: bool,  # noqa: FBT001
    findings: list[tuple[str, str]],
) -> None:
    """Enforced, a server that is not as promised gets no mail; in testing that is a risk."""
    judged = mta_sts.judge("1", policy, servers, [presented])
    assert (judged.valid, said(judged)) == (valid, findings)


def test_changes_that_senders_miss() -> None:
    """Another policy under the same id; a record that goes while the policy still binds."""
    other = StsPolicy("enforce", 7 * DAY, ("mx9.example.test",))
    changed = mta_sts.judge("1", ENFORCE, [MX], [SEEN], Seen("1", other, 0.0))
    assert said(changed) == [("mta_sts_changed", "risk")]
    assert said(mta_sts.judge("2", ENFORCE, [MX], [SEEN], Seen("1", other, 0.0))) == []
    earlier = Seen("1", ENFORCE, 0.0)
    assert said(mta_sts.absent(earlier, 1.0 * DAY)) == [("mta_sts_changed", "risk")]
    assert said(mta_sts.absent(earlier, 8.0 * DAY)) == [("policy_missing", "info")]
    assert said(mta_sts.absent(None, 0.0)) == [("policy_missing", "info")]


def test_broken_says_what_senders_go_by() -> None:
    """Those that hold a policy keep it."""
    told = mta_sts.broken(PolicyError("no answer"), Seen("7", ENFORCE, 0.0), 1.0)
    assert (told.valid, said(told)) == (False, [("mta_sts_invalid", "risk")])
    assert '"7"' in told.summary
