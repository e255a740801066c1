"""Where a config's agent keeps its state, without reading the rest.

A command that only talks to the running agent should not need the secrets that the agent was started
with, nor a config without mistakes elsewhere.
"""

from collections.abc import Mapping
from pathlib import Path

from netmon.config.compose import YamlError, read
from netmon.config.expand import expand
from netmon.config.mistakes import Mistakes, seen
from netmon.config.nodes import MapNode, ScalarNode, Source
from netmon.config.records import StateEntry


def state_path(path: Path, env: Mapping[str, str]) -> Path:
    """`state.path` of a config, absolute.  Raises ConfigError if the file does not give it."""
    mistakes = Mistakes()
    source = Source(path, str(path))
    try:
        read(source)
    except YamlError as error:
        mistakes.in_file(source, error)
        raise mistakes.error() from None
    state = source.root.items.get("state") if isinstance(source.root, MapNode) else None
    node = state.items.get("path") if isinstance(state, MapNode) else None
    if node is None:
        return StateEntry().path
    source.references = [reference for reference in source.references if reference is node]
    expand(source, env, {}, mistakes)
    if not isinstance(node, ScalarNode) or not isinstance(node.value, str):
        mistakes.at(node, f"{seen(node)} is not a path")
    if mistakes:
        raise mistakes.error()
    assert isinstance(node, ScalarNode)  # noqa: S101 - else it was a mistake
    return path.parent.absolute() / str(node.value)
