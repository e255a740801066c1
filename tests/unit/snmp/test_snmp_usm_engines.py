"""The client against SNMPv3 engines of every temper: discovery, time, reports, and what cannot be trusted."""

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest

from netmon.errors import Reason
from netmon.snmp.ber import encode_oid
from netmon.snmp.client import Client, Meter, SnmpError, Target
from netmon.snmp.message import GET, INFORM, Response, decode_request, encode_response, encode_varbind
from netmon.snmp.message_v3 import MAX_TIME
from netmon.snmp.usm import Level, User
from netmon.snmp.usm_engine import RESYNCS
from tests.unit.snmp.agents import SYS_UPTIME, until
from tests.unit.snmp.conftest import Run
from tests.unit.snmp.engines import (
    DECRYPTION,
    NOT_IN_TIME,
    OTHER_ENGINE_ID,
    UNKNOWN_ENGINE,
    UNKNOWN_USER,
    UNSUPPORTED_LEVEL,
    USER,
    WRONG_DIGEST,
    Behave,
    Engine,
    Query,
    engine,
    honest,
    once_known,
)
from tests.virtual import run_virtual

NO_AUTH = User("guest")
AUTH_ONLY = replace(USER, level=Level.AUTH_NO_PRIV)


async def ask(client: Client, target: Target, meter: Meter | None = None) -> Response:
    """One GET of sysUpTime."""
    return await client.request(target, GET, (SYS_UPTIME,), meter=meter)


async def fails(client: Client, target: Target, meter: Meter | None = None) -> SnmpError:
    """The error of one GET that must fail."""
    with pytest.raises(SnmpError) as caught:
        await ask(client, target, meter)
    return caught.value


def with_engine(scene: Any, user: User = USER, behave: Behave | None = None) -> Any:
    """Run `scene(client, server)` against an engine."""

    async def play() -> None:
        client = Client()
        try:
            async with engine(user, behave) as server:
                await scene(client, server)
        finally:
            client.close()

    return play()


@pytest.mark.parametrize("user", [NO_AUTH, AUTH_ONLY, USER], ids=lambda user: user.level.name)
def test_one_exchange_discovers_and_is_remembered(run: Run, user: User) -> None:
    """Engine ID, boots and time come by one report; the requests after it need none."""

    async def scene(client: Client, server: Engine) -> None:
        for packets in (2, 1, 1):
            meter = Meter()
            response = await ask(client, server.target(), meter)
            assert (response.version, response.varbinds.values) == (3, [1])
            assert meter == Meter(packets=packets, retries=0, varbinds=1)
        assert [query.head.engine_id for query in server.seen] == [b"", *[server.engine_id] * 3]
        assert {query.head.flags & 3 for query in server.seen[1:]} == {int(user.level)}
        assert len({query.head.salt for query in server.seen[1:]}) == (3 if user is USER else 1)

    run(with_engine(scene, user))


def test_many_requests_share_one_discovery(run: Run) -> None:
    """Whatever waits for the engine's name waits for the same exchange."""

    async def scene(client: Client, server: Engine) -> None:
        await asyncio.gather(*(ask(client, server.target(timeout=2)) for _ in range(20)))
        assert len([query for query in server.seen if not query.head.engine_id]) == 1
        assert len(server.seen) == 21

    run(with_engine(scene))


def test_a_discovery_without_answer_ends_those_that_wait(run: Run) -> None:
    """They end with its reason, at its end; a more patient one asks on by itself."""

    async def scene(client: Client, server: Engine) -> None:
        hasty = [asyncio.create_task(fails(client, server.target(timeout=0.02))) for _ in range(3)]
        patient = asyncio.create_task(fails(client, server.target(timeout=0.04, retries=2)))
        for error in (*await asyncio.gather(*hasty), await patient):
            assert (error.reason, error.alive) == (Reason.TIMEOUT, False)
            assert "asked for its engine ID" in str(error)
        assert len(server.seen) == 2 + 3

    run(with_engine(scene, behave=lambda *_: []))


async def test_a_withdrawn_discovery_leaves_another_to_those_that_wait() -> None:
    """Cancelling the one that asks for the engine's name costs the others nothing."""
    client = Client()
    async with engine(behave=lambda *_: []) as server:
        first = asyncio.create_task(ask(client, server.target(timeout=5)))
        await until(lambda: bool(server.seen))
        second = asyncio.create_task(ask(client, server.target(timeout=5)))
        await asyncio.sleep(0)
        server.behave = honest
        first.cancel()
        assert (await second).varbinds.values == [1]
        assert first.cancelled()
    assert not client._pending
    client.close()


