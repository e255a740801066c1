"""The `mailflow` probe: a message goes in by SMTP, and must come out of each mailbox as it was sent.

A server that answers on every port may lose mail all the same.  The message is a canary
(`netmon.mail.canary`) whose token nobody else can make.  It is handed over as a user's or another server's
would be, waited for gently, fetched, compared with what was sent, and deleted.  Servers that put a stranger
off at first (greylisting) are asked again within the deadline.  Canaries of runs that were not seen through
are taken away before the next one is sent; of other mail nothing but header lines is ever read, and nothing
is touched.
"""

import asyncio
import os
import time
from collections.abc import Awaitable, Iterator
from typing import Any, Final

from netmon.errors import Reason
from netmon.mail import canary
from netmon.mail.canary import Comparison
from netmon.mail.faults import MailError, failed
from netmon.mail.trail import printable
from netmon.model import Check, Finding, FindingKind, Observation, Phase, Result, Role, Severity
from netmon.probes import mailbox_report
from netmon.probes import mailflow_report as told
from netmon.probes.base import Context, ProbeKind
from netmon.probes.mailflow_box import Box
from netmon.probes.mailflow_legs import SendLeg
from netmon.probes.mailflow_report import ARRIVED, Outcome
from netmon.probes.mailflow_settings import MailflowSettings

_SHARE: Final = 0.97  # of the deadline: the run itself says how it ended
_CLEANING: Final = 5.0  # seconds of it that are kept for the last things, or a tenth of a short one
_LAST: Final = 1.5  # seconds before the end for a last look
_PATIENCE: Final = 30  # parts of the deadline: the first wait after a deferral is one of them
_LINES: Final = 600  # of the trail
_MOST_PATIENCE: Final = 60.0  # seconds between two tries to hand over


async def probe(check: Check, ctx: Context) -> Observation:
    """One message, from MAIL FROM to its deletion.

    A run by an older config may still go on when the first by a new one begins; that one waits for it.
    """
    begun, started = asyncio.get_running_loop().time(), ctx.wall()
    turn = ctx.flows.turn(check.settings.name)
    try:
        async with asyncio.timeout(check.deadline / 2):
            await turn.acquire()
    except TimeoutError:
        why = "another run of this mailflow still goes on"
        return Observation(
            check.key, Result.UNTESTABLE, Reason.LOCAL_ERROR, why, started, check.deadline / 2, begun
        )
    try:
        return await _Run(check, ctx, begun).observe()
    finally:
        turn.release()


