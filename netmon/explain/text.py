"""The shape of an explanation: what a name means, what is likely behind it, and what to do."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Text:
    """For one name; plain sentences, no markup.  `causes` come with the likeliest first."""

    means: str
    causes: tuple[str, ...] = ()
    todo: tuple[str, ...] = ()
