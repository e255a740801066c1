"""YAML text -> a tree that knows the file, line and column of every key and value.

It is built from the events of libyaml (PyYAML's C parser): a round-trip loader written in Python
needs about 20 s for 10,000 hosts, this a second.  Scalars follow the core schema of YAML 1.2
(§10.3.2), so `no` is a text and `0123` a decimal number.  On purpose it knows less than YAML: no tags,
no merge keys, one document; aliases are kept, and bounded by what they expand to.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import yaml

from netmon.config.nodes import ListNode, MapNode, Node, ScalarNode, Source
from netmon.errors import NetmonError

MAX_BYTES: Final = 32 << 20  # of one file
MAX_DEPTH: Final = 32
MAX_VALUES: Final = 5_000_000  # of one file, with its aliases written out

# What YAML 1.2 §5.1 does not print, found before libyaml sees it, for a message with a position.
_UNPRINTABLE: Final = re.compile(r"[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_NULLS: Final = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLS: Final = dict.fromkeys(("true", "True", "TRUE"), True) | dict.fromkeys(
    ("false", "False", "FALSE"), False
)
# Longer digits stay a text: Python refuses to convert them, and nothing here counts so far.
_NUMBER: Final = re.compile(
    r"(?P<int>[-+]?[0-9]{1,18})|0o(?P<oct>[0-7]{1,20})|0x(?P<hex>[0-9a-fA-F]{1,15})"
    r"|(?P<float>[-+]?(\.[0-9]{1,40}|[0-9]{1,40}(\.[0-9]{0,40})?)([eE][-+]?[0-9]{1,3})?)"
)

# libyaml's complaint -> ours, where ours says more.
_SYNTAX: Final = {
    "found character that cannot start any token": "a character stands where no value may begin with it;"
    " indent with spaces, not tabs, and put the value in quotes",
    "mapping values are not allowed in this context": 'a second ": " on one line, or a wrong indentation;'
    " put a text that holds it in quotes",
    "could not find expected ':'": 'a key without ":", or a wrong indentation',
    "did not find expected ',' or '}'": 'the mapping that "{" opens is not closed, or a "," is missing in it',
    "did not find expected ',' or ']'": 'the list that "[" opens is not closed, or a "," is missing in it',
    "did not find expected key": "a key is wanted here: look at the indentation",
    "did not find expected '-' indicator": 'a "-" is wanted here: look at the indentation',
    "did not find expected node content": "a value is wanted here",
    "found unexpected end of stream": "the file ends inside a text in quotes",
    "found unknown escape character": r'a "\" in double quotes that YAML does not know; use single quotes',
    "block sequence entries are not allowed in this context": 'a "-" may not stand here; see the indentation',
    "did not find expected <document start>": "a second value at the top level: look at the indentation",
}


class YamlError(NetmonError):
    """A file cannot be read as the YAML that netmon takes; line and column count from 1."""

    def __init__(self, line: int, column: int, text: str) -> None:
        super().__init__(text)
        self.line = line
        self.column = column
        self.text = text


def read(source: Source) -> None:
    """Read the source's file and compose its tree; YamlError where it cannot be done."""
    try:
        with source.path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "not a path"
        if isinstance(error, PermissionError):
            why += f"; netmon runs as uid {os.geteuid()}, so let that read it: chown or chmod"
        raise YamlError(1, 1, f"cannot be read: {why}") from None
    if len(data) > MAX_BYTES:
        raise YamlError(1, 1, f"is longer than {MAX_BYTES >> 20} MiB")
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        line, column = _place(data[: error.start].decode())
        raise YamlError(line, column, "is not UTF-8 text") from None
    compose(source, text)


def compose(source: Source, text: str) -> None:
    """Fill in the source's text, root, scalars and references; YamlError for what is not our YAML."""
    source.text = text = text.removeprefix("\ufeff")
    control = _UNPRINTABLE.search(text)
    if control is not None:
        line, column = _place(text[: control.start()])
        raise YamlError(line, column, f"holds the control character U+{ord(control[0]):04X}")
    try:
        source.root = _Composer(source).run(yaml.parse(text, Loader=yaml.CSafeLoader))
    except yaml.MarkedYAMLError as error:
        raise _syntax_error(error, text) from None
    except yaml.YAMLError:
        raise YamlError(1, 1, "is not valid YAML") from None


def _place(before: str) -> tuple[int, int]:
    return before.count("\n") + 1, len(before) - before.rfind("\n")


def _syntax_error(error: yaml.MarkedYAMLError, text: str) -> YamlError:
    mark: Any = error.problem_mark or error.context_mark
    if mark is None:
        return YamlError(1, 1, "is not valid YAML")
    # The end of the file is told where the open thing began: that is where it must be mended.
    if error.context_mark is not None and mark.index >= len(text.rstrip()):
        mark = error.context_mark
    problem = error.problem or "it cannot be parsed"
    if problem == "exceeded maximum nesting depth":  # libyaml's own bound, which its reader may reach first
        return YamlError(mark.line + 1, mark.column + 1, f"is nested deeper than {MAX_DEPTH} levels")
    words = _SYNTAX.get(problem, problem)
    line = text.split("\n")[mark.line] if mark.line < text.count("\n") + 1 else ""
    if "${" in line:
        words += '; put "${...}" in quotes'
    return YamlError(mark.line + 1, mark.column + 1, f"is not valid YAML: {words}")


