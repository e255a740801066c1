"""Domains with real servers: zones in Knot, mail servers on several loopback addresses, the agent itself."""

import asyncio
import contextlib
import json
import signal
import socket
import socketserver
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from netmon.mail.mx.questions import Questions, State
from netmon.resolver import Resolver
from tests.servers import postfix
from tests.servers.agent import AgentProcess, agent, wait_for
from tests.servers.knot import Knot, knot

ONE, TWO, SIX = "127.0.0.21", "127.0.0.22", "::1"


class MailServer(socketserver.ThreadingTCPServer):
    """The least that a mail server says, at one address; counts who is there."""

    allow_reuse_address = True
    daemon_threads = True
    served = 0
    there = 0
    most_there = 0

    def __init__(self, address: str, port: int = 0) -> None:
        self.address_family = socket.AF_INET6 if ":" in address else socket.AF_INET
        super().__init__((address, port), Conversation)
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.server_address[1])

    def stop(self) -> None:
        """Listen no more."""
        self.shutdown()
        self.server_close()


class Conversation(socketserver.StreamRequestHandler):
    """One connection."""

    timeout = 10
    server: MailServer

    def handle(self) -> None:
        """Answer EHLO and QUIT."""
        self.server.served += 1
        self.server.there += 1
        self.server.most_there = max(self.server.most_there, self.server.there)
        try:
            self.wfile.write(b"220 mail.test ESMTP\r\n")
            while line := self.rfile.readline(1000).upper():
                self.wfile.write(b"221 bye\r\n" if line.startswith(b"QUIT") else b"250 mail.test\r\n")
                if line.startswith(b"QUIT"):
                    return
        except OSError:
            return
        finally:
            self.server.there -= 1


@contextlib.contextmanager
def mail_servers(*addresses: str) -> Iterator[dict[str, MailServer]]:
    """A server at each address, all on one port."""
    with contextlib.ExitStack() as stack:
        servers: dict[str, MailServer] = {}
        for address in addresses:
            port = next(iter(servers.values())).port if servers else 0
            servers[address] = MailServer(address, port)
            stack.callback(servers[address].stop)
        yield servers


@pytest.fixture
def zones() -> Iterator[Knot]:
    """Two domains and a zone of mail servers."""
    with knot("a.test", "b.test", "mx.test") as server:
        yield server


def config(folder: Path, zones: Knot, domains: str, hosts: str = "[]") -> str:
    """A quick agent over domains."""
    return f"""
agent: {{name: probe.example.test}}
defaults: {{interval: 1s, timeout: 1s, confirm: {{fail: 2, recover: 1, retry_interval: 1s}}}}
web: {{listen: "127.0.0.1:0"}}
state: {{path: "{folder / "state"}"}}
dns: {{servers: ["{zones.address}"]}}
domains: {domains}
hosts: {hosts}
"""


