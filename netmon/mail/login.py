"""Logging in at a mail server, to see that users can: SASL over SMTP (RFC 4954), nothing sent with it.

Inside TLS the plainest mechanism is taken first, because every server's is the same: PLAIN (RFC 4616),
then LOGIN, which was never written down, then CRAM-MD5 (RFC 2195).  Without TLS, which a config must ask
for, CRAM-MD5 comes first, since it does not tell the password.  An OAuth2 token goes by XOAUTH2, as
Google and Microsoft want it, or by OAUTHBEARER (RFC 7628).
"""

import base64
import binascii
import hmac
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from netmon.errors import Reason
from netmon.mail import esmtp
from netmon.mail.faults import MailError, untestable
from netmon.mail.smtp import Conversation
from netmon.model import Result

_LONGEST: Final = 500  # octets of a command with its argument; a longer one waits for 334 (RFC 4954 §4)
_QUESTIONS: Final = 4  # that a server may ask
_CONTINUE: Final = 334
_DONE: Final = 235
_BEARER: Final = ("XOAUTH2", "OAUTHBEARER")
_IN_TLS: Final = ("PLAIN", "LOGIN", "CRAM-MD5")
_IN_PLAIN: Final = ("CRAM-MD5", "PLAIN", "LOGIN")


@dataclass(frozen=True, slots=True)
class Credentials:
    """A user with a password, or with an OAuth2 access token."""

    username: str
    secret: str = field(repr=False)
    token: bool = False


async def log_in(talk: Conversation, credentials: Credentials) -> str:
    """Log in; gives the mechanism.  Raises MailError, and leaves the connection open for QUIT."""
    mechanism = choose(talk.extensions, token=credentials.token, secured=talk.session is not None)
    whole = {"PLAIN": _plain, "XOAUTH2": _xoauth2, "OAUTHBEARER": _oauthbearer}.get(mechanism)
    first = b"" if whole is None else base64.b64encode(whole(credentials))
    if first and len(mechanism) + len(first) < _LONGEST:
        reply = await talk.command("auth", b"AUTH", mechanism.encode(), first, hidden=True)
        answers: Iterator[bytes] = iter(())
    else:
        reply = await talk.command("auth", b"AUTH", mechanism.encode(), hidden=True)
        answers = iter([first] if first else [])
    if mechanism == "LOGIN":
        answers = iter([_base64(credentials.username), _base64(credentials.secret)])
    elif mechanism == "CRAM-MD5" and reply.code == _CONTINUE:
        answers = iter([_cram_md5(credentials, reply.message)])
    for _ in range(_QUESTIONS):
        if reply.code != _CONTINUE:
            break
        # After a token that it does not take the server tells why in a 334, to which nothing is said.
        reply = await talk.command("auth", next(answers, b"" if credentials.token else b"*"), hidden=True)
    talk.expect(f"AUTH {mechanism}", reply, _DONE, Reason.LOGIN_REJECTED, Reason.LOGIN_DEFERRED)
    return mechanism


def choose(extensions: Mapping[str, str], *, token: bool, secured: bool) -> str:
    """The mechanism to use of those that a server offers.  Raises MailError where there is none."""
    offered = esmtp.mechanisms(extensions)
    if not offered:
        raise MailError(Result.FAILED, Reason.AUTH_MISSING, "the server does not offer AUTH")
    ours: Sequence[str] = _BEARER if token else _IN_TLS if secured else _IN_PLAIN
    for mechanism in ours:
        if mechanism in offered:
            return mechanism
    what = "an OAuth2 token" if token else "a password"
    text = f"the server offers AUTH {' '.join(offered)}; netmon does {', '.join(ours)} with {what}"
    raise untestable(Reason.AUTH_MISSING, text[:300])


def _plain(credentials: Credentials) -> bytes:
    return f"\0{credentials.username}\0{credentials.secret}".encode()


def _xoauth2(credentials: Credentials) -> bytes:
    return f"user={credentials.username}\x01auth=Bearer {credentials.secret}\x01\x01".encode()


def _oauthbearer(credentials: Credentials) -> bytes:
    # RFC 5801 §4: "," and "=" are written otherwise in a name.
    name = credentials.username.replace("=", "=3D").replace(",", "=2C")
    return f"n,a={name},\x01auth=Bearer {credentials.secret}\x01\x01".encode()


def _cram_md5(credentials: Credentials, challenge: str) -> bytes:
    try:
        text = base64.b64decode(challenge, validate=True)
    except (binascii.Error, ValueError):
        return b"*"  # RFC 4954 §4: cancels
    digest = hmac.new(credentials.secret.encode(), text, "md5").hexdigest()
    return base64.b64encode(f"{credentials.username} {digest}".encode())


def _base64(text: str) -> bytes:
    return base64.b64encode(text.encode())
