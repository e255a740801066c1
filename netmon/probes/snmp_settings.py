"""What the snmp probe is told: a host's `snmp` in the config, and the same with its names resolved."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Final

from pydantic import (
    BeforeValidator,
    Field,
    GetJsonSchemaHandler,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError

from netmon.fields import Duration, OptionalDuration, Ref, Settings
from netmon.mib.auto import AUTO, Candidate, candidates
from netmon.mib.modules import Module
from netmon.probes.base import Auth, Library

MAIL_QUEUE_EXTEND: Final = "netmon-mailq"
_MOST_PROCESSES: Final = 100  # names of a host; each is a series
_PROCESS_NAME: Final = re.compile(r"(?! )[^/\x00-\x1f\x7f]{1,64}(?<! )")  # hrSWRunName has 64 octets at most
_EXTEND_NAME: Final = re.compile(r"[A-Za-z0-9_.:-]{1,64}")  # it stands in an OID, an octet a number
_TRUTH: Final = ("yes", "no", "on", "off")  # to YAML 1.1, and surely no names


def _process_name(name: str) -> str:
    if not _PROCESS_NAME.fullmatch(name):
        raise PydanticCustomError(
            "process_name",
            "is not a process's name of 1 to 64 characters without a path, as ps -eo comm has it",
        )
    return name


def _subject(value: Any) -> str:
    """Begins a sentence about a value that is no scalar; about a scalar, it begins with what was seen."""
    return "a list " if isinstance(value, list | tuple) else "a mapping " if isinstance(value, dict) else ""


def _extend_name(name: Any) -> Any:
    """`true` stands for the usual name, `false` for none."""
    if isinstance(name, bool):
        return MAIL_QUEUE_EXTEND if name else None
    if name is None or (isinstance(name, str) and _EXTEND_NAME.fullmatch(name) and name not in _TRUTH):
        return name
    raise PydanticCustomError(
        "extend_name",
        "{subject}is not true, false or the name of an extend in snmpd.conf: "
        "1 to 64 letters, digits, _ . : and -",
        {"subject": _subject(name)},
    )


class ProcessEntry(Settings):
    """An entry of `processes`: how many of that name there must be; a text alone means at least one."""

    name: Annotated[str, Field(min_length=1)]
    min: Annotated[int, Field(ge=0, le=100_000)] = 1
    max: Annotated[int, Field(ge=0, le=100_000)] | None = None  # None: any number

    @model_validator(mode="before")
    @classmethod
    def _text(cls, entry: Any) -> Any:
        if isinstance(entry, str):
            return {"name": entry}
        if not isinstance(entry, dict):
            raise PydanticCustomError(
                "process",
                "{subject}is not a process's name or a mapping like {example}",
                {"subject": _subject(entry), "example": "{name: dovecot, min: 1, max: 1}"},
            )
        return entry

    @field_validator("name")
    @classmethod
    def _named(cls, name: str) -> str:
        return _process_name(name)

    @field_validator("max")
    @classmethod
    def _in_order(cls, most: int | None, info: ValidationInfo) -> int | None:
        least = info.data.get("min")
        if most is not None and least is not None and most < least:
            raise PydanticCustomError("process_range", "is less than min, which is {min}", {"min": least})
        return most

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"anyOf": [{"type": "string"}, handler(core)]}


class SnmpSettings(Settings):
    """A host's `snmp`."""

    auth: Annotated[str, Ref("auths")] = "public_v2"
    modules: Annotated[
        tuple[Annotated[str, Ref("modules")], ...],
        Field(
            min_length=1, description="Names of modules; auto, alone or among them, is what the agent serves."
        ),
        WithJsonSchema(
            {
                "anyOf": [
                    {"const": AUTO},
                    {"type": "array", "items": {"type": "string"}, "minItems": 1},
                ]
            }
        ),
    ] = ("system", "if_mib")
    port: Annotated[int, Field(ge=1, le=65535)] = 161
    max_repetitions: Annotated[
        int | None,
        Field(ge=1, le=1000, description="At most so many in a GETBULK; else the module's, else what fits."),
    ] = None
    timeout: Annotated[
        Duration | None,
        Field(description="For one answer, retries included; else the module's, else the host's."),
    ] = None
    retries: Annotated[
        int | None, Field(ge=0, le=20, description="Further sends; else the module's, else the host's.")
    ] = None
    cache: Annotated[
        OptionalDuration, Field(description="How old names of rows may be; 0s: they are read at every run.")
    ] = 300.0
    processes: Annotated[tuple[ProcessEntry, ...], Field(max_length=_MOST_PROCESSES)] = ()
    # The name of the extend of snmpd's that counts the queue; true: netmon-mailq.
    mail_queue: Annotated[
        str | None,
        BeforeValidator(_extend_name),
        WithJsonSchema(
            {"anyOf": [{"type": "boolean"}, {"type": "string", "pattern": f"^{_EXTEND_NAME.pattern}$"}]}
        ),
    ] = None

    @field_validator("modules", mode="before")
    @classmethod
    def _auto_alone(cls, modules: Any) -> Any:
        return (AUTO,) if modules == AUTO else modules

    @field_validator("processes")
    @classmethod
    def _once_each(cls, processes: tuple[ProcessEntry, ...]) -> tuple[ProcessEntry, ...]:
        names = [entry.name for entry in processes]
        for name in names:
            if names.count(name) > 1:
                raise PydanticCustomError("process_twice", "{name} is listed twice", {"name": name})
        return processes

    @field_validator("processes", "mail_queue")
    @classmethod
    def _no_module(cls, value: Any, info: ValidationInfo) -> Any:
        # Both would be the same series of netmon_module_up.
        if value and info.field_name in info.data.get("modules", ()):
            raise PydanticCustomError(
                "module_name",
                "the module {name} in modules has the name of this setting; rename the module",
                {"name": info.field_name},
            )
        return value


@dataclass(frozen=True, slots=True)
class Bound:
    """The settings of one host's check with its names resolved; None leaves it to module and check."""

    auth: Auth
    modules: tuple[Module, ...]  # those that are named
    port: int
    max_repetitions: int | None
    timeout: float | None
    retries: int | None
    processes: tuple[ProcessEntry, ...] = ()
    mail_queue: str | None = None
    auto: tuple[Candidate, ...] = ()  # what `auto` in `modules` chooses from
    # 32-bit counters -> 64-bit ones to prefer
    wider: Mapping[str, str] = field(default_factory=dict, hash=False)
    cache: float = 0.0  # seconds


def bind(settings: SnmpSettings, library: Library) -> Bound:
    """Resolve names.  Raises KeyError for one that the library lacks, which the config has checked."""
    names = [name for name in dict.fromkeys(settings.modules) if name != AUTO]
    return Bound(
        auth=library.auths[settings.auth],
        modules=tuple(library.modules[name] for name in names),
        port=settings.port,
        max_repetitions=settings.max_repetitions,
        timeout=settings.timeout,
        retries=settings.retries,
        processes=settings.processes,
        mail_queue=settings.mail_queue,
        auto=candidates(library.rows, library.modules, names) if AUTO in settings.modules else (),
        wider=library.wider,
        cache=settings.cache,
    )
