"""A module file as its author wrote it: every key checked, every mistake with its place.

The format is that of snmp_exporter's snmp.yml since 0.23.  Reading is strict, for a setting that is
silently ignored gives wrong numbers.  What comes out is plain data that JSON can hold, with equal
labellings said once: `compiling` makes modules of it when they are used, and `cache` keeps it.  So
what is checked here need not be checked there.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

import yaml
from pydantic_core import PydanticCustomError

from netmon.fields import parse_duration
from netmon.mib.auths import AuthEntry, Span, read_auths
from netmon.mib.dates import DatePattern, PatternError
from netmon.mib.document import Place, read_document
from netmon.mib.extracts import ExpressionError, compile_expression, whole
from netmon.mib.hints import Hint, HintError
from netmon.mib.syntax import COMBINED, Syntax
from netmon.snmp.ber import EncodeError, encode_oid

Spec = dict[str, Any]

_METRIC_NAME: Final = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_SUFFIX: Final = re.compile(r"[a-zA-Z0-9_:]*")
_LABEL_NAME: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")  # Prometheus's data model
_OID: Final = re.compile(r"\.?[0-9]{1,10}(\.[0-9]{1,10}){1,127}")
_ENUM_KEY: Final = re.compile(r"-?[0-9]{1,10}")
_GO_DURATION: Final = re.compile(r"(?:[0-9]{1,9}(?:\.[0-9]{0,9})?(?:ns|us|µs|ms|s|m|h))+")
_GO_UNIT: Final = re.compile(r"([0-9.]+)([a-zµ]+)")
_GO_UNITS: Final = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_MAX_NUMBER: Final = 1e300  # of scale and offset

_NUMBER_TYPES: Final = ("Integer", "Integer32", "gauge", "counter")  # of an index; older files know all
_STRING_TYPES: Final = (
    Syntax.DISPLAY_STRING, Syntax.OCTET_STRING, Syntax.PHYS_ADDRESS, Syntax.IPV4, Syntax.IPV6,
)  # fmt: skip
_INDEX_TYPES: Final = dict.fromkeys((*_NUMBER_TYPES, Syntax.ENUM_AS_INFO, *_STRING_TYPES, *COMBINED))
_LOOKUP_TYPES: Final = dict.fromkeys((*_NUMBER_TYPES, *Syntax))
_METRIC_TYPES: Final = dict.fromkeys(Syntax)
_ENUM_TYPES: Final = frozenset((Syntax.ENUM_AS_STATE_SET, Syntax.BITS))

_MODULE_KEYS: Final = (
    "walk", "get", "metrics", "filters", "max_repetitions", "retries", "timeout",
    "allow_nonincreasing_oids", "use_unconnected_udp_socket",
)  # fmt: skip
_METRIC_KEYS: Final = (
    "name", "oid", "type", "help", "indexes", "lookups", "regex_extracts", "enum_values",
    "offset", "scale", "datetime_pattern", "display_hint",
)  # fmt: skip
_INDEX_KEYS: Final = ("labelname", "type", "fixed_size", "implied", "enum_values")
_LOOKUP_KEYS: Final = ("labels", "labelname", "oid", "type", "display_hint", "enum_values")


class Document(NamedTuple):
    """What a module file says."""

    modules: dict[str, Spec]
    auths: dict[str, AuthEntry]
    auth_span: Span | None  # where the auths stand in the text


def read_specs(text: str, source: str) -> Document:
    """What a document says; `source` names it in messages.  Raises DocumentError with every mistake."""
    root = read_document(text, source)
    if _is_old(root.node):
        root.wrong(
            "is of snmp_exporter 0.21 or 0.22, whose modules stand at the top; convert it by "
            f"`netmon import {source} > NEW.yml` and name the new file"
        )
        root.finish()
    top = root.fields(("auths", "modules", "version"))
    if "modules" not in top and "auths" not in top:
        root.wrong('the key "modules" is missing')
    reader = _Reader()
    modules = (
        {name: reader.module(place) for name, place in top["modules"].entries().items()}
        if "modules" in top
        else {}
    )
    auths = read_auths(top["auths"]) if "auths" in top else {}
    span = top["auths"].span if auths else None
    root.finish()
    return Document(modules, auths, span)


def _is_old(node: yaml.Node) -> bool:
    """Whether a document has its modules at the top, as it was before snmp_exporter 0.23."""
    if not isinstance(node, yaml.MappingNode):
        return False
    top = {key.value: value for key, value in node.value if isinstance(key, yaml.ScalarNode)}
    return not top.keys() & {"modules", "auths"} and any(
        isinstance(value, yaml.MappingNode) and any(key.value in ("walk", "get") for key, _ in value.value)
        for value in top.values()
    )


class _Reader:
    """Reads the modules of one document; what was found right once is not checked again."""

    def __init__(self) -> None:
        self._oids: dict[str, str] = {}

    def module(self, place: Place) -> Spec:
        entries = place.fields(_MODULE_KEYS)
        walk, get = self._oid_list(entries.get("walk")), self._oid_list(entries.get("get"))
        if not walk and not get:
            place.wrong("neither walks nor gets anything")
        labellings = _Numbering()
        metrics: list[list[Any]] = []
        seen: dict[str, str] = {}
        for item in entries["metrics"].items() if "metrics" in entries else ():
            metric = self._metric(item, labellings)
            name, oid = metric[0], metric[1]
            if oid in seen:
                item.wrong(f"has the oid of {seen[oid]}; an object is one metric only")
            seen[oid] = name
            metrics.append(metric)
        return {
            "walk": walk,
            "get": get,
            "metrics": metrics,
            "labellings": labellings.values,
            "filters": [self._filter(item) for item in entries["filters"].items()]
            if "filters" in entries
            else [],
            "max_repetitions": entries["max_repetitions"].integer(1, 0x7FFFFFFF)
            if "max_repetitions" in entries
            else None,
            "retries": entries["retries"].integer(0, 20) if "retries" in entries else None,
            "timeout": _duration(entries["timeout"]) if "timeout" in entries else None,
            "nonincreasing": _flag(entries, "allow_nonincreasing_oids"),
            "unconnected": _flag(entries, "use_unconnected_udp_socket"),
        }

    def _metric(self, place: Place, labellings: "_Numbering") -> list[Any]:
        entries = place.fields(_METRIC_KEYS, required=("name", "oid", "type"))
        name = entries["name"].matching(_METRIC_NAME, "a metric name") if "name" in entries else ""
        kind = entries["type"].choice(_METRIC_TYPES) if "type" in entries else Syntax.GAUGE
        enums = _enums(entries["enum_values"]) if "enum_values" in entries else []
        if kind in _ENUM_TYPES and not enums:
            place.wrong(f"{kind} needs enum_values")
        more: Spec = {}
        if len(entries) > 3:  # noqa: PLR2004 - more than the required keys
            self._more(entries, more)
        if kind == Syntax.PARSE_DATE_AND_TIME and "pattern" not in more:
            place.wrong(f"{kind} needs datetime_pattern")
        return [
            name,
            self._oid(entries["oid"]) if "oid" in entries else "",
            str(kind),
            entries["help"].text() if "help" in entries else "",
            labellings.number(self._labelling(entries)),
            enums,
            more,
        ]

    def _more(self, entries: Mapping[str, Place], more: Spec) -> None:
        """The keys that few metrics have."""
        for key in ("scale", "offset"):
            if key in entries:
                more[key] = _float(entries[key])
        if "datetime_pattern" in entries:
            more["pattern"] = _made(entries["datetime_pattern"], DatePattern)
        if "display_hint" in entries:
            more["hint"] = _made(entries["display_hint"], Hint)
        if "regex_extracts" in entries:
            more["extracts"] = [
                [_matching_suffix(place, suffix), [_rule(item) for item in place.items()]]
                for suffix, place in entries["regex_extracts"].entries().items()
            ]

    def _labelling(self, entries: Mapping[str, Place]) -> tuple[Any, ...]:
        """Indexes and lookups, as tuples that can be compared."""
        if "indexes" not in entries and "lookups" not in entries:
            return ((), ())
        indexes, known = [], set[str]()
        for place in entries["indexes"].items() if "indexes" in entries else ():
            index = _index(place)
            if index[0] in known:
                place.wrong(f'the label "{index[0]}" is taken by an earlier index')
            known.add(index[0])
            indexes.append(index)
        lookups = []
        for place in entries["lookups"].items() if "lookups" in entries else ():
            lookup = self._lookup(place)
            for label in lookup[0]:
                if label not in known:
                    place.wrong(f'labels: "{label}" is no index and no earlier lookup')
            if lookup[0]:
                known.add(lookup[1])
            lookups.append(lookup)
        return (tuple(indexes), tuple(lookups))

    def _lookup(self, place: Place) -> tuple[Any, ...]:
        entries = place.fields(_LOOKUP_KEYS, required=("labelname",))
        labels = tuple(item.text() for item in entries["labels"].items()) if "labels" in entries else ()
        label = _label(entries)
        if not labels:
            return ((), label)
        if "oid" not in entries:
            place.wrong('the key "oid" is missing')
        return (
            labels,
            label,
            self._oid(entries["oid"]) if "oid" in entries else "",
            entries["type"].choice(_LOOKUP_TYPES) if "type" in entries else "",
            _enum_tuple(entries),
            _made(entries["display_hint"], Hint) if "display_hint" in entries else "",
        )

    def _filter(self, place: Place) -> list[Any]:
        entries = place.fields(("oid", "targets", "values"), required=("oid", "targets", "values"))
        targets = self._oid_list(entries.get("targets"))
        values = [_expression(item) for item in entries["values"].items()] if "values" in entries else []
        for key, given in (("targets", targets), ("values", values)):
            if key in entries and not given:
                entries[key].wrong("is empty, so that the filter would do nothing")
        return [self._oid(entries["oid"]) if "oid" in entries else "", targets, values]

    def _oid_list(self, place: Place | None) -> list[str]:
        return [] if place is None else [self._oid(item) for item in place.items()]

    def _oid(self, place: Place) -> str:
        text = place.text()
        known = self._oids.get(text)
        if known is not None:
            return known
        if not place.matching(_OID, "an OID in numbers, like 1.3.6.1.2.1.1"):
            return ""
        known = text.removeprefix(".")
        try:
            encode_oid(known)
        except EncodeError as error:
            place.wrong(str(error))
            return ""
        self._oids[text] = known
        return known


class _Numbering:
    """Numbers equal values alike."""

    def __init__(self) -> None:
        self.values: list[Any] = []
        self._known: dict[Any, int] = {}

    def number(self, value: Any) -> int:
        known = self._known.get(value)
        if known is None:
            known = self._known[value] = len(self.values)
            self.values.append(value)
        return known


def _index(place: Place) -> tuple[Any, ...]:
    entries = place.fields(_INDEX_KEYS, required=("labelname", "type"))
    return (
        _label(entries),
        entries["type"].choice(_INDEX_TYPES) if "type" in entries else "gauge",
        entries["fixed_size"].integer(0, 127) if "fixed_size" in entries else 0,
        _flag(entries, "implied"),
        _enum_tuple(entries),
    )


def _label(entries: Mapping[str, Place]) -> str:
    return entries["labelname"].matching(_LABEL_NAME, "a label name") if "labelname" in entries else ""


def _flag(entries: Mapping[str, Place], key: str) -> bool:
    return entries[key].boolean() if key in entries else False


def _enums(place: Place) -> list[tuple[int, str]]:
    enums = []
    for key, value in place.entries().items():
        if _ENUM_KEY.fullmatch(key):
            enums.append((int(key), value.text()))
        else:
            value.wrong("is not keyed by a number")
    return enums


def _enum_tuple(entries: Mapping[str, Place]) -> tuple[tuple[int, str], ...]:
    return tuple(_enums(entries["enum_values"])) if "enum_values" in entries else ()


def _rule(place: Place) -> tuple[str, str]:
    entries = place.fields(("regex", "value"), required=("regex",))
    return (
        _expression(entries["regex"], as_whole=True) if "regex" in entries else "",
        entries["value"].text() if "value" in entries else "$1",
    )


def _expression(place: Place, *, as_whole: bool = False) -> str:
    text = place.text()
    try:
        compile_expression(text)
        if as_whole:  # which an open quotation (\Qtext) alone survives, and not inside
            compile_expression(whole(text))
    except ExpressionError as error:
        place.wrong(f"is no regular expression (RE2): {error}")
    return text


def _matching_suffix(place: Place, suffix: str) -> str:
    if not _SUFFIX.fullmatch(suffix):
        place.wrong("is keyed by what cannot end a metric name")
    return suffix


def _made(place: Place, make: Callable[[str], object]) -> str:
    """A text of which something can be made."""
    text = place.text()
    try:
        make(text)
    except (PatternError, HintError) as error:
        place.wrong(str(error))
    return text


def _float(place: Place) -> float:
    text = place.text()
    try:
        number = float(text)
    except ValueError:
        number = float("nan")
    if not abs(number) <= _MAX_NUMBER or "_" in text or not text.isascii():
        place.wrong(f'"{text[:60]}" is not a number')
        return 0.0
    return number


def _duration(place: Place) -> float | None:
    """Seconds of a duration in Prometheus's or Go's form."""
    text = place.text()
    if _GO_DURATION.fullmatch(text):
        seconds = sum(float(number) * _GO_UNITS[unit] for number, unit in _GO_UNIT.findall(text))
    else:
        try:
            seconds = parse_duration(text)
        except PydanticCustomError as error:
            place.wrong(error.message())
            return None
    if not seconds:
        place.wrong("must be longer than 0s")
    return seconds
