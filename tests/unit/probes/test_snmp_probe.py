"""The snmp probe against agents on loopback, in virtual time: results, reasons, partial runs, counts."""

import asyncio
import errno
import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, cast

import pytest
from pydantic import ValidationError

from netmon.demo.device import Device, Row, Template
from netmon.demo.responder import respond
from netmon.errors import Reason
from netmon.fields import Secret
from netmon.mib.modules import Module, builtin_modules, parse_modules
from netmon.model import Check, CheckKey, Host, Observation, Result, Severity
from netmon.probes.base import Auth, Context, Library
from netmon.probes.snmp import KIND, SnmpSettings, bind
from netmon.resolver import ResolveError
from netmon.snmp import exchange
from netmon.snmp.ber import GAUGE32, INTEGER, OCTET_STRING, TIME_TICKS, encode_oid
from netmon.snmp.client import Client
from netmon.snmp.message import GETBULK, Request, decode_request, encode_response
from netmon.snmp.plans import UNKNOWN
from netmon.snmp.sockets import Socket
from tests.virtual import run_virtual

MODULES = builtin_modules() | parse_modules(
    """
modules:
  names:
    get: [1.3.6.1.2.1.1.5.0, 1.3.6.1.2.1.1.6.0]
    metrics: [{name: sysName, oid: 1.3.6.1.2.1.1.5, type: DisplayString}]
  again: {walk: [1.3.6.1.2.1.1], metrics: [{name: sysUpTime, oid: 1.3.6.1.2.1.1.3, type: gauge}]}
  hasty: {walk: [1.3.6.1.2.1.1], timeout: 250ms, retries: 0, max_repetitions: 7, metrics: []}
""",
    "test.yml",
)
SYSTEM = (
    Row("1.3.6.1.2.1.1.3.0", TIME_TICKS, 4200),
    Row("1.3.6.1.2.1.1.5.0", OCTET_STRING, b"mx1"),
)
LOAD = tuple(
    Row(f"1.3.6.1.4.1.2021.10.1.{column}.{row}", *value)
    for row, name in ((1, b"Load-1"), (2, b"Load-5"))
    for column, value in ((2, (OCTET_STRING, name)), (5, (INTEGER, 100 * row)))
)

Answer = Callable[[Request, bytes], bytes | None]


class Agent(asyncio.DatagramProtocol):
    """A simulated agent on loopback; `answer` may take the place of what it would say."""

    def __init__(self, rows: Sequence[Row], answer: Answer | None = None, delay: float = 0.0) -> None:
        self.device = Device(Template(rows), community=b"secret", booted=0.0)
        self.answer = answer
        self.delay = delay
        self.requests: list[Request] = []

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way to answer."""
        self.transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: Any) -> None:
        """Note the request and answer it."""
        request = decode_request(data)
        self.requests.append(request)
        usual = respond(self.device, data, 1000.0) or b""
        reply = usual if self.answer is None else self.answer(request, usual)
        if reply:
            asyncio.get_running_loop().call_later(self.delay, self.transport.sendto, reply, addr)


class Names:
    """A resolver that knows what the test says."""

    def __init__(self, answer: tuple[str, ...] | ResolveError | None = ("127.0.0.1",)) -> None:
        self.answer = answer

    async def addresses(self, _name: str) -> tuple[str, ...]:
        """Its answer, its error, or nothing ever."""
        if isinstance(self.answer, ResolveError):
            raise self.answer
        if self.answer is None:
            await asyncio.get_running_loop().create_future()
        assert isinstance(self.answer, tuple)
        return self.answer


def context(client: Client, names: Names | None = None) -> Context:
    """What the probe needs of a context."""
    nothing = cast(Any, None)
    return Context(
        agent_name="probe.test",
        snmp=client,
        pinger=nothing,
        resolver=cast(Any, names or Names()),
        trust=nothing,
        slots=nothing,
        wall=lambda: 1_700_000_000.0,
        stopwatch=lambda: asyncio.get_running_loop().time(),
    )


def check(port: int, *modules: str, deadline: float = 60.0, **settings: Any) -> Check:
    """A check with ten seconds for an answer and one retry."""
    library = Library({"lab": Auth(version=2, community=Secret("secret"))}, MODULES)
    bound = bind(SnmpSettings(auth="lab", modules=modules, port=port, **settings), library)
    return Check(
        key=CheckKey("mx1", "snmp", f"mx1:{port}"),
        host=Host("mx1", "mx1.test"),
        settings=bound,
        interval=60.0,
        timeout=10.0,
        retries=1,
        deadline=deadline,
    )


def play(agent: Agent, scene: Callable[[int, Context], Awaitable[Any]], names: Names | None = None) -> Any:
    """Run a scene with the agent's port and a context, in virtual time."""

    async def run() -> Any:
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(
            lambda: agent, local_addr=("127.0.0.1", 0)
        )
        client = Client()
        try:
            return await scene(transport.get_extra_info("sockname")[1], context(client, names))
        finally:
            client.close()
            transport.close()

    return run_virtual(run())


