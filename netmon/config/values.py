"""The types of single values in netmon.yml: names, addresses, networks, durations within bounds.

Each says in its own words what was wanted when a value is none.
"""

import ipaddress
import re
from functools import partial
from typing import Annotated, Final, Literal, NamedTuple, cast

from pydantic import AfterValidator, Field, PlainSerializer, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from netmon.fields import Duration

# Labels that netmon, its rules or Prometheus set: a host's own label of that name would hide them.
RESERVED_LABELS: Final = frozenset(
    {"alertname", "host", "instance", "job", "probe", "endpoint", "module", "result", "reason", "phase"}
    | {"verdict", "finding", "severity", "trap", "state", "domain", "mx", "mailflow", "le", "quantile"}
)
MAX_PORT: Final = 65535
DAY: Final = 86400.0
_PORT: Final = re.compile(r"[0-9]{1,5}")
_BRACKETS: Final = re.compile(r"\[(.*)\]")
_HOST_NAME: Final = re.compile(r"\w[\w.:-]{0,252}")
_LABEL_NAME: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
# RFC 1123 §2.1 with the underscore that people use; a last label of digits alone is a broken IPv4 address.
_DNS_NAME: Final = re.compile(
    r"(?=.{1,253}$)([A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\.)*(?![0-9]+\.?$)[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\.?"
)


def _host_name(text: str) -> str:
    if not _HOST_NAME.fullmatch(text):
        raise PydanticCustomError("host_name", "is not a host's name: letters, digits, . _ : and - make one")
    return text


def _ip_address(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise PydanticCustomError("ip_address", "is not an IP address") from None


def _address(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        if _DNS_NAME.fullmatch(text):
            return text
    raise PydanticCustomError("address", "is not an IP address or a DNS name (without port and brackets)")


def _domain(text: str) -> str:
    name = text.rstrip(".").lower()
    if not _DNS_NAME.fullmatch(name) or "." not in name:
        raise PydanticCustomError("domain", "is not a domain's name like example.org")
    return name


def _dns_server(text: str) -> str:
    host, colon, port = text.rpartition(":")
    bracketed = _BRACKETS.fullmatch(host)
    if colon and _PORT.fullmatch(port) and 0 < int(port) <= MAX_PORT and (bracketed or ":" not in host):
        return f"[{_ip_address(bracketed[1])}]:{port}" if bracketed else f"{_ip_address(host)}:{port}"
    return _ip_address(text)


def _label_name(text: str) -> str:
    if not _LABEL_NAME.fullmatch(text) or text.startswith("__"):
        raise PydanticCustomError(
            "label_name", "is not a Prometheus label name: [a-zA-Z_][a-zA-Z0-9_]*, not two _ in front"
        )
    if text in RESERVED_LABELS or text.startswith("exported_"):
        raise PydanticCustomError("label_reserved", "is a label that netmon or Prometheus sets itself")
    return text


def bounded(seconds: float, *, low: float, high: float, words: str) -> float:
    """The duration, if it is within bounds, which `words` tell.  Raises PydanticCustomError."""
    if not low <= seconds <= high:
        raise PydanticCustomError("duration_range", "is out of range, wanted {words}", {"words": words})
    return seconds


class Listen(NamedTuple):
    """An address to listen on; an empty host means all, port 0 any free one."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def _listen(text: object) -> Listen:
    host, _, port = text.rpartition(":") if isinstance(text, str) else ("", "", "")
    bracketed = _BRACKETS.fullmatch(host)
    if not _PORT.fullmatch(port) or int(port) > MAX_PORT or (":" in host and not bracketed):
        raise PydanticCustomError(
            "listen", 'is not an address to listen on like "127.0.0.1:9162" or "[::]:9162"'
        )
    if bracketed:
        return Listen(_ip_address(bracketed[1]), int(port))
    return Listen(_address(host) if host else "", int(port))


Network = ipaddress.IPv4Network | ipaddress.IPv6Network
ProbeTargets = Literal["configured", "any"] | tuple[Network, ...]


def _probe_targets(value: object) -> ProbeTargets:
    if value in ("configured", "any"):
        return cast("ProbeTargets", value)
    if isinstance(value, list | tuple) and value:
        return tuple(map(_network, value))
    raise PydanticCustomError(
        "probe_targets", "is not configured, any or a list of networks like [192.0.2.0/24]"
    )


def _network(value: object) -> Network:
    if isinstance(value, ipaddress.IPv4Network | ipaddress.IPv6Network):
        return value
    try:
        if isinstance(value, str):  # a number would be an address, which nobody means
            return ipaddress.ip_network(value)
    except ValueError as error:
        hint = "; the bits behind the prefix must be 0" if "host bits" in str(error) else ""
        raise PydanticCustomError(
            "network",
            "holds {what}, which is no network like 192.0.2.0/24{hint}",
            {"what": value, "hint": hint},
        ) from None
    raise PydanticCustomError("network", "holds what is no network like 192.0.2.0/24")


def _one_network(value: object) -> Network:
    try:
        return _network(value)
    except PydanticCustomError as error:
        hint = (error.context or {}).get("hint", "")
        raise PydanticCustomError(
            "network", "is no network like 192.0.2.0/24{hint}", {"hint": hint}
        ) from None


HostName = Annotated[str, AfterValidator(_host_name)]
Address = Annotated[str, AfterValidator(_address)]
IpAddress = Annotated[str, AfterValidator(_ip_address)]
DnsServer = Annotated[str, AfterValidator(_dns_server)]
DomainName = Annotated[str, AfterValidator(_domain)]
LabelName = Annotated[str, AfterValidator(_label_name)]
Interval = Annotated[Duration, AfterValidator(partial(bounded, low=1.0, high=7 * DAY, words="1s to 7d"))]
Timeout = Annotated[Duration, AfterValidator(partial(bounded, low=0.01, high=60.0, words="10ms to 60s"))]
Retention = Annotated[Duration, AfterValidator(partial(bounded, low=DAY, high=3660 * DAY, words="1d to 10y"))]
Percent = Annotated[float, Field(gt=0, le=100)]
ListenAddress = Annotated[
    Listen,
    PlainValidator(_listen),
    PlainSerializer(str),
    WithJsonSchema({"type": "string", "examples": ["127.0.0.1:9162", "[::]:9162"]}),
]


NetworkField = Annotated[
    Network,
    PlainValidator(_one_network),
    PlainSerializer(str),
    WithJsonSchema({"type": "string", "examples": ["192.0.2.0/24"]}),
]
ProbeTargetsField = Annotated[
    ProbeTargets,
    PlainValidator(_probe_targets),
    PlainSerializer(lambda rule: rule if isinstance(rule, str) else [str(network) for network in rule]),
    WithJsonSchema(
        {
            "anyOf": [
                {"enum": ["configured", "any"]},
                {"type": "array", "items": {"type": "string", "examples": ["192.0.2.0/24"]}, "minItems": 1},
            ]
        }
    ),
]
