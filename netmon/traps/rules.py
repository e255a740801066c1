"""What notifications mean: `netmon/data/rules.yml`, with the user's rules over it.

A rule is found by the notification's full name or its OID, and gives the severity of its events and the
state of the host that it raises or clears.
"""

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from importlib.resources import files
from math import isfinite
from typing import Final

import yaml

from netmon.mib.tree import MibError, Tree
from netmon.model.events import EventSeverity
from netmon.traps.records import Rule

DEFAULT_TTL: Final = 86_400.0  # seconds after which a raised state is forgotten if a rule does not say
MAX_TTL: Final = 366 * 86_400.0
_STATE: Final = re.compile(r"[a-z][a-z0-9_]{0,47}", re.ASCII)
_SEVERITIES: Final = tuple(severity.value for severity in EventSeverity)


@lru_cache(maxsize=1)
def shipped() -> Mapping[str, Rule]:
    """netmon's own rules by name."""
    text = (files("netmon") / "data" / "rules.yml").read_text(encoding="utf-8")
    return {
        name: Rule(**entry | {"ttl": float(entry.get("ttl", 0))})
        for name, entry in yaml.safe_load(text).items()
    }


def merged(users: Mapping[str, Rule]) -> Mapping[str, Rule]:
    """The user's rules over netmon's own, whole rules, later ones for the same OID last."""
    return {name: rule for name, rule in shipped().items() if name not in users} | dict(users)


def states() -> frozenset[str]:
    """The states that netmon's own rules know."""
    return frozenset(filter(None, (rule.raises or rule.clears for rule in shipped().values())))


def mistakes(rules: Mapping[str, Rule], tree: Tree) -> Iterator[tuple[str, str]]:
    """The mistakes in a user's rules: the place (`NAME` or `NAME.field`) and a sentence for each."""
    raised = {rule.raises for rule in (*shipped().values(), *rules.values()) if rule.raises}
    for name, rule in rules.items():
        try:
            tree.parse(name)
        except MibError as error:
            yield name, f"{error}; a rule is named by its notification, as IF-MIB::linkDown, or by its OID"
        if rule.severity not in _SEVERITIES:
            yield f"{name}.severity", f'"{rule.severity[:40]}" is none of {", ".join(_SEVERITIES)}'
        yield from _states(name, rule, raised)
        if rule.instance:
            yield from _instance(name, rule, tree)
        if not (isfinite(rule.ttl) and 0 <= rule.ttl <= MAX_TTL):
            yield f"{name}.ttl", "is more than a year, or no time at all; wanted is something like 10m"
        if not (rule.raises or rule.clears) and (rule.instance or rule.ttl or rule.cause):
            yield name, "has instance, ttl or cause, and no state that they are about: add raises or clears"


def _states(name: str, rule: Rule, raised: set[str]) -> Iterator[tuple[str, str]]:
    if rule.raises and rule.clears:
        yield name, "raises one state and clears another: one notification can do one of both"
    for field, state in (("raises", rule.raises), ("clears", rule.clears)):
        if state and not _STATE.fullmatch(state):
            yield f"{name}.{field}", f'"{state[:60]}" is no name of a state like link_down'
    if rule.clears and rule.clears not in raised:
        yield f"{name}.clears", f'no rule raises "{rule.clears[:60]}"; some are {_some(raised)}'


def _instance(name: str, rule: Rule, tree: Tree) -> Iterator[tuple[str, str]]:
    try:
        node = tree.find(rule.instance)
    except MibError as error:
        yield f"{name}.instance", str(error)
        return
    if node.kind not in {"scalar", "column"}:
        yield (
            f"{name}.instance",
            f"{node.full_name} is a {node.kind}, which has no value; wanted is an object",
        )


def _some(states: set[str]) -> str:
    return ", ".join(sorted(states)[:8])
