"""What was chosen by `modules: auto`, remembered for each check until it may have become wrong.

A choice is made again when the agent was started anew or says to be another device, when a module that
used to come is served no more, when the check means something else (a reload), and after a day.  An
agent that was young when it was asked is asked again soon: net-snmp's, for one, knows its processors
only after a minute.
"""

from collections import OrderedDict
from collections.abc import Collection, Hashable
from dataclasses import dataclass, field
from typing import Final

from netmon.mib.auto import Choice, Identity

LONGEST: Final = 86_400.0  # seconds that a choice holds
YOUNG: Final = 600.0  # seconds; an agent that runs for less may not serve all yet, and a choice holds as long


@dataclass(slots=True)
class _Known:
    choice: Choice
    digest: str
    made: float
    seen: Identity  # the latest that the agent said
    came: set[str] = field(default_factory=set)  # modules that have brought something
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
            return "not chosen yet"
        if known.stale:
            return known.stale
        up_time = known.choice.identity.up_time
        young = up_time is not None and up_time < YOUNG * 100
        if now - known.made >= (YOUNG if young else LONGEST):
            return "the agent had just been started" if young else "a day has passed"
        return ""

    def put(self, key: Hashable, digest: str, choice: Choice, now: float) -> None:
        """Remember a choice that was made just now."""
        self._known[key] = _Known(choice, digest, now, choice.identity)
        self._known.move_to_end(key)
        if len(self._known) > self._limit:
            self._known.popitem(last=False)

    def look(self, key: Hashable, said: Identity, came: Collection[str], empty: Collection[str]) -> None:
        """Take in a run: what the agent said of itself, which modules came, which it serves nothing of."""
        known = self._known.get(key)
        if known is None:
            return
        gone = sorted(known.came.intersection(empty))
        if said.sys_object_id and said.sys_object_id != known.choice.identity.sys_object_id:
            known.stale = "sysObjectID has changed"
        elif _fell(known.seen.up_time, said.up_time) or (
            None not in (said.boots, known.seen.boots) and said.boots != known.seen.boots
        ):
            known.stale = "the agent was started anew"
        elif gone:
            known.stale = f"it serves nothing of {gone[0]} any more"
        known.came.update(came)
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
