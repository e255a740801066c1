"""Families of broken notifications: right ones in which an encoding or a value was changed.

Ten families, each over a right message of every version.  `cases` draws from all of them; fifty thousand
take some seconds, so the tests take a seeded sample.
"""

import secrets
import sys
from collections.abc import Callable, Iterator
from random import Random
from typing import Final

from netmon.snmp.ber import OBJECT_IDENTIFIER, SEQUENCE, TIME_TICKS, tlv
from netmon.snmp.message import INFORM, TRAP, encode_varbind
from tests.unit.traps.messages import (
    ALICE,
    BOB,
    CAROL,
    LINK_DOWN,
    OWN,
    SNMP_TRAP_OID,
    SYS_UP_TIME,
    v1,
    v2c,
    v3,
    varbinds,
)

Family = Callable[[Random, bytes], bytes]
_TAGS: Final = (
    0x01,
    0x02,
    0x03,
    0x04,
    0x05,
    0x06,
    0x09,
    0x0A,
    0x30,
    0x31,
    *range(0x40, 0x48),
    0x80,
    0x81,
    0x82,
    0xA4,
    0xFF,
)

_LENGTHS: Final = (
    b"\x80", b"\x81\xff", b"\x82\xff\xff", b"\x84\x7f\xff\xff\xff", b"\x84\0\0\0\1", b"\x88" + b"\xff" * 8,
)  # fmt: skip
_NAMES: Final = (LINK_DOWN, SYS_UP_TIME, SNMP_TRAP_OID, b"", b"\x80", b"\x2b" + b"\xff" * 5, b"\x2b" * 130)


def _truncated(random: Random, data: bytes) -> bytes:
    return data[: random.randrange(len(data))]


def _extended(random: Random, data: bytes) -> bytes:
    return data + random.randbytes(random.randrange(1, 64))


def _bit(random: Random, data: bytes) -> bytes:
    changed = bytearray(data)
    for _ in range(random.randrange(1, 4)):
        changed[random.randrange(len(changed))] ^= 1 << random.randrange(8)
    return bytes(changed)


def _octet(random: Random, data: bytes) -> bytes:
    changed = bytearray(data)
    changed[random.randrange(len(changed))] = random.choice((0, 1, 0x7F, 0x80, 0x81, 0x84, 0x88, 0xFE, 0xFF))
    return bytes(changed)


def _length(random: Random, data: bytes) -> bytes:
    """A length somewhere becomes long, indefinite or immense."""
    at = random.randrange(1, len(data))
    form = random.choice(
        (
            b"\x80",
            b"\x81\xff",
            b"\x82\xff\xff",
            b"\x84\x7f\xff\xff\xff",
            b"\x84\0\0\0\1",
            b"\x88" + b"\xff" * 8,
        )
    )
    return data[:at] + form + data[at + 1 :]


def _tag(random: Random, data: bytes) -> bytes:
    at = random.randrange(len(data))
    return data[:at] + bytes((random.choice(_TAGS),)) + data[at + 1 :]


def _doubled(random: Random, data: bytes) -> bytes:
    start = random.randrange(len(data))
    stop = random.randrange(start, len(data))
    return data[:stop] + data[start:stop] + data[stop:]


def _removed(random: Random, data: bytes) -> bytes:
    start = random.randrange(len(data))
    stop = random.randrange(start, min(len(data), start + 12))
    return data[:start] + data[stop + 1 :]


def _nested(random: Random, data: bytes) -> bytes:
    for _ in range(random.randrange(1, 200)):
        data = tlv(SEQUENCE, data)
    return data


def _whole(_random: Random, data: bytes) -> bytes:
    return data


_FAMILIES: Final[tuple[Family, ...]] = (
    _truncated, _extended, _bit, _octet, _length, _tag, _doubled, _removed, _nested, _whole,
)  # fmt: skip


def _value(random: Random) -> bytes:
    """A varbind of any tag whose content may fit it or not."""
    tag = random.choice(_TAGS)
    content = random.choice((b"", b"\0", b"\xff", random.randbytes(random.randrange(20)), b"\xff" * 9))
    name = random.choice(
        (LINK_DOWN, SYS_UP_TIME, SNMP_TRAP_OID, b"", b"\x80", b"\x2b" + b"\xff" * 5, b"\x2b" * 130)
    )
    return tlv(SEQUENCE, tlv(OBJECT_IDENTIFIER, name) + tlv(tag, content))


def _content(random: Random) -> bytes:
    """Varbinds: the usual ones and some of any kind, in any order."""
    parts = [
        encode_varbind(SYS_UP_TIME, TIME_TICKS, random.getrandbits(32)),
        encode_varbind(SNMP_TRAP_OID, OBJECT_IDENTIFIER, LINK_DOWN),
        *(_value(random) for _ in range(random.randrange(4))),
    ]
    if random.random() < 0.3:
        random.shuffle(parts)
    return b"".join(parts)


def _message(random: Random, content: bytes) -> bytes:
    """A right message of any version around varbinds that may not be."""
    user = random.choice((ALICE, BOB, CAROL))
    kind = random.randrange(4)
    if kind == 0:
        return v2c(content=content, pdu_type=random.choice((TRAP, INFORM)))
    if kind == 1:
        generic, specific = random.choice((0, 6, 7, -1, 2**31)), random.choice((0, 1, -1, 2**31 - 1))
        return v1(generic, specific, content=content)
    if kind == 2:
        return v3(user, content=content)
    return v3(user, engine_id=OWN, boots=7, time=1, pdu_type=INFORM, content=content)


def cases(random: Random, count: int) -> Iterator[bytes]:
    """So many datagrams, the same for the same generator."""
    for _ in range(count):
        content = random.choice((varbinds(), _content(random)))
        yield random.choice(_FAMILIES)(random, _message(random, content))


def main() -> None:
    """Drive the whole handler with cases of a seed: `python -m tests.fuzz.trap_cases 50000 [SEED]`."""
    from tests.fuzz.targets import trap  # noqa: PLC0415 - it has this module's messages for seeds

    count = int(sys.argv[1])
    seed = int(sys.argv[2]) if len(sys.argv) > 2 else secrets.randbits(32)
    print(f"{count} damaged notifications of seed {seed}", flush=True)  # noqa: T201 - a command
    for data in cases(Random(seed), count):  # noqa: S311 - to be had again
        trap(data)


if __name__ == "__main__":
    main()
