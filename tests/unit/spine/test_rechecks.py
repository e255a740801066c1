"""What traps may ask for, in virtual time."""

import asyncio

from netmon.model import CheckKey
from netmon.rechecks import A_MINUTE, PAUSE, Rechecks
from tests.virtual import run_virtual


def test_a_host_is_looked_at_at_once_and_then_once_a_pause() -> None:
    """A storm about one host: it is looked at, and once more when the pause is over."""
    asked: list[tuple[float, str, str]] = []

    async def scene() -> None:
        loop = asyncio.get_running_loop()
        rechecks = Rechecks(
            lambda key, _why: asked.append((round(loop.time() - begun, 3), key.host, key.probe)),
            lambda host: [CheckKey(host, probe, "") for probe in ("ping", "snmp")],
            loop=loop,
        )
        begun = loop.time()
        for _ in range(50):
            rechecks.wish("sw1")
            await asyncio.sleep(0.1)
        rechecks.wish("sw2")
        await asyncio.sleep(60)
        assert (rechecks.done, rechecks.refused) == (3, 0)

    run_virtual(scene())
    assert asked == [
        (0.0, "sw1", "ping"),
        (0.0, "sw1", "snmp"),
        (5.0, "sw2", "ping"),
        (5.0, "sw2", "snmp"),
        (PAUSE, "sw1", "ping"),
        (PAUSE, "sw1", "snmp"),
    ]


def test_all_hosts_together_are_bounded() -> None:
    """A storm about all hosts: so many a minute, and the rest is refused and counted."""
    asked: list[str] = []

    async def scene() -> tuple[int, int]:
        rechecks = Rechecks(
            lambda key, _why: asked.append(key.host),
            lambda host: [CheckKey(host, "ping", "")],
            loop=asyncio.get_running_loop(),
        )
        for number in range(2000):
            rechecks.wish(f"h{number}")
        first = rechecks.done
        await asyncio.sleep(30)
        for number in range(2000, 4000):
            rechecks.wish(f"h{number}")
        assert len(rechecks._last) <= A_MINUTE
        assert rechecks.refused == 4000 - rechecks.done
        return first, rechecks.done

    assert run_virtual(scene()) == (A_MINUTE, 1.5 * A_MINUTE)
    assert len(asked) == 1.5 * A_MINUTE


def test_a_host_without_checks_costs_nothing() -> None:
    """One that is not in the plan is not counted, and a stop forgets what waits."""

    async def scene() -> None:
        rechecks = Rechecks(lambda _key, _why: None, lambda _host: [], loop=asyncio.get_running_loop())
        rechecks.wish("gone")
        rechecks.wish("gone")
        assert (rechecks.done, rechecks.refused, rechecks._last, rechecks._waiting) == (0, 0, {}, {})
        rechecks._last["sw1"] = asyncio.get_running_loop().time()
        rechecks.wish("sw1")
        assert rechecks._waiting
        rechecks.close()
        assert not rechecks._waiting

    run_virtual(scene())
