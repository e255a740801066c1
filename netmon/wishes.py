"""What the watch over hosts asks for, handed on: another look at a check, or at the agent's own link."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from netmon.model import CheckKey
from netmon.scheduler import Scheduler


class Wishes:
    """Watch's wishes.  A test of the link is not begun while one goes on."""

    def __init__(self, scheduler: Scheduler, test: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._scheduler = scheduler
        self._test = test
        self._testing: asyncio.Task[None] | None = None

    def look_again(self, key: CheckKey, seconds: float) -> None:
        """Have a check's next scheduled run within `seconds`."""
        self._scheduler.hasten(key, seconds)

    def look_too(self, key: CheckKey, why: str) -> None:
        """Run a check out of its turn."""
        self._scheduler.request(key, why)

    def test_link(self) -> None:
        """Test the agent's own way out."""
        if self._testing is None or self._testing.done():
            self._testing = asyncio.create_task(self._test())

    def close(self) -> None:
        """Test no more."""
        if self._testing is not None:
            self._testing.cancel()
