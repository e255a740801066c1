"""A value as net-snmp's tools print it with MIBs: enums by name, octets by DISPLAY-HINT, units behind."""

from collections.abc import Callable

from netmon.cli.varbinds import value_text
from netmon.mib.hints import HintError, format_integer, format_octets
from netmon.mib.node import Node
from netmon.snmp import ber


def named_text(node: Node | None, tag: int, value: ber.Value, name_of: Callable[[bytes], str]) -> str:
    """`INTEGER: up(1)`, `STRING: eth0`, `Gauge32: 5 kB`; without a node, or where it does not fit: numbers.

    `name_of` gives the text of an OID that is a value.
    """
    plain = value_text(tag, value)
    if tag == ber.OBJECT_IDENTIFIER and isinstance(value, bytes):
        return f"OID: {name_of(value)}"
    if node is None or node.type is None or value is None:
        return plain
    text = label(node, tag, value)
    if text is not None:
        kind = "BITS: " + value.hex(" ").upper() + " " if isinstance(value, bytes) else ""
        if node.type.base == "BITS":
            return kind + text
        word, colon, _ = plain.partition(": ")
        if isinstance(value, bytes):
            word, colon = "STRING", ": "
        return _with_units(node, f"{word}{colon}{text}")
    return plain if isinstance(value, bytes) else _with_units(node, plain)


def _with_units(node: Node, text: str) -> str:
    return f"{text} {node.units}" if node.units else text


def label(node: Node, tag: int, value: ber.Value) -> str | None:
    """`up(1)`, `eth0`, `12.3`: what the MIB says of a value; None where it says nothing."""
    kind = node.type
    if kind is None:
        return None
    if tag == ber.INTEGER and isinstance(value, int):
        if value in kind.enums:
            return f"{kind.enums[value]}({value})"
        return _by_hint(lambda: format_integer(kind.hint, value)) if kind.hint not in {"", "d"} else None
    if tag == ber.OCTET_STRING and isinstance(value, bytes):
        if kind.base == "BITS":
            return _bits(node, value)
        if kind.hint and value:
            text = _by_hint(lambda: format_octets(kind.hint, value))
            return text if text is not None and text.isprintable() else None
    return None


def _by_hint(text: Callable[[], str | None]) -> str | None:
    try:
        return text()
    except HintError:
        return None


def _bits(node: Node, value: bytes) -> str:
    """`pause(0) other(3)`: the bits that are set, the first octet's highest first."""
    enums = node.type.enums if node.type else {}
    on = [at for at in range(8 * min(len(value), 64)) if value[at // 8] >> (7 - at % 8) & 1]
    return " ".join(f"{enums.get(at, '')}({at})" for at in on)
