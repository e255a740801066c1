"""What replies say, in bounded words; and the trail that keeps them."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netmon.mail import esmtp
from netmon.mail.faults import MailError
from netmon.mail.report import certificate_findings, tls_tables
from netmon.mail.tls import Certificate, ChainFault, TlsFacts
from netmon.mail.tls_layer import TlsLayer
from netmon.mail.trail import LINES, WIDTH, Trail, printable
from netmon.mail.wire import Protocol


@pytest.mark.parametrize(
    ("banner", "name", "software"),
    [
        ("mx1.example.org ESMTP Postfix (Debian/GNU)", "mx1.example.org", "Postfix"),
        ("mx1.example.org ESMTP Exim 4.96 Mon, 23 Nov 2026 10:00:00 +0000", "mx1.example.org", "Exim"),
        ("mx.google.com ESMTP 5b1f17b1804b1-43 - gsmtp", "mx.google.com", "Google"),
        ("MX.Example.ORG Microsoft ESMTP MAIL Service ready at Mon, 23 Nov", "mx.example.org", "Microsoft"),
        ("[192.0.2.1] ESMTP", "[192.0.2.1]", "other"),
        ("mx1 waits\nmx2.example.org ESMTP OpenSMTPD", "mx2.example.org", "OpenSMTPD"),
        ("*** ****", "", "other"),
        ("", "", "other"),
        ("a" * 300 + " ESMTP", "", "other"),
        ("<script>alert(1)</script>", "", "other"),
    ],
)
def test_greeting(banner: str, name: str, software: str) -> None:
    """Only the name and a known software come out of a banner; no time, no identifier."""
    assert esmtp.greeting(banner) == (name, software)


@given(st.dictionaries(st.text(), st.text()))
def test_capabilities_are_bounded(extensions: dict[str, str]) -> None:
    """Whatever EHLO says, label values come from the closed list."""
    assert set(esmtp.capabilities(extensions)) <= esmtp._CAPABILITIES | {"other"}
    assert len(esmtp.capabilities(extensions)) <= len(extensions)


@pytest.mark.parametrize(
    ("extensions", "size"),
    [
        ({"size": "20480000"}, 20480000),
        ({"size": "0"}, 0),
        ({"size": ""}, None),
        ({"size": "-1"}, None),
        ({"size": "²"}, None),
        ({"size": "9" * 21}, None),
        ({}, None),
    ],
)
def test_max_message_bytes(extensions: dict[str, str], size: int | None) -> None:
    """SIZE is up to twenty digits (RFC 1870 §4), and nothing else counts."""
    assert esmtp.max_message_bytes(extensions) == size


@pytest.mark.parametrize(
    ("text", "ours"),
    [
        ("5.7.1 Access denied", True),
        ("4.7.25 Client host rejected: cannot find your hostname", True),
        ("Your address is listed on a DNSBL", True),
        ("4.3.2 Service shutting down", False),
        ("5.3.2 STARTTLS is required", False),
        ("No SMTP service here", False),
        ("4.3.1 Insufficient system storage", False),
        ("4.3.1 <unknown[192.0.2.10]>: Client host rejected: Insufficient system storage", False),
    ],
)
def test_refusals_of_ourselves(text: str, ours: bool) -> None:  # noqa: FBT001
    """Policy codes (RFC 3463 §3.8) and the usual words tell a refusal of us from a server's state."""
    assert esmtp.about_us(text) is ours


@given(st.lists(st.binary(max_size=200), max_size=40))
def test_trail_is_printable_and_bounded(pieces: list[bytes]) -> None:
    """However bytes arrive, every line prints and none is too long."""
    trail = Trail()
    for piece in pieces:
        trail.received(piece)
    assert all(line.isprintable() for line in trail.lines())


def test_trail_keeps_lines_whole_over_pieces() -> None:
    """A line that comes byte by byte is one line."""
    trail = Trail()
    for byte in b"220 hi\r\n250-":
        trail.received(bytes([byte]))
    assert trail.lines() == ("S: 220 hi", "S: 250- (no end of line)")


def test_trail_is_cut() -> None:
    """Too many lines and too long lines are cut, and say so."""
    trail = Trail()
    trail.received(b"x" * 1_000_000 + b"\n")
    assert trail.lines() == (f"S: {'x' * WIDTH}...",)
    for _ in range(10):
        trail.received(b"y\n" * LINES)
    assert len(trail.lines()) == LINES + 1
    assert trail.lines()[-1].endswith("more lines")


