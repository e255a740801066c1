"""Prometheus's text format 0.0.4 from tables; pure.

https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format

The labels of a table's rows change seldom and are shared by all its columns, the values change
with every run.  So the label text is made once for a table (`label_lines`) and a column's text is
one bytes format over it: C code from end to end, with no object for a sample.
"""

import math
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import compress
from typing import Final

from netmon.model import Family, Table, Value

CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"

Labels = tuple[tuple[str, str], ...]


def escape_value(text: str) -> str:
    """A label value as it stands between quotes."""
    return text.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def escape_help(text: str) -> str:
    """A help text as it stands after HELP."""
    return text.replace("\\", r"\\").replace("\n", r"\n")


@lru_cache(maxsize=8192)  # more than the families of the stock modules
def header(family: Family) -> bytes:
    """The HELP and TYPE lines of a family."""
    name, text = family.name, escape_help(family.help)
    return _bytes(f"# HELP {name} {text}\n# TYPE {name} {family.kind.value}\n")


def label_lines(names: Sequence[str], rows: Iterable[Sequence[str]], fixed: Labels = ()) -> bytes:
    """The text between name and value for every row, one line a row, ready for `samples`.

    `fixed` come first and win: a label of the table with the same name is shown as
    ``exported_NAME``, as Prometheus does when a target's label meets a scraped one.  The table's
    own labels are sorted, so that equal label sets are equal bytes.
    """
    taken = {name for name, _ in fixed}
    shown = []
    for name in names:
        while name in taken:
            name = f"exported_{name}"  # noqa: PLW2901 - the shown name
        taken.add(name)
        shown.append(name)
    order = sorted(range(len(shown)), key=shown.__getitem__)
    parts = [f'{name}="{escape_value(value).replace("%", "%%")}"' for name, value in fixed]
    parts += [f'{shown[i]}="%s"' for i in order]
    row_format = "{" + ",".join(parts) + "} " if parts else " "
    lines = [row_format % tuple([escape_value(row[i]) for i in order]) for row in rows]
    # Each line becomes part of a format of values: a percent sign must survive that.
    return _bytes("\n".join(lines).replace("%", "%%"))


def samples(name: bytes, lines: bytes, values: Sequence[Value]) -> bytes:
    """The sample lines of one column: `lines` of `label_lines`, and a value for each of them.

    A row whose value is None has no sample.
    """
    kinds = set(map(type, values))
    if kinds == {int}:
        spec = b"%d"
    elif kinds == {float} and all(map(math.isfinite, values)):  # type: ignore[arg-type]  # no None here
        spec = b"%a"  # repr: the shortest digits that give the same float again
    else:
        spec = b"%b"
        shown = [value is not None for value in values]
        if not all(shown):
            lines = b"\n".join(compress(lines.split(b"\n"), shown))
        values = [_number(value) for value in values if value is not None]  # type: ignore[misc]  # bytes for %b
    if not values:
        return b""
    # Labels hold no raw newline, so each newline is the seam of two samples.
    return (name + lines.replace(b"\n", spec + b"\n" + name) + spec + b"\n") % tuple(values)


def merge(texts: Sequence[bytes]) -> bytes:
    """Sample lines of one family from several tables; of two equal series the first stays."""
    if len(texts) == 1:
        return texts[0]
    seen: dict[bytes, bytes] = {}
    for text in texts:
        for line in text.split(b"\n"):
            if line:
                seen.setdefault(line[: line.rindex(b" ")], line)
    return b"".join([line + b"\n" for line in seen.values()])


def render(tables: Iterable[Table], fixed: Labels = ()) -> bytes:
    """A whole page: families in the order of their first appearance, each with HELP and TYPE."""
    families: dict[str, tuple[Family, list[bytes]]] = {}
    for table in tables:
        lines = label_lines(table.names, table.rows, fixed)
        for column in table.columns:
            text = samples(column.family.name.encode(), lines, column.values)
            families.setdefault(column.family.name, (column.family, []))[1].append(text)
    return b"".join([header(family) + merge(texts) for family, texts in families.values()])


def _number(value: Value) -> bytes:
    """A value as Go's ParseFloat and people read it; there must be one."""
    # Not `float`: compiled, that would turn an integer into one at the door.
    if value is None or isinstance(value, int):
        return b"%d" % (value or 0)
    if math.isnan(value):
        return b"NaN"
    if math.isinf(value):
        return b"+Inf" if value > 0 else b"-Inf"
    return b"%a" % value


def _bytes(text: str) -> bytes:
    """UTF-8; a lone surrogate, which has no encoding, becomes a question mark."""
    return text.encode("utf-8", "replace")
