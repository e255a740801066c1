"""Prometheus's relabelling, as far as exporter jobs use it; pure.

Python's `re` stands in for RE2: the syntax that people write here is common to both, and what is not
is told.  Labels are short and the patterns are the user's own.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

Labels = dict[str, str]

_REFERENCE: Final = re.compile(r"\$(?:\$|(\w+)|\{(\w+)\})")
_LABEL: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")


class RelabelError(ValueError):
    """A rule that is not understood; the text says which and why."""


def relabel(labels: Mapping[str, str], rules: Sequence[Any]) -> Labels | None:
    """The labels after all rules; None if a rule drops the target.  Raises RelabelError."""
    known = dict(labels)
    for rule in rules:
        if not isinstance(rule, dict):
            raise RelabelError("a relabelling rule is no mapping")
        if not _apply(known, rule):
            return None
    return known


def _apply(labels: Labels, rule: Mapping[str, Any]) -> bool:
    """Apply one rule in place; False: the target is dropped."""
    action = str(rule.get("action", "replace")).lower()
    pattern = _pattern(rule.get("regex", "(.*)"))
    names = rule.get("source_labels") or []
    value = str(rule.get("separator", ";")).join(labels.get(str(name), "") for name in names)
    target, replacement = str(rule.get("target_label", "")), str(rule.get("replacement", "$1"))
    match = pattern.fullmatch(value)
    if action in {"keep", "drop"}:
        return (match is not None) is (action == "keep")
    if action == "replace":
        if match is not None and _LABEL.fullmatch(name := _expand(target, match)):
            _set(labels, name, _expand(replacement, match))
    elif action in {"lowercase", "uppercase"}:
        _set(labels, target, value.lower() if action == "lowercase" else value.upper())
    elif action in {"labeldrop", "labelkeep", "labelmap"}:
        _by_name(labels, action, pattern, replacement)
    else:
        raise RelabelError(f"the relabelling action {action} is not carried over")
    return True


def _by_name(labels: Labels, action: str, pattern: re.Pattern[str], replacement: str) -> None:
    """The actions that look at labels' names."""
    for name, text in list(labels.items()):
        match = pattern.fullmatch(name)
        if action == "labelmap":
            if match is not None:
                _set(labels, _expand(replacement, match), text)
        elif (match is not None) is (action == "labeldrop"):
            del labels[name]


def _set(labels: Labels, name: str, text: str) -> None:
    """An empty value is no label (Prometheus's data model)."""
    if text:
        labels[name] = text
    else:
        labels.pop(name, None)


def _pattern(text: object) -> re.Pattern[str]:
    try:
        return re.compile(str(text), re.DOTALL)
    except (re.error, OverflowError, RecursionError):
        raise RelabelError(f"the regular expression {str(text)[:100]!r} is not understood") from None


def _expand(template: str, match: re.Match[str]) -> str:
    """Go's Regexp.Expand: `$1`, `${1}`, `$name`; what is not there is empty."""

    def text(reference: re.Match[str]) -> str:
        name = reference[1] or reference[2]
        if name is None:
            return "$"
        try:
            return match[int(name) if name.isdecimal() else name] or ""
        except IndexError:
            return ""

    return _REFERENCE.sub(text, template)
