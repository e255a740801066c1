"""`${env:NAME}` and `${file:PATH}` in any text of the config; `$${` stands for a plain `${`.

Secrets live outside the file that people mail to each other.  What a reference stands for is never
printed: a node that was expanded is named by the reference in every message.
"""

import re
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from netmon.config.mistakes import Mistakes
from netmon.config.nodes import Source
from netmon.errors import NetmonError
from netmon.fields import absent

MAX_FILE: Final = 64 << 10  # bytes of a `${file:}`
_REFERENCE: Final = re.compile(r"\$\$\{|\$\{(?:(env):([A-Za-z_][A-Za-z0-9_]*)|(file):([^${}\n]+))\}|\$\{")


class _ReferenceError(NetmonError):
    """A reference that leads nowhere."""


def expand(
    source: Source,
    env: Mapping[str, str],
    files: dict[Path, str],
    mistakes: Mistakes,
    *,
    strict: bool = True,
) -> None:
    """Expand all references of one file in place; `files` caches what was read, over all files.

    Without `strict`, a reference without a value is a mistake only where no secret stands.
    """
    for node in source.references:
        if node.expanded or not isinstance(node.value, str):
            continue  # an alias brings a node here twice
        try:
            node.value = _REFERENCE.sub(lambda match: _value(match, source, env, files), node.value)
        except _ReferenceError as error:
            if strict:
                mistakes.at(node, str(error))
            else:
                node.absent = str(error)
                node.value = absent(f"{source.name}:{node.line}:{node.column}: {error}")
        node.expanded = True


def _value(match: re.Match[str], source: Source, env: Mapping[str, str], files: dict[Path, str]) -> str:
    _, name, _, path = match.groups()
    if match[0] == "$${":
        return "${"
    if name is not None:
        if name not in env:
            how = "export it, or have the unit's EnvironmentFile do so"
            raise _ReferenceError(f"the environment variable {name} is not set: {how}")
        if not env[name].isascii():
            try:
                env[name].encode()
            except UnicodeEncodeError:  # octets that were no text came in as surrogates (PEP 383)
                raise _ReferenceError(f"the environment variable {name} is not UTF-8 text") from None
        return env[name]
    if path is None:
        raise _ReferenceError(
            'holds a "${" that is neither ${env:NAME} nor ${file:PATH}; for a plain "${" write "$${"'
        )
    target = source.path.parent / path
    if target not in files:
        files[target] = _read(target, path)
    return files[target]


def _read(target: Path, path: str) -> str:
    try:
        # A FIFO or a device would block or never end.
        if not stat.S_ISREG(target.stat().st_mode):
            raise _ReferenceError(f"the file {path} is not a regular file")
        with target.open("rb") as file:
            data = file.read(MAX_FILE + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a path"
        raise _ReferenceError(f"the file {path} cannot be read: {reason}") from None
    if len(data) > MAX_FILE:
        raise _ReferenceError(f"the file {path} is longer than {MAX_FILE >> 10} KiB")
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise _ReferenceError(f"the file {path} is not UTF-8 text") from None
    return text.removesuffix("\n").removesuffix("\r")