def observe(agent: Agent, *modules: str, names: Names | None = None, **settings: Any) -> Observation:
    """One run."""
    return cast(
        Observation,
        play(agent, lambda port, ctx: KIND.probe(check(port, *modules, **settings), ctx), names),
    )


def values(observation: Observation) -> dict[str, Any]:
    """Device series by name and labels."""
    return {
        "/".join((column.family.name, *row)): value
        for table in observation.tables
        for column in table.columns
        for row, value in zip(table.rows, column.values, strict=True)
    }


def own(observation: Observation) -> Mapping[str, dict[str, Any]]:
    """netmon's own series of a run: module -> family -> value."""
    (table,) = observation.own
    assert table.names == ("module",)
    return {
        row[0]: {column.family.name: column.values[at] for column in table.columns}
        for at, row in enumerate(table.rows)
    }


def under(root: str, reply: Callable[[Request], bytes | None]) -> Answer:
    """An agent that answers otherwise for what is under `root`."""
    prefix = encode_oid(root)

    def answer(request: Request, usual: bytes) -> bytes | None:
        return reply(request) if request.varbinds.oids[0].startswith(prefix) else usual

    return answer


def error(status: int) -> Callable[[Request], bytes]:
    """A reply with an error-status."""
    return lambda request: encode_response(
        request.version, request.community, request.request_id, status, 1, []
    )


def test_a_run_reads_all_modules() -> None:
    """Tables, phases, sign of life and counts of a run in which everything came."""
    seen = observe(Agent(SYSTEM + LOAD), "system", "ucd_la_table")
    assert (seen.result, seen.reason, seen.alive) == (Result.OK, Reason.OK, True)
    assert values(seen) == {
        "sysUpTime": 4200,
        "sysName/mx1": 1,
        "laNames/Load-1": 1,
        "laNames/Load-5": 1,
        "laLoadInt/Load-1": 100,
        "laLoadInt/Load-5": 200,
    }
    assert [phase.name for phase in seen.phases] == ["resolve", "system", "ucd_la_table"]
    assert (seen.started, seen.key.endpoint.split(":")[0]) == (1_700_000_000.0, "mx1")
    assert own(seen)["system"]["netmon_module_up"] == 1
    assert own(seen)["system"]["netmon_snmp_varbinds_total"] >= 2
    assert seen.trail[0] == "mx1.test is 127.0.0.1"
    assert "2 objects" in seen.trail[1]
    assert "secret" not in repr(seen)


def test_counts_go_on_over_runs() -> None:
    """`_total` series are counters: each run adds to what the context remembers."""

    async def scene(port: int, ctx: Context) -> list[int]:
        runs = [await KIND.probe(check(port, "system"), ctx) for _ in range(3)]
        return [own(seen)["system"]["netmon_snmp_packets_total"] for seen in runs]

    first, second, third = play(Agent(SYSTEM), scene)
    assert first > 0
    assert (second, third) == (2 * first, 3 * first)


def test_a_module_that_fails_leaves_the_others_theirs() -> None:
    """An agent error in one module: the run has failed, what came is shown, the sentence says which."""
    seen = observe(Agent(SYSTEM + LOAD, under("1.3.6.1.4.1.2021", error(5))), "ucd_la_table", "system")
    assert (seen.result, seen.reason, seen.alive) == (Result.FAILED, Reason.MODULE_FAILED, True)
    assert values(seen) == {"sysUpTime": 4200, "sysName/mx1": 1}
    assert seen.detail.startswith("1 of 2 modules came; ucd_la_table failed: ")
    assert "genErr" in seen.detail
    assert {name: series["netmon_module_up"] for name, series in own(seen).items()} == {
        "ucd_la_table": 0,
        "system": 1,
    }


def test_an_agent_that_stops_in_mid_walk_gives_no_short_table() -> None:
    """Half a table is none: the module fails, and its first half does not show."""
    seen = observe(
        Agent(SYSTEM + LOAD, under("1.3.6.1.4.1.2021.10.1.5", lambda _: None)), "system", "ucd_la_table"
    )
    assert (seen.result, seen.reason, seen.alive) == (Result.FAILED, Reason.MODULE_FAILED, True)
    assert not any(name.startswith("la") for name in values(seen))


