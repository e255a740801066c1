"""What a device says of itself over SNMP, as far as a person wants to read it on a page."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from netmon.health.tables import Tables
from netmon.model import CheckState

PORTS: Final = 512  # of one device are shown
_UP: Final = 1  # ifAdminStatus and ifOperStatus (RFC 2863)
_TICKS: Final = 100.0  # TimeTicks a second


@dataclass(frozen=True, slots=True)
class Port:
    """An interface: `up` as it is, `wanted` as it was configured to be."""

    name: str
    alias: str
    up: bool
    wanted: bool


@dataclass(frozen=True, slots=True)
class Facts:
    """Of the system group (RFC 3418) and the interfaces (RFC 2863); empty where nothing is known."""

    name: str = ""
    description: str = ""
    uptime: float | None = None  # seconds; of the host where it says so, otherwise of its agent
    ports: tuple[Port, ...] = ()


def facts_of(states: Iterable[CheckState]) -> Facts:
    """What the host's latest good SNMP runs say."""
    for state in states:
        seen = state.observation
        if seen is not None and seen.tables and state.check.key.probe == "snmp":
            tables = Tables(seen.tables)
            return Facts(
                _said(tables, "sysName"),
                _said(tables, "sysDescr"),
                _uptime(tables),
                _ports(tables),
            )
    return Facts()


def _said(tables: Tables, name: str) -> str:
    """A DisplayString: it travels as the label of its own name."""
    return next((labels.get(name, "") for labels, _ in tables.rows(name)), "")


def _uptime(tables: Tables) -> float | None:
    # HOST-RESOURCES-MIB first: sysUpTime starts anew with the agent (RFC 3418).
    for name in ("hrSystemUptime", "sysUpTime"):
        ticks = tables.scalar(name)
        if ticks is not None:
            return ticks / _TICKS
    return None


def _ports(tables: Tables) -> tuple[Port, ...]:
    wanted = {index: status == _UP for index, status in tables.by("ifIndex", "ifAdminStatus").items()}
    return tuple(
        Port(
            labels.get("ifName") or labels.get("ifDescr") or labels.get("ifIndex", ""),
            labels.get("ifAlias", ""),
            up=status == _UP,
            wanted=wanted.get(labels.get("ifIndex", ""), True),
        )
        for labels, status in tables.rows("ifOperStatus")[:PORTS]
    )
