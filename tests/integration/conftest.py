"""The stage of the scenarios: one network for a module, and one agent that watches it."""

from collections.abc import Iterator

import pytest

from tests.servers.agent import AgentProcess
from tests.servers.world import World, all_healthy, world


@pytest.fixture(scope="module")
def stage() -> Iterator[World]:
    """A network of real servers; the module's tests are in its namespace `nm`."""
    with world() as network:
        yield network


@pytest.fixture(scope="module")
def watcher(stage: World) -> Iterator[AgentProcess]:
    """The agent that all scenarios of a module share."""
    with stage.agent(stage.folder / "agent") as process:
        yield process


@pytest.fixture
def monitor(watcher: AgentProcess) -> Iterator[AgentProcess]:
    """The shared agent, to which every host is healthy before a scenario and again after it."""
    yield watcher
    all_healthy(watcher)
