"""What watch remembers and what lies over a verdict: flapping, silences, a boot, isolation, restarts."""

from dataclasses import replace
from pathlib import Path

import pytest

from netmon.errors import Reason
from netmon.journal import Journal
from netmon.model import Host, Observation, Result, Silenced, SilenceKind, VerdictName
from netmon.store import Store
from tests.unit.health.facts import disks, ports, run, scalar
from tests.unit.spine.records import check, seen
from tests.unit.spine.test_watch import World, dead

FAILED = Result.FAILED
MX1, MX2, MX3 = (Host(f"mx{n}", f"192.0.2.{n}") for n in (1, 2, 3))
SMTP = check("smtp", MX1, port=25)
SNMP = check("snmp", MX1, port=161)


def refused(of: object, begun: float) -> Observation:
    """A closed port on a living host."""
    return seen(of, FAILED, Reason.REFUSED, begun=begun)


def told(begun: float, *tables: object) -> Observation:
    """An SNMP run that brought these."""
    return replace(run(*tables, begun=begun), key=SNMP.key)


def outage(world: World, begun: float) -> None:
    """Mail is down and up again, both confirmed."""
    for n in range(3):
        world.put(refused(SMTP, begun + n))
    for n in range(2):
        world.put(seen(SMTP, begun=begun + 10 + n))


def test_a_verdict_that_changes_to_and_fro_is_flapping_until_it_calms_down() -> None:
    """Six changes in an hour mark it; when but two are left of that hour it is over."""
    world = World(SMTP)
    world.put(seen(SMTP, begun=1001))
    for number in range(3):
        assert not world.store.verdicts()["mx1"].flapping
        outage(world, 1100 + 600 * number)
    verdict = world.store.verdicts()["mx1"]
    assert verdict.flapping
    world.put(seen(SMTP, begun=2700))
    assert "flapping" in {f.kind for f in world.store.verdicts()["mx1"].candidate.findings}
    world.now = 1700 + 3600 + 20
    world.put(seen(SMTP, begun=world.now))
    assert not world.store.verdicts()["mx1"].flapping


class Hushed:
    """What silences mx1 while `until` is not reached."""

    until = 0.0

    def quiet(self, now: float, _wall: float) -> bool:
        """Whether it is over."""
        return now >= self.until

    def of(self, host: Host, now: float, _wall: float) -> Silenced | None:
        """The silence."""
        if host.name != "mx1" or now >= self.until:
            return None
        return Silenced(SilenceKind.SILENCE, "new disks", self.until)


def test_a_silence_lies_over_the_verdict_and_ends_by_itself() -> None:
    """The verdict goes on; the tick takes the silence away when its time is up."""
    world = World(SMTP)
    world.watch._hush = hush = Hushed()
    world.put(seen(SMTP, begun=1001))
    hush.until = 1500.0
    world.watch.silences_changed()
    silenced = world.store.verdicts()["mx1"].silenced
    assert silenced is not None
    assert silenced.why == "new disks"
    for begun in (1002, 1017, 1032):
        world.put(refused(SMTP, begun))
    assert (world.verdict(), world.store.verdicts()["mx1"].silenced) == ("mail_down", silenced)
    world.put(refused(SMTP, 1490))
    world.now = 1500.0
    world.watch.tick()
    assert (world.verdict(), world.store.verdicts()["mx1"].silenced) == ("mail_down", None)


def test_a_boot_holds_alerts_back_for_ten_minutes() -> None:
    """From the boot on, not from when it was seen; a restart of the SNMP agent alone holds nothing back."""
    world = World(SMTP, SNMP)
    world.put(seen(SMTP, begun=1001))
    world.put(told(1002, scalar("hrSystemUptime", 9_000_000)))
    assert world.store.verdicts()["mx1"].silenced is None
    world.put(told(1100, scalar("hrSystemUptime", 3000)))
    held = world.store.verdicts()["mx1"].silenced
    assert held is not None
    assert (held.kind, held.until) == (SilenceKind.REBOOT, 1070 + 600)
    world.now = 1671.0
    world.watch.tick()
    assert world.store.verdicts()["mx1"].silenced is None


