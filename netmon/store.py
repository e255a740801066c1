"""The latest of everything, in memory for readers and in SQLite for the next start.

The wings meet here: the input wing calls `put`, the output wing reads and listens.  What must
survive kill -9 (streaks, confirmed verdicts) is written behind by one thread (`Journal`); a full or
locked disk delays that and nothing else, because readers never touch the disk.
"""

import contextlib
import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from netmon.errors import Reason
from netmon.journal import Journal, Row
from netmon.model import (
    Check,
    CheckKey,
    CheckState,
    Host,
    HostVerdict,
    News,
    Observation,
    Result,
    Run,
    Table,
    Verdict,
    VerdictName,
)
from netmon.recent import Recent
from netmon.verdict_note import VERDICT, known_by, note_of, with_note

Listener = Callable[[CheckState, CheckState], None]
ChangeListener = Callable[[str], None]

UNSEEN = Verdict(VerdictName.UNKNOWN, "nothing has been observed yet")


def advance(state: CheckState, observation: Observation) -> CheckState:
    """`state` after one more run.

    A run on request is evidence (result, life, tables), but never part of a streak: otherwise
    whoever asks often would confirm what the schedule has not.
    """
    ok = observation.result is Result.OK
    streak, streak_ok = state.streak, state.streak_ok
    if observation.scheduled:
        streak = streak + 1 if streak and streak_ok is ok else 1
        streak_ok = ok
    was_ok = None if state.result is None else state.result is Result.OK
    same, turned = state.result is observation.result, was_ok is not ok
    return replace(
        state,
        observation=observation,
        own=_latest_known(state.own, observation.own),
        result=observation.result,
        reason=observation.reason,
        last_run=observation.started,
        streak=streak,
        streak_ok=streak_ok,
        runs=state.runs + observation.scheduled,
        since=state.since if same else observation.started,
        since_begun=state.since_begun if same else observation.begun,
        turned=observation.started if turned else state.turned,
        turned_begun=observation.begun if turned else state.turned_begun,
        last_ok=observation.started if ok else state.last_ok,
        answered=state.answered or observation.alive is True,
    )


def _latest_known(before: tuple[Table, ...], now: tuple[Table, ...]) -> tuple[Table, ...]:
    """What a run learned, and of the families that it did not reach what was known before."""
    learned = {column.family.name for table in now for column in table.columns}
    kept = (
        replace(table, columns=columns)
        for table in before
        if (columns := tuple(column for column in table.columns if column.family.name not in learned))
    )
    return (*now, *kept)


