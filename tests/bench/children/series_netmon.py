"""netmon rendering a large `/metrics`; see `main` for its commands."""

# ruff: noqa: T201 - stdout is how it talks to the benchmark

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from netmon.errors import Reason
from netmon.exposition import Exposition
from netmon.model import Check, CheckKey, CheckState, Host, HostVerdict, Observation, Result
from tests.bench.series import tables


class Switches:
    """A source of many hosts with one SNMP check each."""

    def __init__(self, count: int) -> None:
        self._states: dict[str, CheckState] = {}
        for name, table in tables(count, 0):
            check = Check(CheckKey(name, "snmp", name), Host(name, name), None, 60.0, 5.0, 1, 60.0)
            seen = Observation(check.key, Result.OK, Reason.OK, "", 0.0, 0.0, tables=(table,))
            self._states[name] = CheckState(check, seen, result=Result.OK, reason=Reason.OK)
        self._hosts = {name: state.check.host for name, state in self._states.items()}

    def hosts(self) -> Mapping[str, Host]:
        """All hosts."""
        return self._hosts

    def verdicts(self) -> Mapping[str, HostVerdict]:
        """None: nothing is judged here."""
        return {}

    def checks_of(self, host: str) -> Sequence[CheckState]:
        """The host's check."""
        return (self._states[host],)

    def observe(self, turn: int) -> None:
        """A new run of every check."""
        for name, table in tables(len(self._states), turn):
            state = self._states[name]
            if state.observation is not None:
                self._states[name] = replace(state, observation=replace(state.observation, tables=(table,)))


def main(hosts: int) -> None:
    """Commands: `observe N` puts new values in place, `render` makes the page, `write PATH` keeps it."""
    source = Switches(hosts)
    exposition = Exposition(source, limit=1 << 30)
    print(0, flush=True)
    for line in sys.stdin:
        command, _, argument = line.strip().partition(" ")
        if command == "observe":
            source.observe(int(argument))
            print(command, flush=True)
        elif command == "render":
            print(sum(map(len, exposition.metrics())), flush=True)
        else:
            Path(argument).write_bytes(b"".join(exposition.metrics()))
            print(command, flush=True)


main(int(sys.argv[1]))
