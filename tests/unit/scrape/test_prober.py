"""`/probe`'s queries: what is refused, who may be asked, how long, and who shares a conversation."""

import asyncio
import ipaddress
from collections.abc import Sequence
from typing import Any, cast

import pytest

from netmon.errors import Reason
from netmon.exposition import render
from netmon.mail.slots import Slots
from netmon.mail.tls import TrustStores
from netmon.model import Host
from netmon.probes.base import Context
from netmon.resolver import ResolveError
from netmon.scrape import Access, Answer, Device, Prober, ProbeTargets
from netmon.scrape.prober import patience
from netmon.tcpprobe.reading import parse_probe_modules
from tests.servers import evil_smtp as evil
from tests.servers.evil_smtp import serving
from tests.unit.exposition.test_text import read
from tests.unit.snmp.agents import until

MODULES = parse_probe_modules(
    """
modules:
  web: {prober: http}
  banner: {prober: tcp, timeout: 5s, tcp: {preferred_ip_protocol: ip4, query_response: [{expect: ^220}]}}
  six: {prober: tcp, tcp: {ip_protocol_fallback: false}}
  login: {prober: tcp, tcp: {query_response: [{expect: ^220}, {send: "AUTH PLAIN swordfish"}, {expect: ^2}]}}
""",
    "b.yml",
)
LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"),)
Query = Sequence[tuple[str, str]]


class Book:
    """A resolver with an entry or two; numeric addresses are themselves."""

    def __init__(self) -> None:
        self.names = {"mx1.example.org": ("192.0.2.1",), "in.example.org": ("127.0.0.1", "127.0.0.2")}
        self.asked: list[str] = []

    async def addresses(self, name: str) -> Sequence[str]:
        """As the book has it."""
        self.asked.append(name)
        if name == "slow.example.org":
            await asyncio.sleep(3600)
        try:
            return (str(ipaddress.ip_address(name)),)
        except ValueError:
            pass
        if name not in self.names:
            raise ResolveError(Reason.NAME_NOT_FOUND, f"DNS has no address for {name}")
        return self.names[name]


def prober(rule: ProbeTargets = LOOPBACK, hosts: Sequence[Device] = (), most: int = 9) -> tuple[Prober, Book]:
    """A prober by this rule, and its resolver."""
    unused, book = cast("Any", None), Book()
    context = Context("", unused, unused, cast("Any", book), TrustStores(), Slots(), wall=lambda: 0.0)
    made = Prober(context, most=most)
    made.configure(MODULES, Access.of(rule, hosts))
    return made, book


def query(target: str, module: str = "banner", **more: str) -> Query:
    """A query."""
    return [("target", target), ("module", module), *more.items()]


def values(answer: Answer) -> dict[str, float]:
    """Its series without labels."""
    assert answer.status == 200, answer.sentence
    return {name: value for (name, labels), value in read(render(answer.tables)).items() if not labels}


@pytest.mark.parametrize(
    ("items", "sentence"),
    [
        ([("target", "127.0.0.1:25")], 'unknown module "http_2xx"'),
        (query("127.0.0.1:25", "baner"), 'unknown module "baner"; did you mean "banner"?'),
        (query("127.0.0.1:25", "web"), 'the module "web" is of the prober "http", and netmon has tcp only'),
        (query(""), "the parameter target is missing"),
        ([("module", "banner")], "the parameter target is missing"),
        (query("http://127.0.0.1:25"), "is not HOST:PORT"),
        (query("127.0.0.1:99999"), "is not HOST:PORT"),
        (query("a b:25"), "is not HOST:PORT"),
        (query("127.0.0.1:no-such-service"), "is no service's name"),
        (query("127.0.0.1:25", hostname="a\nb"), "is no name"),
    ],
)
async def test_what_is_not_answered(items: Query, sentence: str) -> None:
    """Each is a 400 with a sentence that helps, and nothing is looked up."""
    made, book = prober()
    answer = await made.answer(items, None)
    assert answer.status == 400
    assert sentence in answer.sentence
    assert not book.asked


@pytest.mark.parametrize(
    ("target", "line"),
    [
        ("mx9.example.org:25", '- {name: "mx9.example.org", smtp: [{port: 25}]}'),
        ("169.254.169.254:80", "web: {probe_targets: [169.254.169.254/32]}"),
        ("[::ffff:127.0.0.1]:22", "web: {probe_targets: [127.0.0.1/32]}"),
        ("mx1:22", "add to the host mx1 in netmon.yml: smtp: [{port: 22}]"),
        ("192.0.2.1:22", "web: {probe_targets: [192.0.2.1/32]}"),
    ],
)
async def test_only_configured_hosts_by_default(target: str, line: str) -> None:
    """Others and other ports are a 403 that says which line to add; nothing is looked up."""
    made, book = prober("configured", [Device(Host("mx1", "192.0.2.1"), None, 1, 0, frozenset((2525,)))])
    answer = await made.answer(query(target), None)
    assert answer.status == 403
    assert line in answer.sentence
    assert not book.asked


