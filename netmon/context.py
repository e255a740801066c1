"""What probes share, made alike for the agent and for commands that run without one."""

import asyncio
import socket
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final, Protocol

from netmon.config import Config
from netmon.icmp import Pinger
from netmon.mail.flows import Flows
from netmon.mail.memory import Memory
from netmon.mail.slots import Slots
from netmon.mail.tls import TrustStores
from netmon.model import Check
from netmon.probes.base import Context
from netmon.resolver import Resolver
from netmon.snmp.client import Client

_MAIL: Final = "mail"  # notes of what mail servers offered
_FLOWS: Final = "mailflows"  # the note of their key
BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")


class Notes(Protocol):
    """Where something is kept by kind and name; the store is one."""

    def noted(self, kind: str) -> Mapping[str, Any]:
        """What an earlier life has kept."""

    def note(self, kind: str, name: str, value: Any) -> None:
        """Keep it."""


def make_context(config: Config | None, agent_name: str = "") -> Context:
    """What probes share, for the running loop; without a config by the machine's own settings.

    `agent_name` is what mail servers are told; nothing else needs it.
    """
    return Context(
        agent_name=agent_name,
        snmp=Client(),
        pinger=Pinger(),
        resolver=make_resolver(config),
        trust=TrustStores(),
        slots=Slots(),
        wall=time.time,
    )


def remember(context: Context, notes: Notes) -> None:
    """Have what mail probes learn survive a restart."""
    context.memory = Memory(notes.noted(_MAIL), lambda name, value: notes.note(_MAIL, name, value))
    context.flows = Flows(notes.noted(_FLOWS), lambda name, value: notes.note(_FLOWS, name, value))


async def close_context(context: Context) -> None:
    """Close what it holds open."""
    context.snmp.close()
    context.pinger.close()
    await context.resolver.close()


def make_resolver(config: Config | None) -> Resolver:
    """The resolver for the running loop that `dns` of the config asks for; else the system's servers."""
    return Resolver(
        config.dns.servers if config else (),
        validating=config is not None and config.dns.validating,
        clock=asyncio.get_running_loop().time,
    )


def ehlo_name(config: Config | None) -> str:
    """What netmon calls itself: the config's name, else this machine's, which may ask DNS."""
    return (config and config.agent.name) or socket.getfqdn()


def ehlo_notices(name: str, checks: Iterable[Check]) -> list[str]:
    """What to tell of netmon's own name where mail is checked: EHLO wants a full one (RFC 5321 §4.1.1.1)."""
    if "." in name or not any(check.role for check in checks):
        return []
    text = f"netmon calls itself {name} in EHLO, which mail servers may refuse: set agent: {{name: ...}}"
    return [f"{text} to a full name that DNS has."]


def boot_id() -> str:
    """What tells one boot of this machine from the next; a container's may hide it."""
    try:
        return BOOT_ID.read_text("ascii").strip()
    except OSError:
        return ""
