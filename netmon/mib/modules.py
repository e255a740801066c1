"""Modules: which objects to read from a device and which metrics they become.

The files are in the format of snmp_exporter's snmp.yml since 0.23, so that a module from there works
here as it is.  Reading is strict: an unknown key or a value out of place is a mistake with its
position, and what the format knows but this version does not do is refused, because a setting
that is silently ignored gives wrong numbers.  A `Module` is compiled on reading: OIDs are BER octets
as on the wire, equal labellings are one object, and columns are found by their prefix.
"""

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Final

from pydantic_core import PydanticCustomError

from netmon.fields import parse_duration
from netmon.mib.document import DocumentError, Place, read_document
from netmon.mib.labels import Index, Labelling, Lookup
from netmon.mib.syntax import COMBINED, Enums, Syntax, encode_sub_ids, sub_ids
from netmon.model import Family, Kind
from netmon.snmp.ber import EncodeError, decode_oid, encode_oid

_METRIC_NAME: Final = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL_NAME: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")  # Prometheus's data model
_OID: Final = re.compile(r"[0-9]{1,10}(\.[0-9]{1,10}){1,127}")
_MAX_SIZE: Final = 16_000_000  # octets of a module file; the largest known has two million
_MAX_INTEGER: Final = 0x7FFFFFFF

_LATER_TYPES: Final = ("ParseDateAndTime", "NTPTimeStamp")
_NUMBER_INDEXES: Final = ("Integer", "Integer32", "gauge", "counter")  # older files know all of them
_STRING_TYPES: Final = (
    Syntax.DISPLAY_STRING, Syntax.OCTET_STRING, Syntax.PHYS_ADDRESS, Syntax.IPV4, Syntax.IPV6,
)  # fmt: skip
_INDEX_TYPES: Final = (*_NUMBER_INDEXES, Syntax.ENUM_AS_INFO, *_STRING_TYPES, *COMBINED)
_LOOKUP_TYPES: Final = (*_NUMBER_INDEXES, Syntax.ENUM_AS_INFO, *_STRING_TYPES)
_ENUM_TYPES: Final = (Syntax.ENUM_AS_INFO, Syntax.ENUM_AS_STATE_SET, Syntax.BITS)


def _later(what: str) -> str:
    return f"is part of the format, but this version of netmon does not {what} yet"


_LATER_TOP: Final = {"auths": "credentials belong into the section auths of netmon.yml in this version"}
_LATER_MODULE: Final = {"filters": _later("filter rows")}
_LATER_METRIC: Final = {
    "regex_extracts": _later("extract values by regular expression"),
    "offset": _later("add offsets"),
    "scale": _later("scale values"),
    "datetime_pattern": _later("parse dates by pattern"),
    "display_hint": _later("apply display hints"),
}
_LATER_LOOKUP: Final = {"display_hint": _LATER_METRIC["display_hint"]}


@dataclass(frozen=True, slots=True)
class Metric:
    """One object of a module and the family that it becomes."""

    name: str
    oid: bytes
    syntax: Syntax
    family: Family
    labelling: Labelling
    enums: Enums = field(default_factory=dict)
    selector: bytes | None = None  # the column that says how a value of a combined type reads


@dataclass(frozen=True, eq=False)
class Module:
    """A compiled module; equal to another when their digests are.

    `walk` are roots of subtrees and `get` instances, as BER content octets.  The overrides are None
    where the module leaves them to the check.  `timeout` is seconds for one packet.  `columns` finds
    a column by its prefix (None: it is only looked up in), `widths` are the lengths of the prefixes,
    shortest first.
    """

    name: str
    walk: tuple[bytes, ...]
    get: tuple[bytes, ...]
    metrics: tuple[Metric, ...]
    max_repetitions: int | None
    retries: int | None
    timeout: float | None
    digest: str
    columns: Mapping[bytes, Metric | None] = field(repr=False)
    widths: tuple[int, ...] = field(repr=False)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Module) and other.digest == self.digest

    def __hash__(self) -> int:
        return hash(self.digest)


def described(modules: Mapping[str, Module]) -> Iterator[tuple[Family, str]]:
    """Every metric of the modules, and a sentence of where it comes from."""
    for module in modules.values():
        for metric in module.metrics:
            labels = ", ".join(("host", *metric.labelling.names))
            where = f"Object {decode_oid(metric.oid)} of the module {module.name}; labels: {labels}."
            yield metric.family, where


