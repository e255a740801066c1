"""One message handed over to a server that has been greeted (RFC 5321 §3.3): MAIL, RCPT, DATA, the message.

Until the reply to the message it is ours, and from then on the server's: its queue identifier is what its
people find in the log.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from netmon.errors import Reason
from netmon.mail.smtp import Conversation

_START: Final = 354
_DONE: Final = 250
# RFC 5321 §4.2 leaves the words to the server.  The first that fits counts.
_QUEUED: Final = (
    re.compile(r"(?i)\bqueued as:? *<?([a-z0-9._-]{4,64})"),  # Postfix and many others
    re.compile(r"\bInternalId=([0-9]{4,30})"),  # Exchange
    re.compile(r"\bid=([A-Za-z0-9-]{4,64})"),  # Exim
    re.compile(r"^(?:2\.[0-9]\.[0-9] )?([A-Za-z0-9]{8,32}) Message accepted"),  # Sendmail, OpenSMTPD
    re.compile(r"^(?:2\.[0-9]\.[0-9] )?OK +[0-9]{9,10} ([A-Za-z0-9._-]{8,64}) - gsmtp"),  # Google
    re.compile(r"^ok [0-9]{9,10} qp ([0-9]{1,10})"),  # qmail
)


@dataclass(frozen=True, slots=True)
class Accepted:
    """The message is the server's: its words, and the queue identifier in them ("" if there is none)."""

    text: str
    queue_id: str


async def send(
    talk: Conversation, sender: str, recipient: str, make: Callable[[bool], bytes]
) -> tuple[bytes, Accepted]:
    """Hand a message over; gives it and what the server said.  Raises MailError.

    `make` builds it, by whether the server takes text in 8bit (RFC 6152).
    """
    eight_bit = "8bitmime" in talk.extensions
    octets = make(eight_bit)
    words = [f"FROM:<{sender}>".encode("ascii")]
    if "size" in talk.extensions:
        words.append(b"SIZE=%d" % len(octets))  # RFC 1870: it may say no before it has it all
    if eight_bit:
        words.append(b"BODY=8BITMIME")
    reply = await talk.command("mail", b"MAIL", *words)
    talk.expect("MAIL", reply, _DONE, Reason.ENVELOPE_REJECTED, Reason.ENVELOPE_DEFERRED)
    reply = await talk.command("rcpt", b"RCPT", f"TO:<{recipient}>".encode("ascii"))
    talk.expect("RCPT", reply, _DONE, Reason.ENVELOPE_REJECTED, Reason.ENVELOPE_DEFERRED)
    reply = await talk.command("data", b"DATA")
    talk.expect("DATA", reply, _START, Reason.MESSAGE_REJECTED, Reason.MESSAGE_DEFERRED)
    reply = await talk.message(octets)
    talk.expect("message", reply, _DONE, Reason.MESSAGE_REJECTED, Reason.MESSAGE_DEFERRED)
    return octets, Accepted(reply.message, queue_id(reply.message))


def queue_id(text: str) -> str:
    """The queue identifier in the last reply's words; "" where it is not to be found."""
    for line in text[:1000].splitlines():
        for pattern in _QUEUED:
            if found := pattern.search(line):
                return found[1]
    return ""
