"""`settings`: what `netmon snmp set` may change, and where its credentials are.

Nothing may be changed unless it is named here.  The agent reads this section and never the file that it
names: what can write to devices stays out of a process that listens on the network, and out of `/config`.
"""

import re
from pathlib import Path
from typing import Annotated, Final

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from netmon.fields import Settings

# A name with or without its module and an instance, or numbers: what the MIBs make of it is theirs to say.
_NAME: Final = re.compile(r"(?:[A-Za-z][\w-]*::)?[A-Za-z][\w-]*(?:\.\S+)?", re.ASCII)
_NUMBERS: Final = re.compile(r"\.?[0-9]{1,10}(?:\.[0-9]{1,10}){1,127}", re.ASCII)


def _object(text: str) -> str:
    if not (_NAME.fullmatch(text) or _NUMBERS.fullmatch(text)):
        raise PydanticCustomError(
            "settings_object", "is not an object like sysContact, IF-MIB::ifAlias or 1.3.6.1.2.1.1.4"
        )
    return text


class SettingsEntry(Settings):
    """`settings`: what `netmon snmp set` may change, which is nothing by default."""

    allow: Annotated[
        tuple[Annotated[str, AfterValidator(_object)], ...],
        Field(description="Objects that may be changed, each with all that is below it."),
    ] = ()
    auth_file: Annotated[
        Path | None, Field(description="YAML with a section auths; only the command line opens it.")
    ] = None
