"""`netmon probe` against Debian's Postfix: exit codes, the first line, the dialogue, JSON."""

import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import trustme

from tests.servers import postfix
from tests.servers.command import netmon

ROOT = Path(__file__).parents[2]
NAME = "mail.example.test"
FIRST = re.compile(r"NETMON (OK|WARNING|CRITICAL|UNKNOWN) - [^|\n]+ \| ('?[\w.:-]+'?=[0-9.]+s?[;0-9.]* ?)+")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[postfix.Postfix, Path]]:
    """A Postfix with a certificate of a private authority, and that authority's file."""
    ca = trustme.CA()
    ca_file = tmp_path_factory.mktemp("ca") / "ca.pem"
    ca.cert_pem.write_to_path(str(ca_file))
    with postfix.running(ca.issue_cert(NAME).private_key_and_cert_chain_pem.bytes(), name=NAME) as running:
        yield running, ca_file


@pytest.mark.parametrize(
    ("scheme", "door"),
    [("smtp", "smtp"), ("smtp+plain", "smtp"), ("submission", "submission"), ("submissions", "implicit")],
)
def test_ok(scheme: str, door: str, server: tuple[postfix.Postfix, Path]) -> None:
    """Exit 0; performance data with the phases; the dialogue below."""
    running, ca_file = server
    url = f"{scheme}://127.0.0.1:{getattr(running, door)}"
    done = netmon("probe", url, "--tls-name", NAME, "--ca-file", str(ca_file))
    assert done.returncode == 0, done
    first, *rest = done.stdout.splitlines()
    assert FIRST.fullmatch(first)
    assert "_greeting=" in first
    assert ("_certificate_days=" in first) is (scheme != "smtp+plain")
    assert any(line.startswith("  S: 220 mail.example.test ESMTP") for line in rest)
    assert any(line == "  C: QUIT" for line in rest)
    assert "Verdict of what was tested: healthy" in rest


def test_refused(server: tuple[postfix.Postfix, Path]) -> None:
    """A port where nobody listens: exit 2, the reason and what to do."""
    (port,) = postfix.free_ports(1)
    done = netmon("probe", f"smtp://127.0.0.1:{port}")
    assert done.returncode == 2
    assert FIRST.fullmatch(done.stdout.splitlines()[0])
    assert "CRITICAL - 127.0.0.1 mail_down" in done.stdout
    assert "refused: The host itself said" in done.stdout


def test_a_bad_certificate(server: tuple[postfix.Postfix, Path], tmp_path: Path) -> None:
    """A warning where clients verify, for authority and name alike; on port 25 a finding and no more."""
    running, ca_file = server
    untrusted = netmon("probe", f"smtps://127.0.0.1:{running.implicit}", "--tls-name", NAME)
    assert untrusted.returncode == 1
    assert "certificate_chain_invalid" in untrusted.stdout
    wrong = netmon("probe", f"smtps://127.0.0.1:{running.implicit}", "--ca-file", str(ca_file))
    assert wrong.returncode == 1
    assert "certificate_name_mismatch" in wrong.stdout
    inbound = netmon("probe", f"smtp://127.0.0.1:{running.smtp}")
    assert inbound.returncode == 0
    assert "info  certificate_chain_invalid (smtp 127.0.0.1:" in inbound.stdout
    missing = netmon("probe", f"smtps://127.0.0.1:{running.implicit}", "--ca-file", str(tmp_path / "no.pem"))
    assert missing.returncode == 3


def test_a_configured_host_is_judged_as_a_whole(server: tuple[postfix.Postfix, Path], tmp_path: Path) -> None:
    """All its checks at once, or one; the JSON is that of /api/hosts with the plugin's state."""
    running, ca_file = server
    (closed,) = postfix.free_ports(1)
    (tmp_path / "netmon.yml").write_text(
        f"""
agent: {{name: probe.example.test}}
hosts:
  - name: mx1
    address: 127.0.0.1
    depends_on: [sw1]
    smtp:
      - {{port: {running.smtp}, tls_name: {NAME}, ca_file: {ca_file}}}
      - {{port: {closed}, role: submission, required: false}}
  - {{name: sw1, address: 127.0.0.1, ping: true}}
"""
    )
    whole = netmon("probe", "mx1", "--json", folder=tmp_path)
    seen = json.loads(whole.stdout)
    assert (whole.returncode, seen["status"], seen["verdict"]) == (1, "WARNING", "mail_degraded")
    assert {check["endpoint"]: check["reason"] for check in seen["mail"]} == {
        f"mx1:{running.smtp}": "ok",
        f"mx1:{closed}": "refused",
    }
    assert set(seen["explanations"]) == {"ok", "refused"}
    one = netmon("probe", "mx1", f"smtp:{running.smtp}", folder=tmp_path)
    assert one.returncode == 0
    assert "C: EHLO probe.example.test" in one.stdout
    assert "not looked at: sw1" in one.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["mx1"], "netmon init"),
        (["smtpx://mx1"], "did you mean"),
        (["smtp://127.0.0.1", "smtp"], "names its probe already"),
        (["smtp://127.0.0.1", "--timeout", "5"], "is not a duration"),
        (["snmp://127.0.0.1", "--module", "if_mob"], 'did you mean "if_mib"'),
        (["--config", "bad.yml", "mx1"], "bad.yml:1:9"),
        ([], "Missing argument"),
    ],
)
def test_what_cannot_be_probed_is_unknown(arguments: list[str], words: str, tmp_path: Path) -> None:
    """Exit 3, never 2, which would say that the service is down; one sentence where Nagios looks."""
    (tmp_path / "bad.yml").write_text("hosts: [{nam: x}]\n")
    done = netmon("probe", *arguments, folder=tmp_path)
    assert done.returncode == 3, done
    if arguments:
        assert done.stdout.startswith("NETMON UNKNOWN - ")
    assert words in done.stdout + done.stderr


@pytest.mark.parametrize("no_color", ["", "1"])
def test_on_a_terminal(no_color: str) -> None:
    """Results are in colour unless NO_COLOR says otherwise, and what only plugins read is left out."""
    mine, its = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "NO_COLOR": no_color, "PYTHONPATH": str(ROOT)}
    words = [sys.executable, "-m", "netmon", "probe", "smtp://127.0.0.1:1"]
    done = subprocess.run(words, stdout=its, env=environment, check=False, timeout=60)
    os.close(its)
    said = os.read(mine, 1 << 16).decode()
    os.close(mine)
    assert done.returncode == 2
    assert said.startswith("NETMON CRITICAL - 127.0.0.1 mail_down")
    assert " | " not in said
    assert ("\x1b[31mfailed\x1b[0m" in said) is (not no_color)
