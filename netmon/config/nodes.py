"""What a config file is made of: values that know their file, line and column."""

from dataclasses import dataclass, field
from pathlib import Path

from netmon.wording import quote


@dataclass(slots=True, eq=False)
class Source:
    """One file of the config; `name` is what messages call it, `order` its place among the files."""

    path: Path
    name: str
    order: int = 0
    text: str = ""
    root: "Node | None" = None
    references: list["ScalarNode"] = field(default_factory=list)  # texts that hold "${"
    complaints: list[tuple["MapNode", "ScalarNode", str]] = field(default_factory=list)  # about keys
    scalars: list["ScalarNode"] = field(default_factory=list)  # keys and values in file order
    _paths: dict[tuple[type, int, int], str] | None = None

    def path_of(self, node: "Node") -> str:
        """Where a node stands, as `hosts[2].smtp[0].tls`; the first place for one with aliases."""
        if self._paths is None:
            self._paths = {}
            if self.root is not None:
                self._name(self.root, "")
        return self._paths.get((type(node), node.line, node.column), "")

    def _name(self, node: "Node", path: str) -> None:
        # Keyed by position rather than identity: a merged mapping is found where its owner wrote it.
        paths = self._paths
        place = (type(node), node.line, node.column)
        if paths is None or place in paths:
            return
        paths[place] = path
        if isinstance(node, MapNode):
            for key, child in node.items.items():
                self._name(child, join(path, key))
        elif isinstance(node, ListNode):
            for index, child in enumerate(node.items):
                self._name(child, f"{path}[{index}]")


@dataclass(slots=True, eq=False)
class ScalarNode:
    """A text, number, truth value or nothing.

    `text` is what the file says, `value` what it means; the two part where a reference was expanded.
    `start` and `end` are character indexes into the file's text.
    """

    source: Source
    line: int
    column: int
    text: str
    value: object
    start: int
    end: int
    several_lines: bool = False
    expanded: bool = False
    absent: str | None = None  # why a reference has no value, where that may be so


@dataclass(slots=True, eq=False)
class ListNode:
    """A list; `size` counts all values below it, `height` the levels."""

    source: Source
    line: int
    column: int
    items: list["Node"] = field(default_factory=list)
    size: int = 1
    height: int = 1


@dataclass(slots=True, eq=False)
class MapNode:
    """A mapping; keys are always texts."""

    source: Source
    line: int
    column: int
    items: dict[str, "Node"] = field(default_factory=dict)
    keys: dict[str, ScalarNode] = field(default_factory=dict)
    size: int = 1
    height: int = 1


Node = ScalarNode | ListNode | MapNode


def join(path: str, key: str) -> str:
    """A path and one more key, in quotes unless it is a plain word."""
    name = key if key.replace("-", "_").isidentifier() else quote(key)
    return f"{path}.{name}" if path else name
