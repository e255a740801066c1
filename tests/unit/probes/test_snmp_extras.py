"""What the snmp probe reads beside modules, against simulated agents: processes and the mail queue."""

from collections.abc import Sequence
from typing import Any, cast

import pytest
from pydantic import ValidationError

from netmon.demo.device import Row
from netmon.errors import Reason
from netmon.model import Observation, Result, Severity
from netmon.plan import digest
from netmon.probes import snmp_extras
from netmon.probes.snmp import KIND, SnmpSettings
from netmon.probes.snmp_extras import count_processes
from netmon.snmp.ber import GAUGE32, INTEGER, OCTET_STRING, decode_oid
from netmon.snmp.message import GETBULK, Request, decode_response
from tests.unit.probes.test_snmp_probe import SYSTEM, Agent, check, error, observe, play, under

RUN = "1.3.6.1.2.1.25.4.2.1"
EXTEND = "1.3.6.1.4.1.8072.1.3.2.3.1"
NETMON_MAILQ = "12.110.101.116.109.111.110.45.109.97.105.108.113"  # its length, and the name's octets
RUNNING, ZOMBIE = 2, 4


def table(*names: bytes, states: Sequence[int] = ()) -> tuple[Row, ...]:
    """hrSWRunTable of these processes, with paths and parameters that hold a password."""
    rows: list[Row] = []
    for pid, name in enumerate(names, start=1000):
        state = states[pid - 1000] if states else RUNNING
        rows += [
            Row(f"{RUN}.1.{pid}", INTEGER, pid),
            Row(f"{RUN}.2.{pid}", OCTET_STRING, name),
            Row(f"{RUN}.4.{pid}", OCTET_STRING, b"/canary/" + name),
            Row(f"{RUN}.5.{pid}", OCTET_STRING, b"--password=canary"),
            Row(f"{RUN}.7.{pid}", INTEGER, state),
        ]
    return tuple(rows)


def extend(output: bytes, status: int = 0) -> tuple[Row, ...]:
    """net-snmp's extend netmon-mailq."""
    return (
        Row(f"{EXTEND}.1.{NETMON_MAILQ}", OCTET_STRING, output.splitlines()[0] if output else b""),
        Row(f"{EXTEND}.2.{NETMON_MAILQ}", OCTET_STRING, output),
        Row(f"{EXTEND}.4.{NETMON_MAILQ}", INTEGER, status),
    )


def own(observation: Observation) -> dict[str, Any]:
    """netmon's series of a run by name and label values, without those of packets."""
    return {
        "/".join((column.family.name, *row)): value
        for table in observation.own
        for column in table.columns
        for row, value in zip(table.rows, column.values, strict=True)
        if not column.family.name.startswith("netmon_snmp_")
    }


def test_processes_are_counted_by_name() -> None:
    """Each configured name has a series, none others do, and the phase has the setting's name."""
    rows = table(b"init", b"master", b"qmgr", b"dovecot", b"dovecot", b"dovecot", states=(2, 1, 3, 2, 2, 4))
    wanted = ["master", {"name": "dovecot", "min": 1, "max": 1}, "exim4"]
    seen = observe(Agent(SYSTEM + rows), "system", processes=wanted)
    assert (seen.result, seen.findings) == (Result.OK, ())
    assert own(seen) == {
        "netmon_module_up/system": 1,
        "netmon_module_up/processes": 1,
        "netmon_host_processes/master": 1,
        "netmon_host_processes/dovecot": 2,
        "netmon_host_processes/exim4": 0,
    }
    assert seen.own[1].names == ("name",)
    assert [phase.name for phase in seen.phases] == ["resolve", "system", "processes"]
    assert seen.detail.startswith("system, processes: ")


@pytest.mark.parametrize(
    ("running", "wanted", "count"),
    [
        ([b"master", b"/usr/lib/postfix/sbin/master", b"postmaster", b"master2"], "master", 2),
        ([b"systemd-network", b"systemd-networkd", b"systemd-networx"], "systemd-networkd", 2),
        ([b"systemd-networkd"], "systemd-network", 0),
        ([b"sbin/systemd-network"], "systemd-networkd", 1),
        ([b"za\xc5\xbc\xc3\xb3\xc5\x82\xc4\x87-proc"], "zażółć-process", 1),
        ([b"", b"/", b"\xff", b"a/"], "a", 0),
        ([], "a", 0),
    ],
)
def test_names_are_compared_as_agents_tell_them(running: list[bytes], wanted: str, count: int) -> None:
    """A path's last part counts, and Linux keeps fifteen octets of a name."""
    assert count_processes(running, [wanted]) == [count]


@pytest.mark.parametrize("processes", [1, 4, 12, 60])
def test_paths_and_parameters_are_never_read(processes: int) -> None:
    """No answer of the agent holds what may be a password, however short its table is."""
    heard: list[str] = []

    def listen(_request: Request, usual: bytes) -> bytes:
        heard.extend(decode_oid(oid) for oid in decode_response(usual).varbinds.oids)
        return usual

    rows = (*SYSTEM, *table(*[b"master"] * processes), Row("1.3.6.1.2.1.25.5.1.1.1.1000", INTEGER, 1))
    seen = observe(Agent(rows, listen), "names", processes=["master"], max_repetitions=100)
    assert own(seen)["netmon_host_processes/master"] == processes
    assert not [oid for oid in heard if oid.startswith((f"{RUN}.4.", f"{RUN}.5."))]
    assert "canary" not in repr(seen)


