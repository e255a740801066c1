"""Defaults, groups and a host's own keys -> one mapping, by nodes, so that positions stay.

The nearer wins: the host, then its groups in the order in which it names them, then the defaults.
Mappings are merged key by key, so that a host may change the port alone; lists are replaced whole.
"""

from netmon.config.nodes import MapNode, Node, ScalarNode


def merge(near: MapNode, far: MapNode) -> MapNode:
    """A mapping that says what `near` says, and what `far` says where `near` is silent.

    It stands where `near` stands.  `true` over a mapping leaves the mapping as it is: it asks for a
    probe that the group describes.
    """
    items: dict[str, Node] = dict(far.items)
    for key, node in near.items.items():
        other = far.items.get(key)
        if isinstance(other, MapNode):
            if isinstance(node, MapNode):
                items[key] = merge(node, other)
                continue
            if isinstance(node, ScalarNode) and node.value is True:
                continue
        items[key] = node
    return MapNode(near.source, near.line, near.column, items, far.keys | near.keys)
