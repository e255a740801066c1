"""What only the whole config can tell: circles of dependency, doubled endpoints, idle hosts, windows."""

from collections.abc import Collection, Mapping, Sequence

from netmon.config.mistakes import Mistakes, seen
from netmon.config.nodes import ListNode, MapNode, Node, ScalarNode
from netmon.config.records import HostConfig
from netmon.config.strict import Names, reference
from netmon.config.windows import ZoneError, local_zone
from netmon.windows import is_pattern

_ALIKE = ("smtp", "imap", "pop3")  # probes of ports


def check_host(host: HostConfig, node: MapNode, kinds: Collection[str], mistakes: Mistakes) -> None:
    """Every host checks something, and nothing twice; `node` is the host with all merged in."""
    if not host.probes and not mistakes.told(node):  # a misspelled probe is one mistake
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
