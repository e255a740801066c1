"""The `snmp` probe: reads the modules of a host and turns them into tables.

Modules are read one after another, the subtrees of one two at a time where the agent bears it, and
each stands for itself: one that fails keeps its tables away and leaves the others theirs.  A host
that is known to be silent is asked for sysUpTime first, so that a dead one costs one request and
not one for each module.

An agent that answers and serves nothing of a module is no fault: a Linux host without `disk` lines
has no ucd_dsk.  It is said as a finding and by `netmon_module_up`, and only when no module at all
came has the run failed.  Processes and the mail queue are read behind the modules and fare like them
(`snmp_extras`).
"""

import asyncio
from collections.abc import Sequence
from typing import Final

from netmon.errors import Reason
from netmon.mib.mapping import unique
from netmon.mib.modules import Module
from netmon.mib.prefer import prefer_wide
from netmon.model import (
    Check,
    Finding,
    FindingKind,
    Observation,
    Phase,
    Result,
    Severity,
)
from netmon.probes.base import Context, ProbeKind
from netmon.probes.snmp_auto import Auto, choose_modules, identity_of
from netmon.probes.snmp_extras import PROCESSES, QUEUE_MESSAGES, QUEUE_OLDEST, Extra, extras
from netmon.probes.snmp_outcome import FAMILIES, Outcome, alive, count_repeated, own_table
from netmon.probes.snmp_reading import Reader
from netmon.probes.snmp_settings import Bound, SnmpSettings, bind
from netmon.probes.snmp_target import doubts, target_of
from netmon.resolver import ResolveError
from netmon.snmp.ber import encode_oid
from netmon.snmp.client import SnmpError, Target
from netmon.snmp.walk import get

_SYS_UP_TIME: Final = encode_oid("1.3.6.1.2.1.1.3.0")
_RESERVE: Final = 0.5  # seconds of the deadline kept for the last module's tables, or a tenth of a short one
# It answered no, to what the config says of user, keys, level and context (SNMPv3).
_DENIED: Final = frozenset(
    (
        Reason.UNKNOWN_USER,
        Reason.WRONG_DIGEST,
        Reason.DECRYPTION_ERROR,
        Reason.UNSUPPORTED_SECURITY_LEVEL,
        Reason.UNKNOWN_CONTEXT,
        Reason.UNAVAILABLE_CONTEXT,
        Reason.UNKNOWN_SECURITY_MODEL,
    )
)
# The rest of a run would meet the same; asking on only costs time.
_GONE: Final = _DENIED | {
    Reason.REFUSED,
    Reason.UNREACHABLE,
    Reason.NO_ROUTE,
    Reason.LOCAL_ERROR,
    Reason.DEADLINE,
}
_OWN_SIDE: Final = frozenset((Reason.NO_ROUTE, Reason.LOCAL_ERROR, Reason.RESOLVE_FAILED))


async def probe(check: Check, ctx: Context) -> Observation:
    """Read all modules of the check's settings (a `Bound`)."""
    return await _Run(check, ctx).observe()


