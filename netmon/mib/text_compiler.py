"""Users' MIB text to definitions: what is wrong is told by file and line, and the rest goes on.

The parser of untrusted text runs in a process of its own with a deadline.  Should that process die or
stand still, the modules are halved until the one that does it is alone, and that one is left out.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from netmon.mib.definitions import Definitions, Resolver
from netmon.mib.node import MAX_SUB_ID, MAX_SUB_IDS
from netmon.mib.texts import Mistake, Source, Sources, line_of_error, read_sources, shipped_folder

BATCH_SECONDS: Final = 60  # for one process
TOTAL_SECONDS: Final = 300
MOST: Final = 200  # types defined nowhere that are told
# The language itself: netmon's own stand, whatever lies in the user's folders under these names.
LANGUAGE: Final = frozenset(
    {
        "SNMPv2-SMI", "SNMPv2-TC", "SNMPv2-CONF", "RFC1155-SMI", "RFC-1212", "RFC-1215", "RFC1065-SMI",
        "SNMPv2-SMI-v1", "SNMPv2-TC-v1", "RFC1158-MIB", "RFC-1213",
    }
)  # fmt: skip
_KNOWN_TO_PYSMI: Final = LANGUAGE | {"RFC1213-MIB", "RFC1271-MIB", "RFC1286-MIB", "RFC1316-MIB"}

Batch = tuple[Mapping[str, Mapping[str, Any]], Mapping[str, str]]
Run = Callable[[Mapping[str, str], Sequence[str], float], Batch | None]


@dataclass(frozen=True, slots=True)
class Compiled:
    """The users' definitions, and their mistakes in the order of files and lines."""

    definitions: Definitions
    mistakes: tuple[Mistake, ...]


def compile_places(places: Iterable[Path], run: Run | None = None, total: float = TOTAL_SECONDS) -> Compiled:
    """Compile the modules in files and folders, with netmon's own behind them for what they import.

    `run` asks pysmi: texts, wanted modules and seconds to documents and failures, None if it did not
    answer; a process of its own by default.  `total` bounds all of it, in seconds.
    """
    places = list(places)
    user = read_sources(places)
    own = read_sources([shipped_folder()])
    work = _Work(user, own, places, run or in_process)
    deadline = time.monotonic() + total
    work.drop_what_is_missing()
    documents = work.documents(sorted(work.wanted), deadline)
    resolver = Resolver(documents)
    definitions = resolver.resolve(sorted(work.wanted & documents.keys()))
    for module, name, written in resolver.unknown[:MOST]:
        if module in work.wanted:
            source = user.modules[module]
            message = f'the type "{written}" of {name} is neither defined nor imported'
            work.mistakes.append(Mistake(source.path, source.line_of(name), message))
    for module, name in resolver.unfit[:MOST]:
        source = user.modules[module]
        message = (
            f"{name} is left out: no OID has more than {MAX_SUB_IDS} numbers, nor any above {MAX_SUB_ID}"
        )
        work.mistakes.append(Mistake(source.path, source.line_of(name), message))
    work.check_symbols(documents)
    mistakes = dict.fromkeys(sorted(work.mistakes, key=lambda mistake: (str(mistake.path), mistake.line)))
    return Compiled(definitions, tuple(mistakes))


