"""Logging in at a mail server, to see that users can: SASL over SMTP (RFC 4954), nothing sent with it.

Inside TLS the plainest mechanism is taken first, because every server's is the same: PLAIN (RFC 4616),
then LOGIN, which was never written down, then CRAM-MD5 (RFC 2195).  Without TLS, which a config must ask
for, CRAM-MD5 comes first, since it does not tell the password.  An OAuth2 token goes by XOAUTH2, as
Google and Microsoft want it, or by OAUTHBEARER (RFC 7628).
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from netmon.errors import Reason
from netmon.mail import esmtp
from netmon.mail.faults import MailError, untestable
from netmon.mail.sasl import BEARER, CANCEL, Credentials, cram_md5, encoded, initial
from netmon.mail.smtp import Conversation
from netmon.model import Result

_LONGEST: Final = 500  # octets of a command with its argument; a longer one waits for 334 (RFC 4954 §4)
_QUESTIONS: Final = 4  # that a server may ask
_CONTINUE: Final = 334
_DONE: Final = 235
_IN_TLS: Final = ("PLAIN", "LOGIN", "CRAM-MD5")
_IN_PLAIN: Final = ("CRAM-MD5", "PLAIN", "LOGIN")


async def log_in(talk: Conversation, credentials: Credentials) -> str:
    """Log in; gives the mechanism.  Raises MailError, and leaves the connection open for QUIT."""
    mechanism = choose(talk.extensions, token=credentials.token, secured=talk.session is not None)
    first = initial(mechanism, credentials)
    if first and len(mechanism) + len(first) < _LONGEST:
        reply = await talk.command("auth", b"AUTH", mechanism.encode(), first, hidden=True)
        answers: Iterator[bytes] = iter(())
    else:
        reply = await talk.command("auth", b"AUTH", mechanism.encode(), hidden=True)
        answers = iter([first] if first else [])
    if mechanism == "LOGIN":
        answers = iter([encoded(credentials.username), encoded(credentials.secret)])
    elif mechanism == "CRAM-MD5" and reply.code == _CONTINUE:
        answers = iter([cram_md5(credentials, reply.message)])
    for _ in range(_QUESTIONS):
        if reply.code != _CONTINUE:
            break
        # After a token that it does not take the server tells why in a 334, to which nothing is said.
        reply = await talk.command("auth", next(answers, b"" if credentials.token else CANCEL), hidden=True)
    talk.expect(f"AUTH {mechanism}", reply, _DONE, Reason.LOGIN_REJECTED, Reason.LOGIN_DEFERRED)
    return mechanism


def choose(extensions: Mapping[str, str], *, token: bool, secured: bool) -> str:
    """The mechanism to use of those that a server offers.  Raises MailError where there is none."""
    offered = esmtp.mechanisms(extensions)
    if not offered:
        raise MailError(Result.FAILED, Reason.AUTH_MISSING, "the server does not offer AUTH")
    ours: Sequence[str] = BEARER if token else _IN_TLS if secured else _IN_PLAIN
    for mechanism in ours:
        if mechanism in offered:
            return mechanism
    what = "an OAuth2 token" if token else "a password"
    text = f"the server offers AUTH {' '.join(offered)}; netmon does {', '.join(ours)} with {what}"
    raise untestable(Reason.AUTH_MISSING, text[:300])
