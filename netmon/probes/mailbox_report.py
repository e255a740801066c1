"""What an imap or pop3 run learned, as metric tables, findings and a sentence; pure.

Capabilities come from the network and become metric labels: each is matched with a closed list.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Final

from netmon.errors import Reason
from netmon.mail import esmtp
from netmon.mail.mailbox import MailboxSession
from netmon.mail.tls import TlsFacts
from netmon.model import Check, Column, Family, Finding, FindingKind, Kind, Result, Severity, Table

CAPABILITY: Final = Family(
    "netmon_mailbox_capability",
    Kind.GAUGE,
    "Capabilities that the IMAP or POP3 server offers, before or after the login; unknown ones as other.",
)
MECHANISM: Final = Family(
    "netmon_mailbox_auth_mechanism",
    Kind.GAUGE,
    "SASL mechanisms that the IMAP or POP3 server offers, inside TLS where there is TLS.",
)
MESSAGES: Final = Family(
    "netmon_mailbox_messages", Kind.GAUGE, "Messages in the mailbox that the probe's login opened."
)
BYTES: Final = Family(
    "netmon_mailbox_size_bytes", Kind.GAUGE, "Octets of the messages in the mailbox, as POP3's STAT says."
)
LOGIN: Final = Family(
    "netmon_mailbox_login_success",
    Kind.GAUGE,
    "1 if the latest login worked, 0 if the server did not take it.",
)
BACKOFF: Final = Family(
    "netmon_mailbox_backoff_seconds",
    Kind.GAUGE,
    "How long the server is left alone after it sent netmon away; 0 if it last answered well.",
)
FAMILIES: Final = (CAPABILITY, MECHANISM, MESSAGES, BYTES, LOGIN, BACKOFF)

# The IANA registries of IMAP capabilities and POP3 extensions, without what follows "=" in a word, and
# a few that servers offer besides.
_KNOWN: Final = frozenset(
    re.findall(
        r"\S+",
        """ACL ANNOTATE-EXPERIMENT-1 APPENDLIMIT AUTH AUTH-RESP-CODE BINARY CAPA CATENATE CHILDREN
        COMPRESS CONDSTORE CONTEXT CONVERT CREATE-SPECIAL-USE ENABLE ESEARCH ESORT EXPIRE FILTERS I18NLEVEL
        ID IDLE IMAP4REV1 IMAP4REV2 IMAPSIEVE IMPLEMENTATION INPROGRESS JMAPACCESS LANG LANGUAGE LIST-EXTENDED
        LIST-METADATA LIST-MYRIGHTS LIST-STATUS LITERAL+ LITERAL- LOGIN-DELAY LOGIN-REFERRALS LOGINDISABLED
        MAILBOX-REFERRALS MESSAGELIMIT METADATA METADATA-SERVER MOVE MULTIAPPEND MULTISEARCH NAMESPACE NOTIFY
        OBJECTID PARTIAL PIPELINING PREVIEW QRESYNC QUOTA QUOTASET REPLACE RESP-CODES RIGHTS SASL SASL-IR
        SAVEDATE SAVELIMIT SEARCHRES SNIPPET SORT SPECIAL-USE STARTTLS STATUS STLS THREAD TOP UIDBATCHES UIDL
        UIDONLY UIDPLUS UNAUTHENTICATE UNSELECT URL-PARTIAL URLAUTH URLFETCH USER UTF8 WITHIN X-GM-EXT-1
        XAPPLEPUSHSERVICE XLIST XMOVE""",
    )
)
# Codes of a refusal that is about the user that netmon logs in as: RFC 5530 §3, RFC 3206 §4, RFC 2449 §8.1.
_ABOUT_US: Final = frozenset(
    {
        *("AUTHENTICATIONFAILED", "AUTHORIZATIONFAILED", "EXPIRED", "PRIVACYREQUIRED", "CONTACTADMIN"),
        *("NOPERM", "NONEXISTENT", "AUTH", "LOGIN-DELAY", "LIMIT", "IN-USE", "INUSE"),
    }
)
# Codes of a refusal for good that is about the server itself.
_OWN_TROUBLE: Final = frozenset({"SERVERBUG", "CORRUPTION", "CANNOT", "SYS/PERM"})
_CODE: Final = re.compile(r"\[([A-Z0-9/-]+)\]")


def summary(facts: TlsFacts | None, mechanism: str, messages: int | None) -> str:
    """A good run in one sentence; `mechanism` is that of a login."""
    secured = f", {facts.version}" if facts else ""
    login = f", the login too ({mechanism})" if mechanism else ""
    held = "" if messages is None else f", {messages} message{'' if messages == 1 else 's'} in the mailbox"
    return f"the server answers{secured}{login}{held}"


def conversation(talk: MailboxSession) -> Iterator[Table]:
    """What the server said that it can, before TLS, before the login and after it."""
    told = {*talk.capabilities, *talk.capabilities_before, *talk.capabilities_at_login}
    if told:
        words = sorted({word if word in _KNOWN else "other" for word in told})
        yield _words("capability", CAPABILITY, words)
        yield _words("mechanism", MECHANISM, esmtp.mechanisms({"auth": " ".join(talk.mechanisms)}))


def _words(label: str, family: Family, words: Iterable[str]) -> Table:
    rows = tuple((word,) for word in words)
    return Table((label,), rows, (Column(family, (1,) * len(rows)),))


def missed(check: Check, word: str, since: float) -> Finding:
    """Something that the server offered before, and that its users' programs need."""
    text = f"it no longer offers {word}, which it did before"
    return Finding(FindingKind.CAPABILITY_LOST, Severity.FAULT, text, check.key, since, word)


def refuses_us(result: Result, reason: Reason, words: str) -> bool:
    """Whether a refusal is about netmon's own address or login, so no outage; `words` are `[CODE] text`."""
    if result not in (Result.REJECTED, Result.DEFERRED):
        return False
    found = _CODE.match(words)
    code = found[1] if found is not None else ""
    if reason in (Reason.GREETING_REJECTED, Reason.GREETING_DEFERRED):
        return esmtp.about_us(words)  # nobody has said a name yet
    if reason is Reason.LOGIN_REJECTED:
        return code not in _OWN_TROUBLE
    return code in _ABOUT_US
