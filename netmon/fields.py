"""Field types that the config and the probes' settings share: durations, secrets, references.

They are pydantic types, so one definition gives the check, the message and the JSON Schema.
"""

import hashlib
import re
from dataclasses import dataclass
from typing import Annotated, Any, Final
from urllib.parse import quote, unquote

from pydantic import BaseModel, BeforeValidator, ConfigDict, GetCoreSchemaHandler, WithJsonSchema
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from netmon.errors import NetmonError

_ABSENT: Final = "https://absent.invalid/"  # in every place where a secret may stand, this may stand too

# Prometheus's duration syntax (model.ParseDuration): units in this order, each at most once.
_UNITS: Final = (
    ("y", 31536000.0),
    ("w", 604800.0),
    ("d", 86400.0),
    ("h", 3600.0),
    ("m", 60.0),
    ("s", 1.0),
    ("ms", 0.001),
)
_DURATION: Final = re.compile("".join(rf"(?:([0-9]{{1,9}}){unit}(?![a-z]))?" for unit, _ in _UNITS))


def parse_duration(text: object) -> float:
    """Seconds of a Prometheus duration such as ``30s``, ``1h30m`` or ``250ms``.

    A bare number is refused, because nobody can tell seconds from minutes by it.
    Raises PydanticCustomError of type ``duration``.
    """
    if isinstance(text, str) and text:
        match = _DURATION.fullmatch(text)
        if match is not None:
            return sum(int(n) * seconds for n, (_, seconds) in zip(match.groups(), _UNITS, strict=True) if n)
    raise PydanticCustomError("duration", "is not a duration like 30s, 5m or 1h30m")


def _positive(seconds: float) -> float:
    if seconds <= 0:
        raise PydanticCustomError("duration_positive", "must be longer than 0s")
    return seconds


Duration = Annotated[
    float,
    BeforeValidator(lambda text: _positive(parse_duration(text))),
    WithJsonSchema({"type": "string", "pattern": r"^([0-9]+(y|w|d|h|ms|m|s))+$", "examples": ["30s", "5m"]}),
]

# `0s` means never.
OptionalDuration = Annotated[
    float,
    BeforeValidator(parse_duration),
    WithJsonSchema({"type": "string", "pattern": r"^([0-9]+(y|w|d|h|ms|m|s))+$", "examples": ["0s", "5m"]}),
]

_BYTES: Final = {
    **{unit: 1000**power for power, unit in enumerate(("B", "kB", "MB", "GB", "TB"))},
    **{unit: 1024**power for power, unit in enumerate(("KiB", "MiB", "GiB", "TiB"), 1)},
}
_SIZE: Final = re.compile(rf"([0-9]{{1,15}}(?:\.[0-9]{{1,6}})?) ?({'|'.join(_BYTES)})", re.ASCII)


def parse_size(text: object) -> int:
    """Bytes of a size such as ``500MB`` or ``2GiB``; a bare number is refused, as with durations.

    Raises PydanticCustomError of type ``size``.
    """
    match = _SIZE.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise PydanticCustomError("size", "is not a size like 500MB, 2GB or 2GiB")
    return int(float(match[1]) * _BYTES[match[2]])


Size = Annotated[
    int,
    BeforeValidator(parse_size),
    WithJsonSchema({"type": "string", "examples": ["500MB", "2GiB"]}),
]


class AbsentError(NetmonError):
    """A secret of the config is used that could not be had."""


class Secret:
    """A text that never prints: not in a log, a page, an error or a traceback.

    Equal by value, so that a reload notices a changed password; `reveal` is the only way to it.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself, for the wire and for nothing else.  Raises AbsentError if it could not be had."""
        if self._text.startswith(_ABSENT):
            raise AbsentError(unquote(self._text.removeprefix(_ABSENT)))
        return self._text

    def peek(self) -> str:
        """The text to judge its form by; of one that could not be had, a text that is good anywhere."""
        return self._text

    def __repr__(self) -> str:
        return "<secret>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)

    def fingerprint(self) -> bytes:
        """A digest that stands for the text where only equality matters."""
        return hashlib.sha256(self._text.encode()).digest()

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        def wrap(value: Any) -> "Secret":
            if isinstance(value, Secret):
                return value
            if isinstance(value, str):
                return cls(value)
            raise PydanticCustomError("string_type", "is not a text")

        return core_schema.no_info_plain_validator_function(
            wrap,
            serialization=core_schema.plain_serializer_function_ser_schema(lambda _: "<secret>"),
            metadata={
                "pydantic_js_functions": [lambda _schema, _handler: {"type": "string", "writeOnly": True}]
            },
        )


def absent(why: str) -> str:
    """What a config holds in the place of a secret that could not be had; using it raises `why`."""
    return _ABSENT + quote(why)


@dataclass(frozen=True, slots=True)
class Ref:
    """Marks a text field as the name of an entry elsewhere in the config: ``Annotated[str, Ref("auths")]``.

    The config checks that the entry exists and says what is there when it does not.
    """

    section: str


class Settings(BaseModel):
    """Base of everything that is read from netmon.yml: frozen, and unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)
