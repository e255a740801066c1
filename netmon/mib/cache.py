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
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

import netmon
from netmon.mib.auths import AuthEntry, reread_auths
from netmon.mib.compiling import Sealed
from netmon.mib.document import DocumentError, Span
from netmon.mib.own_files import read_own, write_own

_FORMAT: Final = 1  # to be raised when what a module waits as changes


class Kept(NamedTuple):
    """What a cache file holds."""

    modules: dict[str, Sealed]
    auths: dict[str, AuthEntry]


class Cache:
    """The cache file of one module file with one content."""

    def __init__(self, folder: Path, path: Path, octets: bytes) -> None:
        self._source = str(path)
        name = hashlib.blake2b(os.fsencode(path.absolute()), digest_size=8).hexdigest()
        self._path = folder / f"modules-{name}.cache"
        self._key = f"{_FORMAT} {netmon.__version__} {_digest(octets)}"

    def load(self, text: str) -> Kept | None:
        """What was kept of a file with this text; None if nothing is that could be trusted."""
        try:
            head, _, body = read_own(self._path).partition(b"\n")
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
                body = _body(modules, span)
                write_own(self._path, f"{self._key} {_digest(body)}\n".encode() + body)


def _body(modules: Mapping[str, Sealed], span: Span | None) -> bytes:
    entries: list[list[Any]] = []
    at = 0
    for name, sealed in modules.items():
        entries.append([name, sealed.digest, at, at + len(sealed.octets)])
        at += len(sealed.octets)
    index = json.dumps([entries, span]).encode()
    return b"\n".join((index, b"".join([sealed.octets for sealed in modules.values()])))


def _digest(octets: bytes) -> str:
    return hashlib.blake2b(octets, digest_size=32).hexdigest()
