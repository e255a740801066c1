"""On-demand reads against agents on loopback: tables, failures, shared reads, deadlines, the exchange."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast

import pytest

from netmon.errors import Reason
from netmon.exposition import render
from netmon.fields import Secret
from netmon.mib.modules import builtin_modules, parse_modules
from netmon.model import Host
from netmon.probes.base import Auth, Context, Library
from netmon.probes.snmp_settings import SnmpSettings
from netmon.resolver import ResolveError
from netmon.scrape import Access, Answer, Device, Scraper
from netmon.scrape.service import MOST_EACH
from netmon.snmp.ber import INTEGER, OCTET_STRING
from netmon.snmp.client import Client
from netmon.snmp.message import GEN_ERR, Request
from tests.unit.exposition.test_text import read
from tests.unit.snmp.agents import Agent, agent, honest, reply, silent, until

SPELLED = ".".join(map(str, b"secret"))
MIB: dict[str, tuple[int, Any]] = {
    "1.3.6.1.2.1.1.5.0": (OCTET_STRING, b"sw1"),
    "1.3.6.1.4.1.9.1.1.1": (INTEGER, 7),
    "1.3.6.1.4.1.9.1.1.2": (INTEGER, 8),
    "1.3.6.1.4.1.9.2.1.1": (OCTET_STRING, b"secret word here"),
    f"1.3.6.1.4.1.9.2.2.{SPELLED}": (INTEGER, 1),  # as the index of snmpCommunityTable may be
}
MODULES = builtin_modules() | parse_modules(
    """
modules:
  name: {get: [1.3.6.1.2.1.1.5.0], metrics: [{name: sysName, oid: 1.3.6.1.2.1.1.5, type: DisplayString}]}
  rows:
    walk: [1.3.6.1.4.1.9.1]
    metrics: [{name: rowValue, oid: 1.3.6.1.4.1.9.1.1, type: gauge, indexes: [{labelname: row, type: gauge}]}]
  again:
    walk: [1.3.6.1.4.1.9.1]
    metrics: [{name: rowValue, oid: 1.3.6.1.4.1.9.1.1, type: gauge, indexes: [{labelname: row, type: gauge}]}]
  words: {walk: [1.3.6.1.4.1.9.2], metrics: []}
  broken: {walk: [1.3.6.1.4.1.8], metrics: [{name: no, oid: 1.3.6.1.4.1.8.1, type: gauge}]}
""",
    "test.yml",
)
AUTHS = {"public_v2": Auth(), "lab": Auth(community=Secret("secret"))}


class Book:
    """A resolver that knows addresses, and says of names that DNS is dead."""

    async def addresses(self, name: str) -> Sequence[str]:
        """Itself."""
        if name == "dead.example.org":
            raise ResolveError(Reason.RESOLVE_FAILED, "DNS did not answer for dead.example.org")
        return (name,)


Ask = Callable[..., Awaitable[Answer]]


@asynccontextmanager
async def scraping(door: Agent, *, most: int = 9, **settings: Any) -> AsyncIterator[tuple[Ask, Scraper]]:
    """A scraper whose config has this agent, and a function that asks it by parameters."""
    client = Client()
    unused = cast("Any", None)
    context = Context("", client, unused, cast("Any", Book()), unused, unused, wall=lambda: 0.0)
    scraper = Scraper(context, most=most)
    snmp = SnmpSettings(port=door.port, **{"timeout": "100ms", "retries": 0, **settings})
    hosts = [
        Device(Host("sw1", "127.0.0.1"), snmp, timeout=1, retries=0),
        Device(Host("dead", "dead.example.org"), None, timeout=1, retries=0),
    ]
    scraper.configure(Library(AUTHS, MODULES), Access.of("configured", hosts))

    async def ask(
        module: str = "rows", *, patience: float | None = None, target: str = "sw1", **more: str
    ) -> Answer:
        return await scraper.answer([("target", target), ("module", module), *more.items()], patience)

    try:
        yield ask, scraper
    finally:
        client.close()


def faulty(request: Request) -> list[bytes]:
    """genErr for the subtree of `broken`, honest otherwise."""
    if request.varbinds.oids[0].startswith(b"\x2b\x06\x01\x04\x01\x08"):
        return [reply(request, status=GEN_ERR, index=1)]
    return honest(MIB)(request)


async def test_modules_become_tables() -> None:
    """The device's series without a host label, and five series a module about the read."""
    async with agent(honest(MIB)) as door, scraping(door) as (ask, _):
        answer = await ask("rows,name")
    series = read(render(answer.tables))
    assert series["rowValue", frozenset({("row", "1")})] == 7
    assert series["sysName", frozenset({("sysName", "sw1")})] == 1
    by_module = {
        name: series[name, frozenset({("module", "rows")})]
        for name, labels in series
        if ("module", "rows") in labels
    }
    assert by_module.pop("snmp_scrape_walk_duration_seconds") > 0
    assert by_module.pop("snmp_scrape_duration_seconds") > 0
    assert by_module == {
        "snmp_scrape_packets_sent": 1,
        "snmp_scrape_packets_retried": 0,
        "snmp_scrape_pdus_returned": 2,
        "netmon_scrape_duplicate_series": 0,
    }


