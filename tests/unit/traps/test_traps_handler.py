"""The way of a datagram, driven with octets."""

from collections.abc import Callable
from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest

from netmon.mib.tree import shipped
from netmon.snmp import ber, message
from netmon.traps import handler as handler_module
from netmon.traps.counters import Counters, Gauge, make
from netmon.traps.door import Door
from netmon.traps.folding import Folding
from netmon.traps.handler import Handler, Outcome
from netmon.traps.own_engine import OwnEngine
from netmon.traps.records import Drop, Settings, Stage
from netmon.traps.sources import Sources
from netmon.traps.translate import Translator
from tests.unit.traps.messages import BOB, CAROL, OWN, SENDER, v3

LINK_DOWN, LINK_UP = "1.3.6.1.6.3.1.1.5.3", "1.3.6.1.6.3.1.1.5.4"
SETTINGS = Settings(
    Path("/nowhere"),
    communities=(b"public",),
    allow=(ip_network("192.0.2.0/24"),),
    hosts={"192.0.2.1": "sw1"},
    fold=10.0,
)
TRANSLATOR: list[Translator] = []


def trap(
    oid: str = LINK_DOWN, *, index: int = 3, request_id: int = 1, uptime: int = 1, kind: int = message.TRAP
) -> bytes:
    """A notification of v2c about an interface."""
    varbinds = (
        ("1.3.6.1.2.1.1.3.0", ber.TIME_TICKS, uptime),
        ("1.3.6.1.6.3.1.1.4.1.0", ber.OBJECT_IDENTIFIER, ber.encode_oid(oid)),
        (f"1.3.6.1.2.1.2.2.1.1.{index}", ber.INTEGER, index),
    )
    octets = b"".join(
        message.encode_varbind(ber.encode_oid(name), tag, value) for name, tag, value in varbinds
    )
    return message.encode_message(message.encode_head(2, b"public"), kind, request_id, 0, 0, octets)


class Scene:
    """A handler, its counters and what it refused."""

    def __init__(self, settings: Settings = SETTINGS, own: OwnEngine | None = None) -> None:
        self.counters = Counters(make())
        self.refused: list[tuple[Drop, str, str]] = []
        self.defects: list[BaseException] = []
        if not TRANSLATOR:
            TRANSLATOR.append(Translator(shipped()))
        self.handler = Handler(
            settings,
            door=Door(settings, own),
            sources=Sources.of(settings),
            translator=TRANSLATOR[0],
            counters=self.counters,
            refused=lambda *words: self.refused.append(words),
            defect=self.defects.append,
        )
        self.next_id = 1

    def take(self, *octets: bytes, source: str = "192.0.2.1", now: float = 0.0) -> None:
        """Datagrams of one source."""
        for each in octets:
            self.counters.add(Stage.RECEIVED)
            self.handler.take(each, (0, (source, 162), ()), now, 1000.0 + now)

    def commit(self) -> tuple[list[tuple[Any, ...]], list[tuple[int, float, int]], Outcome]:
        """One commit that goes well: rows, repeats and what follows."""
        commit = self.handler.cut()
        assert commit is not None
        outcome = self.handler.committed(self.next_id, 0.0)
        self.next_id += len(commit.rows)
        return [tuple(row) for row in commit.rows], commit.repeats, outcome

    def counts(self) -> dict[str, int]:
        """Those that are not zero; they must add up when nothing waits."""
        return {name.value: self.counters[name] for name in (*Stage, *Drop) if self.counters[name]}


@pytest.fixture
def scene() -> Scene:
    """One of the usual settings."""
    return Scene()


def test_a_trap_becomes_a_row(scene: Scene) -> None:
    """What a row says: times, source, host, names, version and values."""
    scene.take(trap(), now=5.0)
    (row,), repeats, outcome = scene.commit()
    assert row[:9] == (
        1005.0, 1005.0, 1, "192.0.2.1", "sw1", "IF-MIB::linkDown", LINK_DOWN, "warning", 2,
    )  # fmt: skip
    assert row[9:15] == (False, "", False, "", "", 0.01)
    assert "IF-MIB::ifIndex.3" in str(row[15])
    assert (repeats, outcome.acknowledgements) == ([], [])
    assert scene.counts() == {"received": 1, "decoded": 1, "accepted": 1, "committed": 1}


def test_ipv4_within_ipv6_is_ipv4(scene: Scene) -> None:
    """On a socket of both families a host is known by its IPv4 address."""
    scene.take(trap(), source="::ffff:192.0.2.1")
    (row,), _, _ = scene.commit()
    assert row[3:5] == ("192.0.2.1", "sw1")


