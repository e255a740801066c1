"""What only the whole config can tell: circles of dependency, doubled endpoints, windows, traps."""

import ipaddress
from collections.abc import Collection, Mapping, Sequence

from netmon.config.mistakes import Mistakes, seen
from netmon.config.nodes import ListNode, MapNode, Node, ScalarNode
from netmon.config.records import HostConfig
from netmon.config.strict import Names, reference
from netmon.config.traps import TrapsEntry, engine_id
from netmon.config.values import Listen
from netmon.config.windows import ZoneError, local_zone
from netmon.mib.tree import shipped
from netmon.probes.base import Auth
from netmon.traps.rules import mistakes as rule_mistakes
from netmon.windows import is_pattern

_ALIKE = ("smtp", "imap", "pop3")  # probes of ports


def check_host(
    host: HostConfig, node: MapNode, kinds: Collection[str], mistakes: Mistakes, *, others: bool = False
) -> None:
    """Every host checks something, and nothing twice; `node` is the host with all merged in.

    `others`: it has checks that do not stand among its keys.
    """
    if not host.probes and not others and not mistakes.told(node):  # a misspelled probe is one mistake
        mistakes.at(node, f"has nothing to check: give it one of {', '.join(kinds)}")
    ports = node.items.get("upstream_ports")
    for name in host.host.upstream_ports:
        if name not in host.host.depends_on and isinstance(ports, MapNode):
            upstreams = ", ".join(host.host.depends_on) or "which names nobody"
            mistakes.at_key(ports, ports.keys[name], f'"{name}" is not in depends_on ({upstreams})')
    first: dict[tuple[str, str], Node] = {}
    counts: dict[str, int] = {}
    for probe in host.probes:
        kind = probe.kind
        value = node.items[kind.name]
        if isinstance(value, ListNode):
            index = counts[kind.name] = counts.get(kind.name, -1) + 1
            value = value.items[index]
        endpoint = kind.endpoint(host.host.name, probe.settings)
        if (kind.name, endpoint) in first:
            earlier = first[kind.name, endpoint]
            where = f"{earlier.source.name}:{earlier.line}:{earlier.column}"
            mistakes.at(value, f"checks {endpoint} a second time, first at {where}")
        elif kind.name in _ALIKE and (known := [one for one in _ALIKE if (one, endpoint) in first]):
            # They share families of metrics, whose series `host` and `endpoint` tell apart.
            mistakes.at(value, f"{endpoint} is checked by {known[0]} already: one port, one protocol")
        first.setdefault((kind.name, endpoint), value)


def check_cycles(hosts: Sequence[tuple[HostConfig, MapNode]], mistakes: Mistakes) -> None:
    """No host may depend on itself, over however many others; one mistake for each circle."""
    upstream = {entry.host.name: entry.host.depends_on for entry, _ in hosts}
    nodes = {entry.host.name: node for entry, node in hosts}
    done: set[str] = set()
    for start in upstream:
        # Depth first without recursion: chains may be longer than Python's stack.
        trail: list[str] = []
        on_trail: set[str] = set()
        work: list[tuple[str, int]] = [(start, 0)] if start not in done else []
        while work:
            name, index = work.pop()
            if index == 0:
                trail.append(name)
                on_trail.add(name)
            if index == len(upstream[name]):
                done.add(name)
                on_trail.discard(trail.pop())
                continue
            work.append((name, index + 1))
            target = upstream[name][index]
            if target in on_trail:
                circle = [*trail[trail.index(target) :], target]
                mistakes.at(_dependency(nodes[name], index), f"{target} depends on itself: {_arrows(circle)}")
            elif target in upstream and target not in done:
                work.append((target, 0))


def _dependency(node: MapNode, index: int) -> Node:
    value = node.items["depends_on"]
    return value.items[index] if isinstance(value, ListNode) else value


def _arrows(circle: list[str]) -> str:
    longest = 8
    if len(circle) > longest:
        circle = [*circle[:4], "...", *circle[-3:]]
    return " -> ".join(circle)


def check_windows(windows: Sequence[Node], names: Names, env: Mapping[str, str], mistakes: Mistakes) -> None:
    """No window names a host that is not there, none has another's name, and each has a time zone."""
    named: dict[object, Node] = {}
    for window in windows:
        if not isinstance(window, MapNode):
            continue
        name = window.items.get("name")
        if isinstance(name, ScalarNode) and (first := named.setdefault(name.value, name)) is not name:
            where = f"{first.source.name}:{first.line}:{first.column}"
            mistakes.at(name, f"{seen(name)} is a window already, at {where}")
        if "timezone" not in window.items:
            try:
                local_zone(env)
            except ZoneError as error:
                mistakes.at(window, str(error))
        hosts = window.items.get("hosts")
        for host in hosts.items if isinstance(hosts, ListNode) else ():
            if isinstance(host, ScalarNode) and isinstance(host.value, str) and not is_pattern(host.value):
                complaint = reference(host, "hosts", names, mistakes)
                if complaint is not None:
                    mistakes.at(host, complaint)