def test_a_boot_holds_alerts_back_over_a_restart_of_the_agent_too(tmp_path: Path) -> None:
    """From the first moment on: before any check has run, the restored verdict is held back."""
    journal = Journal(tmp_path)
    world = World(SMTP, SNMP, store=Store(journal, wall=lambda: 1000.0, clock=lambda: 1000.0))
    world.put(seen(SMTP, begun=1001))
    world.put(told(1002, scalar("hrSystemUptime", 9_000_000)))
    world.put(told(1100, scalar("hrSystemUptime", 3000)))
    for begun in (1101, 1116, 1131):
        world.put(refused(SMTP, begun))
    journal.close()
    later = Journal(tmp_path)
    again = World(SMTP, SNMP, store=Store(later, wall=lambda: 1000.0, clock=lambda: 1000.0))
    verdict = again.store.verdicts()["mx1"]
    assert (verdict.confirmed.name, verdict.silenced is not None) == (VerdictName.MAIL_STARVED, True)
    later.close()


def test_mail_that_fails_right_after_a_boot_has_the_boot_as_its_cause() -> None:
    """mail_starved, and held back."""
    world = World(SMTP, SNMP)
    world.put(seen(SMTP, begun=1001))
    world.put(told(1002, scalar("hrSystemUptime", 9_000_000)))
    world.put(told(1100, scalar("hrSystemUptime", 3000)))
    for begun in (1101, 1116, 1131):
        world.put(refused(SMTP, begun))
    assert world.verdict() == "mail_starved"
    assert world.store.verdicts()["mx1"].silenced is not None


def test_when_many_fall_silent_the_agent_asks_itself_first() -> None:
    """The own link is dead: every host is unknown, and nobody was accused on the way."""
    checks = [check("smtp", of, port=25) for of in (MX1, MX2, MX3)]
    world = World(*checks)
    for of in checks:
        world.put(seen(of, begun=1001))
    world.sound = False
    names = set()
    for begun in (1060, 1075, 1090, 1105):
        for of in checks:
            world.put(dead(of, begun))
            names |= {world.verdict(host.name) for host in (MX1, MX2, MX3)}
    assert world.watch.isolated
    assert names == {"unknown"}
    assert "netmon itself is cut off" in world.store.verdicts()["mx1"].confirmed.sentence
    assert [news.host for news in world.store.news() if "cut off" in news.text and not news.host] == [""]


def test_the_link_comes_back_and_nobody_is_accused_by_old_failures() -> None:
    """What failed while netmon was cut off must fail again as often as any failure."""
    checks = [check("smtp", of, port=25) for of in (MX1, MX2)]
    world = World(*checks)
    for of in checks:
        world.put(seen(of, begun=1001))
    world.sound = False
    for begun in (1060, 1075, 1090):
        for of in checks:
            world.put(dead(of, begun))
    world.sound = True
    world.put(seen(checks[0], begun=1200))
    assert not world.watch.isolated
    assert (world.verdict("mx1"), world.verdict("mx2")) == ("healthy", "unknown")
    for begun in (1215, 1230):
        world.put(dead(checks[1], begun))
        assert world.verdict("mx2") == "unknown"
    world.put(dead(checks[1], 1245))
    world.put(seen(checks[0], begun=1246))
    world.put(dead(checks[1], 1260))
    assert world.verdict("mx2") == "host_down"


@pytest.mark.parametrize("sound", [True, None])
def test_a_real_outage_of_many_is_told(*, sound: bool | None) -> None:
    """The own link is sound, or nobody can tell: the hosts are down."""
    checks = [check("smtp", of, port=25) for of in (MX1, MX2)]
    world = World(*checks)
    world.sound = sound
    for of in checks:
        world.put(seen(of, begun=1001))
    for begun in (1060, 1075, 1090):
        for of in checks:
            world.put(dead(of, begun))
    assert [world.verdict(name) for name in ("mx1", "mx2")] == ["host_down", "host_down"]


