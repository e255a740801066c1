"""What others see of the config: its JSON Schema, its text without secrets, a first file to begin with."""

from collections.abc import Mapping
from importlib import resources
from typing import Any

from netmon.config.key_texts import KEY_TEXTS
from netmon.config.records import Config, records
from netmon.probes.base import ProbeKind


def schema(kinds: Mapping[str, ProbeKind]) -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of netmon.yml, for editors."""
    found = records(kinds).top.model_json_schema()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **_told("", _as_written(found)),
        "title": "netmon.yml",
        "$defs": {name: _told(name, _as_written(record)) for name, record in found["$defs"].items()},
    }


def _told(record: str, node: dict[str, Any]) -> dict[str, Any]:
    """The record with a description at each key."""
    places = {
        key: place
        if "description" in place
        else place | {"description": KEY_TEXTS.get(f"{record}.{key}") or KEY_TEXTS[key]}
        for key, place in node.get("properties", {}).items()
    }
    if "anyOf" in node:
        return node | {"anyOf": [_told(record, option) for option in node["anyOf"]]}
    return node | {"properties": places} if places else node


def _as_written(node: dict[str, Any]) -> dict[str, Any]:
    """pydantic's schema in terms of what people write: no made-up titles, no null, `14d` for 1209600.0."""
    tidy = {key: value for key, value in node.items() if key not in {"title", "$defs"}}
    if "properties" in tidy:
        tidy["properties"] = {name: _as_written(place) for name, place in tidy["properties"].items()}
    for key in ("items", "additionalProperties"):
        if isinstance(tidy.get(key), dict):
            tidy[key] = _as_written(tidy[key])
    options = [_as_written(option) for option in tidy.pop("anyOf", ()) if option != {"type": "null"}]
    if len(options) == 1:
        tidy = options[0] | tidy
    elif options:
        tidy["anyOf"] = options
    default = _default(tidy.pop("default", None), tidy)
    return tidy if default is None else tidy | {"default": default}


def _default(default: Any, place: dict[str, Any]) -> Any:
    """A default as people would write it, or None where it cannot be told in a line."""
    if isinstance(default, dict) or "writeOnly" in place:
        return None
    if place.get("type") != "string" or isinstance(default, str):
        return default
    if not isinstance(default, float):
        return None
    days = default / 86400
    return f"{days:.0f}d" if days >= 1 and days.is_integer() else f"{default:g}s"


def public_dump(config: Config) -> str:
    """The text of all files, secrets as `<secret>`, references unexpanded, comments left out."""
    if len(config.public) == 1:
        return next(iter(config.public.values()))
    return "\n".join(f"# {name}\n{text}" for name, text in config.public.items())


def starter() -> str:
    """The commented config that `netmon init` writes; it is valid as it stands."""
    return resources.files("netmon").joinpath("data", "netmon.yml").read_text("utf-8")
