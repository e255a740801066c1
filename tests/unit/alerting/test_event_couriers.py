"""Events to webhooks: in order, each at least once, and never a flood."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from netmon.alerting import events as module
from netmon.alerting.events import EventCouriers
from netmon.events import Reader, Writer
from netmon.receivers import EventWebhook
from tests.unit.events.making import DAY, Wall, row
from tests.unit.web.serving import serving


class Hook:
    """A webhook that takes what it is sent, or not."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, Any]] = []
        self.status = 200

    async def __call__(self, request: Request) -> Response:
        """Take it down."""
        body = json.loads(await request.body())
        if self.status == 200:
            self.bodies.append(body)
        status = self.status
        if status == 500:
            self.status = 200
        return PlainTextResponse("", status)

    def ids(self) -> list[int]:
        """Of all events that it took."""
        return [event["id"] for body in self.bodies for event in body["events"]]


class Soon:
    """No waiting between two tries."""

    def uniform(self, _low: float, _high: float, /) -> float:
        """None."""
        return 0.0


@asynccontextmanager
async def hooked(
    folder: Path, notes: dict[str, Any] | None = None, **more: Any
) -> AsyncIterator[tuple[Hook, EventCouriers, Writer, EventWebhook]]:
    """A webhook, a courier to it, and the store."""
    notes = {} if notes is None else notes
    hook = Hook()
    pen = Writer(folder, retention=DAY, max_size=10**9, wall=Wall())
    couriers = EventCouriers(
        lambda: Reader(folder),
        note=lambda _kind, name, value: notes.update({name: value}),
        noted=lambda _kind: dict(notes),
        agent=lambda: "probe1",
        random=Soon(),
    )
    try:
        async with serving({"POST /hook": hook}) as (server, _):
            webhook = EventWebhook.model_validate(
                {"url": f"http://{server.address}/hook", "name": "chat", **more}
            )
            yield hook, couriers, pen, webhook
            await couriers.stop()
    finally:
        pen.close()


async def until(done: Callable[[], bool]) -> None:
    """Wait for something."""
    for _ in range(1000):
        if done():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it did not happen")


async def told(hook: Hook, count: int) -> None:
    """Wait for so many events."""
    await until(lambda: len(hook.ids()) >= count)


def skipped(couriers: EventCouriers) -> float:
    """Events that were left out."""
    return sum(one.value for one in couriers.readings() if one.name == "netmon_events_skipped_total")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Events are not gathered for long."""
    monkeypatch.setattr(module, "_GATHER", 0.01)


async def test_a_new_webhook_is_told_of_what_comes(tmp_path: Path) -> None:
    """Not of what was; then everything, in order, in one shape with `/api/events`."""
    async with hooked(tmp_path) as (hook, couriers, pen, webhook):
        pen.commit([row()])
        await couriers.apply([webhook])
        pen.commit([row("mx1"), row("mx2")])
        couriers.poke()
        await told(hook, 2)
        assert hook.ids() == [2, 3]
        assert hook.bodies[0]["agent"] == "probe1"
        assert hook.bodies[0]["events"][0]["values"][0]["name"] == "IF-MIB::ifIndex.3"


async def test_an_outage_loses_nothing(tmp_path: Path) -> None:
    """What a webhook could not take is sent again, until it does."""
    async with hooked(tmp_path) as (hook, couriers, pen, webhook):
        await couriers.apply([webhook])
        hook.status = 500
        pen.commit([row(), row()])
        couriers.poke()
        await told(hook, 2)
        assert hook.ids() == [1, 2]


async def test_a_restart_goes_on_where_it_was(tmp_path: Path) -> None:
    """How far a webhook was told is in the notes."""
    notes: dict[str, Any] = {}
    async with hooked(tmp_path, notes) as (hook, couriers, pen, webhook):
        await couriers.apply([webhook])
        pen.commit([row()])
        couriers.poke()
        await told(hook, 1)
    async with hooked(tmp_path, notes) as (hook, couriers, pen, webhook):
        pen.commit([row(), row()])
        await couriers.apply([webhook])
        await told(hook, 2)
        assert hook.ids() == [2, 3]


async def test_only_the_severities_that_it_wants(tmp_path: Path) -> None:
    """The others count as told."""
    async with hooked(tmp_path, severities=["critical"]) as (hook, couriers, pen, webhook):
        await couriers.apply([webhook])
        pen.commit([row(), row(severity="critical"), row(severity="info")])
        couriers.poke()
        await told(hook, 1)
        assert hook.ids() == [2]


async def test_a_refused_batch_holds_nothing_up(tmp_path: Path) -> None:
    """A 400 would be one again: it is counted, told with the next batch, and left behind."""
    async with hooked(tmp_path) as (hook, couriers, pen, webhook):
        await couriers.apply([webhook])
        hook.status = 400
        pen.commit([row()])
        couriers.poke()
        await until(lambda: skipped(couriers) > 0)
        hook.status = 200
        pen.commit([row()])
        couriers.poke()
        await told(hook, 1)
        assert (hook.ids(), hook.bodies[0]["skipped"]) == ([2], 1)


async def test_who_is_far_behind_gets_the_newest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A day of storm is no hour of requests."""
    monkeypatch.setattr(module, "BEHIND", 10)
    async with hooked(tmp_path) as (hook, couriers, pen, webhook):
        await couriers.apply([webhook])
        pen.commit([row()] * 100)
        couriers.poke()
        await told(hook, 10)
        assert hook.ids() == list(range(91, 101))
        assert hook.bodies[0]["skipped"] == 90


async def test_large_numbers_go_in_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No request is without bound."""
    monkeypatch.setattr(module, "BATCH", 7)
    async with hooked(tmp_path) as (hook, couriers, pen, webhook):
        await couriers.apply([webhook])
        pen.commit([row()] * 20)
        couriers.poke()
        await told(hook, 20)
        assert [len(body["events"]) for body in hook.bodies] == [7, 7, 6]
