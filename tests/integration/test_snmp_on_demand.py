"""`/snmp` of a running agent: Debian's snmpd by v2c and v3, a shared file of modules, a reload, refusals."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from tests.servers.agent import AgentProcess, agent
from tests.servers.snmpd import Snmpd, snmpd

AUTH, PRIV, COMMUNITY = "auth-canary-1", "priv-canary-2", "community-canary-3"
FILE = f"""\
auths:
  public_v2: {{community: public, security_level: noAuthNoPriv, auth_protocol: MD5, version: 2}}
  lab: {{community: {COMMUNITY}}}
  core: {{version: 3, username: ana, security_level: authPriv, auth_protocol: SHA256, password: {AUTH},
         priv_protocol: AES, priv_password: {PRIV}}}
modules:
  name: {{get: [1.3.6.1.2.1.1.5.0], metrics: [{{name: sysName, oid: 1.3.6.1.2.1.1.5, type: DisplayString}}]}}
"""


@contextmanager
def scene(folder: Path) -> Iterator[tuple[AgentProcess, Snmpd, int]]:
    """snmpd as the host sw1, an agent with a file of modules, and snmpd's TCP port."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        tcp = free.getsockname()[1]
    lines = (
        "sysName switch1",
        f'createUser ana SHA-256 "{AUTH}" AES "{PRIV}"',
        "rouser ana priv",
        f"agentaddress tcp:127.0.0.1:{tcp}",
    )
    with snmpd(folder / "snmpd", *lines, community=COMMUNITY) as server:
        (folder / "snmp.yml").write_text(FILE)
        hosts = ", ".join(
            f"{{name: {name}, address: {address}, snmp: {{auth: core, port: {port}, timeout: 2s}}}}"
            for name, address, port in (("sw1", "127.0.0.1", server.port), ("sw1-tcp", "127.0.0.1", tcp))
        )
        config = (
            f"module_files: [snmp.yml]\nhosts: [{hosts}]\n"
            f'state: {{path: "{folder}/state"}}\nweb: {{listen: "127.0.0.1:0"}}\n'
        )
        with agent(folder, config) as running:
            yield running, server, tcp


def ask(running: AgentProcess, query: str) -> httpx.Response:
    """One query."""
    return running.get(f"/snmp?{query}")


def test_versions_debug_and_refusals(tmp_path: Path) -> None:
    """One device by v2c and v3, by the file's modules and netmon's own; no credential is shown."""
    with scene(tmp_path) as (running, server, tcp):
        target = f"127.0.0.1:{server.port}"
        for auth in ("lab", "core"):
            answer = ask(running, f"target={target}&auth={auth}&module=name,system")
            assert answer.status_code == 200, answer.text
            assert 'sysName{sysName="switch1"} 1\n' in answer.text
            assert 'snmp_scrape_pdus_returned{module="system"}' in answer.text
            assert 'host="' not in answer.text

            shown = ask(running, f"target=sw1&auth={auth}&module=name&debug=true")
            assert shown.status_code == 200
            assert '1.3.6.1.2.1.1.5.0 = OCTET STRING: "switch1"' in shown.text
            assert 'sysName{sysName="switch1"} 1\n' in shown.text
            assert "canary" not in shown.text

            streamed = ask(running, f"target=tcp://127.0.0.1:{tcp}&auth={auth}&module=system,name")
            assert streamed.status_code == 200, streamed.text
            assert 'sysName{sysName="switch1"} 1\n' in streamed.text

        refused = ask(running, "target=tcp://127.0.0.1:161&auth=lab&module=name")
        assert (refused.status_code, "refused" in refused.text) == (500, True)
        forbidden = ask(running, "target=127.0.0.2&auth=lab&module=name")
        assert forbidden.status_code == 403
        assert "netmon.yml" in forbidden.text
        unknown = ask(running, f"target={target}&auth=lab&module=nmae")
        assert (unknown.status_code, 'did you mean "name"' in unknown.text) == (400, True)
        unanswered = running.get(f"/snmp?target={target}&module=name&auth=core&snmp_context=none")
        assert unanswered.status_code == 500
        for page in ("/config", "/", "/metrics"):
            assert "canary" not in running.get(page).text
        assert "canary" not in running.log.read_text()
        assert list((tmp_path / "state" / "cache").iterdir())

        # A reload that allows more listens where it did.
        config = running.config.read_text()
        running.config.write_text(config.replace("web: {", "web: {probe_targets: [127.0.0.0/8], "))
        assert httpx.post(running.url + "/-/reload").status_code == 200
        allowed = ask(running, f"target=tcp://127.0.0.2:{tcp}&auth=lab&module=name")
        assert (allowed.status_code, "refused" in allowed.text) == (500, True), allowed.text

        # A reload reads the file again; a broken one changes nothing.
        (tmp_path / "snmp.yml").write_text(FILE.replace("  name:", "  title:"))
        assert httpx.post(running.url + "/-/reload").status_code == 200
        assert ask(running, f"target={target}&auth=core&module=title").status_code == 200
        (tmp_path / "snmp.yml").write_text(FILE.replace("get:", "gte:"))
        refused = httpx.post(running.url + "/-/reload")
        assert refused.status_code == 500
        assert "snmp.yml:" in refused.text
        assert "canary" not in refused.text
        assert ask(running, f"target={target}&auth=core&module=title").status_code == 200
