"""How messages quote what somebody wrote, and what they may have meant by a name that is not there."""

import difflib
from collections.abc import Collection, Iterable
from typing import Final

_LONGEST: Final = 100  # characters compared; the word may come from the network
_NEARLY: Final = 0.99  # from where on a second decimal says something
SHOWN: Final = 60  # characters of a text in a message


def printable(text: str) -> str:
    """A text on one line, with control characters as numbers."""
    return text if text.isprintable() else "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in text)


def quote(text: str) -> str:
    """A text in quotes, on one line, without control characters, cut where it is long."""
    shown = printable(text[:SHOWN])
    return f'"{shown}…"' if len(text) > SHOWN else f'"{shown}"'


def did_you_mean(word: str, names: Iterable[str], most: int = 1) -> str:
    """``; did you mean "x"?``, with `most` of 2 also ``"x" or "y"``; empty if nothing is near.

    Capitals make no difference: MIB names are often written without theirs.
    """
    lowered = {name.lower(): name for name in names}
    near = nearest(word[:_LONGEST].lower(), lowered, most)
    return "; did you mean " + " or ".join(f'"{lowered[name]}"' for name in near) + "?" if near else ""


def nearest(word: str, names: Collection[str], most: int = 1) -> list[str]:
    """The names that are near, nearest first; before all others one of the same letters in another order."""
    near = difflib.get_close_matches(word, names, max(most, 5))
    return sorted(near, key=lambda name: sorted(name) != sorted(word))[:most]


def percent(share: float | None) -> str:
    """A share for people: never 100 % of what was not quite all, a hyphen where nothing is known."""
    if share is None:
        return "-"
    if share >= 1:
        return "100 %"
    return f"{min(share * 100, 99.99):.2f} %" if share > _NEARLY else f"{share * 100:.1f} %"
