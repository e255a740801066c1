"""What is remembered of mailflows between their runs: the key of the tokens, and what is known of mailboxes.

The key survives a restart where somebody keeps it, so that a canary that arrives after one is still known
and taken away.  All else is cheap to learn again.
"""

import asyncio
import secrets
from collections import deque
from collections.abc import Callable, Collection, Mapping
from typing import Any, Final

from netmon.mail.canary import Signer

_KEY: Final = "key"
_OCTETS: Final = 32
_NONCES: Final = 100  # delivered canaries of one mailflow that a second copy is known by


class Flows:
    """By mailflow; `keep(name, value)` is called with what shall survive."""

    def __init__(
        self, notes: Mapping[str, Any] | None = None, keep: Callable[[str, Any], None] | None = None
    ) -> None:
        known = (notes or {}).get(_KEY)
        try:
            key = bytes.fromhex(known) if isinstance(known, str) else b""
        except ValueError:
            key = b""
        if len(key) != _OCTETS:
            key = secrets.token_bytes(_OCTETS)
            if keep is not None:
                keep(_KEY, key.hex())
        self.signer = Signer(key)
        self._delivered: dict[str, deque[str]] = {}
        self._left: dict[str, deque[str]] = {}
        self._clean: set[str] = set()
        self._others: dict[tuple[str, int], set[str]] = {}
        self._turns: dict[str, asyncio.Lock] = {}

    def planned(self, names: Collection[str]) -> None:
        """These mailflows there are; what is known of others is forgotten."""
        for known in (self._delivered, self._left):
            for name in known.keys() - set(names):
                del known[name]
        self._clean.intersection_update(names)
        for name in [name for name, turn in self._turns.items() if name not in names and not turn.locked()]:
            del self._turns[name]
        for key in [key for key in self._others if key[0] not in names]:
            del self._others[key]

    def turn(self, name: str) -> asyncio.Lock:
        """Held by the run of a mailflow that goes on: another would take its message for an old one."""
        return self._turns.setdefault(name, asyncio.Lock())

    def delivered(self, name: str, nonce: str, *, left: bool = False) -> None:
        """A canary has been fetched, so a further copy is one too many, unless it was `left` there."""
        known = self._left if left else self._delivered
        known.setdefault(name, deque(maxlen=_NONCES)).append(nonce)

    def was_left(self, name: str, nonce: str) -> bool:
        """Whether this canary was fetched before and could not be deleted."""
        return nonce in self._left.get(name, ())

    def is_delivered(self, name: str, nonce: str) -> bool:
        """Whether this canary has been fetched before."""
        return nonce in self._delivered.get(name, ())

    def ended(self, name: str, *, clean: bool) -> None:
        """A run ended; `clean`: all that it sent was fetched and deleted."""
        (self._clean.add if clean else self._clean.discard)(name)

    def is_clean(self, name: str) -> bool:
        """Whether the run before left nothing to look for."""
        return name in self._clean

    def others(self, name: str, box: int) -> set[str]:
        """The identifiers of messages in a mailbox that are known to be none of netmon's."""
        return self._others.setdefault((name, box), set())
