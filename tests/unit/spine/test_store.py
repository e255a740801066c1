"""What the store keeps, over runs, reloads and restarts."""

import sqlite3
from pathlib import Path

import pytest

from netmon.errors import Reason
from netmon.journal import Journal, StateError
from netmon.model import (
    CheckState,
    Column,
    Family,
    Host,
    HostVerdict,
    Kind,
    Result,
    Table,
    Verdict,
    VerdictName,
)
from netmon.store import Store, advance
from tests.unit.spine.records import check, seen, state

HOST = Host("mx1", "192.0.2.1")
SMTP = check("smtp", port=25)
FAILED = Result.FAILED


def test_a_streak_counts_scheduled_runs_of_one_outcome() -> None:
    """ok and not ok are the two outcomes: failing differently is still failing."""
    known = state(SMTP, seen(SMTP), seen(SMTP, FAILED), seen(SMTP, Result.DEFERRED), seen(SMTP, FAILED))
    assert (known.streak, known.streak_ok) == (3, False)


def test_a_requested_run_is_evidence_and_no_streak() -> None:
    """Ten runs on request confirm nothing, but their result is seen."""
    known = state(SMTP, seen(SMTP), *(seen(SMTP, FAILED, scheduled=False) for _ in range(10)))
    assert (known.streak, known.streak_ok, known.result) == (1, True, FAILED)


def test_since_is_when_the_result_came_and_turned_when_it_stopped_being_ok() -> None:
    """A fault that changes its kind is still the same fault."""
    known = state(
        SMTP,
        seen(SMTP, begun=1.0),
        seen(SMTP, Result.DEFERRED, begun=2.0),
        seen(SMTP, FAILED, begun=3.0),
        seen(SMTP, FAILED, begun=4.0),
    )
    assert (known.since, known.turned, known.last_ok, known.last_run) == (3.0, 2.0, 1.0, 4.0)


def test_own_series_stay_when_a_run_brings_none() -> None:
    """The last known certificate stays known while the server is down."""
    table = Table((), ((),), (Column(Family("netmon_x", Kind.GAUGE, "x"), [1]),))
    known = state(SMTP, seen(SMTP, own=(table,)), seen(SMTP, FAILED))
    assert known.own == (table,)


def test_own_series_of_a_partial_run_join_what_was_known() -> None:
    """A run that ends before TLS has a new banner and keeps the certificate that was seen last."""
    banner, expiry = Family("netmon_banner", Kind.GAUGE, "b"), Family("netmon_expiry", Kind.GAUGE, "e")

    def tables(*columns: Column) -> tuple[Table, ...]:
        return tuple(Table((), ((),), (column,)) for column in columns)

    full, partial = tables(Column(banner, [1]), Column(expiry, [7])), tables(Column(banner, [2]))
    known = state(SMTP, seen(SMTP, own=full), seen(SMTP, FAILED, own=partial))
    values = {column.family.name: column.values for table in known.own for column in table.columns}
    assert values == {"netmon_banner": [2], "netmon_expiry": [7]}


def test_an_observation_of_an_unplanned_check_is_dropped() -> None:
    """A run that ends after its check was removed leaves no trace."""
    store = Store()
    store.plan([HOST], [])
    store.put(seen(SMTP))
    assert store.states() == {}


def test_a_new_plan_keeps_what_stays() -> None:
    """A reload forgets the checks that went and keeps the others' state."""
    store = Store()
    store.plan([HOST], [SMTP, check("snmp")])
    store.put(seen(SMTP))
    store.plan([HOST], [SMTP])
    assert list(store.states()) == [SMTP.key]
    assert store.states()[SMTP.key].streak == 1


def test_a_listener_gets_both_sides_of_a_change() -> None:
    """Watch needs to know what was before."""
    store = Store()
    heard: list[tuple[CheckState, CheckState]] = []
    store.listen(lambda before, after: heard.append((before, after)))
    store.plan([HOST], [SMTP])
    store.put(seen(SMTP))
    ((before, after),) = heard
    assert (before.result, after.result) == (None, Result.OK)


