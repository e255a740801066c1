"""Modules as plain data: what a compiler of MIB text gives, resolved, and quick to load.

pysmi writes one JSON document a module, in which a type is a name to be looked up in further modules
and AUGMENTS names a row elsewhere.  `resolve` follows all that once; the result holds, for each module,
rows of plain values, and one table of types that they point into.  netmon ships the result for its own
`mibs/`, and caches it for the user's.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from netmon.mib.node import BASES, MAX_SUB_ID, MAX_SUB_IDS, Kind, Type

FORMAT: Final = 1  # of the document; another one is compiled again

# SMIv1's names (RFC 1155) and spellings of pysmi's own, as RFC 2578 has them.
_ALIASES: Final = {
    "Bits": "BITS",
    "Counter": "Counter32",
    "Gauge": "Gauge32",
    "NetworkAddress": "IpAddress",
    "NsapAddress": "OCTET STRING",
    "OctetString": "OCTET STRING",
    "ObjectIdentifier": "OBJECT IDENTIFIER",
    "ObjectName": "OBJECT IDENTIFIER",
    "Integer": "INTEGER",
    "UInteger32": "Unsigned32",
}
_KINDS: Final[Mapping[str, Kind]] = {
    "objectidentity": "node",
    "moduleidentity": "module",
    "notificationtype": "notification",
    "objectgroup": "group",
    "notificationgroup": "group",
    "modulecompliance": "group",
    "agentcapabilities": "group",
}
_MADE_UP: Final = "pysmiFakeCol"  # a column that stands for INDEX { INTEGER } of SMIv1
_DIGITS: Final = len(str(MAX_SUB_ID))
_SHOWN: Final = 255  # characters of UNITS or a DISPLAY-HINT
_DEEP: Final = 32  # textual conventions of textual conventions
_V1_GENERIC: Final = "1.3.6.1.2.1.11.0."  # ENTERPRISE snmp
_SNMP_TRAPS: Final = "1.3.6.1.6.3.1.1.5."


class IndexRow(NamedTuple):
    """A part of an INDEX; `type` counts in the table of types."""

    name: str
    type: int
    implied: bool


class Row(NamedTuple):
    """One node; `type` counts in the table of types, -1: none."""

    name: str
    oid: str
    kind: Kind
    access: str = ""
    status: str = ""
    units: str = ""
    type: int = -1
    indexes: tuple[IndexRow, ...] = ()  # of a row
    objects: tuple[str, ...] = ()  # of a notification


@dataclass(slots=True)
class Definitions:
    """Modules and the types that their rows point to."""

    types: list[Type] = field(default_factory=list)
    modules: dict[str, list[Row]] = field(default_factory=dict)


def to_json(definitions: Definitions) -> dict[str, Any]:
    """The document; defaults at the end of a row are left out."""
    return {
        "format": FORMAT,
        "types": [
            [kind.name, kind.base, {str(n): name for n, name in kind.enums.items()}, kind.ranges, kind.hint]
            for kind in definitions.types
        ],
        "modules": {name: [_short(row) for row in rows] for name, rows in definitions.modules.items()},
    }


def _short(row: Row) -> list[Any]:
    values = list(row)
    defaults = list(Row("", "", "node"))
    while len(values) > len(_ALWAYS) and values[-1] == defaults[len(values) - 1]:
        values.pop()
    return values


_ALWAYS: Final = ("name", "oid", "kind")


def from_json(document: Mapping[str, Any]) -> Definitions:
    """What `to_json` wrote.  Raises ValueError, TypeError or KeyError for anything else."""
    if document["format"] != FORMAT:
        raise ValueError(f"format {document['format']} is not {FORMAT}")
    types = [
        Type(
            name,
            base,
            {int(number): label for number, label in enums.items()},
            tuple((low, high) for low, high in ranges),
            hint,
        )
        for name, base, enums, ranges, hint in document["types"]
    ]
    modules = {name: [Row(*row) for row in rows] for name, rows in document["modules"].items()}
    return Definitions(types, modules)


class _Documents:
    """pysmi's documents by module, with symbols under the names that the text has."""

    def __init__(self, documents: Mapping[str, Mapping[str, Any]]) -> None:
        self.names: dict[str, dict[str, Mapping[str, Any]]] = {
            module: {
                str(entry["name"]): entry
                for entry in document.values()
                if isinstance(entry, Mapping) and "name" in entry
            }
            for module, document in documents.items()
        }
        self._imports = {
            module: {
                symbol: source
                for source, symbols in document.get("imports", {}).items()
                if source != "class"
                for symbol in symbols
            }
            for module, document in documents.items()
        }

    def find(self, module: str, name: str) -> tuple[str, Mapping[str, Any]] | None:
        """A symbol as a module sees it: its own, or an imported one; with the module that it is from."""
        entry = self.names.get(module, {}).get(name)
        if entry is not None:
            return module, entry
        source = self._imports.get(module, {}).get(name, "")
        entry = self.names.get(source, {}).get(name)
        return None if entry is None else (source, entry)


