"""What a notification means, in words of the MIBs: its name, its values as text, the state that it changes.

This is on the way of every trap, and a storm is made of few different ones: nearly all that is said here
was said before.  So texts are kept by the octets that led to them, for each varbind and for each
object, in dicts that are emptied when they are full.  The values are joined to JSON by hand, from
pieces that the standard library has escaped.
"""

import contextlib
from collections.abc import Callable, Mapping
from json.encoder import encode_basestring_ascii  # the C one
from typing import Final, NamedTuple

from netmon.mib.node import Type
from netmon.mib.tree import MibError, Tree
from netmon.mib.values import value_text
from netmon.model.events import TrapChange
from netmon.snmp import ber
from netmon.traps.records import Notification, Rule
from netmon.traps.rules import DEFAULT_TTL, merged

OTHER: Final = "other"  # the label of what no MIB names
MAX_VALUES: Final = 16_000  # octets of the JSON of all values; the rest is said to be cut
_MARK: Final = 100  # octets kept for saying so
_MAX_INSTANCE: Final = 128  # characters
_TRAPS: Final = 4096  # different ones that are remembered
_HEADS: Final = 8192  # names of varbinds
_PIECES: Final = 32_768  # whole varbinds, 12 MB of them
_SHORT: Final = 400  # characters of a piece that is remembered
_SMALL: Final = 64  # octets of a value that is
# Octets of one notification's values that are shown by their objects' hints: some take a microsecond each.
_HINTED: Final = 2048

Values = tuple[list[bytes], list[int], list[ber.Value]]


class Meaning(NamedTuple):
    """An event's words.  `values` is JSON: a list of objects with the keys of EventValue."""

    trap: str  # "IF-MIB::linkDown", or numbers
    oid: str
    severity: str
    values: str
    change: TrapChange | None
    label: str  # the trap as a metric's label: a name that a MIB defines, or OTHER


class _Trap(NamedTuple):
    """All that is the same for each notification of a kind."""

    name: str
    oid: str
    label: str
    severity: str
    state: str
    active: bool
    ttl: float
    cause: bool
    instance: bytes  # the object whose value tells instances apart, b"" for none
    row: bytes  # its table's row, b"" for none
    fixed: TrapChange | None  # where no instance is to be found: the change is always the same


class _Head(NamedTuple):
    """What does not depend on a varbind's value."""

    text: str  # '{"name":"IF-MIB::ifIndex.3","oid":"1.3...","type":"INTEGER","value":'
    kind: Type | None


