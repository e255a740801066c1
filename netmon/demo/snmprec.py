"""Captures of real agents in the .snmprec format, one object a line: ``OID|TAG|VALUE``.

The tag is the BER type as a decimal number, with ``x`` behind it where the value is in hexadecimal.
Tags that ask for a program to make the value (``4:writecache``) and lines that are no objects are left
out and counted: a capture is somebody's, and some of it is always odd.
"""

import bz2
import ipaddress
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from netmon.demo.device import Row, Value
from netmon.errors import NetmonError
from netmon.snmp import ber

LARGEST: Final = 64 << 20  # octets of a capture, unpacked
_INTEGERS: Final = {ber.INTEGER, ber.COUNTER32, ber.GAUGE32, ber.TIME_TICKS, ber.COUNTER64}
_OTHERS: Final = {ber.OCTET_STRING, ber.NULL, ber.OBJECT_IDENTIFIER, ber.IP_ADDRESS, ber.OPAQUE}
_TAGS: Final = {str(tag).encode(): tag for tag in _INTEGERS | _OTHERS}
_FIELDS: Final = 3
_ADDRESS_OCTETS: Final = 4
_LONGEST: Final = 1200  # octets of a value: what still fits into one answer


class CaptureError(NetmonError):
    """A capture cannot be used at all."""


@dataclass(frozen=True, slots=True)
class Capture:
    """What a capture holds, and how many lines were left out, by reason."""

    rows: tuple[Row, ...]
    left_out: Mapping[str, int]

    def __str__(self) -> str:
        left_out = ", ".join(f"{count} {why}" for why, count in self.left_out.items())
        return f"{len(self.rows)} objects" + (f"; left out: {left_out}" if left_out else "")


class _OddLineError(ValueError):
    """A line that is left out; its text says why."""


def read(path: Path) -> Capture:
    """Read a .snmprec file, or a .snmprec.bz2 one.  Raises CaptureError."""
    try:
        with bz2.open(path) if path.suffix == ".bz2" else path.open("rb") as file:
            text = file.read(LARGEST + 1)
    except EOFError as error:
        raise CaptureError(f"{path}: the compressed data is cut off") from error
    except OSError as error:
        # bz2 gives no number for data that is none of its own.
        raise CaptureError(f"{path}: {error.strerror or 'not bzip2 data'}") from error
    if len(text) > LARGEST:
        raise CaptureError(f"{path}: more than {LARGEST >> 20} MiB")
    capture = parse(text.splitlines())
    if not capture.rows:
        raise CaptureError(f"{path}: no object in it ({capture}); wanted lines like 1.3.6.1.2.1.1.5.0|4|sw1")
    return capture


def parse(lines: Iterable[bytes]) -> Capture:
    """The objects of a capture's lines.  Of two lines for one object the first counts."""
    rows: dict[bytes, Row] = {}
    left_out: Counter[str] = Counter()
    for line in lines:
        if not line.strip() or line.startswith(b"#"):
            continue
        try:
            key, row = _row(line)
        except _OddLineError as error:
            left_out[str(error)] += 1
            continue
        if key in rows:
            left_out["repeated objects"] += 1
        rows.setdefault(key, row)
    return Capture(tuple(rows.values()), dict(left_out))


def _row(line: bytes) -> tuple[bytes, Row]:
    fields = line.split(b"|", _FIELDS - 1)
    if len(fields) < _FIELDS:
        raise _OddLineError("lines that are no objects")
    name, kind, text = fields
    number, colon, _program = kind.partition(b":")
    if colon:
        raise _OddLineError("values that a program would make")
    tag = _TAGS.get(number.removesuffix(b"x"))
    if tag is None:
        raise _OddLineError("values of unknown types")
    in_hex = number.endswith(b"x")
    try:
        oid = name.decode("ascii").strip()
        key = ber.encode_oid(oid)
        value = _value(tag, bytes.fromhex(text.decode("ascii")) if in_hex else text, in_hex=in_hex)
        ber.encode_value(tag, None if tag == ber.NULL else value)
    except (ValueError, ber.EncodeError):
        raise _OddLineError("values that their types do not hold") from None
    return key, Row(oid, tag, value)


def _value(tag: int, text: bytes, *, in_hex: bool) -> Value:
    """The value as a `Row` has it.  Raises ValueError or EncodeError."""
    if tag in _INTEGERS:
        return int.from_bytes(text) if in_hex else int(text)
    if tag == ber.NULL:
        return b""
    if tag == ber.OBJECT_IDENTIFIER:
        return ber.encode_oid(text.decode("ascii").strip())
    if tag == ber.IP_ADDRESS and len(text) != _ADDRESS_OCTETS:  # in dots; some recorders write the octets
        text = ipaddress.IPv4Address(text.decode("ascii")).packed
    if len(text) > _LONGEST:
        raise ValueError
    return text
