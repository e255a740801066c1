"""Names to OIDs and back: the tree of all objects that the known MIBs define.

`shipped()` is the tree of netmon's own `mibs/`, from data that was compiled beforehand; library.load adds
users' own MIBs.  A tree is made of plain rows and makes a Node only of what is asked for, so it costs
a few milliseconds to have one.
"""

import json
import re
from collections.abc import Iterator
from functools import lru_cache
from importlib.resources import files
from typing import Final

from netmon.mib.definitions import Definitions, Row, from_json
from netmon.mib.indexes import index_text, parse_index
from netmon.mib.node import MAX_SUB_ID, MAX_SUB_IDS, Index, Kind, MibError, Node, Type
from netmon.wording import did_you_mean

__all__ = ["Index", "Kind", "MibError", "Node", "Tree", "Type", "shipped"]

_NUMBERS: Final = re.compile(r"\.?[0-9]+(?:\.[0-9]+)*", re.ASCII)
_NAME: Final = re.compile(r"(?:(?P<module>[A-Za-z][\w-]*)::)?(?P<name>[A-Za-z][\w-]*)", re.ASCII)
# SMIv1 modules whose objects newer modules define again: theirs is the name to show.
_OLD: Final = frozenset({"RFC1155-SMI", "RFC1213-MIB", "RFC-1212", "RFC-1215"})
_ISO: Final = Row("iso", "1", "node", status="current")
_LEAVES: Final = frozenset({"scalar", "column"})


