"""TLSA records against real certificates (RFC 6698, RFC 7671, RFC 7672)."""

from hashlib import sha256, sha512

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st

from netmon.mail.policy import dane
from netmon.mail.policy.dane import Association, Server
from netmon.mail.policy.judged import PolicyError
from netmon.mail.policy.presented import Presented
from tests.unit.mail.policy.making import days, said, spki

MX = "mx1.example.test"
DOMAIN = "example.test"


def der(pem: bytes) -> bytes:
    """PEM as DER."""
    return x509.load_pem_x509_certificate(pem).public_bytes(Encoding.DER)


def chain_of(cert: trustme.LeafCert) -> tuple[bytes, ...]:
    """The chain that a server with that certificate presents."""
    return tuple(der(pem.bytes()) for pem in cert.cert_chain_pems)


CA = trustme.CA()
ROOT = der(CA.cert_pem.bytes())
OTHER = der(trustme.CA().cert_pem.bytes())
LEAF = (*chain_of(CA.issue_cert(MX)), ROOT)
_MIDDLE = CA.create_child_ca()
LONG = (*chain_of(_MIDDLE.issue_cert(MX)), ROOT)
EXPIRED = (*chain_of(CA.issue_cert(MX, not_before=days(-9), not_after=days(-1))), ROOT)
MISNAMED = (*chain_of(CA.issue_cert("www.example.test")), ROOT)
FOR_DOMAIN = (*chain_of(CA.issue_cert(DOMAIN)), ROOT)


def record(usage: int, selector: int, matching: int, of: bytes) -> Association:
    """The record that means a certificate."""
    data = of if selector == 0 else spki(of)
    data = {0: data, 1: sha256(data).digest(), 2: sha512(data).digest()}[matching]
    return Association(usage, selector, matching, data)


@pytest.mark.parametrize("matching", [0, 1, 2])
@pytest.mark.parametrize("selector", [0, 1])
@pytest.mark.parametrize(("usage", "of"), [(3, LEAF[0]), (2, ROOT)])
def test_each_sort_matches(usage: int, of: bytes, selector: int, matching: int) -> None:
    """Whole certificate or key, in full or as a digest, of the server or of its issuer."""
    wanted = record(usage, selector, matching, of)
    dane.check_usable(wanted)
    match = dane.judge([wanted], LEAF, (MX, DOMAIN))
    assert match.valid, match.why
    assert match.matched == (wanted,)


@pytest.mark.parametrize(
    ("wanted", "chain", "why"),
    [
        (record(3, 1, 1, OTHER), LEAF, "none of 1 TLSA records"),
        (record(3, 1, 1, ROOT), LEAF, "none of 1"),  # DANE-EE means the server's own alone
        (record(2, 1, 1, OTHER), LEAF, "none of 1"),
        (record(2, 1, 1, OTHER), (*LEAF, OTHER), "does not lead to it"),
        (record(2, 1, 1, ROOT), MISNAMED, "not for mx1.example.test or example.test"),
        (record(2, 1, 1, ROOT), EXPIRED, "certificate has expired"),
        (record(3, 1, 1, LEAF[0]), (), "no certificate"),
        (record(3, 1, 1, LEAF[0]), (b"junk",), "none of 1"),
    ],
)
def test_what_does_not_match(wanted: Association, chain: tuple[bytes, ...], why: str) -> None:
    """Another key, a chain to elsewhere, another name, an end of time under DANE-TA."""
    match = dane.judge([wanted], chain, (MX, DOMAIN))
    assert not match.valid
    assert why in match.why


@pytest.mark.parametrize("chain", [EXPIRED, MISNAMED])
def test_dane_ee_looks_at_nothing_but_the_key(chain: tuple[bytes, ...]) -> None:
    """RFC 7672 §3.1.1: names and times do not count."""
    assert dane.judge([record(3, 1, 1, chain[0])], chain, (MX,)).valid


