"""`netmon top` and `netmon explain` beside a running agent."""

import json
import re
from pathlib import Path

from tests.servers.agent import agent
from tests.servers.command import netmon
from tests.servers.postfix import free_ports


def test_top_and_explain_know_what_an_agent_says(tmp_path: Path) -> None:
    """The table shows its hosts, worst first; every netmon_ metric, reason and verdict is explained."""
    (closed,) = free_ports(1)
    config = f"""
agent: {{name: probe.example.test}}
defaults: {{interval: 1s, confirm: {{fail: 1, recover: 1}}}}
hosts:
  - {{name: good, address: 127.0.0.1, ping: true}}
  - {{name: bad, address: 127.0.0.1, smtp: [{{port: {closed}}}]}}
web: {{listen: "127.0.0.1:0"}}
state: {{path: {tmp_path / "state"}}}
"""
    with agent(tmp_path, config) as running:
        running.ready()
        running.await_verdict("bad", "mail_down")
        shown = netmon("top", "--url", running.url, "--once")
        told = netmon("top", "--url", running.url, "--json")
        pages = running.get("/metrics").text + running.get("/metrics/agent").text
    assert shown.returncode == 0, shown
    head, first, *_ = shown.stdout.splitlines()
    assert head.split() == ["HOST", "VERDICT", "SINCE", "LIFE", "SNMP", "MAIL", "WHY"]
    assert first.split()[:2] == ["bad", "mail_down"]
    assert "\x1b" not in shown.stdout
    assert [host["name"] for host in json.loads(told.stdout)] == ["bad", "good"]

    explained = {entry["name"] for entry in json.loads(netmon("explain", "--json").stdout)}
    names = set(re.findall(r"^# TYPE (netmon_\w+)", pages, re.MULTILINE))
    assert len(names) > 20
    assert {name for name in names if not {name, name + "_total"} & explained} == set()
    values = set(re.findall(r'(?:reason|verdict|result|finding)="(\w+)"', pages))
    assert values - explained == set()
