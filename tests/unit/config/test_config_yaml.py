"""The YAML that netmon reads: the core schema of YAML 1.2, with the place of every value."""

from pathlib import Path

import pytest

from netmon.config.compose import YamlError, compose
from netmon.config.nodes import ListNode, MapNode, ScalarNode, Source


def composed(text: str) -> Source:
    """A source of that text."""
    source = Source(Path("x.yml"), "x.yml")
    compose(source, text)
    return source


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),  # YAML 1.1 took it for false
        ("True", True),
        ("~", None),
        ("''", ""),
        ("0123", 123),
        ("0o17", 15),
        ("0xFf", 255),
        ("-7", -7),
        ("1_000", "1_000"),
        ("1:30", "1:30"),  # YAML 1.1 took it for 90
        ("1.5e3", 1500.0),
        (".5", 0.5),
        (".", "."),
        ("-", [None]),
        ("'12'", "12"),
        ("2001-01-01", "2001-01-01"),
        ("9" * 19, float("9" * 19)),
        ("9" * 5000, "9" * 5000),
        ('"\\u00e9"', "é"),
    ],
)
def test_scalars(text: str, value: object) -> None:
    """Plain scalars follow YAML 1.2 §10.3.2; quoted ones are texts."""
    root = composed(text).root
    if isinstance(root, ListNode):
        assert [item.value for item in root.items if isinstance(item, ScalarNode)] == value
    else:
        assert isinstance(root, ScalarNode)
        assert root.value == value
        assert type(root.value) is type(value)


def test_places_of_keys_and_values() -> None:
    """Lines and columns count from 1, in characters, and a byte order mark counts for nothing."""
    source = composed("\ufeffä: 1\nb:\n  - {c: é, d: [x]}\n")
    root = source.root
    assert isinstance(root, MapNode)
    assert (root.items["ä"].line, root.items["ä"].column) == (1, 4)
    assert (root.keys["b"].line, root.keys["b"].column) == (2, 1)
    entries = root.items["b"]
    assert isinstance(entries, ListNode)
    entry = entries.items[0]
    assert isinstance(entry, MapNode)
    inner = entry.items["d"]
    assert (inner.line, inner.column) == (3, 15)
    assert isinstance(inner, ListNode)
    assert source.path_of(inner.items[0]) == "b[0].d[0]"


def test_aliases_are_one_node_and_named_by_their_first_place() -> None:
    """A mistake in a shared value is told where it is written."""
    source = composed("a: &x {k: 1}\nb: *x\n")
    assert isinstance(source.root, MapNode)
    assert source.root.items["a"] is source.root.items["b"]
    assert source.path_of(source.root.items["b"]) == "a"


@pytest.mark.parametrize("text", ["[" * 100_000, "{a: " * 100_000, "- " * 50_000, "? " * 50_000])
def test_nesting_ends_at_its_bound(text: str) -> None:
    """No depth of nesting reaches Python's own limit."""
    with pytest.raises(YamlError, match="nested deeper than 32 levels"):
        composed(text)


def test_depth_through_aliases_is_bounded_too() -> None:
    """Aliases cannot stack levels that the file does not show."""
    text = "a0: &a0 [x]\n" + "".join(f"a{i}: &a{i} [[[[*a{i - 1}]]]]\n" for i in range(1, 10))
    with pytest.raises(YamlError, match="is too large"):
        composed(text)
