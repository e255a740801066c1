"""The `pop3` probe (RFC 1939): after the login STAT, and a QUIT that deletes nothing."""

from collections.abc import Iterator
from typing import Final

from netmon.mail import report
from netmon.mail.pop3 import Pop3Session
from netmon.model import Check, Observation, Table
from netmon.probes import mailbox_report
from netmon.probes.base import Context, ProbeKind
from netmon.probes.mailbox import MailboxRun, endpoint, role
from netmon.probes.mailbox_settings import Pop3Settings


async def probe(check: Check, ctx: Context) -> Observation:
    """One conversation with the first address of the host that accepts a connection."""
    return await _Run(check, ctx).observe()


class _Run(MailboxRun[Pop3Session]):
    _octets: int | None = None

    def _conversation(self, phases: dict[str, float]) -> Pop3Session:
        return Pop3Session(
            self._trail, phases, limit=self._limit, patience=self._check.timeout, goodbye=self._goodbye
        )

    async def _open(self, talk: Pop3Session) -> None:
        self._messages, self._octets = await talk.stat()

    def _tables(self) -> Iterator[Table]:
        yield from super()._tables()
        if self._octets is not None:
            yield report.scalar((mailbox_report.BYTES, self._octets))


KIND: Final = ProbeKind(
    name="pop3",
    settings=Pop3Settings,
    many=True,
    probe=probe,
    endpoint=endpoint,
    role=role,
    families=(*mailbox_report.FAMILIES, *report.FAMILIES),
)