async def test_repeated_series_are_counted_not_fatal() -> None:
    """What two modules give is given once, and counted with the second."""
    async with agent(honest(MIB)) as door, scraping(door) as (ask, _):
        answer = await ask("rows,again")
    series = read(render(answer.tables))
    assert series["netmon_scrape_duplicate_series", frozenset({("module", "again")})] == 2
    assert series["netmon_scrape_duplicate_series", frozenset({("module", "rows")})] == 0


async def test_failures_are_500() -> None:
    """An agent's error, silence, dead DNS: 500, each with a sentence that names what was asked."""
    async with agent(faulty) as door, scraping(door) as (ask, _):
        answer = await ask("rows,broken")
        unresolved = await ask(target="dead")
    assert (answer.status, answer.tables) == (500, ())
    assert "genErr" in answer.sentence
    assert answer.sentence.startswith("broken: ")
    assert (unresolved.status, unresolved.sentence) == (500, "DNS did not answer for dead.example.org")
    async with agent(silent) as door, scraping(door) as (ask, _):
        answer = await ask()
    assert answer.status == 500
    assert "no answer to 1 send of 0.1 s each" in answer.sentence


async def test_partial_results_are_an_opt_in() -> None:
    """`partial=true` gives the modules that came, and says by netmon_module_up which did."""
    async with agent(faulty) as door, scraping(door) as (ask, _):
        answer = await ask("broken,rows", partial="true")
        nothing = await ask("broken", partial="true")
    series = read(render(answer.tables))
    assert answer.status == 200
    assert series["netmon_module_up", frozenset({("module", "broken")})] == 0
    assert series["netmon_module_up", frozenset({("module", "rows")})] == 1
    assert ("rowValue", frozenset({("row", "2")})) in series
    assert nothing.status == 500


async def test_equal_queries_share_a_read_that_outlives_either() -> None:
    """One walk for two clients; the first to leave leaves it to the other, the last one ends it."""
    async with agent(silent) as door, scraping(door, timeout="60s") as (ask, _):
        first, second = asyncio.create_task(ask(auth="lab")), asyncio.create_task(ask(auth="lab"))
        other = asyncio.create_task(ask())
        await until(lambda: len(door.seen) == 2)
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
        door.answer = honest(MIB)
        for request, peer in zip(door.seen[:], door.peers[:], strict=True):
            for datagram in door.answer(request):
                door.transport.sendto(datagram, peer)
        assert (await second).status == 200
        assert (await other).status == 200
        assert {request.community for request in door.seen} == {b"public", b"secret"}
        assert len(door.seen) == 2


async def test_a_read_that_nobody_waits_for_ends() -> None:
    """The last client leaves: the request is withdrawn and its place is free."""
    async with agent(silent) as door, scraping(door, most=1, timeout="60s") as (ask, _):
        task = asyncio.create_task(ask())
        await until(lambda: len(door.seen) == 1)
        full = await ask("name")
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        door.answer = honest(MIB)
        assert (await ask("name")).status == 200
    assert full.status == 503
    assert "on-demand reads are under way" in full.sentence


