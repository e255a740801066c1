"""What a server's replies say about it, as values of bounded number; pure.

Greeting and EHLO keywords come from the network and become metric labels, so each is matched with
a closed list or cut to a bounded form: Exim's banner holds the time, Google's an identifier of the
connection, and either would be a new series at every run.
"""

import re
from collections.abc import Mapping
from typing import Final

_HOST: Final = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.\-]{0,252}[A-Za-z0-9_])?|\[[0-9A-Fa-f:.]{2,45}\]")

# What a banner says, and what it is called; the first that occurs counts.
_SOFTWARE: Final = (
    ("postfix", "Postfix"),
    ("exim", "Exim"),
    ("opensmtpd", "OpenSMTPD"),
    ("sendmail", "Sendmail"),
    ("microsoft esmtp", "Microsoft"),
    ("microsoft exchange", "Microsoft"),
    ("gsmtp", "Google"),
    ("haraka", "Haraka"),
    ("qmail", "qmail"),
    ("stalwart", "Stalwart"),
    ("maddy", "maddy"),
    ("mox", "mox"),
    ("zimbra", "Zimbra"),
    ("kerio", "Kerio"),
    ("mdaemon", "MDaemon"),
    ("mailenable", "MailEnable"),
    ("icewarp", "IceWarp"),
    ("hmailserver", "hMailServer"),
    ("domino", "Domino"),
    ("communigate", "CommuniGate"),
    ("groupwise", "GroupWise"),
    ("powermta", "PowerMTA"),
    ("halon", "Halon"),
    ("momentum", "Momentum"),
    ("courier", "Courier"),
    ("dovecot", "Dovecot"),
    ("barracuda", "Barracuda"),
    ("ironport", "IronPort"),
    ("mimecast", "Mimecast"),
    ("proofpoint", "Proofpoint"),
    ("smtp4dev", "smtp4dev"),
)

# The IANA registry of SMTP service extensions and a few that servers offer besides.
_CAPABILITIES: Final = frozenset(
    re.findall(
        r"\S+",
        """8BITMIME ATRN AUTH BINARYMIME BURL CHECKPOINT CHUNKING CONNEG CONPERM DELIVERBY DSN
        ENHANCEDSTATUSCODES ETRN EXPN FUTURERELEASE HELP LIMITS MT-PRIORITY MTRK NO-SOLICITING
        PIPELINING REQUIRETLS RRVS SAML SEND SIZE SMTPUTF8 SOML STARTTLS SUBMITTER TURN UTF8SMTP
        VERB VRFY X-EXPS XCLIENT XEXCH50 XFORWARD XRDST""",
    )
)

# The IANA registry of SASL mechanisms, as far as mail servers offer them, and two that are in none.
_MECHANISMS: Final = frozenset(
    re.findall(
        r"\S+",
        """ANONYMOUS CRAM-MD5 DIGEST-MD5 EXTERNAL GS2-KRB5 GSS-SPNEGO GSSAPI KERBEROS_V4 LOGIN NTLM
        OAUTHBEARER OTP PLAIN SCRAM-SHA-1 SCRAM-SHA-1-PLUS SCRAM-SHA-256 SCRAM-SHA-256-PLUS SCRAM-SHA-512
        SCRAM-SHA-512-PLUS XOAUTH XOAUTH2""",
    )
)

# RFC 3463 §3.8, security or policy status; X.7.0 is undefined, and servers say it of themselves too.
_POLICY_CODE: Final = re.compile(r"^[45]\.7\.(?!0\b)\d{1,3}\b")
_SYSTEM_CODE: Final = re.compile(r"^[45]\.3\.\d{1,3}\b")  # RFC 3463 §3.4, mail system status
_POLICY_WORDS: Final = re.compile(
    r"black ?list|block ?list|blocked|dnsbl|rbl|spamhaus|reputation|banned|denied|not allowed|"
    r"reverse (?:dns|hostname|lookup)|ptr record|client host rejected|helo command rejected",
    re.IGNORECASE,
)


def greeting(text: str) -> tuple[str, str]:
    """Name and software of a 220 reply's text (RFC 5321 §4.2, `Greeting`).

    The name is empty if it is no host name; the software is `other` if it is not a known one.
    """
    words = text.rsplit("\n", maxsplit=1)[-1].split(maxsplit=1)
    word = words[0] if words else ""
    name = word.lower() if _HOST.fullmatch(word) else ""
    lowered = text.lower()
    return name, next((known for mark, known in _SOFTWARE if mark in lowered), "other")


def capabilities(extensions: Mapping[str, str]) -> tuple[str, ...]:
    """EHLO keywords, sorted; all unknown ones together are `other`."""
    return tuple(sorted({word.upper() if word.upper() in _CAPABILITIES else "other" for word in extensions}))


def mechanisms(extensions: Mapping[str, str]) -> tuple[str, ...]:
    """The AUTH mechanisms, sorted; all unknown ones together are `other` (RFC 4954 §3)."""
    words = {word.upper() for word in extensions.get("auth", "").split()[:100]}
    return tuple(sorted({word if word in _MECHANISMS else "other" for word in words}))


def max_message_bytes(extensions: Mapping[str, str]) -> int | None:
    """The SIZE that the server declares, 0 for no fixed limit; None if it declares none (RFC 1870 §4)."""
    size = extensions.get("size")
    if size is None or not (size.isascii() and size.isdigit() and len(size) <= 20):  # noqa: PLR2004 (RFC 1870 §4)
        return None
    return int(size)


def about_us(text: str) -> bool:
    """Whether a refusal speaks of our address, name or reputation rather than of the server's state."""
    # Postfix says `Client host rejected` of whatever it refuses at connect, a full disk included.
    return not _SYSTEM_CODE.match(text) and bool(
        _POLICY_CODE.match(text) or _POLICY_WORDS.search(text[:1000])
    )
