"""Sending traps and informs of every version, with pysnmp's engine (RFC 3413 §3.3).

A trap of SNMPv3 goes out under the sender's own engine ID, with its boots and time, which receivers
remember: boots must rise with every start, or they take what is sent for a replay (RFC 3414 §3.2 step
7b).  So the caller keeps them.  An inform goes out under the receiver's engine ID, which is asked first.
For v1 the notification is mapped by RFC 3584 §3.2; there are no informs of v1.
"""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from pysnmp.entity import config as lcd
from pysnmp.entity.engine import SnmpEngine
from pysnmp.entity.rfc3413.ntforg import NotificationOriginator
from pysnmp.error import PySnmpError
from pysnmp.proto.api import v2c

from netmon.snmp import ber
from netmon.snmp.engine import REPORTS, ConnectedSocket, built_engine, configured, pair_of
from netmon.snmp.outcome import Credentials, EngineError, Varbind

SYS_UP_TIME: Final = ber.encode_oid("1.3.6.1.2.1.1.3.0")
SNMP_TRAP_OID: Final = ber.encode_oid("1.3.6.1.6.3.1.1.4.1.0")
SNMP_TRAP_ADDRESS: Final = ber.encode_oid("1.3.6.1.6.3.18.1.3.0")
_V3: Final = 3
_SHORTEST: Final = 3  # sub-identifiers of a notification that v1 can name
_GRACE: Final = 2.0  # seconds beyond pysnmp's own timeouts, for its tick and its discovery
_ROUNDS: Final = 3  # engine ID, clock, and the inform itself (RFC 3414 §4)


@dataclass(frozen=True, slots=True)
class Identity:
    """The sender as an engine of SNMPv3."""

    engine_id: bytes
    boots: int


@dataclass(frozen=True, slots=True)
class Notice:
    """What to send: the notification's OID as content octets, its varbinds, hundredths of a second up."""

    trap: bytes
    varbinds: Sequence[Varbind] = ()
    uptime: int = 0
    inform: bool = False


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of it.  `acknowledged` is None for a trap, of which nobody ever hears."""

    acknowledged: bool | None
    seconds: float
    why: str = ""  # where nothing acknowledged it, or nobody listens


async def send(
    credentials: Credentials,
    address: str,
    port: int,
    notice: Notice,
    *,
    identity: Identity | None = None,
    seconds: float = 3.0,
    retries: int = 2,
) -> Sent:
    """Send one notification to a numeric address; an inform is sent again as long as nothing answers.

    `seconds` are for each try.  A trap of v3 needs an `identity`.  Raises EngineError before anything
    is sent.
    """
    if notice.inform and credentials.version == 1:
        raise EngineError("SNMPv1 has no informs: send a trap, or use v2c or v3")
    if credentials.version == 1 and len(ber.oid_numbers(notice.trap)) < _SHORTEST:
        raise EngineError("SNMPv1 cannot name a notification of so short an OID (RFC 3584 §3.2)")
    varbinds = [
        Varbind(SYS_UP_TIME, ber.TIME_TICKS, notice.uptime),
        Varbind(SNMP_TRAP_OID, ber.OBJECT_IDENTIFIER, notice.trap),
        *notice.varbinds,
    ]
    pairs = [pair_of(one, credentials.version) for one in varbinds]
    engine = await asyncio.to_thread(_engine, identity)
    try:
        with configured(engine, credentials):
            socket = await ConnectedSocket.open(address, port)
            try:
                known = {one.oid for one in notice.varbinds}
                if credentials.version == 1 and ":" not in address and SNMP_TRAP_ADDRESS not in known:
                    # RFC 3584 §3.2 (2): agent-addr is the sender's address.
                    own = socket.own_address()
                    octets = bytes(map(int, own.split(".")))
                    pairs.append(pair_of(Varbind(SNMP_TRAP_ADDRESS, ber.IP_ADDRESS, octets), 1))
                return await _Sending(engine, socket, credentials, seconds, retries).run(notice, pairs)
            finally:
                await socket.close()
    finally:
        engine.close_dispatcher()


def _engine(identity: Identity | None) -> SnmpEngine:
    engine = built_engine()
    if identity is not None:
        # Not by the constructor, which keeps boots of its own in a folder that anybody may write to.
        builder = engine.get_mib_builder()
        engine_id, boots = builder.import_symbols("__SNMP-FRAMEWORK-MIB", "snmpEngineID", "snmpEngineBoots")
        engine_id.syntax = engine_id.syntax.clone(identity.engine_id)
        boots.syntax = boots.syntax.clone(identity.boots)
        engine.snmpEngineID = engine_id.syntax
    return engine


@dataclass(slots=True)
class _Sending:
    """One notification on its way."""

    engine: SnmpEngine
    socket: ConnectedSocket
    credentials: Credentials
    seconds: float
    retries: int

    async def run(self, notice: Notice, pairs: Sequence[Any]) -> Sent:
        answer: asyncio.Future[str] = asyncio.get_running_loop().create_future()

        def on_answer(_engine: Any, _handle: Any, indication: Any, pdu: Any, _context: Any) -> None:
            if not answer.done():
                answer.set_result(_trouble(indication, pdu))

        def on_refused() -> None:
            if not answer.done():
                answer.set_result("nobody listens there (ICMP port unreachable)")

        self.socket.on_refused = on_refused
        begun = time.monotonic()
        lcd.add_transport(self.engine, self.socket.domain, self.socket.transport)
        try:
            lcd.add_target_address(
                self.engine, "target", self.socket.domain, self.socket.address, "how", self.seconds * 100,
                self.retries,
            )  # fmt: skip
            pdu = v2c.InformRequestPDU() if notice.inform else v2c.SNMPv2TrapPDU()
            v2c.apiPDU.set_defaults(pdu)
            v2c.apiPDU.set_varbinds(pdu, pairs)
            try:
                NotificationOriginator().send_pdu(
                    self.engine, "target", self.credentials.context_engine_id,
                    self.credentials.context_name.encode(), pdu, on_answer,
                )  # fmt: skip
                why = await self._outcome(answer, inform=notice.inform)
            except PySnmpError as error:
                raise EngineError(f"no notification can be made of this: {type(error).__name__}") from None
            acknowledged = not why if notice.inform else None
            return Sent(acknowledged, time.monotonic() - begun, why)
        finally:
            lcd.delete_target_address(self.engine, "target")
            lcd.delete_transport(self.engine, self.socket.domain)

    async def _outcome(self, answer: "asyncio.Future[str]", *, inform: bool) -> str:
        """What went wrong, or nothing."""
        if not inform:
            # Nobody answers a trap; a moment is enough to hear that nobody listens on this machine.
            await asyncio.wait((answer,), timeout=0.05)
            return answer.result() if answer.done() else ""
        patience = self.seconds * (self.retries + _ROUNDS) + _GRACE
        try:
            async with asyncio.timeout(patience):
                return await answer
        except TimeoutError:
            return f"no answer within {patience:g} s"


def _trouble(indication: Any, pdu: Any) -> str:
    if indication is not None:
        kind = type(indication).__name__
        name = kind[:1].lower() + kind[1:]
        if name == "requestTimedOut":
            return "no answer in time"
        return REPORTS.get(name, f"no answer that can be used ({name})").replace("the agent", "the receiver")
    status = int(v2c.apiPDU.get_error_status(pdu)) if pdu is not None else 0
    return f"the receiver answered with error-status {status}" if status else ""
