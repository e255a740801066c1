"""The config's hosts -> the set of checks that the scheduler keeps.  Pure: no clock, no I/O.

Everything that changes what is checked passes through here: start, reload, and what DNS says of
`domains`.  A check's digest says whether two plans mean the same by it, in this process or in
another one, so it is made of values only, never of identities or of the order of a set.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, fields, is_dataclass, replace
from enum import Enum
from pathlib import PurePath
from typing import Any, Final, Protocol

from pydantic import BaseModel

from netmon.fields import Secret
from netmon.mail.mx.fence import outside
from netmon.model import Check, CheckKey, Confirm, Host, Limits, Route
from netmon.probes.base import Library, ProbeKind

LONGEST_RUN: Final = 60.0  # seconds, unless a probe says more; a run never outlives its interval either


class PlannedProbe(Protocol):
    """A probe of a host, with its settings."""

    @property
    def kind(self) -> ProbeKind:
        """The row of the table of probes."""

    @property
    def settings(self) -> Any:
        """The probe's own record."""


class Paced(Protocol):
    """What is checked at a pace; durations in seconds."""

    @property
    def interval(self) -> float:
        """Between the starts of two runs."""

    @property
    def timeout(self) -> float:
        """For one answer."""


class PlannedHost(Paced, Protocol):
    """A host and what to check on it.  The config's hosts are such."""

    @property
    def host(self) -> Host:
        """The host."""

    @property
    def retries(self) -> int:
        """Further sends of an SNMP request."""

    @property
    def probes(self) -> Iterable[PlannedProbe]:
        """What to check."""


class PlannedDomain(Paced, Protocol):
    """A domain whose MX records are followed."""

    @property
    def name(self) -> str:
        """The domain."""

    @property
    def probe(self) -> PlannedProbe:
        """What to check at every address of every MX; the MX is the name in the certificate."""

    @property
    def policy(self) -> PlannedProbe | None:
        """What to check of the domain itself; its settings take `addresses` that DNS leads to."""

    @property
    def confirm(self) -> Confirm:
        """Of hosts that nobody has configured."""

    @property
    def limits(self) -> Limits:
        """Of hosts that nobody has configured."""


class PlannedMailflow(Paced, Protocol):
    """A message's way through mail servers."""

    @property
    def host(self) -> Host:
        """The host that it is a check of: that of the first mailbox."""

    @property
    def probe(self) -> PlannedProbe:
        """The mailflow itself."""


class PlannedConfig(Protocol):
    """All that is planned from; a Protocol, since config and plan do not know each other."""

    @property
    def hosts(self) -> Iterable[PlannedHost]:
        """Every host that is configured."""

    @property
    def domains(self) -> Iterable[PlannedDomain]:
        """Every domain that is configured."""

    @property
    def mailflows(self) -> Iterable[PlannedMailflow]:
        """Every mailflow that is configured."""


def plan(config: PlannedConfig, library: Library, discovered: Sequence[Route] = ()) -> frozenset[Check]:
    """One check for each probe of each host, and one for each address of `discovered` and port.

    The settings are bound to what they name in `library`.  About 30 µs a check, thanks to hosts that
    share their settings.
    """
    binding = _Binding(library)
    configured = [_check(entry, probe, binding) for entry in config.hosts for probe in entry.probes]
    configured += [
        _check(_Entry(flow.host, flow.interval, flow.timeout), flow.probe, binding)
        for flow in config.mailflows
    ]
    servers = tuple(_of_domains(config, discovered, binding)) if discovered else ()
    return frozenset([*configured, *servers, *_of_policies(config, discovered, servers, binding)])


def all_hosts(configured: Iterable[Host], checks: Iterable[Check]) -> list[Host]:
    """The configured hosts in their order, then those that only MX records name, by name."""
    known = {host.name: host for host in configured}
    others = {check.host.name: check.host for check in checks if check.host.name not in known}
    return [*known.values(), *(others[name] for name in sorted(others))]


