"""Writers that are closed when their test is over."""

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest

from netmon.events import Writer
from tests.unit.events.making import DAY, Wall


class Opened(Protocol):
    """Opens a writer."""

    def __call__(
        self, folder: Path, wall: Wall | None = None, *, retention: float = ..., max_size: int = ...
    ) -> Writer:
        """Into a folder."""


@pytest.fixture
def writer() -> Iterator[Opened]:
    """Writers into folders of the test's choice."""
    made: list[Writer] = []

    def opened(
        folder: Path, wall: Wall | None = None, *, retention: float = 90 * DAY, max_size: int = 10**9
    ) -> Writer:
        made.append(Writer(folder, retention=retention, max_size=max_size, wall=wall or Wall()))
        return made[-1]

    yield opened
    for one in made:
        one.close()
