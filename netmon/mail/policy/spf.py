"""SPF: which hosts may send for a domain (RFC 7208).

A record is judged for the worst sender: one that no mechanism matches before the last.  For it a
receiver counts every lookup that the record and what it includes ask for, and gives up past ten.
"""

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from netmon.mail.policy.judged import Judged, Policy, PolicyError, missing, quoted
from netmon.mail.policy.questions import Answer
from netmon.model import Finding, FindingKind, Severity

LOOKUPS: Final = 10  # §4.6.4
_VOIDS: Final = 2
_EXCHANGES: Final = 10  # names of one mx mechanism
_COUNT_TO: Final = 25  # lookups after which counting ends: the record is broken anyway
_LONGEST: Final = 8192
_MOST: Final = 500  # terms
_V4_BITS, _V6_BITS = 32, 128

_MACRO: Final = r"%\{[slodiphcrtvSLODIPHCRTV][0-9]{0,3}[rR]?[.+,/_=-]*\}|%%|%_|%-"
_MACRO_STRING: Final = re.compile(rf"(?:{_MACRO}|[!-$&-~])*")
_ENDS_IN_MACRO: Final = re.compile(r".*(?:%\{[^{}]*\}|%%|%_|%-)", re.DOTALL)
_TOP_LABEL: Final = re.compile(r"(?![0-9]+$)[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_LONGEST_DOMAIN: Final = 512  # characters, macros included
_TERM: Final = re.compile(r"(?P<qualifier>[+?~-]?)(?P<name>[A-Za-z][A-Za-z0-9_.-]*)(?P<rest>.*)", re.DOTALL)
_CIDR: Final = re.compile(r"(?P<body>.*?)(?:/(?P<v4>[0-9]{1,3}))?(?://(?P<v6>[0-9]{1,3}))?", re.DOTALL)
_PLAIN: Final = frozenset({"include", "exists"})  # a domain is needed
_MECHANISMS: Final = frozenset({"all", "include", "a", "mx", "ptr", "ip4", "ip6", "exists"})


@dataclass(frozen=True, slots=True)
class Term:
    """A mechanism with its qualifier; `value` is a domain, perhaps with macros, or a network, or ""."""

    qualifier: str
    mechanism: str
    value: str = ""


@dataclass(frozen=True, slots=True)
class Record:
    """A record; `redirect` is "" where it has none."""

    terms: tuple[Term, ...]
    redirect: str = ""

    @property
    def all(self) -> str:
        """The qualifier of `all`, or ""."""
        return next((term.qualifier for term in self.terms if term.mechanism == "all"), "")


def one_record(texts: Sequence[str]) -> str | None:
    """The one SPF record among TXT records (§4.5); None where there is none.  Raises PolicyError."""
    found = [text for text in texts if text[:7].lower() in {"v=spf1", "v=spf1 "}]
    if len(found) > 1:
        raise PolicyError(f"{len(found)} records begin with v=spf1; wanted one")
    return found[0] if found else None


def parse_record(text: str) -> Record:
    """A record's terms (§4.6.1, §12).  Raises PolicyError."""
    if len(text) > _LONGEST:
        raise PolicyError(f"the record has {len(text)} characters, more than {_LONGEST}")
    if not (text.isascii() and text.isprintable()):
        raise PolicyError(f"the record is not plain ASCII: {quoted(text)}")
    version, *words = text.split(" ")
    if version.lower() != "v=spf1":
        raise PolicyError("the record does not begin with v=spf1")
    words = [word for word in words if word]
    if len(words) > _MOST:
        raise PolicyError(f"the record has {len(words)} terms, more than {_MOST}")
    terms: list[Term] = []
    modifiers: dict[str, str] = {}
    for word in words:
        match = _TERM.fullmatch(word)
        if match is None:
            raise PolicyError(f"{quoted(word)} is no term of SPF")
        name, rest = match["name"].lower(), match["rest"]
        if rest.startswith("="):
            _modifier(name, rest[1:], match["qualifier"], modifiers, word)
        else:
            terms.append(_mechanism(match["qualifier"] or "+", name, rest, word))
    return Record(tuple(terms), modifiers.get("redirect", ""))


def _modifier(name: str, value: str, qualifier: str, modifiers: dict[str, str], word: str) -> None:
    if qualifier or not _MACRO_STRING.fullmatch(value):
        raise PolicyError(f"{quoted(word)} is no modifier")
    if name in {"redirect", "exp"}:
        if name in modifiers:
            raise PolicyError(f"{name} stands twice")
        modifiers[name] = _domain(value, word)


def _mechanism(qualifier: str, name: str, rest: str, word: str) -> Term:
    if name not in _MECHANISMS:
        raise PolicyError(f"{quoted(word)} is no mechanism; there are {', '.join(sorted(_MECHANISMS))}")
    if name == "all":
        if rest:
            raise PolicyError(f"{quoted(word)}: all takes nothing")
        return Term(qualifier, name)
    if name in {"ip4", "ip6"}:
        return Term(qualifier, name, _network(name, rest, word))
    if name in {"a", "mx"}:
        match = _CIDR.fullmatch(rest)
        if match is None or int(match["v4"] or 0) > _V4_BITS or int(match["v6"] or 0) > _V6_BITS:
            raise PolicyError(f"{quoted(word)}: the prefix length is out of range")
        rest = match["body"]
    if not rest and name not in _PLAIN:
        return Term(qualifier, name)
    if not rest.startswith(":"):
        raise PolicyError(f"{quoted(word)}: wanted {name}:DOMAIN")
    return Term(qualifier, name, _domain(rest[1:], word))


def _network(name: str, rest: str, word: str) -> str:
    network = ipaddress.IPv4Network if name == "ip4" else ipaddress.IPv6Network
    address, slash, length = rest.removeprefix(":").partition("/")
    if (
        not rest.startswith(":")
        or (slash and not re.fullmatch(r"0|[1-9][0-9]{0,2}", length))
        or "%" in address
    ):
        raise PolicyError(f"{quoted(word)} is no {name} network")
    try:
        return str(network(f"{address}{slash}{length}", strict=False))
    except ValueError:
        raise PolicyError(f"{quoted(word)} is no {name} network") from None


def _domain(text: str, word: str) -> str:
    """A domain-spec (§7.1)."""
    top = text.removesuffix(".").rpartition(".")
    ends = _ENDS_IN_MACRO.fullmatch(text) or (top[1] and _TOP_LABEL.fullmatch(top[2]))
    if len(text) > _LONGEST_DOMAIN or not _MACRO_STRING.fullmatch(text) or not ends:
        raise PolicyError(f"{quoted(word)}: {quoted(text)} is no domain")
    return text.rstrip(".").lower()


class Asks(Protocol):
    """The questions that a survey puts; each may raise QuestionError."""

    async def texts(self, name: str) -> Answer[str]:
        """TXT records."""

    async def exchanges(self, name: str) -> Answer[tuple[int, str]]:
        """MX records."""

    async def addresses(self, name: str) -> Answer[str]:
        """Addresses."""


@dataclass(slots=True)
class _Count:
    lookups: int = 0
    voids: list[str] = field(default_factory=list)
    discouraged: bool = False  # ptr (§5.5)

    def check(self) -> None:
        """Raise PolicyError past the limits (§4.6.4)."""
        if self.lookups > LOOKUPS:
            many = f"more than {_COUNT_TO}" if self.lookups > _COUNT_TO else str(self.lookups)
            raise PolicyError(f"the record needs {many} lookups; receivers give up after {LOOKUPS}")
        if len(self.voids) > _VOIDS:
            names = ", ".join(map(quoted, self.voids[:4]))
            raise PolicyError(
                f"{len(self.voids)} lookups find nothing ({names}); receivers may give up after {_VOIDS}"
            )


async def judge(domain: str, texts: Sequence[str], ask: Asks) -> tuple[Judged, int]:
    """Of the TXT records of the domain, and the number of lookups; raises QuestionError."""
    count = _Count()
    try:
        text = one_record(texts)
        if text is None:
            return missing(Policy.SPF, "no SPF record: anybody may send in the domain's name"), 0
        record = parse_record(text)
        final = await _survey(domain, record, ask, count, [domain])
        count.check()
    except PolicyError as error:
        text = f"SPF: {error}"
        found = Finding(FindingKind.SPF_INVALID, Severity.RISK, text)
        return Judged(Policy.SPF, present=True, valid=False, summary=text, findings=(found,)), count.lookups
    weak = []
    if final == "+":
        weak.append(
            Finding(FindingKind.SPF_WEAK, Severity.RISK, "SPF: +all lets anybody send", subject="all")
        )
    elif final in {"", "?"}:
        text = "SPF: the record ends without -all or ~all, so it forbids nobody"
        weak.append(Finding(FindingKind.SPF_WEAK, Severity.INFO, text, subject="all"))
    if count.discouraged:
        text = "SPF: the mechanism ptr is slow, and receivers may skip it (RFC 7208 §5.5)"
        weak.append(Finding(FindingKind.SPF_WEAK, Severity.INFO, text, subject="ptr"))
    summary = f"SPF: {count.lookups} of {LOOKUPS} lookups, ends with {final + 'all' if final else 'nothing'}"
    return Judged(Policy.SPF, present=True, valid=True, summary=summary, findings=tuple(weak)), count.lookups


async def _survey(domain: str, record: Record, ask: Asks, count: _Count, way: list[str]) -> str:
    """Count what a record asks for; the qualifier of the `all` that decides in the end, or ""."""
    for term in record.terms:
        if term.mechanism == "all":
            return term.qualifier  # what follows is never looked at (§5.1)
        if term.mechanism in {"ip4", "ip6"}:
            continue
        count.lookups += 1
        if count.lookups > _COUNT_TO:
            return ""
        target = term.value or domain
        if term.mechanism == "ptr":
            count.discouraged = True
        elif "%" in target:
            continue  # it depends on the sender
        elif term.mechanism == "include":
            await _survey(target, await _included(target, "include", ask, way), ask, count, [*way, target])
        else:
            await _look(term.mechanism, target, ask, count)
    if record.redirect and "%" not in record.redirect:
        count.lookups += 1
        if count.lookups > _COUNT_TO:
            return ""
        target = record.redirect
        return await _survey(
            target, await _included(target, "redirect", ask, way), ask, count, [*way, target]
        )
    return ""


async def _included(target: str, by: str, ask: Asks, way: list[str]) -> Record:
    if target in way:
        raise PolicyError(f"{by} leads in a circle to {quoted(target)}")
    text = one_record((await ask.texts(target)).values)
    if text is None:
        raise PolicyError(f"{by}: {quoted(target)} has no SPF record")  # permerror (§5.2, §6.1)
    try:
        return parse_record(text)
    except PolicyError as error:
        raise PolicyError(f"{by} {quoted(target)}: {error}") from None


async def _look(mechanism: str, target: str, ask: Asks, count: _Count) -> None:
    if mechanism == "mx":
        exchanges = (await ask.exchanges(target)).values
        if len(exchanges) > _EXCHANGES:
            raise PolicyError(f"mx: {quoted(target)} has {len(exchanges)} MX; receivers take {_EXCHANGES}")
        found = bool(exchanges)
    else:
        found = bool((await ask.addresses(target)).values)
    if not found:
        count.voids.append(target)
