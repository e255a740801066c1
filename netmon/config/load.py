"""netmon.yml and its host files -> Config, or every mistake in them at once.

Nothing is opened but files.  The steps: read and compose each file; expand references; check each
node against its place; merge groups and defaults into every host, by nodes, so that a mistake is told
where it was written; let pydantic judge; at last check what only the whole can tell.
"""

import glob
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

from pydantic import ValidationError

from netmon.config.compose import YamlError, read
from netmon.config.expand import expand
from netmon.config.mailflows import as_lists, check_mailflows, fetched_hosts
from netmon.config.merge import merge
from netmon.config.mistakes import Mistakes, seen
from netmon.config.module_files import Anything, ModuleFiles, read_module_files
from netmon.config.nodes import ListNode, MapNode, Node, ScalarNode, Source
from netmon.config.records import (
    PUBLIC_AUTH,
    Config,
    DefaultsEntry,
    DomainConfig,
    DomainEntry,
    HostConfig,
    HostEntry,
    MailflowConfig,
    ProbeEntry,
    Records,
    StateEntry,
    TopEntry,
    records,
)
from netmon.config.redact import redacted
from netmon.config.shapes import record_shape
from netmon.config.strict import Names, inspect
from netmon.config.whole import check_cycles, check_domains, check_host, check_traps, check_windows
from netmon.config.words import report
from netmon.fields import Settings
from netmon.mib.auto import AUTO
from netmon.model import Confirm, Host
from netmon.probes.base import Auth, ProbeKind

MAX_HOST_FILES: Final = 10_000

_Record = TypeVar("_Record", bound=Settings)


def load(
    path: Path | str,
    kinds: Mapping[str, ProbeKind],
    library_modules: Collection[str],
    env: Mapping[str, str],
    *,
    cache: bool = False,
    strict: bool = True,
    hints: list[str] | None = None,
) -> Config:
    """Read a config.

    `library_modules` are the names that a probe's `modules` may hold besides those of `module_files`, `env`
    is what `${env:NAME}` sees.  With `cache`, what was read of module files is kept under `state.path`.
    Without `strict`, a secret that cannot be had is a mistake once it is used, and not before.
    `hints` is given what is no mistake and yet worth knowing.
    Messages call the file by `path` as it was given.  Takes seconds for thousands of hosts: not for
    the event loop.  Raises ConfigError with all mistakes.
    """
    of_hosts = {name: kind for name, kind in kinds.items() if kind.of_hosts}
    mistakes = Mistakes(hints)
    loading = _Loading(
        kinds, of_hosts, records(kinds), library_modules, env, cache, strict, mistakes=mistakes
    )
    return loading.run(Path(path))