def _of_domains(config: PlannedConfig, routes: Iterable[Route], binding: "_Binding") -> Iterator[Check]:
    """The checks of MX records; a server that several domains share is talked to once.

    Where they want different things of it, the shortest interval holds, and else the first domain.
    """
    domains = {domain.name: domain for domain in config.domains}
    owners = _Owners(config.hosts)
    shared: dict[tuple[str, str], list[tuple[Route, PlannedDomain]]] = {}
    strangers: dict[str, set[str]] = {}
    for route in routes:
        domain = domains.get(route.domain)
        if domain is None:  # no longer configured
            continue
        probe = domain.probe
        where = probe.kind.endpoint(route.mx, probe.settings) + _suffix(route)
        shared.setdefault((where, route.address), []).append((route, domain))
        if owners.of(route) is None:
            strangers.setdefault(route.mx, set()).add(route.address)
    rank = {name: number for number, name in enumerate(domains)}
    for (where, address), users in shared.items():
        users.sort(key=lambda user: rank[user[0].domain])
        route, first = users[0]
        host = owners.of(route) or Host(
            route.mx,
            route.mx,
            tuple(sorted(strangers[route.mx])),
            confirm=first.confirm,
            limits=first.limits,
        )
        settings = first.probe.settings.model_copy(update={"tls_name": route.mx})
        entry = _Entry(host, min(domain.interval for _, domain in users), first.timeout)
        check = _check(entry, _Probe(first.probe.kind, settings), binding, where, address)
        yield replace(check, mx=route.mx, domains=tuple(user.domain for user, _ in users))


def _of_policies(
    config: PlannedConfig, routes: Sequence[Route], servers: Iterable[Check], binding: "_Binding"
) -> Iterator[Check]:
    """What each domain publishes is checked on a host of the domain's name.

    Its checks may connect to those routes besides public addresses, since a person has allowed them.
    """
    hosts = {check.host.name: check.host for check in servers}
    hosts |= {entry.host.name: entry.host for entry in config.hosts}
    local: dict[str, set[str]] = {}
    for route in routes:
        if outside(route.address):
            local.setdefault(route.domain, set()).add(route.address)
    for domain in config.domains:
        if domain.policy is None:
            continue
        host = hosts.get(domain.name) or Host(
            domain.name, domain.name, confirm=domain.confirm, limits=domain.limits
        )
        there = tuple(sorted(local.get(domain.name, ())))
        settings = domain.policy.settings.model_copy(update={"addresses": there})
        entry = _Entry(host, domain.interval, domain.timeout)
        yield _check(entry, _Probe(domain.policy.kind, settings), binding)


def _suffix(route: Route) -> str:
    """The family, and a number from the second address on: addresses themselves make no labels."""
    family = "/ip6" if ":" in route.address else "/ip4"
    return family if route.number == 1 else f"{family}-{route.number}"


class _Owners:
    """Whose address is it: that of the configured host which says so, or has the MX's name."""

    def __init__(self, hosts: Iterable[PlannedHost]) -> None:
        self._by_address: dict[str, Host] = {}
        self._by_name: dict[str, Host] = {}
        for entry in hosts:
            host = entry.host
            for address in (host.address, *host.addresses):
                self._by_address.setdefault(_name(address), host)
            self._by_name[_name(host.name)] = host

    def of(self, route: Route) -> Host | None:
        """The host, or None: nobody has configured it."""
        return (
            self._by_address.get(route.address)
            or self._by_name.get(route.mx)
            or self._by_address.get(route.mx)
        )


def _name(text: str) -> str:
    return text.rstrip(".").lower()


@dataclass(frozen=True, slots=True)
class _Probe:
    kind: ProbeKind
    settings: Any


@dataclass(frozen=True, slots=True)
class _Entry:
    """A host as a domain's checks see it."""

    host: Host
    interval: float
    timeout: float
    retries: int = 0  # of SNMP
    probes: tuple[PlannedProbe, ...] = ()


