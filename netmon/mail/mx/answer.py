"""What DNS says of where a domain's mail goes: one look, from records to servers and findings.

The bounds: of a flood of MX records the best count, of a flood of addresses the first, and a finding
says so.  A name that could not be a host's is not asked for, let alone shown.
"""

import asyncio
import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from netmon.mail.mx.questions import Ask, Reply, State
from netmon.model import Finding, FindingKind, Severity

MOST_MX: Final = 20
MOST_ADDRESSES: Final = 10  # of one MX
_SHOWN: Final = 80  # characters of a name in a finding
# RFC 1123 §2.1, with the underscore that some use.
_HOST: Final = re.compile(
    r"(?=.{1,253}$)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*"
)


@dataclass(frozen=True, slots=True)
class Exchange:
    """A mail server that DNS names.  `unsure`: DNS did not answer for all its addresses."""

    name: str
    addresses: tuple[str, ...]
    unsure: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """One look at a domain.

    `failed`: DNS did not answer, and why.  `nothing`: DNS answers that nobody takes the domain's mail, as
    the finding says; `exchanges` is empty then.  `ttl`: seconds for which all of it holds.
    """

    exchanges: tuple[Exchange, ...] = ()
    findings: tuple[Finding, ...] = ()
    ttl: float = 0.0
    failed: str = ""
    nothing: Finding | None = None


async def look(domain: str, ask: Ask) -> Answer:
    """Ask for a domain's MX records and their addresses."""
    reply = await ask(domain, "MX")
    if reply.state is State.FAILED:
        return Answer(failed=reply.why)
    if reply.state is State.ABSENT:
        return _nothing(FindingKind.DOMAIN_WITHOUT_MAIL, "DNS has no such domain (NXDOMAIN)")
    if reply.state is State.EMPTY:
        return await _implicit(domain, ask)
    if all(not name for _, name in reply.records):
        return _nothing(
            FindingKind.NULL_MX, "a null MX says that the domain takes no mail (RFC 7505)", reply.ttl
        )
    findings: list[Finding] = []
    if any(not name for _, name in reply.records):
        text = "a null MX stands beside other MX records, which makes it void (RFC 7505 §3)"
        findings.append(_finding(FindingKind.NULL_MX, Severity.FAULT, text))
    names = list(dict.fromkeys(name for _, name in sorted(reply.records) if name))
    if len(names) > MOST_MX:
        text = f"it has {len(names)} MX; the first {MOST_MX} by preference are checked"
        findings.append(_finding(FindingKind.MX_TOO_MANY, Severity.RISK, text))
    usable = []
    for name in names[:MOST_MX]:
        complaint = _not_a_host(name)
        if complaint is None:
            usable.append(name)
        else:
            findings.append(complaint)
    seen = await asyncio.gather(*(_exchange(name, ask) for name in usable))
    findings += [finding for _, found, _ in seen for finding in found]
    return Answer(
        tuple(exchange for exchange, _, _ in seen),
        tuple(findings),
        min([reply.ttl, *(ttl for _, _, ttl in seen if ttl)]),
    )


async def _implicit(domain: str, ask: Ask) -> Answer:
    """A domain without MX records is its own mail server (RFC 5321 §5.1)."""
    exchange, findings, ttl = await _exchange(domain, ask)
    if exchange.addresses:
        text = "it has no MX record, so mail goes to its own address"
        missing = _finding(FindingKind.MX_MISSING, Severity.INFO, text)
        return Answer((exchange,), (missing, *findings), ttl)
    if exchange.unsure:
        return Answer(failed=f"it has no MX record, and for its address {findings[-1].text}")
    return _nothing(FindingKind.DOMAIN_WITHOUT_MAIL, "it has neither an MX record nor an address")


async def _exchange(name: str, ask: Ask) -> tuple[Exchange, list[Finding], float]:
    """A server with its addresses, IPv4 first; what is wrong; and for how long that holds."""
    replies = await asyncio.gather(ask(name, "A"), ask(name, "AAAA"))
    findings = list(_about_name(name, replies))
    addresses = [address for reply in replies for address in _numeric(reply)]
    failures = [reply.why for reply in replies if reply.state is State.FAILED]
    if failures:
        text = f"DNS did not answer for {name}: {failures[0]}"
        findings.append(_finding(FindingKind.DNS_FAILED, Severity.INFO, text, name))
    elif not addresses:
        text = f"MX {name} has no address"
        findings.append(_finding(FindingKind.MX_WITHOUT_ADDRESS, Severity.FAULT, text, name))
    if len(addresses) > MOST_ADDRESSES:
        text = f"MX {name} has {len(addresses)} addresses; {MOST_ADDRESSES} of them are checked"
        findings.append(_finding(FindingKind.MX_TOO_MANY, Severity.RISK, text, name))
        addresses = _some(addresses)
    ttl = min((reply.ttl for reply in replies if reply.state is State.FOUND), default=0.0)
    return Exchange(name, tuple(addresses), bool(failures)), findings, ttl


def _some(addresses: list[str]) -> list[str]:
    """As many as the bound allows, half of them of each family where there are so many."""
    six = [address for address in addresses if ":" in address]
    four = [address for address in addresses if ":" not in address]
    room = max(MOST_ADDRESSES // 2, MOST_ADDRESSES - len(six))
    chosen = four[:room]
    return chosen + six[: MOST_ADDRESSES - len(chosen)]


def _about_name(name: str, replies: tuple[Reply, Reply]) -> Iterator[Finding]:
    if any(reply.alias for reply in replies):
        text = f"MX {name} is an alias (CNAME), which RFC 5321 §5.1 forbids; some senders refuse it"
        yield _finding(FindingKind.MX_IS_ALIAS, Severity.RISK, text, name)


def _numeric(reply: Reply) -> Iterator[str]:
    for text in reply.records if reply.state is State.FOUND else ():
        try:
            yield str(ipaddress.ip_address(text))
        except ValueError:
            continue


def is_host_name(name: str) -> bool:
    """Whether it could be a host's or a domain's, in lower case without the dot at its end."""
    return _HOST.fullmatch(name) is not None


def _not_a_host(name: str) -> Finding | None:
    """What is wrong with an MX's name as such."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        if is_host_name(name):
            return None
        text = f"MX {name[:_SHOWN]!r} cannot be the name of a host"
        return _finding(FindingKind.MX_NAME_INVALID, Severity.FAULT, text, name[:_SHOWN])
    text = f"MX {name} is an address where DNS wants a name (RFC 1035 §3.3.9); no sender can use it"
    return _finding(FindingKind.MX_IS_ADDRESS, Severity.FAULT, text, name)


def _nothing(kind: FindingKind, text: str, ttl: float = 0.0) -> Answer:
    return Answer(nothing=_finding(kind, Severity.FAULT, text), ttl=ttl)


def _finding(kind: FindingKind, severity: Severity, text: str, subject: str = "") -> Finding:
    return Finding(kind, severity, text, subject=subject)
