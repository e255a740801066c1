"""What an SNMP agent answers: a pure function from a device and a datagram to a datagram.

Versions 1 and 2c: RFC 1157 §4, RFC 3416 §4.2, and RFC 3584 §4.2.2 for Counter64, which version 1
must not see.  Whatever is malformed, of the wrong community or not for an agent gets no answer.
"""

from itertools import accumulate, chain
from typing import Final

from netmon.demo.device import Device, order_key
from netmon.snmp import ber, message

LARGEST: Final = 1472  # octets of an answer: what an Ethernet frame carries over UDP and IPv4
AROUND: Final = 40  # octets of a message around community and varbinds, at most
NOT_WRITABLE: Final = 17  # error-status, RFC 3416 §3
_SMALLEST_VARBIND: Final = 8


def respond(device: Device, datagram: bytes, now: float) -> bytes | None:
    """The device's answer at `now` (epoch seconds), or None for silence."""
    try:
        request = message.decode_request(datagram)
    except ber.DecodeError:
        return None
    if request.community != device.community or (device.oldest and request.version != 1):
        return None
    kind = request.pdu_type
    if kind == message.GETBULK:
        return _bulk(device, request, now)
    if kind in (message.GET, message.GETNEXT):
        return _get(device, request, now)
    if kind == message.SET:
        status = message.NO_SUCH_NAME if request.version == 1 else NOT_WRITABLE
        return _refuse(request, status, 1)
    return None


def _get(device: Device, request: message.Request, now: float) -> bytes | None:
    found: list[bytes] = []
    step = request.pdu_type == message.GETNEXT
    for position, oid in enumerate(request.varbinds.oids, start=1):
        index = _next(device, oid, request.version) if step else _exact(device, oid, request.version)
        if index is not None:
            found += device.bindings(index, index + 1, now)
        elif request.version == 1:
            return _refuse(request, message.NO_SUCH_NAME, position)
        else:
            tag = ber.END_OF_MIB_VIEW if step else _absence(device, oid)
            found.append(message.encode_varbind(oid, tag))
    if sum(map(len, found)) > _room(device):
        return _refuse(request, message.TOO_BIG, 0)
    return _answer(request, found)


def _bulk(device: Device, request: message.Request, now: float) -> bytes | None:
    # RFC 3416 §4.2.3.  Repetitions are bounded by what an answer can hold, so that a small request
    # cannot ask for work without end.
    oids = request.varbinds.oids
    single = min(max(request.non_repeaters, 0), len(oids))
    repeaters = len(oids) - single
    room = _room(device)
    most = room // _SMALLEST_VARBIND // max(repeaters, 1) + 1
    repetitions = min(max(request.max_repetitions, 0), most)
    found = [_column(device, oid, 1, now)[0] for oid in oids[:single]]
    if repeaters and repetitions:
        columns = [_column(device, oid, repetitions, now) for oid in oids[single:]]
        if repeaters == 1:
            found += columns[0]
        else:
            # Behind its end a column repeats endOfMibView for as long as another one goes on.
            longest = max(map(len, columns))
            padded = [column + column[-1:] * (longest - len(column)) for column in columns]
            found.extend(chain.from_iterable(zip(*padded, strict=True)))
    if sum(map(len, found)) > room:
        fitting = sum(total <= room for total in accumulate(map(len, found)))
        if not fitting:
            return _refuse(request, message.TOO_BIG, 0)
        del found[fitting:]
    return _answer(request, found)


def _column(device: Device, oid: bytes, repetitions: int, now: float) -> list[bytes]:
    """Up to so many bindings behind `oid`; the last is endOfMibView where the device's data ends."""
    start = device.after(order_key(oid))
    found = device.bindings(start, start + repetitions, now)
    if len(found) < repetitions:
        last = device.template.oids[-1] if found else oid
        found.append(message.encode_varbind(last, ber.END_OF_MIB_VIEW))
    return found


def _exact(device: Device, oid: bytes, version: int) -> int | None:
    index = device.index(oid)
    if index is not None and version == 1 and device.template.tags[index] == ber.COUNTER64:
        return None
    return index


def _next(device: Device, oid: bytes, version: int) -> int | None:
    index = device.after(order_key(oid))
    tags = device.template.tags
    if version == 1:
        while index < len(tags) and tags[index] == ber.COUNTER64:
            index += 1
    return index if index < len(tags) else None


def _absence(device: Device, oid: bytes) -> int:
    """NoSuchInstance where the object type is served, else noSuchObject (RFC 3416 §4.2.1).

    A type counts as served if an object differs from the asked one in its last number only.
    """
    end = len(oid) - 1
    while end > 0 and oid[end - 1] & 0x80:
        end -= 1
    parent = oid[:end]
    index = device.after(order_key(parent))
    oids = device.template.oids
    known = index < len(oids) and oids[index].startswith(parent)
    return ber.NO_SUCH_INSTANCE if known else ber.NO_SUCH_OBJECT


def _room(device: Device) -> int:
    return LARGEST - AROUND - len(device.community)


def _answer(request: message.Request, varbinds: list[bytes]) -> bytes:
    return message.encode_response(request.version, request.community, request.request_id, 0, 0, varbinds)


def _refuse(request: message.Request, status: int, index: int) -> bytes | None:
    """An error answer.  It repeats the request's varbinds, except tooBig of version 2c, which has none."""
    asked = request.varbinds
    varbinds: list[bytes] = []
    if request.version == 1 or status != message.TOO_BIG:
        try:
            varbinds = [
                message.encode_varbind(oid, tag, value)
                for oid, tag, value in zip(asked.oids, asked.tags, asked.values, strict=True)
            ]
        except ber.EncodeError:
            return None
    return message.encode_response(
        request.version, request.community, request.request_id, status, min(index, len(varbinds)), varbinds
    )
