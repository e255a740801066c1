"""The complete SNMP engine, pysnmp's, for what changes things: SET (RFC 3416 §4.2.5).

The hot path of `client` reads; a SET is rare, and here the breadth counts: every security option that
pysnmp has, its checks of every message, its bookkeeping of engines' clocks (RFC 3414 §3.2).  It and
`originator`, which sends notifications, are all that imports pysnmp, and nothing of pysnmp leaves them:
varbinds go in as everywhere in netmon (OIDs as content octets, BER tags, plain values), an `Outcome`
comes out.

Four things are done on purpose.  The engine is built in a thread, since reading its MIB files blocks
for half a second, and there should be one a process.  Its UDP socket is connected, because pysnmp
matches v1 and v2c replies by request-id alone, and because only a connected socket hears at once that
nobody listens.  A SET is sent once: an agent that lost its answer and gets the request again carries
it out twice, which is harmless for a name and not for a row's status or a TestAndIncr.  And an outer
deadline holds, since any exception in pysnmp's tick silently ends its timeouts for good.
"""

import asyncio
import contextlib
import errno
import ipaddress
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any, Final

from pysnmp.carrier.asyncio.dgram.udp import UdpAsyncioTransport
from pysnmp.carrier.asyncio.dgram.udp6 import Udp6AsyncioTransport
from pysnmp.entity import config as lcd
from pysnmp.entity.engine import SnmpEngine
from pysnmp.entity.rfc3413.cmdgen import SetCommandGenerator
from pysnmp.error import PySnmpError
from pysnmp.proto import rfc1902

from netmon.snmp import ber
from netmon.snmp.outcome import Credentials, EngineError, Fate, Outcome, Varbind

# What gosnmp, and so snmp_exporter, calls AES192 and AES256 extends the key as Blumenthal's draft has
# it; the C forms as Reeder's, which Cisco uses.
AUTH_PROTOCOLS: Final[Mapping[str, Any]] = {
    "MD5": lcd.USM_AUTH_HMAC96_MD5,
    "SHA": lcd.USM_AUTH_HMAC96_SHA,
    "SHA224": lcd.USM_AUTH_HMAC128_SHA224,
    "SHA256": lcd.USM_AUTH_HMAC192_SHA256,
    "SHA384": lcd.USM_AUTH_HMAC256_SHA384,
    "SHA512": lcd.USM_AUTH_HMAC384_SHA512,
}
PRIV_PROTOCOLS: Final[Mapping[str, Any]] = {
    "DES": lcd.USM_PRIV_CBC56_DES,
    "3DES": lcd.USM_PRIV_CBC168_3DES,
    "AES": lcd.USM_PRIV_CFB128_AES,
    "AES192": lcd.USM_PRIV_CFB192_AES_BLUMENTHAL,
    "AES256": lcd.USM_PRIV_CFB256_AES_BLUMENTHAL,
    "AES192C": lcd.USM_PRIV_CFB192_AES,
    "AES256C": lcd.USM_PRIV_CFB256_AES,
}
_GRACE: Final = 2.0  # seconds beyond pysnmp's own timeout, for its tick of 100 ms and its discovery
_ROUNDS: Final = 3  # engine ID, clock, and the request itself (RFC 3414 §4)
_TYPES: Final[Mapping[int, Callable[[Any], Any]]] = {
    ber.INTEGER: rfc1902.Integer32,
    ber.OCTET_STRING: rfc1902.OctetString,
    ber.OBJECT_IDENTIFIER: lambda octets: rfc1902.ObjectIdentifier(ber.decode_oid(octets)),
    ber.IP_ADDRESS: lambda octets: rfc1902.IpAddress(".".join(map(str, octets))),
    ber.COUNTER32: rfc1902.Counter32,
    ber.GAUGE32: rfc1902.Gauge32,
    ber.TIME_TICKS: rfc1902.TimeTicks,
    ber.OPAQUE: rfc1902.Opaque,
    ber.COUNTER64: rfc1902.Counter64,
}
# pysnmp's errorIndication -> what it means.  All but the first are an agent's report, or pysnmp's own
# refusal to send: the SET was not carried out (RFC 3414 §3.2, RFC 3412 §7.2).
REPORTS: Final[Mapping[str, str]] = {
    "unknownUserName": "the agent knows no user of that name (usmStatsUnknownUserNames)",
    "unknownSecurityName": "the agent knows no user of that name (usmStatsUnknownUserNames)",
    "wrongDigest": "the authentication password or protocol is wrong (usmStatsWrongDigests)",
    "authenticationFailure": "the authentication password or protocol is wrong (usmStatsWrongDigests)",
    "decryptionError": "the privacy password or protocol is wrong (usmStatsDecryptionErrors)",
    "unsupportedSecurityLevel": "the agent does not allow this user that security level "
    "(usmStatsUnsupportedSecLevels)",
    "notInTimeWindow": "the agent's engine clock does not stand still long enough to be followed "
    "(usmStatsNotInTimeWindows)",
    "unknownEngineID": "the agent does not say its engine ID (usmStatsUnknownEngineIDs)",
    "unknownPDUHandler": "the agent has nobody for this request; is the context engine ID right? "
    "(snmpUnknownPDUHandlers)",
    "noSuchContext": "the agent has no context of that name (snmpUnknownContexts)",
    "tooBig": "the varbinds do not fit into one message",
}


