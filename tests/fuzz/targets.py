"""What is fuzzed: each target takes octets, and may do nothing but return.

The decoders have one exception type, DecodeError; anything else that comes out of them is a defect, and
so is what they accept and then contradict themselves about.  The mapping has none: whatever an agent
answers, a module makes tables of it.
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import lru_cache
from ipaddress import ip_network
from typing import Final

from netmon.mib.mapping import map_module
from netmon.mib.modules import Module, builtin_modules
from netmon.mib.tree import shipped
from netmon.snmp import ber, message, message_v3
from netmon.snmp.message import Varbinds
from netmon.snmp.varbinds import decode_varbinds
from netmon.traps.counters import Counters, make
from netmon.traps.door import Door
from netmon.traps.handler import Handler
from netmon.traps.own_engine import OwnEngine
from netmon.traps.records import Drop, Stage
from netmon.traps.sources import Sources
from netmon.traps.translate import Translator
from tests.unit.traps.messages import OWN
from tests.unit.traps.messages import settings as known_settings

_MODULES: Final = tuple(builtin_modules().values())
_COLUMNS: Final = tuple(dict.fromkeys(oid for module in _MODULES for oid in module.columns))
_TAGS: Final = (
    ber.INTEGER, ber.OCTET_STRING, ber.NULL, ber.OBJECT_IDENTIFIER, ber.COUNTER32, ber.GAUGE32,
    ber.TIME_TICKS, ber.OPAQUE, ber.COUNTER64, ber.END_OF_MIB_VIEW,
)  # fmt: skip
_MOST_MODULES: Final = 4  # for one input: the others have their turn with another


def response(data: bytes) -> None:
    """An agent's reply."""
    try:
        decoded = message.decode_response(data)
    except ber.DecodeError:
        return
    _check(decoded.varbinds)
    assert message.decode_request_id(data) == decoded.request_id


def request(data: bytes) -> None:
    """A manager's question, as the simulated devices read it."""
    try:
        _check(message.decode_request(data).varbinds)
    except ber.DecodeError:
        return


def v3(data: bytes) -> None:
    """A message under USM: its head, and the scoped PDU where that is in clear."""
    try:
        if message_v3.is_version_3(data):
            message_v3.decode_message_id(data)
        head = message_v3.decode_head(data)
        if head.flags & message_v3.PRIV:
            message_v3.decode_encrypted(data, head)
            return
        *_, start, stop = message_v3.decode_scoped(data, head.data_at, head.end)
        _check(message.decode_pdu(data, start, stop)[3])
    except ber.DecodeError:
        return


def mapping(data: bytes) -> None:
    """Objects of known columns with odd indexes and values, into the tables of some modules.

    The octets are a recipe: column, length of the index, the index, a tag, a length, the content; or,
    where they are one, an agent's reply.
    """
    varbinds = Varbinds()
    try:
        varbinds = message.decode_response(data).varbinds
    except ber.DecodeError:
        for oid, tag, content in _recipe(data):
            try:
                encoded = ber.tlv(ber.SEQUENCE, ber.tlv(ber.OBJECT_IDENTIFIER, oid) + ber.tlv(tag, content))
                varbinds.extend(Varbinds(*decode_varbinds(encoded, 0, len(encoded))))
            except ber.DecodeError:
                continue
    for module in _concerned(varbinds):
        mapped = map_module(module, varbinds)
        for table in mapped.tables:
            assert all(len(row) == len(table.names) for row in table.rows)
            assert all(len(column.values) == len(table.rows) for column in table.columns)


def _recipe(data: bytes) -> Iterator[tuple[bytes, int, bytes]]:
    at = 0
    while at + 3 < len(data):
        column = _COLUMNS[data[at] % len(_COLUMNS)]
        size = data[at + 1] % 24
        index = data[at + 2 : at + 2 + size]
        at += 2 + size
        if at + 2 > len(data):
            return
        tag, octets = _TAGS[data[at] % len(_TAGS)], data[at + 1] % 40
        yield column + index, tag, data[at + 2 : at + 2 + octets]
        at += 2 + octets


def _concerned(varbinds: Varbinds) -> list[Module]:
    return [
        module
        for module in _MODULES
        if any(oid.startswith(column) for oid in varbinds.oids[:50] for column in module.columns)
    ][:_MOST_MODULES]


def _check(varbinds: Varbinds) -> None:
    assert len(varbinds.oids) == len(varbinds.tags) == len(varbinds.values)
    for oid, value in zip(varbinds.oids, varbinds.values, strict=True):
        assert ber.decode_oid(oid)
        assert value is None or isinstance(value, int | bytes)


def trap(data: bytes) -> None:
    """The whole handler of the receiver: the octets as they come, and again as a repeat, to a commit.

    The identity of the counters must hold whatever comes, and no defect may be contained.
    """
    receiver = _receiver()
    counters, handler = receiver.counters, receiver.handler
    before = {name: counters[name] for name in (*Stage, *Drop)}
    for now in (1.0, 1.5):
        counters.add(Stage.RECEIVED)
        handler.take(data, (0, ("192.0.2.1", 162), ()), now, 1e9 + now)
    commit = handler.cut()
    if commit is not None:
        for row in commit.rows:
            json.loads(str(row[-1]))
        handler.committed(1, 2.0)
    handler.replies.clear()
    grown = {name: counters[name] - count for name, count in before.items()}
    drops = sum(grown[reason] for reason in Drop if reason is not Drop.KERNEL)
    assert grown[Stage.RECEIVED] == grown[Stage.COMMITTED] + drops == 2
    assert not receiver.defects, receiver.defects


@lru_cache(maxsize=1)
def _receiver() -> "_Receiver":
    return _Receiver()


class _Receiver:
    """A handler that knows a community and users, whose signatures no fuzzer can guess."""

    def __init__(self) -> None:
        settings = replace(
            known_settings(), allow=(ip_network("192.0.2.0/24"),), rate=1e9, burst=1e9, fold=5.0
        )
        self.counters = Counters(make())
        self.defects: list[BaseException] = []
        self.handler = Handler(
            settings,
            door=Door(settings, OwnEngine(OWN, 7, 0.0)),
            sources=Sources.of(settings),
            translator=Translator(shipped()),
            counters=self.counters,
            refused=lambda *_: None,
            defect=self.defects.append,
        )


TARGETS: Final[dict[str, Callable[[bytes], None]]] = {
    "response": response,
    "request": request,
    "v3": v3,
    "mapping": mapping,
    "trap": trap,
}