def test_an_agent_that_chokes_on_one_module_is_asked_for_the_next() -> None:
    """After silence one GET of sysUpTime tells whether the rest of the run is worth asking."""
    agent = Agent(SYSTEM + LOAD, under("1.3.6.1.4.1.2021", lambda _: None))
    seen = observe(agent, "ucd_la_table", "system")
    assert (seen.reason, values(seen)) == (Reason.MODULE_FAILED, {"sysUpTime": 4200, "sysName/mx1": 1})


def test_a_silent_host_costs_one_request_once_it_is_known() -> None:
    """No answer at all: timeout and no sign of life; later runs send one GET and its retry."""
    agent = Agent(SYSTEM, lambda *_: None)

    async def scene(port: int, ctx: Context) -> tuple[list[Observation], int]:
        wanted = check(port, "system", "if_mib", "hrSystem")
        first = await KIND.probe(wanted, ctx)
        before = len(agent.requests)
        return [first, await KIND.probe(wanted, ctx)], len(agent.requests) - before

    runs, datagrams = play(agent, scene)
    for seen in runs:
        assert (seen.result, seen.reason, seen.alive, seen.tables) == (
            Result.FAILED,
            Reason.TIMEOUT,
            False,
            (),
        )
    assert datagrams == 2
    assert runs[1].duration == pytest.approx(10.0, abs=0.5)
    assert runs[1].trail[-1] == "hrSystem: not asked"


def test_a_closed_port_is_refused_by_a_living_host() -> None:
    """ICMP port unreachable ends the run at once and is a sign of life."""

    async def scene(port: int, ctx: Context) -> Observation:
        agent.transport.close()
        await asyncio.sleep(0)
        return await KIND.probe(check(port, "system", "if_mib"), ctx)

    agent = Agent(SYSTEM)
    seen = play(agent, scene)
    assert (seen.result, seen.reason, seen.alive) == (Result.FAILED, Reason.REFUSED, True)
    assert seen.trail[-1] == "if_mib: not asked"


def test_a_refusal_of_access_is_rejected() -> None:
    """The agent answered no: that is no outage."""
    seen = observe(Agent(SYSTEM, lambda request, _: error(16)(request)), "system", "if_mib")
    assert (seen.result, seen.reason, seen.alive) == (Result.REJECTED, Reason.AUTHORIZATION_ERROR, True)


@pytest.mark.parametrize(
    ("answer", "result", "reason"),
    [
        (ResolveError(Reason.RESOLVE_FAILED, "no server answered"), Result.UNTESTABLE, Reason.RESOLVE_FAILED),
        (ResolveError(Reason.NAME_NOT_FOUND, "no such name"), Result.FAILED, Reason.NAME_NOT_FOUND),
        (None, Result.UNTESTABLE, Reason.RESOLVE_FAILED),
    ],
)
def test_a_name_without_address(answer: ResolveError | None, result: Result, reason: Reason) -> None:
    """Dead DNS is netmon's own side, a name that does not exist is not; neither is a sign of life."""
    seen = observe(Agent(SYSTEM), "system", names=Names(answer))
    assert (seen.result, seen.reason, seen.alive) == (result, reason, None)
    assert own(seen) == {
        "system": {
            "netmon_module_up": 0,
            "netmon_snmp_packets_total": 0,
            "netmon_snmp_retries_total": 0,
            "netmon_snmp_varbinds_total": 0,
            "netmon_snmp_duplicate_series_total": 0,
            "netmon_snmp_mismatched_values_total": 0,
        }
    }
    assert seen.phases[0].name == "resolve"


