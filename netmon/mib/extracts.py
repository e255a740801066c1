"""Numbers out of texts: `regex_extracts` of a module.

Expressions are RE2, whose time is linear in the text, and match the whole of it.  A value is a template
with `$1` or `${name}` for groups.  Of several rules the first counts whose template gives a number;
where none does there is no sample.  Numbers read as Go reads them, since that is what the rules were
written against: ASCII digits, no blanks, and a number too large for a float is none.
"""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

import re2  # type: ignore[import-untyped]  # ships no types

from netmon.model import Family

_DECIMAL: Final = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_HEX: Final = re.compile(r"[+-]?0[xX](?:[0-9a-fA-F]+(?:\.[0-9a-fA-F]*)?|\.[0-9a-fA-F]+)[pP][+-]?[0-9]{1,6}")
_WORDS: Final = re.compile(r"[+-]?inf(?:inity)?|nan", re.IGNORECASE | re.ASCII)
_REFERENCE: Final = re.compile(r"\$(?:\$|\{(\w+)\}|(\w+))")
_GROUP: Final = re.compile(r"0|[1-9][0-9]{0,7}")
_MAX_NUMBER: Final = 1000  # characters of a number


class ExpressionError(ValueError):
    """A text that RE2 does not take as an expression."""


class Rule(NamedTuple):
    """One expression of an extract, and what its number is made of."""

    expression: str
    template: str


class Extract:
    """A family of numbers that rules find in a text."""

    __slots__ = ("_compiled", "family", "rules")

    def __init__(self, family: Family, rules: Sequence[Rule]) -> None:
        """Raises ExpressionError."""
        self.family = family
        self.rules = tuple(rules)
        self._compiled = [
            (compiled, parse_template(rule.template, compiled.groupindex, compiled.groups))
            for rule in rules
            for compiled in [compile_expression(whole(rule.expression))]
        ]

    def number(self, text: str) -> float | None:
        """The number of the first rule that gives one."""
        for expression, template in self._compiled:
            match = expression.search(text)
            if match is None:
                continue
            parts = [part if isinstance(part, str) else (match.group(part) or "") for part in template]
            found = parse_float("".join(parts))
            if found is not None:
                return found
        return None


def whole(expression: str) -> str:
    """The expression that matches a text as a whole."""
    return f"^(?:{expression})$"


def compile_expression(text: str) -> Any:
    """An expression of RE2.  Raises ExpressionError with RE2's own words."""
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(text, options=options)
    except re2.error as error:
        reason = error.args[0] if error.args else ""
        words = reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)
        raise ExpressionError(words) from None


def parse_float(text: str) -> float | None:
    """A number as Go's strconv.ParseFloat reads it; None where that gives an error."""
    if len(text) > _MAX_NUMBER:
        return None
    if _DECIMAL.fullmatch(text):
        number = float(text)
    elif _HEX.fullmatch(text):
        try:
            number = float.fromhex(text)
        except OverflowError:
            return None
    elif _WORDS.fullmatch(text):
        return float(text)
    else:
        return None
    return None if math.isinf(number) else number


def parse_template(text: str, names: Mapping[str, int], groups: int) -> list[str | int]:
    """Texts and numbers of groups, one after another, as Go's Regexp.Expand reads a template."""
    parts: list[str | int] = []
    at = 0
    for match in _REFERENCE.finditer(text):
        parts.append(text[at : match.start()])
        at = match.end()
        name = match[1] or match[2]
        if name is None:
            parts.append("$")
        elif _GROUP.fullmatch(name):
            if int(name) <= groups:
                parts.append(int(name))
        elif name in names:
            parts.append(names[name])
    parts.append(text[at:])
    return parts
