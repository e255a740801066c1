"""Watch: when a suggestion becomes a verdict, and what it wishes on the way."""

from dataclasses import replace

from netmon.errors import Reason
from netmon.model import CheckKey, Host, Observation, Result, VerdictName
from netmon.model.events import RaisedState
from netmon.store import Store
from netmon.watch import Watch
from tests.unit.spine.records import check, seen

FAILED = Result.FAILED
MX1 = Host("mx1", "192.0.2.1", depends_on=("sw1",))
MX2 = Host("mx2", "192.0.2.2", depends_on=("sw1",))
SW1 = Host("sw1", "192.0.2.3")
SMTP = check("smtp", MX1, port=25)
SNMP = check("snmp", MX1, port=161)
SMTP2 = check("smtp", MX2, port=25)
SWITCH = check("snmp", SW1, port=161)


class Wished:
    """Keeps what watch wishes."""

    def __init__(self) -> None:
        self.again: list[CheckKey] = []
        self.too: list[CheckKey] = []
        self.tests = 0

    def look_again(self, key: CheckKey, seconds: float) -> None:
        """Keep it."""
        assert seconds == 15.0
        self.again.append(key)

    def look_too(self, key: CheckKey, why: str) -> None:
        """Keep it."""
        assert why
        self.too.append(key)

    def test_link(self) -> None:
        """Count it."""
        self.tests += 1


class World:
    """A store and a watch on one clock.  The agent's own link is `sound`, unless a test says otherwise."""

    def __init__(self, *checks: object, store: Store | None = None) -> None:
        self.now = 1000.0
        self.sound: bool | None = True
        self.wished = Wished()
        self.store = store or Store()
        self.watch = Watch(self.store, self.wished, clock=lambda: self.now, wall=lambda: self.now)
        self.store.listen(self.watch.saw)
        hosts = {of.host.name: of.host for of in checks}
        self.store.plan(hosts.values(), checks)
        self.watch.planned()

    def put(self, observation: Observation) -> None:
        """An observation arrives."""
        self.now = observation.begun
        self.store.put(observation)
        self.test_the_link()

    def test_the_link(self) -> None:
        """What was asked of the agent's own link is answered."""
        if self.wished.tests:
            self.wished.tests = 0
            self.watch.link_tested(sound=self.sound, begun=self.now)

    def verdict(self, host: str = "mx1") -> str:
        """The confirmed one."""
        return self.store.verdicts()[host].confirmed.name.value

    def candidate(self, host: str = "mx1") -> str:
        """The suggested one."""
        return self.store.verdicts()[host].candidate.name.value


def test_a_first_good_verdict_needs_one_run() -> None:
    """A newcomer sees a healthy host as soon as every check has run."""
    world = World(SMTP, SNMP)
    assert world.verdict() == "unknown"
    world.put(seen(SMTP, begun=1001))
    assert world.verdict() == "unknown"
    world.put(seen(SNMP, begun=1002))
    assert world.verdict() == "healthy"


def test_a_fault_is_confirmed_by_three_scheduled_runs() -> None:
    """Two failures and any number of requested runs confirm nothing; the third does."""
    world = World(SMTP, SNMP)
    world.put(seen(SMTP, begun=1001))
    world.put(seen(SNMP, begun=1002))
    for begun in (1060, 1075):
        world.put(seen(SMTP, FAILED, Reason.REFUSED, begun=begun))
        world.put(seen(SMTP, FAILED, Reason.REFUSED, begun=begun + 1, scheduled=False))
        assert (world.verdict(), world.candidate()) == ("healthy", "mail_down")
    world.put(seen(SMTP, FAILED, Reason.REFUSED, begun=1090))
    assert world.verdict() == "mail_down"
    assert world.store.verdicts()["mx1"].since == 1090


def test_recovery_is_confirmed_by_two_runs() -> None:
    """One good answer between failures is no recovery."""
    world = World(SMTP, SNMP)
    world.put(seen(SNMP, begun=1001))
    for begun in (1002, 1017, 1032):
        world.put(seen(SMTP, FAILED, Reason.REFUSED, begun=begun))
    assert world.verdict() == "mail_down"
    world.put(seen(SNMP, begun=1040))
    world.put(seen(SMTP, begun=1050))
    assert world.verdict() == "mail_down"
    world.put(seen(SMTP, begun=1065))
    assert world.verdict() == "healthy"


def test_an_unconfirmed_change_asks_to_look_again_soon() -> None:
    """The deciding check is wished for in retry_interval, the others at once."""
    world = World(SMTP, SNMP)
    world.put(seen(SMTP, begun=1001))
    world.put(seen(SNMP, begun=1002))
    world.wished.again.clear()
    world.put(seen(SMTP, FAILED, Reason.TIMEOUT, alive=False, begun=1060))
    assert world.wished.again == [SMTP.key]
    assert set(world.wished.too) == {SNMP.key}