def test_a_restart_with_more_boots_costs_one_exchange(run: Run) -> None:
    """The authentic notInTimeWindow tells the new boots and time; nothing else is asked anew."""

    async def scene(client: Client, server: Engine) -> None:
        await ask(client, server.target())
        server.boots, server.time = server.boots + 1, 5
        meter = Meter()
        await ask(client, server.target(), meter)
        assert meter.packets == 2
        assert len([query for query in server.seen if not query.head.engine_id]) == 1

    run(with_engine(scene))


@pytest.mark.parametrize("level", [1, 0], ids=["authentic", "unauthenticated"])
def test_boots_that_go_backwards_do_not_lock_out(run: Run, level: int) -> None:
    """An agent that forgets its boots is believed, whether it says so with authentication or not."""

    def behave(server: Engine, query: Query) -> Iterable[bytes]:
        if query.head.engine_id and (query.head.boots, query.head.time) != (server.boots, server.time):
            return [server.report(query, NOT_IN_TIME, level=level)]
        return honest(server, query)

    async def scene(client: Client, server: Engine) -> None:
        server.boots, server.time = 70, 9_000_000
        await ask(client, server.target())
        server.boots, server.time = 1, 4
        meter = Meter()
        await ask(client, server.target(), meter)
        assert meter.packets == 2
        await ask(client, server.target())

    run(with_engine(scene, behave=behave))


def test_false_numbers_at_discovery_are_put_right(run: Run) -> None:
    """What an unauthenticated report says of boots and time is never held against an authentic one."""

    def behave(server: Engine, query: Query) -> Iterable[bytes]:
        if not query.head.engine_id:
            return [server.report(query, UNKNOWN_ENGINE, boots=MAX_TIME - 1, time=MAX_TIME)]
        return honest(server, query)

    async def scene(client: Client, server: Engine) -> None:
        meter = Meter()
        await ask(client, server.target(), meter)
        assert meter.packets == 3
        await ask(client, server.target(retries=0))

    run(with_engine(scene, behave=behave))


def test_a_device_replaced_at_its_address_is_met_anew(run: Run) -> None:
    """Its unknownEngineID names the new engine, for which the keys are localised again."""

    async def scene(client: Client, server: Engine) -> None:
        await ask(client, server.target())
        server.engine_id, server.boots, server.time = OTHER_ENGINE_ID, 1, 1
        meter = Meter()
        await ask(client, server.target(), meter)
        assert meter.packets == 2

    run(with_engine(scene))


def test_users_and_contexts_are_apart(run: Run) -> None:
    """Each has its own keys and scope; the memory of them is bounded."""

    async def scene(client: Client, server: Engine) -> None:
        for number in range(12):
            named = replace(USER, context_name=b"vlan-%d" % number, context_engine_id=OTHER_ENGINE_ID)
            await ask(client, server.target(user=named))
            assert server.seen[-1].scope == (OTHER_ENGINE_ID, b"vlan-%d" % number)
        assert len(next(iter(client._peers.values())).sessions) == 8

    run(with_engine(scene))


REPORTS = {
    UNKNOWN_USER: (Reason.UNKNOWN_USER, "unknown user ana at 127.0.0.1:"),
    WRONG_DIGEST: (Reason.WRONG_DIGEST, "wrong auth password (or auth protocol) for user ana at 127.0.0.1:"),
    DECRYPTION: (Reason.DECRYPTION_ERROR, "wrong privacy password (or privacy protocol) for user ana at "),
    UNSUPPORTED_LEVEL: (
        Reason.UNSUPPORTED_SECURITY_LEVEL,
        "security level authPriv is not supported for user ana at ",
    ),
    encode_oid("1.3.6.1.6.3.11.2.1.1.0"): (Reason.UNKNOWN_SECURITY_MODEL, "no User-based Security Model"),
    encode_oid("1.3.6.1.6.3.11.2.1.2.0"): (Reason.INVALID_MESSAGE, "invalid message of user ana"),
    encode_oid("1.3.6.1.6.3.11.2.1.3.0"): (Reason.UNKNOWN_CONTEXT, "context engine ID"),
    encode_oid("1.3.6.1.6.3.12.1.4.0"): (Reason.UNAVAILABLE_CONTEXT, 'context "" is not available'),
    encode_oid("1.3.6.1.6.3.12.1.5.0"): (Reason.UNKNOWN_CONTEXT, 'unknown context "" asked for by user ana'),
    encode_oid("1.3.6.1.4.1.9.9"): (Reason.INVALID_MESSAGE, "reports 1.3.6.1.4.1.9.9 to user ana"),
}


