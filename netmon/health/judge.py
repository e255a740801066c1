"""The verdict table: first match wins, and the facts of lower rows stay as findings."""

from collections.abc import Callable, Iterable
from collections.abc import Set as AbstractSet
from typing import Final

from netmon.errors import Reason
from netmon.health.causes import EXPLAINS
from netmon.health.rules import findings
from netmon.health.sentence import Told, sentence
from netmon.health.view import (
    DEFERRAL_LIMIT,
    SNMP,
    HostView,
    failing_mail,
    fresh,
    life_of,
    listening,
    roles,
    tested,
)
from netmon.model import (
    CheckState,
    Finding,
    FindingKind,
    MailState,
    Result,
    Role,
    Severity,
    SnmpState,
    Verdict,
    VerdictName,
)

# What a filter on the path looks like from outside: nothing at all.
_SILENCE: Final = frozenset({Reason.TIMEOUT})


class _Case:
    """A view, read once: every row of the table asks this."""

    def __init__(self, view: HostView, now: float, findings: tuple[Finding, ...]) -> None:
        self.view = view
        self.now = now
        self.findings = findings
        self.fresh = fresh(view, now)
        self.tested = tested(self.fresh)
        self.mail = tuple(state for state in self.fresh if state.check.role is not None)
        self.snmp = tuple(state for state in self.fresh if state.check.key.probe == SNMP)
        self.failing_mail = failing_mail(self.fresh)
        self.down = tuple(state for group in roles(self.mail).values() for state in _down(group, now))
        self.down = _without_open_doors(self.down, self.tested)
        self.degraded = bool(self.failing_mail) or self._has(Severity.FAULT, self.mail)
        causes = [finding for finding in findings if finding.severity is Severity.CAUSE]
        # Those failures of mail that a cause explains; a full disk does not explain a bad certificate.
        self.explained = tuple(
            state
            for state in self.failing_mail
            if any(state.reason in EXPLAINS.get(cause.kind, ()) for cause in causes)
        )
        # When life was lost.  The latest of the failures, not the first: an endpoint may have been
        # failing for days before the host died.
        self.life_lost = max(
            (state.since_begun for state in self.tested if state.result is not Result.OK), default=now
        )
        # Since when nothing was heard, for people.
        self.life_lost_at = max(
            (state.since for state in self.tested if state.result is not Result.OK), default=view.wall
        )
        self.life = life_of(self.fresh)
        if self.life is False and view.carries_begun > self.life_lost:
            self.life = True  # a host that is reached through it alone has answered since

    def _has(self, severity: Severity, states: Iterable[CheckState]) -> bool:
        keys = {state.check.key for state in states}
        return any(finding.severity is severity and finding.key in keys for finding in self.findings)

    def _saying(
        self, states: Iterable[CheckState], severities: AbstractSet[Severity]
    ) -> Iterable[CheckState]:
        """Those that said a finding of such a weight."""
        keys = {finding.key for finding in self.findings if finding.severity in severities}
        return (state for state in states if state.check.key in keys)

    def showed_life_since(self, moment: float) -> bool:
        """Whether a run begun after `moment` heard of the host (monotonic)."""
        return self.view.carries_begun > moment or any(
            state.observation is not None and state.observation.alive and state.observation.begun > moment
            for state in self.fresh
        )

    # The rows, in the table's order.  Each gives the checks that decide, or None: no match.

    def unknown(self) -> tuple[CheckState, ...] | None:
        if self.view.isolated:
            return ()
        if not self.tested:
            return tuple(state for state in self.fresh if state.result is not None)
        # Ping alone, and it never answered: silence of that kind says nothing.
        return () if self.life is None and not self.mail and not self.snmp else None

    def unreachable(self) -> tuple[CheckState, ...] | None:
        upstreams = self.view.upstreams
        if self.life is not False or not upstreams:
            return None
        for upstream in upstreams:
            proven = upstream.begun > self.life_lost
            if upstream.alive is not False or not proven or upstream.behind_begun > self.life_lost:
                return None
        return self.tested

    def host_down(self) -> tuple[CheckState, ...] | None:
        return self.tested if self.life is False and self._configured_mail() else None

    def device_down(self) -> tuple[CheckState, ...] | None:
        return self.tested if self.life is False else None

    def mail_starved(self) -> tuple[CheckState, ...] | None:
        return (self.down or self.failing_mail) if self.explained else None

    def path_filtered(self) -> tuple[CheckState, ...] | None:
        if not self.down or self.life is not True:
            return None
        if not all(state.reason in _SILENCE for state in self.down):
            return None
        device = self.view.device
        if device is None or not any(
            state.observation is not None and state.observation.begun == device.begun for state in self.snmp
        ):
            return None  # an old table does not tell of now
        ports = listening(self.view.host, device)
        return self.down if any(_port(state) in ports for state in self.down) else None

    def mail_down(self) -> tuple[CheckState, ...] | None:
        return self.down or None

    def mail_degraded(self) -> tuple[CheckState, ...] | None:
        if not self.degraded:
            return None
        return self.failing_mail or tuple(self._saying(self.mail, {Severity.FAULT}))

    def untestable(self) -> tuple[CheckState, ...] | None:
        # The first run of a mailflow may take minutes, in which it is no blind spot yet.
        groups = [
            group
            for role, group in roles(self.view.checks).items()
            if role is not Role.FLOW or any(state.result is not None for state in group)
        ]
        groups.append(tuple(self._configured_snmp()))
        fresh = set(map(id, self.tested))
        blind = [
            state
            for group in groups
            if group and not any(id(state) in fresh for state in group)
            for state in group
        ]
        return tuple(state for state in blind if state.observation is not None) if blind else None

    def agent_down(self) -> tuple[CheckState, ...] | None:
        failed = tuple(
            state
            for state in self.snmp
            if state.result in {Result.FAILED, Result.REJECTED, Result.DEFERRED}
            and state.reason is not Reason.MODULE_FAILED
        )
        return failed or None

    def device_degraded(self) -> tuple[CheckState, ...] | None:
        partial = tuple(state for state in self.snmp if state.reason is Reason.MODULE_FAILED)
        if partial or any(finding.severity is not Severity.INFO for finding in self.findings):
            said = tuple(self._saying(self.fresh, set(Severity) - {Severity.INFO}))
            return partial or said or self.tested  # what an upstream's agent says is confirmed by our runs
        return None

    def healthy(self) -> tuple[CheckState, ...] | None:
        return tuple(state for state in self.tested if state.result is Result.OK)

    def _configured_mail(self) -> bool:
        return self.view.has_mail

    def _configured_snmp(self) -> Iterable[CheckState]:
        return (state for state in self.view.checks if state.check.key.probe == SNMP)

    # What each side says for itself.

    def mail_state(self) -> MailState:
        if not self._configured_mail():
            return MailState.NONE
        if self.down:
            return MailState.DOWN
        if self.degraded:
            return MailState.DEGRADED
        return MailState.OK if tested(self.mail) else MailState.UNTESTABLE

    def snmp_state(self) -> SnmpState:
        if not any(self._configured_snmp()):
            return SnmpState.NONE
        tested_ = tested(self.snmp)
        if not tested_:
            return SnmpState.UNTESTABLE
        if all(state.result is Result.OK for state in tested_):
            return SnmpState.OK
        if any(state.reason is Reason.MODULE_FAILED for state in tested_):
            return SnmpState.DEGRADED
        rejected = any(state.result is Result.REJECTED for state in tested_)
        return SnmpState.REJECTED if rejected else SnmpState.FAILED


