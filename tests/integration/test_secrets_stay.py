"""No secret of the config leaves the agent but to the server that it is for."""

import base64
import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import trustme
import yaml

from tests.servers.agent import AgentProcess, wait_for
from tests.servers.parrot import Parrots, parrots

ROOT = Path(__file__).resolve().parents[2]
# What a secret is used for -> the secret.  Each is told from the others, and from anything else.
NAMES = (
    "community", "auth", "priv", "old", "smtp", "imap", "pop3", "oauth", "trap", "forward", "send", "fetch",
    "alertmanager-url", "alertmanager", "webhook-url", "webhook-header", "webhook-template", "heartbeat-url",
    "event-url", "event-header",
)  # fmt: skip
SECRETS = {name: f"c4nary-{name}-8f3a" for name in NAMES}
# Keys of the schema that hold a secret, and how often: a new one must come into this test's config.
KEYS = {
    "url": 4, "password": 3, "community": 2, "priv_password": 1, "client_secret": 1, "template": 1,
    "communities": 1, "headers": 2,
}  # fmt: skip
PLACES = re.compile(rb'^        "(/[^"]*)": |"(/api/[^"]*)": self\.', re.MULTILINE)


def config(folder: Path, birds: Parrots, ca: Path) -> dict[str, Any]:
    """An agent that uses each of its secrets, most of them at a server that says them back."""

    def secret(name: str) -> str:
        return f"${{env:{name.upper().replace('-', '_')}}}"

    def door(name: str, **more: Any) -> dict[str, Any]:
        return {"port": birds.ports[name], "tls": "implicit", "ca_file": str(ca), **more}

    def login(name: str) -> dict[str, Any]:
        return {"username": "probe", "password": secret(name)}

    https = f"https://127.0.0.1:{birds.ports['https']}"
    http = f"http://127.0.0.1:{birds.ports['http']}"
    token = {"token_url": f"{https}/token", "client_id": "netmon", "client_secret": secret("oauth")}
    snmp = {"port": birds.ports["udp"], "modules": ["system"], "timeout": "300ms"}
    v3 = {"version": 3, "username": "core", "security_level": "authPriv"}
    return {
        "agent": {"name": "probe.example.net"},
        "defaults": {"interval": "2s", "timeout": "1s", "retries": 0, "confirm": {"fail": 1, "recover": 1}},
        "auths": {
            "lab": {"version": 2, "community": secret("community")},
            "old": {"version": 1, "community": secret("old")},
            "core": {**v3, "password": secret("auth"), "priv_password": secret("priv")},
        },
        "hosts": [
            {
                "name": "mx1",
                "address": "127.0.0.1",
                "ping": True,
                "snmp": {**snmp, "auth": "lab"},
                "smtp": [door("smtp", login=login("smtp"))],
                "imap": [door("imap", login=login("imap"))],
                "pop3": [door("pop3", login=login("pop3"))],
            },
            {
                "name": "sw1",
                "address": "127.0.0.1",
                "snmp": {**snmp, "auth": "core"},
                "smtp": [door("smtp", login={"username": "probe", "oauth2": token})],
            },
            {"name": "sw2", "address": "127.0.0.1", "snmp": {**snmp, "auth": "old"}},
        ],
        "mailflows": [
            {
                "name": "flow",
                "send": {"host": "mx1", **door("smtp"), "from": "a@example.org", "to": "b@example.org",
                         "login": login("send")},
                "fetch": {"host": "mx1", **door("imap"), "login": login("fetch")},
                "interval": "30s",
                "deadline": "10s",
            }
        ],
        "traps": {
            "listen": ["127.0.0.1:0"],
            "communities": [secret("trap")],
            "users": ["core"],
            "allow": ["127.0.0.0/8"],
            "forward": [{"address": f"127.0.0.1:{birds.ports['udp']}", "community": secret("forward")}],
            "webhooks": [{"url": f"{http}/{secret('event-url')}", "name": "events",
                          "headers": {"X-Token": secret("event-header")}}],
        },
        "alerting": {
            "alertmanagers": [
                {"url": f"{http}/{secret('alertmanager-url')}", "username": "netmon",
                 "password": secret("alertmanager")}
            ],
            "webhooks": [{"url": f"{http}/{secret('webhook-url')}", "name": "chat",
                          "template": '{"text": "' + secret("webhook-template") + '"}',
                          "headers": {"Authorization": f"Bearer {secret('webhook-header')}"}}],
            "heartbeat": {"url": f"{http}/{secret('heartbeat-url')}", "interval": "10s"},
        },
        "web": {"listen": "127.0.0.1:0"},
        "state": {"path": str(folder / "state")},
    }  # fmt: skip


