"""A compiled module: what to read from a device, and which metrics its objects become.

OIDs are BER octets as on the wire, metrics of one table share their labelling, and columns are found
by their prefix, so that mapping a walk looks nothing up twice.  `compiling` makes these records.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from netmon.mib.dates import DatePattern
from netmon.mib.extracts import Extract
from netmon.mib.hints import Hint
from netmon.mib.labels import Labelling
from netmon.mib.syntax import Enums, Syntax
from netmon.model import Family


@dataclass(frozen=True, slots=True)
class Metric:
    """One object of a module and the family that it becomes.

    A value counts as value * scale + offset; a scale of 0 is none, as the format has it.
    """

    name: str
    oid: bytes
    syntax: Syntax
    family: Family
    labelling: Labelling
    enums: Enums = field(default_factory=dict)
    selector: bytes | None = None  # the column that says how a value of a combined type reads
    scale: float = 0.0
    offset: float = 0.0
    pattern: DatePattern | None = None  # of ParseDateAndTime
    hint: Hint | None = None  # of OctetString
    extracts: tuple[Extract, ...] = ()  # numbers out of a text, in place of the text


@dataclass(frozen=True, slots=True)
class Filter:
    """Which rows to read of some columns: those whose object under `oid` matches one of `values`.

    `values` are RE2 expressions that may match anywhere in the text.
    """

    oid: bytes
    targets: tuple[bytes, ...]
    values: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Module:
    """A compiled module; equal to another when their digests are.

    `walk` are roots of subtrees and `get` instances, as BER content octets.  The overrides are None
    where the module leaves them to the check.  `timeout` is seconds for one packet.  `columns` finds
    a column by its prefix (None: it is only looked up in), `widths` are the lengths of the prefixes,
    shortest first.  `allow_nonincreasing_oids` and `use_unconnected_udp_socket` are for agents that
    send objects out of order, or from another address than they were asked at.
    """

    name: str
    walk: tuple[bytes, ...]
    get: tuple[bytes, ...]
    metrics: tuple[Metric, ...]
    max_repetitions: int | None
    retries: int | None
    timeout: float | None
    digest: str
    columns: Mapping[bytes, Metric | None] = field(repr=False)
    widths: tuple[int, ...] = field(repr=False)
    filters: tuple[Filter, ...] = ()
    allow_nonincreasing_oids: bool = False
    use_unconnected_udp_socket: bool = False

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Module) and other.digest == self.digest

    def __hash__(self) -> int:
        return hash(self.digest)
