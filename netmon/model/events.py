"""What traps and informs became: events, and the states that they raise and clear."""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple


class EventSeverity(StrEnum):
    """How much an event matters, by the rules of traps; one without a rule is `info`."""

    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"


class EventValue(NamedTuple):
    """One varbind of an event, as text for people; it comes from the network, so escape it on output."""

    name: str  # "IF-MIB::ifIndex.3", or numbers where no MIB knows the object
    oid: str
    type: str  # the SMI's word: "INTEGER", "OCTET STRING"
    value: str  # "down(2)", "3", "eth0", "0x00FF"


@dataclass(frozen=True, slots=True)
class Event:
    """One accepted trap or inform, and how often the same came again before it was told anew.

    `host` is empty where no configured host sent it.  `authenticated` is true only for an SNMPv3
    notification whose digest was verified: a trap of v1 or v2c may come from anybody.
    """

    id: int  # rises with every event, over restarts too
    at: float  # wall clock: when the first of them was received
    last: float  # wall clock: when the latest of them was received
    count: int
    source: str  # numeric address
    host: str
    trap: str  # "IF-MIB::linkDown", or numbers where no MIB knows the notification
    oid: str  # snmpTrapOID.0
    severity: EventSeverity
    version: int  # 1, 2 or 3
    inform: bool
    user: str  # of SNMPv3
    authenticated: bool
    engine_id: str  # of SNMPv3, hex
    agent_address: str  # what a trap of v1 or a relay says of its origin; believed of trusted relays only
    uptime: float | None  # seconds of sysUpTime.0
    values: tuple[EventValue, ...]


class TrapChange(NamedTuple):
    """A state of a host that a notification raises or clears."""

    state: str  # "link_down"; from the rules, so it is a bounded label
    instance: str  # what of the host it is about: "3", an ifIndex; empty where it is the host itself
    active: bool  # raised, or cleared
    ttl: float  # seconds after which it is forgotten if nothing clears it; 0: never
    cause: bool  # explains a mail fault, if the notification was authenticated


class RaisedState(NamedTuple):
    """A state that a notification has raised and nothing has ended yet; times are of the wall clock."""

    state: str  # "link_down"
    instance: str  # comes from the network, as `text` does
    at: float  # when it was raised
    until: float  # when it is forgotten if nothing clears it; 0: never
    cause: bool  # explains a mail fault, if `authenticated`
    authenticated: bool  # else anybody may have sent it
    event_id: int  # the event that raised it
    text: str  # "IF-MIB::linkDown"
