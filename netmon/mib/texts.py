"""MIB text in folders: which modules there are, what they import, and where each thing stands.

Users' files are untrusted: how many are read, and how much of each, has a bound.  This reads no more
of the language than module headers and IMPORTS (RFC 2578 §3.2), enough to name a missing module by file
and line before a compiler gives up on it; comments and texts are blanked, so that lines stay right.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import islice, pairwise
from pathlib import Path
from typing import Final

MAX_FILE: Final = 4 << 20  # octets; the largest of vendors' are about one MiB
MAX_TOTAL: Final = 128 << 20
MAX_FILES: Final = 5000
MAX_MODULES: Final = 200  # of one file
MAX_CLAUSES: Final = 1000  # of one IMPORTS
_HERE: Final = Path(__file__).resolve().parent
_SUFFIXES: Final = frozenset({"", ".txt", ".mib", ".my", ".mi2", ".smi", ".asn1", ".asn"})
_HIDDEN: Final = re.compile(r'"[^"]*"|--[^\n]*')
_HEADER: Final = re.compile(
    r"(?<![\w-])(?P<name>[A-Za-z][\w-]{0,200})\s+(?:\{[^{}]{0,500}\}\s*)?DEFINITIONS\s*::=\s*BEGIN\b"
)
_IMPORTS: Final = re.compile(r"\bIMPORTS\b")
_SYMBOL: Final = re.compile(r"[A-Za-z][\w-]*")


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing wrong with a file: `ACME-MIB.txt:7: ...`; line 0: with the file as such."""

    path: Path
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.message}" if self.line else f"{self.path}: {self.message}"


@dataclass(frozen=True, slots=True)
class Import:
    """The symbols that are taken from one module; `line` is that of its name."""

    module: str
    symbols: tuple[str, ...]
    line: int


@dataclass(frozen=True, slots=True)
class Source:
    """One module's text, from its header on."""

    name: str
    path: Path
    text: str
    line: int  # of the header
    imports: tuple[Import, ...]

    def line_of(self, symbol: str) -> int:
        """The line that begins with a symbol's definition; the header's where there is none."""
        found = re.search(rf"(?m)^[ \t]*{re.escape(symbol)}(?![\w-])", _blank(self.text))
        return self.line if found is None else self.line + self.text.count("\n", 0, found.end())

    def line_with(self, word: str) -> int:
        """The first line that holds a word; the header's where none does."""
        found = re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", _blank(self.text))
        return self.line if found is None else self.line + self.text.count("\n", 0, found.start())


@dataclass(slots=True)
class Sources:
    """Modules by name, and what was wrong on the way."""

    modules: dict[str, Source] = field(default_factory=dict)
    mistakes: list[Mistake] = field(default_factory=list)


def shipped_folder() -> Path:
    """The folder of the modules that come with netmon: beside this file, or `mibs/` of a checkout."""
    installed = _HERE / "texts"
    return installed if installed.is_dir() else _HERE.parents[1] / "mibs"


def read_sources(places: Iterable[Path]) -> Sources:
    """The modules in files, and in the files of folders; a name that comes twice is the first one's."""
    found = Sources()
    total = 0
    for number, path in enumerate(_files(places, found.mistakes)):
        if number >= MAX_FILES:
            found.mistakes.append(
                Mistake(path, 0, f"not read: more than {MAX_FILES} files; give fewer folders")
            )
            break
        try:
            with path.open("rb") as file:
                octets = file.read(MAX_FILE + 1)
        except OSError as error:
            found.mistakes.append(Mistake(path, 0, f"cannot be read: {error.strerror}"))
            continue
        total += len(octets)
        if len(octets) > MAX_FILE or total > MAX_TOTAL:
            limit = MAX_FILE if len(octets) > MAX_FILE else MAX_TOTAL
            found.mistakes.append(Mistake(path, 0, f"not read: the limit is {limit >> 20} MiB"))
            continue
        _add(found, path, octets.decode("utf-8", "replace"))
    return found


def _files(places: Iterable[Path], mistakes: list[Mistake]) -> Iterator[Path]:
    for place in places:
        if place.is_dir():
            yield from sorted(
                path for path in place.iterdir() if path.suffix.lower() in _SUFFIXES and path.is_file()
            )
        elif place.is_file():
            yield place
        else:
            mistakes.append(Mistake(place, 0, "is not there"))


def _add(found: Sources, path: Path, text: str) -> None:
    sources = list(modules_of(path, text))
    if not sources:
        found.mistakes.append(Mistake(path, 0, "holds no MIB module (NAME DEFINITIONS ::= BEGIN)"))
    for source in sources:
        first = found.modules.setdefault(source.name, source)
        if first is not source:
            message = f"{source.name} is already in {first.path}:{first.line}, which is used"
            found.mistakes.append(Mistake(path, source.line, message))


def modules_of(path: Path, text: str) -> Iterator[Source]:
    """The modules of one file."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    blank = _blank(text)
    headers = list(islice(_HEADER.finditer(blank), MAX_MODULES))
    ends = [*(header.start() for header in headers), len(text)]
    for header, (start, end) in zip(headers, pairwise(ends), strict=True):
        line = text.count("\n", 0, start) + 1
        yield Source(header["name"], path, text[start:end], line, tuple(_imports(blank[start:end], line)))


def _imports(blank: str, line: int) -> Iterator[Import]:
    """The clauses of a module's IMPORTS; `line` is that of its header."""
    keyword = _IMPORTS.search(blank)
    if keyword is None:
        return
    at, end = keyword.end(), blank.find(";", keyword.end())
    symbols: list[str] = []
    count = 0
    named = False  # FROM was the last word
    for word in _SYMBOL.finditer(blank, at, end if end >= 0 else len(blank)):
        if named:
            line += blank.count("\n", 0 if count == 0 else at, word.start())
            at = word.start()
            yield Import(word[0], tuple(symbols), line)
            symbols, named, count = [], False, count + 1
            if count == MAX_CLAUSES:
                return
        elif word[0] == "FROM":
            named = True
        else:
            symbols.append(word[0])


@lru_cache(maxsize=2)
def _blank(text: str) -> str:
    """The text with comments and quoted texts as spaces: every character keeps its place."""
    return _HIDDEN.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)


def line_of_error(message: str, source: Source) -> int:
    """The line that pysmi's message names, else the header's."""
    found = re.search(r", line ([0-9]{1,7})$", message)
    return source.line + int(found[1]) - 1 if found else source.line