@pytest.mark.parametrize(
    ("octets", "source", "reason", "decoded"),
    [
        (trap(), "198.51.100.1", Drop.SOURCE_NOT_ALLOWED, 0),
        (b"", "192.0.2.1", Drop.MALFORMED, 0),
        (trap()[:-1], "192.0.2.1", Drop.MALFORMED, 0),
        (trap(kind=message.GET), "192.0.2.1", Drop.NOT_A_NOTIFICATION, 0),
        (trap().replace(b"public", b"pubIic"), "192.0.2.1", Drop.UNKNOWN_COMMUNITY, 1),
    ],
)
def test_a_refusal_is_counted_once_and_told(
    scene: Scene, octets: bytes, source: str, reason: Drop, decoded: int
) -> None:
    """Every datagram that becomes no event has one reason, and the log learns who and why."""
    scene.take(octets, source=source)
    assert scene.handler.cut() is None
    assert scene.counts() == {"received": 1, reason.value: 1} | ({"decoded": 1} if decoded else {})
    ((told, where, why),) = scene.refused
    assert (told, where) == (reason, source)
    assert "pubIic" not in why


def test_repeats_only_count(scene: Scene) -> None:
    """The same within ten seconds raises the count, before its commit, while it runs and after it."""
    scene.take(trap(), trap(request_id=2, uptime=7), now=1.0)
    commit = scene.handler.cut()
    assert commit is not None
    assert [row[2] for row in commit.rows] == [2]
    scene.take(trap(request_id=3), now=2.0)
    scene.handler.committed(1, 2.0)
    scene.take(trap(request_id=4), now=3.0)
    second = scene.handler.cut()
    assert second is not None
    assert (second.rows, second.repeats) == ([], [(1, 1003.0, 4)])
    scene.handler.committed(0, 3.0)
    assert scene.counts()["committed"] == 4
    assert scene.counters[Gauge.FOLDED] == 3


def test_a_repeat_after_the_window_is_an_event(scene: Scene) -> None:
    """Ten seconds after the first of them the same is told anew."""
    scene.take(trap(), now=0.0)
    scene.take(trap(), now=10.0)
    assert len(scene.commit()[0]) == 2


def test_what_was_undone_is_told_again(scene: Scene) -> None:
    """Down, up, down and up again within a second are four events, and another interface's do not matter."""
    scene.take(trap(), trap(LINK_UP), trap(), trap(LINK_UP), trap(LINK_UP), trap(index=4))
    rows, _, _ = scene.commit()
    assert [str(row[5]).removeprefix("IF-MIB::") for row in rows] == [
        "linkDown", "linkUp", "linkDown", "linkUp", "linkDown",
    ]  # fmt: skip
    assert [row[2] for row in rows] == [1, 1, 1, 2, 1]


def test_other_sources_are_others(scene: Scene) -> None:
    """What two sources send is never folded together."""
    scene.take(trap())
    scene.take(trap(), source="192.0.2.2")
    assert [row[4] for row in scene.commit()[0]] == ["sw1", ""]


def test_an_inform_is_answered_after_its_commit(scene: Scene) -> None:
    """Never before; a retransmission has an answer of its own and raises no count."""
    scene.take(trap(request_id=9, kind=message.INFORM))
    commit = scene.handler.cut()
    assert commit is not None
    assert commit.durable
    scene.take(trap(request_id=9, kind=message.INFORM))
    answers = scene.handler.committed(1, 0.0).acknowledgements
    assert [message.decode_response(answer.octets).request_id for answer in answers] == [9]
    rows, repeats, outcome = scene.commit()
    assert (rows, repeats, len(outcome.acknowledgements)) == ([], [], 1)
    assert scene.counts()["committed"] == 2


def test_without_folding_informs_are_still_known_again() -> None:
    """With `fold: 0` every trap is an event, and a retransmitted inform is none."""
    scene = Scene(replace(SETTINGS, fold=0.0))
    inform = trap(request_id=9, kind=message.INFORM)
    scene.take(trap(), trap(), inform, inform, trap(request_id=8, kind=message.INFORM))
    rows, _, outcome = scene.commit()
    assert [row[2] for row in rows] == [1, 1, 1, 1]
    assert len(outcome.acknowledgements) == 3


def test_what_no_commit_took_is_dropped_and_unanswered(scene: Scene) -> None:
    """After a failed commit the next of the same is a new event; a repeat that came meanwhile is one, too."""
    scene.take(trap(), trap(), trap(index=4, kind=message.INFORM))
    scene.handler.cut()
    scene.take(trap())
    scene.handler.failed()
    assert scene.counts()["store_full"] == 3
    scene.take(trap(index=4, kind=message.INFORM))
    rows, repeats, outcome = scene.commit()
    assert [row[2] for row in rows] == [1, 1]
    assert (repeats, len(outcome.acknowledgements)) == ([], 1)
    counts = scene.counts()
    assert counts["received"] == counts["committed"] + counts["store_full"] == 5


