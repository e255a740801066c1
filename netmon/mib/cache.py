"""What was read from a module file, kept so that the next start need not read it again.

One file for each module file, in a folder of the agent's own, mode 0600.  It begins with a line that
says which format, which netmon and which content it is of, and a checksum over the rest.  What does
not match in any way is passed over and written anew: a cache never makes a start fail.  The content is
JSON and nothing that could be executed.  Credentials are not in it; it knows where in the module file
they stand.
"""

import contextlib
import hashlib
import json
import os
import stat
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import netmon
from netmon.mib.auths import AuthEntry, reread_auths
from netmon.mib.compiling import Sealed
from netmon.mib.document import DocumentError, Span

_FORMAT: Final = 1  # to be raised when what a module waits as changes
_MAX_SIZE: Final = 64_000_000  # octets; what is larger was not written here


class Kept(NamedTuple):
    """What a cache file holds."""

    modules: dict[str, Sealed]
    auths: dict[str, AuthEntry]


class Cache:
    """The cache file of one module file with one content."""

    def __init__(self, folder: Path, path: Path, octets: bytes) -> None:
        self._folder = folder
        self._source = str(path)
        name = hashlib.blake2b(os.fsencode(path.absolute()), digest_size=8).hexdigest()
        self._path = folder / f"modules-{name}.cache"
        self._key = f"{_FORMAT} {netmon.__version__} {_digest(octets)}"

    def load(self, text: str) -> Kept | None:
        """What was kept of a file with this text; None if nothing is that could be trusted."""
        try:
            head, _, body = self._read().partition(b"\n")
            if head.decode() != f"{self._key} {_digest(body)}":
                return None
            index, _, octets = body.partition(b"\n")
            entries, span = json.loads(index)
            modules = {name: Sealed(octets[start:stop], digest) for name, digest, start, stop in entries}
            auths = {} if span is None else reread_auths(text, self._source, Span(*span))
        except (OSError, ValueError, TypeError, DocumentError):
            return None
        return Kept(modules, auths)

    def store(
        self, text: str, modules: Mapping[str, Sealed], auths: Mapping[str, AuthEntry], span: Span | None
    ) -> None:
        """Keep what was read.  That it cannot be kept is no fault."""
        with contextlib.suppress(OSError, DocumentError):
            # Credentials may lean on other parts of the file (an anchor); then there is no cache.
            if span is None or reread_auths(text, self._source, span) == auths:
                self._write(_body(modules, span))

    def _read(self) -> bytes:
        with open(self._path, "rb", opener=open_own) as file:
            return file.read(_MAX_SIZE)

    def _write(self, body: bytes) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=self._folder, prefix=".modules-", delete=False) as file:
            try:
                file.write(f"{self._key} {_digest(body)}\n".encode() + body)  # mode 0600, as mkstemp makes it
                file.flush()
                Path(file.name).replace(self._path)
            except BaseException:
                Path(file.name).unlink(missing_ok=True)
                raise


def _body(modules: Mapping[str, Sealed], span: Span | None) -> bytes:
    entries: list[list[Any]] = []
    at = 0
    for name, sealed in modules.items():
        entries.append([name, sealed.digest, at, at + len(sealed.octets)])
        at += len(sealed.octets)
    index = json.dumps([entries, span]).encode()
    return b"\n".join((index, b"".join([sealed.octets for sealed in modules.values()])))


def open_own(path: str, flags: int) -> int:
    """Open a regular file that is this user's own and that nobody else may write, and no link to one."""
    descriptor = os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    status = os.fstat(descriptor)
    open_to_others = status.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    if not stat.S_ISREG(status.st_mode) or status.st_uid != os.geteuid() or open_to_others:
        os.close(descriptor)
        raise PermissionError(f"{path} is no file of this user's own alone")
    return descriptor


def _digest(octets: bytes) -> str:
    return hashlib.blake2b(octets, digest_size=32).hexdigest()
