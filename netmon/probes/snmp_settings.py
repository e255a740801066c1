"""What the snmp probe is told: a host's `snmp` in the config, and the same with its names resolved."""

from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError

from netmon.fields import Duration, Ref, Settings
from netmon.mib.modules import Module
from netmon.probes.base import Auth, Library


class SnmpSettings(Settings):
    """A host's `snmp`."""

    auth: Annotated[str, Ref("auths")] = "public_v2"
    modules: Annotated[tuple[Annotated[str, Ref("modules")], ...], Field(min_length=1)] = ("system", "if_mib")
    port: Annotated[int, Field(ge=1, le=65535)] = 161
    max_repetitions: Annotated[int, Field(ge=1, le=1000)] | None = None  # default: the module's, else 25
    timeout: Duration | None = (
        None  # for one answer, retries included; default: the module's, else the host's
    )
    retries: Annotated[int, Field(ge=0, le=20)] | None = None  # default: the module's, else the host's

    @field_validator("modules", mode="before")
    @classmethod
    def _no_auto(cls, modules: Any) -> Any:
        if modules == "auto" or (isinstance(modules, list | tuple) and "auto" in modules):
            raise PydanticCustomError(
                "not_yet",
                "auto is not done by this version of netmon yet; list the modules, as [system, if_mib]",
            )
        return modules


@dataclass(frozen=True, slots=True)
class Bound:
    """The settings of one host's check with its names resolved; None leaves it to module and check."""

    auth: Auth
    modules: tuple[Module, ...]
    port: int
    max_repetitions: int | None
    timeout: float | None
    retries: int | None


def bind(settings: SnmpSettings, library: Library) -> Bound:
    """Resolve names.  Raises KeyError for one that the library lacks, which the config has checked."""
    return Bound(
        auth=library.auths[settings.auth],
        modules=tuple(library.modules[name] for name in dict.fromkeys(settings.modules)),
        port=settings.port,
        max_repetitions=settings.max_repetitions,
        timeout=settings.timeout,
        retries=settings.retries,
    )
