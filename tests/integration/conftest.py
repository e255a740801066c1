"""The stage of the scenarios: one network for a module, one agent that watches it, and who is told."""

from collections.abc import Iterator

import pytest

from tests.servers.sight import Sight, sight
from tests.servers.world import World, world


@pytest.fixture(scope="module")
def stage() -> Iterator[World]:
    """A network of real servers; the module's tests are in its namespace `nm`."""
    with world() as network:
        yield network


@pytest.fixture(scope="module")
def watchers(stage: World) -> Iterator[Sight]:
    """The agent, Alertmanager and Prometheus that all scenarios of a module share."""
    with sight(stage, stage.folder / "sight") as seen:
        yield seen


@pytest.fixture
def seen(watchers: Sight) -> Iterator[Sight]:
    """The same, to whom every host is healthy before a scenario and again after it."""
    yield watchers
    watchers.well_again()
