"""From a module as it was read to one that is ready for use, when it is first asked for.

A stock file has fifty modules and ten thousand metrics, and an agent uses a handful.  So a module
waits as JSON, with a digest that is known at once, and takes its time and memory when it is used.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from netmon.mib.dates import DatePattern
from netmon.mib.extracts import Extract, Rule
from netmon.mib.hints import Hint
from netmon.mib.labels import Index, Labelling, Lookup
from netmon.mib.reading import Spec
from netmon.mib.records import Filter, Metric, Module
from netmon.mib.syntax import COMBINED, Enums, Syntax, encode_sub_ids, sub_ids
from netmon.model import Family, Kind
from netmon.snmp.ber import encode_oid

_NUMBERS: Final = ("Integer", "Integer32")
# Types whose octets have no form of their own: they read as plain octets where a label is wanted.
_PLAIN: Final = frozenset((
    Syntax.GAUGE, Syntax.COUNTER, Syntax.FLOAT, Syntax.DOUBLE, Syntax.BITS, Syntax.ENUM_AS_STATE_SET,
    Syntax.DATE_AND_TIME, Syntax.PARSE_DATE_AND_TIME, Syntax.NTP_TIMESTAMP,
))  # fmt: skip


class Sealed:
    """A checked module that waits for its use: JSON, and the digest that tells it from others."""

    __slots__ = ("digest", "octets")

    def __init__(self, octets: bytes, digest: str) -> None:
        self.octets = octets
        self.digest = digest


class Modules(Mapping[str, Module]):
    """Modules by name, each compiled when it is first asked for.

    Equal to any mapping with equal modules, and that costs no compiling between two of these.
    """

    def __init__(self, sealed: Mapping[str, Sealed]) -> None:
        self.sealed = dict(sealed)
        self._compiled: dict[str, Module] = {}

    def __getitem__(self, name: str) -> Module:
        module = self._compiled.get(name)
        if module is None:
            sealed = self.sealed[name]
            module = self._compiled[name] = compile_module(name, json.loads(sealed.octets), sealed.digest)
        return module

    def __iter__(self) -> Iterator[str]:
        return iter(self.sealed)

    def __len__(self) -> int:
        return len(self.sealed)

    def __contains__(self, name: object) -> bool:
        return name in self.sealed

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Modules):
            return {n: s.digest for n, s in self.sealed.items()} == {
                n: s.digest for n, s in other.sealed.items()
            }
        return super().__eq__(other)

    __hash__ = None  # type: ignore[assignment]  # as any mapping

    def used(self) -> Mapping[str, Module]:
        """Those that were asked for so far."""
        return dict(self._compiled)

    def digest(self, name: str) -> str:
        """The digest of a module, without compiling it."""
        return self.sealed[name].digest


def seal(name: str, spec: Spec) -> Sealed:
    """A module as it waits."""
    octets = json.dumps(spec, separators=(",", ":"), ensure_ascii=False).encode()
    return Sealed(octets, hashlib.blake2b(name.encode() + b"\0" + octets, digest_size=16).hexdigest())


def compile_module(name: str, spec: Spec, digest: str) -> Module:
    """A module that is ready for use; `spec` is what `reading` found to be sound."""
    compiler = _Compiler()
    labellings = [compiler.labelling(*parts) for parts in spec["labellings"]]
    metrics = tuple([compiler.metric(parts, labellings) for parts in spec["metrics"]])
    columns = _columns(metrics)
    walk, get = tuple(map(encode_oid, spec["walk"])), tuple(map(encode_oid, spec["get"]))
    return Module(
        name=name,
        walk=walk,
        get=(*get, *[root for root in walk if root not in get and _is_instance(root, columns)]),
        metrics=metrics,
        max_repetitions=spec["max_repetitions"],
        retries=spec["retries"],
        timeout=spec["timeout"],
        digest=digest,
        columns=columns,
        widths=tuple(sorted({len(oid) for oid in columns})),
        filters=tuple(
            Filter(encode_oid(oid), tuple(map(encode_oid, targets)), tuple(values))
            for oid, targets, values in spec["filters"]
        ),
        allow_nonincreasing_oids=spec["nonincreasing"],
        use_unconnected_udp_socket=spec["unconnected"],
    )


class _Compiler:
    """Compiles one module; equal OIDs, enums and hints become one object."""

    def __init__(self) -> None:
        self._oids: dict[str, bytes] = {}
        self._enums: dict[tuple[tuple[int, str], ...], Enums] = {(): {}}

    def metric(self, parts: Sequence[Any], labellings: Sequence[Labelling]) -> Metric:
        name, oid, kind, help_text, labelling, enums, more = parts
        syntax, octets, more = Syntax(kind), self._oid(oid), more or {}
        family = Family(
            f"{name}_info" if syntax is Syntax.ENUM_AS_INFO else name,
            Kind.COUNTER if syntax is Syntax.COUNTER else Kind.GAUGE,
            help_text,
        )
        return Metric(
            name,
            octets,
            syntax,
            family,
            labellings[labelling],
            self._states(enums),
            _selector(octets, syntax),
            more.get("scale", 0.0),
            more.get("offset", 0.0),
            DatePattern(more["pattern"]) if "pattern" in more else None,
            Hint(more["hint"]) if "hint" in more else None,
            tuple(
                Extract(Family(name + suffix, Kind.GAUGE, help_text), [Rule(*rule) for rule in rules])
                for suffix, rules in more.get("extracts", ())
            ),
        )

    def labelling(self, indexes: Sequence[Any], lookups: Sequence[Any]) -> Labelling:
        return Labelling(
            [
                # Enums stand at numbers too where the MIB has them; names are for those who ask for them.
                Index(
                    label,
                    _number_or(kind),
                    size,
                    implied,
                    self._states(enums if kind == Syntax.ENUM_AS_INFO else ()),
                )
                for label, kind, size, implied, enums in indexes
            ],
            [self._lookup(*parts) for parts in lookups],
        )

    def _lookup(self, labels: Sequence[str], label: str, *rest: Any) -> Lookup:
        if not labels:
            return Lookup((), label)
        oid, kind, enums, hint = rest
        syntax = _number_or(kind) if kind else Syntax.OCTET_STRING
        octets = self._oid(oid)
        return Lookup(
            labels=tuple(labels),
            label=label,
            oid=octets,
            syntax=Syntax.OCTET_STRING if syntax in _PLAIN else syntax,
            enums=self._states(enums) if syntax is Syntax.ENUM_AS_INFO else {},
            selector=_selector(octets, syntax),
            hint=Hint(hint) if hint else None,
        )

    def _oid(self, text: str) -> bytes:
        octets = self._oids.get(text)
        if octets is None:
            octets = self._oids[text] = encode_oid(text)
        return octets

    def _states(self, pairs: Sequence[Sequence[Any]]) -> Enums:
        key = tuple([(number, state) for number, state in pairs])
        enums = self._enums.get(key)
        if enums is None:
            enums = self._enums[key] = dict(key)
        return enums


def _number_or(kind: str) -> Syntax:
    return Syntax.GAUGE if kind in _NUMBERS else Syntax(kind)


def _selector(oid: bytes, syntax: Syntax) -> bytes | None:
    """For a combined type the column before this one, where MIBs put what a value is."""
    if syntax not in COMBINED:
        return None
    ids = sub_ids(oid)
    return encode_sub_ids((*ids[:-1], ids[-1] - 1)) if ids and ids[-1] else None


def _is_instance(root: bytes, columns: Mapping[bytes, Metric | None]) -> bool:
    """Whether a subtree may be an object itself: a walk brings only what is behind its root."""
    return any(root.startswith(oid) and len(root) > len(oid) for oid in columns)


def _columns(metrics: Sequence[Metric]) -> Mapping[bytes, Metric | None]:
    columns: dict[bytes, Metric | None] = {metric.oid: metric for metric in metrics}
    looked_up = {lookup.oid for metric in metrics for lookup in metric.labelling.lookups if lookup.labels}
    widths = {len(oid) for oid in looked_up}
    # A column that holds a metric's would hide it, for the shorter prefix is found first.
    around = {oid[:width] for oid in columns for width in widths}
    for oid in looked_up - around:
        # Known, so that its varbinds are passed over as a column and not one by one.
        columns[oid] = None
    return columns