class _Run:
    """One run, and what it gathers on its way."""

    def __init__(self, check: Check, ctx: Context) -> None:
        self._check = check
        self._ctx = ctx
        self._settings: Bound = check.settings
        self._loop = asyncio.get_running_loop()
        self._begun = self._loop.time()
        self._watch = ctx.stopwatch()
        self._started = ctx.wall()
        self._limit = self._begun + check.deadline - min(_RESERVE, check.deadline / 10)
        self._phases: list[Phase] = []
        self._trail: list[str] = []
        self._named = [Outcome(part) for part in (*self._settings.modules, *extras(self._settings))]
        self._outcomes = list(self._named)
        if self._settings.auto:
            # Those of the choice before, so that their series stay even if there is no new one.
            known = ctx.choices.get(check.key, check.digest)
            before = () if known is None else known.modules
            self._outcomes[:0] = [Outcome(Auto(self._settings.auto)), *map(Outcome, before)]
        self._reader = Reader(ctx.snmp, ctx.statics, self._settings.cache)

    async def observe(self) -> Observation:
        try:
            addresses = await self._addresses()
        except ResolveError as error:
            return self._unresolved(error)
        self._trail.append(f"{self._check.host.address} is {', '.join(addresses)}")
        for address in addresses:
            await self._ask(address)
            # Only when this machine cannot send to an address at all is another one tried: a silent
            # one has cost its time already.
            if any(o.error is None or o.error.reason is not Reason.NO_ROUTE for o in self._outcomes):
                break
        return self._conclude()

    async def _addresses(self) -> tuple[str, ...]:
        name, begun = self._check.host.address, self._ctx.stopwatch()
        try:
            async with asyncio.timeout_at(self._limit):
                return await self._ctx.resolver.addresses(name)
        except TimeoutError:
            raise ResolveError(
                Reason.RESOLVE_FAILED, f"the resolver did not answer in time for {name}"
            ) from None
        finally:
            self._phases.append(Phase("resolve", self._ctx.stopwatch() - begun))

    async def _ask(self, address: str) -> None:
        """Read every module from an address."""
        gone: SnmpError | None = None
        for outcome in self._outcomes:
            outcome.error = gone
            if gone is not None:
                self._trail.append(f"{outcome.name}: not asked")
                continue
            begun = self._ctx.stopwatch()
            try:
                async with asyncio.timeout_at(self._limit):
                    gone = await self._wake(address, outcome)
                    if gone is not None:
                        raise gone
                    await self._read(outcome, self._target(address, outcome.part))
            except TimeoutError:
                text = f"{outcome.name} of {address} was not read within {self._check.deadline:g} s"
                heard = True if outcome.meter.varbinds else None
                outcome.error = gone = SnmpError(Reason.DEADLINE, text, alive=heard)
            except SnmpError as error:
                outcome.error = error
                if error.reason in _GONE:
                    gone = error
            if outcome.error is not None:
                self._trail.append(f"{outcome.name}: {outcome.error.reason}: {outcome.error}")
            self._phases.append(Phase(outcome.name, self._ctx.stopwatch() - begun))

    async def _wake(self, address: str, outcome: Outcome) -> SnmpError | None:
        """Ask an agent that is known to be silent for a single object; the error if it stays so."""
        target = self._target(address, outcome.part)
        try:
            if self._ctx.snmp.is_silent(target):
                await get(self._ctx.snmp, target, (_SYS_UP_TIME,), outcome.meter)
        except SnmpError as error:
            # An agent that refuses this one object is awake all the same.
            return None if error.alive else error
        return None

    async def _read(self, outcome: Outcome, target: Target) -> None:
        """Read one part and say what it took.  Raises SnmpError."""
        meter, begun = outcome.meter, self._ctx.stopwatch()
        if isinstance(outcome.part, Auto):
            remark = await self._choose(outcome, outcome.part, target)
        elif isinstance(outcome.part, Module):
            remark = await self._read_module(outcome, outcome.part, target)
        else:
            found = await outcome.part.read(self._ctx.snmp, target, meter)
            outcome.own, outcome.objects = () if found.own is None else (found.own,), found.objects
            outcome.trouble = found.trouble
            remark = f"; {found.trouble}" if found.trouble else ""
        took = f"{(self._ctx.stopwatch() - begun) * 1000:.1f} ms"
        again = f" ({meter.retries} of them again)" if meter.retries else ""
        spent = f"{_count(outcome.objects, 'object')}, {_count(meter.packets, 'packet')}{again}, {took}"
        self._trail.append(f"{outcome.name}: {spent}{remark}")

    async def _read_module(self, outcome: Outcome, module: Module, target: Target) -> str:
        """Read one module and map it; what the trail should say of it besides.  Raises SnmpError."""
        reading = await self._reader.read(module, target, outcome.meter)
        outcome.tables = prefer_wide(reading.tables, self._settings.wider)
        outcome.objects = reading.objects
        outcome.duplicates, outcome.mismatches = reading.duplicates, reading.mismatches
        outcome.trouble = f"serves none of the objects of the module {module.name}"
        left_out = "".join(
            f"; {count} {what} left out"
            for count, what in (
                (reading.duplicates, "repeated series"),
                (reading.mismatches, "values of a wrong type"),
            )
            if count
        )
        return left_out if reading.tables else f"{left_out}; nothing of this module"

    async def _choose(self, outcome: Outcome, part: Auto, target: Target) -> str:
        """Put the modules of the choice behind `auto`; what the trail should say of it.  Raises SnmpError."""
        check, choices, now = self._check, self._ctx.choices, self._loop.time()
        choice, why = choices.get(check.key, check.digest), choices.due(check.key, check.digest, now)
        if choice is None or why:
            choice = await choose_modules(self._ctx.snmp, target, part.offered, outcome.meter)
            choices.put(check.key, check.digest, choice, now)
        outcome.chosen, outcome.objects = choice.modules, outcome.meter.varbinds
        outcome.trouble = "serves nothing that the table of auto knows"
        # In place: `_ask` is at this one and goes on behind it.
        self._outcomes[:] = [outcome, *map(Outcome, choice.modules), *self._named]
        names = ", ".join(module.name for module in choice.modules) or "nothing"
        return f"; chose {names}, since {why}" if why else f"; {names}, as chosen before"

    def _target(self, address: str, part: Module | Extra | Auto) -> Target:
        settings, check = self._settings, self._check
        retries = next(n for n in (settings.retries, part.retries, check.retries) if n is not None)
        if settings.timeout is None and part.timeout is not None:
            timeout = part.timeout
        else:
            timeout = (settings.timeout or check.timeout) / (retries + 1)
        return target_of(
            settings.auth,
            address,
            settings.port,
            timeout=timeout,
            retries=retries,
            max_repetitions=settings.max_repetitions or part.max_repetitions or 0,
        )

    def _conclude(self) -> Observation:
        parts = [outcome for outcome in self._outcomes if not outcome.chosen]  # a choice alone is no data
        came = [outcome for outcome in parts if outcome.came]
        errors = [outcome.error for outcome in self._outcomes if outcome.error is not None]
        empty = [outcome for outcome in parts if not outcome.came and outcome.error is None]
        if self._settings.auto:
            said = identity_of(table for outcome in came for table in outcome.tables)
            self._ctx.choices.look(self._check.key, said, [o.name for o in came], [o.name for o in empty])
        if errors and came:
            names = ", ".join(outcome.name for outcome in self._outcomes if outcome.error is not None)
            text = f"{len(came)} of {len(parts)} modules came; {names} failed: {errors[0]}"
            return self._observation(Result.FAILED, Reason.MODULE_FAILED, text)
        if errors:
            text = str(errors[0])
            if errors[0].reason is Reason.TIMEOUT and not errors[0].alive:
                text += f"; {doubts(self._settings.port, self._settings.auth.version)}"
            return self._observation(_result(errors[0].reason), errors[0].reason, text)
        if not came:
            text = (
                f"{self._check.key.endpoint} answers and serves nothing of {', '.join(o.name for o in empty)}"
            )
            return self._observation(Result.FAILED, Reason.NO_DATA, text)
        objects = sum(outcome.objects for outcome in self._outcomes)
        packets = sum(outcome.meter.packets for outcome in self._outcomes)
        names = ", ".join(outcome.name for outcome in came)
        text = f"{names}: {_count(objects, 'object')} in {_count(packets, 'packet')}"
        return self._observation(Result.OK, Reason.OK, text, empty)

    def _unresolved(self, error: ResolveError) -> Observation:
        self._trail.append(str(error))
        for outcome in self._outcomes:
            outcome.error = SnmpError(error.reason, str(error), alive=None)
        return self._observation(_result(error.reason), error.reason, str(error))

    def _observation(
        self, result: Result, reason: Reason, detail: str, empty: Sequence[Outcome] = ()
    ) -> Observation:
        tables, repeated = unique([table for outcome in self._outcomes for table in outcome.tables])
        if repeated:
            self._trail.append(f"{repeated} series left out that an earlier module has")
            count_repeated(self._outcomes)
        return Observation(
            key=self._check.key,
            result=result,
            reason=reason,
            detail=detail,
            started=self._started,
            duration=self._ctx.stopwatch() - self._watch,
            begun=self._begun,
            phases=tuple(self._phases),
            tables=tables,
            own=(
                own_table(self._check.key.host, self._outcomes, self._ctx.totals),
                *(table for outcome in self._outcomes for table in outcome.own),
            ),
            findings=tuple(
                Finding(
                    FindingKind.MODULE_EMPTY,
                    Severity.INFO,
                    f"{self._check.key.endpoint} {outcome.trouble}",
                    self._check.key,
                    self._started,
                    outcome.name,
                )
                for outcome in empty
            ),
            alive=alive(self._outcomes),
            trail=tuple(self._trail),
        )


def _result(reason: Reason) -> Result:
    if reason is Reason.AUTHORIZATION_ERROR or reason in _DENIED:
        return Result.REJECTED
    return Result.UNTESTABLE if reason in _OWN_SIDE else Result.FAILED


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


KIND: Final = ProbeKind(
    name="snmp",
    settings=SnmpSettings,
    many=False,
    probe=probe,
    endpoint=lambda host, settings: f"{host}:{settings.port}",
    role=lambda _settings: None,
    bind=bind,
    families=(*FAMILIES, PROCESSES, QUEUE_MESSAGES, QUEUE_OLDEST),
    own_labels=("host",),  # a host has one snmp check at most
)
