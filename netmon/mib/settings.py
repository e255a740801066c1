"""`NAME=VALUE` to the typed varbinds of a SET, checked against the MIB before anything is sent; pure.

What can be known beforehand is told beforehand, all mistakes at once: a name that no MIB has, an
instance that is missing, an object that is read-only, a value of the wrong type, out of range, of the
wrong length.  Values are written as they are shown: enumerations by name or number (`up`, `1`,
`up(1)`), BITS by the names of their bits, octets by their DISPLAY-HINT or as `0x...`, TimeTicks in
hundredths or as `1h30m`, OIDs by name or number.

An object that no known MIB defines is set by its number and an explicit type, with net-snmp's letters:
`1.3.6.1.4.1.9.1.0=i:5`.  There are i INTEGER, u Gauge32 and Unsigned32, c Counter32, C Counter64,
t TimeTicks, a IpAddress, o OBJECT IDENTIFIER, s text and x octets in hexadecimal.
"""

import ipaddress
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from pydantic_core import PydanticCustomError

from netmon.errors import NetmonError
from netmon.fields import parse_duration
from netmon.mib.hints import HintError, parse_integer, parse_octets
from netmon.mib.node import INTEGERS, MibError, Node, Type
from netmon.mib.tree import Tree
from netmon.snmp import ber

MAX_OBJECTS: Final = 64  # of one SET; all go into one datagram
_MAX_OCTETS: Final = 65_535  # RFC 2578 §7.1.2
_SETTABLE: Final = frozenset({"read-write", "read-create", "write-only"})  # the last is SMIv1's
_TAGS: Final[Mapping[str, int]] = {
    "INTEGER": ber.INTEGER, "Integer32": ber.INTEGER, "Unsigned32": ber.GAUGE32, "Gauge32": ber.GAUGE32,
    "Counter32": ber.COUNTER32, "Counter64": ber.COUNTER64, "TimeTicks": ber.TIME_TICKS,
    "OCTET STRING": ber.OCTET_STRING, "BITS": ber.OCTET_STRING, "OBJECT IDENTIFIER": ber.OBJECT_IDENTIFIER,
    "IpAddress": ber.IP_ADDRESS, "Opaque": ber.OPAQUE,
}  # fmt: skip
_BASES: Final = {
    "i": "INTEGER", "u": "Gauge32", "c": "Counter32", "C": "Counter64", "t": "TimeTicks", "a": "IpAddress",
    "o": "OBJECT IDENTIFIER", "s": "OCTET STRING", "x": "OCTET STRING",
}  # fmt: skip
_LIMITS: Final = {
    ber.INTEGER: (-(2**31), 2**31 - 1), ber.GAUGE32: (0, 2**32 - 1), ber.COUNTER32: (0, 2**32 - 1),
    ber.TIME_TICKS: (0, 2**32 - 1), ber.COUNTER64: (0, 2**64 - 1),
}  # fmt: skip
_NUMBER: Final = re.compile(r"-?[0-9]{1,20}|0[xX][0-9A-Fa-f]{1,16}", re.ASCII)
_HEX: Final = re.compile(r"(?:[0-9A-Fa-f]{2}[ :]?)*", re.ASCII)
_NAMED: Final = re.compile(r"([A-Za-z][\w-]*)\((-?[0-9]{1,10})\)", re.ASCII)
_OID: Final = re.compile(r"\.?[0-9]+(?:\.[0-9]+)*", re.ASCII)
_DIVIDED: Final = re.compile(r"d-[1-9][0-9]{0,2}")
_TEXT_HINT: Final = re.compile(r"[0-9]{1,5}[at]")
_SPLIT: Final = re.compile(r'((?:[^="]|"(?:[^"\\]|\\.)*")+)=(.*)', re.DOTALL)
_SECRET: Final = re.compile(r"communit|passw|secret|key|credential|auth.*pass", re.IGNORECASE)


class SettingsError(NetmonError):
    """Assignments that cannot be sent as they are.

    `mistakes` are all that is wrong, one sentence each; `sound` are the assignments beside them.
    """

    def __init__(self, mistakes: Iterable[str], sound: Iterable["Assignment"] = ()) -> None:
        self.mistakes = tuple(mistakes)
        self.sound = tuple(sound)
        super().__init__("\n".join(self.mistakes))