Row = tuple[VerdictName, Callable[[_Case], tuple[CheckState, ...] | None]]

TABLE: Final[tuple[Row, ...]] = (
    (VerdictName.UNKNOWN, _Case.unknown),
    (VerdictName.UNREACHABLE, _Case.unreachable),
    (VerdictName.HOST_DOWN, _Case.host_down),
    (VerdictName.DEVICE_DOWN, _Case.device_down),
    (VerdictName.MAIL_STARVED, _Case.mail_starved),
    (VerdictName.PATH_FILTERED, _Case.path_filtered),
    (VerdictName.MAIL_DOWN, _Case.mail_down),
    (VerdictName.MAIL_DEGRADED, _Case.mail_degraded),
    (VerdictName.UNKNOWN, _Case.untestable),
    (VerdictName.AGENT_DOWN, _Case.agent_down),
    (VerdictName.DEVICE_DEGRADED, _Case.device_degraded),
    (VerdictName.HEALTHY, _Case.healthy),
)


def judge(view: HostView, now: float) -> Verdict:
    """The verdict that the latest observations suggest; `now` is monotonic seconds."""
    found = findings(view, now)
    case = _Case(view, now, found)
    for name, row in TABLE:
        deciding = row(case)
        if deciding is not None:
            told = Told(case.fresh, case.failing_mail, case.life, case.life_lost_at, found)
            return Verdict(
                name,
                sentence(name, view, told),
                found,
                tuple(state.check.key for state in deciding),
                waits_for=_waits_for(name, case),
                mail=case.mail_state(),
                snmp=case.snmp_state(),
            )
    raise AssertionError("the table's last row always matches")


