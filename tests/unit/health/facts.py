"""Short makers of what SNMP tells: tables, observations, devices and views."""

from collections.abc import Mapping, Sequence

from netmon.errors import Reason
from netmon.health import Device, HostView, follow
from netmon.health.rules import findings
from netmon.model import (
    CheckState,
    Column,
    Family,
    Finding,
    Host,
    Kind,
    Limits,
    Observation,
    Result,
    Table,
)
from tests.unit.spine.records import check, seen, state

SNMP = check("snmp", port=161)
SMTP = check("smtp", port=25)
SUBMISSION = check("smtp", port=587)
NOW = 1100.0
LIMITS = Limits()


def scalar(name: str, value: float) -> Table:
    """An object of one instance."""
    return Table((), ((),), (Column(Family(name, Kind.GAUGE, ""), (value,)),))


def table(names: Sequence[str], rows: Mapping[tuple[str, ...], Mapping[str, float]]) -> Table:
    """Rows by their labels, columns by the families' names."""
    families = list(next(iter(rows.values())))
    return Table(
        tuple(names),
        tuple(rows),
        tuple(
            Column(Family(name, Kind.GAUGE, ""), tuple(row[name] for row in rows.values()))
            for name in families
        ),
    )


def disks(**used: float) -> Table:
    """dskTable: `var_spool=97` is /var/spool with 97% in use."""
    rows = {
        (str(n), "/" + path.replace("_", "/")): {"dskPercent": per}
        for n, (path, per) in enumerate(used.items())
    }
    return table(("dskIndex", "dskPath"), rows)


def ports(**by_name: tuple[int, int, int, int] | int) -> tuple[Table, ...]:
    """IF-MIB: name -> (ifOperStatus, ifAdminStatus, errors, packets), or the status alone."""
    rows, admin, kinds = {}, {}, {}
    for number, (name, of) in enumerate(by_name.items(), 1):
        up, wanted, errors, packets = of if isinstance(of, tuple) else (of, 1, 0, 0)
        alias = {"uplink": "to mx1", "spare": ""}.get(name, "")
        labels = (str(number), name, f"interface {name}", alias)
        rows[labels] = {
            "ifOperStatus": up,
            "ifInErrors": errors,
            "ifOutErrors": 0,
            "ifHCInUcastPkts": packets,
            "ifHCOutUcastPkts": 0,
        }
        admin[labels] = {"ifAdminStatus": wanted}
        kinds[*labels, "softwareLoopback" if name == "lo" else "ethernetCsmacd"] = {"ifType_info": 1}
    names = ("ifIndex", "ifName", "ifDescr", "ifAlias")
    return table(names, rows), table(names, admin), table((*names, "ifType"), kinds)


def run(*tables: Table, begun: float = 1000.0, own: Sequence[Table] = (), **more: object) -> Observation:
    """An SNMP run that brought these."""
    return seen(SNMP, begun=begun, tables=tables, own=tuple(own), **more)


def device(*runs: Observation) -> Device | None:
    """What is known after these runs."""
    known = None
    for one in runs:
        known = follow(known, one)
    return known


def refusing(of: object = SMTP, reason: Reason = Reason.REFUSED) -> CheckState:
    """A mail check that failed so."""
    return state(of, seen(of, Result.FAILED, reason, alive=reason is Reason.REFUSED))


def well(of: object = SMTP) -> CheckState:
    """A check that is ok."""
    return state(of, seen(of))


def view(known: Device | None, *states: CheckState, limits: Limits = LIMITS, **more: object) -> HostView:
    """A host whose SNMP told that, beside these checks."""
    host = Host(
        "mx1", "192.0.2.1", limits=limits, **{k: more.pop(k) for k in ("upstream_ports",) if k in more}
    )
    return HostView(host, (well(SNMP), *states), started=0.0, device=known, wall=NOW, **more)


def found(of: HostView, now: float = NOW) -> dict[str, Finding]:
    """The findings by kind."""
    return {finding.kind: finding for finding in findings(of, now)}
