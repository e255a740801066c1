"""Tests that a server may dislike, for configured hosts only, by opt-in, and once a day at most.

Each has a connection of its own after the ordinary conversation, so that a server that hangs up on it, or
counts it against us, spoils no result.  No message is ever sent: a relay is asked for a recipient elsewhere
and the transaction taken back (RFC 5321 §3.3), VRFY asks for a user that exists everywhere and for one that
exists nowhere (§3.5.3), and the injection test sends one unknown command in the same segment as STARTTLS: a
server that answers it inside TLS has kept plain text over the handshake (RFC 3207 §6, CVE-2011-0411).
"""

import secrets
import ssl
from typing import Final

from netmon.errors import Reason
from netmon.mail.faults import failed
from netmon.mail.smtp import Conversation

TESTS: Final = ("open_relay", "vrfy", "starttls_injection")
_OK: Final = 250
_ALSO_OK: Final = 251  # it will forward
_STRANGE: Final = b"XNETMON"  # a command that no server knows
_UNKNOWN: Final = range(500, 600)


async def open_relay(talk: Conversation, sender: str, recipient: str) -> str:
    """What is wrong if it takes mail for `recipient`, which is not its own; else nothing."""
    mail = await talk.command("relay", b"MAIL", f"FROM:<{sender}>".encode("ascii"))
    if mail.code != _OK:
        return ""
    rcpt = await talk.command("relay", b"RCPT", f"TO:<{recipient}>".encode("ascii"))
    await talk.command("relay", b"RSET")
    if rcpt.code not in (_OK, _ALSO_OK):
        return ""
    return f"it takes mail from {sender} for {recipient}, which is not its own"


async def vrfy(talk: Conversation) -> str:
    """What is wrong if it tells users that exist from those that do not; else nothing."""
    there = await talk.command("vrfy", b"VRFY", b"postmaster")
    nobody = await talk.command("vrfy", b"VRFY", f"netmon-{secrets.token_hex(6)}".encode())
    if there.code in (_OK, _ALSO_OK) and nobody.code in _UNKNOWN:
        return f"VRFY tells who exists: {there.code} for postmaster, {nobody.code} for nobody"
    return ""


async def starttls_injection(
    talk: Conversation, context: ssl.SSLContext, server_name: str | None, agent_name: str
) -> str:
    """What is wrong if a command sent before the handshake is carried out after it; else nothing.

    The conversation is over afterwards, whatever came: its replies may be out of step.
    """
    await talk.starttls(context, server_name, behind=_STRANGE)
    first = await talk.command("injection", b"EHLO", agent_name.encode("ascii"))
    if first.code == _OK:
        return ""
    # A server that dislikes our EHLO says so once; one that was injected into has a second answer.
    second = await talk.another_reply("injection")
    if second is None or second.code != _OK:
        raise failed(Reason.EHLO_REJECTED, "EHLO inside TLS is refused, so the test says nothing")
    return f"it carried out a command that was sent before TLS began (it answered {first.code} inside TLS)"
