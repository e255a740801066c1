"""`netmon probe domain://example.org`: every MX and address of a domain, probed once, as a matrix."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final
from urllib.parse import urlsplit

from netmon.cli.common import shown
from netmon.cli.targets import Wanted
from netmon.cli.verdict import Status, plain, run_once, with_numbers
from netmon.cli.waterfall import check_lines
from netmon.config import Config, DomainConfig, ProbeEntry
from netmon.domains import Domains
from netmon.errors import NetmonError
from netmon.health import judge_domain
from netmon.mail.mx.answer import is_host_name
from netmon.mail.mx.known import CONFIRM
from netmon.mail.mx.questions import Questions
from netmon.model import CheckState, Confirm, DomainVerdict, DomainVerdictName, Limits, Lookup, Result
from netmon.plan import plan
from netmon.probes import PROBES
from netmon.probes.base import Context, Library
from netmon.status import domain_rows
from netmon.store import advance

SCHEME: Final = "domain"
_STATUS: Final = {
    DomainVerdictName.HEALTHY: Status.OK,
    DomainVerdictName.DEGRADED: Status.WARNING,
    DomainVerdictName.DOWN: Status.CRITICAL,
}
_AT_ONCE: Final = 50  # checks


@dataclass(frozen=True, slots=True)
class DomainOutcome:
    """What became of it."""

    lookup: Lookup
    states: tuple[CheckState, ...]  # in the order of preference
    verdict: DomainVerdict

    @property
    def status(self) -> Status:
        """A plugin's exit code."""
        return _STATUS.get(self.verdict.name, Status.UNKNOWN)


def domain_of(target: str, config: Config | None, wanted: Wanted) -> DomainConfig | None:
    """The domain that a target names: ``domain://NAME[:PORT]``, or a configured one; None if it is neither.

    A configured host of that name comes first.  Raises NetmonError.
    """
    known: Mapping[str, DomainConfig] = {one.name: one for one in config.domains} if config else {}
    scheme, given, rest = target.rpartition("://")
    if not given:
        hosts = {entry.host.name for entry in config.hosts} if config else set()
        found = None if target in hosts else known.get(target.rstrip(".").lower())
        return None if found is None else _as_wanted(found, wanted)
    if scheme != SCHEME:
        return None
    mend = "wanted domain://example.org or domain://example.org:25"
    try:
        parts = urlsplit(f"//{rest}")
        name, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        raise NetmonError(f"the domain in the URL is not one; {mend}") from None
    if not is_host_name(name) or parts.path not in {"", "/"} or "@" in rest:
        raise NetmonError(f"the URL holds more or less than a domain and a port; {mend}")
    found = known.get(name)
    if found is None:
        kind = PROBES["smtp"]
        settings = kind.settings.model_validate({"port": 25, "role": "inbound", "tls": "starttls"})
        found = DomainConfig(name, 300.0, 10.0, ProbeEntry(kind, settings), Confirm(), Limits())
    return _as_wanted(found, wanted, port)


def _as_wanted(domain: DomainConfig, wanted: Wanted, port: int | None = None) -> DomainConfig:
    if wanted.tls_name is not None:
        raise NetmonError("--tls-name goes with one server; a domain's have the names of their MX records")
    changed = {"port": port, "ca_file": wanted.ca_file}
    settings = domain.probe.settings.model_copy(
        update={key: value for key, value in changed.items() if value is not None}
    )
    timeout = domain.timeout if wanted.timeout is None else wanted.timeout
    return replace(domain, timeout=timeout, probe=ProbeEntry(domain.probe.kind, settings))


@dataclass(frozen=True, slots=True)
class _Planned:
    """As much of a config as plan() needs."""

    hosts: Sequence[Any]
    domains: Sequence[DomainConfig]
    mailflows: Sequence[Any] = ()


async def look_at(domain: DomainConfig, config: Config | None, context: Context) -> DomainOutcome:
    """Look the domain up, and run each of its checks once."""
    hosts = config.hosts if config else ()
    questions = Questions(lambda: context.resolver)
    domains = Domains(
        questions.ask, lambda: None, wall=context.wall, note=lambda *_: None, noted=lambda _: {}
    )
    domains.configure([domain], (entry.host for entry in hosts))
    for _ in range(CONFIRM):  # what takes all away is asked for again
        await domains.look(domain.name)
        if domains.routes:
            break
    servers = replace(domain, policy=None)  # policy:// is for that
    checks = plan(_Planned((), (servers,)), Library({}, {}), domains.routes)
    lookup = domains.lookups()[domain.name]
    order = {(route.mx, route.address): number for number, route in enumerate(lookup.routes)}
    wanted = sorted(checks, key=lambda check: order[check.mx, check.address])
    loop = asyncio.get_running_loop()
    begun, places = loop.time(), asyncio.Semaphore(_AT_ONCE)

    async def run(number: int) -> CheckState:
        async with places:
            check = wanted[number]
            return advance(CheckState(check), await run_once(check, context))

    states = tuple(await asyncio.gather(*(run(number) for number in range(len(wanted)))))
    verdict = judge_domain(lookup, states, started=begun, now=loop.time(), wall=context.wall())
    return DomainOutcome(lookup, states, verdict)


def domain_lines(outcome: DomainOutcome, *, blocks: bool) -> Iterator[str]:
    """What a person reads: the first line is a plugin's."""
    verdict = outcome.verdict
    text = plain(f"{verdict.domain} {verdict.name}: {verdict.sentence}")
    yield with_numbers(f"NETMON {outcome.status.name} - {text}", outcome.states)
    if matrix := list(_matrix(outcome.lookup, outcome.states)):
        yield from ("", *matrix)
    if verdict.findings:
        yield ""
    for finding in verdict.findings:
        yield f"  {finding.severity:<5} {finding.kind}: {plain(finding.text)}"
    for state in outcome.states:
        if state.result is not Result.OK:
            yield ""
            yield from check_lines(state, blocks=blocks)


def _matrix(lookup: Lookup, states: Sequence[CheckState]) -> Iterator[str]:
    rows = [
        (
            state.check.mx,
            state.check.address,
            str(state.result),
            "" if state.observation is None else plain(shown(state.observation.detail)),
        )
        for state in states
    ]
    checked = {row[0] for row in rows}
    rows += [(mx, "-", "not checked", "") for mx in lookup.mx if mx not in checked]
    if not rows:
        return
    table = [("MX", "address", "result", ""), *rows]
    widths = [max(len(row[column]) for row in table) for column in range(3)]
    for row in table:
        cells = [cell.ljust(width) for cell, width in zip(row[:3], widths, strict=True)]
        yield f"  {'  '.join([*cells, row[3]])}".rstrip()


def domain_json(outcome: DomainOutcome) -> dict[str, Any]:
    """The domain as `/api/domains` has it, under the exit code and with each check."""
    (row,) = domain_rows([outcome.verdict], {outcome.lookup.domain: outcome.lookup})
    return {
        "status": outcome.status.name,
        "code": int(outcome.status),
        **asdict(row),
        "checks": list(_checks(outcome.states)),
    }


def _checks(states: Iterable[CheckState]) -> Iterator[dict[str, Any]]:
    for state in states:
        if (seen := state.observation) is not None:
            yield {
                "endpoint": seen.key.endpoint,
                "mx": state.check.mx,
                "address": state.check.address,
                "result": seen.result.value,
                "reason": seen.reason.value,
                "detail": seen.detail,
                "duration": seen.duration,
            }
