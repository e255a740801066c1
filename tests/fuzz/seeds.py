"""Inputs to begin with: real replies and questions, made by netmon's own encoder from the demo's devices."""

import random
from collections.abc import Iterator

from netmon.demo.device import Device, Template
from netmon.demo.responder import respond
from netmon.demo.switch import switch_rows
from netmon.snmp import ber, message, message_v3
from tests.fuzz.trap_cases import cases
from tests.unit.traps.messages import ALICE, BOB, CAROL, OWN, v1, v2c, v3

_COMMUNITY = b"public"
_WALKS = ("1.3.6.1.2.1.1", "1.3.6.1.2.1.2.2.1.2", "1.3.6.1.2.1.2.2.1.10", "1.3.6.1.2.1.31.1.1.1.1")
_ENGINE = bytes.fromhex("80001f8880e9630000d61ff449")


def questions() -> Iterator[bytes]:
    """What a manager asks."""
    for number, oid in enumerate(_WALKS, 1):
        names = [ber.encode_oid(oid)]
        yield message.encode_request(2, _COMMUNITY, message.GETBULK, number, names, 0, 10)
        yield message.encode_request(1, _COMMUNITY, message.GETNEXT, 0x10000000 + number, names)
    yield message.encode_request(
        2, _COMMUNITY, message.GET, 9, [ber.encode_oid("1.3.6.1.2.1.1.3.0"), ber.encode_oid("1.3.6.1.9.0")]
    )


def replies() -> Iterator[bytes]:
    """What an agent answers, errors and every type of value included."""
    device = Device(Template(tuple(switch_rows("sw1", 1))), community=_COMMUNITY, booted=0.0)
    yield from filter(None, (respond(device, question, 1e6) for question in questions()))
    values: tuple[tuple[int, ber.Value], ...] = (
        (ber.INTEGER, -1), (ber.OCTET_STRING, b"x" * 200), (ber.NULL, None),
        (ber.OPAQUE, b"\x9f\x78\x04\0\0\0\0"),
        (ber.OBJECT_IDENTIFIER, ber.encode_oid("1.3.6.1.4.1.8072.3.2.10")), (ber.COUNTER64, 2**64 - 1),
        (ber.COUNTER32, 2**32 - 1), (ber.GAUGE32, 0), (ber.TIME_TICKS, 4200), (ber.END_OF_MIB_VIEW, None),
    )  # fmt: skip
    varbinds = [
        message.encode_varbind(ber.encode_oid(f"1.3.6.1.2.1.{number}.4294967295.0"), tag, value)
        for number, (tag, value) in enumerate(values, 1)
    ]
    yield message.encode_response(2, _COMMUNITY, 0x7FFFFFFF, 0, 0, varbinds)
    yield message.encode_response(1, b"", -1, message.GEN_ERR, 1, varbinds[:1])


def messages_v3() -> Iterator[bytes]:
    """Under USM: a report, a response in clear, and one that is encrypted."""
    varbind = message.encode_varbind(ber.encode_oid("1.3.6.1.6.3.15.1.1.4.0"), ber.COUNTER32, 7)
    for flags, digest, salt, data in (
        (0, 0, 0, None),
        (message_v3.AUTH, 12, 0, None),
        (message_v3.AUTH | message_v3.PRIV, 24, 8, ber.tlv(ber.OCTET_STRING, bytes(range(64)))),
    ):
        for pdu_type in (message.RESPONSE, 0xA8):
            pdu = ber.tlv(
                pdu_type,
                b"".join(map(ber.encode_integer, (77, 0, 0))) + ber.tlv(ber.SEQUENCE, varbind),
            )
            scoped = ber.tlv(ber.SEQUENCE, message_v3.encode_scope(_ENGINE, b"ctx") + pdu)
            security = ber.tlv(
                ber.SEQUENCE,
                ber.tlv(ber.OCTET_STRING, _ENGINE)
                + ber.encode_integer(3)
                + ber.encode_integer(12_345)
                + b"".join(
                    ber.tlv(ber.OCTET_STRING, part) for part in (b"netmon", bytes(digest), bytes(salt))
                ),
            )
            head = (
                ber.encode_integer(message_v3.VERSION)
                + ber.tlv(
                    ber.SEQUENCE,
                    b"".join(map(ber.encode_integer, (77, 65_507)))
                    + ber.tlv(ber.OCTET_STRING, bytes((flags,)))
                    + ber.encode_integer(message_v3.USM),
                )
                + ber.tlv(ber.OCTET_STRING, security)
            )
            yield ber.tlv(ber.SEQUENCE, head + (scoped if data is None else data))


def recipes() -> Iterator[bytes]:
    """For the mapping: every column with a number and a text, in three rows each."""
    for start in range(0, 250, 10):
        yield b"".join(
            bytes((column, 1, row, tag, len(content))) + content
            for column in range(start, start + 10)
            for row in (1, 2, 3)
            for tag, content in ((0, b"\x05"), (1, b"eth0"))
        )


def notifications() -> Iterator[bytes]:
    """Traps and informs of every version and level, and some families of faults in them."""
    yield from (v1(), v1(6, 99), v2c(), v2c(pdu_type=message.INFORM))
    for user in (ALICE, BOB, CAROL):
        yield v3(user)
        yield v3(user, engine_id=OWN, boots=7, time=2, pdu_type=message.INFORM)
    yield from cases(random.Random(1), 100)  # noqa: S311 - the same each time


SEEDS = {
    "response": replies,
    "request": questions,
    "v3": messages_v3,
    "mapping": lambda: (*replies(), *recipes()),
    "trap": notifications,
}
