"""SNMP over TCP (RFC 3430): one connection for one read of one agent, behind the same client.

A message says its own length (BER), so the stream is messages one behind the other and nothing else
(§2.1).  What is on a stream is neither lost nor doubled, so nothing is sent again: a target's retries become
patience.  All else, SNMPv3's discovery too, is the client's own: it only sends and hears elsewhere.
"""

import asyncio
import contextlib
import errno
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Final

from netmon.errors import Reason
from netmon.snmp.client import Client
from netmon.snmp.exchange import SnmpError, Target
from netmon.snmp.sockets import Address, IcmpError, Socket, numeric_address

_LARGEST: Final = 1 << 20  # octets of a message; RFC 3430 §2.1 wants at least 8,192 to be taken
_SEQUENCE: Final = 0x30
_LONG: Final = 0x80
_LENGTH_OCTETS: Final = 3
_OWN_SIDE: Final = frozenset((errno.ENETUNREACH, errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.ENETDOWN))


def patient(target: Target) -> Target:
    """The target as it is asked over a stream: once, for as long as all sends together would wait."""
    return replace(target, timeout=target.timeout * (target.retries + 1), retries=0)


@asynccontextmanager
async def stream_client(target: Target) -> AsyncIterator[Client]:
    """A client that talks with this one agent over a connection of its own.

    Raises SnmpError: `timeout`, `refused`, `no_route`, `unreachable`.
    """
    reader, writer = await _connect(target)
    # No subclass of Client: what is compiled takes no interpreted one.
    client = Client(make_socket=lambda family: _Pipe(family, writer))
    _, address = numeric_address(target.address, target.port)
    hearing = asyncio.create_task(_hear(reader, writer, client, address, target))
    try:
        yield client
    finally:
        hearing.cancel()
        await asyncio.gather(hearing, return_exceptions=True)
        client.close()
        writer.transport.abort()


async def _connect(target: Target) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    what = f"TCP connection to {target}"
    try:
        async with asyncio.timeout(target.timeout):
            return await asyncio.open_connection(target.address, target.port)
    except TimeoutError:
        text = f"{what}: no answer within {target.timeout:g} s"
        raise SnmpError(Reason.TIMEOUT, text, alive=False) from None
    except ConnectionRefusedError:
        raise SnmpError(Reason.REFUSED, f"{what}: refused", alive=True) from None
    except OSError as error:
        reason = Reason.NO_ROUTE if error.errno in _OWN_SIDE else Reason.UNREACHABLE
        raise SnmpError(reason, f"{what}: {error.strerror or error}", alive=None) from None


async def _hear(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    client: Client,
    address: Address,
    target: Target,
) -> None:
    """Give the client every message, until the stream ends or holds something else."""
    why = "the agent closed the connection"
    try:
        while True:
            client.hear(await _message(reader), address)
    except (asyncio.IncompleteReadError, OSError):
        pass
    except ValueError as error:
        why = f"the agent sent {error}"
    writer.transport.abort()
    client.lose(f"{target}: {why}")


async def _message(reader: asyncio.StreamReader) -> bytes:
    """One message.  Raises ValueError for what is none, IncompleteReadError at the end."""
    head = await reader.readexactly(2)
    size = head[1]
    if head[0] != _SEQUENCE:
        raise ValueError("what is no SNMP message")
    if size & _LONG:
        count = size & ~_LONG
        if not 0 < count <= _LENGTH_OCTETS:
            raise ValueError("a message without a usable length")
        octets = await reader.readexactly(count)
        head, size = head + octets, int.from_bytes(octets)
    if size > _LARGEST:
        raise ValueError(f"a message of {size} octets, which is more than {_LARGEST}")
    return head + await reader.readexactly(size)


class _Pipe(Socket):
    """Takes the place of a door's socket: what is sent goes into the stream."""

    def __init__(self, family: int, writer: asyncio.StreamWriter) -> None:
        super().__init__(family)
        self._writer = writer

    def send(self, datagram: bytes, peer: Address) -> tuple[OSError | None, list[IcmpError]] | None:  # noqa: ARG002 - the stream has one
        """Write; what is not taken at once waits in the stream."""
        if self._writer.is_closing():
            return OSError(errno.EPIPE, "the connection is closed"), []
        with contextlib.suppress(OSError):
            self._writer.write(datagram)
        return None
