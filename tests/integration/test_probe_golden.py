"""`/probe` against Debian's blackbox_exporter 0.23: equal series and values, over real HTTP, case by case.

Both ask the same servers by the same file.  Series that 0.23 does not have yet are left out (`NEWER`), and
what differs on purpose stands in `KEPT` and `DIFFERENT` with its reason; one that does not show any more
fails the test.
"""

import asyncio
import datetime as dt
import re
import ssl
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
import trustme
import yaml

from tests.servers import evil_smtp as evil
from tests.servers.agent import agent
from tests.servers.exporter import exporter
from tests.servers.mailers import exim, opensmtpd
from tests.servers.postfix import Postfix, running
from tests.servers.shared import shared

NAME: Final = "mail.example.test"
PATIENCE: Final = {"X-Prometheus-Scrape-Timeout-Seconds": "1.5"}
DURATIONS: Final = ("probe_duration_seconds", "probe_dns_lookup_time_seconds")
# In blackbox_exporter after 0.23, and so here too.
NEWER: Final = ("probe_failed_due_to_bytes", "probe_tls_cipher_info")
SERIAL: Final = re.compile(r'serialnumber="[0-9a-f]+",')
# A certificate that does not verify: blackbox_exporter then says nothing of it (its issue 1119).
KEPT: Final = (
    "probe_ssl_earliest_cert_expiry",
    "probe_ssl_last_chain_expiry_timestamp_seconds",
    "probe_ssl_last_chain_info",
    "probe_tls_version_info",
)
FAIL: Final = frozenset((
    "exim wrong name", "exim stock", "opensmtpd alert",
    "postfix stock starttls", "postfix submission", "postfix wrong name", "no ca", "stock tls_connect",
    "stock rabbitmq", "expired", "unknown issuer", "self-signed refused", "tls on plain", "no fallback",
    "no port", "refused", "no such name", "421", "closed at once", "silence", "endless banner",
    "endless line", "one octet at a time",
    "closed after 220", "garbage after 220", "silence after 220", "injected",
))  # fmt: skip
MODULES: Final[Mapping[str, Mapping[str, Any]]] = {
    "banner": {"query_response": [{"expect": "^220 "}, {"send": "QUIT\r"}]},
    "no_fallback": {"preferred_ip_protocol": "ip6", "ip_protocol_fallback": False},
    "starttls": {
        "tls_config": {"ca_file": "ca.pem"},
        "query_response": [
            {"expect": "^220 ([^ ]+) ESMTP"},
            {"send": "EHLO prober\r"},
            {"expect": "^250.STARTTLS"},
            {"send": "STARTTLS\r"},
            {"expect": "^220"},
            {"starttls": True},
            {"send": "EHLO prober\r"},
            {"expect": "^250 "},
            {"send": "QUIT\r"},
            {"expect": "^221 "},
        ],
    },
    "starttls_only": {
        "tls_config": {"ca_file": "ca.pem"},
        "query_response": [
            {"expect": "^220"},
            {"send": "EHLO prober\r"},
            {"expect": "^250.STARTTLS"},
            {"send": "STARTTLS\r"},
            {"expect": "^220"},
            {"starttls": True},
        ],
    },
    "tls": {"tls": True, "tls_config": {"ca_file": "ca.pem"}},
    "tls_name": {"tls": True, "tls_config": {"ca_file": "ca.pem", "server_name": NAME}},
    "tls_unverified": {"tls": True, "tls_config": {"insecure_skip_verify": True}},
    "tls_12": {"tls": True, "tls_config": {"insecure_skip_verify": True, "max_version": "TLS12"}},
    "tls_no_ca": {"tls": True, "tls_config": {"ca_file": "missing.pem"}},
    "ssh": {"query_response": [{"expect": "^SSH-2.0-"}, {"send": "SSH-2.0-blackbox-ssh-check"}]},
    "pop3": {
        "query_response": [
            {"expect": r"^\+OK (<.+>)"},
            {"send": "STLS\r"},
            {"expect": r"^\+OK"},
            {"starttls": True},
        ],
        "tls_config": {"insecure_skip_verify": True},
    },
    "echo": {
        "query_response": [
            {"expect": "^(?P<verb>[A-Z]+) (.*)$", "send": "$2 ${verb} $1x $$ ${3} $"},
            {"expect": "^ok"},
        ]
    },
    "source": {"source_ip_address": "127.0.0.9", "preferred_ip_protocol": "ip4"},
    "send_only": {"query_response": [{"send": "one"}, {"send": "two"}]},
}


