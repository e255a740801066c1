"""Expressions, names, hashes and the transcript: the pure parts of `/probe`."""

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID, ObjectIdentifier

from netmon.tcpprobe.expressions import Expression, as_octets, as_text, expand
from netmon.tcpprobe.names import cipher_suite, distinguished
from netmon.tcpprobe.report import address_hash
from netmon.tcpprobe.transcript import Transcript


@pytest.mark.parametrize(
    ("expression", "line", "template", "wanted"),
    [
        ("^220 ([^ ]+)", b"220 mx.example.org ESMTP", "<${1}>", b"<mx.example.org>"),
        ("(?P<a>x+)(y)?", b"..xx", "$a|${a}|$2|$9|$b|$$|$", b"xx|xx||||$|$"),
        ("(x)", b"x", "$1y ${1}y", b" xy"),
        ("^caf. (.*)$", b"caf\xe9 \xff\xfe", "$1", b"\xff\xfe"),
        ("\u00e9(.)", "\u00e9\u00e8".encode(), "$1", "\u00e8".encode()),
    ],
)
def test_expansion(expression: str, line: bytes, template: str, wanted: bytes) -> None:
    """Templates are Go's; octets that are no UTF-8 match a dot and come out as they came."""
    compiled = Expression(expression)
    match = compiled.search(line)
    assert match is not None
    assert as_octets(expand(compiled.template(template), match)) == wanted


def test_octets_survive() -> None:
    """Any octets make a text from which they come again."""
    octets = bytes(range(256))
    assert as_octets(as_text(octets)) == octets


def test_distinguished_names() -> None:
    """The order is Go's: what it does not know by number first, its own kinds from the last to the first."""
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "CH"),
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "a"),
            x509.NameAttribute(NameOID.COMMON_NAME, "first"),
            x509.NameAttribute(NameOID.COMMON_NAME, " mx,1 "),
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "#b"),
            x509.NameAttribute(NameOID.EMAIL_ADDRESS, "a@b"),
            x509.NameAttribute(ObjectIdentifier("1.2.3.4"), "x" * 200),
        ]
    )
    long = "1381c8" + b"x".hex() * 200
    assert (
        distinguished(name)
        == f"CN=\\ mx\\,1\\ ,OU=a+OU=\\#b,C=CH,1.2.3.4=#{long},1.2.840.113549.1.9.1=#0c03614062"
    )
    assert distinguished(x509.Name([])) == ""


@pytest.mark.parametrize(
    ("openssl", "iana"),
    [
        ("TLS_AES_128_GCM_SHA256", "TLS_AES_128_GCM_SHA256"),
        ("ECDHE-RSA-AES128-GCM-SHA256", "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"),
        ("ECDHE-ECDSA-CHACHA20-POLY1305", "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256"),
        ("ECDHE-RSA-AES256-SHA", "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA"),
        ("AES256-SHA256", "TLS_RSA_WITH_AES_256_CBC_SHA256"),
        ("AES128-GCM-SHA256", "TLS_RSA_WITH_AES_128_GCM_SHA256"),
    ],
)
def test_cipher_suites(openssl: str, iana: str) -> None:
    """OpenSSL's names become IANA's."""
    assert cipher_suite(openssl) == iana


def test_address_hash() -> None:
    """FNV-1a over the address's octets."""
    assert address_hash("127.0.0.1") == 3668918509  # as blackbox_exporter has it


def test_transcript_hides_what_may_be_secret() -> None:
    """Only harmless commands are shown whole; what was hidden is hidden in the answers too."""
    transcript = Transcript(lambda: 0.0)
    transcript.sent(b"EHLO prober\r\nAUTH PLAIN c3dvcmRmaXNo\r\n")
    transcript.sent(b". LOGIN ana swordfish\r\n")
    transcript.sent(b"c3dvcmRmaXNo\r\n")
    transcript.sent(b". STARTTLS\n")
    transcript.received(b"535 bad user ana with swordfish or c3dvcmRmaXNo\x1b[2J\xff")
    transcript.say('the server said "535 swordfish", which ^5 rejects')
    text = transcript.text()
    assert "EHLO prober" in text
    assert ". STARTTLS" in text
    assert "AUTH <secret>" in text
    assert ". LOGIN <secret>" in text
    assert "swordfish" not in text
    assert "c3dvcmRmaXNo" not in text
    assert "\x1b" not in text
    assert "bad user ana with <secret>" in text


def test_transcript_is_bounded() -> None:
    """An endless conversation makes no endless page."""
    transcript = Transcript(lambda: 0.0, limit=10)
    for _ in range(1000):
        transcript.received(b"x" * 100_000)
    assert len(transcript.text()) < 10_000
    assert "990 lines more" in transcript.text()
