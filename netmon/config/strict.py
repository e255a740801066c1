"""The strictness that pydantic's lax mode lacks, told node by node: keys, sorts and references.

Lax mode would take `true` for the port 1 and `"yes"` for true, and strict mode refuses the YAML list
for a tuple.  So the sort of every value is checked here, against the shape of its place, and pydantic
then judges what is special about it.  Names are looked up here too (fields.Ref), which makes them
checked even in a record that is wrong elsewhere.
"""

from collections.abc import Collection, Mapping
from typing import Final

from netmon import __version__
from netmon.config.mistakes import Mistakes, seen
from netmon.config.nodes import ListNode, MapNode, Node, ScalarNode
from netmon.config.shapes import Shape, Sort
from netmon.wording import quote

Names = Mapping[str, Collection[str]]  # section -> the names that it holds

LISTED: Final = 8  # names that a message lists

# Keys of the public surface that this version does not act on: refused, so that nobody believes
# to be watched by them.  By the section that they stand in.
PLANNED: Final[Mapping[str, frozenset[str]]] = {
    "web": frozenset({"config_file"}),
}

_WANTED: Final = {
    Sort.RECORD: "is not a mapping",
    Sort.MAP: "is not a mapping",
    Sort.LIST: 'is not a list; begin each entry with "-", or write [...]',
    Sort.TEXT: "is not a text; put it in quotes",
    Sort.SECRET: "is not a text; put it in quotes",
    Sort.PATH: "is not a path",
    Sort.WHOLE: "is not a whole number",
    Sort.NUMBER: "is not a number",
    Sort.FLAG: "is not true or false",
}
_IN_THE_FILE: Final = "stands in the file itself; ${env:NAME} or ${file:PATH} keeps it out"
# URLs and templates may hold a secret; these are nothing else.
_SECRETS: Final = ("community", "communities", "password", "priv_password", "client_secret")
_MANY: Final = frozenset({Sort.RECORD, Sort.MAP, Sort.LIST})  # a text in their place may be anything
_JUDGED_BY_PYDANTIC: Final = frozenset({Sort.CHOICE, Sort.OTHER})
_TRUTH: Final = {"yes": "true", "on": "true", "no": "false", "off": "false"}  # YAML 1.1 took these too
_VALUES: Final[Mapping[Sort, tuple[type, ...]]] = {
    Sort.TEXT: (str,),
    Sort.SECRET: (str,),
    Sort.PATH: (str,),
    Sort.WHOLE: (int,),
    Sort.NUMBER: (int, float),
    Sort.FLAG: (bool,),
}


def inspect(node: Node, shape: Shape, names: Names, mistakes: Mistakes) -> None:
    """Check a node and all below it.

    Paths are made absolute on the way, since only here it is known in which file they stand.
    """
    shape = shape.place_of(scalar=isinstance(node, ScalarNode))
    if shape.sort is Sort.RECORD and isinstance(node, MapNode):
        for key, child in node.items.items():
            field = shape.fields.get(key)
            if field is None:
                _unknown_key(node, key, shape, mistakes)
            else:
                inspect(child, field, names, mistakes)
    elif shape.sort is Sort.MAP and isinstance(node, MapNode) and shape.item:
        for child in node.items.values():
            inspect(child, shape.item, names, mistakes)
    elif shape.sort is Sort.LIST and isinstance(node, ListNode) and shape.item:
        for child in node.items:
            inspect(child, shape.item, names, mistakes)
    else:
        complaint = _complaint(node, shape, names, mistakes)
        if complaint is not None:
            mistakes.at(node, complaint)
        elif isinstance(node, ScalarNode):
            _settle(node, shape.sort, mistakes)


def _settle(node: ScalarNode, sort: Sort, mistakes: Mistakes) -> None:
    """What follows from where a good value stands."""
    if sort is Sort.PATH:
        path = node.source.path.parent.absolute() / str(node.value)
        node.value = str(path)
        if not path.exists():
            mistakes.hint(node, f"{quote(node.text)} is not there", "ca_file", "auth_file")
    elif sort is Sort.SECRET and node.value and not node.expanded:
        mistakes.hint(node, _IN_THE_FILE, *_SECRETS)


def _complaint(node: Node, shape: Shape, names: Names, mistakes: Mistakes) -> str | None:
    """What is wrong with a value as such, or None."""
    if isinstance(node, ScalarNode) and node.absent and not shape.holds_secret:
        return node.absent
    if not isinstance(node, ScalarNode):
        return None if shape.own_reader or shape.sort is Sort.OTHER else _wrong(node, shape)
    if node.value is None:
        return "is empty: give it a value, or leave the key out"
    if shape.switch and isinstance(node.value, bool):
        return None
    if not (shape.own_reader or shape.sort in _JUDGED_BY_PYDANTIC or _fits(node, shape.sort)):
        return _wrong(node, shape)
    return None if shape.ref is None else reference(node, shape.ref, names, mistakes)


def _fits(node: ScalarNode, sort: Sort) -> bool:
    if node.expanded:
        # A reference expands to a text; pydantic converts it where a number is wanted.
        return sort in _VALUES
    if isinstance(node.value, bool):
        return sort is Sort.FLAG  # Python's bool is an int
    return isinstance(node.value, _VALUES.get(sort, ()))


def _wrong(node: Node, shape: Shape) -> str:
    what = seen(node, hidden=shape.holds_secret or (shape.sort in _MANY and not shape.switch))
    if shape.switch:
        return f"{what} is not true, false or a mapping"
    if shape.options:
        return f"{what} is not one of {', '.join(shape.options)}"
    text = f"{what} {_WANTED.get(shape.sort, 'is not a text')}"
    near = _TRUTH.get(node.text.lower()) if shape.sort is Sort.FLAG and isinstance(node, ScalarNode) else None
    return f"{text}; did you mean {near}?" if near else text


def reference(node: ScalarNode, section: str, names: Names, mistakes: Mistakes) -> str | None:
    """What is wrong with a name of something that stands in another section, or None."""
    there = names.get(section, ())
    if not isinstance(node.value, str):
        return f"{seen(node)} is not a text; put it in quotes"
    if node.value in there:
        return None
    text = f"{seen(node)} is not in {section}"
    if not there:
        return f"{text}, which holds none"
    if len(there) <= LISTED:
        text += f" ({', '.join(sorted(there))})"
    return text + mistakes.suggestion(node.value, there)


def _unknown_key(mapping: MapNode, key: str, shape: Shape, mistakes: Mistakes) -> None:
    mark = mapping.keys[key]
    if key in PLANNED.get(shape.section, ()):
        mistakes.at_key(mapping, mark, f"not supported by netmon {__version__} yet")
        return
    hint = mistakes.suggestion(key, shape.fields) or f"; known keys are {', '.join(shape.fields)}"
    if shape.guarded:
        # A slip of the pen beside a password turns the password itself into a key.
        mistakes.at_key(mapping, mark, f"unknown key (not shown, it may hold a secret){hint}", show=False)
    else:
        mistakes.at_key(mapping, mark, f"unknown key{hint}")
