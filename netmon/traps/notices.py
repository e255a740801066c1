"""What the agent is told of commits: merged, ten times a second at most, and never waited for.

One notice is bounded whatever the traps say: what is too much goes to host "" and label "other".
"""

from typing import Any, Final

from netmon.traps.handler import Outcome

MOST: Final = 1_000  # distinct traps, changes or hosts in one notice
ALL: Final = 2 * MOST  # hosts that can have changes
_AT_ONCE: Final = 50  # hosts that change in one notice: to judge a host takes the agent's loop its time
_OTHER: Final = "other"
_TEXT: Final = 200  # characters of a change's text


class Notices:
    """Gathers until `take` gives all of it away."""

    def __init__(self) -> None:
        self._last_id = 0
        self._traps: dict[tuple[str, str, str], list[float]] = {}
        self._changes: dict[tuple[str, str, str, bool], list[Any]] = {}
        self._hosts: dict[str, None] = {}

    @property
    def empty(self) -> bool:
        """Whether there is nothing to tell."""
        return not self._traps and not self._changes

    def add(self, outcome: Outcome) -> None:
        """Take in what a commit did."""
        for entry, count in outcome.counted:
            if not count:
                continue
            host, _, severity = key = entry.tally
            known = self._traps.get(key)
            if known is None:
                if len(self._traps) >= MOST:
                    key = ("", _OTHER, severity)
                known = self._traps.setdefault(key, [0, 0.0])
            known[0] += count
            known[1] = max(known[1], entry.last)
            if host and len(self._hosts) < MOST:
                self._hosts[host] = None
        for number, row, words in outcome.events:
            self._last_id = number
            change = words.meaning.change
            host = str(row[4])
            if change is None or not host:
                continue
            # Nobody who is not authenticated takes the place of what somebody who is has told, nor
            # all places; and the later of two comes later, whatever stood there before.
            sure = bool(row[11])
            which = (host, change.state, change.instance, sure)
            if self._changes.pop(which, None) is None and len(self._changes) >= MOST * (1 + sure):
                continue
            self._changes[which] = [
                host, change.state, change.instance, change.active, change.ttl, change.cause, row[11],
                row[0], number, str(row[5])[:_TEXT],
            ]  # fmt: skip

    def take(self, most: int = _AT_ONCE) -> dict[str, Any]:
        """The notice, and begin anew; changes of hosts beyond `most` wait for the next one."""
        turn = set(list(dict.fromkeys(host for host, *_ in self._changes))[:most])
        first = [which for which in self._changes if which[0] in turn]
        notice = {
            "last_id": self._last_id,
            "traps": [[*key, *value] for key, value in self._traps.items()],
            "changes": [self._changes.pop(which) for which in first],
            "hosts": list(self._hosts),
        }
        self._traps, self._hosts = {}, {}
        return notice
