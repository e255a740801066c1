"""What the mail tests share: certificates, checks, and a context to run them in."""

import asyncio
import datetime as dt
import ssl
import time
import warnings
from collections.abc import Coroutine
from typing import Any, TypeVar, cast

import trustme
import uvloop
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from netmon.icmp import Pinger
from netmon.mail.memory import Memory
from netmon.mail.slots import Slots
from netmon.mail.tls import TrustStores
from netmon.model import Check, CheckKey, Host, Observation
from netmon.probes import PROBES
from netmon.probes.base import Context
from netmon.resolver import Resolver

LOOPS = {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}
AGENT = "probe.example.test"
T = TypeVar("T")


def run_on(loop: str, work: Coroutine[Any, Any, T]) -> T:
    """Run on the event loop called `loop`."""
    with asyncio.Runner(loop_factory=LOOPS[loop]) as runner:
        return runner.run(work)


def server_context(cert: trustme.LeafCert) -> ssl.SSLContext:
    """A server's context with that certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    cert.configure_cert(context)
    return context


def old_context(cert: trustme.LeafCert) -> ssl.SSLContext:
    """A server's context that knows nothing newer than TLS 1.1."""
    context = server_context(cert)
    context.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = ssl.TLSVersion.TLSv1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
    return context


def self_signed(name: str, key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | None = None) -> bytes:
    """Key and self-signed certificate in PEM; the key is a good one unless one is given."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=100))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ) + certificate.public_bytes(serialization.Encoding.PEM)


def make_check(
    port: int,
    *,
    probe: str = "smtp",
    address: str = "127.0.0.1",
    deadline: float = 10.0,
    timeout: float = 5.0,
    **settings: Any,
) -> Check:
    """A check of the host `mx1` on `port` by a probe; `settings` as in the config."""
    kind = PROBES[probe]
    bound = kind.settings.model_validate({"port": port, **settings})
    return Check(
        key=CheckKey("mx1", probe, f"mx1:{port}"),
        host=Host("mx1", address),
        settings=bound,
        interval=60.0,
        timeout=timeout,
        retries=0,
        deadline=deadline,
        role=kind.role(bound),
        required=getattr(bound, "required", True),
    )


def make_context(**parts: Any) -> Context:
    """A context without an SNMP client."""
    given = {
        "agent_name": AGENT,
        "snmp": cast("Any", None),
        "pinger": Pinger(),
        "resolver": Resolver(),
        "trust": TrustStores(),
        "slots": Slots(),
        "wall": time.time,
        "memory": Memory(),
    }
    return Context(**{**given, **parts})


def series(observation: Observation) -> dict[tuple[str, ...], float]:
    """The observation's own series: (family, label values...) -> value."""
    return {
        (column.family.name, *row): value
        for table in observation.own
        for column in table.columns
        for row, value in zip(table.rows, column.values, strict=True)
        if value is not None
    }


def kinds(observation: Observation) -> dict[str, str]:
    """The observation's findings: kind -> severity."""
    return {finding.kind: finding.severity.value for finding in observation.findings}
