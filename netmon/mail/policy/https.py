"""One GET over HTTPS for a MTA-STS policy, with every bound that RFC 8461 §3.3 asks for.

The certificate must be for the host and from a trusted issuer, redirects are not followed, only 200
counts, and neither size nor time is left to the server.  Few lines of HTTP/1.1 (RFC 9112) are enough
for that, and a library would hide which of these rules it was.
"""

import asyncio
import re
import ssl
from typing import Final

from netmon import __version__
from netmon.mail.policy.judged import PolicyError, quoted

_HEAD: Final = 16_384  # octets of status line and headers
_STATUS: Final = re.compile(rb"HTTP/1\.[01] ([1-5][0-9][0-9])(?: |$)")
_OK: Final = 200
_REDIRECTS: Final = range(300, 400)
_CHUNK_LINE: Final = 1024


class FetchError(PolicyError):
    """The policy could not be fetched; `network`: no answer came, so it may be our own side."""

    def __init__(self, text: str, *, network: bool = False) -> None:
        super().__init__(text)
        self.network = network


def client_context(ca_file: str | None) -> ssl.SSLContext:
    """Verifies as RFC 8461 §3.3 wants it; `ca_file` instead of the system's store.

    Raises FetchError if it cannot be read.
    """
    try:
        context = ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        raise FetchError(f"cannot read the certificates in {ca_file}: {error}", network=True) from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


async def fetch(
    host: str, path: str, *, address: str, port: int, context: ssl.SSLContext, seconds: float, largest: int
) -> bytes:
    """The body of `https://host/path` as the server at `address` gives it, in at most `seconds`.

    Raises FetchError.
    """
    try:
        async with asyncio.timeout(seconds):
            reader, writer = await asyncio.open_connection(
                address, port, ssl=context, server_hostname=host, limit=_HEAD
            )
            try:
                return await _get(host, path, reader, writer, largest)
            finally:
                writer.transport.abort()
    except TimeoutError:
        raise FetchError(
            f"{host} ({address}) sends no whole answer in {seconds:.2g} s", network=True
        ) from None
    except ssl.SSLCertVerificationError as error:
        raise FetchError(f"the certificate of {host} is not valid: {error.verify_message}") from None
    except ssl.SSLError as error:
        words = (error.reason or str(error)).replace("_", " ").lower()
        raise FetchError(f"no TLS with {host} ({address}): {words}") from None
    except (asyncio.IncompleteReadError, OSError) as error:
        words = getattr(error, "strerror", None) or "it closed the connection too early"
        raise FetchError(f"no answer of {host} ({address} port {port}): {words}", network=True) from None


async def _get(
    host: str, path: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, largest: int
) -> bytes:
    writer.write(
        f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: netmon/{__version__}\r\n"
        "Accept: text/plain\r\nConnection: close\r\n\r\n".encode("ascii")
    )
    headers = await _head(reader, host)
    if headers.get("transfer-encoding", "").lower() == "chunked":
        return await _chunks(reader, largest)
    length = headers.get("content-length")
    if length is None:
        return await _until_end(reader, largest)
    if not (length.isascii() and length.isdecimal()) or len(length) > 9 or int(length) > largest:  # noqa: PLR2004
        raise FetchError(f"the body has {quoted(length)} octets; wanted at most {largest}")
    return await reader.readexactly(int(length))


async def _head(reader: asyncio.StreamReader, host: str) -> dict[str, str]:
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.LimitOverrunError:
        raise FetchError(f"the answer's headers are larger than {_HEAD} octets") from None
    status, *lines = head.split(b"\r\n")
    match = _STATUS.match(status)
    if match is None:
        raise FetchError(f"{quoted(status.decode('latin-1'))} is no answer in HTTP/1.1")
    code = int(match[1])
    if code in _REDIRECTS:
        raise FetchError(f"{host} answers with the redirect {code}, which senders must not follow")
    if code != _OK:
        raise FetchError(f"{host} answers {code}, not {_OK}")
    headers: dict[str, str] = {}
    for line in lines:
        name, _, value = line.decode("latin-1").partition(":")
        headers.setdefault(name.strip().lower(), value.strip())
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "text/plain":
        raise FetchError(f"the media type is {quoted(kind) if kind else 'not told'}; wanted text/plain")
    if headers.get("content-encoding", "identity").lower() != "identity":
        raise FetchError("the body is compressed, for which nobody asked")
    return headers


async def _chunks(reader: asyncio.StreamReader, largest: int) -> bytes:
    """RFC 9112 §7.1; trailers are of no use."""
    body = b""
    while True:
        try:
            line = await reader.readuntil(b"\r\n")
        except asyncio.LimitOverrunError:
            line = b""
        digits = line.partition(b";")[0].strip()
        if not re.fullmatch(rb"[0-9A-Fa-f]{1,8}", digits) or len(line) > _CHUNK_LINE:
            raise FetchError("the answer's chunks are malformed")
        size = int(digits, 16)
        if size == 0:
            return body
        if len(body) + size > largest:
            raise FetchError(f"the body is larger than {largest} octets")
        body += await reader.readexactly(size)
        if await reader.readexactly(2) != b"\r\n":
            raise FetchError("the answer's chunks are malformed")


async def _until_end(reader: asyncio.StreamReader, largest: int) -> bytes:
    body = b""
    while piece := await reader.read(4096):
        body += piece
        if len(body) > largest:
            raise FetchError(f"the body is larger than {largest} octets")
    return body
