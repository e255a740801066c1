"""A simulated SNMP agent's data: sorted object identifiers, and values that move with time.

Ten thousand devices must fit into one process and cost little beside what is measured against
them.  So what devices of a kind share stands once in a `Template`: keys, encoded variable bindings,
and for moving values the encoded head of the binding.  A `Device` is a template, a clock offset and
the few values in which it differs.  A GETBULK is a bisection and a slice; only moving values are
encoded when they are asked for.

Everything is a function of the instant that is given: the same seed and time give the same bytes.
"""

import math
import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Mapping
from typing import Final, NamedTuple

from netmon.snmp import ber
from netmon.snmp.message import encode_varbind

PERIOD: Final = 600.0  # seconds from one busy time to the next
SWING: Final = 0.6  # how far traffic departs from its average at the busiest and the calmest


class Moment(NamedTuple):
    """What a moving value may depend on."""

    now: float  # seconds since the epoch
    uptime: float  # seconds since the device booted
    flow: float  # seconds of average traffic since then; never decreases


Value = int | bytes
Moving = Callable[[Moment], Value]


class Row(NamedTuple):
    """One object: its identifier, BER tag and value.

    Integers are int, everything else the BER content octets; a function gives a value that moves.
    """

    oid: str
    tag: int
    value: Value | Moving


_LONG_SUBIDENTIFIER: Final = re.compile(rb"[\x80-\xff]{2,}[\x00-\x7f]")


def order_key(oid: bytes) -> bytes:
    """A key that sorts encoded OIDs as SNMP does, by the numbers of their sub-identifiers.

    BER content octets sort rightly as bytes as long as sub-identifiers take one or two octets
    (X.690 §8.19.2).  Longer ones get a prefix that is greater than any shorter one begins with.
    """
    if oid.isascii():
        return oid
    return _LONG_SUBIDENTIFIER.sub(lambda match: bytes((0xFF, 0x80 + len(match[0]))) + match[0], oid)


class _Mover(NamedTuple):
    """A moving value and the binding's octets before its content, by the content's length."""

    value: Moving
    heads: tuple[bytes, ...]

    def encode(self, moment: Moment) -> bytes:
        value = self.value(moment)
        if isinstance(value, int):
            size = ((value if value >= 0 else ~value).bit_length() >> 3) + 1
            value = value.to_bytes(size, "big", signed=True)
        return self.heads[len(value)] + value


MOVING_OCTETS: Final = 32  # longest content of a value that moves


class Template:
    """What devices of one kind share.  `rows` come in any order; a repeated OID is a ValueError."""

    def __init__(self, rows: Iterable[Row]) -> None:
        entries = sorted(
            ((order_key(oid := ber.encode_oid(row.oid)), oid, row) for row in rows), key=lambda e: e[0]
        )
        self.keys = [key for key, _, _ in entries]
        if len(set(self.keys)) != len(self.keys):
            raise ValueError("an object identifier appears twice")
        self.oids = [oid for _, oid, _ in entries]
        self.tags = bytes(row.tag for _, _, row in entries)
        self.encoded: list[bytes] = []
        self.movers: dict[int, _Mover] = {}
        for index, (_, oid, row) in enumerate(entries):
            if callable(row.value):
                heads = tuple(_head(oid, row.tag, size) for size in range(MOVING_OCTETS + 1))
                self.movers[index] = _Mover(row.value, heads)
                self.encoded.append(b"")
            else:
                self.encoded.append(encode_varbind(oid, row.tag, row.value))
        self.moving = sorted(self.movers)

    def __len__(self) -> int:
        return len(self.keys)


def _head(oid: bytes, tag: int, size: int) -> bytes:
    """The octets of a variable binding before `size` octets of content."""
    inside = ber.tlv(ber.OBJECT_IDENTIFIER, oid) + ber.tlv(tag, bytes(size))
    whole = ber.tlv(ber.SEQUENCE, inside)
    return whole[: len(whole) - size]


class Device:
    """One agent: a template in its own time, with `changes` by OID to what the template says.

    `booted` is when it started (epoch seconds), `pace` how busy it is beside its template, `phase`
    (seconds) when its busy time comes.  `oldest` is of the time before version 2: it hears nothing else.
    """

    __slots__ = ("_changes", "_start", "booted", "community", "oldest", "pace", "phase", "template")

    def __init__(
        self,
        template: Template,
        *,
        community: bytes,
        booted: float,
        pace: float = 1.0,
        phase: float = 0.0,
        changes: Mapping[str, Value] | None = None,
        oldest: bool = False,
    ) -> None:
        self.template = template
        self.community = community
        self.booted = booted
        self.pace = pace
        self.phase = phase
        self.oldest = oldest
        self._start = _tide(phase)
        self._changes: dict[int, bytes] = {}
        for oid, value in (changes or {}).items():
            self.change(oid, value)

    def change(self, oid: str, value: Value | None) -> None:
        """Hold an object at a value; None lets it be as the template has it.  KeyError if unknown."""
        index = self.index(ber.encode_oid(oid))
        if index is None:
            raise KeyError(oid)
        if value is None:
            self._changes.pop(index, None)
        else:
            self._changes[index] = encode_varbind(self.template.oids[index], self.template.tags[index], value)

    def index(self, oid: bytes) -> int | None:
        """Where the object with this encoded OID stands, or None."""
        key = order_key(oid)
        keys = self.template.keys
        index = bisect_left(keys, key)
        return index if index < len(keys) and keys[index] == key else None

    def after(self, key: bytes) -> int:
        """Index of the first object behind `key` (an `order_key`)."""
        return bisect_right(self.template.keys, key)

    def moment(self, now: float) -> Moment:
        """The device's own time at `now`."""
        uptime = max(now - self.booted, 0.0)
        return Moment(now, uptime, self.pace * (_tide(uptime + self.phase) - self._start))

    def bindings(self, start: int, stop: int, now: float) -> list[bytes]:
        """Encoded variable bindings of the objects from `start` up to `stop`, as they are at `now`."""
        template = self.template
        out = template.encoded[start:stop]
        moving = template.moving
        at = bisect_left(moving, start)
        if at < len(moving) and moving[at] < stop:
            moment = self.moment(now)
            movers = template.movers
            for index in moving[at : bisect_left(moving, stop, at)]:
                out[index - start] = movers[index].encode(moment)
        if self._changes:
            for index, encoded in self._changes.items():
                if start <= index < stop:
                    out[index - start] = encoded
        return out


def _tide(seconds: float) -> float:
    """The integral of a rate that swings around one."""
    turn = 2 * math.pi / PERIOD
    return seconds + SWING / turn * math.sin(turn * seconds)


# What moves, as values of a Row.


def ticks(moment: Moment) -> int:
    """sysUpTime: hundredths of a second since boot, modulo 2^32 (RFC 3418)."""
    return int(moment.uptime * 100) & 0xFFFFFFFF


def counter(rate: float, *, start: int = 0, bits: int = 64) -> Moving:
    """A counter that grows by `rate` a second on average and wraps at 2^bits."""
    mask = (1 << bits) - 1
    return lambda moment: (start + int(rate * moment.flow)) & mask


def swing(middle: float, half: float, period: float = PERIOD) -> Moving:
    """A gauge that swings around `middle` by `half` at most, once in `period` seconds."""
    turn = 2 * math.pi / period
    return lambda moment: int(middle + half * math.sin(turn * moment.uptime))
