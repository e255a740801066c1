"""What `netmon snmp set` tells: present and new values, each object's fate, the agent's reasons; pure."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from netmon.cli.common import shown
from netmon.cli.named import named_text
from netmon.mib.settings import Assignment
from netmon.snmp import ber
from netmon.snmp.message import error_name
from netmon.snmp.outcome import Fate, Outcome

EXIT_NOT_SET: Final = 1
EXIT_UNKNOWN: Final = 3
_UNPROVEN: Final = frozenset((Fate.REPORTED, Fate.NOT_SENT))  # ends of which no authentic message tells

Read = tuple[int, ber.Value] | None  # tag and value; None: it could not be read

# What an error-status says about the object that error-index points to (RFC 3416 §4.2.5, RFC 1157 §4.1.5).
_REASONS: Final = {
    "tooBig": "the answer would not fit into one message: set fewer objects at once",
    "noSuchName": "SNMPv1's word for: there is no such object, or it cannot be set",
    "badValue": "SNMPv1's word for: the value has the wrong type, length or range",
    "readOnly": "SNMPv1's word for: it cannot be set",
    "genErr": "the agent failed and does not say why",
    "noAccess": "this user or community may not see or set it: the agent's write view",
    "wrongType": "the agent wants another type than the MIB says",
    "wrongLength": "the agent does not take a value of that length",
    "wrongEncoding": "the agent could not decode the value",
    "wrongValue": "the agent never takes this value",
    "noCreation": "the instance is not there and can never be created",
    "inconsistentValue": "the agent does not take this value in the state that it is in now",
    "resourceUnavailable": "the agent lacks memory or another resource",
    "commitFailed": "the agent began and failed; it says that it undid what it had begun",
    "undoFailed": "the agent began, failed, and could not undo all: some objects may have changed",
    "authorizationError": "this user, community or security level may not do that",
    "notWritable": "the agent never lets it be set, or not with this user's view",
    "inconsistentName": "the instance is not there and cannot be created in the state that the agent is in",
}


@dataclass(slots=True)
class Report:
    """One SET, from what was there before it to what is there after it."""

    target: str
    assignments: Sequence[Assignment]
    before: Sequence[Read]
    name_of: Callable[[bytes], str] = field(repr=False)
    outcome: Outcome | None = None  # None: not sent, a dry run
    after: Sequence[Read] = ()

    def text(self, assignment: Assignment, read: Read) -> str:
        """A value for people, on one line."""
        if read is None:
            return "(cannot be read)"
        if read[0] in {ber.NO_SUCH_OBJECT, ber.NO_SUCH_INSTANCE, ber.END_OF_MIB_VIEW}:
            return "(not there)"
        if assignment.secret:
            return "<secret>"
        return shown(" ".join(named_text(assignment.node, *read, self.name_of).split("\n")).rstrip())

    def table(self) -> Iterable[str]:
        """What is about to be done."""
        rows = [("object", "present", "", "new")]
        for assignment, before in zip(self.assignments, self.before, strict=True):
            same = before is not None and assignment.reads_back(*before)
            new = self.text(assignment, (assignment.tag, assignment.value))
            rows.append((assignment.name, self.text(assignment, before), "=" if same else "->", new))
        widths = [max(len(row[column]) for row in rows) for column in range(3)]
        for row in rows:
            yield "  ".join(
                [*(f"{cell:<{w}}" for cell, w in zip(row, widths, strict=False)), row[3]]
            ).rstrip()

    def fate(self, number: int) -> str:
        """One object's fate in a word: verified, differs, unchanged, refused, unread or not_sent."""
        outcome = self.outcome
        if outcome is None or (outcome.fate in _UNPROVEN and not self._belied):
            return "unchanged" if outcome is not None and outcome.fate is Fate.REPORTED else "not_sent"
        if outcome.fate is Fate.REFUSED and outcome.error_index == number + 1:
            return "refused"
        after = self.after[number]
        if after is None:
            return "unchanged" if outcome.fate is Fate.REFUSED and not self._half_done else "unread"
        if self.assignments[number].reads_back(*after):
            same = outcome.fate is Fate.REFUSED and self.before[number] == after
            return "unchanged" if same else "verified"
        return "unchanged" if self.before[number] == after else "differs"

    @property
    def _half_done(self) -> bool:
        return self.outcome is not None and error_name(self.outcome.error_status) in {
            "undoFailed", "commitFailed", "genErr"
        }  # fmt: skip

    @property
    def _belied(self) -> bool:
        """Whether an object has its new value although a message says that the SET was not carried out.

        Nothing proves who sent a report (RFC 3414 §3.2) or an ICMP message: others can have it arrive first.
        """
        return (
            self.outcome is not None
            and self.outcome.fate in _UNPROVEN
            and any(
                after is not None and after != before and one.reads_back(*after)
                for one, before, after in zip(self.assignments, self.before, self.after, strict=False)
            )
        )

    @property
    def exit_code(self) -> int:
        """0 all is verified; 1 refused, or it reads otherwise; 3 nobody knows."""
        if self.outcome is None:
            return 0
        fates = [self.fate(number) for number in range(len(self.assignments))]
        if self.outcome.fate in {Fate.DONE, Fate.UNKNOWN} or self._belied:
            if "unread" in fates:
                return EXIT_UNKNOWN
            return 0 if set(fates) == {"verified"} else EXIT_NOT_SET
        return EXIT_UNKNOWN if "unread" in fates else EXIT_NOT_SET

    def lines(self) -> Iterable[str]:
        """How it ended: the agent's word, then each object."""
        assert self.outcome is not None  # noqa: S101 - it was sent
        yield self.verdict()
        for number, assignment in enumerate(self.assignments):
            fate = self.fate(number)
            after = self.text(assignment, self.after[number]) if self.after else ""
            words = {
                "verified": f"is {after}",
                "differs": f"reads {after}, which is not what was set",
                "unchanged": f"unchanged{f': {after}' if after else ''}",
                "refused": "refused",
                "unread": "could not be read back: nobody knows what it is now",
                "not_sent": "not sent",
            }[fate]
            yield f"  {assignment.name}: {words}"

    def verdict(self) -> str:
        """The agent's word in one sentence."""
        outcome = self.outcome
        assert outcome is not None  # noqa: S101 - it was sent
        if outcome.fate is Fate.DONE:
            done = "all read back as set" if self.exit_code == 0 else "but not all reads back as set"
            return f"{self.target} says that it is done; {done}"
        if outcome.fate is Fate.REFUSED:
            name = error_name(outcome.error_status)
            what = f"{name}: {_REASONS.get(name, 'an error that no standard names')}"
            culprit = ""
            if 0 < outcome.error_index <= len(self.assignments):
                culprit = f" {self.assignments[outcome.error_index - 1].name}:"
            end = "" if self._half_done else "; nothing was changed"
            return f"{self.target} refuses:{culprit} {what}{end}"
        if self._belied:
            return f"{self.target}: {outcome.why}; but whoever says so may not be the agent: {self._found()}"
        if outcome.fate is Fate.REPORTED:
            return f"{self.target} did not take the SET: {outcome.why}; nothing was changed"
        if outcome.fate is Fate.NOT_SENT:
            return f"{self.target}: {outcome.why}; nothing was changed"
        return f"{self.target}: {outcome.why}. The SET was sent once and may have happened; {self._found()}"

    def _found(self) -> str:
        fates = {self.fate(number) for number in range(len(self.assignments))}
        if "unread" in fates:
            return "and it could not be read back. Read it later: netmon snmp get"
        if fates == {"verified"}:
            before = [
                read is not None and one.reads_back(*read)
                for one, read in zip(self.assignments, self.before, strict=True)
            ]
            return "all was so before already" if all(before) else "read back, it did: all has its new value"
        return "read back, it did not, or not yet" if "verified" not in fates else "read back, not all is set"

    def facts(self) -> list[dict[str, Any]]:
        """The objects, for the audit trail: values as text, unless they look secret."""
        return [
            {"object": one.name, "old": self.text(one, before), "new": self.text(one, (one.tag, one.value))}
            for one, before in zip(self.assignments, self.before, strict=True)
        ]

    def as_json(self) -> dict[str, Any]:
        """Everything, for programs."""
        outcome = self.outcome
        objects = []
        for number, (fact, one) in enumerate(zip(self.facts(), self.assignments, strict=True)):
            after = {"after": self.text(one, self.after[number])} if self.after else {}
            objects.append(fact | {"oid": ".".join(map(str, one.oid))} | after | {"fate": self.fate(number)})
        return {
            "target": self.target,
            "sent": outcome is not None and (outcome.fate is not Fate.NOT_SENT or self._belied),
            "outcome": "dry_run" if outcome is None else outcome.fate.value,
            "error_status": error_name(outcome.error_status) if outcome is not None else None,
            "error_index": outcome.error_index if outcome is not None else None,
            "sentence": self.verdict() if outcome is not None else "nothing was sent",
            "verified": outcome is not None and self.exit_code == 0,
            "objects": objects,
        }