@dataclass(frozen=True)
class Others:
    """Ports of mail servers beside Postfix."""

    exim: int
    opensmtpd: int


@dataclass(frozen=True)
class Difference:
    """What netmon answers on purpose: series and their values where 0.23 says otherwise."""

    reason: str
    ours: Mapping[str, float]
    extra: tuple[str, ...] = ()  # series that only one of the two has


DIFFERENT: Final[Mapping[str, Difference]] = {
    "injected": Difference(
        "plain text behind the 220 of STARTTLS is what an attacker adds: 0.23 forgets it and goes on",
        {"probe_success": 0},
        KEPT,
    ),
    "stock postgresql": Difference(
        "0.23 has no expect_bytes and cannot load the module",
        {"probe_success": 1},
        (*KEPT, *DURATIONS, "probe_failed_due_to_regex", "probe_ip_addr_hash", "probe_ip_protocol"),
    ),
}


def script(lines: list[tuple[bytes, bytes]], context: ssl.SSLContext | None = None) -> evil.Script:
    """Say each first text and wait for a line that begins with the second, if any; TLS is a handshake."""

    async def talk(peer: evil.Peer) -> None:
        for said, wanted in lines:
            if said == b"TLS":
                assert context is not None
                await peer.tls(context)
            elif said:
                await peer.say(said)
            if wanted and not (await peer.hear()).startswith(wanted):
                await peer.say(b"no\r\n")
                return

    return talk


def self_signed(folder: Path) -> ssl.SSLContext:
    """A server's context with a certificate that nobody but itself has issued."""
    from cryptography import x509  # noqa: PLC0415 - here only
    from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import rsa  # noqa: PLC0415
    from cryptography.x509.oid import NameOID  # noqa: PLC0415

    key = rsa.generate_private_key(65537, 2048)
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "CH"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, 'Müller, "Sons" + Co; <#1>'),
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, " two "),
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, "#units"),
            x509.NameAttribute(NameOID.COMMON_NAME, NAME),
            x509.NameAttribute(NameOID.EMAIL_ADDRESS, "root@example.test"),
            x509.NameAttribute(NameOID.DOMAIN_COMPONENT, "example"),
        ]
    )
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(0x0102)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=90))
        .sign(key, hashes.SHA256())
    )
    file = folder / "self.pem"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.TraditionalOpenSSL,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


def presents(certificate: trustme.LeafCert) -> ssl.SSLContext:
    """A server's context."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    certificate.configure_cert(context)
    return context


def files(folder: Path, ca: trustme.CA) -> None:
    """blackbox.yml for netmon, and old.yml, which leaves out what 0.23 does not know."""
    ca.cert_pem.write_to_path(str(folder / "ca.pem"))
    stock = yaml.safe_load(shared("peers/blackbox.yml").read_text())["modules"]
    tcp = {f"stock_{name}": module for name, module in stock.items() if module["prober"] == "tcp"}
    for name in ("stock_postgresql", "stock_imap_starttls", "stock_smtp_starttls"):
        tcp[name]["tcp"]["tls_config"] = {"ca_file": "ca.pem"}
    own = {name: {"prober": "tcp", "timeout": "5s", "tcp": dict(tcp)} for name, tcp in MODULES.items()}
    (folder / "blackbox.yml").write_text(yaml.safe_dump({"modules": tcp | own}))
    del tcp["stock_postgresql"]
    absolute = yaml.safe_dump({"modules": tcp | own}).replace("ca_file: ca.pem", f"ca_file: {folder}/ca.pem")
    (folder / "old.yml").write_text(absolute)


def series(text: str) -> dict[str, float]:
    """A page's series, without netmon's own and what is newer than 0.23."""
    found: dict[str, float] = {}
    for line in text.splitlines():
        if line.startswith(("#", "netmon_", *NEWER)):
            continue
        name, _, value = line.rpartition(" ")
        name = SERIAL.sub("", name)
        assert name not in found
        found[name] = 0.0 if name in DURATIONS else float(value)
    return found


def bare(name: str) -> str:
    """A series' metric."""
    return name.partition("{")[0]


