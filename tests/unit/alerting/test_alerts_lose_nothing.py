"""Whatever happens in whatever order, each receiver ends up knowing what is so.

Random histories of verdicts, deliveries that fail or succeed, restarts at any point (with an
acknowledgement that was not written yet) and isolation.
"""

from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from netmon.alerting.alerts import Alerts
from netmon.alerting.instances import Alert
from netmon.alerting.queues import AlertmanagerQueue, WebhookQueue
from netmon.alerting.rules import alerts_of
from netmon.model import MailState
from tests.unit.alerting.making import Notebook, alertmanager, alerts_on, verdict, webhook

HOSTS = ("mx1", "sw1")
VERDICTS = ("healthy", "mail_down", "mail_degraded", "host_down", "unreachable", "agent_down")

STEPS = st.one_of(
    st.tuples(st.just("judge"), st.sampled_from(HOSTS), st.sampled_from(VERDICTS)),
    st.tuples(st.just("deliver"), st.sampled_from(("w", "a")), st.sampled_from(("ok", "lost", "refused"))),
    st.tuples(st.just("restart"), st.just(""), st.just("")),
    st.tuples(st.just("isolate"), st.just(""), st.sampled_from(("yes", "no"))),
    st.tuples(st.just("wait"), st.just(""), st.just("")),
)


@dataclass
class World:
    """An agent, its store, and two receivers that remember what they took."""

    source: Notebook = field(default_factory=Notebook)
    now: float = 1000.0
    isolated: bool = False
    taken: dict[str, list[Alert]] = field(default_factory=lambda: {"w": [], "a": []})

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        """A life of the agent begins."""
        self.queues: dict[str, WebhookQueue | AlertmanagerQueue] = {"w": webhook(), "a": alertmanager()}
        self.alerts: Alerts = alerts_on(self.source, *self.queues.values(), isolated=lambda: self.isolated)

    def look(self) -> None:
        """A moment passes and alerting looks."""
        self.now += 1
        self.alerts.look(None, self.now, self.now)

    def deliver(self, receiver: str, how: str) -> bool:
        """One request; "lost" is one whose answer does not arrive."""
        queue = self.queues[receiver]
        batch = queue.pick(self.alerts.all(), self.now, self.now).alerts
        if how == "refused":
            queue.refused(batch, self.now)
            return False
        self.taken[receiver] += batch.values()
        if how == "ok":
            self.alerts.told(queue.identity, queue.taken(batch, self.now), self.now)
            self.alerts.tidy(self.now)
        return bool(batch)

    def step(self, what: str, which: str, how: str) -> None:
        """One step of a history."""
        match what:
            case "judge":
                self.source.put(verdict(how, which, mail=MailState.DOWN))
                self.look()
            case "deliver":
                self.deliver(which, how)
            case "restart":
                self.start()
            case "isolate":
                self.isolated = how == "yes"
                self.look()
            case "wait":
                self.now += 70

    def believed(self, receiver: str) -> set[tuple[str, str]]:
        """What the receiver thinks holds, by the last that it took of each label set."""
        last = {alert.fingerprint: alert for alert in self.taken[receiver]}
        return {(alert.name.value, alert.host) for alert in last.values() if not alert.ends}

    def true(self) -> set[tuple[str, str]]:
        """What holds by the verdicts."""
        return {
            (name.value, host)
            for host, judged in self.source.verdicts().items()
            for name in alerts_of(judged, self.now)
        }


@settings(max_examples=300, deadline=None)
@given(st.lists(STEPS, max_size=40))
def test_every_receiver_is_told_the_final_state(steps: list[tuple[str, str, str]]) -> None:
    """And each episode's end that ever was, exactly once more where an answer was lost."""
    world = World()
    ended: set[str] = set()
    for what, which, how in steps:
        world.step(what, which, how)
        ended |= {name for name, alert in world.alerts.all().items() if alert.ends}
    world.isolated = False
    world.look()
    ended |= {name for name, alert in world.alerts.all().items() if alert.ends}
    for _ in range(100):
        world.now += 400  # what was refused may come again
        for receiver, queue in world.queues.items():
            rounds = 0
            while queue.waiting(world.alerts.all()) and world.deliver(receiver, "ok"):
                rounds += 1
                assert rounds < 100
    for receiver in world.queues:
        assert world.believed(receiver) == world.true()
    assert {alert.id for alert in world.taken["w"] if alert.ends} == ended
    assert world.alerts.dropped == 0
    world.alerts.tidy(world.now)
    assert all(not alert.ends for alert in world.alerts.all().values())
    assert len(world.source.noted("alert")) == len(world.alerts.all())
