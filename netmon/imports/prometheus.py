"""prometheus.yml and file_sd files -> what each exporter was asked for, target by target."""

import glob
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

from netmon.errors import NetmonError
from netmon.imports.relabel import RelabelError, relabel
from netmon.imports.snmp_yml import is_new, is_old

_LARGEST: Final = 16 << 20  # bytes of a file
_MOST_FILES: Final = 1_000
_MOST_TARGETS: Final = 100_000
_SNMP: Final = "snmp"
_BLACKBOX: Final = "blackbox"
_PATHS: Final = {"/snmp": _SNMP, "/probe": _BLACKBOX}
_MAIL_PORT: Final = re.compile(r".*:(25|465|587|2525|143|993|110|995)")


class ImportFileError(NetmonError):
    """A file that cannot be read; the text says what, where and how to mend."""


@dataclass(frozen=True, slots=True)
class Target:
    """One target as an exporter was asked for it.

    `kind` is `snmp` or `blackbox`, `target` its parameter, `modules` and `auth` (snmp) what it was asked
    with, `labels` those that its series carry, `seconds` the job's interval (Prometheus's text).
    """

    kind: str
    job: str
    target: str
    modules: tuple[str, ...]
    auth: str
    labels: Mapping[str, str]
    interval: str


@dataclass(slots=True)
class Found:
    """All targets, and in sentences what could not be carried over."""

    targets: list[Target] = field(default_factory=list)
    notes: dict[str, None] = field(default_factory=dict)

    def note(self, sentence: str) -> None:
        """Say it once."""
        self.notes[sentence] = None


def read_targets(path: Path) -> Found:
    """The targets of a prometheus.yml, or of a file_sd file.  Raises ImportFileError."""
    document = _load(path)
    found = Found()
    if isinstance(document, list):
        _from_file_sd(document, path, found)
    elif isinstance(document, dict) and ("scrape_configs" in document or "scrape_config_files" in document):
        if document.get("scrape_config_files"):
            found.note("scrape_config_files are not followed: import each of them")
        interval = _mapping(document.get("global")).get("scrape_interval", "")
        for job in _list(document.get("scrape_configs")):
            _from_job(_mapping(job), str(interval), path, found)
    elif document is None:
        raise ImportFileError(f"{path} holds nothing but comments, if that")
    else:
        raise ImportFileError(
            f"{path} is neither a prometheus.yml (no scrape_configs) nor a file_sd file (no list of targets) "
            "nor an snmp.yml (no module that walks or gets)"
        )
    return found


def read_old_modules(path: Path) -> Mapping[str, Any] | None:
    """The modules of an snmp.yml of snmp_exporter 0.21 or 0.22, all texts; None if it is another file.

    Raises ImportFileError, for one of today's too, which needs no converting.
    """
    document = _load(path, yaml.CBaseLoader)
    if is_new(document):
        raise ImportFileError(
            f"{path} is in the format since 0.23 already: name it in netmon.yml, module_files: [{path.name}]"
        )
    return document if is_old(document) else None


def _from_file_sd(document: list[Any], path: Path, found: Found) -> None:
    """Groups without a job: mail where the port says so, else SNMP."""
    found.note("a file_sd file names no job: targets with a mail port became smtp, all others snmp")
    for labels in _groups(document, path, found):
        address = labels.pop("__address__")
        kind = _BLACKBOX if _MAIL_PORT.fullmatch(address) else _SNMP
        module, auth = labels.get("__param_module", ""), labels.get("__param_auth", "")
        shown = {name: text for name, text in labels.items() if not name.startswith("__")}
        _add(found, Target(kind, path.name, address, _modules([module]), auth, shown, ""))