@dataclass(slots=True)
class _Frame:
    """A list or mapping that is still open, and the key that waits for its value."""

    node: ListNode | MapNode
    anchor: str | None
    key: ScalarNode | None = None


@dataclass(slots=True)
class _Composer:
    """Events -> tree, without recursion, so that no nesting reaches Python's own limit."""

    source: Source
    stack: list[_Frame] = field(default_factory=list)
    anchors: dict[str, Node] = field(default_factory=dict)
    root: Node | None = None

    def run(self, events: Iterator[yaml.Event]) -> Node:
        for event in events:
            # The commonest first: four of five events are scalars.
            if isinstance(event, yaml.ScalarEvent):
                self._add(self._scalar(event), event.anchor)
            elif isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
                self._open(event)
            elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
                self._close()
            elif isinstance(event, yaml.AliasEvent):
                self._add(self._alias(event), None)
            elif isinstance(event, yaml.DocumentStartEvent) and self.root is not None:
                raise _error(event, "a second document begins here; one file holds one")
        if self.root is None:
            raise YamlError(1, 1, "is empty, wanted a mapping with keys such as hosts")
        return self.root

    def _scalar(self, event: yaml.ScalarEvent) -> ScalarNode:
        _refuse_tag(event)
        start: Any = event.start_mark
        end: Any = event.end_mark
        text: str = event.value
        node = ScalarNode(
            self.source,
            start.line + 1,
            start.column + 1,
            text,
            _resolve(text) if event.implicit[0] else text,
            start.index,
            end.index,
            end.line != start.line,
        )
        self.source.scalars.append(node)
        return node

    def _open(self, event: yaml.MappingStartEvent | yaml.SequenceStartEvent) -> None:
        _refuse_tag(event)
        if len(self.stack) >= MAX_DEPTH:
            raise _error(event, f"is nested deeper than {MAX_DEPTH} levels")
        mark: Any = event.start_mark  # None only for events made by hand
        line, column = mark.line + 1, mark.column + 1
        node: ListNode | MapNode
        if isinstance(event, yaml.MappingStartEvent):
            node = MapNode(self.source, line, column)
        else:
            node = ListNode(self.source, line, column)
        self.stack.append(_Frame(node, event.anchor))

    def _close(self) -> None:
        frame = self.stack.pop()
        node = frame.node
        for child in node.items.values() if isinstance(node, MapNode) else node.items:
            if isinstance(child, ScalarNode):
                node.size += 1
            else:
                node.size += child.size
                node.height = max(node.height, child.height + 1)
        if node.size > MAX_VALUES or node.height > MAX_DEPTH:
            raise YamlError(
                node.line,
                node.column,
                f"is too large: more than {MAX_VALUES} values or {MAX_DEPTH} levels, its aliases written out",
            )
        self._add(node, frame.anchor)

    def _alias(self, event: yaml.AliasEvent) -> Node:
        node = self.anchors.get(str(event.anchor))
        if node is not None:
            return node
        if any(frame.anchor == event.anchor for frame in self.stack):
            raise _error(event, "an alias that stands inside what it stands for")
        raise _error(event, "an alias without an anchor above it; put a text that begins with * in quotes")

    def _add(self, node: Node, anchor: str | None) -> None:
        if anchor is not None:
            self.anchors[anchor] = node
        if not self.stack:
            self.root = node
            return
        frame = self.stack[-1]
        parent = frame.node
        if isinstance(parent, ListNode):
            parent.items.append(node)
        elif frame.key is None:
            if not isinstance(node, ScalarNode):
                raise YamlError(node.line, node.column, "is not a text, as every key must be")
            frame.key = node
            return  # a key holds no reference
        else:
            key, frame.key = frame.key, None
            complaint = _complaint(parent, key)
            if complaint is not None:
                self.source.complaints.append((parent, key, complaint))
                return
            parent.items[key.text] = node
            parent.keys[key.text] = key
        if isinstance(node, ScalarNode) and "${" in node.text:
            self.source.references.append(node)


def _complaint(parent: MapNode, key: ScalarNode) -> str | None:
    """Why a key of a mapping cannot be taken; the rest of the file is read on."""
    if key.text == "<<":
        return "merge keys (<<) are not supported; use groups"
    first = parent.keys.get(key.text)
    if first is None:
        return None
    return f"this key stands twice in one mapping, first at line {first.line}, column {first.column}"


def _refuse_tag(event: yaml.NodeEvent) -> None:
    if getattr(event, "tag", None) not in {None, "!"}:
        raise _error(event, "tags are not supported; put a text that begins with ! in quotes")


def _error(event: yaml.Event, text: str) -> YamlError:
    mark: Any = event.start_mark
    return YamlError(mark.line + 1, mark.column + 1, text)


def _resolve(text: str) -> object:
    """What a plain scalar means: YAML 1.2 §10.3.2, with bounded digits."""
    if text in _NULLS:
        return None
    truth = _BOOLS.get(text)
    if truth is not None:
        return truth
    if text[0] in "0123456789+-.":
        number = _NUMBER.fullmatch(text)
        if number is not None:
            if number["int"]:
                return int(text)
            if number["oct"] or number["hex"]:
                return int(text, 0)
            return float(text)
    return text
