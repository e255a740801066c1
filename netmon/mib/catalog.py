"""The modules that come with netmon, described for people: `netmon modules` and docs/modules.md.

What a module is stands at the head of its file, in comments; when it is chosen stands in the table of
`modules: auto`.  Here both are put beside what the module reads, so that no list of modules is kept by hand.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Final

from netmon.mib.auto import Row
from netmon.mib.modules import Module
from netmon.snmp.ber import decode_oid

_HEAD: Final = """\
# Modules

The modules that come with netmon, and when `modules: auto` chooses them. Made by `netmon modules
--markdown`.

In a host's `snmp`, `modules` is a list of names, `auto`, or a list with `auto` in it: `[auto, my_module]`.
`auto` asks the agent for its sysObjectID and, with GETNEXT, what it has under each of the roots below, in
two or three requests, and reads the modules whose root has an object. It remembers the choice for an hour,
and makes it again when the agent was started anew, when its sysObjectID is another one, when a module that
used to come is served no more, and when the config or a module changes. `netmon probe HOST snmp` says for
each module why it was chosen or not; `netmon_module_up{module="auto"}` is 1 while there is a choice.
Without `modules` a host is asked for `system` and `if_mib`.

Where a row has a counter in 32 and in 64 bits (`ifInOctets`, `ifHCInOctets`), a scheduled check keeps the
latter alone, and the former where there is no other; `/snmp` gives both.

No module reads the table of processes (hrSWRun), whose rows come and go and whose parameters may hold
passwords.
"""
_VENDORS: Final = """\

## Vendors' modules

These are not shipped. Who has them in `module_files`, as from snmp_exporter's snmp.yml, has them chosen too,
on devices of the vendor that answer under the root.

| module | sysObjectID below | which is | chosen when there is an object under |
|---|---|---|---|
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """A module for people."""

    name: str
    about: str  # "EtherLike-MIB (RFC 3635): what goes wrong on Ethernet links."
    metrics: int
    chosen: str  # under which root an object has `auto` choose it; "" for never


def catalog(modules: Mapping[str, Module], rows: Sequence[Row]) -> Iterator[Entry]:
    """The shipped modules in the order of the table, those that it never chooses last."""
    places = {row.module: place for place, row in reversed(list(enumerate(rows)))}
    for name in sorted(modules, key=lambda name: (places.get(name, len(rows)), name)):
        own = [row for row in rows if row.module == name]
        chosen = " or ".join(decode_oid(row.under) for row in own)
        better = next((row.unless for row in own if row.unless), "")
        yield Entry(
            name,
            about(name),
            len(modules[name].metrics),
            chosen + (f", unless {better} is" if better else ""),
        )


def about(name: str) -> str:
    """What the head of a shipped module's file says."""
    text = (resources.files("netmon.mib") / "data" / f"{name}.yml").read_text("utf-8")
    lines = []
    for line in text.splitlines():
        if not line.startswith("#"):
            break
        lines.append(line.removeprefix("#").strip())
    return " ".join(" ".join(lines).split())


def as_markdown(modules: Mapping[str, Module], rows: Sequence[Row]) -> str:
    """docs/modules.md."""
    lines = [
        "| module | what it reads | metrics | `auto` chooses it when there is an object under |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| `{entry.name}` | {entry.about} | {entry.metrics} | {entry.chosen or 'never: name it'} |"
        for entry in catalog(modules, rows)
    ]
    vendors = [
        f"| `{row.module}` | {decode_oid(row.sys_object_id)} | {row.device} | {decode_oid(row.under)} |"
        for row in rows
        if row.sys_object_id
    ]
    return "\n".join((_HEAD, *lines, _VENDORS.rstrip("\n"), *vendors))


def as_text(modules: Mapping[str, Module], rows: Sequence[Row]) -> str:
    """For a terminal: a line each."""
    entries = list(catalog(modules, rows))
    wide = max(len(entry.name) for entry in entries)
    return "\n".join(f"{entry.name:<{wide}}  {entry.metrics:>3} metrics  {entry.about}" for entry in entries)
