"""pydantic's errors in our words, for probes that do not exist yet."""

import re
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

import pytest
from pydantic import Field, PositiveInt, ValidationError, field_validator, model_validator
from pydantic_core import PydanticKnownError
from pydantic_core.core_schema import ErrorType

from netmon.config.compose import compose
from netmon.config.mistakes import Mistakes
from netmon.config.nodes import MapNode, ScalarNode, Source
from netmon.config.shapes import record_shape
from netmon.config.strict import inspect
from netmon.config.words import report, sentence
from netmon.fields import Duration, Ref, Secret, Settings


class Colour(StrEnum):
    """A choice."""

    RED = "red"
    BLUE = "blue"


class Login(Settings):
    """A record with secrets in it."""

    username: str
    password: Secret
    tokens: tuple[Secret, ...] = ()
    by_name: dict[str, Secret] = Field(default_factory=dict)

    @field_validator("username")
    @classmethod
    def _no_spaces(cls, username: str) -> str:
        if " " in username:
            raise ValueError(f"{username!r} holds a space")
        return username


class Example(Settings):
    """One field of each sort that a probe may have."""

    whole: int = 1
    count: PositiveInt = 1
    number: float = 1.0
    flag: bool = False
    text: Annotated[str, Field(min_length=2, max_length=4, pattern="^[a-z]*$")] = "ab"
    choice: Literal["a", "b"] = "a"
    colour: Colour | None = None
    many: Annotated[tuple[int, ...], Field(max_length=2)] = ()
    pairs: dict[str, int] = Field(default_factory=dict)
    either: int | str = 1
    wait: Duration = 1.0
    path: Path = Path("x")
    name: Annotated[str, Ref("things")] | None = None
    login: Login | None = None

    @model_validator(mode="after")
    def _odd(self) -> "Example":
        if self.whole == 13:
            raise ValueError("13 and nothing else is unlucky")
        return self


def told(text: str) -> list[str]:
    """The mistakes of a mapping read as Example, without the file's name."""
    source = Source(Path("/etc/x.yml"), "x.yml")
    compose(source, text)
    root, found = source.root, Mistakes()
    assert isinstance(root, MapNode)
    shape = record_shape(Example)
    inspect(root, shape, {"things": ["thing"]}, found)
    try:
        Example.model_validate(_plain(root))
    except ValidationError as error:
        report(error, root, shape, found)
    return [str(mistake).removeprefix("x.yml:") for mistake in found.error().mistakes]


def _plain(node: Any) -> Any:
    if isinstance(node, ScalarNode):
        return node.value
    return (
        {k: _plain(v) for k, v in node.items.items()}
        if isinstance(node, MapNode)
        else [*map(_plain, node.items)]
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("whole: 1.5", "1:8: whole: 1.5 is not a whole number"),
        ("count: 0", "1:8: count: 0 is too small, wanted more than 0"),
        ("number: x", '1:9: number: "x" is not a number'),
        ("flag: 1", "1:7: flag: 1 is not true or false"),
        ("text: a", '1:7: text: "a" is too short, wanted at least 2 characters'),
        ("text: abcde", '1:7: text: "abcde" is too long, wanted at most 4 characters'),
        ("text: AB", '1:7: text: "AB" does not match ^[a-z]*$'),
        ("text: null", "1:7: text: is empty: give it a value, or leave the key out"),
        ("choice: c", '1:9: choice: "c" is not one of a, b'),
        ("choice: [a]", "1:9: choice: a list is not one of a, b"),
        ("colour: bleu", '1:9: colour: "bleu" is not one of red, blue; did you mean "blue"?'),
        ("many: [1, 2, 3]", "1:7: many: a list has too many entries, wanted at most 2"),
        ("many: [1, x]", '1:11: many[1]: "x" is not a whole number'),
        ("pairs: {a b: x}", '1:14: pairs."a b": "x" is not a whole number'),
        ("either: [x]", "1:9: either: a list is not a whole number"),
        ("wait: 5", "1:7: wait: 5 is not a duration like 30s, 5m or 1h30m"),
        ("path: 5", "1:7: path: 5 is not a path"),
        ("name: thin", '1:7: name: "thin" is not in things (thing); did you mean "thing"?'),
        ("whole: 13", "1:1: 13 and nothing else is unlucky"),
        ("login: {username: x}", "1:8: login: the key password is missing"),
        ("login: {username: a b, password: x}", "1:19: login.username: 'a b' holds a space"),
        (
            "login: {username: a, password: 5}",
            "1:32: login.password: the value is not a text; put it in quotes",
        ),
        ("login: swordfish", "1:8: login: the value is not a mapping"),
        (
            "login: {username: a, password: x, tokens: [5], by_name: {k: true}}",
            (
                "1:44: login.tokens[0]: the value is not a text; put it in quotes\n"
                "1:61: login.by_name.k: the value is not a text; put it in quotes"
            ),
        ),
        ('text: "a\\nb c d"', '1:7: text: "a\\u000ab c d" is too long, wanted at most 4 characters'),
        ('text: "a\n  b c d"', "1:7: text: a text of several lines is too long, wanted at most 4 characters"),
    ],
)
def test_each_sort_of_field_has_its_sentence(text: str, words: str) -> None:
    """What was seen, what is wanted, and where."""
    assert "\n".join(told(text)) == words


@pytest.mark.parametrize("kind", get_args(ErrorType))
def test_no_error_type_speaks_pydantics_words(kind: str) -> None:
    """Whatever type of error a probe's settings raise one day, its raw text is not passed on."""
    node = ScalarNode(Source(Path("x"), "x"), 1, 1, "v", "v", 0, 1)
    details: Any = {"type": kind, "loc": (), "msg": f"Input should be {kind}", "input": "v"}
    assert re.fullmatch(r'"v" is not .*', sentence(details, node, None, Mistakes()))


def test_known_error_types_have_their_context_filled_in() -> None:
    """A bound is told as a number."""
    error = PydanticKnownError("less_than", {"lt": 5})
    node = ScalarNode(Source(Path("x"), "x"), 1, 1, "7", 7, 0, 1)
    details: Any = {"type": error.type, "loc": (), "msg": error.message(), "ctx": error.context, "input": 7}
    assert sentence(details, node, None, Mistakes()) == "7 is too large, wanted less than 5"


def test_a_validator_cannot_give_an_expanded_value_away() -> None:
    """A sentence that quotes what came from the environment is replaced."""
    source = Source(Path("x"), "x")
    node = ScalarNode(source, 1, 1, "${env:A}", "hunter2", 0, 1, expanded=True)
    details: Any = {
        "type": "value_error",
        "loc": (),
        "msg": "",
        "ctx": {"error": ValueError("hunter2 is bad")},
    }
    assert sentence(details, node, None, Mistakes()) == 'the value of "${env:A}" is not acceptable here'