def _from_job(job: Mapping[str, Any], interval: str, path: Path, found: Found) -> None:
    name = str(job.get("job_name", ""))
    params = {str(key): [str(v) for v in _list(value)] for key, value in _mapping(job.get("params")).items()}
    base = {
        "job": name,
        "__scheme__": str(job.get("scheme", "http")),
        "__metrics_path__": str(job.get("metrics_path", "/metrics")),
        **{f"__param_{key}": values[0] for key, values in params.items() if values},
    }
    rules = _list(job.get("relabel_configs"))
    seen = False
    for labels in _job_groups(job, name, path, found):
        try:
            result = relabel(base | labels, rules)
        except RelabelError as error:
            found.note(f"job {name}: {error}; its targets are left out")
            return
        if result is None:
            continue
        kind = _PATHS.get(result.get("__metrics_path__", ""))
        if kind is None:
            continue
        seen = True
        target = result.get("__param_target", "")
        if not target:
            found.note(f"job {name}: {labels['__address__']} sets no target parameter")
            continue
        first = result.get("__param_module", "")
        modules = _modules([first, *params.get("module", [])[1:]])
        shown = {key: text for key, text in result.items() if not key.startswith("__") and key != "job"}
        every = str(job.get("scrape_interval", interval))
        _add(found, Target(kind, name, target, modules, result.get("__param_auth", ""), shown, every))
    if seen and "scrape_timeout" in job:
        found.note(
            f"job {name}: scrape_timeout {str(job['scrape_timeout'])[:20]} is of a page, not of an answer"
        )
    if not seen:
        found.note(f"job {name} asks neither snmp_exporter (/snmp) nor blackbox_exporter (/probe)")


def _add(found: Found, target: Target) -> None:
    if len(found.targets) >= _MOST_TARGETS:
        raise ImportFileError(f"there are more than {_MOST_TARGETS} targets; import the jobs in parts")
    found.targets.append(target)


def _modules(texts: list[str]) -> tuple[str, ...]:
    """snmp_exporter takes a comma list as well as repeated parameters."""
    return tuple(dict.fromkeys(part for text in texts for part in text.split(",") if part))


def _job_groups(job: Mapping[str, Any], name: str, path: Path, found: Found) -> Iterator[dict[str, str]]:
    yield from _groups(_list(job.get("static_configs")), path, found)
    for entry in _list(job.get("file_sd_configs")):
        for pattern in _list(_mapping(entry).get("files")):
            # Path.glob refuses absolute patterns.
            files = sorted(glob.glob(str(pattern), root_dir=path.parent))  # noqa: PTH207
            if not files:
                found.note(f"job {name}: no file matches {pattern}")
            if len(files) > _MOST_FILES:
                found.note(f"job {name}: only {_MOST_FILES} of the files that match {pattern} were read")
            for file in files[:_MOST_FILES]:
                target = path.parent / file
                yield from _groups(_list(_load(target)), target, found)
    for key in job:
        if str(key).endswith("_sd_configs") and key != "file_sd_configs":
            found.note(f"job {name}: {key} would have to be asked; its targets are left out")


def _groups(groups: list[Any], path: Path, found: Found) -> Iterator[dict[str, str]]:
    """The labels of each target, its address among them."""
    for group in groups:
        entry = _mapping(group)
        if not entry:
            found.note(f"{path.name}: a group of targets is no mapping")
        labels = {str(key): str(value) for key, value in _mapping(entry.get("labels")).items()}
        for target in _list(entry.get("targets")):
            yield labels | {"__address__": str(target)}


def _load(path: Path, loader: type[yaml.CSafeLoader | yaml.CBaseLoader] = yaml.CSafeLoader) -> Any:
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST + 1)
    except OSError as error:
        raise ImportFileError(f"{path} cannot be read: {error.strerror}") from None
    if len(data) > _LARGEST:
        raise ImportFileError(f"{path} is larger than {_LARGEST >> 20} MiB")
    try:
        return yaml.load(data, Loader=loader)  # noqa: S506 - both make plain values only
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        place = "" if mark is None else f":{mark.line + 1}:{mark.column + 1}"
        raise ImportFileError(f"{path}{place}: is not valid YAML: {error.problem}") from None
    except (yaml.YAMLError, ValueError, RecursionError):
        raise ImportFileError(f"{path} is not valid YAML") from None


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _list(value: object) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]
