"""OIDs as people write them: numbers, or the names that the shipped modules know."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from netmon.cli.common import did_you_mean
from netmon.errors import NetmonError
from netmon.mib.modules import Module
from netmon.snmp.ber import EncodeError, decode_oid, encode_oid

_NUMBERS: Final = re.compile(r"\.?[0-9]+(\.[0-9]+)*")
_NAME: Final = re.compile(r"(?:[A-Za-z][\w-]*::)?([A-Za-z]\w*)((?:\.[0-9]+)*)")


@dataclass(frozen=True, slots=True)
class Wish:
    """What one argument stands for: an OID's content octets, and whether it is complete for a GET."""

    oid: bytes
    scalar: bool = False  # a name without index whose object has one instance, .0


class Names:
    """Names to OIDs and back."""

    def __init__(self, modules: Mapping[str, Module]) -> None:
        self._modules = modules
        metrics = [metric for module in modules.values() for metric in module.metrics]
        # A column that is only looked up in, as ifDescr, is called as its label is.
        columns = {
            lookup.label: lookup.oid for m in metrics for lookup in m.labelling.lookups if lookup.labels
        }
        self._objects = columns | {metric.name: metric.oid for metric in metrics}
        self._scalars = {metric.name for metric in metrics if not metric.labelling.indexes}
        self._by_oid = {oid: name for name, oid in self._objects.items()}

    def find(self, text: str) -> tuple[Wish, ...]:
        """`1.3.6.1.2.1.1`, `ifDescr`, `ifDescr.2`, `IF-MIB::ifDescr.2`; a module's name is all its subtrees.

        Raises NetmonError.
        """
        if _NUMBERS.fullmatch(text):
            try:
                return (Wish(encode_oid(text)),)
            except EncodeError as error:
                raise NetmonError(str(error)) from None
        match = _NAME.fullmatch(text)
        name, index = match.groups() if match else (text, "")
        if name in self._objects:
            scalar = not index and name in self._scalars
            return (Wish(encode_oid(decode_oid(self._objects[name]) + index), scalar),)
        if name in self._modules and not index:
            return tuple(Wish(root) for root in self._modules[name].walk)
        near = did_you_mean(name, {*self._objects, *self._modules})
        raise NetmonError(
            f'"{text}" is neither an OID like 1.3.6.1.2.1.1 nor a name of the shipped modules{near}'
        )

    def name(self, oid: bytes) -> str | None:
        """`ifDescr.2`, or None where no module knows the object."""
        for width in range(len(oid), 0, -1):
            name = self._by_oid.get(oid[:width])
            if name is not None:
                index = decode_oid(oid).removeprefix(decode_oid(oid[:width]))
                return name + index
        return None
