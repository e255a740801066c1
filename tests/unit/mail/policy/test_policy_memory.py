"""What is remembered between two looks at a domain."""

import dataclasses

from netmon.errors import Reason
from netmon.mail.policy.memory import HOUR, PolicyMemory
from netmon.mail.policy.mta_sts import Seen, StsPolicy
from netmon.model import CheckKey, Observation, Result

KEY = CheckKey("example.test", "policy", "example.test")
SEEN = Observation(KEY, Result.OK, Reason.OK, "", started=0.0, duration=1.0, begun=100.0)


def test_once_an_hour() -> None:
    """Within the hour the same check is answered from memory; other settings are another check."""
    memory = PolicyMemory()
    memory.keep("a", SEEN)
    assert memory.recent(KEY, "a", 200.0) == SEEN
    assert memory.recent(KEY, "b", 200.0) is None
    assert memory.recent(KEY, "a", 100.0 + HOUR) is None
    later = dataclasses.replace(SEEN, begun=5000.0)
    memory.keep("a", later)
    assert memory.recent(KEY, "a", 5001.0) == later


def test_a_policy_under_one_id() -> None:
    """The first counts, until the id changes."""
    memory = PolicyMemory()
    first, second = StsPolicy("enforce", 60, ("a.test",)), StsPolicy("enforce", 60, ("b.test",))
    assert memory.policy("d.test") is None
    memory.saw("d.test", "1", first, 0.0)
    memory.saw("d.test", "1", second, 5.0)
    assert memory.policy("d.test") == Seen("1", first, 5.0)
    memory.saw("d.test", "2", second, 6.0)
    assert memory.policy("d.test") == Seen("2", second, 6.0)


def test_it_is_bounded() -> None:
    """What was written longest ago is forgotten first."""
    memory = PolicyMemory()
    policy = StsPolicy("none", 1, ())
    for number in range(10_001):
        memory.saw(f"d{number}.test", "1", policy, 0.0)
    assert memory.policy("d0.test") is None
    assert memory.policy("d1.test") is not None