def test_silence_is_not_blamed_before_the_upstream_was_looked_at() -> None:
    """host_down waits for a run of the switch that began after the silence."""
    world = World(SMTP, SWITCH)
    world.put(seen(SMTP, begun=1001))
    world.put(seen(SWITCH, begun=1002))
    for begun in (1060, 1075, 1090, 1105):
        world.put(seen(SMTP, FAILED, Reason.TIMEOUT, alive=False, begun=begun))
        assert world.verdict() == "healthy"
    assert SWITCH.key in world.wished.too
    world.put(seen(SWITCH, begun=1106))
    world.put(seen(SMTP, FAILED, Reason.TIMEOUT, alive=False, begun=1120))
    assert world.verdict() == "host_down"


def test_behind_a_dead_switch_everything_is_unreachable() -> None:
    """The hosts behind it are not accused; the switch is."""
    world = World(SMTP, SMTP2, SWITCH)
    for of in (SMTP, SMTP2, SWITCH):
        world.put(seen(of, begun=1001))
    for begun in (1060, 1075, 1090, 1105):
        for of in (SMTP, SMTP2, SWITCH):
            world.put(seen(of, FAILED, Reason.TIMEOUT, alive=False, begun=begun))
    assert [world.verdict(name) for name in ("mx1", "mx2", "sw1")] == [
        "unreachable",
        "unreachable",
        "device_down",
    ]


def test_a_silent_switch_that_still_carries_a_neighbour_is_no_excuse() -> None:
    """Its agent is down, not the switch: the silent host is down by itself."""
    world = World(SMTP, SMTP2, SWITCH)
    for of in (SMTP, SMTP2, SWITCH):
        world.put(seen(of, begun=1001))
    for begun in (1060, 1075, 1090, 1105):
        world.put(seen(SWITCH, FAILED, Reason.TIMEOUT, alive=False, begun=begun))
        world.put(seen(SMTP, FAILED, Reason.TIMEOUT, alive=False, begun=begun))
        world.put(seen(SMTP2, begun=begun))
    world.put(seen(SWITCH, FAILED, Reason.TIMEOUT, alive=False, begun=1120))
    world.put(seen(SMTP2, begun=1121))
    world.put(seen(SMTP, FAILED, Reason.TIMEOUT, alive=False, begun=1122))
    assert world.verdict() == "host_down"


def dead(of: object, begun: float) -> Observation:
    """A run that heard nothing."""
    return seen(of, FAILED, Reason.TIMEOUT, alive=False, begun=begun)


def test_a_recovery_does_not_pass_through_the_verdicts_between() -> None:
    """Three ports come back one after the other: mail_down, then healthy, and no mail_degraded."""
    checks = [check("smtp", MX2, port=port) for port in (25, 465, 587)]
    world = World(*checks)
    for begun in (1002, 1017, 1032):
        for of in checks:
            world.put(seen(of, FAILED, Reason.REFUSED, begun=begun))
    assert world.verdict("mx2") == "mail_down"
    seen_verdicts = set()
    for round_ in range(3):
        for number, of in enumerate(checks):
            world.put(seen(of, begun=1050 + 15 * round_ + number))
            seen_verdicts.add(world.verdict("mx2"))
    assert seen_verdicts == {"mail_down", "healthy"}


def test_what_goes_on_failing_is_told_when_the_rest_came_back() -> None:
    """One port stays closed: mail_degraded, after it has failed again for `recover` runs."""
    inbound, optional = check("smtp", MX2, port=25), check("smtp", MX2, port=465, required=False)
    world = World(inbound, optional)
    for begun in (1002, 1017, 1032):
        for of in (inbound, optional):
            world.put(seen(of, FAILED, Reason.REFUSED, begun=begun))
    assert world.verdict("mx2") == "mail_down"
    for begun in (1047, 1062, 1077):
        world.put(seen(inbound, begun=begun))
        world.put(seen(optional, FAILED, Reason.REFUSED, begun=begun))
    assert world.verdict("mx2") == "mail_degraded"


def test_nobody_is_accused_when_the_switch_comes_back() -> None:
    """unreachable turns healthy, not host_down for the moment before the host was looked at again."""
    world = World(SMTP, SNMP, SWITCH)
    for of in (SMTP, SNMP, SWITCH):
        world.put(seen(of, begun=1001))
    for begun in (1060, 1075, 1090, 1105):
        for of in (SMTP, SNMP, SWITCH):
            world.put(dead(of, begun))
    assert world.verdict() == "unreachable"
    world.put(seen(SWITCH, begun=1110))
    assert (world.verdict(), world.candidate()) == ("unreachable", "host_down")
    world.put(seen(SMTP, begun=1115))
    assert (world.verdict(), world.candidate()) == ("unreachable", "agent_down")
    world.put(seen(SNMP, begun=1116))
    assert world.verdict() == "healthy"


