"""A real Prometheus scrapes a real agent that watches the demo's company."""

import asyncio
import re
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from netmon.demo.company import Company, Pace
from tests.servers.agent import AgentProcess, agent
from tests.servers.prometheus import Prometheus, prometheus

RULES = Path(__file__).parents[2] / "dashboards" / "netmon.rules.yml"


@asynccontextmanager
async def watched(folder: Path) -> AsyncIterator[tuple[AgentProcess, Prometheus]]:
    """The company, an agent that has run every check, and a Prometheus with both ways to scrape it."""
    loop = asyncio.get_running_loop()
    async with Company() as company:
        running = agent(folder, company.config(listen="127.0.0.1:0", pace=Pace(interval="2s")))
        watcher = await loop.run_in_executor(None, running.__enter__)
        try:
            await loop.run_in_executor(None, watcher.ready)
            address = watcher.url.removeprefix("http://")
            scraping = prometheus(
                folder / "prometheus",
                f"""
                - job_name: whole
                  static_configs: [{{targets: ["{address}"]}}]
                - job_name: by_host
                  http_sd_configs: [{{url: "{watcher.url}/sd", refresh_interval: 1s}}]
                """,
                rule_files=[RULES],
            )
            server = await loop.run_in_executor(None, scraping.__enter__)
            try:
                yield watcher, server
            finally:
                await loop.run_in_executor(None, scraping.__exit__, None, None, None)
        finally:
            await loop.run_in_executor(None, running.__exit__, None, None, None)


def verify(watcher: AgentProcess, server: Prometheus) -> None:
    """What Prometheus holds is what the company is."""
    for job in ("whole", "by_host"):
        healthy = f'netmon_host_verdict{{job="{job}",verdict="healthy"}} == 1'
        server.await_samples(f"count({healthy}) == 2")
        octets = server.await_samples(f'ifHCInOctets{{job="{job}",host="sw1"}}')
        assert len(octets) >= 48
        assert all(sample.value >= 0 and sample.labels["ifName"] for sample in octets)
        assert server.query(f'hrStorageSize{{job="{job}",host="mx1"}}')
        smtp = server.query(f'netmon_check_up{{job="{job}",probe="smtp"}}')
        assert [sample.value for sample in smtp] == [1.0, 1.0, 1.0]
        assert server.query(f'netmon_tls_certificate_expiry_timestamp_seconds{{job="{job}"}} > time()')
    # `host` is netmon's own label in both ways: /sd must not set one that would shadow it.
    assert not server.query('{exported_host!=""}')
    instances = server.query('up{job="by_host"} == 1')
    assert sorted((sample.labels["instance"], sample.labels["site"]) for sample in instances) == [
        ("mx1", "demo"),
        ("sw1", "demo"),
    ]
    assert server.query('netmon_build_info{job="whole"}')
    assert not server.query('netmon_build_info{job="by_host"}')
    # A counter that moves: two runs of the check have been scraped.
    server.await_samples('sum(increase(ifHCInOctets{job="whole",host="sw1"}[10s])) > 0')
    follow_rules(watcher, server)
    assert all(target["lastError"] == "" for target in server.targets())
    assert not re.search("duplicate|out-of-order|out of order", server.log)
    lint(watcher.get("/metrics").text)


def follow_rules(watcher: AgentProcess, server: Prometheus) -> None:
    """The rules work on what netmon exports, though each host is scraped twice, and page nobody."""
    healthy = server.await_samples('netmon:hosts:by_verdict{verdict="healthy"} == 2')
    assert len(healthy) == 1
    server.await_samples("count(netmon:mail_snmp_agreement) == 4")
    server.await_samples('netmon:mail_snmp_agreement{agreement="both"} >= 1')
    server.await_samples('netmon:host_mail_availability:ratio1h{host="mx1"} > 0')
    server.await_samples('ALERTS{alertname="NetmonWatchdog",alertstate="firing"}')
    assert [(rule["name"], rule["lastError"]) for rule in server.rules() if rule["health"] != "ok"] == []
    assert server.query('ALERTS{alertstate="firing",severity!="none"}') == []
    (page,) = server.query('netmon_web_info{job="whole"}')
    assert page.labels["url"] == watcher.url


def lint(page: str) -> None:
    """promtool has nothing to say of netmon's names; the names of MIBs are not netmon's choice."""
    ours = re.findall(r"^(?:# (?:HELP|TYPE) )?(?:netmon|process)_.*\n", page, re.MULTILINE)
    done = subprocess.run(
        ["promtool", "check", "metrics"], input="".join(ours), text=True, capture_output=True, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


async def test_prometheus_sees_what_netmon_sees(tmp_path: Path) -> None:
    """Scraped whole and host by host: verdicts, interface counters and mail facts arrive, cleanly named."""
    async with watched(tmp_path) as (watcher, server):
        await asyncio.to_thread(verify, watcher, server)