def test_a_verdict_and_its_evidence_survive_a_restart(tmp_path: Path) -> None:
    """Findings with their times, when all was last well, how often it changed, what mail said."""
    journal = Journal(tmp_path)
    store = Store(journal, wall=lambda: 5000.0, clock=lambda: 5000.0)
    world = World(SMTP, SNMP, store=store)
    world.put(seen(SMTP, begun=1001))
    world.put(told(1002, disks(var=20)))
    world.put(told(1060, disks(var=100)))
    for begun in (1061, 1076, 1091):
        world.put(refused(SMTP, begun))
    before = store.verdicts()["mx1"]
    assert before.confirmed.name is VerdictName.MAIL_STARVED
    journal.close()

    later = Journal(tmp_path)
    again = World(SMTP, SNMP, store=Store(later, wall=lambda: 6000.0, clock=lambda: 100.0))
    after = again.store.verdicts()["mx1"]
    assert (after.confirmed.name, after.since) == (before.confirmed.name, before.since)
    assert (after.healthy_at, after.confirmed.mail) == (before.healthy_at, before.confirmed.mail)
    assert after.since_begun == before.since - 5900.0
    assert len(after.changes) == len(before.changes) == 1
    assert {f.kind: f.at for f in after.candidate.findings} == {
        f.kind: f.at for f in before.candidate.findings
    }
    again.now = 6000.0
    again.put(told(6001, disks(var=100)))
    again.put(refused(SMTP, 6002))
    found = {f.kind: f.at for f in again.store.verdicts()["mx1"].candidate.findings}
    assert found["storage_full"] == 1060.0
    later.close()


def test_a_port_that_was_down_before_a_restart_is_still_known_to_have_been_up(tmp_path: Path) -> None:
    """And since when it is down."""
    journal = Journal(tmp_path)
    world = World(SMTP, SNMP, store=Store(journal))
    world.put(told(1002, *ports(eth0=1)))
    world.put(told(1060, *ports(eth0=2)))
    journal.close()
    later = Journal(tmp_path)
    again = World(SMTP, SNMP, store=Store(later))
    again.put(seen(SMTP, begun=2000))
    again.put(told(2001, *ports(eth0=2)))
    findings = {f.kind: f.at for f in again.store.verdicts()["mx1"].candidate.findings}
    assert findings["interface_down"] == 1060.0
    later.close()


def test_a_note_that_makes_no_sense_is_no_obstacle(tmp_path: Path) -> None:
    """A state file that somebody has edited: the verdict stands, its evidence starts afresh."""
    journal = Journal(tmp_path)
    journal.write("verdicts", ("mx1",), ("mail_down", "down", 1000.0))
    journal.write("notes", ("verdict", "mx1"), ('{"findings": [[1, 2]]}',))
    journal.write("notes", ("device", "mx1"), ("no JSON",))
    journal.close()
    later = Journal(tmp_path)
    world = World(SMTP, SNMP, store=Store(later))
    assert world.verdict() == "mail_down"
    later.close()


def test_what_snmp_finds_is_confirmed_by_runs_too() -> None:
    """A disk that is at its limit once is no verdict; three runs are, and two clear it."""
    world = World(SMTP, SNMP)
    for begun in (1000, 1001):
        world.put(seen(SMTP, begun=begun))
    world.put(told(1002, disks(var=20)))
    for begun in (1060, 1075):
        world.put(told(begun, disks(var=91)))
        assert world.verdict() == "healthy"
        assert SNMP.key in world.wished.again
    world.put(told(1080, disks(var=89)))
    world.put(told(1095, disks(var=91)))
    assert world.verdict() == "healthy"
    for begun in (1110, 1125):
        world.put(told(begun, disks(var=91)))
    assert world.verdict() == "device_degraded"
    world.put(told(1140, disks(var=89)))
    assert world.verdict() == "device_degraded"
    world.put(told(1155, disks(var=89)))
    assert world.verdict() == "healthy"
