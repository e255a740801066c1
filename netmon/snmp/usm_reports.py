"""What a Report-PDU means: counters of RFC 3414 §5, RFC 3412 §5 and RFC 3413 §4.1.2 as reasons."""

from typing import Final, NamedTuple

from netmon.errors import Reason
from netmon.snmp.ber import decode_oid, encode_oid
from netmon.snmp.message import Varbinds
from netmon.snmp.usm import Level, User

_USM_STATS: Final = "1.3.6.1.6.3.15.1.1"
_MPD_STATS: Final = "1.3.6.1.6.3.11.2.1"
_TARGET: Final = "1.3.6.1.6.3.12.1"


class _Meaning(NamedTuple):
    counter: str
    reason: Reason
    sentence: str  # of {user}, {target}, {level}, {context}


_MEANINGS: Final = {
    encode_oid(oid): _Meaning(counter, reason, sentence)
    for oid, counter, reason, sentence in (
        (
            f"{_USM_STATS}.1.0", "usmStatsUnsupportedSecLevels", Reason.UNSUPPORTED_SECURITY_LEVEL,
            "security level {level} is not supported for user {user} at {target}",
        ),
        (
            f"{_USM_STATS}.2.0", "usmStatsNotInTimeWindows", Reason.NOT_IN_TIME_WINDOW,
            "not in the time window for user {user} at {target}, even with the agent's own boots and time",
        ),
        (
            f"{_USM_STATS}.3.0", "usmStatsUnknownUserNames", Reason.UNKNOWN_USER,
            "unknown user {user} at {target}",
        ),
        (
            f"{_USM_STATS}.4.0", "usmStatsUnknownEngineIDs", Reason.UNKNOWN_ENGINE_ID,
            "unknown engine ID for user {user} at {target}, though it is the one that the agent gave",
        ),
        (
            f"{_USM_STATS}.5.0", "usmStatsWrongDigests", Reason.WRONG_DIGEST,
            "wrong auth password (or auth protocol) for user {user} at {target}",
        ),
        (
            f"{_USM_STATS}.6.0", "usmStatsDecryptionErrors", Reason.DECRYPTION_ERROR,
            "wrong privacy password (or privacy protocol) for user {user} at {target}",
        ),
        (
            f"{_MPD_STATS}.1.0", "snmpUnknownSecurityModels", Reason.UNKNOWN_SECURITY_MODEL,
            "no User-based Security Model, so none for user {user} at {target}",
        ),
        (
            f"{_MPD_STATS}.2.0", "snmpInvalidMsgs", Reason.INVALID_MESSAGE,
            "invalid message of user {user} at {target}",
        ),
        (
            f"{_MPD_STATS}.3.0", "snmpUnknownPDUHandlers", Reason.UNKNOWN_CONTEXT,
            "nothing answers for the context engine ID that user {user} asked for at {target}",
        ),
        (
            f"{_TARGET}.4.0", "snmpUnavailableContexts", Reason.UNAVAILABLE_CONTEXT,
            'context "{context}" is not available to user {user} at {target}',
        ),
        (
            f"{_TARGET}.5.0", "snmpUnknownContexts", Reason.UNKNOWN_CONTEXT,
            'unknown context "{context}" asked for by user {user} at {target}',
        ),
    )
}  # fmt: skip
_LEVEL_NAMES: Final = {
    Level.NO_AUTH_NO_PRIV: "noAuthNoPriv",
    Level.AUTH_NO_PRIV: "authNoPriv",
    Level.AUTH_PRIV: "authPriv",
}


def explain_report(varbinds: Varbinds, user: User, target: object) -> tuple[Reason, str]:
    """The reason that a report gives, and a sentence that names user and target."""
    oid = varbinds.oids[0] if varbinds.oids else b""
    meaning = _MEANINGS.get(oid)
    if meaning is None:
        what = decode_oid(oid) if oid else "nothing"
        return Reason.INVALID_MESSAGE, f"the agent at {target} reports {what} to user {user.name}"
    sentence = meaning.sentence.format(
        user=user.name,
        level=_LEVEL_NAMES[user.level],
        target=target,
        context=user.shown_context,
    )
    return meaning.reason, f"{sentence} (the agent reports {meaning.counter})"