def test_a_host_that_stays_silent_behind_a_switch_that_came_back_is_down() -> None:
    """Its failures count anew from the switch's return, and then it is accused."""
    world = World(SMTP, SWITCH)
    for of in (SMTP, SWITCH):
        world.put(seen(of, begun=1001))
    for begun in (1060, 1075, 1090, 1105):
        for of in (SMTP, SWITCH):
            world.put(dead(of, begun))
    world.put(seen(SWITCH, begun=1110))
    for begun in (1115, 1130):
        world.put(dead(SMTP, begun))
        assert world.verdict() == "unreachable"
    world.put(dead(SMTP, 1145))
    assert world.verdict() == "host_down"


def test_mail_that_falls_silent_with_its_host_is_not_mail_down() -> None:
    """Silence is not blamed on the service before the host was heard after it."""
    world = World(SMTP2, check("snmp", MX2, port=161))
    snmp = check("snmp", MX2, port=161)
    world.put(seen(SMTP2, begun=1001))
    world.put(seen(snmp, begun=1002))
    for begun in (1060, 1075, 1090):
        world.put(dead(SMTP2, begun))
        assert (world.verdict("mx2"), world.candidate("mx2")) == ("healthy", "mail_down")
    for begun in (1095, 1110, 1125):
        world.put(dead(snmp, begun))
    assert world.verdict("mx2") == "host_down"


def test_mail_that_falls_silent_on_a_living_host_is_mail_down() -> None:
    """One run that heard the host since is enough."""
    snmp = check("snmp", MX2, port=161)
    world = World(SMTP2, snmp)
    world.put(seen(SMTP2, begun=1001))
    world.put(seen(snmp, begun=1002))
    for begun in (1060, 1075, 1090):
        world.put(dead(SMTP2, begun))
    world.put(seen(snmp, begun=1091))
    assert world.verdict("mx2") == "mail_down"


def test_a_switch_that_carries_a_living_host_is_alive() -> None:
    """Its SNMP agent hangs, and mail behind it, which has no other way, still answers: agent_down."""
    world = World(SMTP, SWITCH)
    world.put(seen(SMTP, begun=1001))
    world.put(seen(SWITCH, begun=1002))
    for begun in (1060, 1075, 1090, 1105):
        world.put(dead(SWITCH, begun))
        world.put(seen(SMTP, begun=begun + 1))
    world.put(dead(SWITCH, 1120))
    assert world.verdict("sw1") == "agent_down"


def test_after_a_restart_a_known_verdict_stands_until_every_check_has_run() -> None:
    """Neither a page nor a recovery comes out of a restart by itself."""
    world = World(SMTP, SNMP)
    for begun in (1002, 1017, 1032):
        world.put(seen(SNMP, FAILED, Reason.TIMEOUT, alive=False, begun=begun))
        world.put(seen(SMTP, FAILED, Reason.TIMEOUT, alive=False, begun=begun))
    assert world.verdict() == "host_down"
    store = world.store
    for key, known in dict(store.states()).items():
        store._states[key] = replace(known, observation=None)
    store._listeners.clear()
    again = World(SMTP, SNMP, store=store)
    assert again.verdict() == "host_down"
    again.put(seen(SMTP, FAILED, Reason.TIMEOUT, alive=False, begun=1050))
    assert again.verdict() == "host_down"
    again.put(seen(SNMP, FAILED, Reason.TIMEOUT, alive=False, begun=1051))
    assert again.verdict() == "host_down"
    assert again.store.states()[SNMP.key].streak == 4


def test_staleness_is_noticed_by_the_tick() -> None:
    """A check that never ends again turns its host unknown without any observation."""
    world = World(SMTP, SNMP)
    world.put(seen(SMTP, begun=1001))
    world.put(seen(SNMP, begun=1002))
    assert world.verdict() == VerdictName.HEALTHY.value
    world.now = 2000.0
    world.watch.tick()
    assert world.verdict() == "unknown"


def test_a_trap_has_its_host_judged_anew() -> None:
    """What a trap raised is in the judgement at once; a host that is not configured is passed over."""
    world = World(SMTP, SNMP)
    told: list[RaisedState] = []
    watch = Watch(
        world.store,
        world.wished,
        clock=lambda: world.now,
        wall=lambda: world.now,
        traps=lambda _: tuple(told),
    )
    watch.planned()
    world.put(seen(SMTP, begun=1001))
    world.put(seen(SNMP, begun=1002))
    told.append(RaisedState("on_battery", "", 1002.0, 0.0, True, True, 1, "UPS-MIB::upsTrapOnBattery"))
    watch.traps_changed("mx1")
    watch.traps_changed("nobody")
    assert [finding.kind for finding in world.store.verdicts()["mx1"].candidate.findings] == ["trap_state"]
    assert world.verdict() == "healthy"