@contextlib.asynccontextmanager
async def open_engine() -> AsyncIterator["Engine"]:
    """An engine that is ready to send, for as long as the block runs.  Half a second, off the loop."""
    engine = Engine(await asyncio.to_thread(built_engine))
    try:
        yield engine
    finally:
        engine.close()


async def set_objects(
    credentials: Credentials, address: str, port: int, varbinds: Sequence[Varbind], *, seconds: float
) -> Outcome:
    """One SET through an engine of its own; see `Engine.set_objects`."""
    async with open_engine() as engine:
        return await engine.set_objects(credentials, address, port, varbinds, seconds=seconds)


def built_engine() -> SnmpEngine:
    """An engine with all the MIB files that it will want: half a second, so in a thread."""
    engine = SnmpEngine()
    # What a request would load, and block the loop for.
    engine.get_mib_builder().load_modules(
        "SNMPv2-MIB", "SNMP-TARGET-MIB", "PYSNMP-SOURCE-MIB", "SNMP-COMMUNITY-MIB", "PYSNMP-USM-MIB",
        "SNMP-USER-BASED-SM-MIB", "SNMP-VIEW-BASED-ACM-MIB", "SNMP-MPD-MIB",
    )  # fmt: skip
    return engine


class Engine:
    """A pysnmp engine; one SET at a time.  Get it from `open_engine`."""

    def __init__(self, engine: SnmpEngine) -> None:
        self._engine = engine
        self._turn = asyncio.Lock()

    def close(self) -> None:
        """Stop its timer."""
        self._engine.close_dispatcher()

    async def set_objects(
        self,
        credentials: Credentials,
        address: str,
        port: int,
        varbinds: Sequence[Varbind],
        *,
        seconds: float,
    ) -> Outcome:
        """Set all varbinds by one SetRequest-PDU to the agent at a numeric address, sent once.

        `seconds` are for each of the at most three exchanges that SNMPv3 needs.  The agent's no,
        a report and silence are outcomes.  Raises EngineError before anything is sent.
        """
        pairs = [pair_of(varbind, credentials.version) for varbind in varbinds]
        async with self._turn:
            with configured(self._engine, credentials):
                socket = await ConnectedSocket.open(address, port)
                try:
                    return await self._converse(socket, credentials, pairs, seconds)
                finally:
                    await socket.close()

    async def _converse(
        self, socket: "ConnectedSocket", credentials: Credentials, pairs: Sequence[Any], seconds: float
    ) -> Outcome:
        answer: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()

        def on_answer(
            _engine: Any,
            _handle: Any,
            indication: Any,
            status: Any,
            index: Any,
            _varbinds: Any,
            _context: Any,
        ) -> None:
            if not answer.done():
                answer.set_result(_outcome(indication, int(status), int(index), socket))

        def on_refused() -> None:
            if not answer.done():
                answer.set_result(_refused(socket))

        socket.on_refused = on_refused
        lcd.add_transport(self._engine, socket.domain, socket.transport)
        try:
            lcd.add_target_address(
                self._engine, "target", socket.domain, socket.address, "how", seconds * 100, 0
            )
            try:
                SetCommandGenerator().send_varbinds(
                    self._engine, "target", credentials.context_engine_id,
                    credentials.context_name.encode(), pairs, on_answer,
                )  # fmt: skip
                async with asyncio.timeout(seconds * _ROUNDS + _GRACE):
                    return await answer
            except TimeoutError:
                return _unknown(socket, f"no answer within {seconds * _ROUNDS + _GRACE:g} s")
            except PySnmpError as error:
                if socket.sent:
                    return _unknown(socket, f"pysnmp gave up: {type(error).__name__}")
                raise EngineError(f"no SET can be made of this: {type(error).__name__}") from None
            finally:
                lcd.delete_target_address(self._engine, "target")
        finally:
            lcd.delete_transport(self._engine, socket.domain)


def pair_of(varbind: Varbind, version: int) -> tuple[Any, Any]:
    """A varbind as pysnmp has it.  Raises EngineError."""
    name = ber.decode_oid(varbind.oid)
    if varbind.tag not in _TYPES:
        raise EngineError(f"{name}: a value of the tag {varbind.tag:#04x} cannot be sent")
    if varbind.tag == ber.COUNTER64 and version == 1:
        raise EngineError(f"{name}: SNMPv1 has no Counter64 (RFC 3584 §4.2.2.1)")
    try:
        ber.encode_value(varbind.tag, varbind.value)
        return rfc1902.ObjectName(name), _TYPES[varbind.tag](varbind.value)
    except (ber.EncodeError, PySnmpError):
        raise EngineError(f"{name}: the value does not fit its type") from None


