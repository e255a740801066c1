"""A module's reader against agents on loopback: filters, odd agents, walked instances."""

from typing import Any

import pytest

from netmon.errors import Reason
from netmon.mib.modules import Module, parse_modules
from netmon.probes import snmp_reading
from netmon.probes.snmp_reading import Reader
from netmon.snmp.ber import INTEGER, OCTET_STRING, Value, decode_oid, encode_oid
from netmon.snmp.client import Client, Meter, SnmpError
from netmon.snmp.message import GET, Request, Varbinds, encode_varbind
from tests.unit.snmp.agents import Answer, agent, honest, reply

T = "1.3.6.1.4.1.99.1"
MIB: dict[str, tuple[int, Value]] = {
    f"{T}.1.5.1": (OCTET_STRING, b"up"),
    f"{T}.1.6.1": (OCTET_STRING, b"down"),
    f"{T}.1.6.2": (OCTET_STRING, b"up"),
    **{f"{T}.2.{row}": (INTEGER, at) for at, row in enumerate(("5.1", "6.1", "6.2", "7.2"))},
    **{f"{T}.3.{row}": (INTEGER, at) for at, row in enumerate(("5.1", "6.1"))},
}


def module(text: str) -> Module:
    """A module in YAML's flow style."""
    return parse_modules(f"modules: {{m: {{{text}}}}}", "t.yml")["m"]


async def fetched(answer: Answer, *modules: Module, **settings: Any) -> tuple[list[Varbinds], Any]:
    """What one reader brings of each module, and the agent."""
    client = Client()
    try:
        async with agent(answer) as server:
            reader, target = Reader(client), server.target(**{"timeout": 2, **settings})
            return [await reader.fetch(each, target, Meter()) for each in modules], server
    finally:
        client.close()


def rows(varbinds: Varbinds) -> list[str]:
    """OIDs behind the table's."""
    return [decode_oid(oid).removeprefix(f"{T}.") for oid in varbinds.oids]


async def test_filtered_rows_are_got_and_not_walked() -> None:
    """By their whole index, and a row that a column lacks is none."""
    filtered = module(
        f"walk: [{T}.2, {T}.3, {T}.1], filters: [{{oid: {T}.1, targets: [{T}.2, {T}.3], values: [^up$]}}]"
    )
    (found,), server = await fetched(honest(MIB), filtered)
    assert rows(found) == ["2.5.1", "2.6.2", "3.5.1", "1.5.1", "1.6.1", "1.6.2"]
    walked = {request.varbinds.oids[0] for request in server.seen if request.pdu_type != GET}
    assert not any(oid.startswith((encode_oid(f"{T}.2"), encode_oid(f"{T}.3"))) for oid in walked)


async def test_an_endless_column_asks_for_no_endless_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of a filter's targets has a GET for each row that passes: more than a table may have are none."""
    monkeypatch.setattr(snmp_reading, "_LIMIT", 5)
    many = {f"{T}.1.{row}": (OCTET_STRING, b"up") for row in range(5)}
    filtered = module(
        f"walk: [{T}.2, {T}.3], filters: [{{oid: {T}.1, targets: [{T}.2, {T}.3], values: [up]}}]"
    )
    with pytest.raises(SnmpError, match="its filters ask for more than 5 objects") as caught:
        await fetched(honest(many), filtered)
    assert caught.value.reason is Reason.ENDLESS_TABLE


async def test_a_row_that_is_no_oid_behind_its_target_is_left_out() -> None:
    """A device's index may take all the 128 sub-identifiers that there are, and the target is longer."""
    index = ".".join(["1"] * 118)
    long = {f"{T}.{index}": (OCTET_STRING, b"up"), f"{T}.7": (OCTET_STRING, b"up")}
    target = f"{T}.2.3.4.5"
    filtered = module(f"walk: [{target}], filters: [{{oid: {T}, targets: [{target}], values: [up]}}]")
    (found,), server = await fetched(honest(long | {f"{target}.7": (INTEGER, 1)}), filtered)
    asked = [oid for request in server.seen if request.pdu_type == GET for oid in request.varbinds.oids]
    assert asked
    assert encode_oid(f"{target}.7") in asked
    assert all(len(decode_oid(oid).split(".")) <= 128 for oid in asked)
    assert rows(found)


async def test_what_a_filter_walked_is_not_walked_again() -> None:
    """Not by its own module, and not by another one."""
    filtered = module(f"walk: [{T}.2, {T}.1], filters: [{{oid: {T}.1, targets: [{T}.2], values: [none]}}]")
    whole = module(f"walk: [{T}.1, {T}.2]")
    (first, second), server = await fetched(honest(MIB), filtered, whole)
    assert rows(first) == ["1.5.1", "1.6.1", "1.6.2"]
    assert rows(second)[:3] == ["1.5.1", "1.6.1", "1.6.2"]
    assert len(second) == 7
    assert sum(request.varbinds.oids[0] == encode_oid(f"{T}.1") for request in server.seen) == 1


async def test_an_instance_in_walk_is_got() -> None:
    """As snmp_exporter does where a walk finds nothing behind its root."""
    only = module(f"walk: [{T}.2.6.1], metrics: [{{name: x, oid: {T}.2, type: gauge}}]")
    (found,), _ = await fetched(honest(MIB), only)
    assert rows(found) == ["2.6.1"]


async def test_an_agent_out_of_order_is_read_where_the_module_allows_it() -> None:
    """In the agent's own order."""
    order = [f"{T}.2.{n}" for n in (3, 1, 2)]
    after = dict(zip([f"{T}.2", *order], [*order, f"{T}.3"], strict=True))

    def answer(request: Request) -> list[bytes]:
        asked = decode_oid(request.varbinds.oids[0])
        return [reply(request, encode_varbind(encode_oid(after[asked]), INTEGER, 1))]

    odd = module(f"walk: [{T}.2], allow_nonincreasing_oids: true")
    (found,), _ = await fetched(answer, odd)
    assert rows(found) == ["2.3", "2.1", "2.2"]