def check_domains(domains: Sequence[Node], mistakes: Mistakes) -> None:
    """No domain stands there twice."""
    named: dict[str, Node] = {}
    for domain in domains:
        name = domain.items.get("name") if isinstance(domain, MapNode) else None
        if not isinstance(name, ScalarNode) or not isinstance(name.value, str):
            continue
        if (first := named.setdefault(name.value.rstrip(".").lower(), name)) is not name:
            where = f"{first.source.name}:{first.line}:{first.column}"
            mistakes.at(name, f"{seen(name)} is a domain already, at {where}")


def check_traps(node: MapNode, traps: TrapsEntry, auths: Mapping[str, Auth], mistakes: Mistakes) -> None:
    """Every user is one of version 3 and means one set of keys; nothing is listed twice."""
    users: dict[str, str] = {}
    for name, place in zip(traps.users, _entries(node, "users"), strict=True):
        auth = auths[name]
        if auth.version != 3:  # noqa: PLR2004
            mistakes.at(
                place,
                f"{seen(place)} is an auth of version {auth.version}, which has a community and no user: put"
                " that into traps.communities",
            )
            continue
        first = users.setdefault(auth.username, name)
        if first != name:
            mistakes.at(
                place, f"{seen(place)} has the username of auths.{first}: one user has one set of keys"
            )
    _once(node, "users", traps.users, mistakes)
    _once(node, "communities", traps.communities, mistakes)
    _once(node, "relays", traps.relays, mistakes)
    _once(node, "allow", traps.allow, mistakes)
    engines = node.items.get("engines")
    if isinstance(engines, MapNode):
        known: dict[str, str] = {}
        for key in engines.items:
            first = known.setdefault(engine_id(key), key)
            if first != key:
                mistakes.at_key(engines, engines.keys[key], f'is the engine ID "{first}" in another spelling')
    _check_rules(node, traps, mistakes)
    taken: list[Listen] = []
    for listen, place in zip(traps.listen, _entries(node, "listen"), strict=False):
        first_taken = next((other for other in taken if _overlap(other, listen)), None)
        if first_taken is not None:
            mistakes.at(place, f"{seen(place)} is listened on already, by {first_taken}: leave one out")
        taken.append(listen)


def _check_rules(node: MapNode, traps: TrapsEntry, mistakes: Mistakes) -> None:
    """What is wrong with rules by netmon's own MIBs; users' MIBs (mib_dirs) are compiled for check-config."""
    rules = node.items.get("rules")
    if not isinstance(rules, MapNode) or not traps.rules:
        return
    tree = shipped()
    given = {name: entry.rule() for name, entry in traps.rules.items()}
    for place, sentence in rule_mistakes(given, tree):
        name, key = _rule_place(place, given)
        module, colons, _ = name.partition("::")
        if key in {"", "instance"} and (not colons or module not in tree.modules()):
            continue  # numbers, and what another MIB may define
        written = name if name in rules.items else f".{name}"
        rule = rules.items[written]
        if key and isinstance(rule, MapNode) and key in rule.items:
            mistakes.at(rule.items[key], sentence)
        else:
            mistakes.at_key(rules, rules.keys[written], sentence)


def _rule_place(place: str, rules: Mapping[str, object]) -> tuple[str, str]:
    """`NAME` or `NAME.field`, where the name may hold dots."""
    if place in rules:
        return place, ""
    name, _, key = place.rpartition(".")
    return name, key


def _overlap(one: Listen, other: Listen) -> bool:
    """Whether two sockets cannot be bound there at once; port 0 takes any free one."""
    if one.port != other.port or not one.port or (":" in one.host) is not (":" in other.host):
        return False
    return one.host == other.host or any(
        ipaddress.ip_address(listen.host).is_unspecified for listen in (one, other)
    )


def _once(node: MapNode, key: str, values: Sequence[object], mistakes: Mistakes) -> None:
    """No entry of a list stands there twice."""
    seen_values: set[object] = set()
    for value, place in zip(values, _entries(node, key), strict=True):
        if value in seen_values:
            hidden = key == "communities"
            mistakes.at(place, f"{seen(place, hidden=hidden)} stands in the list twice: leave one out")
        seen_values.add(value)


def _entries(node: MapNode, key: str) -> list[Node]:
    value = node.items.get(key)
    return value.items if isinstance(value, ListNode) else []
