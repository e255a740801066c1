"""The pages that explain netmon's words, to which verdicts, findings and alerts link."""

import re
from collections.abc import Iterable, Sequence
from typing import Final

from netmon.explain import Entry
from netmon.explain.render import by_kind, plural
from netmon.status.page import Page
from netmon.status.text import explain_path, text

_CODE: Final = re.compile(r"`([^`]*)`")
_WORD: Final = re.compile(r"\w+")
_ABOUT: Final = (
    "<p>Every name that a verdict, a finding, an alert or a metric of netmon may have. "
    "<code>netmon explain NAME</code> says the same in a terminal.</p>"
)


def explain_page(found: Sequence[Entry], known: Iterable[Entry]) -> Page:
    """What the one name of `found` means, in each kind that has it, with links to the `known` ones."""
    name = found[0].name
    linked = _linked(known) - {name}
    parts = "".join(_part(entry, linked) for entry in found)
    body = f'<h1>{text(name)}</h1>\n{parts}<p><a href="/explain">All words</a></p>\n'
    return Page(f"{name} - netmon", {}, body)


def explain_list(known: Sequence[Entry]) -> Page:
    """All names by kind, each with its first sentence; those of devices' metrics without."""
    body = f"<h1>What netmon's words mean</h1>\n{_ABOUT}\n"
    for kind, members in by_kind(entry for entry in known if not entry.of_device):
        items = "".join(
            f"<li>{_link(entry.name)} <span>{_said(entry.text.means)}</span></li>" for entry in members
        )
        body += (
            f'<section class="card" aria-labelledby="{kind}"><h2 id="{kind}">{plural(kind).capitalize()}</h2>'
            f'<ul class="words">{items}</ul></section>\n'
        )
    names = sorted({entry.name for entry in known if entry.of_device})
    if names:
        items = " ".join(f"<li>{_link(name)}</li>" for name in names)
        summary = f"<summary>{len(names)} metrics of devices</summary>"
        body += (
            f'<section class="card" aria-label="Metrics of devices"><details>{summary}'
            f'<ul class="labels">{items}</ul></details></section>\n'
        )
    return Page("What netmon's words mean - netmon", {}, body)


def _part(entry: Entry, linked: frozenset[str]) -> str:
    kind, lists = entry.kind, ""
    for title, items in (("Likely", entry.text.causes), ("To do", entry.text.todo)):
        if items:
            shown = "".join(f"<li>{_said(item, linked)}</li>" for item in items)
            lists += f'<h3>{title}</h3><ul class="told">{shown}</ul>'
    return (
        f'<section class="card" aria-labelledby="{kind}"><h2 id="{kind}">{kind.capitalize()}</h2>'
        f"<p>{_said(entry.text.means, linked)}</p>{lists}</section>\n"
    )


def _linked(known: Iterable[Entry]) -> frozenset[str]:
    """The names that a text cannot hold by chance, as it holds `timeout`."""
    names = (entry.name for entry in known if not entry.of_device)
    return frozenset(name for name in names if "_" in name or name.startswith("Netmon"))


def _link(name: str) -> str:
    return f'<a href="{explain_path(name)}">{text(name)}</a>'


def _said(sentence: str, linked: frozenset[str] = frozenset()) -> str:
    """A sentence with its code as code, and with links to the names in it."""
    shown = _WORD.sub(lambda word: _link(word[0]) if word[0] in linked else word[0], text(sentence))
    return _CODE.sub(r"<code>\1</code>", shown)
