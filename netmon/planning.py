"""All that follows from a config, made at once and away from the loop."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from netmon.config import Config
from netmon.explain import Entry
from netmon.loading import explained, modules_of
from netmon.mib.modules import Module
from netmon.model import Check, Route
from netmon.plan import plan
from netmon.probes.base import Library
from netmon.scrape import Access, device


class Planned(NamedTuple):
    """A config and what follows from it."""

    config: Config
    library: Library
    checks: frozenset[Check]
    access: Access  # who may be asked on demand
    explained: Sequence[Entry]


def planned(config: Config, modules: Mapping[str, Module], routes: Sequence[Route]) -> Planned:
    """Of `config`, netmon's own `modules` and the `routes` of mail; ten thousand hosts take a second."""
    library = Library(config.auths, modules_of(config, modules))
    access = Access.of(config.web.probe_targets, map(device, config.hosts))
    checks = plan(config, library, routes)
    # Behind the plan, so that of a file's modules only those are there that hosts have a use for.
    words = explained({**modules, **config.modules.used()})
    return Planned(config, library, checks, access, words)
