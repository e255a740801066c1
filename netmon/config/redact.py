"""A config file's text without its secrets, for `/config`: the user's own layout, not a dump of records.

Comments go too: a password that was commented out is a password.
"""

import re
from typing import Final

from netmon.config.nodes import ListNode, MapNode, Node, ScalarNode, Source
from netmon.config.shapes import Shape, Sort

_COMMENT: Final = re.compile(r"\n[ \t]*#[^\n]*(?=\n)|[ \t]*#[^\n]*")  # with its line, where it has one
_BLANK_LINES: Final = re.compile(r"\n(?:[ \t]*\n){2,}")


def redacted(source: Source, shape: Shape) -> str:
    """The text of a valid file, `<secret>` for every secret, references as they were written."""
    secrets: set[int] = set()
    if source.root is not None:
        _find(source.root, shape, secrets)
    # Between scalars YAML has only indicators, space, anchors and comments, so a "#" there is a comment.
    parts: list[str] = []
    place = 0
    for node in source.scalars:
        parts.append(_gap(source.text[place : node.start]))
        text = source.text[node.start : node.end]
        if id(node) in secrets:
            text = "<secret>\n" if text.endswith("\n") else "<secret>"
        parts.append(text)
        place = node.end
    parts.append(_gap(source.text[place:]))
    return "".join(parts).strip() + "\n"


def _gap(text: str) -> str:
    return _BLANK_LINES.sub("\n\n", _COMMENT.sub("", text)) if "#" in text else text


def _find(node: Node, shape: Shape | None, secrets: set[int]) -> None:
    shape = shape and shape.place_of(scalar=isinstance(node, ScalarNode))
    if shape is None or not shape.holds_secret:
        return
    if isinstance(node, ScalarNode):
        if shape.sort in {Sort.SECRET, Sort.OTHER}:
            secrets.add(id(node))
    elif isinstance(node, MapNode):
        for key, child in node.items.items():
            _find(child, shape.fields.get(key) or shape.item, secrets)
    elif isinstance(node, ListNode):
        for child in node.items:
            _find(child, shape.item, secrets)
