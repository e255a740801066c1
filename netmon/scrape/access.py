"""Whom `/snmp` and `/probe` may contact: what `web.probe_targets` allows, decided on resolved addresses.

Anyone who reaches the web port can name a target.  So a name is only a way to an address: it is
resolved once, the address is judged and the same address is contacted, whatever DNS says a moment
later (DNS rebinding).  Addresses are compared as numbers, never as texts, and an IPv4-mapped IPv6
address is the IPv4 address that it reaches.
"""

import ipaddress
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, Protocol

from netmon.model import Host
from netmon.probes.smtp_settings import SmtpSettings
from netmon.probes.snmp_settings import SnmpSettings
from netmon.scrape.query import PORT, Endpoint, QueryError, plain

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
ProbeTargets = Literal["configured", "any"] | tuple[Network, ...]
Resolve = Callable[[str], Awaitable[Sequence[str]]]
_LOCAL: Final = "localhost"
# What a configured host may be asked on over TCP besides the ports of its own checks.
MAIL_PORTS: Final = frozenset((25, 465, 587, 110, 143, 993, 995))


@dataclass(frozen=True, slots=True)
class Device:
    """A configured host as an on-demand read needs it; durations in seconds.

    `snmp` is the host's own section, None where it has none; `timeout` and `retries` are the host's;
    `ports` are those of its checks over TCP.
    """

    host: Host
    snmp: SnmpSettings | None
    timeout: float
    retries: int
    ports: frozenset[int] = frozenset()


class _Probe(Protocol):
    @property
    def settings(self) -> Any: ...


class ConfiguredHost(Protocol):
    """A host of the config; a Protocol, since config and scrape do not know each other."""

    @property
    def host(self) -> Host:
        """The host."""

    @property
    def timeout(self) -> float:
        """Seconds for one answer."""

    @property
    def retries(self) -> int:
        """Further sends."""

    @property
    def probes(self) -> Iterable[_Probe]:
        """What is checked on it."""


def device(entry: ConfiguredHost) -> Device:
    """What an on-demand read needs of a host."""
    settings = [probe.settings for probe in entry.probes]
    ports = frozenset(each.port for each in settings if isinstance(each, SmtpSettings))
    snmp = next((each for each in settings if isinstance(each, SnmpSettings)), None)
    return Device(entry.host, snmp, entry.timeout, entry.retries, ports)


@dataclass(frozen=True, slots=True)
class Door:
    """Where a query leads: numeric addresses in the order of trying, a port, and whose device it is."""

    addresses: tuple[str, ...]
    port: int
    device: Device | None


@dataclass(frozen=True, slots=True)
class Access:
    """The rule and the hosts that it speaks of; make it by `of`."""

    rule: ProbeTargets
    names: Mapping[str, tuple[Device, ...]] = field(repr=False)  # by name or numeric address

    @classmethod
    def of(cls, rule: ProbeTargets, devices: Iterable[Device]) -> "Access":
        """Index the hosts by their name, their address and their addresses."""
        names: dict[str, list[Device]] = {}
        for one in devices:
            host = one.host
            for key in dict.fromkeys((_key(host.name), _key(host.address), *map(_key, host.addresses))):
                names.setdefault(key, []).append(one)
        return cls(rule, {key: tuple(found) for key, found in names.items()})

    async def admit(self, target: Endpoint, resolve: Resolve) -> Door:
        """The way to a target.  Raises QueryError (403 where the config does not allow it), ResolveError."""
        devices = self.names.get(target.host, ())
        port = _port(target, devices)
        ours = _fitting(devices, port)
        if ours is None and self.rule == "configured":
            raise _forbidden(target, port, devices)
        return await self._open(target, port, ours, resolve)

    async def admit_tcp(self, target: Endpoint, port: int, resolve: Resolve) -> Door:
        """The way to a target of `/probe`; raises as `admit` does."""
        devices = self.names.get(target.host, ())
        ours = next((one for one in devices if port in one.ports | MAIL_PORTS), None)
        if ours is None and self.rule == "configured":
            raise _forbidden_tcp(target, port, devices)
        return await self._open(target, port, ours, resolve)

    async def _open(self, target: Endpoint, port: int, ours: Device | None, resolve: Resolve) -> Door:
        if ours is not None:
            name = target.host if target.numeric else ours.host.address
            found = _usable(target, await resolve(name))
            return Door(tuple(_genuine(ours.host, address) for address in found), port, ours)
        found = _usable(target, await resolve(target.host))
        if self.rule == "any":
            return Door(tuple(map(str, found)), port, None)
        inside = [address for address in found if any(address in network for network in self.rule)]
        if not inside:
            listed = ", ".join(map(str, found))
            what = target.host if target.numeric else f"{target.host} ({listed})"
            example = ipaddress.ip_network(found[0])
            raise QueryError(
                f"{what} is in no network of web.probe_targets and no configured host; to allow it, add to "
                f"web.probe_targets in netmon.yml: {example}",
                403,
            )
        return Door(tuple(map(str, inside)), port, None)