def forms(secret: str) -> Iterator[bytes]:
    """A secret as it may be written: plain, in hex, and in Base64 at each of its three alignments."""
    octets = secret.encode()
    yield octets
    yield octets.hex().encode()
    for shift in range(3):
        whole = base64.b64encode(b"\0" * shift + octets).rstrip(b"=")
        # The first and last digits hold bits of the neighbours as well.
        yield whole[(shift * 8 + 5) // 6 : -1]


def leaks(where: str, said: bytes) -> list[str]:
    """Each secret that is found there."""
    return [
        f"{where}: {name}: {said[max(0, said.find(form) - 60) :][:140]!r}"
        for name, secret in SECRETS.items()
        for form in forms(secret)
        if form in said
    ]


def environment() -> dict[str, str]:
    """The secrets as the config asks for them."""
    return {name.upper().replace("-", "_"): secret for name, secret in SECRETS.items()}


def commands(process: AgentProcess) -> Iterator[tuple[str, bytes]]:
    """What the command line says of the same config, where all goes wrong too."""
    for line in (
        "check-config netmon.yml", "probe mx1", "probe mx1 --json", "probe sw1", "probe sw2 --json", "report",
        "probe mailflow://flow", "silence", "trap tail --once --json", "reload",
        "snmp get sw1 sysName", "snmp get sw2 sysName --json", "trap send 127.0.0.1:9 coldStart --auth lab",
    ):  # fmt: skip
        done = subprocess.run(
            [sys.executable, "-m", "netmon", *line.split()],
            cwd=process.config.parent, env={"PATH": "/usr/bin:/bin", **environment()},
            capture_output=True, check=False, timeout=60,
        )  # fmt: skip
        assert done.stdout or done.stderr, line
        yield f"netmon {line}", done.stdout + done.stderr


def pages(process: AgentProcess) -> Iterator[tuple[str, bytes]]:
    """Every page that the agent serves, of each host."""
    text = b"".join(path.read_bytes() for path in sorted((ROOT / "netmon").glob("*.py")))
    places = {(one or other).decode() for one, other in PLACES.findall(text)}
    assert {"/", "/config", "/api/hosts", "/api/events", "/api/report"} <= places
    for place in sorted(places - {"/live", "/api/events/stream"}):  # these go on for ever
        for name in ("mx1", "sw1", "sw2") if "{" in place else ("",):
            path = re.sub(r"\{[^}]*\}", name, place)
            answer = process.get(path)
            yield path, answer.content + str(answer.headers).encode()
    for path in ("/snmp?target=127.0.0.1&auth=lab&module=system&debug=true", "/metrics?host=mx1"):
        yield path, process.get(path).content


def test_the_config_has_every_kind() -> None:
    """The schema knows no secret that this test does not use."""
    done = subprocess.run(
        [sys.executable, "-m", "netmon", "schema"], capture_output=True, check=True, timeout=60
    )
    found: dict[str, int] = {}

    def look(value: Any, key: str) -> None:
        if isinstance(value, Mapping):
            if value.get("writeOnly"):
                found[key] = found.get(key, 0) + 1
            for name, inner in value.items():
                look(inner, key if name in {"additionalProperties", "items"} else name)
        elif isinstance(value, list):
            for inner in value:
                look(inner, key)

    look(json.loads(done.stdout), "")
    assert found == KEYS


def test_no_secret_is_in_a_log_a_page_a_series_or_a_command(tmp_path: Path) -> None:
    """Whatever the servers say back, and whatever goes wrong."""
    authority = trustme.CA()
    ca = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(str(ca))
    with parrots(authority) as birds:
        text = yaml.safe_dump(config(tmp_path, birds, ca), sort_keys=False)
        path = tmp_path / "netmon.yml"
        path.write_text(text)
        process = AgentProcess(path, {**environment(), "SSL_CERT_FILE": str(ca)}, options=("--verbose",))
        process.start()
        try:
            process.ready()
            doors = re.findall(r'"listen": "(127[^"]+)"', process.log.read_text())
            for community in (SECRETS["trap"], "wrong-" + SECRETS["trap"][7:]):
                send = [
                    "snmptrap",
                    "--clientaddr=127.0.0.9",
                    "-v2c",
                    "-c",
                    community,
                    doors[-1],
                    "",
                    "1.3.6.1.6.3.1.1.5.1",
                ]
                subprocess.run(send, check=True, timeout=30, capture_output=True)
            used = {name: [*forms(secret)] for name, secret in SECRETS.items()}
            # SNMPv3 sends no password, a mailflow nothing where the mailbox is closed; traps come from here.
            silent = {"auth", "priv", "send", "trap"}

            def unheard() -> set[str]:
                heard = b"".join(birds.heard)
                return {name for name, all_of in used.items() if not any(one in heard for one in all_of)}

            wait_for("every secret to be used", lambda: unheard() <= silent)
            found = [leak for where, said in pages(process) for leak in leaks(where, said)]
            found += [leak for where, said in commands(process) for leak in leaks(where, said)]
            path.write_text(text.replace("interval: 2s", "interval: two").replace("version: 3", "version: 7"))
            process.signal(signal.SIGHUP)
            wait_for("the mistakes in the log", lambda: "interval" in process.log.read_text())
            found += [leak for where, said in pages(process) for leak in leaks(where, said)]
            found += leaks("check-config", subprocess.run(
                [sys.executable, "-m", "netmon", "check-config", str(path)],
                env={"PATH": "/usr/bin:/bin", **environment()}, capture_output=True, check=False, timeout=60,
            ).stderr)  # fmt: skip
        finally:
            process.stop()
        found += leaks("the log", process.log.read_bytes())
        for file in sorted((tmp_path / "state").rglob("*")):
            if file.is_file():
                found += leaks(str(file), file.read_bytes())
    assert not found, "\n".join(found)
