r"""The `imap` probe (RFC 9051, RFC 3501).

The mailbox is opened by EXAMINE: it tells the number of messages as SELECT does, and leaves \Recent to the
user's own program.
"""

from typing import Final

from netmon.mail import report
from netmon.mail.imap import ImapSession
from netmon.model import Check, Observation
from netmon.probes import mailbox_report
from netmon.probes.base import Context, ProbeKind
from netmon.probes.mailbox import MailboxRun, endpoint, role
from netmon.probes.mailbox_settings import ImapSettings


async def probe(check: Check, ctx: Context) -> Observation:
    """One conversation with the first address of the host that accepts a connection."""
    return await _Run(check, ctx).observe()


class _Run(MailboxRun[ImapSession]):
    def _conversation(self, phases: dict[str, float]) -> ImapSession:
        return ImapSession(
            self._trail, phases, limit=self._limit, patience=self._check.timeout, goodbye=self._goodbye
        )

    async def _open(self, talk: ImapSession) -> None:
        self._messages = await talk.examine(self._check.settings.mailbox)


KIND: Final = ProbeKind(
    name="imap",
    settings=ImapSettings,
    many=True,
    probe=probe,
    endpoint=endpoint,
    role=role,
    families=(*mailbox_report.FAMILIES, *report.FAMILIES),
)
