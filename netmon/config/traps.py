"""`traps`: the receiver of traps and informs, which is there only where this section is.

Nobody may send anything by default: communities and users are named here, and the sources are the
addresses of hosts and relays, with the networks of `allow` besides.  `receiver.receiver_settings` makes
of it what the receiver's process is told.
"""

import ipaddress
import re
from functools import partial
from typing import Annotated, Final, Literal, Self

from pydantic import (
    AfterValidator,
    Field,
    PlainSerializer,
    PlainValidator,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import PydanticCustomError

from netmon.config.values import DAY, IpAddress, Listen, ListenAddress, NetworkField, bounded
from netmon.fields import Duration, OptionalDuration, Ref, Secret, Settings
from netmon.receivers import MAX_RECEIVERS, EventWebhook, Short
from netmon.snmp.usm import MAX_ENGINE_ID
from netmon.traps import records

PORT: Final = 162  # snmpTrap, RFC 3417 §3.1
MAX_ENTRIES: Final = 1000  # of one list: each is compared with what comes in
MIN_ENGINE_ID: Final = 5  # octets, RFC 3411 §5
MAX_COMMUNITY: Final = 255  # octets; RFC 1157 knows no bound, and no device takes more
_HEX: Final = re.compile(r"(?:0[xX])?((?:[0-9a-fA-F]{2}[:]?)+)", re.ASCII)
_STATE: Final = re.compile(r"[a-z][a-z0-9_]{0,47}", re.ASCII)
# The full name or the OID: a rule must mean one notification in every set of MIBs.
_NAME: Final = re.compile(
    r"[A-Za-z][\w-]{0,63}::[A-Za-z][\w-]{0,127}|\.?[0-9]{1,10}(?:\.[0-9]{1,10}){1,127}", re.ASCII
)
_PUBLIC: Final = "public"


def _community(secret: Secret) -> Secret:
    octets = len(secret.peek().encode())
    if not octets:
        raise PydanticCustomError("community", "is empty: anybody's guess; give it a community of your own")
    if octets > MAX_COMMUNITY:
        raise PydanticCustomError(
            "community", "is longer than {most} octets, which no device sends", {"most": MAX_COMMUNITY}
        )
    return secret


def _numeric(listen: Listen) -> Listen:
    try:
        ipaddress.ip_address(listen.host)
    except ValueError:
        raise PydanticCustomError(
            "listen_numeric", 'is not an address in numbers like "0.0.0.0:162" or "[::]:162"'
        ) from None
    return listen


def engine_id(text: str) -> str:
    """Hex digits of an engine ID, in lower case; `0x` and colons may stand there.

    Raises PydanticCustomError.
    """
    match = _HEX.fullmatch(text)
    digits = match[1].replace(":", "").lower() if match else ""
    if not MIN_ENGINE_ID <= len(digits) // 2 <= MAX_ENGINE_ID:
        raise PydanticCustomError(
            "engine_id",
            'is not an engine ID: {low} to {high} octets in hex, in quotes, as "80001f8804deadbeef"',
            {"low": MIN_ENGINE_ID, "high": MAX_ENGINE_ID},
        )
    return digits


def _state(text: str) -> str:
    if not _STATE.fullmatch(text):
        raise PydanticCustomError("trap_state", "is not a state's name like link_down: a-z, 0-9 and _")
    return text


def _forward_address(value: object) -> Listen:
    text = value if isinstance(value, str) else ""
    bracketed = re.fullmatch(r"\[([^\]]*)\](?::([0-9]{1,5}))?", text)
    plain = re.fullmatch(r"([0-9.]+):([0-9]{1,5})", text)
    found = bracketed or plain
    host, port = (found[1], int(found[2] or PORT)) if found else (text, PORT)
    try:
        if 0 < port <= 65535:  # noqa: PLR2004
            return Listen(str(ipaddress.ip_address(host)), port)
    except ValueError:
        pass
    raise PydanticCustomError(
        "forward_address", 'is not an address in numbers like "192.0.2.7" or "[2001:db8::7]:1162"'
    )


def _notification(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise PydanticCustomError(
            "trap_name", "is not a notification's full name like IF-MIB::linkDown, or its OID in numbers"
        )
    return text.lstrip(".")


State = Annotated[str, AfterValidator(_state)]
NotificationName = Annotated[str, AfterValidator(_notification)]
EngineId = Annotated[str, AfterValidator(engine_id)]


class ForwardEntry(Settings):
    """An entry of `traps.forward`: another receiver that gets every event as a trap of version 2c."""

    address: Annotated[
        Listen,
        PlainValidator(_forward_address),
        PlainSerializer(str),
        WithJsonSchema({"type": "string", "examples": ["192.0.2.7", "[2001:db8::7]:1162"]}),
    ]
    community: Annotated[Secret, AfterValidator(_community)]


class RuleEntry(Settings):
    """An entry of `traps.rules`: what a notification means."""

    severity: Literal["critical", "warning", "info"] = "info"
    raises: State | None = None
    clears: State | None = None
    instance: Annotated[
        str | None, Field(description="The object whose value tells instances apart, as ifIndex.")
    ] = None
    ttl: Annotated[
        Duration, AfterValidator(partial(bounded, low=1.0, high=366 * DAY, words="1s to 366d"))
    ] = DAY
    cause: Annotated[bool, Field(description="It explains a mail fault, if the trap was authenticated.")] = (
        False
    )

    @model_validator(mode="after")
    def _one_state(self) -> Self:
        if self.raises and self.clears:
            raise PydanticCustomError(
                "trap_rule", "raises one state and clears another: a notification does one of both"
            )
        idle = self.model_fields_set & {"instance", "ttl", "cause"}
        if idle and not (self.raises or self.clears):
            raise PydanticCustomError(
                "trap_rule",
                "has {keys} and no state that it is about: add raises or clears",
                {"keys": ", ".join(sorted(idle))},
            )
        return self

    def rule(self) -> records.Rule:
        """As the receiver reads it."""
        ttl = self.ttl if "ttl" in self.model_fields_set else 0.0
        return records.Rule(
            self.severity, self.raises or "", self.clears or "", self.instance or "", ttl, self.cause
        )


class TrapsEntry(Settings):
    """`traps`: the receiver of traps and informs."""

    listen: Annotated[
        tuple[Annotated[ListenAddress, AfterValidator(_numeric)], ...], Field(max_length=64)
    ] = (Listen("0.0.0.0", PORT), Listen("::", PORT))  # noqa: S104  devices are elsewhere
    communities: Annotated[
        tuple[Annotated[Secret, AfterValidator(_community)], ...],
        Field(max_length=MAX_ENTRIES, description="Of SNMPv1 and v2c; none but these is accepted."),
    ] = ()
    users: Annotated[
        tuple[Annotated[str, Ref("auths")], ...],
        Field(max_length=MAX_ENTRIES, description="Names of auths of version 3."),
    ] = ()
    allow: Annotated[
        tuple[NetworkField, ...],
        Field(max_length=MAX_ENTRIES, description="Networks that may send, besides hosts and relays."),
    ] = ()
    relays: Annotated[
        tuple[IpAddress, ...],
        Field(max_length=MAX_ENTRIES, description="Forwarders whose word on the origin is believed."),
    ] = ()
    engines: Annotated[
        dict[EngineId, Annotated[str, Ref("hosts")]],
        Field(description="Engine ID in hex -> the host whose it is."),
    ] = Field(default_factory=dict)
    learn: Annotated[
        int, Field(ge=0, le=1_000_000, description="Engines learned of authenticated senders at most.")
    ] = 10_000
    rate: Annotated[float, Field(ge=1, le=1_000_000, description="Datagrams a second from one source.")] = (
        1000.0
    )
    burst: Annotated[float, Field(ge=1, le=10_000_000, description="Datagrams of one source at once.")] = (
        2000.0
    )
    fold: Annotated[
        OptionalDuration,
        AfterValidator(partial(bounded, low=0.0, high=3600.0, words="1s to 1h, or 0s for never")),
        Field(description="How long the same notification again is only counted."),
    ] = 10.0
    log: Annotated[bool, Field(description="A JSON line in the log for each event.")] = True
    forward: Annotated[tuple[ForwardEntry, ...], Field(max_length=MAX_RECEIVERS)] = ()
    webhooks: Annotated[
        tuple[Annotated[EventWebhook, Short("url")], ...], Field(max_length=MAX_RECEIVERS)
    ] = ()
    rules: Annotated[
        dict[NotificationName, RuleEntry],
        Field(max_length=10_000, description="Notification (IF-MIB::linkDown or its OID) -> its meaning."),
    ] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _somebody(self) -> Self:
        if not self.listen:
            raise PydanticCustomError(
                "traps_listen", "listens nowhere: give listen an address, or leave it out"
            )
        if not self.communities and not self.users:
            raise PydanticCustomError(
                "traps_nobody",
                "lets nobody send: add communities (SNMPv1, v2c) or users (names of auths of version 3)",
            )
        if self.burst < self.rate / 10:
            raise PydanticCustomError(
                "traps_burst",
                "has a burst below a tenth of its rate: make burst larger, or rate smaller",
            )
        if len({hook.identity for hook in self.webhooks}) < len(self.webhooks):
            raise PydanticCustomError(
                "traps_webhooks", "has two webhooks that are the same; give each a URL or a name of its own"
            )
        return self

    def notices(self) -> tuple[str, ...]:
        """What people should know, though it is no mistake."""
        found = [
            f"traps.allow: {network} lets any address send; what guards the receiver then is the community"
            " or the user alone"
            for network in self.allow
            if not network.prefixlen
        ]
        if any(community.peek() == _PUBLIC for community in self.communities):
            found.append(
                "traps.communities: the well-known community is among them: whoever reaches the port can"
                " send events in a host's name"
            )
        return tuple(found)
