"""What is made of a config file and netmon's own data before anything runs, for agent and commands alike."""

import os
from collections import ChainMap
from collections.abc import Mapping, Sequence
from pathlib import Path

from netmon import scrape
from netmon.config import Config, load
from netmon.explain import Entry, entries
from netmon.exposition.families import FAMILIES
from netmon.mib.modules import Module, described
from netmon.probes import PROBES


def load_config(
    path: Path,
    modules: Mapping[str, Module],
    env: Mapping[str, str] | None = None,
    *,
    cache: bool = False,
    strict: bool = True,
    hints: list[str] | None = None,
) -> Config:
    """Read and check a config file with the probes and modules that this netmon has.

    `cache` is for the agent alone, whose folder the cache lies in.  Without `strict`, secrets that cannot be
    had are missed only by who uses them.  `hints` is given what is worth knowing.  Raises ConfigError.
    """
    return load(
        path, PROBES, modules, os.environ if env is None else env, cache=cache, strict=strict, hints=hints
    )


def modules_of(config: Config, modules: Mapping[str, Module]) -> Mapping[str, Module]:
    """What a config's checks may name: a module of a file hides netmon's own of that name."""
    return ChainMap({}, config.modules, modules)  # type: ignore[arg-type]  # only the first is written to


def explained(modules: Mapping[str, Module]) -> Sequence[Entry]:
    """Everything that can be explained: netmon's words, its own metrics and those of devices."""
    probes = [family for kind in PROBES.values() for family in kind.families]
    families = dict.fromkeys([*FAMILIES, *probes, *scrape.FAMILIES])
    return tuple(entries(PROBES, [*((family, "") for family in families), *described(modules)]))
