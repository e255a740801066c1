"""Explanations as plain text for a terminal, as JSON, and as the Markdown of docs/explain.md."""

import re
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any, Final

from netmon.explain import KINDS, Entry
from netmon.explain.labels import LABELS

_WIDTH: Final = 100
_TITLES: Final = ("Likely", "To do")
_TYPE: Final = re.compile(r" \((gauge|counter|histogram)\)")
_MARKDOWN: Final = re.compile(r"(`[^`]*`)|[*<]")


def as_text(entry: Entry) -> str:
    """One explanation, wrapped."""
    lines = [f"{entry.name} ({entry.kind})", *_wrapped(entry.text.means, "  ", "  ")]
    for title, items in zip(_TITLES, (entry.text.causes, entry.text.todo), strict=True):
        if items:
            lines.append(f"  {title}:")
            lines += [line for item in items for line in _wrapped(item, "    - ", "      ")]
    return "\n".join(lines)


def overview_as_text(known: Iterable[Entry], how: str) -> str:
    """One line a name, by kind; of the devices' metrics, which are hundreds, only how to ask for one."""
    known = list(known)
    lines: list[str] = []
    for kind, members in by_kind(entry for entry in known if not entry.of_device):
        wide = max(len(entry.name) for entry in members)
        lines.append(plural(kind))
        for entry in members:
            means = textwrap.shorten(entry.text.means, max(_WIDTH - wide, 40), placeholder="...")
            lines.append(f"  {entry.name:<{wide}}  {means}")
        lines.append("")
    others = sum(entry.of_device for entry in known)
    return "\n".join([*lines, f"and {others} metrics of devices: {how}"])


def as_json(known: Iterable[Entry]) -> list[dict[str, Any]]:
    """Records of plain values."""
    return [{"kind": entry.kind, "name": entry.name, **asdict(entry.text)} for entry in known]


def as_markdown(known: Iterable[Entry]) -> str:
    """A document of all but the devices' metrics."""
    lines = [
        "# What netmon's words mean, and what to do",
        "",
        "Made by `netmon explain --markdown`: change the texts in `netmon/explain/`, not this file.",
        "`netmon explain NAME` prints one of them, and a running agent shows them at `/explain/NAME`.",
        "",
    ]
    for kind, members in by_kind(entry for entry in known if not entry.of_device):
        lines += [f"## {plural(kind).capitalize()}", ""]
        for entry in members:
            lines += [f"### `{entry.name}`", "", _plain(entry.text.means), ""]
            for title, items in zip(_TITLES, (entry.text.causes, entry.text.todo), strict=True):
                if items:
                    lines += [f"{title}:", "", *(f"- {_plain(item)}" for item in items), ""]
    return "\n".join(lines).rstrip("\n")


def metrics_as_markdown(known: Iterable[Entry]) -> str:
    """A table of netmon's own metrics: name, type, labels and help; and where the devices' are told."""
    lines = [
        "# netmon's own metrics",
        "",
        "Made by `netmon explain --metrics`: change the help where the metric is made, not this file.",
        "What is behind a value and what to do is in [explain.md](explain.md). Metrics of devices keep their",
        "names from the MIBs and the labels of snmp_exporter, with `host` besides: [modules.md](modules.md)",
        "lists them by module, and `netmon explain ifHCInOctets` says what one means. Series of checks that",
        "come from `domains` carry `domain` and `mx` besides.",
        "",
        "| metric | type | labels | what |",
        "|---|---|---|---|",
    ]
    own = {entry.name: entry for entry in known if entry.kind == "metric" and not entry.of_device}
    for name, entry in sorted(own.items()):
        labels = ", ".join(f"`{label}`" if label.isidentifier() else label for label in LABELS.get(name, ()))
        means = _TYPE.sub("", entry.text.means).rstrip(".")
        lines.append(f"| `{name}` | {_kind(entry)} | {labels} | {_plain(means)}. |")
    return "\n".join(lines)


def _kind(entry: Entry) -> str:
    """A family tells its type in its text; of the agent's own metrics the name tells it."""
    if found := _TYPE.search(entry.text.means):
        return found[1]
    if entry.name == "netmon_check_lateness_seconds":
        return "histogram"
    return "counter" if entry.name.endswith("_total") else "gauge"


def by_kind(known: Iterable[Entry]) -> list[tuple[str, Sequence[Entry]]]:
    """The entries of each kind, in the order of `KINDS`, by their names but where an order says more."""
    found: dict[str, list[Entry]] = {kind: [] for kind in KINDS}
    for entry in known:
        found[entry.kind].append(entry)
    for kind in ("finding", "reason", "metric"):
        found[kind].sort(key=lambda entry: entry.name)
    return [(kind, members) for kind, members in found.items() if members]


def plural(kind: str) -> str:
    """The word for several of a kind."""
    return f"{kind}s"


def _plain(said: str) -> str:
    """Text in which Markdown sees nothing but code in backticks."""
    return _MARKDOWN.sub(lambda match: match[1] or "\\" + match[0], said)


def _wrapped(text: str, first: str, rest: str) -> list[str]:
    return textwrap.wrap(
        text,
        _WIDTH,
        initial_indent=first,
        subsequent_indent=rest,
        break_on_hyphens=False,
        break_long_words=False,
    )
