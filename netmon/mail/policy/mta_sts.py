"""MTA-STS: which servers a domain has, and that they must be authenticated, over HTTPS (RFC 8461)."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from netmon.mail.policy.judged import Judged, Policy, PolicyError, missing, quoted
from netmon.mail.policy.presented import Presented
from netmon.mail.policy.tags import one_record, parse_tags
from netmon.model import Finding, FindingKind, Severity

LARGEST: Final = 65_536  # octets of a policy; §3.3 lets a sender stop there
PATH: Final = "/.well-known/mta-sts.txt"
SHORT: Final = 86_400  # seconds of max_age below which a policy hardly protects
_DAY: Final = 86_400.0
_VERSION: Final = "STSv1"
_MODES: Final = ("enforce", "testing", "none")
_LONGEST_AGE: Final = 31_557_600  # §3.2
_MOST_LINES: Final = 1000
_MOST_PATTERNS: Final = 200
_ID: Final = re.compile(r"[A-Za-z0-9]{1,32}")
_KEY: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,31}")
_LABEL: Final = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_PATTERN: Final = re.compile(rf"(?:\*\.)?{_LABEL}(?:\.{_LABEL}){{0,126}}")


@dataclass(frozen=True, slots=True)
class StsPolicy:
    """A policy; `max_age` in seconds."""

    mode: str
    max_age: int
    patterns: tuple[str, ...]


def name(domain: str) -> str:
    """Where the record stands."""
    return f"_mta-sts.{domain}"


def policy_host(domain: str) -> str:
    """Who serves the policy."""
    return f"mta-sts.{domain}"


def parse_record(texts: Sequence[str]) -> str | None:
    """The policy's id, out of the TXT records at `name`; None where there is none (§3.1).

    Raises PolicyError.
    """
    record = one_record(texts, _VERSION)
    if record is None:
        return None
    tags = parse_tags(record)
    if not _ID.fullmatch(tags.get("id", "")):
        seen = quoted(tags["id"]) if "id" in tags else "no id"
        raise PolicyError(f"{seen} in the record; wanted 1 to 32 letters and digits")
    return tags["id"]


def parse_policy(body: bytes) -> StsPolicy:
    """A policy's text (§3.2).  Raises PolicyError."""
    if len(body) > LARGEST:
        raise PolicyError(f"the policy is larger than {LARGEST} octets")
    try:
        lines = body.decode("utf-8").split("\n")
    except UnicodeDecodeError:
        raise PolicyError("the policy is not UTF-8") from None
    if len(lines) > _MOST_LINES:
        raise PolicyError(f"the policy has more than {_MOST_LINES} lines")
    values: dict[str, str] = {}
    patterns: list[str] = []
    for number, line in enumerate(lines, 1):
        line = line.removesuffix("\r")  # noqa: PLW2901 - either end of line is allowed
        if not line.strip():
            continue
        key, colon, value = line.partition(":")
        if not colon or not _KEY.fullmatch(key):
            raise PolicyError(f"line {number}: {quoted(line)} is not of the form key: value")
        value = value.strip(" \t")
        if key == "mx":
            if not _PATTERN.fullmatch(value):
                raise PolicyError(f"line {number}: mx: {quoted(value)} is no name like mx1.example.org")
            patterns.append(value.lower())
        else:
            values.setdefault(key, value)  # of several the first counts
    return _checked(values, patterns)


def _checked(values: Mapping[str, str], patterns: Sequence[str]) -> StsPolicy:
    for key in ("version", "mode", "max_age"):
        if key not in values:
            raise PolicyError(f"the policy has no {key}")
    if values["version"] != _VERSION:
        raise PolicyError(f"version: {quoted(values['version'])} is not {_VERSION}")
    mode, age = values["mode"], values["max_age"]
    if mode not in _MODES:
        raise PolicyError(f"mode: {quoted(mode)} is not one of {', '.join(_MODES)}")
    if not (age.isascii() and age.isdecimal() and len(age) <= 10 and int(age) <= _LONGEST_AGE):  # noqa: PLR2004 (§3.2: at most 10 digits)
        raise PolicyError(f"max_age: {quoted(age)} is no number of seconds up to {_LONGEST_AGE}")
    if not patterns and mode != "none":
        raise PolicyError("the policy names no mx")
    if len(patterns) > _MOST_PATTERNS:
        raise PolicyError(f"the policy names more than {_MOST_PATTERNS} mx")
    return StsPolicy(mode, int(age), tuple(patterns))


