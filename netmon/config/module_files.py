"""`module_files`: the peers' own files of modules and auths, read as they are and joined with netmon's.

A file whose modules name a `prober` is blackbox_exporter's: its modules are for `/probe` and have names
of their own, apart from those for SNMP.

A module of a file takes the place of one of the same name that comes with netmon, which is said as a
notice, since checks that name it read something else from then on.  Two files never share a module:
nobody could tell which one counts.  An auth of netmon.yml wins over a file's of the same name.
"""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from netmon.config.mistakes import Mistakes, seen
from netmon.config.nodes import ListNode, MapNode, ScalarNode
from netmon.config.records import AuthEntry
from netmon.mib import auths as file_auths
from netmon.mib.document import DocumentError
from netmon.mib.modules import Modules, load_files
from netmon.probes.base import Auth
from netmon.tcpprobe import ProbeModule, read_probe_modules

_MOST: Final = 100  # files
_MOST_MISTAKES: Final = 100  # told of all files
_PROBER: Final = re.compile(r"(?:^\s+|[{,]\s*)[\"']?prober[\"']?\s*:", re.MULTILINE)
_HEAD: Final = 1 << 20  # octets looked at for it
_V3: Final = "3"
_COMMUNITY_KEYS: Final = ("version", "community")


@dataclass(frozen=True, slots=True)
class ModuleFiles:
    """What the files hold together, and what people should know of it.

    With `failed` there is no telling what they would have held.
    """

    modules: Modules = field(default_factory=lambda: Modules({}))
    auths: Mapping[str, Auth] = field(default_factory=dict)
    probes: Mapping[str, ProbeModule] = field(default_factory=dict)
    notices: tuple[str, ...] = ()
    failed: bool = False


class Anything(frozenset[str]):
    """Names of which none is unknown, so that what a broken file would have held is no mistake elsewhere."""

    def __contains__(self, _: object) -> bool:
        return True


def read_module_files(
    top: MapNode,
    builtin: Collection[str],
    env: Mapping[str, str],
    cache: Path | None,
    mistakes: Mistakes,
) -> ModuleFiles:
    """The files that `module_files` of a config names; what is wrong with them is noted.

    `cache` is a folder in which to keep what was read, None to keep nothing.
    """
    every, failed = _paths(top, mistakes)
    others = [path for path in every if _is_blackbox(path)]
    paths = [path for path in every if path not in others]
    probes: Mapping[str, ProbeModule] = {}
    try:
        probes = read_probe_modules(others)
    except DocumentError as error:
        for line in error.mistakes[:_MOST_MISTAKES]:
            mistakes.elsewhere(line)
    try:
        found = load_files(paths, cache, env)
    except DocumentError as error:
        for line in error.mistakes[:_MOST_MISTAKES]:
            mistakes.elsewhere(line)
        return ModuleFiles(failed=True)
    own = top.items.get("auths")
    named = own.items if isinstance(own, MapNode) else {}
    auths = {}
    for name, entry in found.auths.items():
        if name not in named and (auth := _auth(entry, mistakes)) is not None:
            auths[name] = auth
    notices = []
    files = ", ".join(path.name for path in paths)
    if replaced := sorted(set(found.modules) & set(builtin)):
        notices.append(f"Modules of {files} take the place of netmon's own: {', '.join(replaced)}.")
    if hidden := sorted(set(found.auths) & set(named)):
        notices.append(f"Auths of netmon.yml take the place of those in {files}: {', '.join(hidden)}.")
    return ModuleFiles(found.modules, auths, probes, tuple(notices), failed)


def _paths(top: MapNode, mistakes: Mistakes) -> tuple[list[Path], bool]:
    """The files, each once, and whether any was left out; why is noted where it is written."""
    node = top.items.get("module_files")
    items = node.items if isinstance(node, ListNode) else []
    failed = node is not None and not isinstance(node, ListNode)
    paths: dict[Path, None] = {}
    for item in items[:_MOST]:
        if not isinstance(item, ScalarNode) or not isinstance(item.value, str):
            failed = True  # strict.inspect says so
            continue
        path = top.source.path.parent / item.value
        if "\0" in item.value or not path.is_file():
            mistakes.at(
                item, f"{seen(item)} is not there" if not path.exists() else f"{seen(item)} is no file"
            )
        else:
            paths[path] = None
    if len(items) > _MOST and isinstance(node, ListNode):
        mistakes.at(node, f"names more than {_MOST} files")
    return list(paths), failed


def _is_blackbox(path: Path) -> bool:
    """Whether a module says `prober`, which no module for SNMP does."""
    try:
        with path.open("rb") as file:
            return _PROBER.search(file.read(_HEAD).decode("utf-8", "replace")) is not None
    except OSError:
        return False  # reading it says why


def _auth(entry: file_auths.AuthEntry, mistakes: Mistakes) -> Auth | None:
    """A file's auth as netmon.yml's; what v1 and v2c do not use may stand there, as in the stock file."""
    fields = dict(entry.fields)
    if fields.get("version", "2") != _V3:
        fields = {key: text for key, text in fields.items() if key in _COMMUNITY_KEYS}
    try:
        return AuthEntry.model_validate(fields)
    except ValidationError as error:
        for each in error.errors(include_url=False, include_input=False, include_context=False):
            key = str(each["loc"][0]) if each["loc"] else ""
            where = entry.places.get(key, entry.where)
            path = f"auths.{entry.name}.{key}" if key else f"auths.{entry.name}"
            mistakes.elsewhere(f"{where}: {path}: {each['msg']}")
        return None
