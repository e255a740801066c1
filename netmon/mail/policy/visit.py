"""A look at the certificate that one address of a mail server presents: greeting, EHLO, STARTTLS, QUIT."""

import asyncio
from typing import Final

from netmon.errors import Reason
from netmon.mail.faults import MailError, failed
from netmon.mail.manners import Manners
from netmon.mail.policy.presented import Presented
from netmon.mail.slots import NoSlotError, Slots
from netmon.mail.smtp import Conversation
from netmon.mail.tls import TrustError, TrustStores, presented_chain
from netmon.mail.trail import Trail, printable
from netmon.model import Result

_GOODBYE: Final = 1.0
_ALONE: Final = 300.0  # seconds that a server is left alone after its first 421
# The server answered, and there is no TLS: a sender that must have it does not deliver.
_NO_TLS: Final = frozenset(
    {
        Reason.STARTTLS_MISSING,
        Reason.STARTTLS_REJECTED,
        Reason.TLS_HANDSHAKE,
        Reason.TLS_PROTOCOL_VERSION,
    }
)


class Visitor:
    """Who visits, and with what patience; times are the loop's, `now` is wall time."""

    def __init__(
        self,
        *,
        agent_name: str,
        slots: Slots,
        manners: Manners,
        trust: TrustStores,
        ca_file: str | None,
        port: int,
        patience: float,
        limit: float,
        now: float,
    ) -> None:
        self._agent_name = agent_name
        self._slots = slots
        self._manners = manners
        self._trust = trust
        self._ca_file = ca_file
        self._port = port
        self._patience = patience
        self._limit = limit
        self._now = now

    async def visit(self, server: str, address: str) -> Presented:
        """Never raises for what the network does; ends by the limit."""
        loop = asyncio.get_running_loop()
        talk = Conversation(
            Trail(), {}, limit=self._limit - _GOODBYE, patience=self._patience, goodbye=_GOODBYE
        )
        try:
            async with self._slots.hold(address, until=self._limit - _GOODBYE) as slot, talk:
                # Only now: who was there before us may have been sent away.
                away = self._manners.away((address, self._port), loop.time())
                if away is not None:
                    return Presented(server, address, fault=f"it said 421 and is left alone: {away.text}")
                try:
                    await talk.connect(address, self._port, within=self._patience)
                except MailError as fault:
                    if fault.reason is Reason.TIMEOUT:
                        slot.silent()
                    elif fault.result is not Result.UNTESTABLE:
                        slot.answered()
                    raise
                slot.answered()
                # The greeting has all the time there is (RFC 5321 §4.5.3.2): postscreen and others delay it.
                await talk.greet(max(self._limit - loop.time(), 0.0))
                await talk.ehlo(self._agent_name)
                await talk.starttls(self._trust.context, server)
                if talk.session is None:
                    raise failed(Reason.TLS_HANDSHAKE, "the TLS session has gone")
                chain = tuple(presented_chain(talk.session))
                facts = self._trust.examine(talk.session, server, self._ca_file, self._now)
        except MailError as fault:
            words = printable(str(fault).encode(errors="replace"))
            if talk.sent_away:
                self._manners.send_away((address, self._port), loop.time(), _ALONE, fault.reason, words)
            return Presented(server, address, fault=words, no_tls=fault.reason in _NO_TLS)
        except (NoSlotError, TrustError) as error:
            return Presented(server, address, fault=str(error))
        return Presented(
            server,
            address,
            chain=chain,
            untrusted=printable(facts.certificate.chain_error.encode(errors="replace")),
            name_valid=facts.name_valid,
        )
