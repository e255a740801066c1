"""What a MIB says of an object: records only, shared by the tree, the index syntax and the compiler.

The words are those of the SMI: `access` is MAX-ACCESS, `status` STATUS, `units` UNITS (RFC 2578 §7).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from netmon.errors import NetmonError

Kind = Literal["node", "scalar", "table", "row", "column", "notification", "group", "module"]

MAX_SUB_IDS: Final = 128  # of an OID, RFC 2578 §3.5
MAX_SUB_ID: Final = 2**32 - 1
INTEGERS: Final = frozenset(
    {"INTEGER", "Integer32", "Unsigned32", "Gauge32", "Counter32", "Counter64", "TimeTicks"}
)
BASES: Final = INTEGERS | {"OCTET STRING", "OBJECT IDENTIFIER", "IpAddress", "Opaque", "BITS"}


class MibError(NetmonError):
    """A name, an index or a MIB that is not what it should be."""


@dataclass(frozen=True, slots=True)
class Type:
    """The syntax of an object, textual conventions resolved."""

    name: str  # as written: "DisplayString", "INTEGER", "TruthValue"
    base: str  # one of BASES
    enums: Mapping[int, str]  # of INTEGER and BITS
    ranges: tuple[tuple[int, int], ...]  # values of a number, or lengths in octets of a string; () = any
    hint: str  # DISPLAY-HINT or ""

    @property
    def fixed_size(self) -> int | None:
        """Octets of a string that is always as long."""
        if len(self.ranges) == 1 and self.ranges[0][0] == self.ranges[0][1]:
            return self.ranges[0][0]
        return None


@dataclass(frozen=True, slots=True)
class Index:
    """One part of a row's INDEX."""

    name: str
    type: Type
    implied: bool


@dataclass(frozen=True, slots=True)
class Node:
    """One name of the tree."""

    name: str
    module: str
    oid: tuple[int, ...]
    kind: Kind
    access: str  # "not-accessible" "accessible-for-notify" "read-only" "read-write" "read-create" or ""
    status: str
    units: str
    type: Type | None  # of scalars and columns
    indexes: tuple[Index, ...]  # of the row that this is, or belongs to; AUGMENTS resolved
    objects: tuple[str, ...]  # of a notification

    @property
    def full_name(self) -> str:
        """`IF-MIB::ifAlias`."""
        return f"{self.module}::{self.name}"