async def test_one_agent_is_not_drowned() -> None:
    """Queries that differ a little share no read: so many at a time, others are told to come again."""
    async with agent(silent) as door, scraping(door, most=256, timeout="60s") as (ask, _):
        contexts = [f"c{number}" for number in range(MOST_EACH)]
        tasks = [asyncio.create_task(ask(snmp_context=context)) for context in contexts]
        await until(lambda: len(door.seen) == MOST_EACH)
        refused, shared = await ask(snmp_context="one more"), asyncio.create_task(ask(snmp_context="c0"))
        await asyncio.sleep(0)
        assert not shared.done()
        for task in (*tasks, shared):
            task.cancel()
        await asyncio.gather(*tasks, shared, return_exceptions=True)
        assert len(door.seen) == MOST_EACH
    assert refused.status == 503
    assert "32 on-demand reads of sw1 are under way" in refused.sentence


async def test_the_clients_patience_is_the_deadline() -> None:
    """A client that waits a tenth of a second is answered before; what came is there if it wants it."""

    def slow(request: Request) -> list[bytes]:
        return (
            [] if request.varbinds.oids[0].startswith(b"\x2b\x06\x01\x04\x01\x08") else honest(MIB)(request)
        )

    async with agent(slow) as door, scraping(door, timeout="60s") as (ask, _):
        late = await ask("rows,broken", patience=0.1)
        partial = await ask("rows,broken", patience=0.4, partial="true")
    assert late.status == 500
    assert "broken: sw1 was not read within 0.075 s" in late.sentence
    assert partial.status == 200
    assert ("rowValue", frozenset({("row", "2")})) in read(render(partial.tables))


@pytest.mark.parametrize("patience", [0.2, 5.0])
async def test_silence_is_told_with_what_to_look_at(patience: float) -> None:
    """Whoever gives up first: a wrong community or a host that is away is no matter of more time."""
    async with agent(silent) as door, scraping(door, timeout="400ms") as (ask, _):
        answer = await ask("rows", patience=patience)
    assert answer.status == 500
    assert "is the community right? (a wrong one is met by silence)" in answer.sentence
    assert f"is UDP {door.port} open" in answer.sentence
    assert "scrape_timeout" not in answer.sentence


async def test_debug_shows_the_exchange_without_secrets() -> None:
    """Requests and responses with types and values; what the device says of the community stays hidden."""
    async with agent(honest(MIB)) as door, scraping(door) as (ask, _):
        answer = await ask("rows,words", debug="true", auth="lab")
    text = answer.transcript or ""
    assert "GETBULK 1.3.6.1.4.1.9.1 (non-repeaters 0, max-repetitions 16)" in text
    assert "came noError, 4 varbinds" in text
    assert "1.3.6.1.4.1.9.1.1.2 = INTEGER: 8" in text
    assert "1.3.6.1.4.1.9.2.1.1 = OCTET STRING: <secret>" in text
    assert "secret word" not in text
    assert "<an OID that spells a secret> = INTEGER: 1" in text
    assert SPELLED not in text
    assert "public" not in text
    assert read(render(answer.tables))


async def test_debug_of_a_failure() -> None:
    """Retries and the error are in it too."""
    async with agent(silent) as door, scraping(door, retries=1) as (ask, _):
        answer = await ask(debug="true")
    assert answer.status == 500
    text = answer.transcript or ""
    assert "sent again GETBULK" in text
    assert "timeout: GETBULK" in text


async def test_what_is_not_done() -> None:
    """An engine ID with v2c is refused with a sentence."""
    async with agent(honest(MIB)) as door, scraping(door) as (ask, _):
        engine = await ask(snmp_engineid="8000000001")
    assert engine.status == 400
    assert "SNMPv3 only" in engine.sentence


async def test_who_waited_for_one_read_has_one_answer() -> None:
    """The page is made once for all of them, however many there are; a later one has a read of its own."""
    async with agent(silent) as door, scraping(door, timeout="60s") as (ask, _):
        tasks = [asyncio.create_task(ask(patience=patience)) for patience in (None, 9.0, None)]
        await until(lambda: bool(door.seen))
        door.answer = honest(MIB)
        for datagram in door.answer(door.seen[0]):
            door.transport.sendto(datagram, door.peers[0])
        first, second, third = await asyncio.gather(*tasks)
        assert first is second is third
        assert first.status == 200
        assert await ask() is not first
