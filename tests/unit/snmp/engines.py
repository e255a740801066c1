"""SNMPv3 engines for tests, in the test's own process: honest unless a test makes them otherwise.

An engine builds its messages by itself, so that any part of one can be made wrong.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from netmon.snmp.ber import COUNTER32, INTEGER, OCTET_STRING, SEQUENCE, DecodeError, encode_oid, tlv
from netmon.snmp.client import Target
from netmon.snmp.message import REPORT, RESPONSE, decode_pdu, encode_message, encode_varbind
from netmon.snmp.message_v3 import (
    AUTH,
    PRIV,
    Head,
    decode_encrypted,
    decode_head,
    decode_scoped,
    encode_global,
    encode_scope,
    encode_security,
)
from netmon.snmp.usm import Keys, Level, User, keys_at
from netmon.snmp.usm_keys import Masters
from tests.unit.snmp.agents import SYS_UPTIME

USM_STATS = "1.3.6.1.6.3.15.1.1"
UNSUPPORTED_LEVEL, NOT_IN_TIME, UNKNOWN_USER, UNKNOWN_ENGINE, WRONG_DIGEST, DECRYPTION = (
    encode_oid(f"{USM_STATS}.{number}.0") for number in range(1, 7)
)
ENGINE_ID = bytes.fromhex("8000000004") + b"engine one"
OTHER_ENGINE_ID = bytes.fromhex("8000000004") + b"engine two"
USER = User("ana", Level.AUTH_PRIV, "SHA256", b"auth-secret", "AES", b"priv-secret")
MASTERS = Masters()  # a megabyte of hashing once, not once for each test


@dataclass
class Query:
    """A request as it came; of a discovery only the head counts."""

    data: bytes
    head: Head
    request_id: int = 0
    oids: tuple[bytes, ...] = ()
    scope: tuple[bytes, bytes] = (b"", b"")


Behave = Callable[["Engine", Query], Iterable[bytes]]


class Engine(asyncio.DatagramProtocol):
    """An authoritative engine with one user; `seen` holds what came."""

    def __init__(self, user: User = USER, behave: Behave | None = None) -> None:
        self.user = user
        self.engine_id = ENGINE_ID
        self.boots = 3
        self.time = 1_000
        self.behave = behave or honest
        self.seen: list[Query] = []
        self.peers: list[Any] = []
        self.transport: Any = None
        self._keys: dict[bytes, Keys] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport, to answer by."""
        self.transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        """Answer as this engine does; what does not decrypt to anything is dropped, as net-snmp does."""
        try:
            query = self.open(data)
        except DecodeError:
            return
        self.seen.append(query)
        self.peers.append(addr)
        for datagram in self.behave(self, query):
            self.transport.sendto(datagram, addr)

    def keys(self, engine_id: bytes | None = None) -> Keys:
        """The user's keys at this engine, or at another."""
        engine_id = engine_id or self.engine_id
        if engine_id not in self._keys:
            self._keys[engine_id] = keys_at(self.user, engine_id, MASTERS)
        return self._keys[engine_id]

    def open(self, data: bytes) -> Query:
        """Decrypt what can be decrypted."""
        head = decode_head(data)
        query = Query(data, head)
        if head.engine_id != self.engine_id:
            return query
        at, end = head.data_at, head.end
        if head.flags & PRIV:
            cipher = self.keys().cipher
            assert cipher is not None
            data = cipher.decrypt(decode_encrypted(data, head), head.salt, head.boots, head.time)
            at, end = 0, len(data)
        engine_id, name, _, at, end = decode_scoped(data, at, end)
        query.request_id, _, _, varbinds = decode_pdu(data, at, end)
        query.oids, query.scope = tuple(varbinds.oids), (engine_id, name)
        return query

    def respond(self, query: Query, **changes: Any) -> bytes:
        """The answer 1 to the first object, or what `changes` make of it."""
        varbind = encode_varbind(query.oids[0] if query.oids else SYS_UPTIME, INTEGER, 1)
        return self.message(query, RESPONSE, varbind, **changes)

    def report(self, query: Query, oid: bytes, *, level: int = 0, **changes: Any) -> bytes:
        """A report of a counter; unauthenticated unless `level` says otherwise."""
        return self.message(query, REPORT, encode_varbind(oid, COUNTER32, 7), level=level, **changes)

    def message(self, query: Query, pdu_type: int, varbinds: bytes, **changes: Any) -> bytes:
        """A message with `changes`.

        They may be msg_id, request_id, level, engine_id, boots, time, user, scope, cut (octets of the
        digest that are sent), digest, plain and encrypted.
        """
        get = changes.get
        level = get("level", self.user.level)
        engine_id = get("engine_id", self.engine_id)
        boots, time = get("boots", self.boots), get("time", self.time)
        mac, cipher = self.keys(engine_id) if level else Keys(None, None)
        scope = get("scope", query.scope)
        request_id = get("request_id", query.request_id)
        data = get("plain") or encode_message(encode_scope(*scope), pdu_type, request_id, 0, 0, varbinds)
        octets = mac.octets if mac and level & AUTH else 0
        salt = b""
        if level & PRIV and cipher:
            salt, data = cipher.encrypt(data, boots, time)
            data = tlv(OCTET_STRING, get("encrypted", data))
        cut = get("cut", octets)
        user = get("user", self.user.name.encode() if level else query.head.user)
        security, at = encode_security(engine_id, boots, time, user, cut, len(salt))
        security = security[: len(security) - len(salt)] + salt
        message = tlv(SEQUENCE, encode_global(get("msg_id", query.head.msg_id), level) + security + data)
        if not octets:
            return message
        assert mac is not None
        at += len(message) - len(data) - len(security)
        digest = get("digest") or mac.sign(message)[:cut]
        return message[:at] + digest + message[at + cut :]

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.transport.get_extra_info("sockname")[1])

    def target(self, **settings: Any) -> Target:
        """How to reach it; impatient, since a loopback is fast."""
        return Target(
            "127.0.0.1",
            self.port,
            3,
            **{"user": self.user, "timeout": 0.05, "retries": 1, **settings},
        )


def honest(engine: Engine, query: Query) -> list[bytes]:
    """RFC 3414 §3.2 as far as tests of a client need it."""
    head = query.head
    if head.engine_id != engine.engine_id:
        return [engine.report(query, UNKNOWN_ENGINE)]
    if head.user != engine.user.name.encode():
        return [engine.report(query, UNKNOWN_USER)]
    if head.flags & 3 != engine.user.level:
        return [engine.report(query, UNSUPPORTED_LEVEL)]
    mac = engine.keys().mac
    if mac is not None:
        if not mac.verify(query.data, head.digest_at, head.digest_octets):
            return [engine.report(query, WRONG_DIGEST)]
        if head.boots != engine.boots or abs(head.time - engine.time) > 150:
            return [engine.report(query, NOT_IN_TIME, level=1)]
    return [engine.respond(query)]


def once_known(behave: Behave) -> Behave:
    """An engine that tells its name honestly and answers the rest as `behave` does."""

    def answer(engine: Engine, query: Query) -> Iterable[bytes]:
        if query.head.engine_id != engine.engine_id:
            return honest(engine, query)
        return behave(engine, query)

    return answer


@asynccontextmanager
async def engine(user: User = USER, behave: Behave | None = None) -> AsyncIterator[Engine]:
    """Run an engine on an ephemeral port."""
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.create_datagram_endpoint(
        lambda: Engine(user, behave), local_addr=("127.0.0.1", 0)
    )
    try:
        yield protocol
    finally:
        transport.close()
