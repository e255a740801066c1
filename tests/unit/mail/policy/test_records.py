"""DMARC, DKIM and TLS-RPT records, and reverse DNS."""

import base64
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from netmon.mail.policy import dkim, dmarc, reverse, tls_rpt
from netmon.mail.policy.judged import PolicyError
from netmon.mail.policy.reverse import Pointer
from tests.unit.mail.policy.making import at_most_refused, said


@pytest.mark.parametrize(
    ("text", "action", "subdomains", "percent", "reports"),
    [
        ("v=DMARC1; p=none", "none", "none", 100, ()),
        ("v=DMARC1;p=reject;sp=quarantine;pct=50;", "reject", "quarantine", 50, ()),
        (
            "v=DMARC1; p=Reject; rua=mailto:a@b.test!10m, mailto:c@d.test",
            "reject",
            "reject",
            100,
            ("a@b.test", "c@d.test"),
        ),
        ("v=DMARC1; p=none; adkim=s; aspf=R; future=1", "none", "none", 100, ()),
    ],
)
def test_dmarc(text: str, action: str, subdomains: str, percent: int, reports: tuple[str, ...]) -> None:
    """Tags, defaults and unknown tags (RFC 7489 §6.3)."""
    assert dmarc.parse_record(text) == dmarc.Record(action, subdomains, percent, reports)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("v=DMARC1", "no p"),
        ("p=none; v=DMARC1", "begin"),
        ("v=DMARC1; p=block", "not one of none"),
        ("v=DMARC1; p=none; sp=x", "sp"),
        ("v=DMARC1; p=none; pct=101", "pct"),
        ("v=DMARC1; p=none; pct=²", "ASCII"),
        ("v=DMARC1; p=none; adkim=x", "adkim"),
        ("v=DMARC1; p=none; rua=a@b.test", "rua"),
        ("v=DMARC1; p=none; ruf=mailto:", "ruf"),
        ("v=DMARC1; p=none; p=reject", "twice"),
    ],
)
def test_bad_dmarc(text: str, why: str) -> None:
    """What is wrong is said."""
    with pytest.raises(PolicyError, match=why):
        dmarc.parse_record(text)


def test_dmarc_of_a_domain() -> None:
    """None, several, of a parent, and what asks for nothing."""
    assert said(dmarc.judge([], "a.test", "a.test")) == [("policy_missing", "info")]
    twice = ["v=DMARC1; p=none", "v=DMARC1; p=reject"]
    assert said(dmarc.judge(twice, "a.test", "a.test")) == [("dmarc_invalid", "risk")]
    strong = ["v=DMARC1; p=reject; sp=none"]
    assert said(dmarc.judge(strong, "a.test", "a.test")) == []
    assert said(dmarc.judge(strong, "a.test", "b.a.test")) == [("dmarc_weak", "info")]
    assert said(dmarc.judge(["v=DMARC1; p=reject; pct=5"], "a.test", "a.test")) == [("dmarc_weak", "info")]


def test_where_dmarc_is_looked_for() -> None:
    """The domain first, then upwards in bounds, never a single label above."""
    assert list(dmarc.names("example.test")) == [("_dmarc.example.test", "example.test")]
    assert [name for name, _ in dmarc.names("a.b.example.test")] == [
        "_dmarc.a.b.example.test",
        "_dmarc.b.example.test",
        "_dmarc.example.test",
    ]
    assert len(list(dmarc.names(".".join("abcdefghijkl")))) == 5


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("v=TLSRPTv1; rua=mailto:a@b.test", ("mailto:a@b.test",)),
        ("v=TLSRPTv1;rua=mailto:a@b.test,https://b.test/x;", ("mailto:a@b.test", "https://b.test/x")),
    ],
)
def test_tls_rpt(text: str, found: tuple[str, ...]) -> None:
    """Mail and HTTPS addresses (RFC 8460 §3)."""
    assert tls_rpt.parse_record(text) == found
    assert tls_rpt.judge([text]).valid


@pytest.mark.parametrize(
    "texts",
    [
        ["v=TLSRPTv1"],
        ["v=TLSRPTv1; rua="],
        ["v=TLSRPTv1; rua=a@b.test"],
        ["v=TLSRPTv1; rua=http://b.test"],
        ["v=TLSRPTv1; rua=mailto:a@b.test", "v=TLSRPTv1; rua=mailto:c@b.test"],
    ],
)
def test_bad_tls_rpt(texts: list[str]) -> None:
    """Without a usable address, or twice, it is invalid; that loses reports, not mail."""
    assert said(tls_rpt.judge(texts)) == [("tls_rpt_invalid", "info")]
    assert said(tls_rpt.judge(["v=spf1 -all"])) == [("policy_missing", "info")]


