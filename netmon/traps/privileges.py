"""What the receiver's process gives up before it hears from anybody.

It inherits the bound sockets, so it needs none of the capabilities that a unit gives the agent for
port 162 and larger buffers; and it holds communities and keys, which belong in no core file.
"""

import contextlib
import ctypes
import os
import resource
from pathlib import Path
from typing import Final

_PR_SET_NO_NEW_PRIVS: Final = 38  # <linux/prctl.h>
_PR_CAP_AMBIENT: Final = 47
_PR_CAP_AMBIENT_CLEAR_ALL: Final = 4
_CAPABILITY_VERSION_3: Final = 0x20080522  # <linux/capability.h>


def drop() -> None:
    """For good, of this thread and all that it begins: call it before there are others.

    Root keeps its capabilities, without which it could not write where others own the folder.  Where system
    calls are filtered, as by a unit with SystemCallFilter=, these may be the ones that kill: there
    `keep_from_children` and the unit's LimitCORE= have to do.
    """
    if _filtered():
        return
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
    if os.geteuid() == 0:
        return
    libc = ctypes.CDLL(None)
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    libc.capset(header, (ctypes.c_uint32 * 6)())  # effective, permitted, inheritable; twice 32 bits


def keep_from_children() -> None:
    """The agent's part: no program that this thread starts from now on gets its capabilities; it keeps them.

    Ambient capabilities (those of a unit) are all that an execve(2) of a user other than root hands on, and
    this way to clear them is one that no unit's filter forbids.
    """
    ctypes.CDLL(None).prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)


def _filtered() -> bool:
    """Whether system calls of this process are filtered (seccomp(2)), or nobody can tell."""
    try:
        return "\nSeccomp:\t0\n" not in Path("/proc/self/status").read_text("ascii", "replace")
    except OSError:
        return True
