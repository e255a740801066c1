"""Files of a cache: whole or not at all, and read only where nobody else could have written them."""

import os
import stat
import tempfile
from pathlib import Path
from typing import Final

_MAX_SIZE: Final = 64_000_000  # octets; what is larger was not written here


def read_own(path: Path) -> bytes:
    """The content of a regular file, no link, that is this user's and that nobody else may write.

    Raises OSError.
    """
    with open(path, "rb", opener=_open_own) as file:
        return file.read(_MAX_SIZE)


def write_own(path: Path, octets: bytes) -> None:
    """Write a file of mode 0600, whole, into a folder that is made if need be.  Raises OSError."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name[:20]}-", delete=False) as file:
        try:
            file.write(octets)  # mode 0600, as mkstemp makes it
            file.flush()
            Path(file.name).replace(path)
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise


def _open_own(path: str, flags: int) -> int:
    descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    status = os.fstat(descriptor)
    open_to_others = status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid() or open_to_others:
        os.close(descriptor)
        raise PermissionError(f"{path} is no file of this user's own alone")
    return descriptor