@pytest.mark.parametrize("target", ["mx.example.org:25", "127.0.0.1:587", "here:2525"])
async def test_names_lead_nowhere_else(target: str) -> None:
    """A configured name that resolves into this machine, or to no single machine, is not followed."""
    hosts = [Device(Host("here", "mx.example.org"), None, 1, 0, frozenset((2525,)))]
    made, book = prober("configured", hosts)
    for address in ("127.0.0.1", "169.254.169.254", "::1", "224.0.0.1", "0.0.0.0"):
        book.names["mx.example.org"] = (address,)
        assert (await made.answer(query(target), 1.0)).status == 403


async def test_networks_judge_addresses() -> None:
    """A name outside of the networks is a 403; one that is looked up once is the one that is asked."""
    made, book = prober()
    assert (await made.answer(query("mx1.example.org:25"), None)).status == 403
    async with serving(evil.greets(b"220 x\r\n")) as server:
        found = values(await made.answer(query(f"in.example.org:{server.port}"), None))
    assert found["probe_success"] == 1
    assert book.asked == ["mx1.example.org", "in.example.org"]


async def test_what_the_network_does_is_no_error() -> None:
    """No port, no such name, no address of the version, DNS is silent: 200 and probe_success 0."""
    made, _ = prober()
    nothing = values(await made.answer(query("127.0.0.1"), None))
    assert nothing["probe_success"] == 0
    assert "probe_ip_protocol" not in nothing
    for items in (
        query("nowhere.example.org:25"),
        query("127.0.0.1:25", "six"),
        query("slow.example.org:25"),
    ):
        found = values(await made.answer(items, 0.6))
        assert (found["probe_success"], found["probe_ip_protocol"], found["probe_ip_addr_hash"]) == (0, 0, 0)


@pytest.mark.parametrize(
    ("module", "client", "seconds"),
    [
        (5.0, None, 5.0),
        (None, None, 119.5),
        (5.0, 3.0, 2.5),
        (None, 10.0, 9.5),
        (5.0, 0.4, 0.4),
        (900.0, 900.0, 300.0),
    ],
)
def test_patience(module: float | None, client: float | None, seconds: float) -> None:
    """The smaller of the module's timeout and the client's less half a second, and never for ever."""
    assert patience(module, client) == seconds


async def test_equal_queries_share_a_conversation() -> None:
    """Two clients that meet share it; other modules and names do not; the next query asks anew."""
    made, _ = prober()
    async with serving(evil.greets(b"220 x\r\n")) as server:
        target = f"127.0.0.1:{server.port}"
        answers = await asyncio.gather(*(made.answer(query(target), 9.0) for _ in range(5)))
        assert [values(answer)["probe_success"] for answer in answers] == [1] * 5
        assert server.served == 1
        await asyncio.gather(made.answer(query(target), 9.0), made.answer(query(target, hostname="mx"), 9.0))
        assert server.served == 3


async def test_the_last_client_that_leaves_ends_it() -> None:
    """One that leaves takes nothing from the other; when nobody waits the connection closes."""
    made, _ = prober()
    async with serving(evil.is_silent) as server:
        tasks = [asyncio.create_task(made.answer(query(f"127.0.0.1:{server.port}"), 60.0)) for _ in range(2)]
        await until(lambda: server.open > 0)
        tasks[0].cancel()
        await asyncio.gather(tasks[0], return_exceptions=True)
        assert server.open
        tasks[1].cancel()
        await until(lambda: not server.open)
        await asyncio.gather(*tasks, return_exceptions=True)


async def test_too_many_at_once() -> None:
    """Past the limit a query is told to come back."""
    made, _ = prober(most=1)
    async with serving(evil.is_silent) as server:
        port = server.port
        waiting = asyncio.create_task(made.answer(query(f"127.0.0.1:{port}"), 60.0))
        await until(lambda: server.open > 0)
        answer = await made.answer(query(f"127.0.0.2:{port}"), 60.0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
    assert (answer.status, "ask again" in answer.sentence) == (503, True)


async def test_debug_shows_the_dialogue_without_secrets() -> None:
    """Lines of both sides and how it ended; what may be a password is hidden, also where it is repeated."""
    made, _ = prober()
    script = evil.answers({b"AUTH": b"535 no: AUTH PLAIN swordfish\r\n"}, banner=b"220 hi\x1b[31m\r\n")
    async with serving(script) as server:
        answer = await made.answer(query(f"127.0.0.1:{server.port}", "login", debug="true"), 0.8)
    assert answer.transcript is not None
    assert "S: 220 hi\\x1b[31m" in answer.transcript
    assert "C: AUTH <secret>" in answer.transcript
    assert "S: 535 no: " in answer.transcript
    assert "deadline: " in answer.transcript
    assert "swordfish" not in answer.transcript