def builtin_modules() -> dict[str, Module]:
    """The modules that come with netmon, by name; read anew at every call."""
    modules: dict[str, Module] = {}
    for entry in sorted((resources.files("netmon.mib") / "data").iterdir(), key=lambda entry: entry.name):
        if entry.name.endswith(".yml"):
            modules |= parse_modules(entry.read_text("utf-8"), entry.name)
    return modules


def load_modules(path: Path) -> dict[str, Module]:
    """The modules of a file.  Raises DocumentError with every mistake, or that it cannot be read."""
    try:
        with path.open("rb") as file:
            octets = file.read(_MAX_SIZE + 1)
        if len(octets) > _MAX_SIZE:
            raise DocumentError([f"{path}: is larger than {_MAX_SIZE} bytes"])
        return parse_modules(octets.decode("utf-8"), str(path))
    except OSError as error:
        raise DocumentError([f"{path}: cannot be read: {error.strerror}"]) from error
    except UnicodeDecodeError as error:
        raise DocumentError([f"{path}: is not UTF-8 at byte {error.start}"]) from error


def parse_modules(text: str, source: str) -> dict[str, Module]:
    """The modules of a document; `source` names it in messages.  Raises DocumentError with every mistake."""
    root = read_document(text, source)
    top = root.fields(("modules", "version"), required=("modules",), later=_LATER_TOP)
    modules = {}
    if "modules" in top:
        modules = {name: _module(name, place) for name, place in top["modules"].entries().items()}
    root.finish()
    return modules


def _module(name: str, place: Place) -> Module:
    known = (
        "walk", "get", "metrics", "max_repetitions", "retries", "timeout",
        "allow_nonincreasing_oids", "use_unconnected_udp_socket",
    )  # fmt: skip
    entries = place.fields(known, later=_LATER_MODULE)
    walk, get = (
        tuple(_oid(item) for item in entries[key].items()) if key in entries else ()
        for key in ("walk", "get")
    )
    if not walk and not get:
        place.wrong("neither walks nor gets anything")
    if "allow_nonincreasing_oids" in entries and entries["allow_nonincreasing_oids"].boolean():
        entries["allow_nonincreasing_oids"].wrong(_later("walk agents whose OIDs do not increase"))
    if "use_unconnected_udp_socket" in entries:
        entries["use_unconnected_udp_socket"].boolean()  # netmon's socket always is
    labellings: dict[str, Labelling] = {}
    places = entries["metrics"].items() if "metrics" in entries else []
    metrics: dict[bytes, Metric] = {}
    for item in places:
        metric = _metric(item, labellings)
        if metric.oid in metrics:
            item.wrong(f"has the oid of {metrics[metric.oid].name}; an object is one metric only")
        metrics[metric.oid] = metric
    retries = entries["retries"].integer(0, 20) if "retries" in entries else None
    repetitions = entries["max_repetitions"].integer(1, 1000) if "max_repetitions" in entries else None
    timeout = _duration(entries["timeout"]) if "timeout" in entries else None
    columns = _columns(tuple(metrics.values()))
    return Module(
        name=name,
        walk=walk,
        get=get,
        metrics=tuple(metrics.values()),
        max_repetitions=repetitions,
        retries=retries,
        timeout=timeout,
        digest=_digest(name, walk, get, repetitions, retries, timeout, *map(_content, metrics.values())),
        columns=columns,
        widths=tuple(sorted({len(oid) for oid in columns})),
    )


def _metric(place: Place, labellings: dict[str, Labelling]) -> Metric:
    known = ("name", "oid", "type", "help", "indexes", "lookups", "enum_values")
    entries = place.fields(known, required=("name", "oid", "type"), later=_LATER_METRIC)
    name = entries["name"].matching(_METRIC_NAME, "a metric name") if "name" in entries else ""
    oid = _oid(entries["oid"]) if "oid" in entries else b""
    syntax = Syntax(entries["type"].choice(Syntax, _LATER_TYPES)) if "type" in entries else Syntax.GAUGE
    enums = _enums(entries["enum_values"]) if "enum_values" in entries else {}
    if syntax in _ENUM_TYPES and not enums:
        place.wrong(f"{syntax} needs enum_values")
    labelling = _labelling(entries)
    labelling = labellings.setdefault(repr((labelling.indexes, labelling.lookups)), labelling)
    family = Family(
        f"{name}_info" if syntax is Syntax.ENUM_AS_INFO else name,
        Kind.COUNTER if syntax is Syntax.COUNTER else Kind.GAUGE,
        entries["help"].text() if "help" in entries else "",
    )
    return Metric(name, oid, syntax, family, labelling, enums, _selector(oid) if syntax in COMBINED else None)


