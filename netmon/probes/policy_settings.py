"""What a `policy` check is told: a domain, its selectors, and how far inwards DNS may lead."""

import re
from pathlib import Path
from typing import Annotated, Final

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from netmon.fields import Settings

_DOMAIN: Final = re.compile(
    r"(?=.{1,253}$)[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)+"
)
_SELECTOR: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,98}[A-Za-z0-9])?")


def _domain(text: str) -> str:
    name = text.rstrip(".").lower()
    if not _DOMAIN.fullmatch(name):
        raise PydanticCustomError("domain", "is not a domain like example.org")
    return name


def _selector(text: str) -> str:
    if not _SELECTOR.fullmatch(text):
        raise PydanticCustomError("selector", "is not a DKIM selector like mail2026")
    return text.lower()


class PolicySettings(Settings):
    """One domain's policies; `port` is that of its MX."""

    domain: Annotated[str, AfterValidator(_domain)]
    port: Annotated[int, Field(ge=1, le=65535)] = 25
    dane: bool = True
    mta_sts: bool = True
    dkim: Annotated[tuple[Annotated[str, AfterValidator(_selector)], ...], Field(max_length=20)] = ()
    ca_file: Path | None = None  # whom to trust instead of the system's store
    # Where it may connect besides public addresses: networks, and single addresses.  None: anywhere.
    allow: tuple[str, ...] | None = None
    addresses: tuple[str, ...] = ()

    @property
    def required(self) -> bool:
        """A policy never says whether mail is accepted."""
        return False
