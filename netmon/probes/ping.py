"""The `ping` probe: the sign of life, by ICMP echo.

Silence proves little, since many networks drop echoes; whether it counts is the verdict's matter.
An answer proves that the host lives, whatever its services do.
"""

import asyncio
import time
from collections.abc import Sequence
from typing import Annotated, Any, Final

from pydantic import Field

from netmon.errors import Reason
from netmon.fields import Settings
from netmon.icmp import PingError
from netmon.model import Check, Observation, Phase, Result
from netmon.probes.base import Context, ProbeKind
from netmon.resolver import ResolveError

_SHARE: Final = 0.95  # of the deadline, so that the run itself says how it ended
_OWN_SIDE: Final = {Reason.NO_ROUTE, Reason.LOCAL_ERROR, Reason.RESOLVE_FAILED}


class PingSettings(Settings):
    """A host's `ping`, where `true` means all defaults."""

    count: Annotated[int, Field(ge=1, le=10)] = 3  # echoes before silence counts; the first answer ends it


async def probe(check: Check, ctx: Context) -> Observation:
    """Echo requests, one after the other until one is answered."""
    loop = asyncio.get_running_loop()
    begun, started, stopwatch = loop.time(), ctx.wall(), time.perf_counter()
    phases: list[Phase] = []
    trail: list[str] = []
    result, reason = Result.OK, Reason.OK
    alive: bool | None = True
    try:
        addresses = await ctx.resolver.addresses(check.host.address)
        phases.append(Phase("resolve", time.perf_counter() - stopwatch))
        limit = begun + check.deadline * _SHARE
        address, seconds = await _first_answer(check, ctx, addresses, limit, trail)
        phases.append(Phase("echo", seconds))
        detail = f"{address} answered an echo in {seconds * 1000:.1f} ms"
    except (ResolveError, PingError) as error:
        own_side = error.reason in _OWN_SIDE
        result = Result.UNTESTABLE if own_side else Result.FAILED
        reason, detail = error.reason, str(error)
        silent = reason in (Reason.TIMEOUT, Reason.UNREACHABLE)
        alive = False if silent else None
    return Observation(
        key=check.key,
        result=result,
        reason=reason,
        detail=detail,
        started=started,
        duration=time.perf_counter() - stopwatch,
        begun=begun,
        phases=tuple(phases),
        alive=alive,
        trail=(*trail, f"* {detail}"),
    )


async def _first_answer(
    check: Check, ctx: Context, addresses: Sequence[str], limit: float, trail: list[str]
) -> tuple[str, float]:
    """The address that answered and the seconds it took; raises the most telling PingError.

    A host with several addresses is asked on each in turn: one answer is life.
    """
    loop = asyncio.get_running_loop()
    settings: PingSettings = check.settings
    asked = list(addresses)
    silence: PingError | None = None
    for turn in range(settings.count):
        address = asked[turn % len(asked)]
        share = max(limit - loop.time(), 0.0) / (settings.count - turn)
        try:
            return address, await ctx.pinger.ping(address, min(check.timeout, share))
        except PingError as error:
            trail.append(f"* {error}")
            if error.reason not in _OWN_SIDE:
                silence = silence or error
                continue
            asked.remove(address)
            if not asked:
                raise silence or error from error
    raise silence or PingError(Reason.NO_ROUTE, f"no address of {check.host.address} could be asked")


def endpoint(host: str, settings: Any) -> str:
    """The label `endpoint`: the host itself."""
    del settings
    return host


def role(settings: Any) -> None:
    """Ping has no mail role."""
    del settings


KIND: Final = ProbeKind(
    name="ping",
    settings=PingSettings,
    many=False,
    probe=probe,
    endpoint=endpoint,
    role=role,
    families=(),
)