def _is_oid(text: str) -> bool:
    """RFC 2578 §3.5: at most 128 sub-identifiers, each below 2^32."""
    parts = text.split(".")
    return len(parts) <= MAX_SUB_IDS and all(
        len(part) <= _DIGITS and int(part) <= MAX_SUB_ID for part in parts
    )


def _shown(text: str) -> str:
    """A text of a MIB's that is shown to people: one line, nothing that moves a cursor."""
    return "".join(character if character.isprintable() else " " for character in text)[:_SHOWN]


class Resolver:
    """Follows names through pysmi's documents."""

    def __init__(self, documents: Mapping[str, Mapping[str, Any]]) -> None:
        self._documents = _Documents(documents)
        self._definitions = Definitions()
        self._numbers: dict[tuple[Any, ...], int] = {}
        self.unknown: list[tuple[str, str, str]] = []  # module, object, type that is nowhere
        self.unfit: list[tuple[str, str]] = []  # module and name of what has an OID that none may have

    def resolve(self, modules: Iterable[str]) -> Definitions:
        """The definitions of these modules."""
        for module in modules:
            rows = []
            for name, entry in self._documents.names[module].items():
                if "oid" not in entry or name.startswith(_MADE_UP):
                    continue
                if _is_oid(entry["oid"]):
                    rows.append(self._row(module, entry))
                else:
                    self.unfit.append((module, name))
            entries = {row.oid for row in rows if row.kind == "row"}
            # A column that the row's SEQUENCE leaves out is one all the same.
            rows = [
                row._replace(kind="column")
                if row.kind == "scalar" and row.oid.rpartition(".")[0] in entries
                else row
                for row in rows
            ]
            rows.sort(key=lambda row: tuple(map(int, row.oid.split("."))))
            self._definitions.modules[module] = rows
        return self._definitions

    def _row(self, module: str, entry: Mapping[str, Any]) -> Row:
        kind: Kind = entry.get("nodetype") or _KINDS.get(entry["class"], "node")
        oid = str(entry["oid"])
        if kind == "notification" and oid.startswith(_V1_GENERIC):
            # RFC 3584 §3.1: the generic traps of SMIv1 have names of their own in SNMPv2-MIB.
            oid = f"{_SNMP_TRAPS}{int(oid.removeprefix(_V1_GENERIC)) + 1}"
        status = entry.get("status", "")
        return Row(
            name=entry["name"],
            oid=oid,
            kind=kind,
            access=entry.get("maxaccess", ""),
            status="current" if status == "mandatory" else status,
            units=_shown(entry.get("units", "")),
            type=self._type(module, entry) if kind in {"scalar", "column"} else -1,
            indexes=self._indexes(module, entry) if kind == "row" else (),
            objects=tuple(item["object"] for item in entry.get("objects", ()))
            if kind == "notification"
            else (),
        )

    def _indexes(self, module: str, entry: Mapping[str, Any]) -> tuple[IndexRow, ...]:
        for _ in range(_DEEP):
            augmented = entry.get("augmention")
            if augmented is None:
                break
            found = self._documents.find(module, augmented["object"])
            if found is None:
                return ()
            module, entry = found
        indexes = []
        for index in entry.get("indices", ()):
            found = self._documents.find(index["module"], index["object"])
            if found is None:
                found = self._documents.find(module, index["object"])
            number = -1 if found is None else self._type(*found)
            if number < 0:
                return ()  # half an INDEX would be read wrongly
            name = index["object"]
            if name.startswith(_MADE_UP):
                name = self._definitions.types[number].name
            indexes.append(IndexRow(name, number, bool(index["implied"])))
        return tuple(indexes)

    def _type(self, module: str, entry: Mapping[str, Any]) -> int:
        """Number of an object's type, -1 where it is defined nowhere."""
        syntax = entry.get("syntax")
        if not isinstance(syntax, Mapping):
            return -1
        written = str(syntax["type"])
        enums: dict[int, str] = {}
        ranges: tuple[tuple[int, int], ...] = ()
        hint = ""
        for _ in range(_DEEP):
            constraints = syntax.get("constraints", {})
            labels = constraints.get("enumeration") or syntax.get("bits") or {}
            enums = enums or {int(n): name for name, n in sorted(labels.items(), key=lambda item: item[1])}
            limits = constraints.get("range") or constraints.get("size") or ()
            ranges = ranges or tuple((int(limit["min"]), int(limit["max"])) for limit in limits)
            base = _ALIASES.get(syntax["type"], syntax["type"])
            if base in BASES:
                if base == "IpAddress" or enums:
                    ranges = ()
                kind = Type(_ALIASES.get(written, written), base, enums, ranges, hint)
                return self._number(kind)
            found = self._documents.find(module, syntax["type"])
            if found is None or not isinstance(found[1].get("type"), Mapping):
                break
            module, convention = found
            hint = hint or _shown(convention.get("displayhint", ""))
            syntax = convention["type"]
        self.unknown.append((module, str(entry["name"]), written))
        return -1

    def _number(self, kind: Type) -> int:
        key = (kind.name, kind.base, tuple(kind.enums.items()), kind.ranges, kind.hint)
        if key not in self._numbers:
            self._numbers[key] = len(self._definitions.types)
            self._definitions.types.append(kind)
        return self._numbers[key]
