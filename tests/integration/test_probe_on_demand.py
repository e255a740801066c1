"""`/probe` of a running agent: a mail host of the config, refusals, a reload, secrets that stay inside."""

import ssl
from pathlib import Path

import httpx
import trustme

from tests.servers import evil_smtp as evil
from tests.servers.agent import agent

CANARY = "probe-canary-1"
FILE = f"""\
modules:
  web: {{prober: http}}
  banner: {{prober: tcp, timeout: 5s, tcp: {{query_response: [
    {{expect: "^220 ([^ ]+) (.*)$", reject: "^[45]", labels: [{{name: name, value: "$1"}}]}},
    {{send: "EHLO prober\\r"}},
    {{expect: "^250 (.*)$", labels: [{{name: last, value: "$1"}}]}},
    {{send: "AUTH PLAIN {CANARY}\\r"}}, {{expect: "^5"}}]}}}}
"""


async def test_a_configured_mail_host(tmp_path: Path) -> None:
    """Its series, two kinds of labels, debug without the password, 400 and 403, a reload."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("localhost").configure_cert(context)
    (tmp_path / "blackbox.yml").write_text(FILE)
    async with (
        evil.serving(evil.honest(context)) as server,
        evil.serving(evil.greets(b"421 busy\r\n")) as busy,
    ):
        config = (
            f"hosts: [{{name: mx1, address: 127.0.0.1, smtp: [{{port: {server.port}, role: inbound}}, "
            f"{{port: {busy.port}, role: inbound}}], interval: 1h}}]\nmodule_files: [blackbox.yml]\n"
            f'state: {{path: "{tmp_path}/state"}}\nweb: {{listen: "127.0.0.1:0"}}\n'
        )
        with agent(tmp_path, config) as running:
            async with httpx.AsyncClient(base_url=running.url, trust_env=False, timeout=20) as client:

                async def ask(target: str, module: str = "banner", **more: str) -> httpx.Response:
                    parameters = {"target": target, "module": module, **more}
                    return await client.get("/probe", params=parameters)

                good = await ask(f"mx1:{server.port}")
                assert good.headers["content-type"].startswith("text/plain; version=0.0.4")
                for line in (
                    "probe_success 1",
                    'probe_expect_info{name="evil.example.test"} 1',
                    'probe_expect_info{last="STARTTLS"} 1',
                    'netmon_probe_reason_info{reason="ok"} 1',
                    "# TYPE probe_ip_addr_hash gauge",
                ):
                    assert f"{line}\n" in good.text
                refused = await ask(f"127.0.0.1:{busy.port}")
                assert "probe_success 0\n" in refused.text
                assert "netmon_probe_rejected 1\n" in refused.text
                assert 'netmon_probe_reason_info{reason="answer_rejected"} 1\n' in refused.text

                shown = await ask(f"mx1:{server.port}", debug="true")
                assert "C: AUTH <secret>" in shown.text
                assert "\nprobe_success 1\n" in shown.text
                wrong = await ask(f"mx1:{server.port}", "web")
                assert (wrong.status_code, "netmon has tcp only" in wrong.text) == (400, True)
                elsewhere = await ask("127.0.0.2:25")
                assert (elsewhere.status_code, "netmon.yml" in elsewhere.text) == (403, True)
                for path in ("/config", "/", "/metrics", "/explain/probe_success"):
                    assert CANARY not in (await client.get(path)).text
                assert CANARY not in shown.text + running.log.read_text()

                (tmp_path / "blackbox.yml").write_text(FILE.replace("banner:", "greeting:"))
                assert (await client.post("/-/reload")).status_code == 200
                assert (await ask(f"mx1:{server.port}", "greeting")).status_code == 200
                assert (await ask(f"mx1:{server.port}")).status_code == 400
                (tmp_path / "blackbox.yml").write_text(FILE.replace("expect", "expct"))
                broken = await client.post("/-/reload")
                assert (broken.status_code, "blackbox.yml:4:" in broken.text) == (500, True)
                assert CANARY not in broken.text
                assert (await ask(f"mx1:{server.port}", "greeting")).status_code == 200
