"""Strict reading of a YAML document: every mistake at once, each with its place.

Scalars stay the text that was written (YAML's base schema), and the reader of a field says what it
has to be.  So `no`, `off` or `1.3` never turn into a boolean or a float behind the author's back,
and an enum state may be called `on`.  Mistakes are collected and neutral values stand in for what
was wrong, so that one run of a check shows all of them.
"""

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

import yaml

from netmon.errors import NetmonError
from netmon.wording import did_you_mean

_INTEGER: Final = re.compile(r"-?[0-9]{1,19}")
_DEEPEST: Final = 4  # merges within merges
_MOST: Final = 2_000_000  # values looked at, those behind aliases each time; the stock file has 75,000
_SHOWN: Final = 60  # characters of a wrong value that a message quotes


class DocumentError(NetmonError):
    """What is wrong with a document: one line a mistake, in `mistakes` and as the text.

    A file may be somebody else's, and its mistakes are read in a terminal: no control character of what a
    line quotes stays one.
    """

    def __init__(self, mistakes: Iterable[str]) -> None:
        self.mistakes = tuple(map(_printable, mistakes))
        super().__init__("\n".join(self.mistakes))


class Span(NamedTuple):
    """Where a value stands in a text: characters, and line and column of the first, all from 0."""

    start: int
    stop: int
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Place:
    """A value of a document: where it stands, and readers that note what does not fit."""

    node: yaml.Node
    path: str
    source: str
    mistakes: list[tuple[int, int, str]]  # line and column from 0, what is wrong
    lines: int = 0  # that stand before the document in its file
    seen: list[int] = field(default_factory=lambda: [0], repr=False)  # how many values of it, so far

    def wrong(self, message: str) -> None:
        """Note a mistake here."""
        mark = self.node.start_mark
        text = f"{self.path}: {message}" if self.path else message
        self.mistakes.append((mark.line + self.lines, mark.column, text))

    @property
    def where(self) -> str:
        """File, line and column."""
        mark = self.node.start_mark
        return f"{self.source}:{mark.line + self.lines + 1}:{mark.column + 1}"

    @property
    def span(self) -> Span:
        """Which part of the text it is."""
        start, end = self.node.start_mark, self.node.end_mark
        return Span(start.index, end.index, start.line, start.column)

    def renamed(self, path: str) -> "Place":
        """The same place under another path, as for a document that is a part of another."""
        return replace(self, path=path)

    def finish(self) -> None:
        """Raise DocumentError if anything was wrong, in the order of the document."""
        if self.mistakes:
            raise DocumentError(
                f"{self.source}:{line + 1}:{column + 1}: {what}"
                for line, column, what in sorted(self.mistakes)
            )

    def fields(self, known: Sequence[str], required: Iterable[str] = ()) -> dict[str, "Place"]:
        """The entries of a mapping whose keys are known."""
        entries = self.entries()
        for key in [key for key in entries if key not in known]:
            entries.pop(key).wrong(f"is not a known key{did_you_mean(key, known)}")
        for key in required:
            if key not in entries:
                self.wrong(f'the key "{key}" is missing')
        return entries

    def entries(self, depth: int = 0) -> dict[str, "Place"]:
        """The entries of a mapping whose keys are names of the author's own.

        Those of a merge key (`<<: *base`) count where the mapping has none of its own.
        """
        entries: dict[str, Place] = {}
        merged: list[Place] = []
        if isinstance(self.node, yaml.MappingNode):
            for key, value in self.node.value:
                if key.value == "<<" and not key.style:
                    merged.append(self._at(value, self.path))
                    continue
                place = self._at(value, f"{self.path}.{key.value}" if self.path else str(key.value))
                if not isinstance(key, yaml.ScalarNode):
                    self.wrong("has a key that is not a text")
                elif key.value in entries:
                    self._at(key, place.path).wrong("is given twice")
                else:
                    entries[key.value] = place
        elif not self._null:
            self.wrong("is not a mapping")
        for place in merged:
            if depth > _DEEPEST:
                place.wrong("merges too much, or itself")
                break
            sources = place.items() if isinstance(place.node, yaml.SequenceNode) else [place]
            for source in sources:
                entries = replace(source, path=self.path).entries(depth + 1) | entries
        return entries

    def items(self) -> list["Place"]:
        """The entries of a list; nothing at all is the empty list."""
        if isinstance(self.node, yaml.SequenceNode):
            return [self._at(node, f"{self.path}[{n}]") for n, node in enumerate(self.node.value)]
        if not self._null:
            self.wrong("is not a list")
        return []

    def text(self) -> str:
        """A text, as it was written."""
        if isinstance(self.node, yaml.ScalarNode):
            return str(self.node.value)
        self.wrong("is not a text")
        return ""

    def matching(self, pattern: re.Pattern[str], wanted: str) -> str:
        """A text that the pattern matches; `wanted` ends the sentence "... is not"."""
        text = self.text()
        if pattern.fullmatch(text):
            return text
        self.wrong(f'"{text[:_SHOWN]}" is not {wanted}')
        return ""

    def choice(self, names: Collection[str]) -> str:
        """One of the names."""
        text = self.text()
        if text in names:
            return text
        self.wrong(f'"{text[:_SHOWN]}" is not one of {", ".join(names)}{did_you_mean(text, names)}')
        return next(iter(names))

    def integer(self, low: int, high: int) -> int:
        """A whole number between `low` and `high`, both included."""
        text = self.text()
        if _INTEGER.fullmatch(text) and low <= int(text) <= high:
            return int(text)
        self.wrong(f'"{text[:_SHOWN]}" is not a whole number from {low} to {high}')
        return low

    def boolean(self) -> bool:
        """True or false."""
        return self.matching(re.compile("true|false"), "true or false") == "true"

    @property
    def _null(self) -> bool:
        return (
            isinstance(self.node, yaml.ScalarNode)
            and not self.node.style
            and self.node.value in ("", "~", "null")
        )

    def _at(self, node: yaml.Node, path: str) -> "Place":
        # A few lines of aliases can stand for more than any memory holds.
        self.seen[0] += 1
        if self.seen[0] > _MOST:
            raise DocumentError([f"{self.where}: aliases make more of this file than {_MOST} values"])
        return Place(node, path, self.source, self.mistakes, self.lines, self.seen)


def _printable(line: str) -> str:
    return line if line.isprintable() else "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in line)


def read_document(text: str, source: str, lines: int = 0) -> Place:
    """The root of a YAML document; the caller calls its `finish` when it has read all of it.

    `lines` is how many stand before it, where it is a part of a file.

    Raises DocumentError if it is not YAML or holds nothing.
    """
    try:
        node = yaml.compose(text, Loader=yaml.CBaseLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"{source}:{mark.line + lines + 1}:{mark.column + 1}" if mark else source
        raise DocumentError([f"{where}: is not YAML: {error.problem}"]) from None
    except yaml.YAMLError as error:
        raise DocumentError([f"{source}: is not YAML: {' '.join(str(error).split())}"]) from None
    if node is None:
        raise DocumentError([f"{source}: is empty"])
    return Place(node, "", source, [], lines)