def domain(process: AgentProcess, name: str) -> dict[str, Any]:
    """A domain of /api/domains."""
    answer = process.get(f"/api/domains/{name}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def await_domain(process: AgentProcess, name: str, verdict: str) -> dict[str, Any]:
    """Wait for a verdict, and give the domain."""
    wait_for(f"{name} to be {verdict}", lambda: domain(process, name)["verdict"] == verdict)
    return domain(process, name)


def endpoints(process: AgentProcess, name: str) -> set[tuple[str, str]]:
    """Host and endpoint of every check that is about a domain, as /metrics has them."""
    found = set()
    for line in process.get("/metrics").text.splitlines():
        if line.startswith("netmon_check_up{") and f'domain="{name}"' in line:
            labels = dict(pair.split("=") for pair in line.split("{")[1].split("}")[0].split(","))
            found.add((labels["host"].strip('"'), labels["endpoint"].strip('"')))
    return found


def probed(folder: Path, *arguments: str) -> tuple[int, str]:
    """`netmon probe` beside the agent: exit code and what it says."""
    done = subprocess.run(
        [sys.executable, "-m", "netmon", "probe", *arguments, "--config", str(folder / "netmon.yml")],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return done.returncode, done.stdout


async def test_what_a_real_name_server_says(zones: Knot) -> None:
    """MX by name and preference, null MX, alias, no such record, no such name, a refusal."""
    resolver = Resolver([zones.address])
    questions = Questions(lambda: resolver)
    zones.write("a.test", "@ MX 20 Two.mx.test.", "@ MX 10 one.mx.test.", "www A 192.0.2.9", "null MX 0 .")
    zones.write("mx.test", f"one A {ONE}", "one A 192.0.2.7", "alias CNAME one", "far CNAME gone")
    end = asyncio.get_running_loop().time() + 20
    while (await questions.ask("alias.mx.test", "A")).state is not State.FOUND:
        assert asyncio.get_running_loop().time() < end
        await asyncio.sleep(0.05)
    found = await questions.ask("a.test", "MX")
    assert (found.state, found.ttl, found.records) == (
        State.FOUND,
        1.0,
        ((10, "one.mx.test"), (20, "two.mx.test")),
    )
    assert (await questions.ask("null.a.test", "MX")).records == ((0, ""),)
    assert (await questions.ask("www.a.test", "MX")).state is State.EMPTY
    assert (await questions.ask("gone.a.test", "MX")).state is State.ABSENT
    assert (await questions.ask("far.mx.test", "AAAA")).state is State.ABSENT
    alias = await questions.ask("alias.mx.test", "A")
    assert (alias.records, alias.alias) == ((ONE, "192.0.2.7"), True)
    assert not (await questions.ask("one.mx.test", "A")).alias
    refused = await questions.ask("elsewhere.invalid", "MX")
    assert (refused.state, bool(refused.why)) == (State.FAILED, True)
    assert (await questions.ask("a..test", "MX")).state is State.ABSENT
    await questions.close()
    await resolver.close()


def test_checks_follow_dns_while_the_agent_runs(tmp_path: Path, zones: Knot) -> None:
    """Every address of every MX; shared ones once; changes of DNS; who is down; DNS dead, over a restart."""
    with mail_servers(ONE, TWO, SIX) as servers:
        port = servers[ONE].port
        zones.write("mx.test", f"one A {ONE}", f"two A {TWO}", f"two AAAA {SIX}", "far A 10.0.0.1")
        zones.write("a.test", "@ MX 10 one.mx.test.", "@ MX 20 two.mx.test.")
        zones.write("b.test", "@ MX 10 one.mx.test.", "@ MX 30 far.mx.test.")
        common = f"port: {port}, tls: none, interval: 1s, allow: [127.0.0.0/8]"
        text = config(
            tmp_path,
            zones,
            f"[{{name: a.test, {common}}}, {{name: b.test, {common}}}]",
            f'[{{name: six, address: "{SIX}", ping: true}}]',
        )
        with agent(tmp_path, text) as process:
            process.ready()
            assert await_domain(process, "a.test", "healthy")["sentence"] == "all 2 mail servers accept"
            one = ("one.mx.test", f"one.mx.test:{port}/ip4")
            two = ("two.mx.test", f"two.mx.test:{port}/ip4")
            six = ("six", f"two.mx.test:{port}/ip6")
            assert endpoints(process, "a.test") == {one, two, six}
            assert endpoints(process, "b.test") == {one}
            wait_for("some runs", lambda: servers[ONE].served > 3)
            assert servers[ONE].most_there == 1
            assert abs(servers[ONE].served - servers[TWO].served) < 3, "a shared MX is visited as often"
            (refused,) = await_domain(process, "b.test", "healthy")["findings"]
            assert refused["finding"] == "mx_address_refused"
            assert "10.0.0.1" in process.get("/").text

            code, said = probed(tmp_path, "a.test")
            assert (code, said.split(" | ")[0]) == (
                0,
                "NETMON OK - a.test healthy: all 2 mail servers accept",
            )
            matrix = [line.split()[:3] for line in said.splitlines()[3:6]]
            assert matrix == [
                ["one.mx.test", ONE, "ok"],
                ["two.mx.test", TWO, "ok"],
                ["two.mx.test", SIX, "ok"],
            ]

            zones.write("a.test", "@ MX 20 two.mx.test.")
            wait_for("the MX to leave", lambda: endpoints(process, "a.test") == {two, six})
            assert endpoints(process, "b.test") == {one}

            servers[TWO].stop()
            process.await_verdict("two.mx.test", "mail_down")
            assert "1 of 1 mail servers accept" in await_domain(process, "a.test", "degraded")["sentence"]
            servers[SIX].stop()
            assert "no mail server of it accepts" in await_domain(process, "a.test", "down")["sentence"]
            code, said = probed(tmp_path, f"domain://a.test:{port}", "--json")
            answer = json.loads(said)
            assert (code, answer["verdict"]) == (2, "down")
            assert [check["reason"] for check in answer["checks"]] == ["refused", "refused"]
            page = process.get("/metrics").text
            assert 'netmon_domain_verdict{domain="a.test",verdict="down"} 1.0' in page
            assert 'netmon_domain_verdict{domain="b.test",verdict="healthy"} 1.0' in page
            dns_dies(process, zones, servers[ONE], one)


def dns_dies(process: AgentProcess, zones: Knot, server: MailServer, one: tuple[str, str]) -> None:
    """DNS falls silent and the agent is killed: what was known is checked on, and said to be old."""
    zones.stop()
    process.kill()
    process.start()
    wait_for("the check that was known", lambda: endpoints(process, "b.test") == {one})
    served = server.served
    told = await_domain(process, "b.test", "untestable")
    assert "DNS does not answer" in told["sentence"]
    assert (told["dns"], told["findings"][0]["finding"]) == ("silent", "dns_failed")
    assert server.served > served
    assert domain(process, "a.test")["verdict"] == "down", "what is known to be down stays so"
    assert endpoints(process, "b.test") == {one}


def test_postfix_as_the_mx_of_both_families(tmp_path: Path, zones: Knot) -> None:
    """STARTTLS with the MX's name as SNI and in the certificate, over IPv4 and IPv6; then a null MX."""
    authority = trustme.CA()
    certificate = authority.issue_cert("real.mx.test")
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    pem = certificate.private_key_pem.bytes() + b"".join(blob.bytes() for blob in certificate.cert_chain_pems)
    with postfix.running(pem, name="real.mx.test", doors=(f"{ONE}:", "[::1]:", "127.0.0.1:")) as server:
        zones.write("mx.test", f"real A {ONE}", f"real AAAA {SIX}")
        zones.write("a.test", "@ MX 10 real.mx.test.")
        text = config(
            tmp_path,
            zones,
            f'[{{name: a.test, port: {server.smtp}, interval: 1s, ca_file: "{tmp_path / "ca.pem"}", '
            'allow: [127.0.0.0/8, "::1/128"]}]',
        )
        with agent(tmp_path, text) as process:
            process.ready()
            await_domain(process, "a.test", "healthy")
            process.await_verdict("real.mx.test", "healthy")
            page = process.get("/metrics?host=real.mx.test").text
            for family in ("ip4", "ip6"):
                labels = f'host="real.mx.test",endpoint="real.mx.test:{server.smtp}/{family}"'
                labels += ',domain="a.test",mx="real.mx.test"'
                assert f"netmon_tls_name_valid{{{labels}}} 1" in page
                assert f"netmon_tls_chain_valid{{{labels}}} 1" in page
            zones.write("a.test", "@ MX 0 .")
            told = await_domain(process, "a.test", "down")
            assert "null MX" in told["sentence"]
            wait_for("the implicit host to leave", lambda: process.get("/api/hosts").json() == [])
            process.config.write_text(config(tmp_path, zones, "[]"))
            process.signal(signal.SIGHUP)
            wait_for("the domain to leave", lambda: process.get("/api/domains").json() == [])
            assert process.get("/api/domains/a.test").status_code == 404
            assert 'domain="a.test"' not in process.get("/metrics").text
        assert "improper command pipelining" not in server.log()
