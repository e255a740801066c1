"""A mailbox that a mailflow's message must reach: looked into gently, until it is there."""

import asyncio
from typing import Any, Final

from netmon.errors import Reason
from netmon.mail.canary import Token
from netmon.mail.faults import MailError
from netmon.mail.trail import printable
from netmon.model import Check
from netmon.probes.base import Context
from netmon.probes.mailflow_legs import Copy, ImapLook, Look, Pop3Look, Wanted

_FIRST: Final = 0.2  # seconds from acceptance to the first look
_GROWTH: Final = 1.6
_LONGEST: Final = 5.0  # seconds between two looks
_LAST: Final = 1.5  # seconds before the end for a last look


class Box:
    """A mailbox that the message must reach."""

    def __init__(self, check: Check, ctx: Context, index: int) -> None:
        self._check = check
        self._ctx = ctx
        self._index = index
        self._settings = check.settings.fetch[index]
        self.address: str = check.settings.addresses[index + 1]
        self.copies: list[Copy] = []
        self.found_at: float | None = None  # loop time of the look that found it
        self.fault: MailError | None = None  # of the latest look
        self.refusal = ""
        self.earlier: list[Token] = []
        self.left = False
        self.alive: bool | None = None
        self.looks = 0
        self.phases: dict[str, float] = {}  # of the latest look
        self.lines: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What people call it."""
        settings = self._settings
        user = printable(settings.login.username.encode())
        return f"{user} on {settings.host} ({settings.protocol})"

    async def look(self, until: float, token: str = "", *, sweep: bool = False, delete: bool = True) -> None:
        """Look once; a fault is kept."""
        wanted = Wanted(
            self._check.settings.name, self._index, self._ctx.flows, token, sweep=sweep, delete=delete
        )
        kind: type[Look[Any]] = ImapLook if self._settings.protocol == "imap" else Pop3Look
        leg = kind(self._check, self._ctx, wanted, until)
        begun = asyncio.get_running_loop().time()
        self.looks += 1
        self.fault = None
        try:
            await leg.go()
        except MailError as fault:
            self.fault = MailError(fault.result, fault.reason, leg.cleaned(fault))
            self.fault.phase = fault.phase
            self.refusal = leg.refusal
        self.earlier += leg.earlier
        if self.fault is not None:
            self.left = self.left or bool(leg.copies)
        else:
            self.left = leg.left or (self.left and not sweep)
        if leg.alive is not None:
            self.alive = leg.alive
        if leg.copies and self.found_at is None:
            self.found_at = begun
            self.copies = leg.copies
        if not self.copies or leg.copies:
            self.phases, self.lines = dict(leg.phases), leg.lines()

    async def wait(self, token: str, until: float, *, delete: bool) -> None:
        """Look until the message is there; a login that is refused ends it."""
        loop = asyncio.get_running_loop()
        pause, swept = _FIRST, False
        while True:
            left = until - loop.time() - _LAST
            await asyncio.sleep(max(min(pause, left), 0))
            await self.look(until, token, sweep=not swept, delete=delete)
            swept = True
            if self.found_at is not None or left <= pause:
                return
            if self.fault is not None and self.fault.reason is Reason.LOGIN_REJECTED:
                return
            pause = min(pause * _GROWTH, _LONGEST)
