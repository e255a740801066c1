"""Filters: what one column says, and which rows of others are read."""

from netmon.mib.filters import plan
from netmon.mib.modules import Module, parse_modules
from netmon.snmp import ber
from netmon.snmp.ber import Value, encode_oid
from netmon.snmp.message import Varbinds

T = "1.3.6.1.4.1.99.1"


def module(filters: str, walk: str = f"[{T}.1, {T}.2, {T}.3]", get: str = "[]") -> Module:
    """A module of three columns, with filters in YAML's flow style."""
    text = f"modules: {{m: {{walk: {walk}, get: {get}, filters: [{filters}]}}}}"
    return parse_modules(text, "t.yml")["m"]


def column(number: int, *rows: tuple[str, Value]) -> Varbinds:
    """A column as it was walked."""
    made = Varbinds()
    for row, value in rows:
        made.oids.append(encode_oid(f"{T}.{number}.{row}"))
        made.tags.append(ber.INTEGER if isinstance(value, int) else ber.OCTET_STRING)
        made.values.append(value)
    return made


def oids(*texts: str) -> tuple[bytes, ...]:
    """OIDs behind the table's."""
    return tuple(encode_oid(f"{T}.{text}") for text in texts)


def test_without_filters_all_is_read_as_the_module_says() -> None:
    """Then nothing needs to be walked first."""
    wishes = plan(module("", get=f"[{T}.9.0]"), lambda _oid: Varbinds())
    assert (wishes.get, wishes.walk, wishes.rows) == (oids("9.0"), oids("1", "2", "3"), {})


def test_rows_are_kept_by_their_whole_index() -> None:
    """Two rows that end alike are two rows."""
    found = column(1, ("5.1", b"up"), ("6.1", b"down"), ("6.200.2", b"up"))
    wishes = plan(
        module(f"{{oid: {T}.1, targets: [{T}.2, {T}.3], values: [up]}}", get=f"[{T}.9.0, {T}.2.7.7]"),
        {encode_oid(f"{T}.1"): found}.__getitem__,
    )
    assert wishes.walk == oids("1")
    assert wishes.get == oids("9.0", "2.5.1", "2.6.200.2", "3.5.1", "3.6.200.2")
    assert wishes.kept(found) is found


def test_values_are_expressions_that_match_anywhere() -> None:
    """As in snmp_exporter: `1` lets 10 through, and numbers count as text."""
    found = column(1, ("1", 1), ("2", 10), ("3", 2), ("4", b"\xff1"), ("5", b"x"))
    for values, rows in (("['1']", "124"), ("['^1$', x]", "15"), ("[none]", "")):
        wishes = plan(module(f"{{oid: {T}.1, targets: [{T}.2], values: {values}}}"), lambda _oid: found)
        assert wishes.get == oids(*(f"2.{row}" for row in rows))
        assert wishes.walk == oids("1", "3")


def test_filters_on_one_target_let_through_what_all_do() -> None:
    """And a target that an agent has no rows for is not read at all."""
    both = module(
        f"{{oid: {T}.1, targets: [{T}.3], values: [a]}}, {{oid: {T}.2, targets: [{T}.3, {T}.4], values: [b]}}"
    )
    columns = {
        encode_oid(f"{T}.1"): column(1, ("1", b"a"), ("2", b"a"), ("3", b"x")),
        encode_oid(f"{T}.2"): column(2, ("2", b"b"), ("3", b"b")),
    }
    wishes = plan(both, columns.__getitem__)
    assert wishes.get == oids("3.2", "4.2", "4.3")
    assert wishes.walk == oids("1", "2")
    assert plan(both, lambda _oid: Varbinds()).get == ()


def test_a_target_in_a_larger_subtree_is_read_with_it() -> None:
    """What no filter lets through is left out of what came."""
    inside = module(f"{{oid: {T}.1, targets: [{T}.2], values: [up]}}", walk=f"[{T}]")
    wishes = plan(inside, lambda _oid: column(1, ("1.7", b"up"), ("2.7", b"down")))
    assert (wishes.walk, wishes.get) == ((encode_oid(T),), ())
    whole = column(1, ("1.7", b"up"), ("2.7", b"down"))
    whole.extend(column(2, ("1.7", 1), ("2.7", 2), ("3.7", 3)))
    whole.extend(column(20, ("2.7", 2)))
    assert wishes.kept(whole).oids == list(oids("1.1.7", "1.2.7", "2.1.7", "20.2.7"))
