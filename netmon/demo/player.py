"""Plays stories on the company, for as long as anybody looks.

A step is announced and done, then the player waits until netmon has said what it should, leaves people
the time to read it, and goes on.  The wait has an end, so that a verdict that does not come is seen as
missing and not as a demo that stands still.
"""

import asyncio
import contextlib
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from netmon.demo.company import Company
from netmon.demo.story import Step, Story
from netmon.model import HostVerdict, VerdictName


@dataclass(frozen=True, slots=True)
class Tempo:
    """Seconds: how long a verdict that has come is left to be read, and how long one is waited for."""

    reading: float = 7.5
    patience: float = 60.0

    def times(self, factor: float) -> "Tempo":
        """So many times as quick."""
        return Tempo(self.reading / factor, self.patience / factor)


class Player:
    """Tells and does what the stories say.

    `verdicts` gives netmon's present ones by host, `look` is to be called whenever they may have changed,
    `announce` is told each step before it is done.
    """

    def __init__(
        self,
        company: Company,
        verdicts: Callable[[], Mapping[str, HostVerdict]],
        announce: Callable[[Step], None],
        tempo: Tempo,
    ) -> None:
        self._company = company
        self._verdicts = verdicts
        self._announce = announce
        self._tempo = tempo
        self._seen = asyncio.Event()

    def look(self) -> None:
        """The verdicts may have changed."""
        self._seen.set()

    async def play(self, stories: Sequence[Story], seed: int) -> None:
        """Play all in their order, then again and again in one that `seed` decides; does not return."""
        chance = random.Random(seed)  # noqa: S311 - a show, and it has to repeat
        order = list(stories)
        # A fault shows best against a good day, so let netmon find that first.
        hosts = {host for story in stories for step in story.steps for host in step.expected}
        await self._until(dict.fromkeys(hosts, VerdictName.HEALTHY))
        while True:
            for story in order:
                for step in story.steps:
                    await self._take(step)
            chance.shuffle(order)

    async def _take(self, step: Step) -> None:
        self._announce(step)
        step.act(self._company)
        await self._until(step.expected)
        await asyncio.sleep(self._tempo.reading)

    async def _until(self, expected: Mapping[str, VerdictName]) -> None:
        """Wait until the verdicts are these, but no longer than the tempo's patience."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._tempo.patience):
                while not self._are(expected):
                    self._seen.clear()
                    await self._seen.wait()

    def _are(self, expected: Mapping[str, VerdictName]) -> bool:
        found = self._verdicts()
        return all(host in found and found[host].confirmed.name is name for host, name in expected.items())
