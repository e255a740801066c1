"""The script: what it shows, how it waits, and that it leaves the company as it was."""

import asyncio
from collections.abc import Mapping, Sequence

import pytest

from netmon.demo.cast import whole
from netmon.demo.company import Company
from netmon.demo.player import Player, Tempo
from netmon.demo.run import DemoError, stories
from netmon.demo.story import STORIES, Step, Story
from netmon.model import HostVerdict, Verdict, VerdictName
from tests.virtual import run_virtual

HEALTHY, DOWN = VerdictName.HEALTHY, VerdictName.MAIL_DOWN
TEMPO = Tempo(reading=10.0, patience=60.0)


class Stage:
    """A company of one host whose verdicts the test gives."""

    def __init__(self) -> None:
        self.told: list[tuple[float, str]] = []
        self.names: dict[str, VerdictName] = {"mx1": VerdictName.UNKNOWN}
        self.player = Player(Company(), self.verdicts, self.announce, TEMPO)

    def verdicts(self) -> Mapping[str, HostVerdict]:
        """As the store has them."""
        verdicts = {host: Verdict(name, "") for host, name in self.names.items()}
        return {host: HostVerdict(host, verdict, 1.0, verdict) for host, verdict in verdicts.items()}

    def announce(self, step: Step) -> None:
        """Note what is told, and when."""
        self.told.append((asyncio.get_running_loop().time(), step.text))

    def judge(self, **names: VerdictName) -> None:
        """Netmon has come to other verdicts."""
        self.names |= names
        self.player.look()

    async def run(self, *stories: Story, seconds: float) -> None:
        """Play for so long."""
        try:
            async with asyncio.timeout(seconds):
                await self.player.play(stories, seed=1)
        except TimeoutError:
            return


def story(*steps: tuple[str, VerdictName], name: str = "one") -> Story:
    """A story whose steps do nothing."""
    return Story(name, "", [Step("mx1", text, lambda _company: None, {"mx1": to}) for text, to in steps])


def test_each_step_waits_for_its_verdict() -> None:
    """A step comes when the one before has been seen in netmon's verdicts and left to be read."""

    async def scene() -> list[tuple[float, str]]:
        stage, loop = Stage(), asyncio.get_running_loop()
        begun = loop.time()
        loop.call_later(5, lambda: stage.judge(mx1=HEALTHY))
        loop.call_later(20, lambda: stage.judge(mx1=DOWN))
        loop.call_later(40, lambda: stage.judge(mx1=HEALTHY))
        await stage.run(story(("stops", DOWN), ("starts", HEALTHY)), seconds=51)
        return [(at - begun, text) for at, text in stage.told]

    # Healthy at 5: stops.  Down at 20, read until 30: starts.  Healthy at 40, read until 50: again.
    assert run_virtual(scene()) == [(5, "stops"), (30, "starts"), (50, "stops")]


def test_a_verdict_that_does_not_come_is_not_waited_for_for_ever() -> None:
    """After its patience the script goes on."""

    async def scene() -> list[tuple[float, str]]:
        stage, begun = Stage(), asyncio.get_running_loop().time()
        await stage.run(story(("stops", DOWN), ("starts", HEALTHY)), seconds=140)
        return [(at - begun, text) for at, text in stage.told]

    assert run_virtual(scene()) == [(60, "stops"), (130, "starts")]


def test_later_rounds_come_in_an_order_of_the_seed() -> None:
    """The first round is in the script's order, later ones are shuffled, and the same seed repeats them."""

    async def scene() -> Sequence[str]:
        stage = Stage()
        stage.judge(mx1=HEALTHY)
        await stage.run(*(story((text, HEALTHY), name=text) for text in "abcdefgh"), seconds=235)
        return [text for _, text in stage.told]

    first, second = run_virtual(scene()), run_virtual(scene())
    assert first == second
    assert "".join(first[:8]) == "abcdefgh"
    assert sorted(first[8:16]) == sorted("abcdefgh")
    assert first[8:16] != first[:8]


def test_the_stories_lead_to_every_verdict() -> None:
    """Each verdict that there is belongs to a step, every story ends well, and names are unlike."""
    expected = {name for story in STORIES for step in story.steps for name in step.expected.values()}
    assert expected == set(VerdictName)
    hosts = {machine.name for machine in whole(1)}
    for story in STORIES:
        assert {host for step in story.steps for host in step.expected} <= hosts
        touched = {host for step in story.steps for host in step.expected}
        ends = {host: name for step in story.steps for host, name in step.expected.items()}
        assert ends == dict.fromkeys(touched, HEALTHY)
    assert len({story.name for story in STORIES}) == len(STORIES)


def test_a_scenario_is_chosen_by_name() -> None:
    """One name gives one story, none gives all, and a wrong one is told the right ones."""
    assert [story.name for story in stories("uplink")] == ["uplink"]
    assert stories("") == list(STORIES)
    with pytest.raises(DemoError, match=r"'uplnk'; there are postfix, spool, .*blocklist"):
        stories("uplnk")
