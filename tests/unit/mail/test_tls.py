"""Certificates judged: names, chains, times; pure but for reading a CA file."""

import datetime as dt
import os
import ssl
import subprocess
from pathlib import Path

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives import serialization as forms
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from netmon.errors import Reason
from netmon.mail.faults import MailError
from netmon.mail.keys import Key, weaknesses
from netmon.mail.tls import (
    ChainFault,
    TlsFacts,
    TrustError,
    TrustStores,
    handshake_fault,
    matches,
    presented_chain,
)
from netmon.tcpprobe.records import TlsSettings
from netmon.tcpprobe.session import client_context

NOW = dt.datetime.now(dt.UTC).timestamp()
DAY = 86400.0


def handshake(server: ssl.SSLContext, client: ssl.SSLContext) -> ssl.SSLObject:
    """A finished handshake in memory; the client's side."""
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    ours = client.wrap_bio(back, there, server_hostname="mail.example.test")
    theirs = server.wrap_bio(there, back, server_side=True)
    for _ in range(4):
        for side in (ours, theirs):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    return ours


def facts(cert: trustme.LeafCert, ca_file: Path | None, *, name: str = "mail.example.test") -> TlsFacts:
    """What a fresh TrustStores says of that certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    cert.configure_cert(context)
    trust = TrustStores()
    return trust.examine(handshake(context, trust.context), name, str(ca_file) if ca_file else None, NOW)


@pytest.fixture(scope="module")
def ca() -> trustme.CA:
    """A certificate authority that no system trusts."""
    return trustme.CA()


@pytest.fixture(scope="module")
def ca_file(ca: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its certificate as a file."""
    path = tmp_path_factory.mktemp("tls") / "ca.pem"
    ca.cert_pem.write_to_path(str(path))
    return path


@pytest.mark.parametrize(
    ("names", "wanted", "valid"),
    [
        (["mx1.example.org"], "mx1.example.org", True),
        (["MX1.Example.ORG"], "mx1.example.org.", True),
        (["mx1.example.org"], "mx2.example.org", False),
        (["*.example.org"], "mx1.example.org", True),
        (["*.example.org"], "example.org", False),
        (["*.example.org"], "a.mx1.example.org", False),
        (["*.org"], "example.org", False),
        (["*"], "localhost", False),
        (["mx*.example.org"], "mx1.example.org", False),
        (["*.*.example.org"], "a.b.example.org", False),
        (["xn--bcher-kva.example"], "bücher.example", True),
        (["192.0.2.1"], "192.0.2.1", True),
        (["2001:db8::1"], "2001:DB8:0::1", True),
        (["2001:db8::1"], "[2001:db8::1]", True),
        (["*.0.2.1"], "192.0.2.1", False),
        ([], "mx1.example.org", False),
        ([""], "", False),
    ],
)
def test_names(names: list[str], wanted: str, valid: bool) -> None:  # noqa: FBT001
    """RFC 9525 §6: whole labels, one wildcard on the left, addresses only as addresses."""
    assert matches(names, wanted) is valid


def test_a_good_chain(ca: trustme.CA, ca_file: Path) -> None:
    """A chain over an intermediate leads to the trusted root, and its times are told."""
    cert = ca.create_child_ca().issue_cert(
        "mail.example.test", not_after=dt.datetime.fromtimestamp(NOW + 9 * DAY, dt.UTC)
    )
    seen = facts(cert, ca_file)
    assert (seen.chain_valid, seen.name_valid) == (True, True)
    assert seen.certificate.not_after == pytest.approx(NOW + 9 * DAY, abs=1)
    assert seen.certificate.chain_not_after == seen.certificate.used_not_after == seen.certificate.not_after


def test_out_of_its_time(ca: trustme.CA, ca_file: Path) -> None:
    """Ended and not yet begun are told apart, and an end is known to be all that is wrong."""
    day = dt.timedelta(days=1)
    now = dt.datetime.fromtimestamp(NOW, dt.UTC)
    early = facts(ca.issue_cert("mail.example.test", not_before=now + day, not_after=now + 2 * day), ca_file)
    late = facts(ca.issue_cert("mail.example.test", not_before=now - 2 * day, not_after=now - day), ca_file)
    assert early.certificate.chain_error.startswith("certificate is not yet valid")
    assert late.certificate.chain_error == "certificate has expired"
    assert early.certificate.fault is ChainFault.NOT_YET_VALID
    assert late.certificate.fault is ChainFault.EXPIRED


