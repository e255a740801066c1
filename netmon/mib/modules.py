"""Modules: which objects to read from a device and which metrics they become.

Files are in the format of snmp_exporter's snmp.yml since 0.23, so that a module from there works here as
it is.  `reading` checks a file, `compiling` makes its modules when they are used, `cache` spares the
next start the reading.
"""

import os
from collections.abc import Iterable, Iterator, Mapping
from importlib import resources
from pathlib import Path
from typing import Final, NamedTuple

from netmon.mib.auths import AuthEntry, expand
from netmon.mib.cache import Cache
from netmon.mib.compiling import Modules, Sealed, seal
from netmon.mib.document import DocumentError
from netmon.mib.reading import read_specs
from netmon.mib.records import Metric, Module
from netmon.model import Family
from netmon.snmp.ber import decode_oid

__all__ = [
    "LoadedFiles", "Metric", "Module", "Modules", "builtin_modules", "described", "load_files",
    "load_modules", "parse_modules",
]  # fmt: skip

_MAX_SIZE: Final = 16_000_000  # octets of a module file; the largest known has two million


class LoadedFiles(NamedTuple):
    """What module files say, all together."""

    modules: Modules
    auths: Mapping[str, AuthEntry]


def described(modules: Mapping[str, Module]) -> Iterator[tuple[Family, str]]:
    """Every metric of the modules, and a sentence of where it comes from."""
    for module in modules.values():
        for metric in module.metrics:
            labels = ", ".join(("host", *metric.labelling.names))
            where = f"Object {decode_oid(metric.oid)} of the module {module.name}; labels: {labels}."
            for family in [extract.family for extract in metric.extracts] or [metric.family]:
                yield family, where


def builtin_modules() -> dict[str, Module]:
    """The modules that come with netmon, by name; read anew at every call."""
    modules: dict[str, Module] = {}
    for entry in sorted((resources.files("netmon.mib") / "data").iterdir(), key=lambda entry: entry.name):
        if entry.name.endswith(".yml"):
            modules |= parse_modules(entry.read_text("utf-8"), entry.name)
    return modules


def parse_modules(text: str, source: str) -> dict[str, Module]:
    """The modules of a document; `source` names it in messages.  Raises DocumentError with every mistake."""
    return dict(Modules({name: seal(name, spec) for name, spec in read_specs(text, source).modules.items()}))


def load_modules(path: Path, cache: Path | None = None) -> Mapping[str, Module]:
    """The modules of a file.  Raises DocumentError with every mistake, or that it cannot be read.

    `cache` is a folder in which to keep what was read, so that an unchanged file is not read again.
    """
    return _load(path, cache)[0]


def load_files(
    paths: Iterable[Path], cache: Path | None = None, environ: Mapping[str, str] | None = None
) -> LoadedFiles:
    """The modules and credentials of several files; no name may stand for two things.

    `environ` is what `${NAME}` sees in credentials; by default the environment of the process.
    Raises DocumentError with every mistake of every file.
    """
    modules: dict[str, Sealed] = {}
    auths: dict[str, AuthEntry] = {}
    owners: dict[tuple[str, str], Path] = {}
    mistakes: list[str] = []
    for path in paths:
        try:
            found, given = _load(path, cache)
            given = expand(given, os.environ if environ is None else environ)
        except DocumentError as error:
            mistakes += error.mistakes
            continue
        # A generator writes public_v1 and public_v2 into every file: the same credentials twice are one.
        given = {
            name: auth
            for name, auth in given.items()
            if name not in auths or auths[name].fields != auth.fields
        }
        for section, names in (("modules", found.sealed), ("auths", given)):
            mistakes += [
                f"{path}: {section}.{name} is in {owners[section, name]} too; a name stands for one thing"
                for name in names
                if owners.setdefault((section, name), path) != path
            ]
        modules |= found.sealed
        auths |= given
    if mistakes:
        raise DocumentError(mistakes)
    return LoadedFiles(Modules(modules), auths)


def _load(path: Path, folder: Path | None) -> tuple[Modules, dict[str, AuthEntry]]:
    text, octets = _read(path)
    cache = None if folder is None else Cache(folder, path, octets)
    if cache is not None and (kept := cache.load(text)) is not None:
        return Modules(kept.modules), kept.auths
    document = read_specs(text, str(path))
    modules = Modules({name: seal(name, spec) for name, spec in document.modules.items()})
    if cache is not None:
        cache.store(text, modules.sealed, document.auths, document.auth_span)
    return modules, document.auths


def _read(path: Path) -> tuple[str, bytes]:
    try:
        with path.open("rb") as file:
            octets = file.read(_MAX_SIZE + 1)
        if len(octets) > _MAX_SIZE:
            raise DocumentError([f"{path}: is larger than {_MAX_SIZE} bytes"])
        return octets.decode("utf-8"), octets
    except OSError as error:
        raise DocumentError([f"{path}: cannot be read: {error.strerror}"]) from error
    except UnicodeDecodeError as error:
        raise DocumentError([f"{path}: is not UTF-8 at byte {error.start}"]) from error