@asynccontextmanager
async def scene(
    folder: Path, server: Postfix, others: Others, ca: trustme.CA
) -> AsyncIterator[dict[str, tuple[str, str]]]:
    """The cases: their names -> a module and a target."""
    good = presents(ca.issue_cert(NAME, "localhost", "127.0.0.1"))
    expired = presents(ca.issue_cert("localhost", not_after=dt.datetime(2020, 1, 1, tzinfo=dt.UTC)))
    other = presents(trustme.CA().issue_cert("localhost"))
    many = presents(ca.issue_cert("localhost", *(f"mx{n}.example.test" for n in range(1000))))
    async with AsyncExitStack() as stack:

        async def at(script: evil.Script, context: ssl.SSLContext | None = None) -> str:
            running = await stack.enter_async_context(evil.serving(script, context))
            return f"localhost:{running.port}"

        quiet, sound = evil.greets(b""), await at(evil.honest(good))
        secure = await at(quiet, good)
        number = secure.replace("localhost", "127.0.0.1")
        imap = script(
            [(b"* OK [CAPABILITY STARTTLS] hi\r\n", b". STARTTLS"), (b". OK\r\n", b""), (b"TLS", b". cap"),
             (b"* CAPABILITY IMAP4rev1\r\n", b"")],
            good,
        )  # fmt: skip
        pop3 = script([(b"+OK <1.2@x>\r\n", b"STLS"), (b"+OK\r\n", b""), (b"TLS", b"")], good)
        smtp = script(
            [(b"220 x ESMTP y\r\n", b"EHLO"), (b"250-x\r\n250-STARTTLS\r\n250 OK\r\n", b"STARTTLS"),
             (b"220 go\r\n", b""), (b"TLS", b"EHLO"), (b"250-x\r\n250-AUTH PLAIN\r\n250 OK\r\n", b"QUIT")],
            good,
        )  # fmt: skip
        postgresql = script([(b"", b"\x00"), (b"S", b""), (b"TLS", b"")], good)
        irc = script(
            [(b"", b"NICK prober"), (b"PING :12\r\n", b"USER"), (b"", b"PONG 12"), (b":x 001 hi\r\n", b"")]
        )
        echo = script([(b"HELLO w\xc3\xb6rld\xff \r\n", b"w\xc3\xb6rld\xff  HELLO  $  $"), (b"ok\n", b"")])
        yield {
            "postfix banner": ("banner", f"localhost:{server.smtp}"),
            "postfix starttls": ("starttls", f"localhost:{server.smtp}"),
            "postfix stock starttls": ("stock_smtp_starttls", f"localhost:{server.smtp}"),
            "stock smtp_starttls": ("stock_smtp_starttls", await at(smtp)),
            "postfix submission": ("starttls", f"127.0.0.1:{server.submission}"),
            "postfix implicit": ("tls_name", f"localhost:{server.implicit}"),
            "postfix wrong name": ("tls", f"[::1]:{server.implicit}"),
            "postfix ipv6": ("banner", f"[::1]:{server.smtp}"),
            "exim": ("starttls", f"localhost:{others.exim}"),
            "exim wrong name": ("starttls", f"127.0.0.1:{others.exim}"),
            "exim stock": ("stock_smtp_starttls", f"localhost:{others.exim}"),
            "opensmtpd": ("banner", f"localhost:{others.opensmtpd}"),
            "opensmtpd alert": ("starttls", f"localhost:{others.opensmtpd}"),
            "starttls": ("starttls", sound),
            "tls": ("tls", secure),
            "tls by address": ("tls", number),
            "tls by name": ("tls_name", number),
            "tls unverified": ("tls_unverified", secure),
            "tls 1.2": ("tls_12", secure),
            "tls with 1000 names": ("tls", await at(quiet, many)),
            "no ca": ("tls_no_ca", secure),
            "stock tls_connect": ("stock_tls_connect", secure),
            "stock rabbitmq": ("stock_rabbitmq", secure),
            "expired": ("tls", await at(quiet, expired)),
            "unknown issuer": ("tls", await at(quiet, other)),
            "self-signed": ("tls_unverified", await at(quiet, self_signed(folder))),
            "self-signed refused": ("tls", await at(quiet, self_signed(folder))),
            "tls on plain": ("tls", await at(evil.greets(b"220 hi\r\n"))),
            "stock tcp_connect": ("stock_tcp_connect_example", sound),
            "no fallback": ("no_fallback", sound.replace("localhost", "127.0.0.1")),
            "source address": ("source", sound),
            "send only": ("send_only", await at(script([(b"", b"one"), (b"", b"two")]))),
            "no port": ("banner", "localhost"),
            "refused": ("banner", "127.0.0.1:1"),
            "no such name": ("banner", "nowhere.invalid:25"),
            "ssh": ("ssh", await at(script([(b"hello\r\nSSH-2.0-OpenSSH_9.2\r\n", b"SSH-")]))),
            "imap": ("stock_imap_starttls", await at(imap)),
            "pop3": ("pop3", await at(pop3)),
            "irc": ("stock_irc_banner_example", await at(irc)),
            "stock postgresql": ("stock_postgresql", await at(postgresql)),
            "echo": ("echo", await at(echo)),
            "421": ("banner", await at(script([(b"421 busy\r\n", b"")]))),
            "closed at once": ("banner", await at(evil.hangs_up)),
            "last line without end": ("banner", await at(script([(b"220 x", b"")]))),
            "silence": ("banner", await at(evil.is_silent)),
            "endless banner": ("banner", await at(evil.repeats(b"221-more\r\n" * 20, 0.01))),
            "endless line": ("banner", await at(evil.repeats(b"x" * 30000, 0.001))),
            "one octet at a time": ("banner", await at(evil.repeats(b"\0", 0.2))),
            "closed after 220": ("starttls", await at(evil.after_220(evil.hangs_up))),
            "garbage after 220": ("starttls", await at(evil.after_220(evil.talks_garbage))),
            "silence after 220": ("starttls", await at(evil.after_220(evil.is_silent))),
            "injected": ("starttls_only", await at(evil.injects(good, b"250 injected\r\n"))),
        }  # fmt: skip


