"""Which program has a UDP port, as far as /proc tells us: for the sentence that says why it cannot be had."""

import os
from pathlib import Path
from typing import Final

_PROC: Final = Path("/proc")
_TABLES: Final = ("net/udp", "net/udp6")
_LOCAL, _INODE = 1, 9  # fields of a line of /proc/net/udp, proc(5)
_MOST: Final = 100_000  # descriptors that are looked at


def holder_of(port: int, proc: Path = _PROC) -> str:
    """The program as "snmptrapd (process 812)", or "" where it is not for us to see."""
    sockets = {f"socket:[{inode}]" for inode in _inodes(port, proc)}
    if not sockets:
        return ""
    looked = 0
    for process in proc.glob("[0-9]*"):
        try:
            descriptors = list(os.scandir(process / "fd"))
        except OSError:  # another user's, or gone
            continue
        for descriptor in descriptors:
            looked += 1
            if looked > _MOST:
                return ""
            try:
                held = os.readlink(descriptor.path) in sockets  # noqa: PTH115 (quicker by far)
            except OSError:
                continue
            if held:
                return f"{_name(process)} (process {process.name})"
    return ""


def _inodes(port: int, proc: Path) -> set[str]:
    found = set()
    for table in _TABLES:
        try:
            lines = (proc / table).read_text("ascii", "replace").splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            fields = line.split()
            if len(fields) > _INODE and fields[_LOCAL].rpartition(":")[2] == f"{port:04X}":
                found.add(fields[_INODE])
    return found


def _name(process: Path) -> str:
    try:
        return (process / "comm").read_text("utf-8", "replace").strip()[:40]
    except OSError:
        return "a program"
