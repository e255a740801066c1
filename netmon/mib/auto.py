"""`modules: auto`: which modules fit an agent, by its sysObjectID and by what it answers.  Pure.

What a device serves is no secret: one GETNEXT of a root tells whether anything is below it (RFC 3416
§4.2.2), and one request asks for many roots.  So a table of data (`data/tables/auto.yml`) says for each
module which root to look under, and sysObjectID (RFC 3418) only limits where a vendor's module is looked
for.  Nothing is believed without an answer: an agent's name may be anybody's, and two of one model may
have different features switched on.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Final, NamedTuple

from netmon.mib.document import Place, read_document
from netmon.mib.modules import Module
from netmon.snmp.ber import EncodeError, decode_oid, encode_oid

AUTO: Final = "auto"  # what stands for the choice in a list of modules


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the table; OIDs are BER content octets."""

    module: str
    under: bytes
    sys_object_id: bytes = b""  # only devices whose own is this or below it; b"": any
    device: str = ""  # which those are: "an APC device"
    unless: str = ""  # a module that is better when it is chosen too


@dataclass(frozen=True, slots=True)
class Candidate:
    """A row with its module; None where no file has it."""

    row: Row
    module: Module | None


class Judged(NamedTuple):
    """What became of a candidate, for people."""

    module: str
    chosen: bool
    why: str


@dataclass(frozen=True, slots=True)
class Identity:
    """What an agent says of itself; b"" and None where it did not say."""

    sys_object_id: bytes = b""
    up_time: int | None = None  # sysUpTime, hundredths of a second
    boots: int | None = None  # snmpEngineBoots


@dataclass(frozen=True, slots=True)
class Choice:
    """What was chosen for an agent.  Small, since there is one for each host."""

    modules: tuple[Module, ...]
    identity: Identity
    answered: tuple[int, ...]  # the candidates, by number, under whose root the agent has an object


def parse_rows(text: str, source: str) -> tuple[Row, ...]:
    """The rows of a document; `source` names it in messages.  Raises DocumentError with every mistake."""
    root = read_document(text, source)
    top = root.fields(("rows",), required=("rows",))
    rows = [_row(place) for place in top["rows"].items()] if "rows" in top else []
    root.finish()
    return tuple(rows)


def shipped_rows() -> tuple[Row, ...]:
    """The table that comes with netmon; read anew at every call."""
    path = resources.files("netmon.mib") / "data" / "tables" / "auto.yml"
    return parse_rows(path.read_text("utf-8"), path.name)


def candidates(
    rows: Iterable[Row], modules: Mapping[str, Module], taken: Collection[str] = ()
) -> tuple[Candidate, ...]:
    """The rows with their modules, but those that are read anyway, which are `taken`."""
    return tuple(Candidate(row, modules.get(row.module)) for row in rows if row.module not in taken)


def worth_asking(offered: Sequence[Candidate], sys_object_id: bytes) -> Iterator[int]:
    """The candidates, by number, that depend on what the agent answers."""
    for number, candidate in enumerate(offered):
        if candidate.module is not None and _fits(candidate.row, sys_object_id):
            yield number


def choose(offered: Sequence[Candidate], identity: Identity, answered: Iterable[int]) -> Choice:
    """The modules for an agent that has an object under the roots of the candidates `answered`."""
    served = tuple(answered)
    names = {offered[number].row.module for number in served}
    modules: dict[str, Module] = {}
    for number in served:
        row, module = offered[number].row, offered[number].module
        if module is not None and row.unless not in names:
            modules.setdefault(row.module, module)
    return Choice(tuple(modules.values()), identity, served)


def explain(offered: Sequence[Candidate], choice: Choice) -> list[Judged]:
    """The modules of the table, those that were chosen first, each with its reason.

    Left out are the vendors' that nobody has a file of and that would not be for this device.
    """
    served = {offered[number].row.module for number in choice.answered}
    judged: dict[str, Judged] = {}
    for number, candidate in enumerate(offered):
        if candidate.module is None and not _fits(candidate.row, choice.identity.sys_object_id):
            continue
        found = _judge(candidate, choice, served, answered=number in choice.answered)
        known = judged.get(found.module)
        if known is None or (found.chosen and not known.chosen):
            judged[found.module] = found
    return sorted(judged.values(), key=lambda found: not found.chosen)


def _judge(candidate: Candidate, choice: Choice, served: Collection[str], *, answered: bool) -> Judged:
    row = candidate.row
    own = choice.identity.sys_object_id
    under = decode_oid(row.under)
    if not _fits(row, own):
        said = f"sysObjectID {decode_oid(own)} is" if own else "it has no sysObjectID, so it is"
        return Judged(row.module, False, f"{said} not {row.device}")
    is_one = f"sysObjectID {decode_oid(own)} is {row.device}, " if row.sys_object_id else ""
    if candidate.module is None:
        return Judged(row.module, False, f"{is_one}but no file in module_files has this module")
    if not answered:
        return Judged(row.module, False, f"{is_one}nothing under {under}")
    if row.unless in served:
        return Judged(row.module, False, f"answers under {under}, but {row.unless} has it better")
    return Judged(row.module, True, f"{is_one}answers under {under}")


def _fits(row: Row, sys_object_id: bytes) -> bool:
    # A sub-identifier never ends in the middle of another's octets, so a prefix of octets is one of numbers.
    return sys_object_id.startswith(row.sys_object_id)


def _row(place: Place) -> Row:
    known = ("module", "under", "sysObjectID", "device", "unless")
    entries = place.fields(known, required=("module", "under"))
    texts = {key: entry.text() for key, entry in entries.items()}
    oids = {key: _oid(entries[key]) for key in ("under", "sysObjectID") if key in entries}
    if ("sysObjectID" in entries) != ("device" in entries):
        place.wrong("sysObjectID and device go together")
    return Row(
        module=texts.get("module", ""),
        under=oids.get("under", b""),
        sys_object_id=oids.get("sysObjectID", b""),
        device=texts.get("device", ""),
        unless=texts.get("unless", ""),
    )


def _oid(place: Place) -> bytes:
    try:
        return encode_oid(place.text())
    except EncodeError as error:
        place.wrong(str(error))
        return b""
