"""One request to a receiver: bounded in time and size, without redirects, proxies or quotations.

The sentences about what went wrong are netmon's own, because an exception of the library may hold
the URL, and the URL may hold a token.
"""

import asyncio
import base64
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import aclosing, suppress
from dataclasses import dataclass
from enum import StrEnum
from http import HTTPStatus
from pathlib import Path
from typing import Final

import httpx

from netmon import __version__
from netmon.fields import Secret

STAGE: Final = 10.0  # seconds for each of connecting, writing, waiting
DEADLINE: Final = 15.0  # seconds for all of it
MAX_ANSWER: Final = 64 << 10  # bytes of an answer that are read, so that the server need not notice
MAX_RETRY_AFTER: Final = 300.0
_LATER: Final = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})
_HOSTNAME_MISMATCH: Final = 62  # X509_V_ERR_HOSTNAME_MISMATCH


class Kind(StrEnum):
    """How a delivery ended; `netmon_alert_deliveries_total{outcome}`."""

    DELIVERED = "delivered"
    FAILED = "failed"  # no answer, or one that asks to come again
    REFUSED = "refused"  # an answer that will be the same next time


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a delivery ended and why; `retry_after` is the server's wish in seconds."""

    kind: Kind
    why: str = ""
    retry_after: float = 0.0


class Door:
    """The way to one URL.  Connections are not kept: a server may close them between two alerts."""

    def __init__(
        self,
        url: Secret,
        *,
        method: str = "POST",
        headers: Mapping[str, Secret] | None = None,
        login: tuple[str, Secret] | None = None,
        ca_file: Path | None = None,
    ) -> None:
        self._url = url
        self._method = method
        self._headers = {name: secret.reveal() for name, secret in (headers or {}).items()}
        self._headers.setdefault("User-Agent", f"netmon/{__version__}")
        if login is not None:
            pair = f"{login[0]}:{login[1].reveal()}".encode()
            self._headers["Authorization"] = "Basic " + base64.b64encode(pair).decode()
        self._ca_file = ca_file
        self._client: httpx.AsyncClient | None = None

    async def send(self, body: bytes | None = None, content_type: str = "application/json") -> Outcome:
        """Make the request; never raises but for cancellation."""
        status: int | None = None
        wish = ""
        try:
            async with asyncio.timeout(DEADLINE):
                client = await self._open()
                headers = self._headers if body is None else {**self._headers, "Content-Type": content_type}
                request = client.build_request(
                    self._method, self._url.reveal(), content=body, headers=headers
                )
                async with aclosing(await client.send(request, stream=True)) as answer:
                    status, wish = answer.status_code, answer.headers.get("Retry-After", "")
                    size = 0
                    async for chunk in answer.aiter_raw():  # as it comes: a small one may unpack to gigabytes
                        size += len(chunk)
                        if size > MAX_ANSWER:
                            break
        except (
            httpx.HTTPError,
            httpx.InvalidURL,
            OSError,
            ValueError,
        ) as error:  # TimeoutError is an OSError
            if status is None:
                return Outcome(Kind.FAILED, _words(error))
        return _judged(status or 0, wish)

    async def close(self) -> None:
        """Let go of it."""
        if self._client is not None:
            await self._client.aclose()

    async def _open(self) -> httpx.AsyncClient:
        if self._client is None:
            if self._url.reveal().lower().startswith("https:"):
                # Reading the trust store takes a while.
                context = await asyncio.to_thread(_trust, self._ca_file)
            else:
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # of no use, and cheaper than the default
            self._client = httpx.AsyncClient(
                verify=context,
                trust_env=False,
                follow_redirects=False,
                timeout=STAGE,
                limits=httpx.Limits(max_keepalive_connections=0),
            )
        return self._client


class _TrustError(OSError):
    """`ca_file` is of no use."""


def _trust(ca_file: Path | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file)
    except OSError:  # ssl.SSLError is one
        raise _TrustError from None


def _judged(status: int, wish: str) -> Outcome:
    if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        return Outcome(Kind.DELIVERED)
    why = f"it answers {status}"
    with suppress(ValueError):
        why += f" {HTTPStatus(status).phrase}"
    if status in _LATER or status >= HTTPStatus.INTERNAL_SERVER_ERROR or status < HTTPStatus.OK:
        seconds = float(wish) if wish.isascii() and wish.isdecimal() and len(wish) <= len("300") else 0.0
        return Outcome(Kind.FAILED, why, min(seconds, MAX_RETRY_AFTER))
    if status < HTTPStatus.BAD_REQUEST:
        why += "; redirects are not followed: configure the URL that it leads to"
    return Outcome(Kind.REFUSED, why)


# What lies deep in an exception says more than what lies upon it.
_DEEP: Final[tuple[tuple[type[BaseException], str], ...]] = (
    (ssl.SSLCertVerificationError, "its certificate is not trusted"),
    (ssl.SSLError, "the TLS handshake fails"),
    (socket.gaierror, "its name cannot be resolved"),
    (ConnectionRefusedError, "it refuses the connection"),
)
_UPON: Final[tuple[tuple[type[BaseException], str], ...]] = (
    (httpx.ConnectTimeout, f"no connection within {STAGE:g} s"),
    (httpx.TimeoutException, f"no answer within {STAGE:g} s"),
    (TimeoutError, f"no whole answer within {DEADLINE:g} s"),
    (httpx.ProtocolError, "it does not answer in HTTP, or closes too soon"),
    (httpx.ReadError, "it closes the connection without an answer"),
)


def _words(error: Exception) -> str:
    """What went wrong, without a word of the library's: it may quote the URL."""
    if isinstance(error, _TrustError):
        return "its ca_file cannot be read or holds no certificate"
    for one in _causes(error):
        for kind, why in _DEEP:
            if isinstance(one, kind):
                return f"{why}{_about(one)}"
    why = next((why for kind, why in _UPON if isinstance(error, kind)), "")
    return why or f"the request fails ({type(error).__name__})"


def _about(error: BaseException) -> str:
    """What OpenSSL has against a certificate; where it is the name, its sentence would quote that."""
    if not isinstance(error, ssl.SSLCertVerificationError):
        return ""
    why = "it is for another name" if error.verify_code == _HOSTNAME_MISMATCH else error.verify_message
    return f": {why}; set ca_file for an authority of your own"


def _causes(error: BaseException, depth: int = 0) -> Iterator[BaseException]:
    """The innermost first: it knows best."""
    if depth < 10:  # noqa: PLR2004 - deep enough for any library
        if isinstance(error, BaseExceptionGroup):
            for one in error.exceptions:
                yield from _causes(one, depth + 1)
        for inner in (error.__cause__, error.__context__):
            if inner is not None:
                yield from _causes(inner, depth + 1)
    yield error