def encoded(key: Any) -> str:
    """A public key in base64 as a record has it."""
    form = (
        PublicFormat.Raw if isinstance(key, ed25519.Ed25519PublicKey) else PublicFormat.SubjectPublicKeyInfo
    )
    return base64.b64encode(
        key.public_bytes(Encoding.Raw if form is PublicFormat.Raw else Encoding.DER, form)
    ).decode()


RSA2048 = encoded(rsa.generate_private_key(65537, 2048).public_key())
RSA1024 = encoded(rsa.generate_private_key(65537, 1024).public_key())  # noqa: S505 - weak on purpose
ED25519 = encoded(ed25519.Ed25519PrivateKey.generate().public_key())
EC = encoded(ec.generate_private_key(ec.SECP256R1()).public_key())


@pytest.mark.parametrize(
    ("text", "key"),
    [
        (f"v=DKIM1; k=rsa; p={RSA2048}", dkim.Key("rsa", 2048)),
        (f"p={RSA2048[:100]} {RSA2048[100:]}", dkim.Key("rsa", 2048)),
        (f"v=DKIM1; k=ed25519; p={ED25519}; t=y:s", dkim.Key("ed25519", 256, testing=True)),
        (f"v=DKIM1; h=sha1:sha256; s=*; n=a note; p={RSA1024}", dkim.Key("rsa", 1024)),
        ("v=DKIM1; p=", dkim.Key("rsa", 0, revoked=True)),
    ],
    ids=["rsa", "in two parts", "ed25519", "weak", "revoked"],  # not by keys that are new in every process
)
def test_dkim(text: str, key: dkim.Key) -> None:
    """Keys of both types, white space in them, revocation (RFC 6376 §3.6.1, RFC 8463)."""
    assert dkim.parse_key(text) == key


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("v=DKIM1", "no key"),
        (f"v=DKIM2; p={RSA2048}", "DKIM1"),
        (f"p={RSA2048}; v=DKIM1", "beginning"),
        (f"k=dsa; p={RSA2048}", "neither"),
        (f"h=sha1; p={RSA2048}", "sha256"),
        (f"s=tlsrpt; p={RSA2048}", "mail"),
        (f"p={RSA2048[:200]}", "cut or broken"),
        ("p=***", "base64"),
        (f"p={EC}", "none of RSA"),
        (f"k=ed25519; p={RSA2048}", "octets"),
    ],
    ids=str.split("no-key version order algorithm hash service cut base64 curve mixed"),
)
def test_bad_dkim(text: str, why: str) -> None:
    """What is wrong is said."""
    with pytest.raises(PolicyError, match=why):
        dkim.parse_key(text)


def test_dkim_of_a_domain() -> None:
    """Each selector by itself: good, short, revoked, gone, doubled."""
    judged = dkim.judge(
        {
            "good": [f"p={RSA2048}"],
            "short": [f"p={RSA1024}"],
            "old": ["p="],
            "gone": [],
            "two": [f"p={RSA2048}"] * 2,
        }
    )
    assert (judged.present, judged.valid) == (True, False)
    assert [(item.kind, item.subject) for item in judged.findings] == [
        ("dkim_weak", "short"),
        ("dkim_invalid", "old"),
        ("dkim_invalid", "gone"),
        ("dkim_invalid", "two"),
    ]
    assert dkim.judge({"good": [f"p={RSA2048}"]}).valid
    assert dkim.judge({"gone": []}).present is False


@pytest.mark.parametrize("parse", [dmarc.parse_record, dkim.parse_key, tls_rpt.parse_record])
@pytest.mark.parametrize("prefix", ["", "v=DMARC1; p=none;", "v=DKIM1; p=AAAA;", "v=TLSRPTv1; rua="])
@given(text=st.text(max_size=200))
def test_hostile_records(parse: Callable[[str], object], prefix: str, text: str) -> None:
    """One error and no other, and its words can be printed."""
    at_most_refused(lambda: parse(prefix + text))


def test_reverse_dns() -> None:
    """A name that leads back; none; one that leads elsewhere."""
    good = Pointer("mx1.test", "192.0.2.1", {"x.test": [], "mx1.test": ["192.0.2.1"]})
    assert reverse.judge([good]).valid
    judged = reverse.judge(
        [good, Pointer("mx1.test", "192.0.2.2", {}), Pointer("b", "2001:db8::1", {"b": ["::1"]})]
    )
    assert (judged.valid, said(judged)) == (False, [("reverse_dns_invalid", "info")] * 2)
    assert reverse.judge([]).present is None
