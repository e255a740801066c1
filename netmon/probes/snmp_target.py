"""From an entry of `auths` to whom the SNMP client talks, and how: in one place for all who ask."""

from netmon.probes.base import Auth
from netmon.snmp.client import Target


def target_of(
    auth: Auth, address: str, port: int, *, timeout: float, retries: int, max_repetitions: int = 0
) -> Target:
    """An agent at a numeric address; `timeout` is seconds for each send.

    `max_repetitions` are asked for at most; 0: as many as fit.
    """
    return Target(
        address=address,
        port=port,
        version=auth.version,
        community=auth.community.reveal().encode(),
        timeout=timeout,
        retries=retries,
        max_repetitions=max_repetitions,
    )
