"""`domains` of a config: what the agent says of a domain whose TLSA records are not true."""

import asyncio
from pathlib import Path

import httpx
import trustme

from tests.servers import evil_smtp as evil
from tests.servers.agent import agent, wait_for
from tests.servers.dnssec import validating
from tests.servers.mail_checks import server_context

ZONE = f"""\
@ MX 10 mx
mx A 127.0.0.1
*._tcp.mx TLSA 3 1 1 {"00" * 32}
@ TXT "v=spf1 mx -all"
"""
CONFIG = """\
agent: {{name: probe.example.test}}
defaults: {{confirm: {{fail: 1, retry_interval: 1s}}}}
dns: {{servers: ["127.0.0.1:{dns}"], validating: true}}
domains: [{{name: example.test, port: {smtp}, allow: [127.0.0.0/8], ca_file: ca.pem}}]
web: {{listen: "127.0.0.1:0"}}
state: {{path: state}}
"""


async def test_a_domain_with_false_records(tmp_path: Path) -> None:
    """Mail for it is degraded, though its server accepts: by finding, metric, page and explanation."""
    ca = trustme.CA()
    ca.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    script = evil.honest(server_context(ca.issue_cert("mx.example.test")))
    with validating({"example.test": ZONE}) as dns:
        async with evil.serving(script) as smtp:
            config = CONFIG.format(dns=dns.port, smtp=smtp.port)
            await asyncio.to_thread(_watch, tmp_path, config)


def _watch(folder: Path, config: str) -> None:
    with agent(folder, config) as running:

        def series() -> str:
            text = httpx.get(f"{running.url}/metrics", params={"host": "example.test"}).text
            return text if "netmon_dane_valid" in text else ""

        told = wait_for("the domain's policies on /metrics", series)
        running.await_verdict("example.test", "mail_degraded")
        told = series()
        host = running.host("example.test")
    own = 'host="example.test",endpoint="example.test",domain="example.test"'
    assert f'netmon_dane_valid{{{own},mx="mx.example.test"}} 0' in told
    assert f'netmon_mail_policy_valid{{{own},policy="dane"}} 0' in told
    assert f'netmon_mail_policy_valid{{{own},policy="spf"}} 1' in told
    assert f'netmon_mail_policy_present{{{own},policy="dmarc"}} 0' in told
    assert 'netmon_host_finding{host="example.test",finding="dane_invalid"} 1' in told
    assert "netmon_mta_sts_valid{" not in told
    assert "senders with DANE do not deliver" in host["sentence"], host
