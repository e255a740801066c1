"""How a conversation with a mail server can end badly: the result and the reason, decided once."""

import errno
import socket
from typing import Final

from netmon.errors import NetmonError, Reason
from netmon.model import Result

_OWN_SIDE: Final = {
    *(errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM),  # out of something
    *(errno.EPERM, errno.EACCES),  # forbidden, by the local firewall say
    errno.EINVAL,  # an address that cannot be connected to, such as link-local without a zone
}
_NO_FAMILY: Final = {errno.EAFNOSUPPORT, errno.EADDRNOTAVAIL, errno.EPROTONOSUPPORT}
_UNREACHABLE: Final = {errno.ENETUNREACH, errno.EHOSTUNREACH, errno.EHOSTDOWN, errno.ENETDOWN}


class MailError(NetmonError):
    """The conversation cannot go on.  `str()` is a sentence for people."""

    def __init__(self, result: Result, reason: Reason, text: str) -> None:
        super().__init__(text)
        self.result = result
        self.reason = reason
        self.phase = ""  # in which it ended, where the conversation knows


def failed(reason: Reason, text: str) -> MailError:
    """The server's side did not answer, or wrongly."""
    return MailError(Result.FAILED, reason, text)


def untestable(reason: Reason, text: str) -> MailError:
    """Our own side could not ask."""
    return MailError(Result.UNTESTABLE, reason, text)


def connect_fault(error: OSError, address: str, port: int) -> MailError:
    """What a failed connect(2) means."""
    where = f"{address} port {port}"
    number = error.errno
    if number == errno.ECONNREFUSED:
        return failed(Reason.REFUSED, f"{where} refuses the connection")
    if number == errno.ETIMEDOUT:
        return failed(Reason.TIMEOUT, f"{where} does not answer")
    if number in _NO_FAMILY or (number in _UNREACHABLE and not _has_route(address, port)):
        family = "IPv6" if ":" in address else "IPv4"
        return untestable(Reason.NO_ROUTE, f"this machine has no {family} route to {address}")
    if number in _UNREACHABLE:
        return failed(Reason.UNREACHABLE, f"{where} cannot be reached: {error.strerror or error}")
    if number in _OWN_SIDE:
        return untestable(
            Reason.LOCAL_ERROR, f"this machine cannot connect to {where}: {error.strerror or error}"
        )
    return failed(Reason.CONNECTION_LOST, f"{where} dropped the connection: {error.strerror or error}")


def _has_route(address: str, port: int) -> bool:
    """Has this machine a route?  Connecting a datagram socket looks it up and sends nothing."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((address, port))
    except OSError:
        return False
    return True