class _Binding:
    """Settings bound and encoded once, however many hosts have the same."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._known: dict[tuple[str, Any], tuple[Any, bytes]] = {}

    def __call__(self, kind: ProbeKind, settings: Any) -> tuple[Any, bytes]:
        """The bound settings and their encoding."""
        try:
            known = self._known.get((kind.name, settings))
        except TypeError:  # settings that hold a mapping have no hash
            return self._bind(kind, settings)
        if known is None:
            known = self._known[kind.name, settings] = self._bind(kind, settings)
        return known

    def _bind(self, kind: ProbeKind, settings: Any) -> tuple[Any, bytes]:
        bound = kind.bind(settings, self._library)
        return bound, b"".join(_encoded(bound))


def _check(
    entry: PlannedHost, probe: PlannedProbe, binding: _Binding, endpoint: str = "", address: str = ""
) -> Check:
    kind, settings = probe.kind, probe.settings
    bound, encoded = binding(kind, settings)
    interval = max(entry.interval, kind.least_interval)
    deadline = min(interval, LONGEST_RUN if kind.longest is None else kind.longest(bound))
    timeout = min(entry.timeout, deadline)
    role = kind.role(settings)
    required = bool(getattr(settings, "required", True))
    endpoint = endpoint or kind.endpoint(entry.host.name, settings)
    key = CheckKey(entry.host.name, kind.name, endpoint)
    # Of the host only what a run sees; a changed label or dependency disturbs no schedule.
    parts = (
        *key,
        address or entry.host.address,
        encoded,
        interval,
        timeout,
        entry.retries,
        deadline,
        role,
        required,
    )
    return Check(
        key=key,
        host=entry.host,
        settings=bound,
        interval=interval,
        timeout=timeout,
        retries=entry.retries,
        deadline=deadline,
        role=role,
        required=required,
        digest=digest(parts),
        address=address,
    )


def digest(value: Any) -> str:
    """A stable hash over plain values, records, enums and secrets (by fingerprint), nested at will.

    A record that has a text `digest` of its own, as a module has, stands by that.  Raises TypeError
    for what has no stable form, rather than hashing an object's address.
    """
    return hashlib.blake2b(b"".join(_encoded(value)), digest_size=16).hexdigest()


def _encoded(value: Any) -> Iterator[bytes]:
    """A prefix-free encoding: every part says its sort and its length."""
    if isinstance(value, Enum):
        yield from _encoded((type(value).__name__, value.value))
    elif value is None or isinstance(value, (bool, int, float, str, bytes, PurePath)):
        yield _leaf(type(value).__name__, repr(value).encode())
    elif isinstance(value, Secret):
        yield _leaf("secret", value.fingerprint())
    elif isinstance(value, Mapping):
        yield _leaf("mapping", str(len(value)).encode())
        yield from sorted(b"".join((*_encoded(key), *_encoded(item))) for key, item in value.items())
    elif isinstance(value, AbstractSet):
        yield _leaf("set", str(len(value)).encode())
        yield from sorted(b"".join(_encoded(item)) for item in value)
    elif isinstance(value, (tuple, list)):
        yield _leaf("list", str(len(value)).encode())
        for item in value:
            yield from _encoded(item)
    else:
        yield from _encoded_record(value)


def _encoded_record(value: Any) -> Iterator[bytes]:
    own = getattr(value, "digest", None)
    if isinstance(own, str) and own:
        names: tuple[str, ...] = ("digest",)
    elif isinstance(value, BaseModel):
        names = tuple(type(value).model_fields)
    elif is_dataclass(value) and not isinstance(value, type):
        names = tuple(field.name for field in fields(value))
    else:
        raise TypeError(f"{type(value).__name__} has no stable form to hash")
    yield _leaf("record", type(value).__name__.encode())
    for name in names:
        yield _leaf("field", name.encode())
        yield from _encoded(getattr(value, name))


def _leaf(sort: str, data: bytes) -> bytes:
    return b"%s:%d:%s" % (sort.encode(), len(data), data)
