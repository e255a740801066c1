"""The config reference, docs/config.md: the JSON Schema of netmon.yml as tables for people; pure."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

_HEAD: Final = """\
# Every key of netmon.yml

Made by `netmon schema --markdown` from the schema itself: change the records in `netmon/config/` and
their texts in `netmon/config/key_texts.py`, not this file. Unknown keys are mistakes, and
`netmon check-config` names all mistakes of a file at once. Durations are written as `30s`, `5m`, `4h` or
`14d`; secrets as `${env:NAME}` or `${file:PATH}`. A key in bold must be given."""


def as_markdown(schema: Mapping[str, Any]) -> str:
    """`schema` of :func:`netmon.config.schema`; each record once, where it is first spoken of."""
    lines = [_HEAD, "", "## The file", "", *_table(schema)]
    for name, path in _records(schema):
        record = schema["$defs"][name]
        lines += ["", f'<a id="{name.lower()}"></a>', "", f"## `{path}`", ""]
        if told := record.get("description"):
            lines += [_cell(told), ""]
        lines += _table(record)
    return "\n".join(lines)


def _records(schema: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The records and where they stand, depth first, in the order of the keys."""
    seen: set[str] = set()

    def below(node: Mapping[str, Any], path: str) -> Iterator[tuple[str, str]]:
        for key, place in _keys(node).get("properties", {}).items():
            for name, more in _references(place, ""):
                if name not in seen:
                    seen.add(name)
                    here = f"{path}{key}{more}"
                    yield name, here
                    yield from below(schema["$defs"][name], f"{here}.")

    yield from below(schema, "")


def _references(place: Mapping[str, Any], more: str) -> Iterator[tuple[str, str]]:
    if "$ref" in place:
        yield place["$ref"].rpartition("/")[2], more
    if isinstance(place.get("items"), dict):
        yield from _references(place["items"], f"{more}[]")
    if isinstance(place.get("additionalProperties"), dict):
        yield from _references(place["additionalProperties"], f"{more}.NAME")
    for option in place.get("anyOf", ()):
        yield from _references(option, more)


def _keys(record: Mapping[str, Any]) -> Mapping[str, Any]:
    """The record, or of one that may be a text too what it is as a mapping."""
    return next((option for option in record.get("anyOf", ()) if "properties" in option), record)


def _table(record: Mapping[str, Any]) -> Sequence[str]:
    record = _keys(record)
    must = record.get("required", ())
    lines = ["| key | type | default | what |", "|---|---|---|---|"]
    for key, place in record.get("properties", {}).items():
        name = f"**`{key}`**" if key in must else f"`{key}`"
        default = place.get("default")
        shown = "" if default in (None, "", []) else f"`{_plain(default)}`"
        lines.append(f"| {name} | {_type(place)} | {shown} | {_cell(place['description'])} |")
    return lines


def _plain(value: Any) -> str:
    if isinstance(value, list):
        if [type(part) for part in value] == [str, int]:  # where to listen
            host, port = value
            return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        return ", ".join(map(_plain, value))
    return value if isinstance(value, str) else json.dumps(value)


def _type(place: Mapping[str, Any]) -> str:
    """What may stand there, in a few words."""
    if "$ref" in place:
        return f"[mapping](#{place['$ref'].rpartition('/')[2].lower()})"
    if "anyOf" in place:
        return " or ".join(dict.fromkeys(map(_type, place["anyOf"])))
    if "enum" in place:
        return ", ".join(f"`{_plain(value)}`" for value in place["enum"])
    match place.get("type"):
        case "array":
            told = f"list of {_type(place.get('items', {}))}"
        case "object":
            told = f"NAME -> {_type(place['additionalProperties'])}"
        case "integer" | "number":
            told = _number(place)
        case "boolean":
            told = "true, false"
        case _:
            told = _text(place)
    return told


def _text(place: Mapping[str, Any]) -> str:
    if place.get("examples") == ["30s", "5m"]:
        return "duration"
    return "secret" if place.get("writeOnly") else "path" if place.get("format") == "path" else "text"


def _number(place: Mapping[str, Any]) -> str:
    low = place.get("minimum", place.get("exclusiveMinimum"))
    high = place.get("maximum")
    above = "above " if "exclusiveMinimum" in place else ""
    if low is not None and high is not None:
        return f"number, {above}{low} to {high}"
    return f"number, {above or 'from '}{low}" if low is not None else "number"


def _cell(text: str) -> str:
    """Text in one line of Markdown."""
    # In code, which stands between backticks, nothing but a bar means anything.
    parts = " ".join(text.split()).replace("|", "\\|").split("`")
    return "`".join(part if number % 2 else part.replace("<", "&lt;") for number, part in enumerate(parts))
