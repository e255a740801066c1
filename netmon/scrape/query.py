"""The query of `/snmp` -> a record, by the rules of snmp_exporter >= 0.23; pure."""

import ipaddress
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from netmon.errors import NetmonError
from netmon.wording import did_you_mean, quote

DEFAULT_AUTH: Final = "public_v2"
DEFAULT_MODULE: Final = "if_mib"
PORT: Final = 161

_TRANSPORTS: Final = ("udp", "udp4", "udp6", "tcp")
_TARGET: Final = re.compile(
    r"(?:(?P<transport>[^:/?#\[\]]*)://)?"
    r"(?:\[(?P<v6>[^\[\]]*)\]|(?P<bare>[0-9A-Fa-f]*:[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*)|(?P<host>[^:/\[\]]*))"
    r"(?::(?P<port>[0-9]{1,5}))?"
)
# RFC 1123 §2.1 with the underscore that people use.  A last label of digits alone is a number in
# disguise (127.1, 0177.0.0.1, 2130706433), which system resolvers take for an address.
_NAME: Final = re.compile(
    r"(?=.{1,253}$)(?:[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\.)*"
    r"(?!(?:[0-9]+|0[xX][0-9A-Fa-f]*)\.?$)[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\.?"
)
_LAST_PORT: Final = 65535
_MOST_MODULES: Final = 64
_LONGEST_CONTEXT: Final = 32  # octets (RFC 3411 §5, vacmContextName)
_ENGINE_ID: Final = re.compile(r"(?:0[xX])?((?:[0-9A-Fa-f]{2}){5,32})")  # RFC 3411 §5, SnmpEngineID
_LONGEST_TARGET: Final = 300  # characters: a name has 253, and the expression's time grows by the square


class QueryError(NetmonError):
    """A query that is not answered; `status` is the HTTP status code that says so."""

    def __init__(self, text: str, status: int = 400) -> None:
        super().__init__(text)
        self.status = status


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`[transport://]host[:port]`; `host` is a canonical address or a lower-case name without a last dot."""

    transport: str
    host: str
    port: int | None
    numeric: bool


@dataclass(frozen=True, slots=True)
class Query:
    """What was asked for; `context` and `engine_id` are None where they are left to the auth."""

    target: Endpoint
    auth: str
    modules: tuple[str, ...]
    context: str | None = None
    engine_id: bytes | None = None
    partial: bool = False
    debug: bool = False


def parse_query(items: Sequence[tuple[str, str]], auths: Collection[str], modules: Collection[str]) -> Query:
    """The record of a query's parameters, in their order; `auths` and `modules` are the known names.

    Parameters that nobody knows are left to whoever put them there.  Raises QueryError.
    """
    target = _one(items, "target")
    if not target:
        raise QueryError("the parameter target must be given once: /snmp?target=HOST&module=if_mib")
    auth = _one(items, "auth") or DEFAULT_AUTH
    if auth not in auths:
        raise QueryError(
            f"unknown auth {quote(auth)}{did_you_mean(auth, auths)}; auths of netmon.yml names them"
        )
    texts = [text for name, text in items if name == "module"]
    names = tuple(dict.fromkeys(part for text in texts for part in text.split(",") if part))
    names = names or (DEFAULT_MODULE,)
    if len(names) > _MOST_MODULES:
        raise QueryError(f"{len(names)} modules are too many for one query; {_MOST_MODULES} are the most")
    for name in names:
        if name not in modules:
            raise QueryError(
                f"unknown module {quote(name)}{did_you_mean(name, modules)}; "
                "modules of your own come from files that module_files in netmon.yml names"
            )
    context = _one(items, "snmp_context")
    if context is not None and len(context.encode("utf-8", "replace")) > _LONGEST_CONTEXT:
        raise QueryError(f"snmp_context is longer than {_LONGEST_CONTEXT} octets")
    return Query(
        target=parse_endpoint(target),
        auth=auth,
        modules=names,
        context=context or None,
        engine_id=_engine_id(_one(items, "snmp_engineid")),
        partial=_flag(items, "partial"),
        debug=_flag(items, "debug"),
    )


def parse_endpoint(text: str) -> Endpoint:
    """`[transport://]host[:port]`, an IPv6 address in brackets.  Raises QueryError."""
    match = _TARGET.fullmatch(text) if len(text) <= _LONGEST_TARGET else None
    if match is None:
        raise QueryError(
            f"target {quote(text)} is not [transport://]host[:port], "
            "such as sw1, 192.0.2.1:1161 or [2001:db8::1]:161"
        )
    transport = match["transport"] if match["transport"] is not None else "udp"
    if transport not in _TRANSPORTS:
        raise QueryError(f"transport {quote(transport)} is not one of {', '.join(_TRANSPORTS)}")
    port = None if match["port"] is None else int(match["port"])
    if port is not None and not 0 < port <= _LAST_PORT:
        raise QueryError(f"target {quote(text)}: {port} is no port; 1 to {_LAST_PORT} are")
    v6 = match["v6"] if match["v6"] is not None else match["bare"]
    host = v6 if v6 is not None else match["host"]
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        if v6 is not None or not _NAME.fullmatch(host):
            raise QueryError(
                f"target {quote(text)}: {quote(host)} is neither an address nor a name"
            ) from None
        return Endpoint(transport, host.rstrip(".").lower(), port, numeric=False)
    if isinstance(address, ipaddress.IPv6Address) and address.scope_id:
        raise QueryError(f"target {quote(text)}: an address with a zone (%) is of one machine only")
    return Endpoint(transport, str(plain(address)), port, numeric=True)


def plain(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """The address that is really contacted: ::ffff:192.0.2.1 is 192.0.2.1 (RFC 4291 §2.5.5.2)."""
    mapped = getattr(address, "ipv4_mapped", None)
    return mapped if mapped is not None else address


def _one(items: Sequence[tuple[str, str]], name: str) -> str | None:
    texts = [text for key, text in items if key == name]
    if len(texts) > 1:
        raise QueryError(f"the parameter {name} must be given once, not {len(texts)} times")
    return texts[0] if texts else None


def _flag(items: Sequence[tuple[str, str]], name: str) -> bool:
    text = _one(items, name)
    if text not in (None, "", "true", "false", "1", "0"):
        raise QueryError(f"{name}={quote(str(text))} is neither true nor false")
    return text in ("true", "1")


def _engine_id(text: str | None) -> bytes | None:
    if not text:
        return None
    match = _ENGINE_ID.fullmatch(text)
    if match is None:
        raise QueryError(f"snmp_engineid {quote(text)} is not 5 to 32 octets in hexadecimal digits")
    return bytes.fromhex(match[1])
