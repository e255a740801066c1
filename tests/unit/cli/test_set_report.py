"""What `netmon snmp set` makes of an agent's word and of what is read back."""

import pytest

from netmon.cli.set_report import EXIT_NOT_SET, EXIT_UNKNOWN, Read, Report
from netmon.mib.settings import parse_settings
from netmon.mib.tree import shipped
from netmon.snmp import ber
from netmon.snmp.message import ERROR_NAMES
from netmon.snmp.outcome import Fate, Outcome

OLD: Read = (ber.OCTET_STRING, b"old")
NEW: Read = (ber.OCTET_STRING, b"new")
OTHER: Read = (ber.OCTET_STRING, b"oth\x1b[31mer")


def report(outcome: Outcome | None, *after: Read, before: Read = OLD) -> Report:
    """Of sysContact and sysName, both set to "new"."""
    assignments = parse_settings(["sysContact=new", "sysName=new"], shipped())
    return Report("sw1", assignments, [before, before], repr, outcome, after)


@pytest.mark.parametrize(
    ("outcome", "after", "code", "words"),
    [
        (Outcome(Fate.DONE), (NEW, NEW), 0, "all read back as set"),
        (Outcome(Fate.DONE), (NEW, OLD), EXIT_NOT_SET, "sysName.0: unchanged"),
        (Outcome(Fate.DONE), (NEW, OTHER), EXIT_NOT_SET, "which is not what was set"),
        (Outcome(Fate.DONE), (NEW, None), EXIT_UNKNOWN, "nobody knows what it is now"),
        (Outcome(Fate.REFUSED, 10, 2), (OLD, OLD), EXIT_NOT_SET, "sysName.0: wrongValue: the agent never"),
        (Outcome(Fate.REFUSED, 10, 99), (OLD, OLD), EXIT_NOT_SET, "refuses: wrongValue"),
        (Outcome(Fate.REFUSED, 99, 0), (OLD, OLD), EXIT_NOT_SET, "error-status 99"),
        (Outcome(Fate.REFUSED, 15, 2), (NEW, OLD), EXIT_NOT_SET, "sysContact.0: is "),
        (Outcome(Fate.REFUSED, 15, 0), (None, None), EXIT_UNKNOWN, "some objects may have changed"),
        (
            Outcome(Fate.REPORTED, why="no such user"),
            (OLD, OLD),
            EXIT_NOT_SET,
            "did not take the SET: no such",
        ),
        (
            Outcome(Fate.REPORTED, why="no such user"),
            (NEW, NEW),
            0,
            "may not be the agent: read back, it did",
        ),
        (Outcome(Fate.REPORTED, why="no such user"), (NEW, OLD), EXIT_NOT_SET, "sysContact.0: is "),
        (Outcome(Fate.REPORTED, why="no such user"), (None, OLD), EXIT_NOT_SET, "nothing was changed"),
        (Outcome(Fate.NOT_SENT, why="refused"), (NEW, NEW), 0, "may not be the agent: read back, it did"),
        (Outcome(Fate.NOT_SENT, why="refused"), (), EXIT_NOT_SET, "nothing was changed"),
        (Outcome(Fate.UNKNOWN, why="silence"), (NEW, NEW), 0, "may have happened; read back, it did"),
        (Outcome(Fate.UNKNOWN, why="silence"), (OLD, OLD), EXIT_NOT_SET, "read back, it did not, or not yet"),
        (Outcome(Fate.UNKNOWN, why="silence"), (NEW, OLD), EXIT_NOT_SET, "not all is set"),
        (Outcome(Fate.UNKNOWN, why="silence"), (None, NEW), EXIT_UNKNOWN, "could not be read back"),
    ],
)
def test_how_it_ended(outcome: Outcome, after: tuple[Read, ...], code: int, words: str) -> None:
    """The exit code, and a sentence for the whole and for each object."""
    ended = report(outcome, *after)
    text = "\n".join(ended.lines())
    assert words in text
    assert ended.exit_code == code
    assert "\x1b" not in text
    assert ended.as_json()["verified"] == (code == 0)


@pytest.mark.parametrize("status", range(1, len(ERROR_NAMES)))
def test_each_error_has_a_sentence(status: int) -> None:
    """All of RFC 3416's and RFC 1157's."""
    sentence = report(Outcome(Fate.REFUSED, status, 1), OLD, OLD).verdict()
    assert f"sysContact.0: {ERROR_NAMES[status]}: " in sentence
    assert "no standard names" not in sentence


def test_no_answer_to_what_was_so_before() -> None:
    """Nothing can be told, and nothing depends on it."""
    ended = report(Outcome(Fate.UNKNOWN, why="silence"), NEW, NEW, before=NEW)
    assert "all was so before already" in ended.verdict()


def test_the_table() -> None:
    """Present and new value; what is so already is marked, what is not there said, no secret shown."""
    assignments = parse_settings(["sysName=new", "ifAlias.3=x", 'snmpCommunityName."a"=hush'], shipped())
    absent: Read = (ber.NO_SUCH_INSTANCE, None)
    lines = list(Report("sw1", assignments, [NEW, absent, (ber.OCTET_STRING, b"hush")], repr).table())
    assert "  =   STRING: new" in lines[1]
    assert "(not there)" in lines[2]
    assert "hush" not in "\n".join(lines)
    assert "<secret>" in lines[3]
