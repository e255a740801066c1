"""What the store remembers of lately: runs, failures, news, and who is told of a change."""

from netmon.errors import Reason
from netmon.model import Host, HostVerdict, News, Result, Run, Verdict, VerdictName
from netmon.recent import FAILURES, FAILURES_SIZE, NEWS, RUNS, Recent
from netmon.store import Store
from netmon.watch import Watch
from tests.unit.exposition.world import UPTIME, scalar
from tests.unit.spine.records import check, seen
from tests.unit.spine.test_watch import Wished

HOST = Host("mx1", "192.0.2.1")
SMTP = check("smtp", port=25)
FAILED = Result.FAILED


def store() -> Store:
    """A store that watches one check."""
    made = Store()
    made.plan([HOST], [SMTP])
    return made


def test_failures_stay_after_success() -> None:
    """The last five runs that were not ok are kept with their dialogue, and without device data."""
    known = store()
    table = scalar(UPTIME, 1)
    for begun in range(7):
        known.put(seen(SMTP, FAILED, begun=float(begun), trail=(f"line {begun}",), tables=(table,)))
    known.put(seen(SMTP, begun=10.0))
    kept = known.failures_of(SMTP.key)
    assert [failure.trail for failure in kept] == [(f"line {begun}",) for begun in range(7 - FAILURES, 7)]
    assert all(failure.tables == () for failure in kept)


def test_runs_are_bounded_and_newest_last() -> None:
    """Of a check the last sixty results and durations are kept."""
    known = store()
    for _ in range(RUNS):
        known.put(seen(SMTP))
    known.put(seen(SMTP, FAILED))
    runs = known.runs_of(SMTP.key)
    assert len(runs) == RUNS
    assert runs[-1].result is FAILED
    assert runs[0] == Run(Result.OK, runs[0].seconds)
    assert abs(runs[0].seconds - 0.1) < 1e-6


def test_when_everything_fails_memory_stays_bounded() -> None:
    """All failures together have a budget; those of the check that failed longest ago go first."""
    recent = Recent()
    trail = ("x" * 1_000_000,)
    checks = [check("smtp", f"h{number}", port=25) for number in range(FAILURES_SIZE // 1_000_000)]
    for one in checks:
        recent.saw(seen(one, FAILED, trail=trail))
    assert [len(recent.failures_of(one.key)) for one in checks[:2]] == [0, 1]
    recent.forget(one.key for one in checks[:-2])
    recent.saw(seen(checks[0], FAILED, trail=trail))
    assert [len(recent.failures_of(one.key)) for one in checks[-2:]] == [1, 1]


def test_a_removed_check_is_forgotten() -> None:
    """A check that comes back after its removal has no past."""
    known = store()
    known.put(seen(SMTP, FAILED))
    known.plan([], [])
    known.plan([HOST], [SMTP])
    assert not known.runs_of(SMTP.key)
    assert not known.failures_of(SMTP.key)


def test_news_are_bounded_and_newest_last() -> None:
    """The last two hundred announcements are kept."""
    known = store()
    for number in range(NEWS + 1):
        known.tell(News(float(number), "x"))
    assert len(known.news()) == NEWS
    assert known.news()[-1].at == NEWS


def test_whoever_listens_is_told_which_host_changed() -> None:
    """A run, a new verdict, news and a new plan are changes; the same once more is none."""
    known, heard = store(), list[str]()
    known.on_change(heard.append)
    known.put(seen(SMTP))
    down = Verdict(VerdictName.MAIL_DOWN, "refused")
    for _ in range(2):
        known.put_verdict(HostVerdict("mx1", down, 1.0, down))
    known.tell(News(1.0, "Postfix stops", "mx1"))
    known.plan([], [])
    assert heard == ["mx1", "mx1", "mx1", ""]


def test_a_change_of_verdict_is_news() -> None:
    """Watch tells what the host is now, and why."""
    known = store()
    watch = Watch(known, Wished(), clock=lambda: 1000.0, wall=lambda: 5.0)
    known.listen(watch.saw)
    for begun in (1000.0, 1001.0, 1002.0):
        known.put(seen(SMTP, FAILED, Reason.REFUSED, begun=begun))
    (news,) = known.news()
    assert (news.at, news.host) == (5.0, "mx1")
    assert news.text.startswith("mail_down: SMTP on 25")
