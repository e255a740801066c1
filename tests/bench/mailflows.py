"""Fifty mailflows in one agent, through a real Postfix into a real Dovecot."""

import json
import re
import time
from pathlib import Path
from typing import Any, Final

import trustme

from tests.bench.process import Fact, Page, agent
from tests.servers import dovecot, postfix

NAME: Final = "mail.bench.example"
_PASSWORD: Final = "bench"
_MESSAGES: Final = re.compile(r'^netmon_mailflow_messages_total\{.*outcome="(\w+)"\} (\S+)$', re.MULTILINE)
_SECONDS: Final = re.compile(r"^netmon_mailflow_delivery_seconds\{.*\} (\S+)$", re.MULTILINE)


def config(folder: Path, *, flows: int, interval: float, smtp: int, imap: int) -> str:
    """The agent's configuration: every mailflow has a mailbox of its own."""
    secured: dict[str, Any] = {"host": "mx1", "tls_name": NAME, "ca_file": str(folder / "ca.pem")}
    secret = "${file:" + str(folder / "password") + "}"
    return json.dumps(
        {
            "agent": {"name": "probe.bench.example"},
            "hosts": [{"name": "mx1", "address": "127.0.0.1"}],
            "mailflows": [
                {
                    "name": f"flow{number}",
                    "send": {**secured, "port": smtp},
                    "fetch": {
                        **secured,
                        "port": imap,
                        "tls": "starttls",
                        "login": {"username": f"user{number}@{NAME}", "password": secret},
                    },
                    "interval": f"{interval:g}s",
                }
                for number in range(flows)
            ],
            "web": {"listen": "127.0.0.1:0"},
            "state": {"path": str(folder / "state")},
        },
        indent=1,
    )


def measure(folder: Path, *, flows: int, interval: float) -> list[Fact]:
    """One interval warms up, the next is measured."""
    ca = trustme.CA()
    ca.cert_pem.write_to_path(str(folder / "ca.pem"))
    (folder / "password").write_text(_PASSWORD)
    pem = ca.issue_cert(NAME).private_key_and_cert_chain_pem.bytes()
    users = {f"user{number}@{NAME}": _PASSWORD for number in range(flows)}
    with (
        dovecot.running(pem, users=users) as store,
        postfix.running(
            pem,
            name=NAME,
            extra={"local_transport": f"lmtp:inet:127.0.0.1:{store.lmtp}"},
            services="lmtp unix - - n - - lmtp\n",
        ) as server,
    ):
        path = folder / "mailflows.yml"
        path.write_text(config(folder, flows=flows, interval=interval, smtp=server.smtp, imap=store.imap))
        with agent(path, log=folder / "mailflows.log") as netmon, Page(netmon, "/metrics") as page:
            time.sleep(1.3 * interval)
            first, cpu, begun = _outcomes(page.fetch()), netmon.cpu(), time.monotonic()
            time.sleep(interval)
            used = (netmon.cpu() - cpu) / (time.monotonic() - begun)
            text = page.fetch()
            last = _outcomes(text)
            delivered = last["delivered"] - first["delivered"]
            seconds = sorted(float(value) for value in _SECONDS.findall(text))
            threads = len(list(Path(f"/proc/{netmon.child.pid}/task").iterdir()))
            return [
                Fact("mailflows", flows, f"every {interval:g} s", 0),
                Fact("messages delivered in that time", delivered, "", 0),
                Fact("with another outcome", sum(last.values()) - last["delivered"], "", 0),
                Fact("delivery, median", seconds[len(seconds) // 2], "s", 2),
                Fact("CPU of one mailflow", used * interval / max(delivered, 1) * 1e3, "ms", 1),
                Fact("threads of the agent", threads, "", 0),
                Fact("resident memory", netmon.memory() / 1e6, "MB", 0),
            ]


def _outcomes(page: str) -> dict[str, float]:
    found: dict[str, float] = {"delivered": 0.0}
    for outcome, count in _MESSAGES.findall(page):
        found[outcome] = found.get(outcome, 0.0) + float(count)
    return found
