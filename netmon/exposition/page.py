"""`/metrics`: what the store knows, as text that is made at most once for an observation.

A scrape joins bytes.  The text of a family is made when first asked for and stays with the run
that it tells of; the labels of a table stay over runs for as long as its rows do.  A page streams
family by family, because the format wants all lines of a family together and a page may be larger
than a reader should wait for.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple, Protocol

from netmon.errors import NetmonError, Reason
from netmon.exposition.families import check_labels, check_tables, domain_labels, host_tables
from netmon.exposition.text import Labels, header, label_lines, merge, samples
from netmon.model import CheckKey, CheckState, Family, Host, HostVerdict, Observation, Result, Table, Value

CHUNK: Final = 128 * 1024  # bytes; what is made between two looks at the event loop
LIMIT: Final = 256 * 1024 * 1024  # bytes of one page, about two million series
_VALUE_WIDTH: Final = 12  # bytes: a guess at the usual value and its newline
_OURS: Final = "netmon_"
_OWN_LABELS: Final = ("host", "endpoint")


class Source(Protocol):
    """What output reads; the store is one."""

    def hosts(self) -> Mapping[str, Host]:
        """The configured hosts, in the config's order."""

    def verdicts(self) -> Mapping[str, HostVerdict]:
        """The verdicts by host; one may be missing before the first judgement."""

    def checks_of(self, host: str) -> Sequence[CheckState]:
        """The states of one host's checks, in a stable order."""


class UnknownHostError(NetmonError):
    """`/metrics?host=` names a host that is not configured."""


class PageTooLargeError(NetmonError):
    """The page of all hosts is larger than the limit."""


class Exposition:
    """The pages of `/metrics`, over a `Source`.

    `own` gives the text of the agent's own families, which end the page of all hosts.
    `own_labels` and `unrun` are those of `ProbeKind`, by probe: which fields of its key a check's own series
    carry, and what stands there before its first run.
    For the event loop's thread only; so are the iterators that it gives.
    """

    def __init__(
        self,
        source: Source,
        own: Callable[[], bytes] = bytes,
        *,
        own_labels: Mapping[str, Sequence[str]] | None = None,
        unrun: Mapping[str, Callable[[Any], Sequence[Table]]] | None = None,
        limit: int = LIMIT,
    ) -> None:
        self._source = source
        self._own = own
        self._own_labels = own_labels or {}
        self._unrun = unrun or {}
        self._limit = limit
        self._known: dict[str, _Known] = {}

    async def prepare(self) -> None:
        """Take up what is new host by host, with a turn of the event loop between.

        Not needed, but `metrics` of all hosts does at once what this leaves to it.
        """
        for name in tuple(self._source.hosts()):
            if name in self._source.hosts():  # a reload may have come between
                for _ in self._parts(name):
                    pass
            await asyncio.sleep(0)

    def metrics(self, host: str | None = None) -> Iterator[bytes]:
        """The page, in chunks: of one host, or of all and of the agent itself.

        Raises UnknownHostError or PageTooLargeError before the first chunk.
        """
        hosts = self._source.hosts()
        if host is not None and host not in hosts:
            raise UnknownHostError(f"no host is named {host!r} in the config")
        if len(self._known) > len(hosts):
            self._known = {name: known for name, known in self._known.items() if name in hosts}
        parts = [part for name in ([host] if host is not None else hosts) for part in self._parts(name)]
        size = sum([part.size for part in parts])
        if size > self._limit and host is None:
            raise PageTooLargeError(
                f"/metrics would be about {size >> 20} MB, and the limit is {self._limit >> 20} MB; "
                "let Prometheus scrape the hosts one by one: http_sd_configs with the url of /sd"
            )
        own = self._own() if host is None else b""
        families = _by_family(parts)
        for name in _names(own):
            families.pop(name, None)
        return _stream(families, own)

    def _parts(self, name: str) -> "Iterator[_Part]":
        """What one host brings to a page; unchanged parts are those of the scrape before."""
        record, verdict = self._source.hosts()[name], self._source.verdicts().get(name)
        known = self._known.get(name)
        about = None if known is None else known.about
        if about is None or about.record is not record or about.verdict is not verdict:
            about = _HostPart(record, verdict, about)
        checks: dict[CheckKey, _CheckPart] = {}
        for state in self._source.checks_of(name):
            key = state.check.key
            part = None if known is None else known.checks.get(key)
            if part is None or part.state is not state:
                labels = self._own_labels.get(key.probe, _OWN_LABELS)
                part = _CheckPart(state, part, labels, state.own or self._before(state))
            checks[key] = part
        self._known[name] = _Known(about, checks)
        yield about
        yield from checks.values()

    def _before(self, state: CheckState) -> Sequence[Table]:
        """The own tables of a check that has brought none yet."""
        unrun = self._unrun.get(state.check.key.probe)
        return () if unrun is None else unrun(state.check.settings)


class _Lines:
    """A table's rows as label text, kept while the rows stay."""

    __slots__ = ("count", "fixed", "names", "rows", "text")

    def __init__(self, table: Table, fixed: Labels) -> None:
        self.names = table.names
        self.rows = table.rows
        self.fixed = fixed
        self.count = len(table.rows)
        self.text = label_lines(table.names, table.rows, fixed)

    def fits(self, table: Table, fixed: Labels) -> bool:
        """Whether they are the lines of this table too."""
        return self.rows == table.rows and self.names == table.names and self.fixed == fixed