def _key(text: str) -> str:
    """A name or an address as `Endpoint.host` has it."""
    try:
        return str(plain(ipaddress.ip_address(text)))
    except ValueError:
        return text.rstrip(".").lower()


def _port(target: Endpoint, devices: Sequence[Device]) -> int:
    """What was asked for, else what the host's own section says, else SNMP's."""
    if target.port is not None:
        return target.port
    return next((one.snmp.port for one in devices if one.snmp is not None), PORT)


def _fitting(devices: Sequence[Device], port: int) -> Device | None:
    """The host whose agent is at this port; any host's may be at SNMP's own."""
    for one in devices:
        if one.snmp is not None and one.snmp.port == port:
            return one
    return devices[0] if devices and port == PORT else None


def _usable(
    target: Endpoint, addresses: Sequence[str]
) -> list[ipaddress.IPv4Address | ipaddress.IPv6Address]:
    """Of what a name resolved to, what is one machine's and of the family that was asked for."""
    found = [plain(ipaddress.ip_address(address)) for address in addresses]
    family = {"udp4": 4, "udp6": 6}.get(target.transport)
    fitting = [address for address in found if family in (None, address.version)]
    if not fitting:
        raise QueryError(f"{target.transport}: {target.host} has no IPv{family} address")
    usable = [address for address in fitting if not (address.is_multicast or address.is_unspecified)]
    usable = [address for address in usable if str(address) != "255.255.255.255"]
    if not usable:
        raise QueryError(f"{fitting[0]} is no single machine's address", 403)
    return usable


def _genuine(host: Host, address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
    """The address as text, unless DNS leads a configured name to where no such host can be.

    A name of the config whose zone is somebody else's must not become a way into this machine or to
    its cloud's metadata service.  Raises QueryError.
    """
    written = {_key(host.address), *map(_key, host.addresses)}
    local = _key(host.address) == _LOCAL or _key(host.address).endswith(f".{_LOCAL}")
    if str(address) in written or not (address.is_link_local or (address.is_loopback and not local)):
        return str(address)
    sort = "link-local" if address.is_link_local else "loopback"
    raise QueryError(
        f"{host.address} resolves to {address}, which is a {sort} address; if that is right, add to the host "
        f'{host.name} in netmon.yml: addresses: ["{address}"]',
        403,
    )


def _forbidden(target: Endpoint, port: int, devices: Sequence[Device]) -> QueryError:
    if devices:
        name = devices[0].host.name
        return QueryError(
            f"the host {name} is configured, but not its port {port}; to allow it, "
            f"add to the host {name} in netmon.yml: snmp: {{port: {port}}}",
            403,
        )
    at = "" if port == PORT else f", snmp: {{port: {port}}}"
    # A host's name begins with no colon; who adds the line may well call it NAME.
    name = f'"NAME", address: "{target.host}"' if target.host.startswith(":") else f'"{target.host}"'
    entry = f"{{name: {name}{at or ', snmp: true'}}}"
    return QueryError(
        f"{target.host} is not a configured host; to allow it, add to hosts in netmon.yml: - {entry}; "
        "or allow more by web.probe_targets: any, or a list of networks",
        403,
    )


def _forbidden_tcp(target: Endpoint, port: int, devices: Sequence[Device]) -> QueryError:
    network = ipaddress.ip_network(target.host) if target.numeric else "NETWORK"
    other = f"for another service than mail: web: {{probe_targets: [{network}]}}, or any"
    smtp = f"smtp: [{{port: {port}}}]"
    if devices:
        name = devices[0].host.name
        return QueryError(
            f"the host {name} is configured, but not its port {port}, which is none of mail; to allow it, "
            f"add to the host {name} in netmon.yml: {smtp}; {other}",
            403,
        )
    return QueryError(
        f"{target.host} is not a configured host; to allow it, add to hosts in netmon.yml: "
        f'- {{name: "{target.host}", {smtp}}}; {other}',
        403,
    )