class Mute(TlsLayer):
    """Takes records that hold nothing for us, as session tickets are."""

    def __init__(self) -> None:
        self.established, self.ended = True, False

    def receive(self, data: bytes) -> bytes:
        """Nothing."""
        del data
        return b""

    def unsent(self) -> bytes:
        """Nothing."""
        return b""


async def test_a_flood_is_cut_off() -> None:
    """A server that never stops is hung up on long before the deadline, so that others are served."""

    class Door(asyncio.Transport):
        """The connection."""

        open = True

        def abort(self) -> None:
            """It is given up."""
            self.open = False

    protocol, door = Protocol(asyncio.get_running_loop(), Trail()), Door()
    protocol.connection_made(door)
    waiting = asyncio.create_task(protocol.read_response())
    await asyncio.sleep(0)
    protocol.tls = Mute()
    for number in range(80):
        assert door.open or number >= 64
        protocol.data_received(bytes(65536))
    assert not door.open
    with pytest.raises(MailError, match="more than 4 MiB"):
        await waiting


def test_trail_hides_a_command_that_is_repeated() -> None:
    """Neither what was sent in a login, as it was sent, nor its beginning where a long line is cut."""
    trail = Trail()
    trail.conceal("swordfish")
    trail.sent(b"AUTH", b"PLAIN", b"AHByb2JlAHN3b3JkZmlzaA==", hidden=True)
    trail.received(b"535 no: AUTH PLAIN AHByb2JlAHN3b3JkZmlzaA==\r\n")
    trail.received(b"x" * (WIDTH - 15) + b"AHByb2JlAHN3b3JkZmlzaA==\r\n")
    said = trail.lines()[1:]
    assert said[0] == "S: 535 no: AUTH PLAIN <secret>"
    assert said[1] == f"S: {'x' * (WIDTH - 15)}<secret>..."


def test_trail_hides_what_may_be_secret() -> None:
    """Commands that are not known to be harmless are shown without their arguments."""
    trail = Trail()
    trail.sent(b"EHLO", b"me")
    trail.sent(b"AUTH", b"PLAIN", b"AGFsaWNlAHBhc3N3b3Jk")
    trail.sent(b"AGFsaWNlAHBhc3N3b3Jk")
    trail.sent(b"QUIT", hidden=True)  # three octets of a password in base64
    assert trail.lines() == ("C: EHLO me", "C: AUTH PLAIN <secret>", "C: <secret>", "C: <secret>")


def test_trail_hides_what_a_server_repeats() -> None:
    """A secret is hidden in replies and notes too, plain and in base64, even in pieces."""
    trail = Trail()
    trail.conceal("sword/fish", "abc")
    trail.received(b"535 no user with sword/f")
    trail.received(b"ish, c3dvcmQvZmlzaA== is abc\r\n")
    trail.note("said sword/fish")
    assert trail.lines() == ("S: 535 no user with <secret>, <secret> is abc", "* said <secret>")
    assert trail.cleaned("sword/fish") == "<secret>"


def test_printable() -> None:
    """Bidirectional marks and control characters are escaped, letters of any script are not."""
    assert printable("żółw \u202e \x1b \x00".encode()) == r"żółw \u202e \x1b \x00"


def facts(certificate: Certificate, *, name_valid: bool = True) -> TlsFacts:
    """A session with that certificate."""
    return TlsFacts("TLSv1.3", "TLS_AES_128_GCM_SHA256", certificate, name_valid)


@pytest.mark.parametrize("strict", [False, True])
def test_stale_certificate_beside_the_chain(strict: bool) -> None:  # noqa: FBT001
    """An expired certificate that the valid chain does not use is told by the metric, and is no finding."""
    seen = facts(Certificate("", not_after=900.0, chain_not_after=50.0, used_not_after=800.0))
    assert certificate_findings(seen, "mx", warn=10, strict=strict, now=100.0) == []
    assert [f.kind for f in certificate_findings(seen, "mx", warn=750, strict=strict, now=100.0)] == [
        "certificate_expiring"
    ]


def test_expired_issuer() -> None:
    """Where not the server's own certificate ended, the chain is what is wrong."""
    seen = facts(
        Certificate("certificate has expired", ChainFault.EXPIRED, not_after=900.0, used_not_after=900.0)
    )
    found = certificate_findings(seen, "mx", warn=10, strict=True, now=100.0)
    assert [f.kind for f in found] == ["certificate_chain_invalid"]


def test_no_expiry_without_a_certificate() -> None:
    """An unreadable certificate has no expiry; it did not end in 1970."""
    tables = tls_tables(facts(Certificate("unreadable"), name_valid=False))
    families = [column.family.name for table in tables for column in table.columns]
    assert families == ["netmon_tls_info", "netmon_tls_chain_valid", "netmon_tls_name_valid"]
