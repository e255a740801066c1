"""The frame of a page, and the pieces that change in it.

A page is a body that stays and slots in it: each slot holds pieces by their `id`, in order.  The
first answer has the pieces in place, so that the page needs no script; a live page is sent only the
pieces that differ (`netmon.status.live`).  Nothing comes from elsewhere and nothing runs in the markup:
the pages obey the strictest content security policy.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

from netmon.status.text import aged, moment, text

_SLOT: Final = re.compile(r'(<[^<>]* data-slot="(\w+)"[^<>]*>)')
REFRESH: Final = 30  # seconds, without script

Slots = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True, slots=True)
class Page:
    """What a page shows.

    `slots`: by slot, its pieces by their id, in order.  `address`: the query with which `/live` is asked
    for what changes; None if nothing does.
    """

    title: str
    slots: Slots
    body: str
    address: str | None = None

    def digest(self) -> str:
        """Differs whenever a piece or the order of pieces differs."""
        told = blake2b(digest_size=12)
        for slot, pieces in self.slots.items():
            told.update(slot.encode())
            for key, html in pieces.items():
                told.update(key.encode())
                told.update(html.encode(errors="replace"))
        return told.hexdigest()


def difference(before: Slots | None, after: Slots) -> str:
    """What makes `before` into `after`, as JSON: by slot the order of ids, and the pieces that differ.

    Empty if nothing differs; everything if nothing is known of what was before.
    """
    changes = {}
    for slot, pieces in after.items():
        known = {} if before is None else before.get(slot, {})
        differing = {key: html for key, html in pieces.items() if known.get(key) != html}
        if before is None or differing or list(known) != list(pieces):
            changes[slot] = {"order": list(pieces), "pieces": differing}
    return json.dumps(changes, separators=(",", ":")) if changes else ""


@dataclass(frozen=True, slots=True)
class Frame:
    """What stands around every page.  `read`: when the config was taken, 0 before that."""

    version: str
    read: float


def render(page: Page, frame: Frame, now: float) -> str:
    """The whole document."""
    body = _SLOT.sub(lambda slot: slot[1] + "".join(page.slots.get(slot[2], {}).values()), page.body)
    read = f"config read {moment(frame.read)}" if frame.read else "config not read yet"
    live = refresh = ""
    if page.address is not None:
        refresh = f'<noscript><meta http-equiv="refresh" content="{REFRESH}"></noscript>\n'
        live = f' data-live="{text(page.address)}" data-seen="{page.digest()}" data-now="{now:.3f}"'
    return aged(
        f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{text(page.title)}</title>
<link rel="icon" href="/static/icon.svg">
<link rel="stylesheet" href="/static/status.css">
<script src="/static/status.js" defer></script>
{refresh}</head>
<body{live}>
<header>
<a class="skip" href="#main">To the content</a>
<a class="brand" href="/">netmon</a>
<span class="pulse" id="pulse"></span>
<nav aria-label="netmon"><a href="/">Hosts</a> <a href="/metrics">Metrics</a> <a href="/api/hosts">JSON</a> \
<a href="/config">Config</a> <a href="/explain">Words</a></nav>
</header>
<main id="main" tabindex="-1">
{body}</main>
<footer><p>netmon {text(frame.version)}, {read}</p></footer>
</body>
</html>
""",
        now,
    )


def missing(what: str) -> Page:
    """The page of an address where nothing is, which says `what` is wanting and leads back."""
    body = f'<h1>Nothing is here</h1>\n<p>{text(what)}</p>\n<p><a href="/">All hosts</a></p>'
    return Page("Not found - netmon", {}, f'<section class="card">{body}</section>\n')