def test_a_kept_judgement_ends_with_the_certificate(ca: trustme.CA, ca_file: Path) -> None:
    """Judgements are remembered, for an hour at most, and never past the next change of a validity."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    end = dt.datetime.fromtimestamp(int(NOW) + 100, dt.UTC)
    ca.issue_cert("mail.example.test", not_after=end).configure_cert(context)
    trust = TrustStores()
    session = handshake(context, trust.context)
    for now in (NOW, NOW + 50):
        trust.examine(session, "mail.example.test", str(ca_file), now)
        (kept,) = trust._judged.values()
        assert (kept.since, kept.until) == (NOW, end.timestamp())
    trust.examine(session, "mail.example.test", str(ca_file), NOW + 101)
    (anew,) = trust._judged.values()
    assert (anew.since, anew.until) == (NOW + 101, NOW + 101 + 3600)


def test_a_changed_ca_file_counts_at_once(ca: trustme.CA, tmp_path: Path) -> None:
    """Replacing the file changes the next judgement."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("mail.example.test").configure_cert(context)
    trust, path = TrustStores(), tmp_path / "ca.pem"
    session = handshake(context, trust.context)
    trustme.CA().cert_pem.write_to_path(str(path))
    assert not trust.examine(session, "mail.example.test", str(path), NOW).chain_valid
    replacement = tmp_path / "new.pem"
    ca.cert_pem.write_to_path(str(replacement))
    replacement.rename(path)
    assert trust.examine(session, "mail.example.test", str(path), NOW).chain_valid
    assert len(trust._stores) == 1


@pytest.mark.parametrize("content", [None, b"", b"no certificate"])
def test_an_unusable_ca_file(content: bytes | None, ca: trustme.CA, tmp_path: Path) -> None:
    """A missing or empty CA file is an error that names it."""
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(TrustError, match=r"ca\.pem"):
        facts(ca.issue_cert("mail.example.test"), path)


def test_a_thousand_names(ca: trustme.CA, ca_file: Path) -> None:
    """A certificate for a thousand names is searched, not refused."""
    cert = ca.issue_cert(*(f"h{number}.example.test" for number in range(1000)))
    assert facts(cert, ca_file, name="h999.example.test").name_valid
    assert not facts(cert, ca_file, name="h1000.example.test").name_valid