@dataclass(slots=True)
class _Loading:
    """One load: what its steps hand to each other."""

    kinds: Mapping[str, ProbeKind]
    of_hosts: Mapping[str, ProbeKind]
    records: Records
    modules: Collection[str]
    env: Mapping[str, str]
    cache: bool = False
    strict: bool = True
    module_files: ModuleFiles = field(default_factory=ModuleFiles)
    mistakes: Mistakes = field(default_factory=Mistakes)
    sources: list[Source] = field(default_factory=list)
    files: dict[Path, str] = field(default_factory=dict)

    def run(self, path: Path) -> Config:
        top = self._source(path, str(path))
        if top is None:
            raise self.mistakes.error()
        roots = [top, *self._host_files(top, path)]
        host_nodes = [node for root in roots for node in _entries(root, "hosts")]
        self.module_files = read_module_files(
            top, self.modules, self.env, _cache_folder(top) if self.cache else None, self.mistakes
        )
        names = self._names(top, host_nodes)
        as_lists(_entries(top, "mailflows"))
        for root in roots:
            shape = record_shape(self.records.top if root is top else self.records.file)
            inspect(root, shape, names, self.mistakes)
        sections = {key: node for key, node in top.items.items() if key not in {"hosts", "groups"}}
        main = self._record(self.records.top, MapNode(top.source, top.line, top.column, sections, top.keys))
        for group in _mapping(top, "groups").items.values():
            if isinstance(group, MapNode):
                self._record(self.records.group, group, partial=True)
        hosts = self._hosts(top, host_nodes)
        check_windows(_entries(top, "windows"), names, self.env, self.mistakes)
        check_domains(_entries(top, "domains"), self.mistakes)
        check_mailflows(_entries(top, "mailflows"), self.mistakes)
        if main is None or self.mistakes:
            raise self.mistakes.error()
        auths = {PUBLIC_AUTH: Auth(), **self.module_files.auths, **main.auths}
        if main.traps is not None:
            check_traps(_mapping(top, "traps"), main.traps, auths, self.mistakes)
            if self.mistakes:
                raise self.mistakes.error()
        return Config(
            path=path,
            agent=main.agent,
            auths=auths,
            modules=self.module_files.modules,
            probe_modules=self.module_files.probes,
            notices=(*self.module_files.notices, *(main.traps.notices() if main.traps else ())),
            hosts=tuple(hosts),
            web=main.web,
            state=main.state,
            mib_dirs=main.mib_dirs,
            settings=main.settings,
            dns=main.dns,
            alerting=main.alerting,
            windows=tuple(entry.window(self.env) for entry in main.windows),
            domains=tuple(self._domain(entry, main) for entry in main.domains),
            mailflows=tuple(self._mailflows(main, hosts)),
            traps=main.traps,
            public={
                source.name: redacted(
                    source, record_shape(self.records.file if source.order else self.records.top)
                )
                for source in self.sources
            },
        )

    def _source(self, path: Path, name: str) -> MapNode | None:
        """Read one file; None when it holds no mapping to go on with."""
        source = Source(path, name, len(self.sources))
        self.sources.append(source)
        try:
            read(source)
        except YamlError as error:
            self.mistakes.in_file(source, error)
            return None
        for mapping, key, complaint in source.complaints:
            self.mistakes.at_key(mapping, key, complaint)
        expand(source, self.env, self.files, self.mistakes, strict=self.strict)
        root = source.root
        if isinstance(root, MapNode):
            return root
        if root is not None:
            self.mistakes.at(root, f"{seen(root, hidden=True)} is not a mapping with keys such as hosts")
        return None

    def _host_files(self, top: MapNode, path: Path) -> Iterator[MapNode]:
        """The roots of the files that `host_files` names, each once, in the order of names."""
        done = {path.resolve()}
        for pattern in _entries(top, "host_files"):
            if not isinstance(pattern, ScalarNode) or not isinstance(pattern.value, str):
                continue  # strict.inspect says so
            try:
                # Path.glob refuses absolute patterns.
                found = sorted(glob.glob(pattern.value, root_dir=path.parent, recursive=True))  # noqa: PTH207
            except (OSError, ValueError):
                found = []
            if not found and not set(pattern.value) & set("*?["):
                self.mistakes.at(pattern, f"{seen(pattern)} is not there")
            elif not found:
                self.mistakes.hint(pattern, f"{seen(pattern)} matches no file")
            if len(found) > MAX_HOST_FILES:
                self.mistakes.at(pattern, f"{seen(pattern)} matches more than {MAX_HOST_FILES} files")
            for name in found[:MAX_HOST_FILES]:
                target = path.parent / name
                if target.resolve() in done:
                    continue
                done.add(target.resolve())
                root = self._source(target, str(target))
                if root is not None:
                    yield root

    def _names(self, top: MapNode, hosts: list[Node]) -> Names:
        """What a reference may name, by section; two hosts of one name are a mistake."""
        named: dict[str, ScalarNode] = {}
        for host in hosts:
            name = host.items.get("name") if isinstance(host, MapNode) else None
            if isinstance(name, ScalarNode) and isinstance(name.value, str):
                first = named.setdefault(name.value, name)
                if first is not name:
                    where = f"{first.source.name}:{first.line}:{first.column}"
                    self.mistakes.at(name, f"{seen(name)} is a host already, at {where}")
        sections = {key: node.items for key, node in top.items.items() if isinstance(node, MapNode)}
        files = self.module_files
        return {
            "hosts": named,
            "groups": sections.get("groups", {}),
            "auths": Anything() if files.failed else {PUBLIC_AUTH, *sections.get("auths", {}), *files.auths},
            "modules": Anything() if files.failed else {AUTO, *self.modules, *files.modules},
        }

    def _record(self, record: type[_Record], node: MapNode, *, partial: bool = False) -> _Record | None:
        """Validate one mapping; None after its mistakes were told."""
        try:
            return record.model_validate(self._data(record, node))
        except ValidationError as error:
            report(error, node, record_shape(record), self.mistakes, partial=partial)
        except OverflowError:
            self.mistakes.at(node, "holds a number that is out of all range")
        return None

    def _data(self, record: type[Settings], node: MapNode) -> dict[str, Any]:
        """Plain data for pydantic, with `true` and `false` for a probe written out."""
        fields = record_shape(record).fields
        data: dict[str, Any] = {}
        for key, child in node.items.items():
            value = plain(child)
            switch = key in fields and fields[key].switch
            if switch and value is True:
                value = {}
            if not (switch and value is False):
                data[key] = value
        return data

    def _hosts(self, top: MapNode, nodes: list[Node]) -> list[HostConfig]:
        """Every host with its groups and the defaults merged in."""
        groups = _mapping(top, "groups")
        bases: dict[tuple[str, ...], MapNode] = {}
        flows = fetched_hosts(_entries(top, "mailflows"))
        hosts: list[tuple[HostConfig, MapNode]] = []
        for node in nodes:
            if not isinstance(node, MapNode):
                continue
            names = tuple(str(g.value) for g in _entries(node, "groups") if isinstance(g, ScalarNode))
            if names not in bases:
                base = _mapping(top, "defaults")
                for name in reversed(names):
                    base = merge(_mapping(groups, name), base)
                bases[names] = base
            merged = merge(node, bases[names])
            entry = self._record(self.records.host, merged)
            if entry is not None:
                host = self._host(entry)
                check_host(host, merged, self.of_hosts, self.mistakes, others=entry.name in flows)
                hosts.append((host, merged))
        check_cycles(hosts, self.mistakes)
        return [host for host, _ in hosts]

    def _host(self, entry: HostEntry) -> HostConfig:
        probes: list[ProbeEntry] = []
        for name, kind in self.of_hosts.items():
            value = getattr(entry, name)
            if value is not None:
                probes.extend(ProbeEntry(kind, settings) for settings in (value if kind.many else (value,)))
        host = Host(
            name=entry.name,
            address=entry.address or entry.name,
            addresses=entry.addresses,
            labels=entry.labels,
            depends_on=entry.depends_on,
            confirm=_confirm(entry),
            limits=entry.limits.limits(),
            groups=entry.groups,
            upstream_ports=entry.upstream_ports,
        )
        return HostConfig(host, entry.interval, entry.timeout, entry.retries, tuple(probes))

    def _domain(self, entry: DomainEntry, main: TopEntry) -> DomainConfig:
        """A domain's servers are checked as an inbound endpoint of a host's `smtp`."""
        kind = self.kinds["smtp"]
        written: dict[str, Any] = {"port": entry.port, "role": "inbound", "tls": entry.tls or "starttls"}
        if entry.ca_file is not None:
            written["ca_file"] = entry.ca_file
        settings = kind.settings.model_validate(written)
        if entry.cert_warn is not None:
            settings = settings.model_copy(update={"cert_warn": entry.cert_warn})
        return DomainConfig(
            entry.name,
            entry.interval,
            main.defaults.timeout if entry.timeout is None else entry.timeout,
            ProbeEntry(kind, settings),
            _confirm(main.defaults),
            main.defaults.limits.limits(),
            entry.allow,
            self._policy(entry),
        )

    def _mailflows(self, main: TopEntry, hosts: Iterable[HostConfig]) -> Iterator[MailflowConfig]:
        """Each is a check of its first mailbox's host."""
        known = {config.host.name: config.host for config in hosts}
        addresses = {name: host.address for name, host in known.items()}
        for entry in main.mailflows:
            yield MailflowConfig(
                entry.name,
                known[entry.fetch[0].host],
                entry.interval,
                main.defaults.timeout if entry.timeout is None else entry.timeout,
                ProbeEntry(self.kinds["mailflow"], entry.settings(addresses)),
            )

    def _policy(self, entry: DomainEntry) -> ProbeEntry | None:
        """What is looked at of the domain itself."""
        if not entry.policy:
            return None
        kind = self.kinds["policy"]
        written = {
            "domain": entry.name,
            "port": entry.port,
            "dane": entry.dane,
            "mta_sts": entry.mta_sts,
            "dkim": entry.dkim,
            "ca_file": entry.ca_file,
            "allow": tuple(map(str, entry.allow)),
        }
        return ProbeEntry(kind, kind.settings.model_validate(written))


def _confirm(entry: DefaultsEntry) -> Confirm:
    return Confirm(entry.confirm.fail, entry.confirm.recover, entry.confirm.retry_interval)


def plain(node: Node) -> Any:
    """The values of a tree without their places."""
    if isinstance(node, ScalarNode):
        return node.value
    if isinstance(node, MapNode):
        return {key: plain(child) for key, child in node.items.items()}
    return [plain(child) for child in node.items]


def _cache_folder(top: MapNode) -> Path:
    """Where the agent keeps what it could read again."""
    node = _mapping(top, "state").items.get("path")
    written = node.value if isinstance(node, ScalarNode) and isinstance(node.value, str) else None
    return top.source.path.parent.absolute() / (written or StateEntry().path) / "cache"


def _entries(node: MapNode, key: str) -> list[Node]:
    value = node.items.get(key)
    return value.items if isinstance(value, ListNode) else []


def _mapping(node: MapNode, key: str) -> MapNode:
    value = node.items.get(key)
    return value if isinstance(value, MapNode) else MapNode(node.source, node.line, node.column)
