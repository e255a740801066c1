"""What is said in a login, whatever the mail protocol: SASL's initial responses (RFC 4422).

The plainest mechanism is every server's: PLAIN (RFC 4616).  LOGIN was never written down, CRAM-MD5 is
RFC 2195.  An OAuth2 token goes by XOAUTH2, as Google and Microsoft want it, or by OAUTHBEARER (RFC 7628).
"""

import base64
import binascii
import hmac
from dataclasses import dataclass, field
from typing import Final

BEARER: Final = ("XOAUTH2", "OAUTHBEARER")
# Cancels (RFC 4422 §3.5), or is what an unreadable challenge deserves.
CANCEL: Final = b"*"


@dataclass(frozen=True, slots=True)
class Credentials:
    """A user with a password, or with an OAuth2 access token."""

    username: str
    secret: str = field(repr=False)
    token: bool = False


def initial(mechanism: str, credentials: Credentials) -> bytes:
    """The whole of what a mechanism says, in base64; empty where the server has to speak first."""
    if mechanism == "PLAIN":
        return encoded(f"\0{credentials.username}\0{credentials.secret}")
    if mechanism == "XOAUTH2":
        return encoded(f"user={credentials.username}\x01auth=Bearer {credentials.secret}\x01\x01")
    if mechanism == "OAUTHBEARER":
        # RFC 5801 §4: "," and "=" are written otherwise in a name.
        name = credentials.username.replace("=", "=3D").replace(",", "=2C")
        return encoded(f"n,a={name},\x01auth=Bearer {credentials.secret}\x01\x01")
    return b""


def cram_md5(credentials: Credentials, challenge: str) -> bytes:
    """The answer to a challenge."""
    try:
        text = base64.b64decode(challenge, validate=True)
    except (binascii.Error, ValueError):
        return CANCEL
    digest = hmac.new(credentials.secret.encode(), text, "md5").hexdigest()
    return encoded(f"{credentials.username} {digest}")


def encoded(text: str) -> bytes:
    """In base64."""
    return base64.b64encode(text.encode())
