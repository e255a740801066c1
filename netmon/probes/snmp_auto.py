"""Asking an agent what it serves, for `modules: auto`: two or three requests for all of the table.

GETNEXT takes many names in one request, so the agent's identity and the roots of the table are asked
for together.  SNMPv1 answers all or nothing (RFC 1157 §4.1.3): there is no object behind the first
name that it complains about, so there is none behind those that follow it in the order of OIDs, and
the ones before are asked again.  An agent that does not bear so many names gets fewer.
"""

import contextlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from netmon.errors import Reason
from netmon.mib.auto import Candidate, Choice, Identity, choose, worth_asking
from netmon.mib.syntax import sub_ids
from netmon.model import Table
from netmon.snmp import ber
from netmon.snmp.ber import DecodeError, decode_oid, encode_oid
from netmon.snmp.client import Client, Meter, SnmpError, Target
from netmon.snmp.message import (
    AUTHORIZATION_ERROR,
    GETNEXT,
    NO_ACCESS,
    NO_ERROR,
    NO_SUCH_NAME,
    TOO_BIG,
    Response,
    error_name,
)

_AT_ONCE: Final = 20  # names in a request: their answers fit an unfragmented datagram
_AT_ONCE_POOR: Final = 4  # where that many were met by silence
_SYS_OBJECT_ID: Final = encode_oid("1.3.6.1.2.1.1.2")
_SYS_UP_TIME: Final = encode_oid("1.3.6.1.2.1.1.3")
_ENGINE_BOOTS: Final = encode_oid("1.3.6.1.6.3.10.2.1.2")
_IDENTITY: Final = (_SYS_OBJECT_ID, _SYS_UP_TIME, _ENGINE_BOOTS)
_ABSENT: Final = frozenset((ber.NO_SUCH_OBJECT, ber.NO_SUCH_INSTANCE, ber.END_OF_MIB_VIEW))


@dataclass(frozen=True, slots=True)
class Auto:
    """The choice as a part of a run, beside the modules: its name is the one in `netmon_module_up`."""

    offered: tuple[Candidate, ...]
    name: str = "auto"
    max_repetitions: int | None = None
    retries: int | None = None
    timeout: float | None = None


async def choose_modules(
    client: Client, target: Target, offered: Sequence[Candidate], meter: Meter
) -> Choice:
    """What fits the agent.  Raises SnmpError as `walk.get`."""
    asking = _Asking(client, target, meter)
    common = [number for number, candidate in enumerate(offered) if not candidate.row.sys_object_id]
    numbers = set(worth_asking(offered, b""))
    await asking.ask({*_IDENTITY, *(offered[number].row.under for number in common if number in numbers)})
    identity = asking.identity()
    numbers = set(worth_asking(offered, identity.sys_object_id))
    await asking.ask({offered[number].row.under for number in numbers})
    return choose(offered, identity, (n for n in sorted(numbers) if asking.serves(offered[n].row.under)))


class _Asking:
    """Which object comes next behind each of some names."""

    def __init__(self, client: Client, target: Target, meter: Meter) -> None:
        self._client, self._target, self._meter = client, target, meter
        self._found: dict[bytes, tuple[bytes, int, ber.Value] | None] = {}
        self._at_once = _AT_ONCE
        self._heard = False

    def serves(self, root: bytes) -> bool:
        """Whether there is an object below `root`."""
        return self._below(root) is not None

    def identity(self) -> Identity:
        """What the agent says of itself."""
        own = self._below(_SYS_OBJECT_ID)
        sys_object_id = own if isinstance(own, bytes) else b""
        with contextlib.suppress(DecodeError):
            decode_oid(sys_object_id)  # a value may be anything
            up_time, boots = self._below(_SYS_UP_TIME), self._below(_ENGINE_BOOTS)
            return Identity(
                sys_object_id,
                up_time if isinstance(up_time, int) else None,
                boots if isinstance(boots, int) else None,
            )
        return Identity()

    def _below(self, root: bytes) -> ber.Value | None:
        found = self._found.get(root)
        if found is None or not found[0].startswith(root) or found[0] == root:
            return None
        return found[2] if found[2] is not None else b""

    async def ask(self, roots: Iterable[bytes]) -> None:
        """Ask for what is not known yet; each request settles a name at least, or asks for fewer."""
        left = sorted((root for root in roots if root not in self._found), key=sub_ids)
        while left:
            wanted = left[: self._at_once]
            try:
                response = await self._client.request(self._target, GETNEXT, wanted, meter=self._meter)
            except SnmpError as error:
                if error.reason is not Reason.TIMEOUT or not self._heard or self._at_once <= _AT_ONCE_POOR:
                    raise
                self._at_once = _AT_ONCE_POOR
                continue
            self._heard = True
            left = left[len(wanted) :] if self._take(wanted, response) else self._without(left, response)

    def _take(self, wanted: Sequence[bytes], response: Response) -> bool:
        """Take in an answer without an error; False if it has one."""
        if response.error_status != NO_ERROR:
            return False
        got = response.varbinds
        if len(got) != len(wanted):
            counts = f"{len(got)} objects for {len(wanted)} names"
            text = f"GETNEXT of {decode_oid(wanted[0])} to {self._target}: the answer holds {counts}"
            raise SnmpError(Reason.MALFORMED_REPLY, text, alive=True)
        for root, oid, tag, value in zip(wanted, got.oids, got.tags, got.values, strict=True):
            self._found[root] = None if tag in _ABSENT else (oid, tag, value)
        return True

    def _without(self, left: Sequence[bytes], response: Response) -> list[bytes]:
        """What is left to ask after an error; its index names one of the names, or none."""
        status, index = response.error_status, response.error_index
        asked = min(self._at_once, len(left))
        if status in (AUTHORIZATION_ERROR, NO_ACCESS):
            text = f"GETNEXT of {decode_oid(left[0])} to {self._target}: the agent says {error_name(status)}"
            raise SnmpError(Reason.AUTHORIZATION_ERROR, text, alive=True)
        if asked > 1 and (status == TOO_BIG or not 0 < index <= asked):
            self._at_once = asked // 2
            return list(left)
        at = index - 1 if 0 < index <= asked else 0
        # The names are in order: nothing comes behind those after the one that has nothing behind it.
        gone = left[at:] if status == NO_SUCH_NAME and self._target.version == 1 else left[at : at + 1]
        self._found |= dict.fromkeys(gone)
        return [root for root in left if root not in self._found]


def identity_of(tables: Iterable[Table]) -> Identity:
    """What an agent said of itself in the tables of a run."""
    sys_object_id, up_time, boots = b"", None, None
    for table in tables:
        for column in table.columns:
            name = column.family.name
            if name == "sysObjectID" and name in table.names and table.rows:
                with contextlib.suppress(ber.EncodeError):
                    sys_object_id = encode_oid(table.rows[0][table.names.index(name)])
            elif name == "sysUpTime" and isinstance(column.values[0], int):
                up_time = column.values[0]
            elif name == "snmpEngineBoots" and isinstance(column.values[0], int):
                boots = column.values[0]
    return Identity(sys_object_id, up_time, boots)
