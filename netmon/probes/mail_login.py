"""The login of a mail probe: what it needs, when it may be tried, and what became of it.

It proves that users can log in, and changes nothing.  A refused one is not tried again for `LOGIN_WAIT`,
by any check of the server, because servers lock accounts; all else is tested meanwhile.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

from netmon.errors import Reason
from netmon.mail.faults import MailError, untestable
from netmon.mail.manners import LOGIN_WAIT
from netmon.mail.sasl import Credentials
from netmon.mail.tokens import Client, TokenError
from netmon.mail.trail import Trail
from netmon.model import Check, Result
from netmon.probes.base import Context
from netmon.probes.smtp_settings import LoginSettings, OAuth2Settings


class Login:
    """One run's login."""

    def __init__(self, check: Check, ctx: Context, settings: LoginSettings, trail: Trail) -> None:
        self.mechanism = ""  # by which it went well
        self.logged_in: bool | None = None  # None: it was not tried, or its end is not known
        self.refused_before = ""  # what the server said to the login that is not tried again yet
        self._ctx = ctx
        self._settings = settings
        self._trail = trail
        self._clock = asyncio.get_running_loop().time
        self._credentials: Credentials | MailError | None = None
        # What a refusal is remembered by: ports of one server have the same users.
        oauth2 = settings.oauth2
        secret = settings.password if oauth2 is None else oauth2.client_secret
        self._key = check.host.address, settings.username, secret.fingerprint() if secret is not None else b""

    async def prepare(self, limit: float, phases: dict[str, float]) -> None:
        """Get what it needs, before anybody waits for us; a fault comes up when it is its turn.

        `limit` is when the run ends, on the loop's clock; `phases` takes the seconds of getting a token.
        """
        settings = self._settings
        if (refusal := self._refused()) is not None:
            self._credentials = refusal
        elif settings.oauth2 is None:
            password = settings.password.reveal() if settings.password is not None else ""
            self._trail.conceal(password)
            self._credentials = Credentials(settings.username, password)
        else:
            begun = time.perf_counter()
            self._credentials = await self._token(token_client(settings.oauth2), limit)
            phases["token"] = time.perf_counter() - begun

    def _refused(self) -> MailError | None:
        """The refusal of this login that is too young for another try."""
        refused = self._ctx.manners.refused(self._key, self._clock())
        if refused is None:
            return None
        left = refused.at + LOGIN_WAIT - self._clock()
        text = f"{refused.text} (not tried again for {max(left / 60, 1):.0f} min; all else is tested)"
        self.refused_before = refused.words
        return MailError(Result.REJECTED, Reason.LOGIN_REJECTED, text)

    async def _token(self, client: Client, limit: float) -> Credentials | MailError:
        try:
            # No more than half of the run: the server's own state is to be seen all the same.
            async with asyncio.timeout((limit - self._clock()) / 2):
                token = await self._ctx.tokens.token(client)
        except TokenError as error:
            return untestable(Reason.TOKEN_UNAVAILABLE, str(error))
        except TimeoutError:
            return untestable(Reason.TOKEN_UNAVAILABLE, "the token endpoint does not answer in time")
        self._trail.conceal(client.client_secret, token)
        return Credentials(self._settings.username, token, token=True)

    async def log_in(
        self, enter: Callable[[Credentials], Awaitable[str]], refusal: Callable[[], str], untrusted: str
    ) -> None:
        """Log in by `enter`, which gives the mechanism; `refusal` tells the server's words for its no.

        `untrusted` says why the server might be another one than it says.  Raises MailError.
        """
        # Another check of the server may have been refused while this one waited for its turn.
        credentials = self._refused() or self._credentials
        if credentials is None:
            return
        if isinstance(credentials, MailError):
            self._trail.note(str(credentials))
            raise credentials
        if untrusted and not self._settings.plain_text:
            text = (
                f"the login is not tried, lest a stranger learn the secret: {untrusted} (ca_file, tls_name)"
            )
            raise untestable(Reason.CERTIFICATE_UNTRUSTED, text)
        try:
            self.mechanism = await enter(credentials)
        except MailError as fault:
            if fault.reason in (Reason.LOGIN_REJECTED, Reason.LOGIN_DEFERRED, Reason.SYSTEM_DEFERRED):
                self.logged_in = False
            if fault.reason is Reason.LOGIN_REJECTED:
                self._ctx.manners.refuse(self._key, self._clock(), str(fault), refusal())
                if self._settings.oauth2 is not None:
                    self._ctx.tokens.forget(token_client(self._settings.oauth2))
            raise
        self.logged_in = True


def token_client(oauth2: OAuth2Settings) -> Client:
    """Who asks for tokens, as the token cache knows it."""
    return Client(oauth2.token_url, oauth2.client_id, oauth2.client_secret.reveal(), oauth2.scope)
