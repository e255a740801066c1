"""Modules of metrics and MIBs held together: what netmon exports is what the MIBs define.

Every metric, index and lookup of every module that netmon ships is an object of `mibs/` with the same
OID, a name to match, a type that fits, the same INDEX and the same enums.  What differs on purpose
stands in the tables below, each with its reason.
"""

from collections.abc import Iterator
from typing import Final

import pytest

from netmon.mib.labels import Index as IndexLabel
from netmon.mib.labels import Lookup
from netmon.mib.modules import builtin_modules
from netmon.mib.node import INTEGERS, Index, Node
from netmon.mib.records import Metric, Module
from netmon.mib.syntax import Syntax
from netmon.mib.tree import shipped
from netmon.snmp.ber import decode_oid

TREE = shipped()
MODULES = builtin_modules()

# Names of metrics that are not the object's, by (module, metric), with the reason.
RENAMED: Final[dict[tuple[str, str], str]] = {}
# Metrics whose type or enums are not the object's, by (module, metric), with the reason.
RETYPED: Final[dict[tuple[str, str], str]] = {}
# Labels that stand for a looked up object under another name, by (module, label), with the reason.
LABELS: Final[dict[tuple[str, str], str]] = {}

_TEXTS: Final = {Syntax.DISPLAY_STRING, Syntax.OCTET_STRING, Syntax.PHYS_ADDRESS}
_ENUMS: Final = {Syntax.ENUM_AS_INFO, Syntax.ENUM_AS_STATE_SET}
_FITTING: Final = {
    "OCTET STRING": _TEXTS | {Syntax.DATE_AND_TIME, Syntax.PARSE_DATE_AND_TIME, Syntax.INET_ADDRESS,
                              Syntax.INET_ADDRESS_MISSING_SIZE, Syntax.IPV4, Syntax.IPV6},
    "OBJECT IDENTIFIER": {Syntax.OCTET_STRING, Syntax.DISPLAY_STRING},
    "IpAddress": {Syntax.IPV4},
    "Opaque": {Syntax.FLOAT, Syntax.DOUBLE, Syntax.OCTET_STRING},
    "BITS": {Syntax.BITS, Syntax.OCTET_STRING},
}  # fmt: skip


def numbers(oid: bytes) -> tuple[int, ...]:
    """An OID's content octets as numbers."""
    return tuple(map(int, decode_oid(oid).split(".")))


def metrics() -> Iterator[tuple[Module, Metric]]:
    """Every metric that is shipped."""
    for module in MODULES.values():
        for metric in module.metrics:
            yield module, metric


def node_at(oid: bytes) -> Node:
    """The object itself, or the scalar whose instance .0 is meant."""
    node, rest = TREE.at(numbers(oid))
    assert node is not None, decode_oid(oid)
    assert node.kind in {"scalar", "column"}, f"{decode_oid(oid)}: {node.full_name} is a {node.kind}"
    assert rest in {(), (0,)}, f"{decode_oid(oid)} is not an object of {node.module}"
    return node


def fits(node: Node, syntax: Syntax) -> bool:
    """Whether values of an object may be read so."""
    assert node.type is not None
    base = node.type.base
    if base in INTEGERS:
        if syntax is Syntax.COUNTER:
            return base in {"Counter32", "Counter64"} or node.type.name in {"Counter", "ZeroBasedCounter64"}
        return syntax is Syntax.GAUGE or (syntax in _ENUMS and bool(node.type.enums))
    return syntax in _FITTING[base]


MARKS = [pytest.param(module, metric, id=f"{module.name}-{metric.name}") for module, metric in metrics()]


def test_there_are_modules() -> None:
    """The parametrised tests below are not empty."""
    assert len(MARKS) > 100


@pytest.mark.parametrize(("module", "metric"), MARKS)
def test_a_metric_is_an_object(module: Module, metric: Metric) -> None:
    """Same OID, same name, a type that fits, the enums of the MIB."""
    node = node_at(metric.oid)
    if (module.name, metric.name) not in RENAMED:
        assert metric.name == node.name
    if (module.name, metric.name) not in RETYPED:
        assert fits(node, metric.syntax), f"{metric.syntax} of {node.type}"
        assert node.type is not None
        if metric.enums:
            assert dict(metric.enums) == dict(node.type.enums)
        counts = node.type.base in {"Counter32", "Counter64"}
        assert (metric.syntax is Syntax.COUNTER) == counts


@pytest.mark.parametrize(("module", "metric"), MARKS)
def test_a_metric_has_the_index_of_its_row(module: Module, metric: Metric) -> None:
    """The same parts in the same order, read as the MIB has them."""
    node = node_at(metric.oid)
    wanted = list(node.indexes)
    for label in metric.labelling.indexes:
        assert wanted, f"{label.label} is more than {[index.name for index in node.indexes]}"
        index = wanted.pop(0)
        if label.syntax is Syntax.INET_ADDRESS and index.type.name == "InetAddressType":
            index = wanted.pop(0)  # the type and the address are one label
        assert label.label == index.name
        _check_index(label, index)
    assert not wanted


def _check_index(label: IndexLabel, index: Index) -> None:
    base = index.type.base
    if base in INTEGERS:
        assert label.syntax is Syntax.GAUGE or label.syntax in _ENUMS
        assert not label.enums or dict(label.enums) == dict(index.type.enums)
    else:
        assert label.syntax in _FITTING[base]
        assert label.implied == index.implied
        if label.syntax in {Syntax.OCTET_STRING, Syntax.DISPLAY_STRING}:
            assert label.size == (index.type.fixed_size or 0)


def lookups() -> Iterator[tuple[Module, Lookup]]:
    """Every lookup of a shipped module, once."""
    for module in MODULES.values():
        found = {
            (lookup.label, lookup.oid): lookup
            for metric in module.metrics
            for lookup in metric.labelling.lookups
            if lookup.labels
        }
        for lookup in found.values():
            yield module, lookup


@pytest.mark.parametrize(
    ("module", "lookup"), [pytest.param(m, look, id=f"{m.name}-{look.label}") for m, look in lookups()]
)
def test_a_looked_up_label_is_an_object(module: Module, lookup: Lookup) -> None:
    """Same name, a type that fits."""
    node = node_at(lookup.oid)
    if (module.name, lookup.label) not in LABELS:
        assert lookup.label == node.name
        assert node.type is not None
        # A number that is only looked up becomes a text like any other label.
        assert fits(node, lookup.syntax) or node.type.base in INTEGERS
        assert not lookup.enums or dict(lookup.enums) == dict(node.type.enums)


@pytest.mark.parametrize("module", [pytest.param(module, id=module.name) for module in MODULES.values()])
def test_what_a_module_reads_is_in_the_mibs(module: Module) -> None:
    """Every root of its walks and every instance that it gets."""
    for oid in (*module.walk, *module.get):
        node, rest = TREE.at(numbers(oid))
        assert node is not None
        assert not rest or node.kind in {"scalar", "column"}, f"{decode_oid(oid)} is below {node.full_name}"