@pytest.fixture(scope="module")
def ca() -> trustme.CA:
    """A certificate authority that no system trusts."""
    return trustme.CA()


@pytest.fixture(scope="module")
def server(ca: trustme.CA) -> Iterator[Postfix]:
    """A Postfix whose certificate is for NAME and localhost."""
    pem = ca.issue_cert(NAME, "localhost").private_key_and_cert_chain_pem.bytes()
    with running(pem, name=NAME) as postfix:
        yield postfix


@pytest.fixture(scope="module")
def others(ca: trustme.CA) -> Iterator[Others]:
    """An Exim and an OpenSMTPD whose certificates are for localhost."""
    pem = ca.issue_cert("localhost").private_key_and_cert_chain_pem.bytes()
    with exim(pem) as first, opensmtpd(pem) as second:
        yield Others(first.port, second.port)


async def test_pages_are_equal(tmp_path: Path, server: Postfix, others: Others, ca: trustme.CA) -> None:
    """Every series and value of every case, but where netmon differs on purpose, which is named here."""
    files(tmp_path, ca)
    config = (
        f'hosts: []\nmodule_files: [blackbox.yml]\nstate: {{path: "{tmp_path}/state"}}\n'
        'web: {listen: "127.0.0.1:0", probe_targets: ["127.0.0.0/8", "::1/128"]}\n'
    )
    wrong: dict[str, Any] = {}
    kept: set[str] = set()
    with (
        exporter("prometheus-blackbox-exporter", tmp_path / "old.yml", "error") as theirs,
        agent(tmp_path, config) as netmon,
    ):
        async with (
            scene(tmp_path, server, others, ca) as cases,
            httpx.AsyncClient(trust_env=False, timeout=20, headers=PATIENCE) as client,
        ):

            async def page(url: str, case: str) -> dict[str, float]:
                module, target = cases[case]
                answer = await client.get(f"{url}/probe", params={"module": module, "target": target})
                return series(answer.text) if answer.status_code == 200 else {}

            async def compare(case: str) -> None:
                left, right = await page(netmon.url, case), await page(theirs, case)
                kept.update(set(map(bare, left)) - set(map(bare, right)) if case in FAIL else ())
                if found := differences(case, left, right):
                    wrong[case] = found

            await asyncio.gather(*(compare(case) for case in cases))
            assert set(cases) > set(DIFFERENT)
    assert wrong == {}
    assert kept == set(KEPT)


def differences(case: str, ours: Mapping[str, float], theirs: Mapping[str, float]) -> list[str]:
    """What the two disagree on and should not, and what should differ and does not."""
    named = DIFFERENT.get(case)
    found = []
    if named is not None:
        found += [
            f"{name}: {ours.get(name)} is not {value}, though {named.reason}"
            for name, value in named.ours.items()
            if ours.get(name) != value or theirs.get(name) == value
        ]
    failed = ours.get("probe_success") == 0
    if failed != (case in FAIL):
        found.append(f"probe_success is {ours.get('probe_success')}")
    for name in sorted(ours.keys() | theirs.keys()):
        if named is not None and (name in named.ours or bare(name) in named.extra):
            continue
        if failed and bare(name) in KEPT and name not in theirs:
            continue
        if ours.get(name) != theirs.get(name):
            found.append(f"{name}: {ours.get(name)} / {theirs.get(name)}")
    return found
