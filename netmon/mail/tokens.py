"""OAuth2 access tokens for logins, by client credentials (RFC 6749 §4.4), kept until shortly before they end.

The token endpoint is no part of what is monitored: where it does not answer, the login is untestable.
Its request has a deadline of its own and follows no redirect, and its answer is bounded.
"""

import asyncio
import json
import ssl
import time
from collections import OrderedDict
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

from netmon import __version__
from netmon.errors import NetmonError
from netmon.mail.trail import printable

DEADLINE: Final = 10.0  # seconds for a token
_MAX_ANSWER: Final = 65536
_MARGIN: Final = 60.0  # seconds before its end from when on a token is not used any more
_NO_END: Final = 300.0  # seconds that a token is kept whose end the endpoint does not tell
_REFUSED_WAIT: Final = 900.0  # seconds before credentials are tried again that the endpoint refused
_KEPT: Final = 5_000


class TokenError(NetmonError):
    """No token was to be had; says why, without secrets."""


@dataclass(frozen=True, slots=True)
class Client:
    """Who asks for tokens, and where.  Compares by its secret too: a new one asks anew."""

    token_url: str
    client_id: str
    client_secret: str = field(repr=False)
    scope: str = ""


@dataclass(slots=True)
class _Token:
    text: str = field(repr=False)
    until: float


class Tokens:
    """Tokens by client; one request at a time for each."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._tokens: OrderedDict[Client, _Token | TokenError] = OrderedDict()
        self._refused_until: dict[Client, float] = {}
        self._asking: dict[Client, asyncio.Task[str]] = {}
        self._context: ssl.SSLContext | None = None

    async def token(self, client: Client) -> str:
        """A token that is good now.  Raises TokenError."""
        known = self._tokens.get(client)
        if isinstance(known, _Token) and self._clock() < known.until:
            return known.text
        if isinstance(known, TokenError) and self._clock() < self._refused_until.get(client, 0.0):
            raise TokenError(str(known))  # raised again and again, one would gather every run in its trace
        task = self._asking.get(client)
        if task is None:
            task = self._asking[client] = asyncio.create_task(self._ask(client))
            task.add_done_callback(lambda done: self._done(client, done))
        # The others that wait for it must not be cancelled with this one.
        return await asyncio.shield(task)

    def forget(self, client: Client) -> None:
        """A server did not take the token: the next is to be a new one."""
        self._tokens.pop(client, None)

    def _done(self, client: Client, task: asyncio.Task[str]) -> None:
        self._asking.pop(client, None)
        if not task.cancelled():
            task.exception()  # it is told to whoever waits; nobody may, by now

    async def _ask(self, client: Client) -> str:
        try:
            async with asyncio.timeout(DEADLINE):
                status, body = await self._post(client)
        except TimeoutError:
            raise TokenError(f"the token endpoint does not answer within {DEADLINE:g} s") from None
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
            # A library's words may quote the URL.
            raise TokenError(f"the token endpoint cannot be asked: {type(error).__name__}") from None
        answer = _json(body)
        if status != httpx.codes.OK:
            # RFC 6749 §5.2: `error` is a word of a short list.
            why = printable(str(answer.get("error", ""))[:60].encode(errors="replace"))
            fault = TokenError(f"the token endpoint answers {status}{f' {why}' if why else ''}")
            if status in (httpx.codes.BAD_REQUEST, httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
                self._keep(client, fault)
                self._refused_until[client] = self._clock() + _REFUSED_WAIT
            raise fault
        text, seconds = answer.get("access_token"), answer.get("expires_in")
        if not isinstance(text, str) or not text or not text.isascii() or not text.isprintable():
            raise TokenError("the token endpoint's answer holds no access_token")
        lasts = float(seconds) if isinstance(seconds, int | float) and 0 <= seconds < 1e9 else _NO_END  # noqa: PLR2004
        # One that lives shorter than the margin serves for half of its life.
        self._keep(client, _Token(text, self._clock() + max(lasts - _MARGIN, lasts / 2)))
        return text

    def _keep(self, client: Client, what: "_Token | TokenError") -> None:
        self._tokens.pop(client, None)
        self._tokens[client] = what
        while len(self._tokens) > _KEPT:
            gone, _ = self._tokens.popitem(last=False)
            self._refused_until.pop(gone, None)

    async def _post(self, client: Client) -> tuple[int, bytes]:
        form = {"grant_type": "client_credentials", "client_id": client.client_id}
        form["client_secret"] = client.client_secret
        if client.scope:
            form["scope"] = client.scope
        headers = {"User-Agent": f"netmon/{__version__}", "Accept": "application/json"}
        if self._context is None:
            self._context = await asyncio.to_thread(ssl.create_default_context)
        async with httpx.AsyncClient(
            verify=self._context, trust_env=False, follow_redirects=False, timeout=DEADLINE
        ) as http:
            request = http.build_request("POST", client.token_url, data=form, headers=headers)
            async with aclosing(await http.send(request, stream=True)) as answer:
                body = b""
                async for chunk in answer.aiter_raw():
                    body += chunk
                    if len(body) > _MAX_ANSWER:
                        raise ValueError("too long")
                return answer.status_code, body


def _json(body: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return answer if isinstance(answer, dict) else {}
