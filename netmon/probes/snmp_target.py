"""From an entry of `auths` to whom the SNMP client talks, and how: in one place for all who ask."""

from netmon.probes.base import Auth
from netmon.snmp.client import Target
from netmon.snmp.message_v3 import VERSION
from netmon.snmp.usm import LEVELS, User


def target_of(
    auth: Auth,
    address: str,
    port: int,
    *,
    timeout: float,
    retries: int,
    max_repetitions: int = 0,
    context_name: str | None = None,
    context_engine_id: bytes = b"",
) -> Target:
    """An agent at a numeric address; `timeout` is seconds for each send.

    `max_repetitions` are asked for at most; 0: as many as fit.  The context, of SNMPv3 alone, is the auth's
    where `context_name` is None.  Raises EncodeError for a context name or engine ID that is too long.
    """
    return Target(
        address=address,
        port=port,
        version=auth.version,
        community=auth.community.reveal().encode(),
        user=user_of(auth, context_name, context_engine_id) if auth.version == VERSION else None,
        timeout=timeout,
        retries=retries,
        max_repetitions=max_repetitions,
    )


def user_of(auth: Auth, context_name: str | None = None, context_engine_id: bytes = b"") -> User:
    """The user that an entry of version 3 describes.

    Cheap: the client keeps the keys of a password for all who ask with it.
    """
    return User(
        name=auth.username,
        level=LEVELS[auth.security_level],
        auth_protocol=auth.auth_protocol,
        auth_password=auth.password.reveal().encode(),
        priv_protocol=auth.priv_protocol,
        priv_password=auth.priv_password.reveal().encode(),
        context_name=(auth.context_name if context_name is None else context_name).encode(),
        context_engine_id=context_engine_id,
    )


def doubts(port: int, version: int) -> str:
    """What to look at where an agent said nothing at all, as a part of a sentence."""
    if version == VERSION:
        last = "does it speak SNMPv3, are privacy password and context right? (silence may meet wrong ones)"
    else:
        last = "is the community right? (a wrong one is met by silence)"
    return f"does an agent run there, is UDP {port} open, {last}"
