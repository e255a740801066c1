"""What goes into a SET and what comes out of it: records only, so that nobody loads pysnmp for them."""

from dataclasses import dataclass, field
from enum import Enum
from typing import Final, Literal

from netmon.errors import NetmonError
from netmon.fields import Secret
from netmon.snmp import ber

Level = Literal["noAuthNoPriv", "authNoPriv", "authPriv"]

_NONE: Final = Secret("")


class EngineError(NetmonError):
    """Credentials, an address or a value that no SET can be made of; nothing was sent."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who changes things; `version` as people say it: 1, 2 or 3.

    Protocols are keys of `engine.AUTH_PROTOCOLS` and `PRIV_PROTOCOLS`.  `level` is for v3 only.
    """

    version: int = 3
    community: Secret = _NONE
    username: str = ""
    level: Level = "authPriv"
    auth_protocol: str = "SHA256"
    password: Secret = _NONE
    priv_protocol: str = "AES"
    priv_password: Secret = _NONE
    context_name: str = ""
    context_engine_id: bytes | None = None  # None: the agent's own


@dataclass(frozen=True, slots=True)
class Varbind:
    """One object to set: content octets of its OID, BER tag, and value as `ber.decode_value` gives it."""

    oid: bytes
    tag: int
    value: ber.Value = field(repr=False)  # may be a secret


class Fate(Enum):
    """What became of a SET."""

    DONE = "done"  # the agent says noError
    REFUSED = "refused"  # an error-status; RFC 3416 §4.2.5: then nothing was changed
    REPORTED = "reported"  # a report came instead of an answer: nothing was changed
    NOT_SENT = "not_sent"  # nothing left this machine, or nobody listens there
    UNKNOWN = "unknown"  # sent and unanswered: it may have happened


@dataclass(frozen=True, slots=True)
class Outcome:
    """The agent's word; `error_index` counts varbinds from 1, 0 is none of them."""

    fate: Fate
    error_status: int = 0
    error_index: int = 0
    why: str = ""  # for REPORTED, NOT_SENT and UNKNOWN
