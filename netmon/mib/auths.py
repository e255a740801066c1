"""Credentials in a module file: the section `auths`, handed out as it was written.

What the fields mean is decided where requests are made; here only their names and `${NAME}` matter.
In `community`, `username`, `password` and `priv_password`, `${NAME}` stands for an environment variable,
as snmp_exporter has it with --config.expand-environment-variables (and there for all but the community).
netmon needs no flag for it: only the form with braces counts, so a `$` in a password stays what it is,
`$${` stands for a plain `${`, and a variable that is not set is a mistake.  `${env:NAME}`, as in
netmon.yml, means the same.  Values never print.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from netmon.mib.document import DocumentError, Place, Span, read_document

_KEYS: Final = (
    "community", "security_level", "username", "password", "auth_protocol", "priv_protocol",
    "priv_password", "context_name", "version",
)  # fmt: skip
_EXPANDED: Final = ("community", "username", "password", "priv_password")
_VARIABLE: Final = re.compile(r"\$\$\{|\$\{(?:env:)?([A-Za-z_][A-Za-z0-9_]*)\}")

__all__ = ["AuthEntry", "Span", "expand", "read_auths", "reread_auths"]


@dataclass(frozen=True, slots=True)
class AuthEntry:
    """An entry of `auths`: its fields as text, and where each stands (`snmp.yml:3:5`)."""

    name: str
    where: str
    fields: Mapping[str, str] = field(repr=False)
    places: Mapping[str, str] = field(repr=False)


def read_auths(section: Place) -> dict[str, AuthEntry]:
    """The entries of the section; mistakes are noted in the document."""
    auths = {}
    for name, place in section.entries().items():
        entries = place.fields(_KEYS)
        auths[name] = AuthEntry(
            name,
            place.where,
            {key: entry.text() for key, entry in entries.items()},
            {key: entry.where for key, entry in entries.items()},
        )
    return auths


def reread_auths(text: str, source: str, span: Span) -> dict[str, AuthEntry]:
    """The entries of a section that is known to be sound and to stand at `span` in `text`.

    Raises DocumentError if it is not.
    """
    section = read_document(" " * span.column + text[span.start : span.stop], source, lines=span.line)
    section = section.renamed("auths")
    auths = read_auths(section)
    section.finish()
    return auths


def expand(auths: Mapping[str, AuthEntry], environ: Mapping[str, str]) -> dict[str, AuthEntry]:
    """The entries with what their variables stand for.  Raises DocumentError with all that are not set."""
    mistakes: list[str] = []
    expanded = {}
    for name, auth in auths.items():
        fields = dict(auth.fields)
        for key in _EXPANDED:
            mistakes += [
                f"{auth.places[key]}: auths.{name}.{key}: the environment variable {variable} is not set"
                for variable in _VARIABLE.findall(fields.get(key, ""))
                if variable and variable not in environ
            ]
            if key in fields:
                fields[key] = _VARIABLE.sub(
                    lambda match: "${" if match[1] is None else environ.get(match[1], ""), fields[key]
                )
        expanded[name] = AuthEntry(name, auth.where, fields, auth.places)
    if mistakes:
        raise DocumentError(mistakes)
    return expanded
