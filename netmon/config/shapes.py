"""What a place in the config may hold, read off the pydantic records once per record.

pydantic tells what is wrong with a value; a shape tells what is known of its place without one: the
keys of a record, the section that a name refers to, and whether a secret lives there, so that a
message can hold its tongue.  The probes' settings get all of it by being written as usual.
"""

import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from enum import auto as auto_value
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Final, Literal, get_args, get_origin

from pydantic import BeforeValidator, GetJsonSchemaHandler, PlainValidator, WrapValidator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from netmon.fields import Ref, Secret, Settings
from netmon.receivers import Short


class Sort(Enum):
    """The sorts of places."""

    RECORD = auto_value()
    MAP = auto_value()
    LIST = auto_value()
    TEXT = auto_value()
    WHOLE = auto_value()
    NUMBER = auto_value()
    FLAG = auto_value()
    CHOICE = auto_value()
    PATH = auto_value()
    SECRET = auto_value()
    OTHER = auto_value()  # a field type with a reader of its own, such as Duration


class Switch:
    """Marks a record that `true` stands for with all its defaults, and `false` leaves out."""

    def __get_pydantic_json_schema__(
        self, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {"anyOf": [{"type": "boolean"}, handler(core)]}


@dataclass(frozen=True, slots=True)
class Shape:
    """One place.  `section` is the nearest key above it that the schema names."""

    sort: Sort
    section: str
    fields: Mapping[str, "Shape"] = field(default_factory=dict)  # of a record
    item: "Shape | None" = None  # of a list or map
    options: tuple[str, ...] = ()  # of a choice
    ref: str | None = None
    switch: bool = False
    short: "Shape | None" = None  # of a record that a bare text may stand for: the text's own place
    own_reader: bool = False  # a validator of its own looks at the value first, whatever it is
    holds_secret: bool = False  # here or anywhere below
    guarded: bool = False  # a record with a secret among its own keys

    def place_of(self, *, scalar: bool) -> "Shape":
        """Where a value really stands: a bare text may stand for a whole record."""
        return self.short if scalar and self.short is not None else self


_PLAIN: Final[Mapping[Any, Sort]] = {
    str: Sort.TEXT,
    int: Sort.WHOLE,
    float: Sort.NUMBER,
    bool: Sort.FLAG,
    Secret: Sort.SECRET,
    Path: Sort.PATH,
}


@cache
def record_shape(record: type[Settings], section: str = "") -> Shape:
    """The shape of a record; `section` is the key that it stands under."""
    before = record.__pydantic_decorators__.field_validators.values()
    own_reader = {
        name for decorator in before if decorator.info.mode != "after" for name in decorator.info.fields
    }
    fields = {
        (info.alias or name): shape_of(
            info.annotation, name, tuple(info.metadata), own_reader=name in own_reader
        )
        for name, info in record.model_fields.items()
    }
    whole = record.__pydantic_decorators__.model_validators.values()
    return Shape(
        Sort.RECORD,
        section,
        fields,
        own_reader=any(decorator.info.mode != "after" for decorator in whole),
        holds_secret=any(shape.holds_secret for shape in fields.values()),
        guarded=any(shape.sort is Sort.SECRET for shape in fields.values()),
    )


def shape_of(
    annotation: Any, section: str, metadata: tuple[Any, ...] = (), *, own_reader: bool = False
) -> Shape:
    """The shape of an annotated place."""
    while True:
        if get_origin(annotation) is Annotated:
            annotation, *more = get_args(annotation)
            metadata = (*metadata, *more)
            continue
        alternatives = [a for a in get_args(annotation) if a is not type(None)]
        if get_origin(annotation) in {typing.Union, types.UnionType} and len(alternatives) == 1:
            annotation = alternatives[0]
            continue
        break
    ref = next((mark.section for mark in metadata if isinstance(mark, Ref)), None)
    switch = any(isinstance(mark, Switch) for mark in metadata)
    short = next((mark.key for mark in metadata if isinstance(mark, Short)), None)
    own_reader = own_reader or any(
        isinstance(m, (BeforeValidator, PlainValidator, WrapValidator)) for m in metadata
    )
    bare = _bare(annotation, section, own_reader=own_reader)
    return replace(
        bare,
        ref=ref,
        switch=switch,
        short=None if short is None else bare.fields[short],
        own_reader=own_reader or bare.own_reader,
    )


def _bare(annotation: Any, section: str, *, own_reader: bool) -> Shape:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if isinstance(annotation, type) and issubclass(annotation, Settings):
        return record_shape(annotation, section)
    if origin in {tuple, list, set, frozenset} and arguments:
        item = shape_of(arguments[0], section)
        return Shape(Sort.LIST, section, item=item, holds_secret=item.holds_secret)
    if origin in {dict, Mapping} and arguments:
        item = shape_of(arguments[1], section)
        return Shape(Sort.MAP, section, item=item, holds_secret=item.holds_secret)
    options = _options(annotation)
    if options:
        return Shape(Sort.CHOICE, section, options=options)
    secret = annotation is Secret or Secret in arguments
    sort = Sort.OTHER if own_reader else _PLAIN.get(annotation, Sort.OTHER)
    return Shape(sort, section, holds_secret=secret)


def _options(annotation: Any) -> tuple[str, ...]:
    if get_origin(annotation) is Literal:
        return tuple(str(value) for value in get_args(annotation))
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return tuple(str(member.value) for member in annotation)
    return ()