def _waits_for(name: VerdictName, case: _Case) -> tuple[str, ...]:
    """Hosts that must be looked at once more before the verdict may be confirmed."""
    if name in {VerdictName.HOST_DOWN, VerdictName.DEVICE_DOWN}:
        # Before silence is blamed on the host: is it the upstream's?
        upstreams = case.view.upstreams
        if any(upstream.alive and upstream.begun > case.life_lost for upstream in upstreams):
            return ()
        return tuple(upstream.name for upstream in upstreams if upstream.begun <= case.life_lost)
    if name in {VerdictName.MAIL_DOWN, VerdictName.PATH_FILTERED} and case.life is True:
        # Before silence is blamed on the service: does the host still live?
        silent = [state.since_begun for state in case.down if state.reason in _SILENCE]
        if len(silent) == len(case.down) and not case.showed_life_since(min(silent)):
            return (case.view.host.name,)
    return ()


def _down(group: tuple[CheckState, ...], now: float) -> tuple[CheckState, ...]:
    """The checks of a role's required endpoints if none of them accepts; otherwise nothing.

    A server that defers is not down yet: it asked to come back.  It is after `DEFERRAL_LIMIT`, and
    at once when it says that its own system is in trouble (RFC 3463 §3.4, X.3.Z).
    """
    required = tested(state for state in group if state.check.required)
    for state in required:
        if state.result is Result.OK:
            return ()
        waiting = now - state.since_begun < DEFERRAL_LIMIT and state.reason is not Reason.SYSTEM_DEFERRED
        if state.result is Result.DEFERRED and waiting:
            return ()
    return required


def _without_open_doors(
    down: tuple[CheckState, ...], tested_: Iterable[CheckState]
) -> tuple[CheckState, ...]:
    """What is down, without mailflows that fail behind doors which stand open.

    A message that was accepted and does not arrive is a fault of the mail, and no outage of it, while users
    and servers are let in; one that cannot be fetched, while others' mailboxes can be opened.  Where no door
    of the host is checked the mailflow is all the proof there is, and what refuses its message refuses mail.
    """
    doors = {state.check.role for state in tested_ if state.result is Result.OK} - {None, Role.FLOW}

    def stands(state: CheckState) -> bool:
        if state.check.role is not Role.FLOW or (state.result is Result.REJECTED and not _unread(state)):
            return True
        return Role.ACCESS not in doors if _unread(state) else not doors

    return tuple(state for state in down if stands(state))


def _unread(state: CheckState) -> bool:
    """Whether a mailflow's mailbox could not be read."""
    seen = state.observation
    return seen is not None and any(
        finding.kind == FindingKind.MAILBOX_UNREADABLE for finding in seen.findings
    )


def _port(state: CheckState) -> int | None:
    port = getattr(state.check.settings, "port", None)
    return port if isinstance(port, int) else None