def test_dane_ta_over_an_intermediate_and_for_the_domain() -> None:
    """Root or intermediate may be meant, and the certificate may be for the domain (§3.2.2)."""
    assert dane.judge([record(2, 1, 1, ROOT)], LONG, (MX, DOMAIN)).valid
    assert dane.judge([record(2, 0, 1, LONG[1])], LONG, (MX, DOMAIN)).valid
    assert dane.judge([record(2, 1, 1, ROOT)], FOR_DOMAIN, (MX, DOMAIN)).valid


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        (Association(0, 1, 1, bytes(32)), "PKIX-TA"),
        (Association(1, 1, 1, bytes(32)), "PKIX-EE"),
        (Association(4, 1, 1, bytes(32)), "usage 4"),
        (Association(3, 2, 1, bytes(32)), "selector 2"),
        (Association(3, 1, 3, bytes(32)), "matching type 3"),
        (Association(3, 1, 1, bytes(31)), "31 octets are no digest"),
        (Association(3, 1, 2, bytes(32)), "32 octets are no digest"),
        (Association(3, 0, 0, b"junk"), "no certificate"),
        (Association(3, 1, 0, b"junk"), "no public key"),
        (Association(3, 0, 0, bytes(20_000)), "more than"),
        (Association(3, 1, 1, b""), "0 octets"),
    ],
)
def test_unusable(bad: Association, why: str) -> None:
    """What SMTP cannot use is refused with the reason, not taken for a mismatch."""
    with pytest.raises(PolicyError, match=why):
        dane.check_usable(bad)


@given(
    st.integers(0, 255),
    st.integers(0, 255),
    st.integers(0, 255),
    st.binary(max_size=200),
    st.binary(max_size=300),
)
def test_hostile_records(usage: int, selector: int, matching: int, data: bytes, cert: bytes) -> None:
    """Whatever DNS and the server say, there is one error and no other."""
    bad = Association(usage, selector, matching, data)
    try:
        dane.check_usable(bad)
    except PolicyError:
        return
    assert dane.judge([bad], [cert, LEAF[0]], (MX,)).valid in {True, False}


GOOD = record(3, 1, 1, LEAF[0])
SEEN = Presented(MX, "192.0.2.1", chain=LEAF)
NO_TLS = Presented(MX, "192.0.2.1", fault="the server does not offer STARTTLS", no_tls=True)
AWAY = Presented(MX, "192.0.2.1", fault="192.0.2.1 port 25 does not answer")


@pytest.mark.parametrize(
    ("server", "presented", "valid", "findings"),
    [
        (Server(MX, (GOOD,), secure=True), SEEN, True, []),
        (Server(MX, (record(3, 1, 1, OTHER),), secure=True), SEEN, False, [("dane_invalid", "fault")]),
        (Server(MX, (GOOD,), secure=True), NO_TLS, False, [("dane_invalid", "fault")]),
        (Server(MX, (GOOD,), secure=True), AWAY, None, []),
        (Server(MX, (GOOD,)), SEEN, None, [("dane_not_checked", "info")]),
        (Server(MX, secure=True, failed=True), SEEN, False, [("dane_invalid", "fault")]),
        (Server(MX), SEEN, None, [("policy_missing", "info")]),
        (
            Server(MX, (Association(1, 1, 1, bytes(32)),), secure=True),
            SEEN,
            None,
            [("dane_unusable", "risk")],
        ),
        (
            Server(MX, (GOOD, record(3, 1, 1, OTHER)), secure=True),
            SEEN,
            True,
            [("dane_rollover", "info")],
        ),
        (Server(MX, (record(3, 0, 1, LEAF[0]),), secure=True), SEEN, True, [("dane_rollover", "info")]),
    ],
)
def test_a_domain(
    server: Server,
    presented: Presented,
    valid: bool | None,  # noqa: FBT001
    findings: list[tuple[str, str]],
) -> None:
    """A fault only where senders with DANE would not deliver; what cannot be looked at is none."""
    judged, servers = dane.judge_domain(DOMAIN, [server], [presented], validating=True)
    assert (judged.valid, said(judged)) == (valid, findings)
    assert servers == ({} if valid is None else {MX: valid})


def test_without_a_validating_resolver_nothing_is_believed() -> None:
    """A mismatch is no fault then; it is said that the records are not used."""
    bad = Server(MX, (record(3, 1, 1, OTHER),))
    judged, servers = dane.judge_domain(DOMAIN, [bad], [SEEN], validating=False)
    assert (judged.present, judged.valid, servers) == (True, None, {})
    assert said(judged) == [("dane_not_checked", "info")]
    assert "dns.validating" in judged.findings[0].text


def test_one_bad_address_and_an_unprotected_server() -> None:
    """One address with another certificate makes the MX invalid; an MX without records is told."""
    other = Presented(MX, "192.0.2.2", chain=MISNAMED)
    servers = [Server(MX, (GOOD,), secure=True), Server("mx2.example.test", secure=True)]
    judged, valid = dane.judge_domain(DOMAIN, servers, [SEEN, other], validating=True)
    assert valid == {MX: False}
    assert said(judged) == [("dane_invalid", "fault"), ("policy_missing", "info")]
    assert "192.0.2.2" in judged.findings[0].text