class Store:
    """What is known of hosts and checks; every method is for the event loop's thread."""

    def __init__(
        self,
        journal: Journal | None = None,
        *,
        wall: Callable[[], float] = time.time,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """With a journal, what it holds of an earlier life is taken up as checks are planned."""
        self._journal = journal
        self._wall = wall
        self._clock = clock
        self._hosts: dict[str, Host] = {}
        self._states: dict[CheckKey, CheckState] = {}
        self._of_host: dict[str, dict[CheckKey, None]] = {}
        self._verdicts: dict[str, HostVerdict] = {}
        self._listeners: list[Listener] = []
        self._change_listeners: list[ChangeListener] = []
        self._recent = Recent()
        self._noted_verdicts = dict(self.noted(VERDICT))

    def states(self) -> Mapping[CheckKey, CheckState]:
        """Every planned check; `observation` is None until its first run."""
        return self._states

    def hosts(self) -> Mapping[str, Host]:
        """The configured hosts, in the config's order."""
        return self._hosts

    def verdicts(self) -> Mapping[str, HostVerdict]:
        """One for every configured host."""
        return self._verdicts

    def checks_of(self, host: str) -> tuple[CheckState, ...]:
        """The states of one host's checks, in a stable order."""
        return tuple(self._states[key] for key in self._of_host.get(host, ()))

    def listen(self, listener: Listener) -> None:
        """Call `listener(before, after)` after every observation that was taken."""
        self._listeners.append(listener)

    def on_change(self, listener: ChangeListener) -> None:
        """Call `listener(host)` whenever anything about a host is new; with "", about hosts at large.

        It is called often and in the middle of things: note it, and look later.
        """
        self._change_listeners.append(listener)

    def runs_of(self, key: CheckKey) -> Sequence[Run]:
        """A check's last runs of this process, newest last."""
        return self._recent.runs_of(key)

    def failures_of(self, key: CheckKey) -> Sequence[Observation]:
        """A check's last runs that were not ok, newest last; they stay after success."""
        return self._recent.failures_of(key)

    def tell(self, news: News) -> None:
        """Announce something to the people who look."""
        self._recent.tell(news)
        self._changed(news.host)

    def news(self) -> Sequence[News]:
        """The last announcements, newest last."""
        return self._recent.news()

    def note(self, kind: str, name: str, value: Any) -> None:
        """Have `value`, which JSON must hold, survive a restart under its kind and name; None forgets it."""
        if self._journal is not None:
            row = None if value is None else (json.dumps(value, separators=(",", ":")),)
            self._journal.write("notes", (kind, name), row)

    def noted(self, kind: str) -> Mapping[str, Any]:
        """The notes of a kind that an earlier life of the agent left, by name."""
        notes: dict[str, Any] = {}
        for name, text in (self._journal.restored_notes(kind) if self._journal else {}).items():
            with contextlib.suppress(ValueError):
                notes[name] = json.loads(text)
        return notes

    def plan(self, hosts: Iterable[Host], checks: Iterable[Check]) -> None:
        """Take the set of hosts and checks; what stays keeps its state, what goes is forgotten."""
        self._hosts = {host.name: host for host in hosts}
        states: dict[CheckKey, CheckState] = {}
        for check in sorted(checks, key=lambda check: check.key):
            known = self._states.get(check.key)
            states[check.key] = replace(known, check=check) if known else self._restored(check)
        self._forget(self._states.keys() - states.keys(), self._verdicts.keys() - self._hosts.keys())
        self._states = states
        self._of_host = {name: {} for name in self._hosts}
        for key in states:
            self._of_host[key.host][key] = None
        self._verdicts = {
            name: self._verdicts.get(name) or self._restored_verdict(name) for name in self._hosts
        }
        self._changed("")

    def put(self, observation: Observation) -> None:
        """Take an observation; one of a check that is no longer planned is dropped."""
        before = self._states.get(observation.key)
        if before is None:
            return
        after = self._states[observation.key] = advance(before, observation)
        if self._journal is not None:
            self._journal.write("checks", observation.key, _check_row(after))
        self._recent.saw(observation)
        for listener in self._listeners:
            listener(before, after)
        self._changed(observation.key.host)

    def put_verdict(self, verdict: HostVerdict) -> None:
        """Take what watch judged."""
        before = self._verdicts.get(verdict.host)
        if before is None:
            return
        self._verdicts[verdict.host] = verdict
        if before.since != verdict.since or before.confirmed.name is not verdict.confirmed.name:
            if self._journal is not None:
                row = (verdict.confirmed.name.value, verdict.confirmed.sentence, verdict.since)
                self._journal.write("verdicts", (verdict.host,), row)
            self.note(VERDICT, verdict.host, note_of(verdict, self._clock() - self._wall()))
        elif known_by(before) != known_by(verdict):
            self.note(VERDICT, verdict.host, note_of(verdict, self._clock() - self._wall()))
        if before != verdict:
            self._changed(verdict.host)

    def _changed(self, host: str) -> None:
        for listener in self._change_listeners:
            listener(host)

    def _restored(self, check: Check) -> CheckState:
        row = self._journal.restored("checks", check.key) if self._journal else None
        if row is None:
            return CheckState(check)
        try:
            result, reason, last_run, streak, streak_ok, since, turned, last_ok, answered = row
            offset = self._clock() - self._wall()
            return CheckState(
                check,
                result=Result(str(result)),
                reason=Reason(str(reason)),
                last_run=float(last_run),
                streak=int(streak),
                streak_ok=bool(streak_ok),
                since=float(since),
                since_begun=float(since) + offset,
                turned=float(turned),
                turned_begun=float(turned) + offset,
                last_ok=float(last_ok),
                answered=bool(answered),
            )
        except ValueError:  # written by a later version, which knew more results
            return CheckState(check)

    def _restored_verdict(self, host: str) -> HostVerdict:
        row = self._journal.restored("verdicts", (host,)) if self._journal else None
        if row is not None:
            name, sentence, since = row
            offset = self._clock() - self._wall()
            try:
                verdict = Verdict(VerdictName(str(name)), str(sentence))
                return with_note(
                    HostVerdict(host, verdict, float(since), verdict, since_begun=float(since) + offset),
                    self._noted_verdicts.pop(host, None),
                    offset,
                )
            except ValueError:
                pass
        return HostVerdict(host, UNSEEN, 0.0, UNSEEN)

    def _forget(self, keys: Iterable[CheckKey], hosts: Iterable[str]) -> None:
        self._recent.forget(keys)
        if self._journal is not None:
            for key in keys:
                self._journal.write("checks", key, None)
            for host in hosts:
                self._journal.write("verdicts", (host,), None)
                self.note(VERDICT, host, None)


def _check_row(state: CheckState) -> Row:
    assert state.result is not None  # noqa: S101 - called after a run only
    return (
        state.result.value,
        state.reason.value,
        state.last_run,
        state.streak,
        state.streak_ok,
        state.since,
        state.turned,
        state.last_ok,
        state.answered,
    )