class _Run:
    """One run; it gathers what it learns on its way."""

    def __init__(self, check: Check, ctx: Context, begun: float) -> None:
        self._check = check
        self._ctx = ctx
        self._settings: MailflowSettings = check.settings
        self._flow = self._settings.name
        self._loop = asyncio.get_running_loop()
        self._begun = begun
        self._started = ctx.wall()
        self._stopwatch = time.perf_counter()
        self._end = self._begun + check.deadline * _SHARE
        self._until = self._end - min(_CLEANING, check.deadline / 10)  # for all but the cleaning
        self._boxes = [Box(check, ctx, index) for index in range(len(self._settings.fetch))]
        self._phases: dict[str, float] = {}
        self._lines: list[str] = []
        self._findings: list[Finding] = []
        self._send: SendLeg | None = None
        self._accepted_at: float | None = None
        self._token = ""
        self._late: set[str] = set()  # nonces of earlier runs' canaries that arrived after all
        self._twice: set[str] = set()  # of those that had arrived before
        self._delivery: float | None = None
        self._comparison: Comparison | None = None

    async def observe(self) -> Observation:
        """Run to the end; nothing that the network does is raised."""
        flows = self._ctx.flows
        result, reason, detail = Result.OK, Reason.OK, ""
        try:
            outcome, detail = await self._through()
        except _EndedError as end:
            outcome, result, reason, detail = end.outcome, end.result, end.reason, end.detail
        finally:
            flows.ended(self._flow, clean=False)
        if outcome in ARRIVED and not any(box.left for box in self._boxes):
            flows.ended(self._flow, clean=True)
        elif outcome in (Outcome.REFUSED, Outcome.DEFERRED):
            flows.ended(self._flow, clean=True)  # nothing was accepted that could still come
        detail = printable(detail.encode(errors="replace"))
        self._lines.append(f"* {detail}" if detail.startswith(outcome) else f"* {outcome}: {detail}")
        self._tell_earlier()
        counts = self._ctx.totals.add(
            ("mailflow", self._flow), told.counted(outcome, len(self._late), len(self._twice))
        )
        came = outcome in ARRIVED
        return Observation(
            key=self._check.key,
            result=result,
            reason=reason,
            detail=detail,
            started=self._started,
            duration=time.perf_counter() - self._stopwatch,
            begun=self._begun,
            phases=tuple(Phase(name, seconds) for name, seconds in self._phases.items()),
            own=tuple(
                told.tables(
                    self._flow,
                    counts,
                    seconds=self._delivery,
                    intact=None if self._comparison is None else self._comparison.intact,
                    latest=self._ctx.wall() if came else None,
                )
            ),
            findings=tuple(self._findings),
            alive=self._alive(),
            trail=tuple(printable(line.encode(errors="replace")) for line in self._bounded()),
        )

    def _bounded(self) -> list[str]:
        """The lines of the run, without the middle of too many."""
        lines, cut = self._lines, len(self._lines) - _LINES
        return lines if cut <= 0 else [*lines[: _LINES // 2], f"* {cut} more lines", *lines[-_LINES // 2 :]]

    async def _through(self) -> tuple[Outcome, str]:
        """The whole way; gives the outcome of a message that arrived.  Raises _EndedError otherwise."""
        if not self._ctx.flows.is_clean(self._flow):
            await self._clear_up()
        send = await self._hand_over()
        begun = self._loop.time()
        single = len(self._boxes) == 1
        await _together(box.wait(self._token, self._until, delete=single) for box in self._boxes)
        slowest = max(self._boxes, key=lambda box: box.found_at if box.found_at is not None else float("inf"))
        self._phases["delivery"] = (slowest.found_at or self._loop.time()) - begun
        for name, seconds in slowest.phases.items():
            self._phases[f"{self._settings.fetch[self._boxes.index(slowest)].protocol}_{name}"] = seconds
        self._tell_boxes()
        if not single:
            await self._take_away()
        if came := [box for box in self._boxes if box.copies]:
            self._compare(send.sent, came)
        accepted = self._accepted()
        for box in self._boxes:
            if box.found_at is None:
                raise self._missing(box, accepted)
        self._delivery = (slowest.found_at or begun) - begun
        return self._arrived()

    async def _clear_up(self) -> None:
        """Take away what earlier runs left, and see that the mailboxes can be read, before more is sent."""
        begun = self._loop.time()
        for box in self._boxes:  # one by one: two may be the same mailbox, by two protocols
            await box.look(self._until, sweep=True)
            self._phases["clearing"] = self._loop.time() - begun
            if box.fault is not None:
                self._tell_boxes()
                raise self._unreadable(box, box.fault, "no message was sent: ")

    async def _hand_over(self) -> SendLeg:
        """Send the message; a server that puts it off is asked again.  Raises _EndedError."""
        nonce = os.urandom(8)
        self._token = self._ctx.flows.signer.make(self._flow, nonce, self._started)
        pause = self._check.deadline / _PATIENCE
        deferred, tries = 0.0, 0
        while True:
            leg = self._send = SendLeg(self._check, self._ctx, self._canary, self._until)
            try:
                await leg.go()
            except MailError as fault:
                if fault.result is Result.DEFERRED and self._loop.time() + pause < self._until - _LAST:
                    tries += 1
                    self._lines += [
                        *leg.lines(),
                        f"* put off: {leg.cleaned(fault)}; again in {told.length(pause)}",
                    ]
                    await asyncio.sleep(pause)
                    deferred += pause
                    pause = min(pause * 2, _MOST_PATIENCE)
                    continue
                self._tell_send(leg, deferred)
                raise self._unsent(leg, fault) from fault
            break
        self._accepted_at = self._loop.time()
        self._tell_send(leg, deferred)
        self._lines.append(f"* {self._accepted()}")
        if tries:
            text = f"the message was put off {tries} time{'s' * (tries > 1)}, for {told.length(deferred)}"
            self._notice(FindingKind.MAIL_DEFERRED, Severity.INFO, text)
        return leg

    def _canary(self, eight_bit: bool) -> bytes:  # noqa: FBT001
        settings = self._settings
        return canary.build(
            sender=settings.sender,
            recipient=settings.recipient,
            token=self._token,
            agent=self._ctx.agent_name,
            at=self._started,
            eight_bit=eight_bit,
        )

    def _compare(self, sent: bytes, came: list[Box]) -> None:
        """What of the copies is not as it was sent: all of them count."""
        compared = [canary.compare(sent, copy.message) for box in came for copy in box.copies]
        worst = next((one for one in compared if not one.intact), compared[0])
        self._comparison = worst
        message = came[0].copies[0].message
        self._lines += told.hop_lines(canary.hops(message))
        self._lines += [
            f"* Authentication-Results: {text}" for text in canary.authentication_results(message)
        ]
        self._lines += told.comparison_lines(worst)

    async def _take_away(self) -> None:
        """Delete what all mailboxes have shown by now: two may be the same one, by two protocols."""
        for box in self._boxes:
            await box.look(self._end, self._token, sweep=True)

    def _arrived(self) -> tuple[Outcome, str]:
        settings = self._settings
        assert self._comparison is not None and self._delivery is not None  # noqa: S101, PT018 - it came
        nonce = self._ctx.flows.signer.read(self._flow, self._token)
        if nonce is not None:
            left = any(box.left for box in self._boxes)
            self._ctx.flows.delivered(self._flow, nonce.nonce, left=left)
        copies = [copy for box in self._boxes for copy in box.copies]
        outcome, noticed = told.arrived(
            copies=len(copies),
            boxes=len(self._boxes),
            junk=[copy.folder for copy in copies if copy.junk],
            seconds=self._delivery,
            late_after=settings.late_after,
            comparison=self._comparison,
        )
        for kind, severity, text in noticed:
            self._notice(kind, severity, text)
        how = "re-encoded, with the same content" if self._comparison.recoded else "intact"
        detail = f"delivered after {told.length(self._delivery)}"
        return outcome, f"{detail}, {how}" if not noticed else f"{detail}: {noticed[0][2]}"

    def _missing(self, box: Box, accepted: str) -> "_EndedError":
        if box.fault is not None:
            return self._unreadable(box, box.fault, f"{accepted}, but ")
        waited = told.length(self._loop.time() - (self._accepted_at or self._begun))
        text = f"{accepted}, and not delivered to {box.name} within {waited}"
        self._notice(FindingKind.MAIL_LOST, Severity.FAULT, text)
        return _EndedError(Outcome.LOST, failed(Reason.MESSAGE_LOST, text))

    def _unreadable(self, box: Box, fault: MailError, before: str) -> "_EndedError":
        text = f"{before}the mailbox of {box.name} cannot be read ({fault.phase}): {fault}"
        own_side = fault.result is Result.UNTESTABLE
        if mailbox_report.refuses_us(fault.result, fault.reason, box.refusal):
            self._notice(FindingKind.PROBE_REJECTED, Severity.RISK, f"it refuses netmon itself: {fault}")
        elif not own_side:
            self._notice(FindingKind.MAILBOX_UNREADABLE, Severity.FAULT, text)
        outcome = Outcome.UNTESTABLE if own_side else Outcome.UNREADABLE
        return _EndedError(outcome, MailError(fault.result, fault.reason, text))

    def _unsent(self, leg: SendLeg, fault: MailError) -> "_EndedError":
        verb = {Result.REJECTED: "refused", Result.DEFERRED: "put off"}.get(fault.result, "not handed over")
        text = f"the message was {verb} ({fault.phase}): {leg.cleaned(fault)}"
        if told.refuses_us(fault, leg.refusal):
            self._notice(FindingKind.PROBE_REJECTED, Severity.RISK, f"it refuses netmon itself: {text}")
        return _EndedError(told.unsent(fault), MailError(fault.result, fault.reason, text))

    def _accepted(self) -> str:
        leg = self._send
        accepted = leg.accepted if leg is not None else None
        if accepted is None or leg is None:
            return "nothing was accepted"
        known = f"queued as {accepted.queue_id}" if accepted.queue_id else "without a queue identifier"
        return f"accepted by {self._settings.send.host} ({known})"

    def _notice(self, kind: FindingKind, severity: Severity, text: str) -> None:
        shown = printable(text.encode(errors="replace"))
        self._findings.append(Finding(kind, severity, shown, self._check.key, self._started))

    def _tell_send(self, leg: SendLeg, deferred: float) -> None:
        if deferred:
            self._phases["deferred"] = deferred
        self._phases |= leg.phases
        self._lines += leg.lines()

    def _tell_boxes(self) -> None:
        for box in self._boxes:
            self._lines.append(f"* the mailbox of {box.name}, look {box.looks}")
            self._lines += box.lines

    def _tell_earlier(self) -> None:
        """Canaries of earlier runs: late ones, and second copies of what had been fetched."""
        tokens = {token.nonce: token for box in self._boxes for token in box.earlier}
        for token in tokens.values():
            if self._ctx.flows.was_left(self._flow, token.nonce):
                continue
            known = self._ctx.flows.is_delivered(self._flow, token.nonce)
            (self._twice if known else self._late).add(token.nonce)
            self._ctx.flows.delivered(self._flow, token.nonce)
        for count, kind, what in (
            (len(self._late), FindingKind.DELIVERED_LATE, "arrived after the run that sent it had ended"),
            (len(self._twice), FindingKind.DELIVERED_TWICE, "arrived once more after it had been fetched"),
        ):
            if count:
                self._notice(kind, Severity.INFO, f"a message {what} ({count})")

    def _alive(self) -> bool | None:
        """Whether the host that the check belongs to, that of the first mailbox, was heard."""
        address = self._settings.addresses[1]
        heard = [box.alive for box in self._boxes if box.address == address]
        if self._send is not None and self._settings.addresses[0] == address:
            heard.append(self._send.alive)
        return True if True in heard else False if False in heard else None


class _EndedError(Exception):
    """The run is over before the message has arrived."""

    def __init__(self, outcome: Outcome, fault: MailError) -> None:
        super().__init__(str(fault))
        self.outcome = outcome
        self.result = fault.result
        self.reason = fault.reason
        self.detail = str(fault)


async def _together(runs: Iterator[Awaitable[None]]) -> None:
    async with asyncio.TaskGroup() as group:
        for run in runs:
            group.create_task(_awaited(run))


async def _awaited(run: Awaitable[None]) -> None:
    await run


def endpoint(host: str, settings: MailflowSettings) -> str:
    """The label `endpoint`: the mailflow's name."""
    del host
    return settings.name


def role(settings: Any) -> Role:
    """What goes through, whatever the doors say."""
    del settings
    return Role.FLOW


KIND: Final = ProbeKind(
    name="mailflow",
    settings=MailflowSettings,
    many=True,
    probe=probe,
    endpoint=endpoint,
    role=role,
    families=told.FAMILIES,
    own_labels=(),
    of_hosts=False,
    longest=lambda settings: float(settings.deadline),
    unrun=lambda settings: told.unrun(settings.name),
)