@dataclass(frozen=True, slots=True)
class Assignment:
    """One object to set; `node` is None for one that no known MIB defines."""

    name: str  # "SNMPv2-MIB::sysContact.0", or numbers
    oid: tuple[int, ...]
    tag: int
    value: ber.Value = field(repr=False)  # may be a secret
    node: Node | None = None

    @property
    def secret(self) -> bool:
        """Whether its name says that the value should not be shown or written down."""
        return self.node is not None and bool(_SECRET.search(self.node.name))

    def reads_back(self, tag: int, value: ber.Value) -> bool:
        """Whether this is what the object holds after the SET.

        Two sorts of objects never read as they were set: of a RowStatus the actions lead to states, and
        a TestAndIncr counts one up (RFC 2579 §2).  Zero octets at the end of BITS say nothing.
        """
        kind = self.node.type if self.node is not None else None
        if kind is not None and kind.name == "RowStatus" and isinstance(self.value, int):
            if self.value == _DESTROY:
                return tag in {ber.NO_SUCH_INSTANCE, ber.NO_SUCH_OBJECT}
            return tag == self.tag and value in _ROW_STATES.get(self.value, {self.value})
        if kind is not None and kind.name == "TestAndIncr" and isinstance(self.value, int):
            return tag == self.tag and value == (self.value + 1) % 2**31
        if kind is not None and kind.base == "BITS" and isinstance(value, bytes | None):
            assert isinstance(self.value, bytes)  # noqa: S101 - BITS are octets
            return tag == self.tag and value is not None and value.rstrip(b"\0") == self.value.rstrip(b"\0")
        return (tag, value) == (self.tag, self.value)


_DESTROY: Final = 6
# createAndGo ends active; createAndWait ends notReady or notInService (RFC 2579 §2, RowStatus).
_ROW_STATES: Final = {4: {1}, 5: {2, 3}}


def parse_settings(texts: Sequence[str], tree: Tree) -> tuple[Assignment, ...]:
    """The assignments of `NAME=VALUE` texts, in their order.  Raises SettingsError with all mistakes."""
    found: list[Assignment] = []
    mistakes: list[str] = []
    if not 0 < len(texts) <= MAX_OBJECTS:
        mistakes.append(f"{len(texts)} objects; wanted are 1 to {MAX_OBJECTS} in one SET")
    for text in texts[:MAX_OBJECTS]:
        try:
            one = _assignment(text, tree)
        except (MibError, _WrongError) as error:
            mistakes.append(str(error))
            continue
        if any(other.oid == one.oid for other in found):
            mistakes.append(f"{one.name} is set twice; in one SET no order would hold (RFC 3416 §4.2.5)")
        found.append(one)
    if mistakes:
        raise SettingsError(mistakes, found)
    return tuple(found)


def parse_varbinds(texts: Sequence[str], tree: Tree) -> tuple[Assignment, ...]:
    """The same for the varbinds of a notification: of any access, none or many, one object even twice.

    Raises SettingsError with all mistakes.
    """
    found: list[Assignment] = []
    mistakes: list[str] = []
    if len(texts) > MAX_OBJECTS:
        mistakes.append(f"{len(texts)} varbinds; wanted are at most {MAX_OBJECTS} in one notification")
    for text in texts[:MAX_OBJECTS]:
        try:
            found.append(_assignment(text, tree, settable=False))
        except (MibError, _WrongError) as error:
            mistakes.append(str(error))
    if mistakes:
        raise SettingsError(mistakes, found)
    return tuple(found)


class _WrongError(NetmonError):
    """What is wrong with one assignment."""