@contextlib.contextmanager
def configured(engine: SnmpEngine, credentials: Credentials) -> Any:
    """The credentials in pysnmp's local configuration datastore, under the name `how`."""
    if credentials.version == 3:  # noqa: PLR2004 - SNMPv3
        forget = _add_user(engine, credentials)
        lcd.add_target_parameters(engine, "how", credentials.username, credentials.level, 3)
    else:
        lcd.add_v1_system(engine, "who", credentials.community.reveal(), securityName="who")

        def forget() -> None:
            lcd.delete_v1_system(engine, "who")

        lcd.add_target_parameters(engine, "how", "who", "noAuthNoPriv", credentials.version - 1)
    try:
        yield
    finally:
        lcd.delete_target_parameters(engine, "how")
        forget()


def _add_user(engine: SnmpEngine, credentials: Credentials) -> Callable[[], None]:
    auth, priv = lcd.USM_AUTH_NONE, lcd.USM_PRIV_NONE
    password = priv_password = None
    if credentials.level != "noAuthNoPriv":
        auth = _protocol(AUTH_PROTOCOLS, credentials.auth_protocol)
        password = credentials.password.reveal().encode()
    if credentials.level == "authPriv":
        priv = _protocol(PRIV_PROTOCOLS, credentials.priv_protocol)
        priv_password = credentials.priv_password.reveal().encode()
    if b"" in {password, priv_password}:
        raise EngineError(f"the user {credentials.username} has no password for {credentials.level}")
    lcd.add_v3_user(engine, credentials.username, auth, password, priv, priv_password)
    return lambda: lcd.delete_v3_user(engine, credentials.username)


def _protocol(known: Mapping[str, Any], name: str) -> Any:
    if name not in known:
        raise EngineError(f'"{name}" is not one of {", ".join(known)}')
    return known[name]


def _outcome(indication: Any, status: int, index: int, socket: "ConnectedSocket") -> Outcome:
    if indication is None:
        return Outcome(Fate.REFUSED if status else Fate.DONE, status, index)
    kind = type(indication).__name__
    name = kind[:1].lower() + kind[1:]
    if name == "requestTimedOut":
        return _unknown(socket, "no answer in time")
    if name in REPORTS:
        return Outcome(Fate.REPORTED, why=REPORTS[name])
    # An answer that pysnmp cannot use does not say that nothing was done.
    return _unknown(socket, f"no answer that can be used ({name})")


def _unknown(socket: "ConnectedSocket", why: str) -> Outcome:
    return Outcome(Fate.UNKNOWN, why=why) if socket.sent else _refused(socket)


def _refused(socket: "ConnectedSocket") -> Outcome:
    why = f"nothing could be sent: {socket.trouble}" if socket.trouble else "nothing was sent"
    return Outcome(Fate.NOT_SENT, why=why)


class _Connected(UdpAsyncioTransport):
    """pysnmp's transport over a socket that hears one agent only, and hears when nobody is there."""

    owner: "ConnectedSocket"

    def send_message(self, message: bytes, _address: object) -> None:
        if self.transport is not None:
            self.owner.sent += 1
            self.transport.sendto(message)

    def datagram_received(self, datagram: bytes, _address: object) -> None:
        # Under the address that the request went to: IPv6 ones come with two numbers more.
        super().datagram_received(datagram, self.owner.address)

    def error_received(self, error: OSError) -> None:
        self.owner.failed(error)


class _Connected6(_Connected):
    SOCK_FAMILY = Udp6AsyncioTransport.SOCK_FAMILY
    ADDRESS_TYPE = Udp6AsyncioTransport.ADDRESS_TYPE


class ConnectedSocket:
    """One connected UDP socket, and what went through it."""

    def __init__(self, address: str, port: int) -> None:
        v6 = ipaddress.ip_address(address).version == 6  # noqa: PLR2004 - IPv6
        kind = _Connected6 if v6 else _Connected
        self.address: Any = kind.ADDRESS_TYPE((address, port))
        self.domain: tuple[int, ...] = lcd.SNMP_UDP6_DOMAIN if v6 else lcd.SNMP_UDP_DOMAIN
        self.transport = kind()
        self.transport.owner = self
        self.sent = 0
        self.trouble = ""
        self.on_refused: Callable[[], object] = lambda: None

    @classmethod
    async def open(cls, address: str, port: int) -> "ConnectedSocket":
        """Raises EngineError where there is no way there."""
        try:
            self = cls(address, port)
        except ValueError:
            raise EngineError(f"{address} is not a numeric address") from None
        try:
            await asyncio.get_running_loop().create_datagram_endpoint(
                lambda: self.transport, remote_addr=(address, port)
            )
        except OSError as error:
            raise EngineError(f"no UDP socket to {address}: {error.strerror}") from None
        return self

    def own_address(self) -> str:
        """The address that this machine sends from."""
        return str(self.transport.transport.get_extra_info("sockname")[0])

    def failed(self, error: OSError) -> None:
        """ICMP port unreachable says that the datagram was not taken; other errors are but hints."""
        self.trouble = error.strerror or str(error)
        if error.errno == errno.ECONNREFUSED:
            self.sent = 0
            self.on_refused()

    async def close(self) -> None:
        """Close it, and give the loop the turn that this takes."""
        if self.transport.transport is not None:
            self.transport.transport.close()
            await asyncio.sleep(0)
