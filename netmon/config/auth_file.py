"""The file that `settings.auth_file` names: the auths that may write, for the command line alone."""

import stat
from collections.abc import Mapping
from pathlib import Path

from pydantic import Field, ValidationError

from netmon.config.compose import YamlError, read
from netmon.config.expand import expand
from netmon.config.load import plain
from netmon.config.mistakes import Mistakes, seen
from netmon.config.nodes import MapNode, Source
from netmon.config.records import AuthEntry
from netmon.config.shapes import record_shape
from netmon.config.strict import inspect
from netmon.config.words import report
from netmon.errors import NetmonError
from netmon.fields import Settings
from netmon.probes.base import Auth


class AuthFile(Settings):
    """The file: `auths` as in netmon.yml, and nothing else."""

    auths: dict[str, AuthEntry] = Field(default_factory=dict)


def load_auths(path: Path, env: Mapping[str, str]) -> Mapping[str, Auth]:
    """Its auths by name.  Raises ConfigError with all mistakes, NetmonError if it cannot be read."""
    mistakes = Mistakes()
    source = Source(path, str(path))
    if not path.exists():
        raise NetmonError(f"{path} is not there, which settings.auth_file names")
    try:
        read(source)
    except YamlError as error:
        mistakes.in_file(source, error)
        raise mistakes.error() from None
    for mapping, key, complaint in source.complaints:
        mistakes.at_key(mapping, key, complaint)
    expand(source, env, {}, mistakes)
    root = source.root
    if not isinstance(root, MapNode):
        if root is not None:
            mistakes.at(root, f"{seen(root, hidden=True)} is not a mapping with the key auths")
            raise mistakes.error()
        return {}
    shape = record_shape(AuthFile)
    inspect(root, shape, {}, mistakes)
    try:
        found = AuthFile.model_validate(plain(root))
    except ValidationError as error:
        report(error, root, shape, mistakes)
        raise mistakes.error() from None
    if mistakes:
        raise mistakes.error()
    return found.auths


def read_by_others(path: Path) -> bool:
    """Whether more than its owner may read the file."""
    try:
        return bool(path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH))
    except OSError:
        return False