def _assignment(text: str, tree: Tree, *, settable: bool = True) -> Assignment:
    match = _SPLIT.fullmatch(text)
    if match is None:
        # The text may hold a secret where a "=" is missing: only what a name can be is shown.
        shown = re.match(r"[\w.:-]{0,60}", text)
        raise _WrongError(f'"{shown[0] if shown else ""}" has no "=": wanted NAME=VALUE, as sysContact.0=noc')
    name, written = match[1].strip(), match[2]
    node, oid = tree.parse(name)
    known = node is not None and node.type is not None and node.kind in {"scalar", "column"}
    if not known:
        if node is not None and not (_OID.fullmatch(name) and len(oid) > len(node.oid)):
            raise _WrongError(f"{name} is a {node.kind} and holds no value; name a scalar or a column of it")
        return _unknown(".".join(map(str, oid)), oid, written, tree)
    assert node is not None  # noqa: S101 - known
    assert node.type is not None  # noqa: S101 - known
    oid = _instance(name, node, oid)
    full = tree.name_of(oid)
    if settable and node.access not in _SETTABLE:
        raise _WrongError(f"{full} cannot be set: its max-access is {node.access or 'not given'}")
    tag = _TAGS[node.type.base]
    try:
        value = _value(node.type, written, tree)
    except _WrongError as error:
        what = "the value does not fit its type" if _SECRET.search(node.name) else str(error)
        raise _WrongError(f"{full}: {what}") from None
    return Assignment(full, oid, tag, value, node)


def _instance(name: str, node: Node, oid: tuple[int, ...]) -> tuple[int, ...]:
    rest = oid[len(node.oid) :]
    if node.kind == "scalar":
        if rest not in {(), (0,)}:
            raise _WrongError(f"{name}: a scalar has the one instance {node.name}.0")
        return (*node.oid, 0)
    if not rest:
        index = ".".join(index.name for index in node.indexes) or "INDEX"
        raise _WrongError(f"{name} is a column; say which row: {node.name}.{index}")
    return oid


def _unknown(name: str, oid: tuple[int, ...], written: str, tree: Tree) -> Assignment:
    letter, colon, text = written.partition(":")
    if not colon or letter not in _BASES:
        raise _WrongError(
            f"{name} is in no known MIB, so say its type: {name}=s:text; the types are "
            "i INTEGER, u Gauge32, c Counter32, C Counter64, t TimeTicks, a IpAddress, o OID, s text, x hex"
        )
    base = _BASES[letter]
    try:
        hint = "255t" if base == "OCTET STRING" else ""
        value = _hex(text) if letter == "x" else _value(Type(base, base, {}, (), hint), text, tree)
        ber.encode_oid(oid)
    except (_WrongError, ber.EncodeError) as error:
        raise _WrongError(f"{name}: {error}") from None
    return Assignment(name, oid, _TAGS[base], value)


def _value(kind: Type, text: str, tree: Tree) -> ber.Value:
    """A value as the wire's types have it.  Raises _WrongError that says what was wanted."""
    if kind.base in INTEGERS:
        return _integer(kind, text)
    octets = _READERS[kind.base](kind, text, tree)
    if kind.base == "OCTET STRING" and not _within(kind.ranges, len(octets)):
        raise _WrongError(f"is {len(octets)} octets long; wanted {_span(kind.ranges)} octets")
    if len(octets) > _MAX_OCTETS:
        raise _WrongError(f"is {len(octets)} octets long; wanted at most {_MAX_OCTETS}")
    return octets


def _integer(kind: Type, text: str) -> int:
    if kind.enums:
        return _enum(kind, text.strip())
    text = text.strip()
    number = None
    if kind.hint and not (_NUMBER.fullmatch(text) and kind.hint not in {"x", "o", "b"}):
        try:
            number = parse_integer(kind.hint, text.removeprefix("0x") if kind.hint == "x" else text)
        except HintError:
            number = None
    elif _DIVIDED.fullmatch(kind.hint):
        places = int(kind.hint[2:])
        raise _WrongError(
            f'"{_cut(text)}" may mean two things, since this object is shown with {places} decimals: '
            f"write the decimal point, as {text}.{'0' * places}"
        )
    elif _NUMBER.fullmatch(text):
        number = int(text, 16 if text[:2].lower() == "0x" else 10)
    if number is None and kind.base == "TimeTicks":
        number = _ticks(text)
    if number is None:
        hint = f", or one shown by the DISPLAY-HINT {kind.hint}" if kind.hint else ""
        raise _WrongError(f'"{_cut(text)}" is not a whole number{hint}')
    low, high = _LIMITS[_TAGS[kind.base]]
    if not low <= number <= high:
        raise _WrongError(f"{number} does not fit {kind.base}; wanted {low}..{high}")
    if not _within(kind.ranges, number):
        raise _WrongError(f"{number} is out of range; wanted {_span(kind.ranges)}")
    return number