class Translator:
    """For one thread.  `rules` of the user's go over netmon's own; a name that no MIB has is passed over."""

    def __init__(self, tree: Tree, rules: Mapping[str, Rule] | None = None) -> None:
        self._tree = tree
        self._rules: dict[str, Rule] = {}  # by dotted OID
        for name, rule in merged(rules or {}).items():
            with contextlib.suppress(MibError):
                self._rules[".".join(map(str, tree.parse(name)[1]))] = rule
        self._traps: dict[bytes, _Trap] = {}
        self._heads: dict[tuple[bytes, int], _Head] = {}
        self._pieces: dict[tuple[bytes, int, ber.Value], str] = {}

    def meaning(self, notification: Notification, host: str = "") -> Meaning:  # noqa: ARG002 - rules by host may come
        """Raises nothing, whatever the octets are."""
        trap = self._traps.get(notification.trap) or self._look(notification.trap)
        varbinds = notification.varbinds
        known, size, hinted = self._pieces, 0, 0
        pieces: list[str] = []
        for key in zip(varbinds.oids, varbinds.tags, varbinds.values):  # noqa: B905 - as long as each other
            piece = known.get(key)
            if piece is None:
                hinted += len(key[2]) if isinstance(key[2], bytes) else 0
                piece = self._piece(key) if hinted <= _HINTED else self._plain_piece(key)
            size += len(piece) + 1
            if size > MAX_VALUES - _MARK:
                left = len(varbinds.oids) - len(pieces)
                pieces.append(f'{{"name":"","oid":"","type":"","value":"{left} more values are cut"}}')
                break
            pieces.append(piece)
        change = trap.fixed
        if trap.instance:
            instance = self._instance(trap, varbinds.oids, varbinds.tags, varbinds.values)
            change = TrapChange(trap.state, instance, trap.active, trap.ttl, trap.cause)
        return Meaning(trap.name, trap.oid, trap.severity, f"[{','.join(pieces)}]", change, trap.label)

    def _look(self, octets: bytes) -> _Trap:
        oid = _dotted(octets)
        name, label = oid, OTHER
        with contextlib.suppress(ber.DecodeError):
            node, rest = self._tree.at(ber.oid_numbers(octets))
            if node is not None and not rest and node.kind == "notification":
                name = label = node.full_name
        rule = self._rules.get(oid, _NO_RULE)
        state, active = rule.raises or rule.clears, bool(rule.raises)
        instance = row = b""
        if state and rule.instance:
            with contextlib.suppress(MibError, ber.EncodeError):
                object_ = self._tree.find(rule.instance)
                instance = ber.encode_oid(object_.oid)
                row = ber.encode_oid(object_.oid[:-1]) if object_.kind == "column" else b""
        ttl = rule.ttl or DEFAULT_TTL
        fixed = TrapChange(state, "", active, ttl, rule.cause) if state else None
        made = _Trap(
            name, oid, label, rule.severity, state, active, ttl, rule.cause, instance, row, fixed
        )  # fmt: skip
        if len(self._traps) >= _TRAPS:
            self._traps.clear()
        if len(octets) <= _SMALL:
            self._traps[octets] = made
        return made

    def _piece(self, key: tuple[bytes, int, ber.Value]) -> str:
        oid, tag, value = key
        head = self._heads.get((oid, tag)) or self._head(oid, tag)
        piece = f"{head.text}{encode_basestring_ascii(value_text(self._tree, head.kind, tag, value))}}}"
        if len(piece) <= _SHORT and (not isinstance(value, bytes) or len(value) <= _SMALL):
            if len(self._pieces) >= _PIECES:
                self._pieces.clear()
            self._pieces[key] = piece
        return piece

    def _plain_piece(self, key: tuple[bytes, int, ber.Value]) -> str:
        """As if no MIB knew the value's type."""
        oid, tag, value = key
        head = self._heads.get((oid, tag)) or self._head(oid, tag)
        return f"{head.text}{encode_basestring_ascii(value_text(self._tree, None, tag, value))}}}"

    def _head(self, oid: bytes, tag: int) -> _Head:
        dotted = _dotted(oid)
        name, kind = dotted, None
        with contextlib.suppress(ber.DecodeError):
            numbers = ber.oid_numbers(oid)
            node, _ = self._tree.at(numbers)
            if node is not None and node.kind in _OBJECTS:
                name, kind = self._tree.name_of(numbers), node.type
        word = ber.TYPE_NAMES.get(tag) or f"{tag:#04x}"
        head = _Head(
            f'{{"name":{_quoted(name)},"oid":{_quoted(dotted)},"type":{_quoted(word)},"value":', kind
        )
        if len(head.text) <= _SHORT:
            if len(self._heads) >= _HEADS:
                self._heads.clear()
            self._heads[oid, tag] = head
        return head

    def _instance(self, trap: _Trap, oids: list[bytes], tags: list[int], values: list[ber.Value]) -> str:
        """By the object's own value, else by the index of another column of its table's row."""
        for at, oid in enumerate(oids):
            if oid.startswith(trap.instance):
                value = values[at]
                if isinstance(value, int):
                    return str(value)
                return value_text(self._tree, None, tags[at], value)[:_MAX_INSTANCE]
        if trap.row:
            size = len(trap.row) + 1  # a column's number has one octet; of more, the rest is index as well
            for oid in oids:
                if oid.startswith(trap.row) and len(oid) > size:
                    return _dotted(b"\0" + oid[size:]).removeprefix("0.0.")[:_MAX_INSTANCE]
        return ""


_NO_RULE: Final = Rule()
_OBJECTS: Final = frozenset({"scalar", "column"})
_quoted: Final[Callable[[str], str]] = encode_basestring_ascii


def _dotted(octets: bytes) -> str:
    """Numbers; the octets themselves, cut, where they are no OID."""
    try:
        return ber.decode_oid(octets)
    except ber.DecodeError:
        return f"0x{octets[:64].hex().upper()}"
