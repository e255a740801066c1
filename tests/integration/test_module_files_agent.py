"""A file's modules and auths in scheduled checks: by SNMPv3, swapped by a reload, kept when it is broken."""

from pathlib import Path

import httpx

from tests.servers.agent import agent, wait_for
from tests.servers.snmpd import snmpd

AUTH, PRIV = "auth-canary-1", "priv-canary-2"
FILE = f"""\
auths:
  core: {{version: 3, username: ana, security_level: authPriv, auth_protocol: SHA256, password: {AUTH},
         priv_protocol: AES, priv_password: {PRIV}}}
modules:
  mine:
    get: [1.3.6.1.2.1.1.5.0, 1.3.6.1.2.1.1.6.0]
    walk: [1.3.6.1.2.1.1.9.1.3, 1.3.6.1.2.1.1.9.1.4]
    metrics:
      - name: unit
        oid: 1.3.6.1.2.1.1.5
        type: DisplayString
        regex_extracts: {{Number: [{{regex: 'switch(\\d+)', value: $1}}]}}
      - {{name: place, oid: 1.3.6.1.2.1.1.6, type: OctetString, display_hint: '1x:'}}
      - {{name: since, oid: 1.3.6.1.2.1.1.9.1.4, type: gauge, indexes: [{{labelname: n, type: gauge}}],
         lookups: [{{labels: [n], labelname: what, oid: 1.3.6.1.2.1.1.9.1.3, type: DisplayString}},
                   {{labels: [], labelname: n}}]}}
    filters:
      - oid: 1.3.6.1.2.1.1.9.1.3
        targets: [1.3.6.1.2.1.1.9.1.3, 1.3.6.1.2.1.1.9.1.4]
        values: [TCP implementations]
"""


def test_a_files_modules_are_polled_and_swapped(tmp_path: Path) -> None:
    """Extracts, hints and filters count, a changed module is read at once, and /snmp changes no check."""
    user = (f'createUser ana SHA-256 "{AUTH}" AES "{PRIV}"', "rouser ana priv")
    with snmpd(tmp_path / "snmpd", "sysName switch12", "sysLocation AB", *user) as server:
        file = tmp_path / "snmp.yml"
        file.write_text(FILE)
        host = f"address: 127.0.0.1, interval: 1h, snmp: {{auth: core, port: {server.port}"
        config = (
            f"module_files: [snmp.yml]\nhosts:\n  - {{name: named, {host}, modules: [mine]}}}}\n"
            f"  - {{name: auto, {host}, modules: [auto, mine]}}}}\n"
            f'state: {{path: "{tmp_path}/state"}}\nweb: {{listen: "127.0.0.1:0"}}\n'
        )
        with agent(tmp_path, config) as running:
            running.ready()

            def page(name: str) -> str:
                return running.get(f"/metrics?host={name}").text

            for name in ("named", "auto"):
                seen = page(name)
                assert f'unitNumber{{host="{name}"}} 12' in seen
                assert f'place{{host="{name}",place="41:42"}} 1' in seen
                assert [
                    line.split("what=")[1][:30] for line in seen.splitlines() if line.startswith("since{")
                ] == ['"The MIB module for managing T']
                assert f'netmon_module_up{{host="{name}",module="mine"}} 1' in seen
            assert 'netmon_module_up{host="auto",module="if_mib"} 1' in page("auto")

            def runs(name: str) -> list[object]:
                return [check["runs"] for check in running.host(name)["snmp"]]

            before = runs("named")
            asked = running.get("/snmp?target=named&auth=core&module=mine")
            assert "unitNumber 12" in asked.text, asked.text
            assert runs("named") == before

            file.write_text(FILE.replace("unit", "device"))
            assert httpx.post(running.url + "/-/reload").status_code == 200
            for name in ("named", "auto"):
                wait_for("the new module's series", lambda name=name: "deviceNumber{" in page(name))
                assert "unitNumber{" not in page(name)
            assert "Object 1.3.6.1.2.1.1.5 of the module mine" in running.get("/explain/deviceNumber").text
            assert running.get("/explain/unitNumber").status_code == 404

            file.write_text(FILE.replace("regex: 'switch(", "regex: 'switch(("))
            refused = httpx.post(running.url + "/-/reload")
            assert (refused.status_code, "snmp.yml:12" in refused.text) == (500, True), refused.text
            assert "deviceNumber{" in page("named")
            assert "snmp.yml:12" in running.get("/").text
            for path in ("/config", "/", "/metrics", "/hosts/named"):
                assert "canary" not in running.get(path).text
            assert "canary" not in running.log.read_text()