def test_an_engine_id_names_a_host_only_with_a_digest() -> None:
    """Whoever may send without a key could otherwise speak for any host of the config."""
    scene = Scene(replace(SETTINGS, users=(BOB, CAROL), engines={SENDER.hex(): "sw9"}))
    scene.take(v3(BOB), source="192.0.2.66")
    scene.take(v3(CAROL), source="192.0.2.67")
    assert [row[4] for row in scene.commit()[0]] == ["sw9", ""]


def test_a_captured_inform_is_no_event_of_another_host() -> None:
    """Its octets again are a retransmission from where they came, and from anywhere else a replay."""
    scene = Scene(replace(SETTINGS, users=(BOB,)), OwnEngine(OWN, 7, 0.0))
    informs = [
        v3(BOB, engine_id=OWN, boots=7, time=20, pdu_type=message.INFORM, request_id=number, msg_id=number)
        for number in (1, 2)
    ]
    scene.take(*informs, now=20.0)  # the second is folded into the first
    assert [row[2] for row in scene.commit()[0]] == [2]
    scene.take(*informs, source="192.0.2.66", now=100.0)
    assert scene.handler.cut() is None
    assert scene.counts()["replayed"] == 2
    scene.take(*informs, now=101.0)
    rows, repeats, outcome = scene.commit()
    assert (rows, repeats, len(outcome.acknowledgements)) == ([], [], 2)


def test_a_folded_inform_is_counted_once(scene: Scene) -> None:
    """Its retransmission raises no count, unless no commit took it."""
    inform = [trap(request_id=number, kind=message.INFORM) for number in range(3)]
    scene.take(inform[0])
    scene.commit()
    scene.take(inform[1], inform[1])
    assert scene.commit()[1][0][2] == 2
    scene.take(inform[2])
    scene.handler.cut()
    scene.handler.failed()
    scene.take(inform[2], inform[1])
    assert scene.commit()[1][0][2] == 3


def test_informs_that_wait_are_bounded_by_their_octets(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is kept whole until it is answered, repeats too."""
    monkeypatch.setattr(handler_module, "MOST_OCTETS", 2000)
    for number in range(100):
        scene.take(trap(request_id=number, kind=message.INFORM))
    assert scene.counts()["queue_full"] > 50


def test_a_queue_that_is_full_drops(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    """What finds no room is counted; repeats of what waits still find it."""
    monkeypatch.setattr(handler_module, "MOST_WAITING", 2)
    scene.take(trap(index=1), trap(index=2), trap(index=3), trap(index=1))
    assert [row[2] for row in scene.commit()[0]] == [2, 1]
    assert scene.counts()["queue_full"] == 1


def test_a_source_has_a_limit() -> None:
    """A source with more than its burst is refused until time has passed; others are not touched."""
    scene = Scene(replace(SETTINGS, rate=1.0, burst=2.0))
    scene.take(*[trap(index=number) for number in range(1, 5)])
    scene.take(trap(), source="192.0.2.2")
    assert scene.counts()["rate_limited"] == 2
    scene.take(trap(index=9), now=1.0)
    assert len(scene.commit()[0]) == 4


def test_a_defect_costs_its_datagram_only(scene: Scene) -> None:
    """Whatever fails on the way of one datagram, the next is taken, and the counters add up."""

    def fails(*_: object) -> None:
        raise RuntimeError("a defect")

    meaning, scene.handler._meaning = scene.handler._meaning, fails  # type: ignore[assignment]
    scene.take(trap())
    scene.handler._meaning = meaning
    scene.take(trap())
    scene.commit()
    assert (len(scene.defects), scene.counters[Gauge.DEFECTS]) == (1, 1)
    counts = scene.counts()
    assert (counts["received"], counts["malformed"], counts["committed"]) == (2, 1, 1)


def test_the_memory_of_repeats_is_bounded() -> None:
    """The oldest is forgotten, and becomes an event of its own: no repeat is lost."""
    scene = Scene()
    scene.handler._folding = Folding(10.0, most=2)
    scene.take(*[trap(index=number) for number in (1, 2, 3, 1, 3)])
    assert [row[2] for row in scene.commit()[0]] == [1, 1, 2, 1]


def test_expired_entries_are_dropped(scene: Scene) -> None:
    """After the window nothing is kept of a notification."""
    scene.take(trap(index=1), trap(index=2))
    expire: Callable[[float], None] = scene.handler.expire
    expire(9.0)
    assert scene.handler.gauges()[Gauge.FOLDS] == 2
    expire(10.0)
    assert scene.handler.gauges()[Gauge.FOLDS] == 0
