"""`modules: auto` against agents on loopback, in virtual time: few packets, odd agents, choices renewed."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, cast

import pytest

from netmon.demo.appliances import print_server_rows, ups_rows
from netmon.demo.device import Device, Row, Template
from netmon.demo.replay import moving
from netmon.demo.snmprec import read
from netmon.errors import Reason
from netmon.fields import Secret
from netmon.mib.choices import LONGEST
from netmon.mib.modules import Module, builtin_modules, load_modules
from netmon.model import Check, CheckKey, Host, Observation, Result
from netmon.plan import digest
from netmon.probes.base import Auth, Context, Library
from netmon.probes.snmp import KIND, SnmpSettings, bind
from netmon.snmp.ber import INTEGER, OBJECT_IDENTIFIER, OCTET_STRING, TIME_TICKS, encode_oid
from netmon.snmp.message import GETNEXT, Request, encode_response
from tests.servers.shared import shared
from tests.unit.probes.test_snmp_probe import Agent, Answer, play, values

BUILTIN = builtin_modules()
LINUX = encode_oid("1.3.6.1.4.1.8072.3.2.10")
PLAIN = (
    Row("1.3.6.1.2.1.1.1.0", OCTET_STRING, b"A host"),
    Row("1.3.6.1.2.1.1.2.0", OBJECT_IDENTIFIER, LINUX),
    Row("1.3.6.1.2.1.1.3.0", TIME_TICKS, 90_000_000),
    Row("1.3.6.1.2.1.25.1.5.0", INTEGER, 3),
)

WINDOWS = "system if_mib ip icmp tcp udp hrSystem hrStorage hr_processor hr_device hr_fs"
SWITCH = "system if_mib etherlike bridge ip icmp tcp udp"
EXPECTED = {
    "XP": WINDOWS,
    "apc-7902b": "system if_mib ip_system_stats icmp_stats tcp udp",
    "aruba-7010": "system",  # the capture holds little more
    "brocade-icx6430-24": (
        "system snmp_engine if_mib etherlike bridge ip icmp_stats tcp tcp_listeners udp"
    ),
    "cisco-c3750": "system snmp_engine if_mib etherlike bridge ip icmp tcp udp entity",
    "dlink-des3038": SWITCH,
    "eaton-93e-80": (
        "system snmp_engine if_mib ip_system_stats icmp tcp tcp_listeners udp ups_mib"
    ),
    "juniper-mx960-13-3r9-13": (
        "system snmp_engine if_mib etherlike bridge ip icmp_stats tcp udp hrSystem hrStorage"
    ),
    "netapp-fas3270": "system snmp_engine if_mib ip icmp tcp tcp_listeners udp",
    "paloalto-pa-5000": "system if_mib hrSystem hrStorage hr_processor hr_device entity_sensor entity",
    "server-2003-5-2": WINDOWS,
    "slackware": (
        "system snmp_engine if_mib ip_system_stats icmp tcp tcp_listeners udp hrSystem hrStorage "
        "hr_processor hr_device hr_fs ucd_memory ucd_la_table ucd_system_stats"
    ),
    "unknown-001": (
        "system if_mib ip_system_stats icmp_stats tcp tcp_listeners udp hrSystem hrStorage hr_device "
        "hr_fs ucd_memory mta"
    ),
}  # fmt: skip


def auto(port: int, *more: str, version: int = 2, modules: dict[str, Module] | None = None) -> Check:
    """A check that leaves the modules to netmon, with its digest."""
    library = Library({"lab": Auth(version=version, community=Secret("secret"))}, modules or BUILTIN)
    bound = bind(SnmpSettings(auth="lab", modules=("auto", *more), port=port), library)
    return Check(
        key=CheckKey("mx1", "snmp", f"mx1:{port}"),
        host=Host("mx1", "mx1.test"),
        settings=bound,
        interval=60.0,
        timeout=10.0,
        retries=1,
        deadline=60.0,
        digest=digest(bound),
    )


def runs(agent: Agent, *steps: Callable[[Agent, Context], Any], **settings: Any) -> list[Observation]:
    """A run, and one more after each step, with the same context."""

    async def scene(port: int, ctx: Context) -> list[Observation]:
        seen = [await KIND.probe(auto(port, **settings), ctx)]
        for step in steps:
            done = step(agent, ctx)
            if asyncio.iscoroutine(done):
                await done
            agent.requests.clear()
            seen.append(await KIND.probe(auto(port, **settings), ctx))
        return seen

    return cast(list[Observation], play(agent, scene))


def once(rows: Sequence[Row], answer: Answer | None = None) -> tuple[Observation, Agent]:
    """One run against an agent that serves `rows`."""
    agent = Agent(rows, answer)
    (seen,) = runs(agent)
    return seen, agent


def chosen(seen: Observation) -> dict[str, int]:
    """netmon_module_up of a run."""
    (table,) = seen.own
    ups = next(column.values for column in table.columns if column.family.name == "netmon_module_up")
    return {row[0]: int(up or 0) for row, up in zip(table.rows, ups, strict=True)}


def asked(agent: Agent) -> int:
    """Requests of the choice among those that the agent got."""
    return sum(request.pdu_type == GETNEXT and len(request.varbinds) > 1 for request in agent.requests)


def serve(*rows: Row) -> Callable[[Agent, Context], None]:
    """From now on the agent serves these rows."""

    def step(agent: Agent, _ctx: Context) -> None:
        agent.device = Device(Template(rows), community=b"secret", booted=0.0)

    return step


@pytest.mark.parametrize("name", EXPECTED)
def test_captured_devices_get_what_they_serve(name: str) -> None:
    """Two requests choose; every module chosen brings series, and none comes twice."""
    agent = Agent(tuple(moving(read(shared(f"devices/{name}.snmprec.bz2")))))
    (seen,) = runs(agent)
    assert (seen.result, seen.reason) == (Result.OK, Reason.OK), seen.detail
    assert chosen(seen) == dict.fromkeys(("auto", *EXPECTED[name].split()), 1)
    assert asked(agent) == 2
    assert not [line for line in seen.trail if "repeated series" in line]


def test_an_agent_of_version_1_gets_the_same() -> None:
    """noSuchName fails a whole request there; the names before the one that it is about are asked again."""
    rows = tuple(print_server_rows("printer"))
    agent = Agent(rows)
    (seen,) = runs(agent, version=1)
    assert seen.result is Result.OK
    assert chosen(seen) == {"auto": 1, "system": 1, "if_mib": 1}
    assert asked(agent) <= 3
    newer, _ = once(rows)
    assert chosen(newer) == chosen(seen)


def test_a_power_supply_is_known_by_what_it_serves() -> None:
    """No row names this maker; UPS-MIB is answered, and the trail says what was chosen."""
    seen, _ = once(tuple(ups_rows("ups1")))
    assert chosen(seen) == {"auto": 1, "system": 1, "if_mib": 1, "ups_mib": 1}
    (line,) = (line for line in seen.trail if line.startswith("auto: "))
    assert line.endswith("; chose system, if_mib, ups_mib, since there was no choice yet")
    assert values(seen)["upsOutputSource"] == 3


def test_a_choice_is_kept() -> None:
    """The runs behind the first ask nothing of the sort, and their series are the same."""
    agent = Agent(PLAIN)
    first, second = runs(agent, lambda *_: None)
    assert asked(agent) == 0
    assert chosen(first) == chosen(second) == {"auto": 1, "system": 1, "hrSystem": 1}
    assert any(line.endswith("; system, hrSystem, as chosen before") for line in second.trail)


def test_a_start_anew_has_the_choice_made_again() -> None:
    """The run that notices keeps to the old choice; the next one finds what the host serves now."""
    more = (*PLAIN, Row("1.3.6.1.2.1.33.1.2.1.0", INTEGER, 2))
    young = tuple(row._replace(value=100) if row.tag == TIME_TICKS else row for row in more)
    _, noticed, again = runs(Agent(PLAIN), serve(*young), lambda *_: None)
    assert "ups_mib" not in chosen(noticed)
    assert chosen(again) == {"auto": 1, "system": 1, "hrSystem": 1, "ups_mib": 1}
    assert any(line.endswith("since the agent was started anew") for line in again.trail)


def test_a_module_that_comes_no_more_has_the_choice_made_again() -> None:
    """Its series end, a finding says so, and the next run does without it."""
    _, noticed, again = runs(Agent(PLAIN), serve(*PLAIN[:3]), lambda *_: None)
    assert chosen(noticed) == {"auto": 1, "system": 1, "hrSystem": 0}
    assert chosen(again) == {"auto": 1, "system": 1}


def test_another_device_at_the_address_has_the_choice_made_again() -> None:
    """SysObjectID tells."""
    other = (PLAIN[0], PLAIN[1]._replace(value=encode_oid("1.3.6.1.4.1.9.1.1")), *PLAIN[2:])
    *_, again = runs(Agent(PLAIN), serve(*other), lambda *_: None)
    assert any(line.endswith("since sysObjectID has changed") for line in again.trail)


def test_a_choice_grows_old() -> None:
    """After an hour it is made again, with nothing having changed."""
    agent = Agent(PLAIN)
    _, again = runs(agent, lambda *_: asyncio.sleep(LONGEST))
    assert asked(agent) == 2
    assert any(line.endswith("since some time has passed") for line in again.trail)


def test_a_silent_host_fails_as_always() -> None:
    """No choice, no data: a timeout; once there was a choice, its modules are down and stay in sight."""
    mute = Agent(PLAIN, lambda *_: None)
    (seen,) = runs(mute)
    assert (seen.result, seen.reason) == (Result.FAILED, Reason.TIMEOUT)
    assert chosen(seen) == {"auto": 0}

    def silence(agent: Agent, _ctx: Context) -> None:
        agent.answer = lambda *_: None

    _, seen = runs(Agent(PLAIN), silence)
    assert (seen.result, seen.reason) == (Result.FAILED, Reason.TIMEOUT)
    assert chosen(seen)["system"] == chosen(seen)["hrSystem"] == 0


def test_an_agent_that_serves_nothing_known() -> None:
    """It answers, so it lives; the run has failed for want of data."""
    seen, _ = once((Row("1.3.6.1.4.1.1.1.0", INTEGER, 1),))
    assert (seen.result, seen.reason, seen.alive) == (Result.FAILED, Reason.NO_DATA, True)
    assert chosen(seen) == {"auto": 0}


def test_modules_that_are_named_come_along() -> None:
    """[auto, snmp_engine]: read although the agent does not serve it, and said to be empty."""

    async def scene(port: int, ctx: Context) -> Observation:
        return await KIND.probe(auto(port, "snmp_engine", "system"), ctx)

    seen = play(Agent(PLAIN), scene)
    assert chosen(seen) == {"auto": 1, "hrSystem": 1, "snmp_engine": 0, "system": 1}


@pytest.mark.parametrize(("limit", "status", "index"), [(3, 1, 0), (1, 1, 0), (7, 5, 0), (4, 5, 99)])
def test_an_agent_that_bears_few_names(limit: int, status: int, index: int) -> None:
    """Met by tooBig, or by genErr about no name, fewer are asked for; the choice is the same."""

    def answer(request: Request, usual: bytes) -> bytes:
        if len(request.varbinds) <= limit:
            return usual
        return encode_response(2, b"secret", request.request_id, status, index, [])

    seen, _ = once(PLAIN, answer)
    assert chosen(seen) == {"auto": 1, "system": 1, "hrSystem": 1}


def test_silence_in_the_middle_has_fewer_asked_for() -> None:
    """An agent that answered and then is silent may not bear so many names; it gets a few at a time."""
    heard = []

    def answer(request: Request, usual: bytes) -> bytes | None:
        heard.append(request)
        return None if len(request.varbinds) > 4 and len(heard) > 1 else usual

    seen, _ = once(PLAIN, answer)
    assert chosen(seen) == {"auto": 1, "system": 1, "hrSystem": 1}


def test_an_error_about_one_name_leaves_the_others() -> None:
    """A genErr that names its varbind costs that module only."""
    root = encode_oid("1.3.6.1.2.1.25.1")

    def answer(request: Request, usual: bytes) -> bytes:
        if request.pdu_type == GETNEXT and root in request.varbinds.oids:
            index = request.varbinds.oids.index(root) + 1
            return encode_response(2, b"secret", request.request_id, 5, index, [])
        return usual

    (seen,) = runs(Agent(PLAIN, answer))
    assert chosen(seen) == {"auto": 1, "system": 1}


def test_a_refusal_and_a_broken_answer_have_their_reasons() -> None:
    """authorizationError is rejected; an answer to other than what was asked is malformed."""

    def refuse(request: Request, _usual: bytes) -> bytes:
        return encode_response(2, b"secret", request.request_id, 16, 1, [])

    (seen,) = runs(Agent(PLAIN, refuse))
    assert (seen.result, seen.reason) == (Result.REJECTED, Reason.AUTHORIZATION_ERROR)

    def empty(request: Request, _usual: bytes) -> bytes:
        return encode_response(2, b"secret", request.request_id, 0, 0, [])

    (seen,) = runs(Agent(PLAIN, empty))
    assert seen.reason is Reason.MALFORMED_REPLY


def test_an_identity_of_nonsense_is_none() -> None:
    """What a device says of itself may be anything; the choice goes by what it answers."""
    for value in (b"\x80", b"\xff" * 40, b""):
        odd = (PLAIN[0], Row("1.3.6.1.2.1.1.2.0", OCTET_STRING, value), *PLAIN[2:])
        seen, _ = once(odd)
        assert chosen(seen) == {"auto": 1, "system": 1, "hrSystem": 1}


def test_the_digest_follows_the_candidates() -> None:
    """A module that changes in a file, and one that is added, make it another check."""
    fewer = {name: module for name, module in BUILTIN.items() if name != "udp"}
    assert auto(161).digest == auto(161).digest
    assert auto(161).digest != auto(161, modules=fewer).digest
    assert auto(161).digest != auto(161, "udp").digest


def test_wide_counters_are_preferred() -> None:
    """A check keeps ifHCInOctets and leaves ifInOctets out, but where there is no other."""
    names = {1: "narrow", 2: "both"}
    rows = (
        *PLAIN,
        *(Row(f"1.3.6.1.2.1.2.2.1.10.{index}", 0x41, 5) for index in names),
        Row("1.3.6.1.2.1.31.1.1.1.6.2", 0x46, 5 + 2**32),
    )
    seen, _ = once(rows)
    counters = {key: value for key, value in values(seen).items() if "InOctets" in key and value}
    assert counters == {"ifInOctets/1///": 5, "ifHCInOctets/2///": 5 + 2**32}


def test_a_vendors_module_of_a_users_file_joins() -> None:
    """Who has snmp_exporter's file has its cisco_device chosen on a Cisco device, and no other vendor's."""
    stock = load_modules(shared("peers/snmp.yml"))
    agent = Agent(tuple(moving(read(shared("devices/cisco-c3750.snmprec.bz2")))))
    (seen,) = runs(agent, modules={**stock, **BUILTIN})
    assert set(chosen(seen)) == {"auto", "cisco_device", *EXPECTED["cisco-c3750"].split()}
    assert chosen(seen)["cisco_device"] == 1
    assert asked(agent) <= 3
