"""The steps of a module, one after another, as blackbox_exporter takes them.

What a run gathers stands in an `Outcome` from the first moment, so that neither a fault nor the
deadline loses any of it.
"""

import asyncio
import socket
import ssl
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Final

from netmon.errors import Reason
from netmon.mail.faults import MailError, connect_fault, failed, untestable
from netmon.mail.slots import NoSlotError, Slot, Slots
from netmon.mail.tls import TrustStores, handshake_fault
from netmon.tcpprobe.expressions import MOST, Match, as_octets, expand
from netmon.tcpprobe.records import Step, TcpModule
from netmon.tcpprobe.session import Session, client_context, examine, sni, untrusted
from netmon.tcpprobe.transcript import Transcript
from netmon.tcpprobe.wire import Wire

_POLITE: Final = 0.25  # of the time, for waiting one's turn
_BREATH: Final = 100  # lines after which others have a turn
_MOST_LINES: Final = 100_000  # of one conversation
_LABEL: Final = 1000  # characters of a label's value
_SHOWN: Final = 200


@dataclass(slots=True)
class Outcome:
    """What became of a conversation so far; `infos` are names and values of labels, by step."""

    success: bool = False
    reason: Reason = Reason.NOT_RUN
    detail: str = ""
    failed_by_regex: bool = False
    failed_by_bytes: bool = False
    rejected: bool = False
    connected: bool = False
    heard: bool = False
    infos: list[tuple[tuple[str, ...], tuple[str, ...]]] = field(default_factory=list)
    session: Session | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where to and by whose name: a numeric address, a port, and the name that a certificate must have."""

    address: str
    port: int
    name: str


async def converse(
    module: TcpModule,
    place: Place,
    outcome: Outcome,
    *,
    trust: TrustStores,
    slots: Slots,
    wall: Callable[[], float],
    transcript: Transcript | None,
    until: float,
) -> None:
    """Hold one conversation until the loop time `until`; what the network does is never raised."""
    run = _Run(module, place, outcome, trust=trust, wall=wall, transcript=transcript)
    try:
        async with asyncio.timeout_at(until), AsyncExitStack() as stack:
            slot = await _turn(stack, slots, place, until)
            try:
                await run.connect()
            except MailError as fault:
                if fault.reason is Reason.REFUSED and slot is not None:
                    slot.answered()
                raise
            except asyncio.CancelledError:
                if asyncio.get_running_loop().time() >= until and slot is not None:
                    slot.silent()
                raise
            if slot is not None:
                slot.answered()
            await run.talk()
    except MailError as fault:
        outcome.reason, outcome.detail = fault.reason, str(fault)
    except TimeoutError:
        outcome.reason = Reason.DEADLINE if outcome.heard else Reason.TIMEOUT
        what = "did not go on in time" if outcome.heard else "did not answer in time"
        outcome.detail = f"{place.address} port {place.port} {what}"
    else:
        outcome.success, outcome.reason, outcome.detail = True, Reason.OK, "the conversation went as told"
    finally:
        run.close()
    run.say(f"{outcome.reason}: {outcome.detail}")


async def _turn(stack: AsyncExitStack, slots: Slots, place: Place, until: float) -> Slot | None:
    """Wait politely for the port's other conversations, but not for so long that the probe fails by it.

    A turn is of a port, not of the address as for scheduled checks: a client's patience is short, and a port
    that hangs must not fail the probes of the others.
    """
    now = asyncio.get_running_loop().time()
    turn = slots.hold(f"{place.address} port {place.port}", until=now + (until - now) * _POLITE)
    try:
        return await stack.enter_async_context(turn)
    except NoSlotError:
        return None


class _Run:
    """One conversation."""

    def __init__(
        self,
        module: TcpModule,
        place: Place,
        outcome: Outcome,
        *,
        trust: TrustStores,
        wall: Callable[[], float],
        transcript: Transcript | None,
    ) -> None:
        self._module = module
        self._place = place
        self._outcome = outcome
        self._trust = trust
        self._wall = wall
        self._transcript = transcript
        self._lines = 0
        self._wire = Wire()

    def say(self, text: str) -> None:
        """A line of the transcript, if there is one."""
        if self._transcript is not None:
            self._transcript.say(text)

    def close(self) -> None:
        """End the connection."""
        self._wire.close()

    async def connect(self) -> None:
        """Connect, and shake hands where TLS comes first."""
        address, port = self._place.address, self._place.port
        loop = asyncio.get_running_loop()
        self.say(f"connecting to {address} port {port}")
        context = client_context(self._module.tls_settings) if self._module.tls else None
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        door: socket.socket | None = None
        try:
            door = socket.socket(family, socket.SOCK_STREAM)
            door.setblocking(False)
            if self._module.source is not None:
                door.bind((self._module.source, 0))
            await loop.sock_connect(door, (address, port))
            await loop.create_connection(lambda: self._wire, sock=door)
        except BaseException as error:
            if door is not None:
                door.close()
            if isinstance(error, OSError) and not isinstance(error, TimeoutError):
                raise connect_fault(error, address, port) from error
            raise
        self._outcome.connected = True
        if context is not None:
            await self._secure(context)

    async def talk(self) -> None:
        """Take the steps of the module."""
        for number, step in enumerate(self._module.steps):
            self.say(f"step {number}")
            await self._step(step)

    async def _step(self, step: Step) -> None:
        match = None
        if step.expect is not None:
            match = await self._await_match(step)
            if step.labels:
                names = tuple(name for name, _ in step.labels)
                values = tuple(_label(expand(template, match)) for _, template in step.labels)
                self._outcome.infos.append((names, values))
        if step.expect_bytes:
            await self._await_octets(step.expect_bytes)
        if step.send and (data := _filled(step, match)):
            if match is not None and len(data) > MOST:
                raise failed(Reason.PROTOCOL_ERROR, "what the server said makes too much to send")
            if self._transcript is not None:
                self._transcript.sent(data)
            await self._wire.send(data + b"\n")
        if step.starttls:
            await self._secure(client_context(self._module.tls_settings))

    async def _await_match(self, step: Step) -> Match:
        """Read lines until one matches."""
        if step.expect is None:
            raise RuntimeError("a step without an expression")
        while (line := await self._wire.line()) is not None:
            self._outcome.heard = True
            if self._transcript is not None:
                self._transcript.received(line)
            if step.reject is not None and step.reject.search(line):
                self._outcome.rejected = True
                said = self._transcript.shown(line, _SHOWN) if self._transcript else line[:_SHOWN]
                shown = said.decode("utf-8", "replace")
                raise failed(
                    Reason.ANSWER_REJECTED, f'the server said "{shown}", which {step.reject.text} rejects'
                )
            if (match := step.expect.search(line)) is not None:
                self._outcome.failed_by_regex = False
                return match
            self._lines += 1
            if self._lines > _MOST_LINES:
                raise failed(Reason.PROTOCOL_ERROR, f"the server sent more than {_MOST_LINES} lines in vain")
            if self._lines % _BREATH == 0:
                await asyncio.sleep(0)
        self._outcome.failed_by_regex = True
        raise failed(Reason.EXPECT_UNMATCHED, f"the stream ended before a line matched {step.expect.text}")

    async def _await_octets(self, wanted: bytes) -> None:
        found = await self._wire.octets(len(wanted))
        self._outcome.heard = self._outcome.heard or bool(found)
        if self._transcript is not None:
            self._transcript.received(found)
        if found == wanted:
            return
        if len(found) < len(wanted):
            raise failed(
                Reason.EXPECT_UNMATCHED,
                f"the stream ended after {len(found)} octets of {len(wanted)} expected",
            )
        self._outcome.failed_by_bytes = True
        raise failed(Reason.EXPECT_UNMATCHED, "the server sent other octets than those expected")

    async def _secure(self, context: ssl.SSLContext) -> None:
        """Shake hands, and judge the certificate."""
        settings = self._module.tls_settings
        name = (settings.server_name or self._place.name).rstrip(".")
        if self._wire.session is not None:
            raise untestable(Reason.LOCAL_ERROR, "the module asks for TLS inside TLS")
        try:
            ssl_session = await self._wire.tls(context, sni(name))
        except (ssl.SSLError, ValueError) as error:
            self._outcome.heard = True
            reason, text = handshake_fault(error)
            raise failed(reason, text) from error
        self._outcome.heard = True
        session = examine(ssl_session, settings, name, self._trust, self._wall())
        self._outcome.session = session
        self.say(f"{session.version} {session.cipher}")
        if (fault := untrusted(session, settings, name)) is not None:
            raise fault


def _filled(step: Step, match: Match | None) -> bytes:
    if match is None:
        return as_octets("".join(part for part in step.send if isinstance(part, str)))
    return as_octets(expand(step.send, match))


def _label(value: str) -> str:
    """What a server said as a label: bounded, and text."""
    return value[:_LABEL].encode("utf-8", "surrogateescape").decode("utf-8", "replace")
