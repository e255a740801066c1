"""What makes a canary netmon's own: a token that only this agent can have made.

A mailbox that takes mail from anybody takes forged canaries too.  Without the key nobody makes one that
counts as delivered, and nothing without a valid token is ever deleted.
"""

import hashlib
import hmac
import re
from dataclasses import dataclass
from typing import Final

_MAC: Final = 20  # hex digits: 80 bits, for a key that changes nothing else
_TOKEN: Final = re.compile(r"netmon-([0-9a-f]{16})-([0-9a-f]{8,12})-([0-9a-f]{20})")
_FOUND: Final = 8  # candidates of one text that are looked at
_LONGEST: Final = 4096  # characters of a text that are searched
_NONCE: Final = 8  # octets


@dataclass(frozen=True, slots=True)
class Token:
    """A token whose signature is right; `at` is the wall clock of when it was made, in whole seconds."""

    text: str
    nonce: str
    at: float


class Signer:
    """Makes and knows tokens; the flow's name is signed, so that no canary counts for another flow."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def make(self, flow: str, nonce: bytes, at: float) -> str:
        """A token, of letters, digits and hyphens.  `nonce` is eight random octets, `at` the wall clock."""
        return self._signed(flow, nonce[:_NONCE].hex().rjust(2 * _NONCE, "0"), f"{max(int(at), 0):08x}")

    def read(self, flow: str, text: str) -> Token | None:
        """The first token in a text that is of this agent and flow."""
        for count, found in enumerate(_TOKEN.finditer(text[:_LONGEST])):
            if count >= _FOUND:
                break
            nonce, at = found[1], found[2]
            if hmac.compare_digest(self._signed(flow, nonce, at), found[0]):
                return Token(found[0], nonce, float(int(at, 16)))
        return None

    def _signed(self, flow: str, nonce: str, at: str) -> str:
        signed = f"netmon mailflow\0{flow}\0{nonce}\0{at}".encode(errors="surrogatepass")
        mac = hmac.new(self._key, signed, hashlib.sha256).hexdigest()[:_MAC]
        return f"netmon-{nonce}-{at}-{mac}"

    def __repr__(self) -> str:
        return "Signer(<secret>)"
