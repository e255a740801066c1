"""Short makers of records, so that a test says only what it is about."""

from netmon.errors import Reason
from netmon.model import Check, CheckKey, CheckState, Host, Observation, Result, Role
from netmon.store import advance

ROLES = {25: Role.INBOUND, 465: Role.SUBMISSION, 587: Role.SUBMISSION}


class PortSettings:
    """Settings with a port, as the smtp probe's have."""

    def __init__(self, port: int) -> None:
        self.port = port


def check(
    probe: str = "snmp",
    host: str | Host = "mx1",
    *,
    port: int = 0,
    interval: float = 60.0,
    required: bool = True,
    digest: str = "1",
) -> Check:
    """A check of `probe` on `host`; `port` gives an smtp check its role."""
    owner = host if isinstance(host, Host) else Host(host, "192.0.2.1")
    return Check(
        CheckKey(owner.name, probe, f"{owner.name}:{port}"),
        owner,
        PortSettings(port),
        interval,
        timeout=10.0,
        retries=2,
        deadline=min(interval, 60.0),
        role=ROLES.get(port),
        required=required,
        digest=digest,
    )


def seen(
    of: Check,
    result: Result = Result.OK,
    reason: Reason | None = None,
    *,
    alive: bool | None = True,
    begun: float = 1000.0,
    scheduled: bool = True,
    **more: object,
) -> Observation:
    """An observation of `of`; wall clock and monotonic clock agree."""
    why = reason or (Reason.OK if result is Result.OK else Reason.TIMEOUT)
    return Observation(
        of.key, result, why, f"was {result}", begun, 0.1, begun, alive=alive, scheduled=scheduled, **more
    )


def state(of: Check, *observations: Observation) -> CheckState:
    """What the store knows after these observations."""
    known = CheckState(of)
    for observation in observations:
        known = advance(known, observation)
    return known