def test_a_certificate_for_clients_only(tmp_path: Path) -> None:
    """A certificate that may not serve is not a valid chain, whoever signed it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "client")])
    now = dt.datetime.fromtimestamp(NOW, dt.UTC)
    certificate = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "both.pem"
    public = certificate.public_bytes(forms.Encoding.PEM)
    private = key.private_bytes(forms.Encoding.PEM, forms.PrivateFormat.PKCS8, forms.NoEncryption())
    path.write_bytes(private + public)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    trust = TrustStores()
    seen = trust.examine(handshake(context, trust.context), "client", str(path), NOW)
    assert "not for servers" in seen.certificate.chain_error
    assert seen.certificate.names == ()


def test_keys_and_signatures_that_are_too_weak(ca: trustme.CA, ca_file: Path, tmp_path: Path) -> None:
    """The kind and size of a key are told, one under 2048 bits is weak, and its session's facts stay."""
    good = facts(ca.issue_cert("mail.example.test"), ca_file).certificate
    assert (str(good.key), good.weaknesses, good.self_signed) == ("EC 256 bits", (), False)
    strong = facts(ca.issue_cert("mail.example.test", key_type=trustme.KeyType.RSA), ca_file).certificate
    assert (strong.key, strong.weaknesses) == (Key("rsa", 2048), ())
    key = rsa.generate_private_key(65537, 1024)  # noqa: S505 - weak on purpose
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "weak")])
    now = dt.datetime.fromtimestamp(NOW, dt.UTC)
    weak = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "both.pem"
    private = key.private_bytes(forms.Encoding.PEM, forms.PrivateFormat.PKCS8, forms.NoEncryption())
    path.write_bytes(private + weak.public_bytes(forms.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    context.load_cert_chain(path)
    trust = TrustStores()
    seen = trust.examine(handshake(context, trust.context), "weak", None, NOW).certificate
    assert (seen.fault, seen.self_signed) == (ChainFault.SELF_SIGNED, True)
    assert seen.weaknesses == ("its key has RSA 1024 bits, under 2048",)


def test_signatures_that_can_be_forged(tmp_path: Path) -> None:
    """SHA-1 under a certificate is weak, under a root that signs itself it is nothing."""
    made = []
    for digest, name in (("sha256", "issuer"), ("sha1", "root")):
        path = tmp_path / name
        subprocess.run(  # cryptography makes no SHA-1 any more
            [
                *("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", f"-{digest}"),
                *("-subj", f"/CN={name}", "-keyout", "/dev/null", "-outform", "DER", "-out", str(path)),
            ],
            check=True,
            capture_output=True,
        )
        made.append(path.read_bytes())
    # The same with the name of the other algorithm (PKCS #1: 11 is with SHA-256, 5 with SHA-1) and another
    # issuer, so that it is no signature of its own.
    algorithm = bytes.fromhex("2a864886f70d0101")
    leaf = made[0].replace(algorithm + b"\x0b", algorithm + b"\x05").replace(b"issuer", b"leaf..", 1)
    chain = [x509.load_der_x509_certificate(der) for der in (leaf, made[1])]
    assert weaknesses(chain) == ("its signature is made with SHA1",)


def test_an_issuer_that_nobody_knows(ca: trustme.CA) -> None:
    """An unknown authority is another fault than a self-signed certificate."""
    seen = facts(ca.issue_cert("mail.example.test"), None).certificate
    assert (seen.fault, seen.self_signed) == (ChainFault.UNKNOWN_ISSUER, False)


def test_unreadable_certificates_are_judged_not_raised() -> None:
    """Garbage in the place of a certificate, or none at all, is a chain error."""
    trust = TrustStores()
    for chain in ([], [b"garbage"], [b"0\x82\xff\xff"]):
        assert trust._certificate(chain, None, NOW).chain_error


@pytest.mark.parametrize(
    ("there", "instead"),
    [(b"\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07", b"\x77"), (b"evilname", b"\xff\xfe")],
    ids=["key", "name"],
)
def test_a_part_that_nobody_can_read(there: bytes, instead: bytes) -> None:
    """A certificate with an unknown curve or a name that is no text, anywhere in a chain, raises nothing."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "evilname")])
    day = dt.datetime.fromtimestamp(NOW, dt.UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), 5, day, day + dt.timedelta(days=9))
    der = builder.sign(key, hashes.SHA256()).public_bytes(forms.Encoding.DER)
    broken = der.replace(there, there[: -len(instead)] + instead)
    assert broken != der
    for chain in ([broken], [der, broken]):
        assert TrustStores()._certificate(chain, None, NOW).chain_error


def test_names_are_remembered_within_bounds(ca: trustme.CA, monkeypatch: pytest.MonkeyPatch) -> None:
    """A server that presents ever other certificates full of names does not fill the memory."""
    monkeypatch.setattr("netmon.mail.tls._NAMES", 250)
    trust = TrustStores()
    for number in range(4):
        pem = ca.issue_cert(*(f"h{number}-{each}.example.test" for each in range(100)))
        der = x509.load_pem_x509_certificate(pem.cert_chain_pems[0].bytes()).public_bytes(forms.Encoding.DER)
        assert len(trust._certificate([der], None, NOW).names) == 100
        assert sum(len(judged.certificate.names) for judged in trust._judged.values()) <= 200
    assert len(trust._judged) == 2


def test_what_was_judged_cannot_be_exchanged() -> None:
    """A server may not renegotiate, and so not present another certificate after the judgement."""
    assert TrustStores().context.options & ssl.OP_NO_RENEGOTIATION
    assert client_context(TlsSettings()).options & ssl.OP_NO_RENEGOTIATION


def test_a_file_that_never_ends(tmp_path: Path) -> None:
    """A pipe or a device in the place of a file is refused, not read: that would hold up everything."""
    pipe = str(tmp_path / "pipe")
    os.mkfifo(pipe)
    with pytest.raises(TrustError, match="no file"):
        TrustStores()._certificate([], pipe, NOW)
    for files in ({"cert_file": pipe, "key_file": pipe}, {"cert_file": __file__, "key_file": pipe}):
        with pytest.raises(MailError, match="no file"):
            client_context(TlsSettings(**files))


def test_the_presented_chain(ca: trustme.CA) -> None:
    """The intermediate is seen as well as the server's own certificate, on every Python."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    cert = ca.create_child_ca().issue_cert("mail.example.test")
    cert.configure_cert(context)
    chain = presented_chain(handshake(context, TrustStores().context))
    assert chain == [ssl.PEM_cert_to_DER_cert(blob.bytes().decode()) for blob in cert.cert_chain_pems]


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ssl.SSLError(1, "[SSL: TLSV1_ALERT_PROTOCOL_VERSION] x"), Reason.TLS_HANDSHAKE),
        (ConnectionResetError(), Reason.CONNECTION_LOST),
        (UnicodeError("label too long"), Reason.TLS_HANDSHAKE),
    ],
)
def test_reasons_of_failed_handshakes(error: Exception, reason: Reason) -> None:
    """OpenSSL's reason decides, not the text around it; a closed connection is no TLS fault."""
    assert handshake_fault(error)[0] is reason
