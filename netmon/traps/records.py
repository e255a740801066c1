"""What the parts of the receiver hand to each other: records only.

On the way of one datagram: `Admitted` or `Refusal` (who sent it, and may he), then `Notification`
(what it says), then a row of `netmon.events` (what it means).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import NamedTuple

from netmon.snmp.message import Varbinds
from netmon.snmp.usm import User


class Stage(StrEnum):
    """How far datagrams came; `netmon_trap_datagrams_total{stage}`."""

    RECEIVED = "received"  # taken from the kernel
    DECODED = "decoded"  # an SNMP message of a version and a kind that this receiver takes
    ACCEPTED = "accepted"  # from somebody who may
    COMMITTED = "committed"  # on disk; folded repeats included


class Drop(StrEnum):
    """Why a datagram became no event; `netmon_trap_dropped_total{reason}`.

    received = committed + the sum over all reasons but `kernel`, once nothing is under way.
    """

    KERNEL = "kernel"  # the socket's buffer was full: never received
    SOURCE_NOT_ALLOWED = "source_not_allowed"
    RATE_LIMITED = "rate_limited"  # more from one source than the limit
    QUEUE_FULL = "queue_full"  # the receiver's own queue
    STORE_FULL = "store_full"  # nothing could be committed
    MALFORMED = "malformed"
    NOT_A_NOTIFICATION = "not_a_notification"  # a request, a response
    UNKNOWN_COMMUNITY = "unknown_community"
    UNKNOWN_USER = "unknown_user"
    UNKNOWN_ENGINE = "unknown_engine"  # not in the list, or no more can be learned
    UNSUPPORTED_SECURITY = "unsupported_security"  # level or security model
    WRONG_DIGEST = "wrong_digest"
    DECRYPTION_ERROR = "decryption_error"
    NOT_IN_TIME_WINDOW = "not_in_time_window"
    REPLAYED = "replayed"  # the same authenticated message again
    DISCOVERY = "discovery"  # an inform's sender asked for our engine ID or clock and was told
    RECEIVER_DIED = "receiver_died"  # taken from the kernel by a process that then died


class Admitted(NamedTuple):
    """A message whose sender may send here; its PDU is not read yet."""

    version: int  # 1, 2 or 3
    pdu_type: int  # message.TRAP, message.INFORM, or 0xA4 of v1
    data: bytes  # decrypted where it was encrypted
    start: int  # of the PDU's content
    end: int
    user: str = ""
    engine_id: bytes = b""  # the authoritative one: the sender's for a trap, ours for an inform
    authenticated: bool = False
    reply: object = None  # what `Door.acknowledge` needs for an inform
    digest: bytes = b""  # of an authenticated inform: the same again is a retransmission or a replay


class Refusal(NamedTuple):
    """A message that becomes no event."""

    reason: Drop
    why: str  # for the log, rate-limited; never holds a community
    reply: bytes = b""  # a Report to send back, RFC 3414 §3.2


@dataclass(slots=True)
class Notification:
    """What a trap or inform says, whatever its version (RFC 3584 §3.1 for v1)."""

    version: int
    inform: bool
    request_id: int
    trap: bytes  # snmpTrapOID.0, content octets
    uptime: int | None  # sysUpTime.0, hundredths of a second
    varbinds: Varbinds  # all but sysUpTime.0 and snmpTrapOID.0
    agent_address: str = ""  # agent-addr of v1, or snmpTrapAddress.0


@dataclass(frozen=True, slots=True)
class Forward:
    """Another receiver, which gets every event as a trap of v2c."""

    address: str  # numeric
    port: int
    community: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Rule:
    """What a notification means, by its full name or OID; see `data/rules.yml`."""

    severity: str = "info"
    raises: str = ""  # a state
    clears: str = ""
    instance: str = ""  # the varbind's name whose value tells instances apart: "ifIndex"
    ttl: float = 0.0  # seconds; 0: the default of the state
    cause: bool = False


@dataclass(frozen=True, slots=True)
class Settings:
    """All that the receiver needs to know; goes to the child through a pipe, never by its command line."""

    folder: Path  # of the events
    communities: tuple[bytes, ...] = field(default=(), repr=False)
    users: tuple[User, ...] = ()
    allow: tuple[IPv4Network | IPv6Network, ...] = ()  # besides the addresses of hosts and relays
    hosts: Mapping[str, str] = field(default_factory=dict)  # numeric address -> host
    engines: Mapping[str, str] = field(default_factory=dict)  # engine ID (hex) -> host, or "" for none
    relays: tuple[str, ...] = ()  # addresses whose word on the origin is believed
    learn: int = 10_000  # engines of authenticated senders that are learned at most; 0: only `engines`
    rate: float = 1000.0  # datagrams a second from one source
    burst: float = 2000.0  # datagrams that a source may send at once
    fold: float = 10.0  # seconds in which the same notification again is only counted; 0: never
    retention: float = 90 * 86400.0  # seconds
    max_size: int = 2_000_000_000  # bytes of the folder
    log: bool = True  # a JSON line for each event
    forward: tuple[Forward, ...] = ()
    mib_dirs: tuple[Path, ...] = ()
    rules: Mapping[str, Rule] = field(default_factory=dict)  # on top of netmon's own
