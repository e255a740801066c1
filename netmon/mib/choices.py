"""What was chosen by `modules: auto`, remembered for each check until it may have become wrong.

A choice is made again when the agent was started anew or says to be another device, when a module that
used to come is served no more, when the check means something else (a reload), and every hour, which
costs two requests.  It is made again sooner where the agent was young: net-snmp's, for one, knows its
processors only after a minute; and where a module was lost that may come back, as a table of listeners
does when a server is started again.
"""

from collections import OrderedDict
from collections.abc import Collection, Hashable
from dataclasses import dataclass
from typing import Final

from netmon.mib.auto import Choice, Identity

LONGEST: Final = 3_600.0  # seconds that a choice holds
YOUNG: Final = 600.0  # seconds; an agent that runs for less may not serve all yet
SHORTEST: Final = 600.0  # seconds that a choice holds which may soon be wrong


@dataclass(slots=True)
class _Known:
    choice: Choice
    digest: str
    until: float
    seen: Identity  # the latest that the agent said
    came: tuple[str, ...] = ()  # modules that have brought something; a set of each host would be larger
    stale: str = ""


class Choices:
    """Bounded: past `limit` checks the one that was longest unused is forgotten.  `now` is monotonic."""

    def __init__(self, limit: int = 100_000) -> None:
        self._known: OrderedDict[Hashable, _Known] = OrderedDict()
        self._limit = limit

    def get(self, key: Hashable, digest: str) -> Choice | None:
        """The latest choice for a check of that digest, even if it is to be made again."""
        known = self._find(key, digest)
        return None if known is None else known.choice

    def due(self, key: Hashable, digest: str, now: float) -> str:
        """Why the choice has to be made (again); "" while it holds."""
        known = self._find(key, digest)
        if known is None:
            return "there was no choice yet"
        if known.stale:
            return known.stale
        return "some time has passed" if now >= known.until else ""

    def put(self, key: Hashable, digest: str, choice: Choice, now: float) -> None:
        """Remember a choice that was made just now."""
        before = self.get(key, digest)
        up_time = choice.identity.up_time
        young = up_time is not None and up_time < YOUNG * 100
        lost = before is not None and not set(before.modules) <= set(choice.modules)
        until = now + (SHORTEST if young or lost else LONGEST)
        self._known[key] = _Known(choice, digest, until, choice.identity)
        self._known.move_to_end(key)
        if len(self._known) > self._limit:
            self._known.popitem(last=False)

    def look(self, key: Hashable, said: Identity, came: Collection[str], empty: Collection[str]) -> None:
        """Take in a run: what the agent said of itself, which modules came, which it serves nothing of."""
        known = self._known.get(key)
        if known is None:
            return
        gone = sorted(set(known.came).intersection(empty))
        if said.sys_object_id and said.sys_object_id != known.choice.identity.sys_object_id:
            known.stale = "sysObjectID has changed"
        elif _fell(known.seen.up_time, said.up_time) or (
            None not in (said.boots, known.seen.boots) and said.boots != known.seen.boots
        ):
            known.stale = "the agent was started anew"
        elif gone:
            known.stale = f"it serves nothing of {gone[0]} any more"
        if not set(came) <= set(known.came):
            known.came = tuple(dict.fromkeys((*known.came, *came)))
        known.seen = Identity(
            said.sys_object_id or known.seen.sys_object_id,
            known.seen.up_time if said.up_time is None else said.up_time,
            known.seen.boots if said.boots is None else said.boots,
        )

    def _find(self, key: Hashable, digest: str) -> _Known | None:
        known = self._known.get(key)
        if known is None or known.digest != digest:
            return None
        self._known.move_to_end(key)
        return known


def _fell(before: int | None, after: int | None) -> bool:
    """A sysUpTime that wrapped after 497 days falls too; that costs a choice and no more."""
    return before is not None and after is not None and after < before
