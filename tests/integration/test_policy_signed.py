"""The policy probe against a signed zone, a validating resolver, a mail server and a web server."""

import asyncio
import base64
from collections.abc import Iterator
from contextlib import AsyncExitStack
from hashlib import sha256, sha512
from pathlib import Path
from typing import Any

import pytest
import trustme
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from netmon.errors import Reason
from netmon.mail.policy.memory import PolicyMemory
from netmon.model import Check, CheckKey, Host, Observation, Result, Role
from netmon.probes import policy
from netmon.probes.policy_settings import PolicySettings
from netmon.resolver import Resolver
from tests.servers import evil_smtp as evil
from tests.servers import https
from tests.servers.dnssec import Dns, validating
from tests.servers.knot import knot
from tests.servers.mail_checks import kinds, make_context, run_on, series, server_context

ZONE = "example.test"
CA = trustme.CA()
MX_NAMES = ["mx.example.test", "*.mx.example.test"]
CERT = CA.issue_cert(*MX_NAMES)
STS_CERT = CA.issue_cert("mta-sts.good.example.test", "mta-sts.wrong.example.test")


def _der(pem: bytes) -> bytes:
    return x509.load_pem_x509_certificate(pem).public_bytes(Encoding.DER)


LEAF = _der(CERT.cert_chain_pems[0].bytes())
KEY = (
    x509.load_der_x509_certificate(LEAF)
    .public_key()
    .public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
)
DKIM = base64.b64encode(
    ed25519.Ed25519PrivateKey.generate().public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
).decode()

# Label of the domain and of its MX -> TLSA records.
TLSA = {
    "d311": f"3 1 1 {sha256(KEY).hexdigest()}",
    "d301": f"3 0 1 {sha256(LEAF).hexdigest()}",
    "d312": f"3 1 2 {sha512(KEY).hexdigest()}",
    "d300": f"3 0 0 {LEAF.hex()}",
    "d310": f"3 1 0 {KEY.hex()}",
    "d211": "2 1 1 " + sha256(b"another issuer").hexdigest(),
    "d111": f"1 1 1 {sha256(KEY).hexdigest()}",
    "dbad": "3 1 1 " + sha256(b"another key").hexdigest(),
}


def _zone() -> str:
    lines = ["mx A 127.0.0.1", "*.mx A 127.0.0.1"]
    for label, record in TLSA.items():
        lines += [f"{label} MX 10 {label}.mx", f"{label}.mx A 127.0.0.1", f"*._tcp.{label}.mx TLSA {record}"]
    for label in ("good", "wrong", "lost"):
        lines += [
            f"{label} MX 10 mx",
            f'_mta-sts.{label} TXT "v=STSv1; id=1;"',
            f"mta-sts.{label} A 127.0.0.1",
        ]
    lines += [
        'good TXT "v=spf1 mx -all"',
        '_dmarc.good TXT "v=DMARC1; p=reject; rua=mailto:a@example.test"',
        '_smtp._tls.good TXT "v=TLSRPTv1; rua=mailto:a@example.test"',
        f'key1._domainkey.good TXT "v=DKIM1; k=ed25519; p={DKIM}"',
        "null MX 0 .",
        'null TXT "v=spf1 -all"',
    ]
    return "\n".join(lines)


PLAIN = f"@ MX 10 mx\nmx A 127.0.0.1\n*._tcp.mx TLSA {TLSA['dbad']}\n"


@pytest.fixture(scope="module")
def dns() -> Iterator[Dns]:
    """One zone that is signed and one that is not, behind a validating resolver."""
    zones = {ZONE: _zone(), "plain.test": PLAIN, "bogus.test": "@ MX 10 mx\nmx A 127.0.0.1"}
    with validating(zones, unsigned=("plain.test",), bogus=("bogus.test",)) as running:
        yield running