@pytest.mark.parametrize(("oid", "wanted"), REPORTS.items(), ids=lambda value: str(value[0]))
@pytest.mark.parametrize("level", [0, 1, 3])
async def test_each_report_is_its_own_reason(oid: bytes, wanted: tuple[Reason, str], level: int) -> None:
    """It ends the request at once, the host lives, and the sentence names user and target."""
    client = Client()
    async with engine(behave=once_known(lambda e, query: [e.report(query, oid, level=level)])) as server:
        error = await fails(client, server.target(timeout=5))
        assert (error.reason, error.alive) == (wanted[0], True)
        assert wanted[1] in str(error)
        assert f"127.0.0.1:{server.port}" in str(error)
        assert len(server.seen) == 2
    client.close()


async def test_a_report_without_varbinds_is_an_invalid_one() -> None:
    """It says nothing, and that is said."""
    client = Client()
    async with engine(behave=once_known(lambda e, query: [e.message(query, 0xA8, b"", level=0)])) as server:
        error = await fails(client, server.target(timeout=5))
        assert error.reason is Reason.INVALID_MESSAGE
        assert "reports nothing to user ana" in str(error)
    client.close()


def alternating() -> Behave:
    """An engine that has another name for every question."""
    names = iter(range(1_000))

    def behave(server: Engine, query: Query) -> Iterable[bytes]:
        return [server.report(query, UNKNOWN_ENGINE, engine_id=b"engine %d" % next(names))]

    return behave