def _write(folder: Path) -> None:
    journal = Journal(folder)
    store = Store(journal, wall=lambda: 5000.0, clock=lambda: 500.0)
    store.plan([HOST], [SMTP])
    for begun in (1000.0, 1060.0, 1120.0):
        store.put(seen(SMTP, FAILED, Reason.REFUSED, begun=begun))
    down = Verdict(VerdictName.MAIL_DOWN, "refused")
    store.put_verdict(HostVerdict("mx1", down, 1120.0, down, alive=True))
    journal.close()


def test_streaks_and_verdicts_survive_a_restart(tmp_path: Path) -> None:
    """The next life of the agent goes on counting where the last one stopped."""
    _write(tmp_path)
    journal = Journal(tmp_path)
    store = Store(journal, wall=lambda: 5000.0, clock=lambda: 10.0)
    store.plan([HOST], [SMTP])
    known = store.states()[SMTP.key]
    assert (known.streak, known.result, known.reason, known.since) == (3, FAILED, Reason.REFUSED, 1000.0)
    assert known.since_begun == 10.0 - 4000.0
    assert known.observation is None
    assert advance(known, seen(SMTP, FAILED, begun=6000.0)).streak == 4
    verdict = store.verdicts()["mx1"]
    assert (verdict.confirmed.name, verdict.since) == (VerdictName.MAIL_DOWN, 1120.0)
    journal.close()


def test_a_removed_host_leaves_nothing_behind(tmp_path: Path) -> None:
    """A host that comes back after its removal starts afresh."""
    _write(tmp_path)
    journal = Journal(tmp_path)
    store = Store(journal)
    store.plan([HOST], [SMTP])
    store.plan([], [])
    store.plan([HOST], [SMTP])
    assert store.states()[SMTP.key].result is None
    journal.close()
    with sqlite3.connect(tmp_path / "state.db") as db:
        assert db.execute("SELECT count(*) FROM checks").fetchone() == (0,)
    db.close()


def test_two_agents_cannot_share_a_state_folder(tmp_path: Path) -> None:
    """The second one is told so in a sentence."""
    journal = Journal(tmp_path)
    with pytest.raises(StateError, match="in use by another netmon"):
        Journal(tmp_path)
    journal.close()


def test_a_state_file_of_a_later_version_is_refused(tmp_path: Path) -> None:
    """A downgrade does not silently lose what the newer version knew."""
    _write(tmp_path)
    with sqlite3.connect(tmp_path / "state.db") as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(StateError, match="later netmon"):
        Journal(tmp_path)


def test_a_broken_state_file_is_set_aside(tmp_path: Path) -> None:
    """Monitoring goes on, and the broken file is kept for whoever wants to look."""
    (tmp_path / "state.db").write_bytes(b"not a database at all" * 100)
    journal = Journal(tmp_path)
    assert journal.restored("checks", SMTP.key) is None
    journal.close()
    assert len(list(tmp_path.glob("state.broken-*"))) == 1


def test_an_unusable_folder_says_how_to_mend_it(tmp_path: Path) -> None:
    """The sentence names the folder and the config key."""
    (tmp_path / "file").write_text("x")
    with pytest.raises(StateError, match=r"state\.path"):
        Journal(tmp_path / "file" / "state")


def test_a_locked_file_loses_nothing(tmp_path: Path) -> None:
    """While another process holds the database, rows wait in memory; then they are written."""
    journal = Journal(tmp_path)
    blocker = sqlite3.connect(tmp_path / "state.db", isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    store = Store(journal)
    store.plan([HOST], [SMTP])
    store.put(seen(SMTP, FAILED))
    assert store.states()[SMTP.key].result is FAILED
    blocker.execute("COMMIT")
    blocker.close()
    journal.close()
    again = Journal(tmp_path)
    assert again.restored("checks", SMTP.key) is not None
    again.close()
