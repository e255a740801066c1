"""Reverse DNS of a server's addresses, confirmed forwards (RFC 1912 §2.1).

A receiver looks so at whoever connects to it, and a server that takes a domain's mail mostly sends
too; many refuse an address without a name, or with a name that does not lead back (RFC 5321 §7.9
leaves that to them).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from netmon.mail.policy.judged import Judged, Policy, quoted, unknown
from netmon.model import Finding, FindingKind, Severity


@dataclass(frozen=True, slots=True)
class Pointer:
    """The names of an address, and of each the addresses that it has."""

    server: str  # the MX
    address: str
    names: Mapping[str, Sequence[str]]


def judge(pointers: Sequence[Pointer]) -> Judged:
    """Each address needs a name that leads back to it."""
    if not pointers:
        return unknown(Policy.REVERSE_DNS, "reverse DNS: no address to look at")
    findings = []
    for pointer in pointers:
        if any(pointer.address in addresses for addresses in pointer.names.values()):
            continue
        where = f"{pointer.address} ({pointer.server})"
        if not pointer.names:
            text = f"{where} has no name in reverse DNS"
        else:
            names = ", ".join(quoted(name) for name in list(pointer.names)[:3])
            text = f"reverse DNS of {where} says {names}, which does not lead back to it"
        findings.append(
            Finding(FindingKind.REVERSE_DNS_INVALID, Severity.INFO, text, subject=pointer.address)
        )
    good = len(pointers) - len(findings)
    return Judged(
        Policy.REVERSE_DNS,
        present=any(pointer.names for pointer in pointers),
        valid=not findings,
        summary=f"reverse DNS: {good} of {len(pointers)} addresses have a name that leads back",
        findings=tuple(findings),
    )