def test_the_next_address_is_tried_where_there_is_no_route(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name with an IPv6 address on a machine without IPv6 is read over IPv4."""

    def no_ipv6(family: int) -> Socket:
        # At the socket, so that nothing can leave for the address whichever way the client goes.
        if family == socket.AF_INET6:
            raise OSError(errno.EAFNOSUPPORT, "Address family not supported by protocol")
        return Socket(family)

    monkeypatch.setattr(exchange, "Socket", no_ipv6)
    seen = observe(Agent(SYSTEM), "system", names=Names(("2001:db8::1", "127.0.0.1")))
    assert (seen.result, seen.alive) == (Result.OK, True)
    seen = observe(Agent(SYSTEM), "system", names=Names(("2001:db8::1",)))
    assert (seen.result, seen.reason, seen.alive) == (Result.UNTESTABLE, Reason.NO_ROUTE, None)


def test_a_module_that_the_agent_does_not_serve_is_a_finding() -> None:
    """A Linux host without disk lines has no ucd_dsk: said, and no failure."""
    seen = observe(Agent(SYSTEM), "system", "ucd_dsk")
    assert (seen.result, seen.reason) == (Result.OK, Reason.OK)
    (finding,) = seen.findings
    assert (finding.kind, finding.severity, finding.key) == ("module_empty", Severity.INFO, seen.key)
    assert "ucd_dsk" in finding.text
    assert own(seen)["ucd_dsk"]["netmon_module_up"] == 0
    assert seen.trail[-1].endswith("nothing of this module")


def test_an_agent_that_serves_nothing_has_no_data() -> None:
    """It answers, so it lives; but a check that reads nothing is not ok."""
    seen = observe(Agent([Row("1.3.6.1.6.1.0", GAUGE32, 1)]), "system", "if_mib")
    assert (seen.result, seen.reason, seen.alive) == (Result.FAILED, Reason.NO_DATA, True)
    assert seen.detail.endswith("answers and serves nothing of system, if_mib")


def test_what_two_modules_want_is_walked_once() -> None:
    """Equal subtrees are read once, and the series of the first module wins."""
    agent = Agent(SYSTEM)
    seen = observe(agent, "system", "again")
    assert values(seen) == {"sysUpTime": 4200, "sysName/mx1": 1}
    bulks = [request for request in agent.requests if request.pdu_type == GETBULK]
    assert len({request.varbinds.oids[0] for request in bulks}) == len(bulks)
    assert own(seen)["again"] == {
        "netmon_module_up": 1,
        "netmon_snmp_packets_total": 0,
        "netmon_snmp_retries_total": 0,
        "netmon_snmp_varbinds_total": 0,
        "netmon_snmp_duplicate_series_total": 1,
        "netmon_snmp_mismatched_values_total": 0,
    }
    assert any("1 series left out" in line for line in seen.trail)


def test_instances_are_read_by_get() -> None:
    """What a module gets is asked for in one request; an absent one is left out."""
    agent = Agent(SYSTEM)
    seen = observe(agent, "names")
    assert (seen.result, values(seen), len(agent.requests)) == (Result.OK, {"sysName/mx1": 1}, 1)


def test_a_slow_agent_keeps_what_it_gave_in_time() -> None:
    """The deadline ends the run, and modules that came before it are shown."""
    seen = observe(
        Agent(SYSTEM + LOAD, delay=1.5), "system", "ucd_la_table", "if_mib", deadline=2.5, max_repetitions=50
    )
    assert (seen.result, seen.reason, seen.alive) == (Result.FAILED, Reason.MODULE_FAILED, True)
    assert values(seen) == {"sysUpTime": 4200, "sysName/mx1": 1}
    assert "was not read within 2.5 s" in seen.detail
    assert seen.duration < 2.5


def test_settings_come_before_the_module_and_the_module_before_the_host() -> None:
    """Timeout, retries and repetitions: the module overrides the check, the settings override both."""

    async def scene(port: int, ctx: Context) -> list[float]:
        return [
            (await KIND.probe(check(port, "hasty", **settings), ctx)).duration
            for settings in ({}, {"timeout": "3s", "retries": 2, "max_repetitions": 9})
        ]

    silent = Agent(SYSTEM, lambda *_: None)
    module, settings = play(silent, scene)
    assert module == pytest.approx(0.25, abs=0.1)
    assert settings == pytest.approx(3.0, abs=0.1)
    assert len(silent.requests) == 1 + 3
    for settings_given, expected in (({}, 7), ({"max_repetitions": 9}, 9)):
        agent = Agent(SYSTEM)
        observe(agent, "hasty", **settings_given)
        assert max(request.max_repetitions for request in agent.requests) == expected
    agent = Agent(SYSTEM)
    observe(agent, "system")
    assert max(request.max_repetitions for request in agent.requests) == UNKNOWN


def test_settings() -> None:
    """The defaults, and what is refused with a sentence."""
    settings = SnmpSettings()
    assert (settings.auth, settings.modules, settings.port) == ("public_v2", ("system", "if_mib"), 161)
    assert KIND.endpoint("sw1", settings) == "sw1:161"
    assert KIND.role(settings) is None
    assert SnmpSettings.model_validate({"modules": "auto"}).modules == ("auto",)
    for wrong, words in (
        ({"modules": []}, "at least 1 item"),
        ({"port": 0}, "greater than or equal to 1"),
        ({"retries": 99}, "less than or equal to 20"),
        ({"timeout": 5}, "is not a duration"),
        ({"communty": "x"}, "Extra inputs"),
    ):
        with pytest.raises(ValidationError, match=words):
            SnmpSettings.model_validate(wrong)


def test_binding_resolves_names_once() -> None:
    """A module that is listed twice is read once; the record is hashable, and prints no secret."""
    modules: dict[str, Module] = MODULES
    library = Library({"public_v2": Auth(community=Secret("hush"))}, modules)
    bound = bind(SnmpSettings(modules=("system", "if_mib", "system")), library)
    assert [module.name for module in bound.modules] == ["system", "if_mib"]
    assert hash(bound) == hash(bind(SnmpSettings(), library))
    assert "hush" not in repr(bound)