class _Block:
    """One family of one part: made into text when first asked for."""

    __slots__ = ("_columns", "_text", "family", "host")

    def __init__(self, host: str, family: Family) -> None:
        self.host = host
        self.family = family
        self._columns: list[tuple[_Lines, Sequence[Value]]] = []
        self._text: bytes | None = None

    def add(self, lines: _Lines, values: Sequence[Value]) -> None:
        """One more column of the family; where series are equal the first stays."""
        self._columns.append((lines, values))

    @property
    def size(self) -> int:
        """Bytes of its text, about."""
        width = len(self.family.name) + _VALUE_WIDTH
        return sum([len(lines.text) + lines.count * width for lines, _ in self._columns])

    def text(self) -> bytes:
        """Its sample lines."""
        if self._text is None:
            name = self.family.name.encode()
            self._text = merge([samples(name, lines.text, values) for lines, values in self._columns])
            self._columns.clear()  # the text is all that is needed from now on
        return self._text


class _Part:
    """Blocks that change together."""

    __slots__ = ("blocks", "lines", "size")

    def __init__(
        self, host: str, tables: Sequence[tuple[Labels, Table]], known: Sequence[_Lines] = ()
    ) -> None:
        """`known` are the lines of the same part a run earlier."""
        blocks: dict[str, _Block] = {}
        self.lines: list[_Lines] = []
        for i, (fixed, table) in enumerate(tables):
            fit = i < len(known) and known[i].fits(table, fixed)
            lines = known[i] if fit else _Lines(table, fixed)
            self.lines.append(lines)
            for column in table.columns:
                family = column.family
                block = blocks.get(family.name)
                if block is None:
                    block = blocks[family.name] = _Block(host, family)
                block.add(lines, column.values)
        self.blocks = tuple(blocks.values())
        self.size = sum([block.size for block in self.blocks])


class _HostPart(_Part):
    """A host and the verdict over it."""

    __slots__ = ("record", "verdict")

    def __init__(self, record: Host, verdict: HostVerdict | None, earlier: "_HostPart | None") -> None:
        self.record = record
        self.verdict = verdict
        fixed = (("host", record.name),)
        tables = [(fixed, table) for table in host_tables(record, verdict)]
        super().__init__(record.name, tables, () if earlier is None else earlier.lines)


class _CheckPart(_Part):
    """A check: netmon's series about it, and what it brought of the device."""

    __slots__ = ("state",)

    def __init__(
        self,
        state: CheckState,
        earlier: "_CheckPart | None",
        own_labels: Sequence[str],
        own_tables: Sequence[Table],
    ) -> None:
        self.state = state
        key = state.check.key
        about = check_labels(state)
        host: Labels = (("host", key.host),)
        own: Labels = tuple((name, getattr(key, name)) for name in own_labels)
        tables = []
        for more in domain_labels(state):
            tables += [((*about, *more), table) for table in check_tables(state)]
            tables += [((*own, *more), table) for table in own_tables]
        tables += [(host, table) for table in _fresh(state.observation)]
        super().__init__(key.host, tables, () if earlier is None else earlier.lines)


class _Known(NamedTuple):
    """A host's parts as of the latest scrape that asked for them."""

    about: _HostPart
    checks: dict[CheckKey, _CheckPart]


def _fresh(observation: Observation | None) -> tuple[Table, ...]:
    """The device series that the latest run read.

    A run that failed brings none: a counter that stands still would be false news of no traffic.
    A run of which some modules failed has read the others.  netmon's own names are not a device's.
    """
    if observation is None or not (
        observation.result is Result.OK or observation.reason is Reason.MODULE_FAILED
    ):
        return ()
    if not any(
        column.family.name.startswith(_OURS) for table in observation.tables for column in table.columns
    ):
        return observation.tables
    return tuple(
        Table(
            table.names,
            table.rows,
            tuple(column for column in table.columns if not column.family.name.startswith(_OURS)),
        )
        for table in observation.tables
    )


def _by_family(parts: Iterable[_Part]) -> dict[str, list[_Block]]:
    """The blocks of a page by the name of their family; blocks of one host stand together."""
    families: dict[str, list[_Block]] = {}
    for part in parts:
        for block in part.blocks:
            name = block.family.name
            if name in families:
                families[name].append(block)
            else:
                families[name] = [block]
    return families


def _stream(families: Mapping[str, Sequence[_Block]], rest: bytes) -> Iterator[bytes]:
    """The families in the order of their names, in chunks of `CHUNK` bytes or a little more."""
    ready: list[bytes] = []
    size = 0
    for name in sorted(families):
        blocks = families[name]
        texts = _texts(blocks)
        first = next(texts, None)
        if first is None:
            continue  # a family without a sample now
        ready += (header(blocks[0].family), first)
        size += len(first)
        for text in texts:
            ready.append(text)
            size += len(text)
            if size >= CHUNK:
                yield b"".join(ready)
                ready.clear()
                size = 0
    ready.append(rest)
    yield b"".join(ready)


def _texts(blocks: Sequence[_Block]) -> Iterator[bytes]:
    """The texts of one family's blocks that have any.

    Two checks of one host may bring the same series: the first wins.  netmon's own `check_` series
    are named by the check, so they cannot meet.
    """
    if blocks[0].family.name.startswith("netmon_check_"):
        for block in blocks:
            if text := block.text():
                yield text
        return
    at = 0
    while at < len(blocks):
        end = at + 1
        while end < len(blocks) and blocks[end].host == blocks[at].host:
            end += 1
        if text := merge([block.text() for block in blocks[at:end]]):
            yield text
        at = end


def _names(text: bytes) -> list[str]:
    """The names of the families on a page."""
    return [line.split()[2].decode() for line in text.split(b"\n") if line.startswith(b"# TYPE ")]
