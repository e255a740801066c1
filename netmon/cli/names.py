"""OIDs as people write them: numbers, names of MIB objects, and names of modules of metrics."""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass

from netmon.errors import NetmonError
from netmon.mib.modules import Module
from netmon.mib.tree import MibError, Node, Tree
from netmon.snmp.ber import EncodeError, decode_oid, encode_oid, oid_numbers
from netmon.wording import did_you_mean

_OBJECTS = frozenset({"scalar", "column"})


@dataclass(frozen=True, slots=True)
class Wish:
    """What one argument stands for: an OID's content octets, and whether it is complete for a GET."""

    oid: bytes
    scalar: bool = False  # a name without index whose object has one instance, .0


@dataclass(frozen=True, slots=True)
class Named:
    """An OID in words: `name` is `ifDescr.2`, `module` the MIB module, "" if a module of metrics names it."""

    name: str
    module: str
    node: Node | None

    def __str__(self) -> str:
        return f"{self.module}::{self.name}" if self.module else self.name


class Names:
    """Names to OIDs and back: by the MIBs, and by what only modules of metrics know.

    Of `own`, modules of the user's files, only those that are asked for are looked into: there may be many.
    """

    def __init__(
        self, modules: Mapping[str, Module], tree: Tree, own: Mapping[str, Module] | None = None
    ) -> None:
        self._named = (own or {}, modules)
        self._tree = tree
        metrics = [metric for module in modules.values() for metric in module.metrics]
        # A column that is only looked up in, as ifDescr, is called as its label is.
        columns = {
            lookup.label: lookup.oid for m in metrics for lookup in m.labelling.lookups if lookup.labels
        }
        self._objects = columns | {metric.name: metric.oid for metric in metrics}
        self._scalars = {metric.name for metric in metrics if not metric.labelling.indexes}
        self._by_oid = {oid: name for name, oid in self._objects.items()}

    def find(self, text: str) -> tuple[Wish, ...]:
        """`1.3.6.1.2.1.1`, `ifDescr.2`, `IF-MIB::ifDescr`, `x."abc"`; a module's name is all that it reads.

        Raises NetmonError.
        """
        for modules in self._named:
            if text in modules:
                return tuple(Wish(oid) for oid in dict.fromkeys((*modules[text].walk, *modules[text].get)))
        try:
            node, numbers = self._tree.parse(text)
        except MibError as error:
            return (self._by_metric(text, error),)
        oid = _encode(numbers)
        return (Wish(oid, scalar=node is not None and node.kind == "scalar" and node.oid == numbers),)

    def _by_metric(self, text: str, error: MibError) -> Wish:
        """What only a module of metrics names."""
        name, dot, index = text.partition(".")
        if name in self._objects and all(part.isdecimal() for part in index.split(".") if dot):
            oid = _encode((*oid_numbers(self._objects[name]), *_index(index)))
            return Wish(oid, not dot and name in self._scalars)
        near = (
            ""
            if "did you mean" in str(error)
            else did_you_mean(name, itertools.chain(self._objects, *self._named))
        )
        raise NetmonError(f"{error}{near}")

    def name(self, oid: bytes) -> Named | None:
        """`ifDescr.2` of IF-MIB, or None where nothing above the object has a name."""
        numbers = oid_numbers(oid)
        node, _ = self._tree.at(numbers)
        if node is None or node.kind not in _OBJECTS:
            for width in range(len(oid), 0, -1):
                name = self._by_oid.get(oid[:width])
                if name is not None:
                    return Named(name + decode_oid(oid).removeprefix(decode_oid(oid[:width])), "", None)
        if node is None:
            return None
        module, _, name = self._tree.name_of(numbers).partition("::")
        return Named(name, module, node)

    def text(self, oid: bytes) -> str:
        """The name of an OID that is a value, as `SNMPv2-MIB::coldStart`; numbers where there is none."""
        return str(self.name(oid) or decode_oid(oid))


def _index(text: str) -> tuple[int, ...]:
    return tuple(map(int, text.split("."))) if text else ()


def _encode(numbers: tuple[int, ...]) -> bytes:
    try:
        return encode_oid(numbers)
    except EncodeError as error:
        raise NetmonError(str(error)) from None
