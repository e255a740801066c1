"""Who is told what of a page that changes."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest

from netmon.status import GoneError, Live, Page, TooManyError
from netmon.status.live import BEHIND


@dataclass
class Board:
    """A page with one slot, which counts how often it is rendered."""

    pieces: dict[str, str] = field(default_factory=lambda: {"a": "<p id=a>1</p>", "b": "<p id=b>1</p>"})
    rendered: int = 0
    gone: bool = False
    again: asyncio.Event = field(default_factory=asyncio.Event)

    def page(self) -> Page | None:
        """The page now."""
        self.rendered += 1
        self.again.set()
        return None if self.gone else Page("t", {"rows": dict(self.pieces)}, "")

    def digest(self) -> str:
        """What a browser that has the page now would say."""
        return Page("t", {"rows": dict(self.pieces)}, "").digest()


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("netmon.status.live.PACE", 0.0)


async def told(events: AsyncIterator[bytes]) -> dict[str, dict[str, object]]:
    """The next message, as what it changes by slot."""
    async with asyncio.timeout(5):
        while True:
            event = (await anext(events)).decode()
            for line in event.splitlines():
                if line.startswith("data: "):
                    changes: dict[str, dict[str, object]] = json.loads(line.removeprefix("data: "))
                    return changes


async def test_only_what_differs_is_sent() -> None:
    """A listener who has the page gets the changed piece and the order, nothing else."""
    live, board = Live(), Board()
    events = live.listen("/", board.page, board.digest())
    board.pieces = {"b": "<p id=b>1</p>", "a": "<p id=a>2</p>"}
    live.changed("a")
    assert await told(events) == {"rows": {"order": ["b", "a"], "pieces": {"a": "<p id=a>2</p>"}}}
    await live.close()


async def test_who_missed_something_gets_it_whole() -> None:
    """A browser that comes back with another digest is given the page as it is."""
    live, board = Live(), Board()
    assert await told(live.listen("/", board.page, "other")) == {
        "rows": {"order": ["a", "b"], "pieces": board.pieces}
    }
    await live.close()


async def test_one_rendering_for_all_who_listen() -> None:
    """A hundred listeners cost one rendering a change; nobody listening costs none."""
    live, board = Live(most=100), Board()
    live.changed("a")
    listeners = [live.listen("/", board.page, board.digest()) for _ in range(100)]
    before = board.rendered
    board.pieces["a"] = "<p id=a>3</p>"
    live.changed("a")
    for events in listeners:
        assert (await told(events))["rows"]["pieces"] == {"a": "<p id=a>3</p>"}
    assert board.rendered == before + 1
    await live.close()


async def test_a_change_that_shows_nowhere_is_not_sent() -> None:
    """The next message is of the next change that shows."""
    live, board = Live(), Board()
    events = live.listen("/", board.page, board.digest())
    board.again.clear()
    live.changed("elsewhere")
    async with asyncio.timeout(5):
        await board.again.wait()
    board.pieces["b"] = "<p id=b>9</p>"
    live.changed("b")
    assert (await told(events))["rows"]["pieces"] == {"b": "<p id=b>9</p>"}
    await live.close()


async def test_listeners_are_bounded() -> None:
    """One too many is refused; when one leaves there is room again."""
    live, board = Live(most=1), Board()
    first = live.listen("/", board.page, "")
    await told(first)
    with pytest.raises(TooManyError):
        live.listen("/", board.page, "")
    await first.aclose()  # type: ignore[attr-defined]
    assert live.listening == 0
    live.listen("/", board.page, "")
    await live.close()


async def test_who_does_not_read_is_dropped() -> None:
    """A listener too many messages behind loses its place, others go on."""
    live, board = Live(), Board()
    slow = live.listen("/", board.page, board.digest())
    await anext(slow)
    quick = live.listen("/", board.page, board.digest())
    for number in range(BEHIND + 2):
        board.pieces["a"] = f"<p id=a>{number}!</p>"
        live.changed("a")
        await told(quick)
    assert live.listening == 1
    assert [event async for event in slow] == []
    await live.close()


async def test_a_page_that_is_no_more_ends() -> None:
    """Followers of a removed host are let go; nobody may begin to follow it."""
    live, board = Live(), Board()
    events = live.listen("/hosts/a", board.page, board.digest())
    await anext(events)
    board.gone = True
    live.changed("")
    async with asyncio.timeout(5):
        assert [event async for event in events] == []
    with pytest.raises(GoneError):
        live.listen("/hosts/a", board.page, "")
    await live.close()


async def test_closing_ends_everybody() -> None:
    """So that a stop of the agent waits for no browser."""
    live, board = Live(), Board()
    events = live.listen("/", board.page, board.digest())
    await anext(events)
    await live.close()
    assert [event async for event in events] == []
    with pytest.raises(TooManyError):
        live.listen("/", board.page, "")


async def test_a_page_that_cannot_be_rendered_harms_no_other() -> None:
    """The fault is logged, and the next change is told as ever."""
    live, board = Live(), Board()
    events = live.listen("/", board.page, board.digest())
    whole, board.pieces = board.pieces, {"a": None}  # type: ignore[dict-item]
    board.again.clear()
    live.changed("a")
    async with asyncio.timeout(5):
        await board.again.wait()
    board.pieces = {**whole, "a": "<p id=a>7</p>"}
    live.changed("a")
    assert (await told(events))["rows"]["pieces"] == {"a": "<p id=a>7</p>"}
    await live.close()