def _labelling(entries: Mapping[str, Place]) -> Labelling:
    indexes, known = [], set[str]()
    for place in entries["indexes"].items() if "indexes" in entries else []:
        index = _index(place)
        if index.label in known:
            place.wrong(f'the label "{index.label}" is taken by an earlier index')
        known.add(index.label)
        indexes.append(index)
    lookups = []
    for place in entries["lookups"].items() if "lookups" in entries else []:
        lookup = _lookup(place)
        for label in lookup.labels:
            if label not in known:
                place.wrong(f'labels: "{label}" is no index and no earlier lookup')
        if lookup.labels:
            known.add(lookup.label)
        lookups.append(lookup)
    return Labelling(indexes, lookups)


def _index(place: Place) -> Index:
    known = ("labelname", "type", "fixed_size", "implied", "enum_values")
    entries = place.fields(known, required=("labelname", "type"))
    return Index(
        label=_label(entries),
        syntax=_type(entries, _INDEX_TYPES),
        size=entries["fixed_size"].integer(0, 127) if "fixed_size" in entries else 0,
        implied=entries["implied"].boolean() if "implied" in entries else False,
        enums=_enums(entries["enum_values"]) if "enum_values" in entries else {},
    )


def _lookup(place: Place) -> Lookup:
    known = ("labels", "labelname", "oid", "type", "enum_values")
    entries = place.fields(known, required=("labelname",), later=_LATER_LOOKUP)
    labels = tuple(item.text() for item in entries["labels"].items()) if "labels" in entries else ()
    if not labels:
        return Lookup((), _label(entries))
    if "oid" not in entries:
        place.wrong('the key "oid" is missing')
    return Lookup(
        labels=labels,
        label=_label(entries),
        oid=_oid(entries["oid"]) if "oid" in entries else b"",
        syntax=_type(entries, _LOOKUP_TYPES),
        enums=_enums(entries["enum_values"]) if "enum_values" in entries else {},
    )


def _label(entries: Mapping[str, Place]) -> str:
    return entries["labelname"].matching(_LABEL_NAME, "a label name") if "labelname" in entries else ""


def _type(entries: Mapping[str, Place], allowed: Sequence[str]) -> Syntax:
    text = entries["type"].choice(allowed, (*Syntax, *_LATER_TYPES)) if "type" in entries else "gauge"
    return Syntax.GAUGE if text in _NUMBER_INDEXES else Syntax(text)


def _enums(place: Place) -> Enums:
    enums = {}
    for key, value in place.entries().items():
        if re.fullmatch(r"-?[0-9]{1,10}", key):
            enums[int(key)] = value.text()
        else:
            value.wrong("is not keyed by a number")
    return enums


def _oid(place: Place) -> bytes:
    text = place.matching(_OID, "an OID in numbers, like 1.3.6.1.2.1.1")
    try:
        return encode_oid(text) if text else b""
    except EncodeError as error:
        place.wrong(str(error))
        return b""


def _duration(place: Place) -> float | None:
    try:
        seconds = parse_duration(place.text())
    except PydanticCustomError as error:
        place.wrong(error.message())
        return None
    if not seconds:
        place.wrong("must be longer than 0s")
    return seconds


def _selector(oid: bytes) -> bytes | None:
    """The column before this one, where MIBs put what a value of a combined type is."""
    ids = sub_ids(oid)
    return encode_sub_ids((*ids[:-1], ids[-1] - 1)) if ids and ids[-1] else None


def _columns(metrics: Sequence[Metric]) -> Mapping[bytes, Metric | None]:
    columns: dict[bytes, Metric | None] = {metric.oid: metric for metric in metrics}
    for oid in {lookup.oid for metric in metrics for lookup in metric.labelling.lookups if lookup.labels}:
        # Known, so that its varbinds are passed over as a column and not one by one.
        if not any(known.startswith(oid) for known in columns):
            columns[oid] = None
    return columns


def _content(metric: Metric) -> tuple[object, ...]:
    labelling = metric.labelling
    return (
        metric.oid,
        metric.syntax,
        metric.family,
        dict(metric.enums),
        labelling.indexes,
        labelling.lookups,
    )


def _digest(*parts: object) -> str:
    return hashlib.blake2b(repr(parts).encode(), digest_size=16).hexdigest()
