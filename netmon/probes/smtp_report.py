"""What an smtp run learned, as metric tables, findings and a sentence; pure."""

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Final

from netmon.errors import Reason
from netmon.mail import esmtp, report
from netmon.mail.smtp import Conversation
from netmon.mail.tls import TlsFacts
from netmon.model import Check, Column, Family, Finding, FindingKind, Kind, Result, Role, Severity, Table

BANNER: Final = Family(
    "netmon_smtp_banner_info",
    Kind.GAUGE,
    "Name and software that the SMTP server gives in its greeting; past ten names in a day, none.",
)
CAPABILITY: Final = Family(
    "netmon_smtp_capability",
    Kind.GAUGE,
    "SMTP service extensions that the server offers; unknown ones as other.",
)
MECHANISM: Final = Family(
    "netmon_smtp_auth_mechanism",
    Kind.GAUGE,
    "AUTH mechanisms that the server offers, inside TLS where there is TLS; unknown ones as other.",
)
LOGIN: Final = Family(
    "netmon_smtp_login_success", Kind.GAUGE, "1 if the latest login worked, 0 if the server did not take it."
)
BACKOFF: Final = Family(
    "netmon_smtp_backoff_seconds",
    Kind.GAUGE,
    "How long the server is left alone after its latest 421; 0 if it gave none since it last answered well.",
)
MAX_BYTES: Final = Family(
    "netmon_smtp_max_message_bytes",
    Kind.GAUGE,
    "Largest message that the server declares to take; 0 is no limit.",
)

FAMILIES: Final = (BANNER, CAPABILITY, MECHANISM, MAX_BYTES, LOGIN, BACKOFF)

RARE: Final = {
    "open_relay": (FindingKind.OPEN_RELAY, Severity.FAULT),
    "vrfy": (FindingKind.VRFY_ANSWERED, Severity.INFO),
    "starttls_injection": (FindingKind.STARTTLS_KEEPS_COMMANDS, Severity.FAULT),
}
_OWN_TROUBLE: Final = re.compile(
    r"5\.[23]\."
)  # RFC 3463 §3.3, §3.4: a mailbox or the system, not the address

# A server greets alike at every run, but for Exim and its kind, whose greeting holds the time.
_greeting = lru_cache(1000)(esmtp.greeting)


def summary(talk: Conversation | None, facts: TlsFacts | None, mechanism: str) -> str:
    """A good run in one sentence; `mechanism` is that of a login."""
    name, software = _greeting(talk.greeting if talk else "")
    secured = f", {facts.version}" if facts else ""
    known = "" if software == "other" else f" ({software})"
    login = f", the login too ({mechanism})" if mechanism else ""
    return f"{name or 'the server'}{known} accepts{secured}{login}"


def conversation(talk: Conversation, named: Callable[[str], bool]) -> Iterator[Table]:
    """What the server said of itself; `named` says whether a name of its own may be told."""
    if talk.greeting:
        name, software = _greeting(talk.greeting)
        row = (name if named(name) else "", software)
        yield Table(("name", "software"), (row,), (Column(BANNER, (1,)),))
    if not talk.extensions:
        return
    # Inside TLS no server offers STARTTLS again; that it did before is what people look for.
    before = {"starttls": ""} if talk.upgraded else {}
    yield _words("capability", CAPABILITY, esmtp.capabilities(talk.extensions | before))
    yield _words("mechanism", MECHANISM, esmtp.mechanisms(talk.extensions))
    if (size := esmtp.max_message_bytes(talk.extensions)) is not None:
        yield report.scalar((MAX_BYTES, size))


def _words(label: str, family: Family, words: tuple[str, ...]) -> Table:
    return Table((label,), tuple((word,) for word in words), (Column(family, (1,) * len(words)),))


def missed(check: Check, role: Role, word: str, since: float) -> Finding:
    """Something that the server offered before."""
    severity = Severity.FAULT if role is Role.SUBMISSION else Severity.RISK
    text = f"it no longer offers {word}, which it did before"
    return Finding(FindingKind.CAPABILITY_LOST, severity, text, check.key, since, word)


def refuses_us(result: Result, reason: Reason, words: str) -> bool:
    """Whether a refusal is about netmon's own address, sender, recipient or login, and so no outage."""
    if reason is Reason.LOGIN_DEFERRED:
        return False  # it could not look the user up: whoever logs in is met by that
    if reason in (Reason.ENVELOPE_REJECTED, Reason.LOGIN_REJECTED):
        return not _OWN_TROUBLE.match(words)
    return result in (Result.REJECTED, Result.DEFERRED) and esmtp.about_us(words)