LOOPS: dict[str, tuple[Behave, Reason, int]] = {
    "same engine": (
        once_known(lambda e, q: [e.report(q, UNKNOWN_ENGINE)]), Reason.UNKNOWN_ENGINE_ID, 2,
    ),
    "no engine": (
        lambda e, q: [e.report(q, UNKNOWN_ENGINE, engine_id=b"")], Reason.UNKNOWN_ENGINE_ID, 1,
    ),
    "long engine": (
        lambda e, q: [e.report(q, UNKNOWN_ENGINE, engine_id=bytes(33))], Reason.UNKNOWN_ENGINE_ID, 1,
    ),
    "other engine each time": (alternating(), Reason.UNKNOWN_ENGINE_ID, RESYNCS + 1),
    "never in time": (
        once_known(lambda e, q: [e.report(q, NOT_IN_TIME, level=1)]), Reason.NOT_IN_TIME_WINDOW, RESYNCS + 1,
    ),
    "never in time, unauthenticated": (
        once_known(lambda e, q: [e.report(q, NOT_IN_TIME)]), Reason.NOT_IN_TIME_WINDOW, 3,
    ),
    "boots at their end": (
        once_known(lambda e, q: [e.report(q, NOT_IN_TIME, level=1, boots=MAX_TIME)]),
        Reason.NOT_IN_TIME_WINDOW, 2,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", LOOPS)
async def test_reports_that_go_in_circles_are_bounded(name: str) -> None:
    """So many datagrams for one request and no more, and the reason is the report's."""
    behave, reason, packets = LOOPS[name]
    client, meter = Client(), Meter()
    async with engine(behave=behave) as server:
        error = await fails(client, server.target(timeout=5), meter)
        assert (error.reason, error.alive) == (reason, True)
        assert meter.packets == packets == len(server.seen)
    assert not client._pending
    client.close()


def changed(**changes: Any) -> Behave:
    """An engine whose answers are wrong in one part."""
    return once_known(lambda e, query: [e.respond(query, **changes)])


def by_v2c(_: Engine, query: Query) -> Iterable[bytes]:
    """An answer in SNMPv2c to a request in SNMPv3."""
    return [encode_response(2, b"public", query.request_id, 0, 0, [encode_varbind(SYS_UPTIME)])]


UNTRUSTED: dict[str, tuple[Behave, Reason, str]] = {
    "digest of 0 octets": (changed(cut=0), Reason.UNTRUSTED_REPLY, "digest is wrong"),
    "digest of 1 octet": (changed(cut=1), Reason.UNTRUSTED_REPLY, "digest is wrong"),
    "digest of 11 octets": (changed(cut=11), Reason.UNTRUSTED_REPLY, "digest is wrong"),
    "digest of 23 octets": (changed(cut=23), Reason.UNTRUSTED_REPLY, "digest is wrong"),
    "digest of zeros": (changed(digest=bytes(24)), Reason.UNTRUSTED_REPLY, "digest is wrong"),
    "no authentication": (changed(level=0), Reason.UNTRUSTED_REPLY, "less secure"),
    "no privacy": (changed(level=1), Reason.UNTRUSTED_REPLY, "less secure"),
    "another engine": (changed(engine_id=OTHER_ENGINE_ID), Reason.UNKNOWN_ENGINE_ID, OTHER_ENGINE_ID.hex()),
    "a long engine": (changed(engine_id=bytes(99)), Reason.UNKNOWN_ENGINE_ID, "a name of 99 octets"),
    "another user": (changed(user=b"eve"), Reason.UNTRUSTED_REPLY, "another user"),
    "another context": (
        once_known(lambda e, query: [e.respond(query, scope=(e.engine_id, b"other"))]),
        Reason.UNTRUSTED_REPLY, "context",
    ),
    "another request-id": (changed(request_id=77), Reason.MALFORMED_REPLY, "request-id"),
    "another msgID": (changed(msg_id=77), Reason.TIMEOUT, "no answer to 2 sends"),
    "SNMPv2c": (once_known(by_v2c), Reason.UNTRUSTED_REPLY, "SNMPv2, wanted SNMPv3"),
    "garbage encrypted": (changed(encrypted=bytes(range(99))), Reason.DECRYPTION_ERROR, "does not decrypt"),
    "nothing encrypted": (changed(encrypted=b""), Reason.DECRYPTION_ERROR, "does not decrypt"),
    "garbage inside": (changed(plain=b"\x30\x05hello"), Reason.DECRYPTION_ERROR, "does not decrypt"),
    "another PDU": (
        once_known(lambda e, query: [e.message(query, INFORM, b"")]),
        Reason.MALFORMED_REPLY, "no SNMP response",
    ),
    "an answer to discovery": (lambda e, q: [e.respond(q, level=0)], Reason.UNTRUSTED_REPLY, "less secure"),
    "boots at their end": (changed(boots=MAX_TIME), Reason.NOT_IN_TIME_WINDOW, "another time"),
}  # fmt: skip


@pytest.mark.parametrize("name", UNTRUSTED)
async def test_what_cannot_be_trusted_never_counts(name: str) -> None:
    """The request ends at its deadline with its own reason; an honest answer behind it would count."""
    behave, reason, words = UNTRUSTED[name]
    client = Client()
    async with engine(behave=behave) as server:
        error = await fails(client, server.target(timeout=0.03))
        assert error.reason is reason
        assert error.alive is True
        assert words in str(error)
        server.behave = lambda e, query: [*behave(e, query), *honest(e, query)]
        assert (await ask(client, server.target(timeout=2))).varbinds.values == [1]
    client.close()


@pytest.mark.parametrize(("boots", "time"), [(2, 1_000), (3, 800), (0, 0)])
async def test_an_authentic_answer_from_the_past_is_dropped_and_locks_nobody_out(
    boots: int, time: int
) -> None:
    """Fewer boots, or more than 150 s older than the newest: dropped; the next request begins anew."""
    client = Client()
    async with engine() as server:
        await ask(client, server.target())
        server.behave = changed(boots=boots, time=time)
        error = await fails(client, server.target(timeout=0.03))
        assert (error.reason, error.alive) == (Reason.NOT_IN_TIME_WINDOW, True)
        assert f"boots {boots}, time {time} s" in str(error)
        server.boots, server.time, server.behave = boots, time, honest
        assert (await ask(client, server.target())).varbinds.values == [1]
    client.close()


async def test_a_slightly_older_answer_is_fine() -> None:
    """Answers overtake each other."""
    client = Client()
    async with engine() as server:
        await ask(client, server.target())
        server.behave = changed(time=server.time - 149)
        await ask(client, server.target(timeout=2))
    client.close()


async def test_silence_after_discovery_names_the_privacy_password() -> None:
    """net-snmp drops what it cannot decrypt; the host lives, for it has told its engine ID."""
    client = Client()
    async with engine() as server:
        wrong = replace(USER, priv_password=b"not the secret")
        error = await fails(client, server.target(user=wrong))
        assert (error.reason, error.alive) == (Reason.TIMEOUT, True)
        assert "the privacy password (or privacy protocol) of user ana may be wrong" in str(error)
        # Once it has worked, silence is only silence.
        await ask(client, server.target())
        server.behave = once_known(lambda *_: [])
        assert "privacy password" not in str(await fails(client, server.target()))
    client.close()


async def test_after_silence_the_engine_is_asked_for_its_name_again() -> None:
    """Who comes back may be another."""
    client = Client()
    async with engine() as server:
        await ask(client, server.target())
        server.behave = lambda *_: []
        await fails(client, server.target(retries=0))
        server.behave = honest
        await ask(client, server.target())
        assert [bool(query.head.engine_id) for query in server.seen[-2:]] == [False, True]
    client.close()


async def test_v3_and_v2c_at_one_address_do_not_mix() -> None:
    """A request in SNMPv2c takes no answer in SNMPv3, and goes on as ever."""
    client = Client()

    async with engine() as server:
        await ask(client, server.target())
        seen: list[bytes] = []

        def receive(data: bytes, addr: Any) -> None:
            seen.append(data)
            request = decode_request(data)
            query = replace(server.seen[-1], head=server.seen[-1].head._replace(msg_id=request.request_id))
            server.transport.sendto(server.respond(query), addr)
            varbinds = [encode_varbind(SYS_UPTIME, 2, 5)]
            server.transport.sendto(encode_response(2, b"x", request.request_id, 0, 0, varbinds), addr)

        server.datagram_received = receive  # type: ignore[method-assign]
        response = await ask(client, Target("127.0.0.1", server.port, timeout=2))
        assert response.varbinds.values == [5]
        assert client.stats.foreign == 1
    client.close()


def test_secrets_do_not_print() -> None:
    """A target may be logged."""
    shown = repr(Target("192.0.2.1", version=3, user=USER))
    assert "ana" in shown
    assert "secret" not in shown


def test_the_engine_s_clock_is_followed_without_asking() -> None:
    """Hours later a request still carries the engine's own time, by the monotonic clock; in virtual time."""

    def behave(server: Engine, query: Query) -> Iterable[bytes]:
        server.time = 1_000 + int(asyncio.get_running_loop().time())
        return honest(server, query)

    async def scene() -> None:
        client = Client()
        async with engine(behave=behave) as server:
            for hours in (0, 1, 30):
                await asyncio.sleep(hours * 3_600)
                meter = Meter()
                await ask(client, server.target(), meter)
                assert meter.packets == (1 if hours else 2)
                assert abs(server.seen[-1].head.time - server.time) <= 1
        client.close()

    run_virtual(scene())


def test_a_forged_name_locks_no_authentic_agent_out(run: Run) -> None:
    """A report that wins the race, at discovery or later, costs exchanges; the engine's own puts it right."""
    forged = [1]  # so many to come

    def behave(server: Engine, query: Query) -> Iterable[bytes]:
        if forged[0] and query.head.engine_id != b"evil engine":
            forged[0] -= 1
            evil = server.report(query, UNKNOWN_ENGINE, engine_id=b"evil engine", boots=MAX_TIME, time=9)
            return [evil, *honest(server, query)]
        return honest(server, query)

    async def scene(client: Client, server: Engine) -> None:
        target, meter = server.target(timeout=1), Meter()
        await ask(client, target, meter)
        assert meter.packets == 3
        forged[0] = 1
        answers = await asyncio.gather(*(ask(client, target) for _ in range(5)))
        assert [answer.varbinds.values for answer in answers] == [[1]] * 5
        meter = Meter()
        await ask(client, target, meter)
        assert meter.packets == 1
        forged[0] = 2  # more than one request bears; the next is not held to what it learned
        assert (await fails(client, target)).reason is Reason.UNKNOWN_ENGINE_ID
        await ask(client, target)

    run(with_engine(scene, behave=behave))
