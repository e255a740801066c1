"""Mistakes in the config: one line each, all of them at once, and never a secret.

A person who mends a config should need one run of `netmon check-config`, so nothing here stops at
the first mistake; every line opens with `file:line:column`, which editors and terminals follow.
"""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from netmon.config.compose import YamlError
from netmon.config.nodes import ListNode, MapNode, Node, ScalarNode, Source, join
from netmon.errors import NetmonError
from netmon.wording import SHOWN, nearest, printable, quote

_PLACED = re.compile(r"(.*?)(?::([0-9]+):([0-9]+))?: (.*)", re.DOTALL)
_LAST = 1 << 30  # behind the mistakes of netmon.yml and its host files
# Comparisons that all "did you mean" of one load may cost together: about half a second.
SUGGESTION_BUDGET = 100_000


@dataclass(frozen=True, slots=True)
class Mistake:
    """One mistake; `line` and `column` count from 1, `path` is empty for the file as a whole."""

    file: str
    line: int
    column: int
    path: str
    text: str

    def __str__(self) -> str:
        path = f"{self.path}: " if self.path else ""
        return f"{self.file}:{self.line}:{self.column}: {path}{self.text}"


class ConfigError(NetmonError):
    """The config cannot be used; `mistakes` are all that is wrong with it, by file and position."""

    def __init__(self, mistakes: Iterable[Mistake]) -> None:
        self.mistakes = tuple(mistakes)
        super().__init__("\n".join(map(str, self.mistakes)))


class Mistakes:
    """Collects mistakes from all files of one load."""

    def __init__(self, hints: list[str] | None = None) -> None:
        """`hints` collects what is no mistake and yet worth knowing; without it nobody wants to hear."""
        self._hints = hints
        self._told: set[tuple[int, type, int, int]] = set()
        self._found: dict[Mistake, int] = {}  # -> the place of its file in the order of reading
        self._budget = SUGGESTION_BUDGET

    def __bool__(self) -> bool:
        return bool(self._found)

    def at(self, node: Node, text: str) -> None:
        """A mistake about a value."""
        self._told.add(_place(node))
        self._add(node.source, node.line, node.column, node.source.path_of(node), text)

    def at_key(self, mapping: MapNode, mark: ScalarNode, text: str, *, show: bool = True) -> None:
        """A mistake about a key of a mapping; with `show` false the key is left out of the path."""
        self._told.add(_place(mapping))
        path = mapping.source.path_of(mapping)
        self._add(mark.source, mark.line, mark.column, join(path, mark.text) if show else path, text)

    def hint(self, node: Node, text: str, *keys: str) -> None:
        """What is worth knowing about a value; with `keys` only where it is that of one of these."""
        if self._hints is None:
            return
        path = node.source.path_of(node)
        if not keys or path.rpartition(".")[2].partition("[")[0] in keys:
            self._hints.append(str(Mistake(node.source.name, node.line, node.column, path, printable(text))))

    def told(self, node: Node) -> bool:
        """Whether there is a mistake about this value, or about a key of this mapping, already."""
        return _place(node) in self._told

    def in_file(self, source: Source, error: YamlError) -> None:
        """What keeps a whole file from being read."""
        self._add(source, error.line, error.column, "", error.text)

    def elsewhere(self, line: str) -> None:
        """A mistake in a file that has a reader of its own: `file:line:column: text`, or `file: text`."""
        match = _PLACED.fullmatch(line)
        file, row, column, text = match.groups() if match else ("", None, None, line)
        self._found.setdefault(Mistake(file, int(row or 1), int(column or 1), "", text), _LAST)

    def _add(self, source: Source, line: int, column: int, path: str, text: str) -> None:
        self._found.setdefault(Mistake(source.name, line, column, path, printable(text)), source.order)

    def suggestion(self, word: str, candidates: Collection[str]) -> str:
        """``; did you mean "x"?`` or nothing."""
        self._budget -= len(candidates)
        if self._budget < 0:
            return ""
        near = nearest(word, candidates)
        return f"; did you mean {quote(near[0])}?" if near else ""

    def error(self) -> ConfigError:
        """All of them, by file and position."""
        places = sorted(self._found.items(), key=lambda found: (found[1], found[0].line, found[0].column))
        return ConfigError(mistake for mistake, _ in places)


def _place(node: Node) -> tuple[int, type, int, int]:
    # By position, since a merged mapping stands where its owner wrote it.
    return node.source.order, type(node), node.line, node.column


def seen(node: Node, *, hidden: bool = False) -> str:
    """What stands in the file, in words that fit before "is not ...".

    A value that came out of an environment variable or a file is named by its reference only, and
    a text of several lines not at all, since it may have swallowed what stands below it.
    """
    if isinstance(node, MapNode):
        return "a mapping"
    if isinstance(node, ListNode):
        return "a list"
    return _seen_scalar(node, hidden=hidden)


def _seen_scalar(node: ScalarNode, *, hidden: bool) -> str:
    if node.value is None:
        return "nothing"
    if hidden:
        return "the value"
    if node.expanded:
        return f"the value of {quote(node.text)}"
    if node.several_lines:
        return "a text of several lines"
    return quote(node.text) if isinstance(node.value, str) else node.text[:SHOWN]
