"""pydantic's errors in netmon's words: what was seen, what is wanted, did you mean.

Nothing of pydantic's own text is passed on: it speaks of inputs and validators, and it quotes the
value, which may be a secret.
"""

from collections.abc import Mapping
from typing import Any, Final, get_args

from pydantic import ValidationError
from pydantic_core import ErrorDetails
from pydantic_core.core_schema import ErrorType

from netmon.config.mistakes import Mistakes, seen
from netmon.config.nodes import ListNode, MapNode, Node, ScalarNode
from netmon.config.shapes import Shape

# Error type -> words that follow what was seen; {names} are the error's context.
_WORDS: Final[Mapping[str, str]] = {
    "greater_than": "is too small, wanted more than {gt}",
    "greater_than_equal": "is too small, wanted at least {ge}",
    "less_than": "is too large, wanted less than {lt}",
    "less_than_equal": "is too large, wanted at most {le}",
    "multiple_of": "is not a multiple of {multiple_of}",
    "finite_number": "is not a finite number",
    "string_too_short": "is too short, wanted at least {min_length} characters",
    "string_too_long": "is too long, wanted at most {max_length} characters",
    "string_pattern_mismatch": "does not match {pattern}",
    "too_short": "has too few entries, wanted at least {min_length}",
    "too_long": "has too many entries, wanted at most {max_length}",
}
_WANTED: Final = (
    ("int", "a whole number"),
    ("float", "a number"),
    ("decimal", "a number"),
    ("bool", "true or false"),
    ("string", "a text"),
    ("bytes", "a text"),
    ("list", "a list"),
    ("tuple", "a list"),
    ("set", "a list"),
    ("frozen_set", "a list"),
    ("iterable", "a list"),
    ("dict", "a mapping"),
    ("mapping", "a mapping"),
    ("model", "a mapping"),
    ("dataclass", "a mapping"),
    ("path", "a path"),
    ("url", "a URL"),
    ("ip_v4", "an IPv4 address"),
    ("ip_v6", "an IPv6 address"),
    ("ip_any", "an IP address"),
)
# Types whose message is the sentence of whoever wrote the validator.
_OWN: Final = frozenset({"value_error", "assertion_error"})
_PYDANTIC: Final = frozenset(get_args(ErrorType))


def report(
    error: ValidationError,
    root: Node,
    shape: Shape,
    mistakes: Mistakes,
    *,
    partial: bool = False,
) -> None:
    """Turn all errors of one validation into mistakes.

    A node that has one already gets no second.  In a `partial` record (a group) keys may be missing.
    """
    for details in error.errors(include_url=False, include_input=False):
        kind = details["type"]
        if kind in {"extra_forbidden", "unexpected_keyword_argument"}:
            continue  # strict.inspect names these, with a suggestion
        node, place, key = _locate(root, shape, details["loc"])
        if kind == "missing":
            if not partial:
                mistakes.at(node, f"the key {details['loc'][-1]} is missing")
        elif key is not None and isinstance(node, MapNode):
            mistakes.at_key(node, key, sentence(details, key, None, mistakes))
        elif not mistakes.told(node):
            mistakes.at(node, sentence(details, node, place, mistakes))


def _locate(
    node: Node, shape: Shape | None, loc: tuple[int | str, ...]
) -> tuple[Node, Shape | None, ScalarNode | None]:
    """The deepest node that an error's location names, its shape, and the key if the key is meant."""
    for index, step in enumerate(loc):
        if isinstance(node, MapNode) and step in node.items:
            if loc[index + 1 : index + 2] == ("[key]",):
                return node, shape, node.keys[str(step)]
            node = node.items[str(step)]
            shape = shape and (shape.fields.get(str(step)) or shape.item)
        elif isinstance(node, ListNode) and isinstance(step, int) and step < len(node.items):
            node = node.items[step]
            shape = shape and shape.item
        else:
            shape = shape and shape.place_of(scalar=isinstance(node, ScalarNode))
            break  # a missing key, or the branch of a union
    return node, shape, None


def sentence(details: ErrorDetails, node: Node, shape: Shape | None, mistakes: Mistakes) -> str:
    """One error in words; nothing of a secret or of an expanded reference is quoted."""
    hidden = shape is not None and shape.holds_secret
    what = seen(node, hidden=hidden)
    kind = details["type"]
    context: dict[str, Any] = details.get("ctx", {})
    if kind in _WORDS and context:
        return f"{what} {_WORDS[kind].format(**context)}"
    if kind in {"literal_error", "enum"} and shape is not None and shape.options:
        text = f"{what} is not one of {', '.join(shape.options)}"
        return text + (mistakes.suggestion(node.text, shape.options) if isinstance(node, ScalarNode) else "")
    if kind in _OWN:
        return _own(str(context.get("error", "")), node, what, hidden=hidden)
    for prefix, wanted in _WANTED:
        if kind.startswith(prefix + "_"):
            return f"{what} is not {wanted}"
    if kind not in _PYDANTIC:
        return _own(details["msg"], node, what, hidden=hidden)
    return f"{what} is not acceptable here"


def _own(message: str, node: Node, what: str, *, hidden: bool) -> str:
    """The sentence of a validator: as it is, or after what was seen if it goes on from there."""
    text = str(node.value) if isinstance(node, ScalarNode) else ""
    if text and isinstance(node, ScalarNode) and (hidden or node.expanded) and text in message:
        return f"{what} is not acceptable here"
    if isinstance(node, ScalarNode) and message.startswith(("is ", "must ", "has ", "holds ", "does ")):
        return f"{what} {message}"
    return message or f"{what} is not acceptable here"
