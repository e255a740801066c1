"""`debug=true`: the exchange with an agent in words, for people.

It holds what was asked and what came, and nothing of what proves who asks: no community, password or
key is part of a line, and a value or an index of the device's that is one of them is left out too.  It
is bounded: an endless table makes no endless page.
"""

from collections.abc import Callable, Iterable
from typing import Final

from netmon.fields import Secret
from netmon.mib.syntax import opaque_float
from netmon.probes.base import Auth
from netmon.snmp import ber
from netmon.snmp.exchange import Ask
from netmon.snmp.message import GETBULK, PDU_NAMES, Response, error_name

LIMIT: Final = 1 << 20  # characters
_VALUE: Final = 120  # characters of a value
_OIDS: Final = 10  # of a request
_CONTAINED: Final = 4  # octets of a secret from which on it is looked for inside of values


class Transcript:
    """Collects lines; `now` gives seconds of a stopwatch.  `tap` is what a `Meter` calls."""

    def __init__(self, auth: Auth, now: Callable[[], float], limit: int = LIMIT) -> None:
        self._secrets = tuple(_secrets(auth))
        self._now = now
        self._begun = now()
        self._left = limit
        self._lines: list[str] = []
        self._dropped = 0

    def say(self, text: str) -> None:
        """One line of its own, with the time."""
        self._add(f"{self._now() - self._begun:8.3f} s  {text}")

    def tap(self, event: str, ask: Ask, response: Response | None) -> None:
        """Take down a request that leaves or a response that came."""
        if response is None:
            self.say(f"{event} {self._asked(ask)}")
            return
        varbinds = response.varbinds
        status = response.error_status
        index = f" (index {response.error_index})" if status else ""
        self.say(f"{event} {error_name(status)}{index}, {len(varbinds)} varbinds")
        for oid, tag, value in zip(varbinds.oids, varbinds.tags, varbinds.values, strict=True):
            if self._left <= 0:
                self._dropped += 1
                continue
            shown = "<secret>" if self._is_secret(value) else _value(tag, value)
            kind = ber.TYPE_NAMES.get(tag, f"type {tag:#04x}")
            self._add(f"{'':12}{self._name(oid)} = {kind}{': ' + shown if shown else ''}")

    def text(self) -> str:
        """All of it."""
        more = [f"... and {self._dropped} lines more, which are not shown"] if self._dropped else []
        return "\n".join([*self._lines, *more]) + "\n"

    def _add(self, line: str) -> None:
        if self._left <= 0:
            self._dropped += 1
            return
        self._left -= len(line) + 1
        self._lines.append(line)

    def _asked(self, ask: Ask) -> str:
        oids = ", ".join(map(self._name, ask.oids[:_OIDS]))
        more = f" and {len(ask.oids) - _OIDS} more" if len(ask.oids) > _OIDS else ""
        bulk = (
            f" (non-repeaters {ask.non_repeaters}, max-repetitions {ask.max_repetitions})"
            if ask.pdu_type == GETBULK
            else ""
        )
        return f"{PDU_NAMES.get(ask.pdu_type, str(ask.pdu_type))} {oids}{more}{bulk}"

    def _name(self, oid: bytes) -> str:
        """An OID in numbers; an index spells text octet by octet, as that of the table of communities."""
        return "<an OID that spells a secret>" if self._is_secret(oid) else ber.decode_oid(oid)

    def _is_secret(self, value: ber.Value) -> bool:
        return isinstance(value, bytes) and any(
            value == secret or (len(secret) >= _CONTAINED and secret in value) for secret in self._secrets
        )


def _secrets(auth: Auth) -> Iterable[bytes]:
    for name in type(auth).model_fields:
        secret = getattr(auth, name)
        if isinstance(secret, Secret) and secret.reveal():
            yield secret.reveal().encode()


def _value(tag: int, value: ber.Value) -> str:
    if value is None:
        return ""
    if isinstance(value, int):
        return str(value)
    if tag == ber.OBJECT_IDENTIFIER:
        text = ber.decode_oid(value)
    elif tag == ber.IP_ADDRESS:
        text = ".".join(map(str, value))
    elif tag == ber.OPAQUE and (number := opaque_float(value)) is not None:
        text = f"float {number:g}"
    else:
        text = _octets(value)
    return f"{text[:_VALUE]}... ({len(value)} octets)" if len(text) > _VALUE else text


def _octets(value: bytes) -> str:
    text = value[: _VALUE + 1].decode("ascii", "replace")
    if text.isprintable() and "\ufffd" not in text:
        return f'"{text}"'
    return "0x" + value[: _VALUE + 1].hex().upper()