@pytest.fixture(scope="module")
def ca_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The authority of the mail and web servers."""
    path = tmp_path_factory.mktemp("policy") / "ca.pem"
    CA.cert_pem.write_to_path(str(path))
    return path


def make_check(domain: str, port: int, **settings: Any) -> Check:
    """A check of one domain whose MX listen on `port`."""
    bound = PolicySettings.model_validate({"domain": domain, "port": port, **settings})
    key = CheckKey(domain, "policy", domain)
    return Check(
        key, Host(domain, domain), bound, interval=3600.0, timeout=5.0, retries=0, deadline=20.0,
        role=Role.INBOUND, required=False, digest="1",
    )  # fmt: skip


GOOD = b"version: STSv1\nmode: enforce\nmx: mx.example.test\nmax_age: 604800\n"
OTHER = GOOD.replace(b"mx.ex", b"mx9.ex")


async def look(
    dns: Dns,
    domain: str,
    *,
    validates: bool = True,
    script: evil.Script | None = None,
    answer: https.Answer | None = None,
    times: int = 1,
    **settings: Any,
) -> list[Observation]:
    """Runs of the probe, with a mail server on every MX and a web server for policies."""
    async with AsyncExitStack() as stack:
        smtp = await stack.enter_async_context(evil.serving(script or evil.honest(server_context(CERT))))
        web = await stack.enter_async_context(
            https.serving(server_context(STS_CERT), answer or https.gives(GOOD))
        )
        ctx = make_context(
            resolver=Resolver(["127.0.0.1"], port=dns.port, validating=validates, deadline=5.0),
            policies=PolicyMemory(https_port=web.port),
        )
        check = make_check(domain, smtp.port, **settings)
        seen = [await policy.probe(check, ctx) for _ in range(times)]
        assert smtp.served <= 1
        await ctx.resolver.close()
        return seen


@pytest.mark.parametrize(
    ("label", "valid", "findings"),
    [
        ("d311", 1, {}),
        ("d312", 1, {}),
        ("d310", 1, {}),
        ("d301", 1, {"dane_rollover": "info"}),
        ("d300", 1, {"dane_rollover": "info"}),
        ("d211", 0, {"dane_invalid": "fault"}),
        ("dbad", 0, {"dane_invalid": "fault"}),
        ("d111", None, {"dane_unusable": "risk"}),
    ],
)
async def test_dane_on_a_signed_zone(
    dns: Dns, label: str, valid: int | None, findings: dict[str, str]
) -> None:
    """Records of every sort, by the AD bit of a resolver that validates."""
    (seen,) = await look(dns, f"{label}.{ZONE}")
    assert seen.result is Result.OK, (seen.detail, dns.log())
    told = {kind: weight for kind, weight in kinds(seen).items() if kind.startswith("dane")}
    assert told == findings, seen.trail
    key = ("netmon_dane_valid", f"{label}.{ZONE}", f"{label}.mx.{ZONE}")
    assert series(seen).get(key) == valid


@pytest.mark.parametrize(
    ("domain", "validates"), [(f"dbad.{ZONE}", False), ("plain.test", True)], ids=["resolver", "zone"]
)
async def test_dane_without_validation_is_not_used(dns: Dns, domain: str, validates: bool) -> None:  # noqa: FBT001
    """A mismatch that nobody vouches for is no fault; that it was not used is said."""
    (seen,) = await look(dns, domain, validates=validates)
    assert kinds(seen)["dane_not_checked"] == "info"
    assert "dane_invalid" not in kinds(seen)
    assert not any(name[0] == "netmon_dane_valid" for name in series(seen))
    assert "servers" not in [phase.name for phase in seen.phases]  # nobody was connected to


async def test_dane_without_starttls(dns: Dns) -> None:
    """A server that offers no TLS gets no mail from senders with DANE."""
    (seen,) = await look(dns, f"d311.{ZONE}", script=evil.honest(None))
    assert kinds(seen)["dane_invalid"] == "fault"


@pytest.mark.parametrize("loop", ["asyncio", "uvloop"])
def test_a_domain_that_has_all(loop: str, dns: Dns, ca_file: Path) -> None:
    """Everything is published and true, and the second look within the hour asks nobody."""
    first, again = run_on(loop, look(dns, f"good.{ZONE}", times=2, ca_file=ca_file, dkim=("key1",)))
    assert first.reason is Reason.OK
    assert kinds(first) == {"policy_missing": "info"}, first.trail  # of DANE
    domain = f"good.{ZONE}"
    valid = {key[2]: value for key, value in series(first).items() if key[0] == "netmon_mail_policy_valid"}
    assert valid == dict.fromkeys(("mta_sts", "tls_rpt", "spf", "dkim", "dmarc", "reverse_dns"), 1)
    told = series(first)
    assert told["netmon_mta_sts_valid", domain] == 1
    assert told["netmon_spf_dns_lookups", domain] == 1
    assert told["netmon_mail_policy_present", domain, "dane"] == 0
    assert (again.findings, again.own) == (first.findings, first.own)
    assert "once an hour" in again.trail[0]
    assert again.duration < first.duration


@pytest.mark.parametrize(
    ("answer", "finding", "words"),
    [
        (https.gives(OTHER), ("mta_sts_mismatch", "fault"), "not in the policy"),
        (https.gives(OTHER.replace(b"enforce", b"testing")), ("mta_sts_mismatch", "risk"), "testing"),
        (https.gives(b"<html>"), ("mta_sts_invalid", "risk"), "line 1"),
        (https.says(b"HTTP/1.1 302 x\r\n\r\n"), ("mta_sts_invalid", "risk"), "redirect"),
    ],
)
async def test_mta_sts(
    dns: Dns, ca_file: Path, answer: https.Answer, finding: tuple[str, str], words: str
) -> None:
    """A policy that does not name the MX, and what is no policy."""
    (seen,) = await look(dns, f"good.{ZONE}", answer=answer, ca_file=ca_file)
    assert finding in kinds(seen).items()
    assert words in next(item.text for item in seen.findings if item.kind == finding[0])
    assert series(seen)["netmon_mta_sts_valid", f"good.{ZONE}"] == 0


async def test_mta_sts_certificates(dns: Dns, ca_file: Path) -> None:
    """The web server's certificate, and then the MX's: for another name, or of nobody's trust."""
    (seen,) = await look(dns, f"lost.{ZONE}", ca_file=ca_file)
    assert "certificate of mta-sts.lost.example.test is not valid" in str(seen.findings)
    other = evil.honest(server_context(CA.issue_cert("www.example.test")))
    (seen,) = await look(dns, f"wrong.{ZONE}", script=other, ca_file=ca_file)
    assert kinds(seen)["mta_sts_mismatch"] == "fault"
    assert "is for another name" in str(seen.findings)


