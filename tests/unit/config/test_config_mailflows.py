"""`mailflows` of a config: what follows from what is written."""

from pathlib import Path

import pytest

from netmon.mib.modules import builtin_modules
from netmon.plan import plan
from netmon.probes.base import Library
from tests.unit.config.reading import SECRET, mistakes, read

HOSTS = """\
hosts:
  - {name: mx1, address: 192.0.2.1, smtp: [{port: 25}]}
  - {name: store, address: 192.0.2.2}
"""
LOGIN = 'login: {username: canary@example.org, password: "${env:SECRET}"}'


def test_the_shortest_form(tmp_path: Path) -> None:
    """Its addresses are the mailbox's user, its ports those of the protocol, its times the defaults."""
    flow = f"{{name: example, send: {{host: mx1}}, fetch: {{host: store, {LOGIN}}}}}"
    config = read(tmp_path, f"{HOSTS}mailflows: [{flow}]\n")
    (known,) = config.mailflows
    settings = known.probe.settings
    assert (settings.sender, settings.recipient) == ("canary@example.org", "canary@example.org")
    assert (settings.send.port, settings.send.mode) == (25, "starttls")
    assert (settings.fetch[0].port, settings.fetch[0].mode) == (993, "implicit")
    assert settings.addresses == ("192.0.2.1", "192.0.2.2")
    assert (settings.deadline, settings.late_after, known.interval) == (120.0, 60.0, 300.0)
    assert SECRET not in repr(config)
    assert SECRET not in "".join(config.public.values())
    checks = plan(config, Library(config.auths, builtin_modules()))
    (check,) = [check for check in checks if check.key.probe == "mailflow"]
    assert check.key == ("store", "mailflow", "example")
    assert (check.interval, check.deadline, check.role) == (300.0, 120.0, "flow")


@pytest.mark.parametrize(
    ("written", "port", "mode"),
    [
        ("protocol: imap", 993, "implicit"),
        ("protocol: pop3", 995, "implicit"),
        ("protocol: imap, tls: starttls", 143, "starttls"),
        ("protocol: pop3, tls: starttls", 110, "starttls"),
        ("protocol: pop3, port: 110", 110, "starttls"),
        ("port: 1993, tls: implicit", 1993, "implicit"),
    ],
)
def test_ports_and_tls(tmp_path: Path, written: str, port: int, mode: str) -> None:
    """TLS comes first unless the port or `tls` says otherwise (RFC 8314)."""
    flow = f"{{name: a, send: {{host: mx1, port: 465}}, fetch: [{{host: store, {LOGIN}, {written}}}]}}"
    settings = read(tmp_path, f"{HOSTS}mailflows: [{flow}]\n").mailflows[0].probe.settings
    assert (settings.fetch[0].port, settings.fetch[0].mode) == (port, mode)
    assert settings.send.mode == "implicit"


def test_a_changed_address_is_another_check(tmp_path: Path) -> None:
    """The digest covers where the mailflow goes, and its deadline never outlives its interval."""
    flow = f"{{name: a, send: {{host: mx1}}, fetch: {{host: store, {LOGIN}}}, interval: 30s}}"
    library = Library({}, {})
    digests = set()
    for text in (HOSTS, HOSTS.replace("192.0.2.1", "192.0.2.9")):
        checks = plan(read(tmp_path, f"{text}mailflows: [{flow}]\n"), library)
        (check,) = [check for check in checks if check.key.probe == "mailflow"]
        assert check.deadline == 30.0
        digests.add(check.digest)
    assert len(digests) == 2


def test_a_secret_in_the_file(tmp_path: Path) -> None:
    """It is refused, and not told."""
    login = "login: {username: a@b.example, password: fish-word}"
    flow = f"{{name: a, send: {{host: mx1}}, fetch: {{host: store, {login}}}}}"
    told = mistakes(tmp_path, f"{HOSTS}mailflows: [{flow}]\n")
    assert len(told) == 1
    assert "secret stands in the file" in told[0]
    assert "fish-word" not in told[0]


def test_what_the_documentation_shows(tmp_path: Path) -> None:
    """The example of docs/mailflow.md is a config as it stands."""
    page = (Path(__file__).parents[3] / "docs/mailflow.md").read_text()
    example = page.partition("```yaml\n")[2].partition("```")[0]
    config = read(tmp_path, example.replace("CANARY_PASSWORD", "SECRET"))
    assert [flow.name for flow in config.mailflows] == ["example"]
