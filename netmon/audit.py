"""The audit trail of what netmon changes elsewhere: who, when, where, what, and how it ended.

Each change leaves two lines: one before anything is sent, so that a command that is killed in between
is known too, and one after.  They go to the log, and to `audit.log` in the agent's folder of state where
there is one, one JSON object a line, readable by its owner alone.
"""

import errno
import json
import os
import pwd
import stat
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import structlog

FILE: Final = "audit.log"
log = structlog.get_logger("netmon.audit")


def who() -> dict[str, str]:
    """The OS user, and who stands behind sudo."""
    uid = os.getuid()
    try:
        user = pwd.getpwuid(uid).pw_name
    except KeyError:
        user = f"uid {uid}"
    behind = os.environ.get("SUDO_USER")
    return {"user": user} | ({"sudo_user": behind} if behind else {})


class Audit:
    """Where the lines of one command go; `folder` is `state.path`, and the log says where it is no use."""

    def __init__(self, folder: Path | None) -> None:
        self._file = folder / FILE if folder is not None and os.access(folder, os.W_OK | os.X_OK) else None
        if folder is not None and self._file is None:
            log.warning(
                "no audit.log is kept: state.path is no folder that this user may write to", path=str(folder)
            )

    def write(self, event: str, **facts: Any) -> None:
        """One line; `facts` are plain values.  A file that cannot be written is told in the log."""
        facts = who() | facts
        log.info(event, **facts)
        if self._file is not None:
            stamp = datetime.now(UTC).isoformat(timespec="milliseconds")
            try:
                _append(self._file, {"timestamp": stamp, "event": event, **facts})
            except OSError as error:
                log.error("the audit file cannot be written", file=str(self._file), error=error.strerror)  # noqa: TRY400 - no traceback helps


def _append(file: Path, record: Mapping[str, Any]) -> None:
    # Nothing that somebody else put there: a link of either kind, or a FIFO, which would wait for a reader.
    # One write is one line, whoever else writes.
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    handle = os.open(file, flags, 0o600)
    try:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode) or status.st_nlink > 1:
            raise OSError(errno.EPERM, "it is no file of its own")
        line = (json.dumps(record) + "\n").encode()
        if os.write(handle, line) < len(line):
            raise OSError(errno.ENOSPC, "only a part of the line was written")
        os.fsync(handle)
    finally:
        os.close(handle)
