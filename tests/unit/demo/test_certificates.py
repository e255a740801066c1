"""The demo's certificate authority, judged by OpenSSL."""

import ssl
import stat
import time
from pathlib import Path

import pytest

from netmon.demo.certificates import DAY, Authority

NOW = time.time()


def handshake(client: ssl.SSLContext, server: ssl.SSLContext, name: str) -> ssl.SSLObject:
    """A TLS handshake in memory; raises what the client's verification raises."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    one = client.wrap_bio(to_client, to_server, server_hostname=name)
    other = server.wrap_bio(to_server, to_client, server_side=True)
    for side in (one, other, one, other):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
    return one


def strict_client(authority: Authority) -> ssl.SSLContext:
    """A client that checks chain, name and the form of certificates."""
    client = ssl.create_default_context(cadata=authority.pem.decode())
    client.verify_flags |= ssl.VERIFY_X509_STRICT
    return client


@pytest.mark.parametrize("name", ["mx1.demo.example", "127.62.0.10"])
def test_a_strict_client_accepts_the_chain(tmp_path: Path, name: str) -> None:
    """Certificates satisfy a strict verifier, for a DNS name and for an address."""
    authority = Authority("test CA", NOW)
    identity = authority.issue(("mx1.demo.example", "127.62.0.10"), NOW - DAY, NOW + DAY)
    done = handshake(strict_client(authority), identity.server_context(tmp_path), name)
    assert done.version() == "TLSv1.3"


def test_an_expired_certificate_can_be_made(tmp_path: Path) -> None:
    """The validity is what was asked for, so a script can let a certificate expire."""
    authority = Authority("test CA", NOW)
    identity = authority.issue(("mx1.demo.example",), NOW - 3 * DAY, NOW - DAY)
    with pytest.raises(ssl.SSLCertVerificationError, match="expired"):
        handshake(strict_client(authority), identity.server_context(tmp_path), "mx1.demo.example")


def test_the_key_does_not_stay_on_disk(tmp_path: Path) -> None:
    """Loading an identity leaves no file with its key."""
    Authority("test CA", NOW).issue(("a.example",), NOW - DAY, NOW + DAY).server_context(tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert stat.S_ISDIR(tmp_path.stat().st_mode)


def test_a_server_can_change_its_certificate(tmp_path: Path) -> None:
    """A context that is in use presents the other identity from the next handshake on."""
    authority = Authority("test CA", NOW)
    context = authority.issue(("a.example",), NOW - DAY, NOW + DAY).server_context(tmp_path)
    handshake(strict_client(authority), context, "a.example")
    authority.issue(("b.example",), NOW - DAY, NOW + DAY).load_into(context, tmp_path)
    handshake(strict_client(authority), context, "b.example")
    with pytest.raises(ssl.SSLCertVerificationError, match="not valid for"):
        handshake(strict_client(authority), context, "a.example")
    assert list(tmp_path.iterdir()) == []