def test_a_table_that_is_missing_is_no_missing_process() -> None:
    """An agent without hrSWRun, or whose names are hidden: a finding, no series, and the run is ok."""
    states_only = tuple(row for row in table(b"master") if row.oid.startswith(f"{RUN}.7."))
    for rows in (SYSTEM, SYSTEM + states_only, SYSTEM + table(b"master", states=(ZOMBIE,))):
        seen = observe(Agent(rows), "system", processes=["master"])
        (finding,) = seen.findings
        assert (seen.result, finding.kind, finding.severity) == (Result.OK, "module_empty", Severity.INFO)
        assert (finding.subject, finding.key) == ("processes", seen.key)
        assert "serves no processes (hrSWRunTable)" in finding.text
        assert own(seen) == {"netmon_module_up/system": 1, "netmon_module_up/processes": 0}
        assert seen.trail[-1].endswith("widen its view")


def test_a_table_that_fails_fails_like_a_module() -> None:
    """An error in hrSWRun: the run says which part failed, and what came otherwise is shown."""
    seen = observe(Agent(SYSTEM + table(b"master"), under(RUN, error(5))), "system", processes=["master"])
    assert (seen.result, seen.reason, seen.alive) == (Result.FAILED, Reason.MODULE_FAILED, True)
    assert seen.detail.startswith("1 of 2 modules came; processes failed: ")
    assert seen.tables
    assert own(seen) == {"netmon_module_up/system": 1, "netmon_module_up/processes": 0}


def test_a_table_without_end_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the bound it is an error, and not a count of a part."""
    monkeypatch.setattr(snmp_extras, "_MOST_ROWS", 100)
    seen = observe(Agent(SYSTEM + table(*[b"master"] * 100)), "system", processes=["master"])
    assert own(seen)["netmon_host_processes/master"] == 100
    seen = observe(Agent(SYSTEM + table(*[b"master"] * 101)), "system", processes=["master"])
    assert (seen.result, seen.reason) == (Result.FAILED, Reason.MODULE_FAILED)
    assert "more than 100 objects" in seen.detail
    assert "netmon_host_processes/master" not in own(seen)


def test_a_silent_agent_is_not_asked_for_extras() -> None:
    """Where nothing answers, one request tells so, and the rest is left."""
    seen = observe(Agent(SYSTEM, lambda *_: None), "system", processes=["master"], mail_queue=True)
    assert (seen.result, seen.reason, seen.alive) == (Result.FAILED, Reason.TIMEOUT, False)
    assert seen.trail[-1] == "mail_queue: not asked"


def test_an_agent_that_serves_extras_alone_has_data() -> None:
    """Modules that are empty are findings as long as something came."""
    rows = (Row("1.3.6.1.6.1.0", GAUGE32, 1), *extend(b"0"))
    seen = observe(Agent(rows), "system", mail_queue=True)
    assert (seen.result, [finding.subject for finding in seen.findings]) == (Result.OK, ["system"])
    seen = observe(Agent(rows[:1]), "system", processes=["master"], mail_queue=True)
    assert (seen.result, seen.reason) == (Result.FAILED, Reason.NO_DATA)
    assert seen.detail.endswith("serves nothing of system, processes, mail_queue")


@pytest.mark.parametrize(
    ("output", "messages", "oldest"),
    [
        (b"0 0", 0, 0),
        (b"12 340", 12, 340),
        (b"  7\n90\r\n", 7, 90),
        (b"5", 5, None),
        (b"9999999999 9999999999\n", 9999999999, 9999999999),
    ],
)
def test_the_mail_queue_is_one_or_two_numbers(output: bytes, messages: int, oldest: int | None) -> None:
    """Messages and the age of the oldest; an age that is not told is none, so that no older one stays."""
    seen = observe(Agent(SYSTEM + extend(output)), "system", mail_queue=True)
    assert (seen.result, seen.findings) == (Result.OK, ())
    assert own(seen) == {
        "netmon_module_up/system": 1,
        "netmon_module_up/mail_queue": 1,
        "netmon_mail_queue_messages": messages,
        "netmon_mail_queue_oldest_seconds": oldest,
    }
    assert [phase.name for phase in seen.phases] == ["resolve", "system", "mail_queue"]


@pytest.mark.parametrize(
    ("rows", "says"),
    [
        (extend(b""), 'that says "", wanted one or two whole numbers: messages, and seconds since'),
        (extend(b"-1"), 'that says "-1", wanted'),
        (extend(b"1 2 3"), 'that says "1 2 3", wanted'),
        (extend(b"1.5"), 'that says "1.5", wanted'),
        (extend(b"12345678901"), 'that says "12345678901", wanted'),
        (extend("٣".encode()), 'that says "٣", wanted'),
        (extend(b"\x1b[31m\xff\n"), 'that says "\\x1b[31m\\xff\\n", wanted'),
        (extend(b"1" * 1000), f'that says "{"1" * 80}" and 920 octets more, wanted'),
        (extend(b"7 7", 69), 'runs its extend netmon-mailq in vain: exit status 69, output "7 7"'),
        (extend(b"7 7")[:2], "has no extend netmon-mailq, which `mail_queue` reads"),
        (extend(b"7 7")[2:], "has no extend netmon-mailq"),
        ((), "has no extend netmon-mailq"),
    ],
)
def test_anything_else_is_said_and_not_counted(rows: tuple[Row, ...], says: str) -> None:
    """What came is quoted, escaped and bounded, with where the remedy is; there is no series of it."""
    seen = observe(Agent(SYSTEM + rows), "system", mail_queue=True)
    (finding,) = seen.findings
    assert (seen.result, finding.kind, finding.severity) == (Result.OK, "module_empty", Severity.INFO)
    assert (finding.subject, finding.key) == ("mail_queue", seen.key)
    assert says in finding.text
    assert finding.text.isprintable()
    assert finding.text.endswith("docs/mail-queue.md has the script")
    assert own(seen) == {"netmon_module_up/system": 1, "netmon_module_up/mail_queue": 0}
    assert says in seen.trail[-1]


def test_a_queue_of_another_name() -> None:
    """The name of the extend is its index: its length, and its octets."""
    rows = (
        Row(f"{EXTEND}.2.1.113", OCTET_STRING, b"3 4"),
        Row(f"{EXTEND}.4.1.113", INTEGER, 0),
    )
    seen = observe(Agent(SYSTEM + rows), "system", mail_queue="q")
    assert own(seen)["netmon_mail_queue_messages"] == 3


def test_the_counts_of_packets_are_of_each_part() -> None:
    """Extras have netmon's series of packets and varbinds as modules have."""
    seen = observe(
        Agent(SYSTEM + table(b"master") + extend(b"1")), "system", processes=["a"], mail_queue=True
    )
    (parts, *_) = seen.own
    assert parts.rows == (("system",), ("processes",), ("mail_queue",))
    packets = {column.family.name: column.values for column in parts.columns}["netmon_snmp_packets_total"]
    assert list(packets)[1:] == [2, 1]