def allows(policy: StsPolicy, server: str) -> bool:
    """Whether the policy names the server; `*.` stands for exactly one label (§4.1)."""
    server = server.rstrip(".").lower()
    _, _, parent = server.partition(".")
    return any(
        pattern == server or (pattern.startswith("*.") and parent != "" and pattern[2:] == parent)
        for pattern in policy.patterns
    )


@dataclass(frozen=True, slots=True)
class Seen:
    """A policy as it was first seen under its id, and when it was last seen (wall clock)."""

    id: str
    policy: StsPolicy
    at: float


def absent(earlier: Seen | None, now: float) -> Judged:
    """There is no record; senders may still hold an `earlier` policy (§3.1)."""
    found = missing(Policy.MTA_STS, "no MTA-STS record: an attacker can keep senders from TLS")
    if earlier is None or earlier.policy.mode != "enforce" or now >= earlier.at + earlier.policy.max_age:
        return found
    left = (earlier.at + earlier.policy.max_age - now) / _DAY
    text = (
        f"MTA-STS: the record has gone, but senders go by the policy for up to {left:.1f} days more; "
        "to withdraw one, publish mode none under a new id first"
    )
    changed = Finding(FindingKind.MTA_STS_CHANGED, Severity.RISK, text)
    return Judged(Policy.MTA_STS, present=False, valid=None, summary=text, findings=(changed,))


def broken(error: PolicyError, earlier: Seen | None, now: float) -> Judged:
    """The record or the policy is not usable, so senders go by what they hold, or by nothing (§3.3)."""
    text = f"MTA-STS: {error}"
    if earlier is not None and now < earlier.at + earlier.policy.max_age:
        text += f"; senders that hold the policy {quoted(earlier.id)} go by it"
    found = Finding(FindingKind.MTA_STS_INVALID, Severity.RISK, text)
    return Judged(Policy.MTA_STS, present=True, valid=False, summary=text, findings=(found,))


def judge(
    record: str,
    policy: StsPolicy,
    servers: Sequence[str],
    presented: Sequence[Presented],
    earlier: Seen | None = None,
) -> Judged:
    """A policy with the id `record` against the domain's MX (§4.1) and their certificates (§4.2)."""
    findings = []
    # In testing mode senders only report what enforcing would keep back.
    weight = Severity.FAULT if policy.mode == "enforce" else Severity.RISK
    wrong = [] if policy.mode == "none" else [*_unnamed(policy, servers), *_untrue(policy, presented)]
    for server, text in wrong:
        words = f"MTA-STS ({policy.mode}): {text}"
        findings.append(Finding(FindingKind.MTA_STS_MISMATCH, weight, words, subject=server))
    if earlier is not None and earlier.id == record and earlier.policy != policy:
        text = (
            f"MTA-STS: the policy has changed, its id {quoted(record)} has not, so senders keep the old one "
            f"for up to {earlier.policy.max_age / _DAY:.1f} days; publish a new id"
        )
        findings.append(Finding(FindingKind.MTA_STS_CHANGED, Severity.RISK, text))
    if policy.mode != "none" and policy.max_age < SHORT:
        text = (
            f"MTA-STS: max_age is {policy.max_age} s; senders forget the policy within a day (wanted: weeks)"
        )
        findings.append(Finding(FindingKind.MTA_STS_INVALID, Severity.INFO, text, subject="max_age"))
    return Judged(
        Policy.MTA_STS,
        present=True,
        valid=not wrong,
        summary=f"MTA-STS: mode {policy.mode}, {len(policy.patterns)} mx, max_age {policy.max_age} s",
        findings=tuple(findings),
    )


def _unnamed(policy: StsPolicy, servers: Sequence[str]) -> Iterator[tuple[str, str]]:
    for server in servers:
        if not allows(policy, server):
            yield server, f"the MX {server} is not in the policy, so senders do not deliver to it"


def _untrue(policy: StsPolicy, presented: Sequence[Presented]) -> Iterator[tuple[str, str]]:
    for item in presented:
        if not allows(policy, item.server):
            continue
        where = f"{item.server} ({item.address})"
        if item.no_tls:
            yield item.server, f"{where} offers no TLS: {item.fault}"
        elif item.fault:
            continue
        elif item.untrusted:
            yield item.server, f"the certificate of {where} is not trusted: {item.untrusted}"
        elif not item.name_valid:
            yield item.server, f"the certificate of {where} is for another name"
