"""What lies over a verdict, as the pages and their JSON show it."""

from dataclasses import replace

from netmon.model import MailState, Silenced, SilenceKind, VerdictName
from netmon.status import row_of, to_json
from netmon.status.text import aged, moment
from tests.unit.exposition.world import host
from tests.unit.status.test_status import NOW, alone, judged, root, world_of


def test_a_silenced_host_says_by_what_why_and_how_long_still() -> None:
    """On both pages; what a person wrote is escaped."""
    silenced = Silenced(SilenceKind.SILENCE, "new <disks>", NOW + 7200)
    verdict = replace(judged(VerdictName.MAIL_DOWN, "refused"), silenced=silenced, healthy_at=NOW - 300)
    world = world_of(host("mx1"), verdict)
    for page in (root(world), alone(world)):
        assert "Alerts are held back (silence: new &lt;disks&gt;), which ends" in page
        assert ">in 2 h</time>" in page
    assert "Last healthy" in alone(world)


def test_a_flapping_host_is_marked() -> None:
    """Beside its verdict."""
    verdict = replace(judged(VerdictName.HEALTHY, "fine"), flapping=True)
    world = world_of(host("mx1"), verdict)
    assert "Flapping" in root(world)
    assert "Flapping" not in root(world_of(host("mx1"), judged(VerdictName.HEALTHY, "fine")))


def test_json_has_what_each_side_says_and_what_is_held_back() -> None:
    """For scripts: states of mail and SNMP, last health, the silence."""
    silenced = Silenced(SilenceKind.REBOOT, "it booted at 10:02", NOW + 60)
    before = judged(VerdictName.MAIL_DOWN, "refused")
    verdict = replace(before, silenced=silenced, confirmed=replace(before.confirmed, mail=MailState.DOWN))
    world = world_of(host("mx1"), verdict)
    shown = to_json(row_of(world, host("mx1")))
    assert (shown["mail_state"], shown["snmp_state"], shown["flapping"]) == ("down", "none", False)
    assert shown["silenced"] == {"kind": "reboot", "why": "it booted at 10:02", "until": NOW + 60}
    assert shown["last_healthy"] is None


def test_a_moment_to_come_is_told_as_such() -> None:
    """In how long; one that is past, how long ago."""
    assert ">in 5 min</time>" in aged(moment(1300.0), 1000.0)
    assert ">5 min ago</time>" in aged(moment(700.0), 1000.0)
