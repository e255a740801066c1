"""What every probe is given and what it must offer.

A probe is one file: a `Settings` class, an async function from a `Check` and a `Context` to an
`Observation`, and one row in `PROBES` that serves config validation and scheduling alike.
A probe never raises for what the network does: that is a result with a reason.  It may be
cancelled at its deadline at any await, and must leave nothing open when it is.
"""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import AfterValidator, ValidationInfo, field_validator, model_validator
from pydantic_core import PydanticCustomError

from netmon.fields import Secret, Settings
from netmon.mail.flows import Flows
from netmon.mail.manners import Manners
from netmon.mail.memory import Memory
from netmon.mail.policy.memory import PolicyMemory
from netmon.mail.tokens import Tokens
from netmon.mib.auto import Row, shipped_rows
from netmon.mib.choices import Choices
from netmon.mib.prefer import shipped_preferences
from netmon.model import Check, Family, Observation, Role, Table
from netmon.probes.snmp_static import StaticColumns
from netmon.snmp.usm import MAX_NAME, MIN_PASSWORD

if TYPE_CHECKING:
    from netmon.icmp import Pinger
    from netmon.mail.slots import Slots
    from netmon.mail.tls import TrustStores
    from netmon.mib.modules import Module
    from netmon.resolver import Resolver
    from netmon.snmp.client import Client


def _at_most_32(text: str) -> str:
    if len(text.encode()) > MAX_NAME or not text.isprintable():
        raise PydanticCustomError(
            "snmp_name", "is not a name of at most {octets} printable octets", {"octets": MAX_NAME}
        )
    return text


class Auth(Settings):
    """An entry of `auths`, in the schema of snmp_exporter's snmp.yml, with its defaults.

    `community` is of version 1 and 2, all that follows it of version 3; what the security level does
    not use may stand there and is left aside.
    """

    version: Literal[1, 2, 3] = 2
    community: Secret = Secret("public")
    username: Annotated[str, AfterValidator(_at_most_32)] = ""
    security_level: Literal["noAuthNoPriv", "authNoPriv", "authPriv"] = "noAuthNoPriv"
    auth_protocol: Literal["MD5", "SHA", "SHA224", "SHA256", "SHA384", "SHA512"] = "MD5"
    password: Secret = Secret("")
    priv_protocol: Literal["DES", "AES", "AES192", "AES192C", "AES256", "AES256C"] = "DES"
    priv_password: Secret = Secret("")
    context_name: Annotated[str, AfterValidator(_at_most_32)] = ""

    @field_validator("version", mode="before")
    @classmethod
    def _number(cls, value: object) -> object:
        # A reference expands to a text.
        return int(value) if isinstance(value, str) and value in {"1", "2", "3"} else value

    @field_validator("password", "priv_password")
    @classmethod
    def _long_enough(cls, value: Secret, info: ValidationInfo) -> Secret:
        if info.data.get("version") == 3 and 0 < len(value.peek().encode()) < MIN_PASSWORD:  # noqa: PLR2004
            raise PydanticCustomError(
                "password_short",
                "is shorter than {octets} octets; SNMPv3 takes no such password (RFC 3414 §11.2)",
                {"octets": MIN_PASSWORD},
            )
        return value

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if self.version != 3:  # noqa: PLR2004
            return self
        if not self.username:
            raise PydanticCustomError("username", "SNMPv3 needs a user: add username")
        for secret, key, lower in (
            (self.password, "password", "noAuthNoPriv"),
            (self.priv_password, "priv_password", "authNoPriv"),
        ):
            if self.security_level not in {lower, "noAuthNoPriv"} and not secret.peek():
                raise PydanticCustomError(
                    "password_missing",
                    "security_level {level} needs a {key}: add it, or set security_level to {lower}",
                    {"level": self.security_level, "key": key, "lower": lower},
                )
        return self


@dataclass(frozen=True, slots=True)
class Library:
    """What settings refer to by name."""

    auths: Mapping[str, Auth]
    modules: Mapping[str, "Module"]
    rows: Sequence[Row] = field(default_factory=shipped_rows)  # what `modules: auto` chooses from
    wider: Mapping[str, str] = field(default_factory=shipped_preferences)  # 32-bit counters -> 64-bit ones


class Totals:
    """Running counts over the runs of checks, for series that are counters.

    They live as long as the process: a restart is a counter reset, which Prometheus understands.
    Bounded: past `limit` keys the one that was longest unused starts again from zero.
    """

    def __init__(self, limit: int = 100_000) -> None:
        self._counts: OrderedDict[tuple[str, ...], tuple[int, ...]] = OrderedDict()
        self._limit = limit

    def add(self, key: tuple[str, ...], amounts: Iterable[int]) -> tuple[int, ...]:
        """Add to the counts of `key` and give the sums; one key always has equally many amounts."""
        amounts = tuple(amounts)
        known = self._counts.pop(key, None)
        sums = amounts if known is None else tuple(a + b for a, b in zip(known, amounts, strict=True))
        self._counts[key] = sums
        if len(self._counts) > self._limit:
            self._counts.popitem(last=False)
        return sums


@dataclass(slots=True)
class Context:
    """What lives longer than a check, a run or a reload; built by agent.py, shared by all probes."""

    agent_name: str  # what netmon says in EHLO
    snmp: "Client"
    pinger: "Pinger"
    resolver: "Resolver"
    trust: "TrustStores"
    slots: "Slots"  # one connection at a time per mail server address
    wall: Callable[[], float]  # seconds since the epoch
    # Measures durations.  Not loop.time: uvloop's has steps of a millisecond and stands still in a callback.
    stopwatch: Callable[[], float] = perf_counter
    totals: Totals = field(default_factory=Totals)
    choices: Choices = field(default_factory=Choices)  # of `modules: auto`
    statics: StaticColumns = field(default_factory=StaticColumns)
    policies: PolicyMemory = field(default_factory=PolicyMemory)  # of domains
    manners: Manners = field(default_factory=Manners)  # towards mail servers
    memory: Memory = field(default_factory=lambda: Memory(tests=False))  # of mail servers, over days
    flows: Flows = field(default_factory=Flows)  # of mailflows, from run to run
    tokens: Tokens = field(default_factory=Tokens)  # OAuth2, for logins


@dataclass(frozen=True, slots=True)
class ProbeKind:
    """A row of `PROBES`."""

    name: str  # the key in a host's config and the value of the label `probe`
    settings: type[Settings]
    many: bool  # the host's key holds a list of settings
    probe: Callable[[Check, Context], Awaitable[Observation]]
    endpoint: Callable[[str, Any], str]  # (host name, settings) -> label `endpoint`
    role: Callable[[Any], Role | None]
    families: tuple[Family, ...]  # netmon_ families that `Observation.own` may hold
    # Settings -> what Check.settings holds, names resolved; here they name nothing of the config.
    bind: Callable[[Any, Library], Any] = lambda settings, _library: settings
    own_labels: tuple[str, ...] = ("host", "endpoint")  # of CheckKey; `own` tables carry only further ones
    least_interval: float = 0.0  # seconds; it is not asked more often, whatever its host's interval
    of_hosts: bool = True  # False: a host of the config has no key for it
    # Seconds that a run may take, within its interval; None: as any other probe's.
    longest: Callable[[Any], float] | None = None
    # Own tables before the first run: counters that begin with 0, so that the first event is an increase.
    unrun: Callable[[Any], Sequence[Table]] | None = None