async def test_a_domain_that_takes_no_mail(dns: Dns) -> None:
    """A null MX has nothing to protect; what it says of senders is judged all the same."""
    (seen,) = await look(dns, f"null.{ZONE}")
    assert seen.result is Result.OK
    assert [key[2] for key in series(seen) if key[0] == "netmon_mail_policy_present"] == ["spf", "dmarc"]


async def test_signatures_that_do_not_validate(dns: Dns) -> None:
    """Told apart from DNS that is down, by an answer that comes once nobody validates it."""
    (seen,) = await look(dns, "bogus.test")
    assert (seen.result, seen.reason) == (Result.FAILED, Reason.DNSSEC_INVALID), dns.log()
    assert "MX of bogus.test" in seen.detail
    (seen,) = await look(dns, "bogus.test", validates=False)
    assert seen.reason is Reason.RESOLVE_FAILED  # nobody says that this resolver validates


async def test_no_such_domain_and_dead_dns(dns: Dns) -> None:
    """NXDOMAIN is a failure of the domain, silence one of netmon's own side."""
    (seen,) = await look(dns, f"nothing.{ZONE}")
    assert (seen.result, seen.reason) == (Result.FAILED, Reason.NAME_NOT_FOUND)
    ctx = make_context(resolver=Resolver(["127.0.0.1"], port=1, deadline=0.3))
    seen = await policy.probe(make_check("example.test", 25), ctx)
    assert (seen.result, seen.reason) == (Result.UNTESTABLE, Reason.RESOLVE_FAILED)
    assert ctx.policies.recent(seen.key, "1", asyncio.get_running_loop().time()) is None


async def test_one_server_that_dns_does_not_tell() -> None:
    """It is left out and named, and what else is published is judged; without any other nothing is."""
    with knot("half.test") as authority:
        resolver = Resolver([authority.address])
        authority.write(
            "half.test", "@ MX 10 mx", "mx A 127.0.0.1", "@ MX 20 mx.elsewhere.test.",
            '@ TXT "v=spf1 mx -all"', "none MX 10 mx.elsewhere.test.",
        )  # fmt: skip
        end = asyncio.get_running_loop().time() + 20
        seen = None
        while seen is None or seen.reason is Reason.NAME_NOT_FOUND:
            assert asyncio.get_running_loop().time() < end
            seen = await policy.probe(make_check("half.test", 25), make_context(resolver=resolver))
        assert seen.reason is Reason.OK, seen.detail
        assert series(seen)["netmon_mail_policy_valid", "half.test", "spf"] == 1
        assert "MX mx.elsewhere.test: DNS has no answer" in "".join(seen.trail)
        seen = await policy.probe(make_check("none.half.test", 25), make_context(resolver=resolver))
        assert seen.reason is Reason.RESOLVE_FAILED
        await resolver.close()
