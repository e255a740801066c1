"""The config's hosts -> the set of checks that the scheduler keeps.  Pure: no clock, no I/O.

Everything that changes what is checked passes through here: start, reload, and later what DNS and
discovery find.  A check's digest says whether two plans mean the same by it, in this process or in
another one, so it is made of values only, never of identities or of the order of a set.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import fields, is_dataclass
from enum import Enum
from pathlib import PurePath
from typing import Any, Final, Protocol

from pydantic import BaseModel

from netmon.fields import Secret
from netmon.model import Check, CheckKey, Host
from netmon.probes.base import Library, ProbeKind

LONGEST_RUN: Final = 60.0  # seconds; a run never outlives its interval either


class PlannedProbe(Protocol):
    """A probe of a host, with its settings."""

    @property
    def kind(self) -> ProbeKind:
        """The row of the table of probes."""

    @property
    def settings(self) -> Any:
        """The probe's own record."""


class PlannedHost(Protocol):
    """A host and what to check on it; durations in seconds.  The config's hosts are such."""

    @property
    def host(self) -> Host:
        """The host."""

    @property
    def interval(self) -> float:
        """Between the starts of two runs."""

    @property
    def timeout(self) -> float:
        """For one answer."""

    @property
    def retries(self) -> int:
        """Further sends of an SNMP request."""

    @property
    def probes(self) -> Iterable[PlannedProbe]:
        """What to check."""


class PlannedConfig(Protocol):
    """All that is planned from; a Protocol, since config and plan do not know each other."""

    @property
    def hosts(self) -> Iterable[PlannedHost]:
        """Every host that is configured."""


def plan(config: PlannedConfig, library: Library) -> frozenset[Check]:
    """One check for each probe of each host; the settings are bound to what they name in `library`.

    About 30 µs a check, thanks to hosts that share their settings.
    """
    binding = _Binding(library)
    return frozenset(_check(entry, probe, binding) for entry in config.hosts for probe in entry.probes)


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


def _check(entry: PlannedHost, probe: PlannedProbe, binding: _Binding) -> Check:
    kind, settings = probe.kind, probe.settings
    bound, encoded = binding(kind, settings)
    interval = max(entry.interval, kind.least_interval)
    deadline = min(interval, LONGEST_RUN)
    timeout = min(entry.timeout, deadline)
    role = kind.role(settings)
    required = bool(getattr(settings, "required", True))
    key = CheckKey(entry.host.name, kind.name, kind.endpoint(entry.host.name, settings))
    # Of the host only what a run sees; a changed label or dependency disturbs no schedule.
    parts = (
        *key,
        entry.host.address,
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