class _Work:
    """One compilation: which modules are still wanted, and what was wrong so far."""

    def __init__(self, user: Sources, own: Sources, places: Sequence[Path], run: Run) -> None:
        self.mistakes = list(user.mistakes)
        self.wanted = user.modules.keys() - LANGUAGE
        self._user = user.modules
        self._own = own.modules
        self._places = places
        self._run = run
        self._importers: dict[str, list[tuple[str, int]]] = {}  # of a module: who, and in which line
        for name in sorted(self.wanted):
            for item in self._user[name].imports:
                self._importers.setdefault(item.module, []).append((name, item.line))

    def drop_what_is_missing(self) -> None:
        """Leave out modules whose imports are nowhere, and those that build on them."""
        broken: set[str] = set()
        for name in sorted(self.wanted):
            source = self._user[name]
            for item in source.imports:
                if self._source(item.module) is None and item.module not in _KNOWN_TO_PYSMI:
                    broken.add(name)
                    self.mistakes.append(Mistake(source.path, item.line, self._missing(name, item)))
        self._drop(broken)

    def _missing(self, name: str, item: Any) -> str:
        symbols = ", ".join(item.symbols[:5]) + (", ..." if len(item.symbols) > 5 else "")  # noqa: PLR2004
        folders = [str(place if place.is_dir() else place.parent) for place in self._places]
        where = ", ".join(dict.fromkeys(folders))
        return (
            f"{name} imports {symbols} from {item.module}, which is neither in {where} "
            f"nor among netmon's own; put {item.module} into {folders[0]}"
        )

    def _source(self, module: str) -> Source | None:
        if module in self.wanted:
            return self._user[module]
        return self._own.get(module)

    def _drop(self, broken: Collection[str]) -> None:
        """Leave these out.  What builds on one that netmon has no text of its own for is left out too."""
        self.wanted -= set(broken)
        gone = set(broken)
        while gone:
            behind = set()
            for module in sorted(gone - self._own.keys()):
                for name, line in self._importers.get(module, ()):
                    if name in self.wanted:
                        behind.add(name)
                        message = f"{name} imports from {module}, which is not usable: see its mistakes"
                        self.mistakes.append(Mistake(self._user[name].path, line, message))
            self.wanted -= behind
            gone = behind

    def documents(self, names: Sequence[str], deadline: float) -> dict[str, Mapping[str, Any]]:
        """pysmi's documents of these modules and of all that they import."""
        names = [name for name in names if name in self.wanted]
        if not names:
            return {}
        left = deadline - time.monotonic()
        answer = self._run(self._texts(names), names, min(left, BATCH_SECONDS)) if left > 0 else None
        if answer is not None:
            documents, failed = answer
            broken = self._blame(failed)
            if not broken:
                return dict(documents)
            self._drop(broken)
            # What imports a failed module may have one of netmon's own in its place now.
            again = [name for name in names if name in self.wanted and name not in documents]
            return {**self.documents(again, deadline), **documents} if again else dict(documents)
        if len(names) == 1:
            source = self._user[names[0]]
            message = f"{source.name} is left out: compiling it did not end in time, or ended the compiler"
            self.mistakes.append(Mistake(source.path, source.line, message))
            self._drop(names)
            return {}
        middle = len(names) // 2
        return {**self.documents(names[:middle], deadline), **self.documents(names[middle:], deadline)}

    def _blame(self, failed: Mapping[str, str]) -> set[str]:
        """Note why modules failed; those of the user's that did."""
        broken = set()
        for name, message in failed.items():
            if name in self.wanted:
                broken.add(name)
                source = self._user[name]
                self.mistakes.append(Mistake(source.path, _line(message, source), _sentence(message, name)))
        return broken

    def _texts(self, names: Sequence[str]) -> dict[str, str]:
        """The texts of modules and of all that they import, however far."""
        texts: dict[str, str] = {name: self._own[name].text for name in LANGUAGE & self._own.keys()}
        work = [*names, "SNMPv2-MIB", "IF-MIB", "IP-MIB", "TCP-MIB", "UDP-MIB", "RMON-MIB", "BRIDGE-MIB"]
        while work:
            name = work.pop()
            source = self._source(name)
            if source is not None and name not in texts:
                texts[name] = source.text
                work.extend(item.module for item in source.imports)
        return texts

    def check_symbols(self, documents: Mapping[str, Mapping[str, Any]]) -> None:
        """Symbols that the module that they are imported from does not define."""
        names = {
            module: {str(entry["name"]) for entry in document.values() if "name" in entry}
            for module, document in documents.items()
        }
        for module in sorted(self.wanted & documents.keys()):
            source = self._user[module]
            for item in source.imports[:MOST]:
                defined = names.get(item.module)
                if defined is None or item.module in LANGUAGE:
                    continue
                absent = [symbol for symbol in item.symbols if symbol not in defined][:5]
                if absent and not self._defines(item.module, absent):
                    message = (
                        f"{module} imports {', '.join(absent)} from {item.module}, which defines none such"
                    )
                    self.mistakes.append(Mistake(source.path, item.line, message))

    def _defines(self, module: str, symbols: Sequence[str]) -> bool:
        """Whether a module's text has them in forms that JSON leaves out, as macros and compliances."""
        source = self._source(module)
        return source is not None and all(source.line_of(symbol) != source.line for symbol in symbols)


def _line(message: str, source: Source) -> int:
    if symbols := _symbols_of(message, _UNRESOLVED):
        return source.line_of(symbols[0])
    if names := _symbols_of(message, _NO_PARENT):
        return source.line_with(names[0])
    return line_of_error(message, source)


# What pysmi says of definitions whose parent or type it does not know, and of a single parent.
_UNRESOLVED: Final = "Unknown parents for symbols: "
_NO_PARENT: Final = "Unknown parent symbol: "


def _symbols_of(message: str, beginning: str) -> list[str]:
    """The names in such a sentence: `Unknown parents for symbols: x, y at MIB M`."""
    _, found, rest = message.partition(beginning)
    return (
        [name.strip().replace("_", "-") for name in rest.partition(" at MIB ")[0].split(",")] if found else []
    )


def _sentence(message: str, name: str) -> str:
    if symbols := _symbols_of(message, _UNRESOLVED):
        which = ", ".join(symbols[:5])
        return f"{which}: the type, or the name that the OID begins with, is neither defined nor imported"
    if names := _symbols_of(message, _NO_PARENT):
        return f'"{names[0]}", which an OID begins with, is neither defined nor imported'
    what = message.partition(f" at MIB {name}")[0].partition(" near offset ")[0].strip()
    return f"{name} does not parse: {what[:200]}"


def in_process(texts: Mapping[str, str], wanted: Sequence[str], seconds: float) -> Batch | None:
    """Ask pysmi in a process of its own."""
    question = json.dumps({"texts": dict(texts), "wanted": list(wanted)})
    package = Path(__file__).resolve().parents[2]
    try:
        child = subprocess.run(  # noqa: S603 - this Python, a module of netmon's
            [sys.executable, "-P", "-m", "netmon.mib.pysmi_run", str(int(seconds) + 1)],
            input=question.encode(),
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=seconds,
            check=True,
            env={"PYTHONPATH": str(package), "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8"},
        )
        answer = json.loads(child.stdout)
        return answer["documents"], answer["failed"]
    except (subprocess.SubprocessError, ValueError, KeyError):
        return None