def test_extras_are_read_with_the_settings_of_the_host() -> None:
    """Repetitions, timeout and retries are those of the host's `snmp`."""
    agent = Agent(SYSTEM + table(*[b"a"] * 30), under(f"{RUN}.7", lambda _: None))

    async def scene(port: int, ctx: Any) -> Observation:
        wanted = check(port, "system", processes=["a"], timeout="3s", retries=2, max_repetitions=9)
        return cast(Observation, await KIND.probe(wanted, ctx))

    seen = play(agent, scene)
    asked = [request for request in agent.requests if decode_oid(request.varbinds.oids[0]) == f"{RUN}.7"]
    assert [(request.pdu_type, request.max_repetitions) for request in asked] == [
        (GETBULK, 9), (GETBULK, 4), (GETBULK, 4),  # for less when it goes unanswered
    ]  # fmt: skip
    assert seen.duration == pytest.approx(3.0, abs=0.2)
    assert "processes failed" in seen.detail


def test_settings_of_extras() -> None:
    """Texts stand for at least one, true for the usual name; both are part of what a check is."""
    settings = SnmpSettings.model_validate(
        {"processes": ["master", {"name": "dovecot", "min": 0, "max": 3}], "mail_queue": True}
    )
    assert [(entry.name, entry.min, entry.max) for entry in settings.processes] == [
        ("master", 1, None),
        ("dovecot", 0, 3),
    ]
    assert settings.mail_queue == "netmon-mailq"
    assert SnmpSettings.model_validate({"mail_queue": False}) == SnmpSettings()
    variants = [
        check(161, "system", **changes).settings
        for changes in (
            {},
            {"processes": ["a"]},
            {"processes": ["b"]},
            {"processes": [{"name": "a", "max": 1}]},
            {"mail_queue": True},
            {"mail_queue": "x"},
        )
    ]
    assert variants[3].processes[0].max == 1
    assert len({digest(bound) for bound in variants}) == len(set(variants)) == len(variants)
    for wrong, words in (
        ({"modules": ["system", "processes"], "processes": ["a"]}, "rename the module"),
        ({"modules": ["mail_queue"], "mail_queue": True}, "rename the module"),
        ({"processes": ["a", "a"]}, "a is listed twice"),
        ({"processes": ["a\n"]}, "is not a process's name"),
        ({"processes": [" a"]}, "is not a process's name"),
        ({"processes": ["a" * 65]}, "is not a process's name"),
        ({"processes": [str(at) for at in range(101)]}, "at most 100 items"),
        ({"mail_queue": "a" * 65}, "the name of an extend"),
        ({"mail_queue": ""}, "the name of an extend"),
    ):
        with pytest.raises(ValidationError, match=words):
            SnmpSettings.model_validate(wrong)
