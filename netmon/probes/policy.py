"""The `policy` probe: what a domain publishes about its mail, and whether it is true.

DNS, one policy over HTTPS, and, only where DANE or MTA-STS promise something about them, a look at
the certificate of each address of each MX.  Others' servers answer all that, and none of it changes
quickly: a domain is looked at once an hour at most, however often somebody asks.
"""

import asyncio
import time
from dataclasses import replace
from typing import Any, Final

from netmon.errors import Reason
from netmon.mail.faults import MailError
from netmon.mail.policy.memory import HOUR
from netmon.mail.trail import printable
from netmon.model import Check, Observation, Phase, Result, Role
from netmon.probes.base import Context, ProbeKind
from netmon.probes.policy_look import DANE, LOOKUPS, MTA_STS, PRESENT, VALID, Look
from netmon.probes.policy_settings import PolicySettings

_SHARE: Final = 0.97  # of the deadline: the run itself says how it ended


async def probe(check: Check, ctx: Context) -> Observation:
    """One look at everything, or what the last look within the hour saw."""
    loop = asyncio.get_running_loop()
    begun, started, stopwatch = loop.time(), ctx.wall(), time.perf_counter()
    known = ctx.policies.recent(check.key, check.digest, begun)
    if known is not None:
        ago = f"* as it was {(begun - known.begun) / 60:.0f} minutes ago: once an hour is enough"
        return replace(
            known,
            started=started,
            begun=begun,
            duration=time.perf_counter() - stopwatch,
            trail=(ago, *known.trail),
        )
    run = Look(check, ctx, begun + check.deadline * _SHARE, started)
    try:
        await run.look()
    except MailError as fault:
        result, reason, detail = fault.result, fault.reason, str(fault)
    else:
        result, reason, detail = Result.OK, Reason.OK, run.summary()
    finally:
        await run.questions.close()
    observation = Observation(
        key=check.key,
        result=result,
        reason=reason,
        detail=printable(detail.encode(errors="replace")),
        started=started,
        duration=time.perf_counter() - stopwatch,
        begun=begun,
        phases=tuple(Phase(name, seconds) for name, seconds in run.phases.items()),
        own=tuple(run.tables()),
        findings=tuple(run.findings()),
        trail=tuple(run.trail()),
    )
    if result is Result.OK:
        ctx.policies.keep(check.digest, observation)
    return observation


def endpoint(host: str, settings: PolicySettings) -> str:
    """The label `endpoint`: the domain."""
    del host
    return settings.domain


def role(settings: Any) -> Role:
    """What is promised to senders, so it belongs to the mail that comes in."""
    del settings
    return Role.INBOUND


KIND: Final = ProbeKind(
    name="policy",
    settings=PolicySettings,
    many=True,
    probe=probe,
    endpoint=endpoint,
    role=role,
    families=(PRESENT, VALID, DANE, MTA_STS, LOOKUPS),
    least_interval=HOUR,
    of_hosts=False,
)