class Tree:
    """Immutable once made.  Where two modules define a name or an OID, the first one given has it."""

    def __init__(self, *parts: Definitions) -> None:
        found: dict[str, tuple[list[Row], list[Type]]] = {"SNMPv2-SMI": ([], [])}
        for part in parts:
            found |= {module: (rows, part.types) for module, rows in part.modules.items()}
        self._modules = dict(sorted(found.items(), key=lambda item: item[0] in _OLD))
        self._by_name: dict[str, list[tuple[str, Row]]] = {"iso": [("SNMPv2-SMI", _ISO)]}
        self._by_oid: dict[str, tuple[str, Row]] = {"1": ("SNMPv2-SMI", _ISO)}
        leaves = set()
        for module, (rows, _) in self._modules.items():
            for row in rows:
                self._by_name.setdefault(row.name, []).append((module, row))
                self._by_oid.setdefault(row.oid, (module, row))
                if row.kind in _LEAVES:
                    leaves.add(row.oid)
        # An instance may have a name of its own (sysUpTimeInstance): found by it, shown as sysUpTime.0.
        for oid in [oid for oid in self._by_oid if oid.rpartition(".")[0] in leaves]:
            del self._by_oid[oid]
        self._deepest = max(oid.count(".") for oid in self._by_oid) + 1  # numbers of the longest OID
        self._nodes: dict[tuple[str, str], Node] = {}

    def modules(self) -> tuple[str, ...]:
        """Names of the modules, as they are preferred."""
        return tuple(self._modules)

    def nodes(self, module: str | None = None) -> Iterator[Node]:
        """All nodes, or those of one module, in the order of their OIDs within each module."""
        for name in self._modules if module is None else (module,):
            for row in self._modules[name][0]:
                yield self._node(name, row)

    def find(self, name: str) -> Node:
        """The node of "sysContact", "SNMPv2-MIB::sysContact" or "1.3.6.1.2.1.1.4".

        Raises MibError that suggests names where there is none.
        """
        if _NUMBERS.fullmatch(name):
            known = self._by_oid.get(name.lstrip("."))
            if known is None:
                raise MibError(f"no object of the known MIBs has the OID {name.lstrip('.')[:120]}")
            return self._node(*known)
        match = _NAME.fullmatch(name)
        if match is None:
            raise MibError(f'"{name[:80]}" is neither a name like sysName nor an OID like 1.3.6.1.2.1.1')
        module, symbol = match["module"], match["name"]
        if module is not None and module not in self._modules:
            raise MibError(f'no MIB module is called "{module}"{did_you_mean(module, self._modules, 3)}')
        for owner, row in self._by_name.get(symbol, ()):
            if module in {None, owner}:
                return self._node(owner, row)
        if module is None:
            raise MibError(f'no known MIB defines "{symbol}"{did_you_mean(symbol, self._by_name, 3)}')
        elsewhere = [owner for owner, _ in self._by_name.get(symbol, ())]
        hint = (
            f"; {', '.join(elsewhere)} does" if elsewhere else did_you_mean(symbol, self._names_of(module), 3)
        )
        raise MibError(f'{module} does not define "{symbol}"{hint}')

    def _names_of(self, module: str) -> list[str]:
        return [row.name for row in self._modules[module][0]]

    def parse(self, text: str) -> tuple[Node | None, tuple[int, ...]]:
        """The nearest node and the whole OID of "sysContact.0", "IF-MIB::ifAlias.3", 'x."abc"', "1.3.6.1".

        Numbers need no node.  Raises MibError.
        """
        if _NUMBERS.fullmatch(text):
            oid = _numbers(text.lstrip("."))
            return self.at(oid)[0], oid
        name, dot, index = text.partition(".")
        node = self.find(text if name.isdecimal() else name)
        if not dot:
            return node, node.oid
        try:
            oid = node.oid + parse_index(node.indexes, index)
        except MibError as error:
            raise MibError(f"{text[:80]}: {error}") from None
        if len(oid) > MAX_SUB_IDS:
            raise MibError(f"{text[:80]}: an OID has at most {MAX_SUB_IDS} numbers")
        if node.kind in _LEAVES:
            return node, oid
        return self.at(oid)[0], oid

    def at(self, oid: tuple[int, ...]) -> tuple[Node | None, tuple[int, ...]]:
        """The nearest node at or above an OID, and the sub-identifiers behind that node's."""
        parts = [str(number) for number in oid[: self._deepest]]
        for width in range(len(parts), 0, -1):
            row = self._by_oid.get(".".join(parts[:width]))
            if row is not None:
                return self._node(*row), oid[width:]
        return None, oid

    def name_of(self, oid: tuple[int, ...]) -> str:
        """`IF-MIB::ifAlias.3`; the numbers where no node is above."""
        node, rest = self.at(oid)
        if node is None:
            return ".".join(map(str, oid))
        if not rest:
            return node.full_name
        indexes = node.indexes if node.kind == "column" else ()
        return f"{node.full_name}.{index_text(indexes, rest)}"

    def _node(self, module: str, row: Row) -> Node:
        node = self._nodes.get((module, row.name))
        if node is None:
            rows, types = self._modules[module]
            kind = types[row.type] if row.type >= 0 else None
            oid = tuple(map(int, row.oid.split(".")))
            indexes = self._indexes(row, rows, types)
            node = Node(
                row.name, module, oid, row.kind, row.access, row.status, row.units, kind, indexes,
                tuple(row.objects),
            )  # fmt: skip
            self._nodes[module, row.name] = node
        return node

    def _indexes(self, row: Row, rows: list[Row], types: list[Type]) -> tuple[Index, ...]:
        if row.kind == "column":
            above = row.oid.rpartition(".")[0]
            row = next((other for other in rows if other.oid == above and other.kind == "row"), row)
        return tuple(Index(name, types[number], implied) for name, number, implied in row.indexes)


def _numbers(text: str) -> tuple[int, ...]:
    parts = text.split(".")
    longest = len(str(MAX_SUB_ID))
    if len(parts) > MAX_SUB_IDS or any(len(part) > longest or int(part) > MAX_SUB_ID for part in parts):
        raise MibError(
            f"{text[:80]} is not an OID: at most {MAX_SUB_IDS} numbers, none greater than {MAX_SUB_ID}"
        )
    return tuple(map(int, parts))


@lru_cache(maxsize=1)
def shipped_definitions() -> Definitions:
    """What netmon's own `mibs/` define."""
    text = (files("netmon.mib") / "data" / "mibs.json").read_text(encoding="utf-8")
    return from_json(json.loads(text))


@lru_cache(maxsize=1)
def shipped() -> Tree:
    """The tree of the MIBs that come with netmon."""
    return Tree(shipped_definitions())
