"""Small modules and varbinds for tests of the mapping."""

from netmon.mib.mapping import Mapped
from netmon.mib.modules import Module, parse_modules
from netmon.snmp import ber
from netmon.snmp.message import Varbinds

Sent = tuple[str, int, ber.Value]

TABLE = "1.3.6.1.4.1.99.1"
TWO = "indexes: [{{labelname: {0}, type: {1}}}, {{labelname: {2}, type: {3}}}]"
BY_NUMBER = "indexes: [{labelname: i, type: gauge}]"
NAMED = (
    f"{BY_NUMBER}, lookups: [{{labels: [i], labelname: name, oid: {TABLE}.9, type: DisplayString}},"
    " {labels: [], labelname: i}]"
)


def module(*metrics: str) -> Module:
    """A module of metrics in YAML's flow style."""
    text = (
        f"modules: {{m: {{walk: [{TABLE}], metrics: [{', '.join(f'{{{metric}}}' for metric in metrics)}]}}}}"
    )
    return parse_modules(text, "t.yml")["m"]


def column(name: str, number: int, kind: str, more: str = BY_NUMBER) -> str:
    """A metric on a column of the test's table."""
    return f"name: {name}, oid: {TABLE}.{number}, type: {kind}, {more}"


def sent(*varbinds: Sent) -> Varbinds:
    """Varbinds of suffixes behind the test's table."""
    made = Varbinds()
    for suffix, tag, value in varbinds:
        made.oids.append(ber.encode_oid(f"{TABLE}.{suffix}"))
        made.tags.append(tag)
        made.values.append(value)
    return made


def series(mapped: Mapped) -> dict[str, object]:
    """Each series as Prometheus would write it, with its value."""
    found: dict[str, object] = {}
    for table in mapped.tables:
        for each in table.columns:
            assert len(each.values) == len(table.rows)
            for row, value in zip(table.rows, each.values, strict=True):
                labels = ",".join(f"{name}={text}" for name, text in zip(table.names, row, strict=True))
                found[f"{each.family.name}{{{labels}}}"] = value
    return found


def text(value: str) -> tuple[int, bytes]:
    """An octet string."""
    return ber.OCTET_STRING, value.encode()