def _enum(kind: Type, text: str) -> int:
    names = {name: number for number, name in kind.enums.items()}
    match = _NAMED.fullmatch(text)
    if match is not None and names.get(match[1]) == int(match[2]):
        return int(match[2])
    if text in names:
        return names[text]
    if re.fullmatch(r"-?[0-9]{1,10}", text, re.ASCII) and int(text) in kind.enums:
        return int(text)
    raise _WrongError(f'"{_cut(text)}" is not one of {_listed(kind)}')


def _ticks(text: str) -> int | None:
    try:
        return round(parse_duration(text) * 100)
    except PydanticCustomError:
        return None


def _octets(kind: Type, text: str, _tree: Tree) -> bytes:
    if kind.hint and not _TEXT_HINT.fullmatch(kind.hint):
        try:
            return parse_octets(kind.hint, text)
        except HintError as error:
            if not text.startswith(("0x", "0X")):
                raise _WrongError(f"{error}; octets may be written as 0x...") from None
        return _hex(text[2:])
    # What is shown as text is set as text, even if it looks like a number.
    if not kind.hint and text.startswith(("0x", "0X")):
        return _hex(text[2:])
    return text.encode(errors="surrogateescape")


def _hex(text: str) -> bytes:
    if not _HEX.fullmatch(text):
        raise _WrongError(f'"{_cut(text)}" is not hexadecimal: wanted two digits an octet, as 0a1b or 0A:1B')
    return bytes.fromhex(text.replace(":", " "))


def _bits(kind: Type, text: str, _tree: Tree) -> bytes:
    if text.startswith(("0x", "0X")):
        return _hex(text[2:])
    numbers = {name: number for number, name in kind.enums.items()}
    value = bytearray(max(kind.enums, default=0) // 8 + 1)
    for word in re.split(r"[\s,]+", text.strip().removeprefix("{").removesuffix("}").strip()):
        match = _NAMED.fullmatch(word)
        name = match[1] if match is not None else word
        number = numbers.get(name, int(word) if re.fullmatch(r"[0-9]{1,5}", word, re.ASCII) else -1)
        if number not in kind.enums or (match is not None and number != int(match[2])):
            if word:
                raise _WrongError(f'"{_cut(word)}" is not one of the bits {_listed(kind)}')
            continue
        value[number // 8] |= 0x80 >> number % 8
    return bytes(value)


def _object_id(_kind: Type, text: str, tree: Tree) -> bytes:
    try:
        return ber.encode_oid(tree.parse(text.strip())[1])
    except (MibError, ber.EncodeError) as error:
        raise _WrongError(f"is not an object identifier: {error}") from None


def _ip_address(_kind: Type, text: str, _tree: Tree) -> bytes:
    try:
        return ipaddress.IPv4Address(text.strip()).packed
    except ValueError:
        raise _WrongError(f'"{_cut(text)}" is not an IPv4 address like 192.0.2.1') from None


def _opaque(_kind: Type, text: str, _tree: Tree) -> bytes:
    return _hex(text.removeprefix("0x").removeprefix("0X"))


_READERS: Final[Mapping[str, Callable[[Type, str, Tree], bytes]]] = {
    "OCTET STRING": _octets,
    "BITS": _bits,
    "OBJECT IDENTIFIER": _object_id,
    "IpAddress": _ip_address,
    "Opaque": _opaque,
}


def _within(ranges: Sequence[tuple[int, int]], number: int) -> bool:
    return not ranges or any(low <= number <= high for low, high in ranges)


def _span(ranges: Sequence[tuple[int, int]]) -> str:
    return " or ".join(str(low) if low == high else f"{low}..{high}" for low, high in ranges)


def _listed(kind: Type) -> str:
    names = [f"{name}({number})" for number, name in sorted(kind.enums.items())]
    return ", ".join(names[:_MANY]) + (", ..." if len(names) > _MANY else "")


_MANY: Final = 20  # names that a message lists


def _cut(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text[:60])
