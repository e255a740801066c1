"""A small world to render: a `Source` of plain dicts and short makers of records."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from netmon.errors import Reason
from netmon.model import (
    Check,
    CheckKey,
    CheckState,
    Column,
    Family,
    Host,
    HostVerdict,
    Kind,
    News,
    Observation,
    Phase,
    Result,
    Role,
    Run,
    Table,
    Value,
)

OCTETS = Family("ifHCInOctets", Kind.COUNTER, "Octets received on the interface.")
UPTIME = Family("sysUpTime", Kind.GAUGE, "Time since the agent started, in hundredths of a second.")
EXPIRY = Family("netmon_tls_certificate_expiry_timestamp_seconds", Kind.GAUGE, "When the certificate ends.")


class World:
    """A `Source`; change it freely between scrapes."""

    def __init__(self, *hosts: Host) -> None:
        self.named = {host.name: host for host in hosts}
        self.judged: dict[str, HostVerdict] = {}
        self.runs: dict[CheckKey, list[Run]] = {}
        self.failures: dict[CheckKey, list[Observation]] = {}
        self.told: list[News] = []
        self.known: dict[str, list[CheckState]] = {host.name: [] for host in hosts}

    def hosts(self) -> Mapping[str, Host]:
        """The configured hosts."""
        return self.named

    def verdicts(self) -> Mapping[str, HostVerdict]:
        """The verdicts by host."""
        return self.judged

    def checks_of(self, host: str) -> Sequence[CheckState]:
        """The states of one host's checks."""
        return self.known[host]

    def runs_of(self, key: CheckKey) -> Sequence[Run]:
        """The last runs of a check."""
        return self.runs.get(key, ())

    def failures_of(self, key: CheckKey) -> Sequence[Observation]:
        """The last runs of a check that were not ok."""
        return self.failures.get(key, ())

    def news(self) -> Sequence[News]:
        """The last announcements."""
        return self.told

    def on_change(self, listener: Callable[[str], None]) -> None:
        """Nothing changes by itself here."""

    def add(self, state: CheckState) -> None:
        """One more check."""
        self.known[state.check.key.host].append(state)


def host(name: str = "sw1", **fields: Any) -> Host:
    """A host."""
    return Host(name, "192.0.2.1", **fields)


def planned(of: Host, probe: str = "snmp", port: int = 161, role: Role | None = None) -> CheckState:
    """A check that has not run yet."""
    key = CheckKey(of.name, probe, f"{of.name}:{port}")
    return CheckState(Check(key, of, None, 60.0, 10.0, 2, 60.0, role))


def ran(
    of: Host,
    probe: str = "snmp",
    port: int = 161,
    *,
    role: Role | None = None,
    result: Result = Result.OK,
    reason: Reason | None = None,
    own: tuple[Table, ...] = (),
    **fields: Any,
) -> CheckState:
    """A check after a run at 1700000000 that took 0.25 s."""
    check = planned(of, probe, port, role).check
    why = reason or (Reason.OK if result is Result.OK else Reason.TIMEOUT)
    fields = {"detail": "", "phases": (Phase("resolve", 0.05), Phase("walk", 0.2))} | fields
    observation = Observation(
        check.key, result, why, started=1_700_000_000.0, duration=0.25, own=own, **fields
    )
    return CheckState(
        check,
        observation,
        own,
        result,
        why,
        last_run=1_700_000_000.0,
        since=1_699_999_000.0,
        last_ok=1_699_999_000.0,
    )


def ports(*values: Value, family: Family = OCTETS, alias: str = "uplink") -> Table:
    """A table of one column with a row for each value, as of an interface table."""
    rows = tuple((str(i), f"Gi1/0/{i}", alias) for i in range(1, len(values) + 1))
    return Table(("ifIndex", "ifName", "ifAlias"), rows, (Column(family, values),))


def scalar(family: Family, value: Value) -> Table:
    """A table without labels."""
    return Table((), ((),), (Column(family, (value,)),))
