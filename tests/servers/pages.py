"""A small company in a store, judged by the real watch and served by the real routes."""

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from netmon.errors import Reason
from netmon.exposition import Exposition, SelfMetrics
from netmon.loading import explained
from netmon.mib.modules import builtin_modules
from netmon.model import (
    Check,
    CheckKey,
    Column,
    Confirm,
    Family,
    Finding,
    Host,
    Kind,
    Observation,
    Phase,
    Result,
    Role,
    Severity,
    Table,
)
from netmon.model.events import Event, EventSeverity, EventValue, TrapChange
from netmon.routes import OnDemand, Query, Services, routes
from netmon.status import Live
from netmon.store import Store
from netmon.trap_board import TrapBoard
from netmon.watch import Watch
from netmon.web import Server

FLOW = 1  # no port: the check that sends a message through
ROLES = {
    25: Role.INBOUND,
    465: Role.SUBMISSION,
    587: Role.SUBMISSION,
    993: Role.ACCESS,
    995: Role.ACCESS,
    FLOW: Role.FLOW,
}
TRAIL = (
    "S: 220 mx1.example.org ESMTP Postfix",
    "C: EHLO probe1.example.net",
    "S: 250-mx1.example.org",
    "S: 250 STARTTLS",
    "C: STARTTLS",
    "S: 220 2.0.0 Ready to start TLS",
    "* TLSv1.3, TLS_AES_256_GCM_SHA384",
    "C: QUIT",
)


class Wishes:
    """Watch's wishes, which no scheduler is here to hear."""

    def look_again(self, key: CheckKey, seconds: float) -> None:
        """Nothing runs again here."""

    def look_too(self, key: CheckKey, why: str) -> None:
        """Nothing runs besides here."""


@dataclass
class Company:
    """Hosts and their checks; `run` makes an observation of one and hands it to the store."""

    store: Store = field(default_factory=Store)
    notices: list[str] = field(default_factory=list)
    live: Live = field(default_factory=Live)
    checks: dict[tuple[str, str, int], Check] = field(default_factory=dict)

    traps: TrapBoard = field(default_factory=lambda: TrapBoard(note=lambda *_: None, noted=lambda _: {}))
    ago: float = 0.0  # seconds: when what is told now is said to have happened

    def __post_init__(self) -> None:
        """Connect what belongs together."""
        self.watch = Watch(
            self.store, Wishes(), clock=time.monotonic, wall=self.wall, traps=self.traps.raised_of
        )
        self.store.listen(self.watch.saw)
        self.store.on_change(self.live.changed)

    def wall(self) -> float:
        """The time of what happens."""
        return time.time() - self.ago

    def plan(self, *hosts: tuple[Host, tuple[int, ...]]) -> None:
        """Take these hosts, each with the ports of its checks: 0 is ping, 161 SNMP, the rest SMTP."""
        self.checks.clear()
        for host, ports in hosts:
            for port in ports:
                probe = {0: "ping", 161: "snmp"}.get(port, "smtp")
                endpoint = host.name if port == 0 else f"{host.name}:{port}"
                key = CheckKey(host.name, probe, endpoint)
                check = Check(key, host, None, 60.0, 10.0, 2, 60.0, ROLES.get(port), digest="1")
                self.checks[host.name, probe, port] = check
        self.store.plan([host for host, _ in hosts], self.checks.values())
        self.watch.planned()
        self.traps.planned(self.store.hosts().keys(), self.wall())

    def trap(self, event: Event, *changes: TrapChange, authenticated: bool = False) -> None:
        """An event was committed, and changed these states of its host."""
        told = [[event.host, *change, authenticated, event.at, event.id, event.trap] for change in changes]
        notice = {"traps": [[event.host, event.trap, event.severity, 1, event.last]], "changes": told}
        for name in self.traps.take(notice, self.wall()):
            self.watch.traps_changed(name)
        self.traps.show([event])
        self.live.changed(event.host)

    def run(
        self, name: str, port: int, result: Result = Result.OK, reason: Reason = Reason.OK, **more: Any
    ) -> None:
        """One scheduled run of the check on `port` has ended."""
        probe = {0: "ping", 161: "snmp"}.get(port, "smtp")
        check = self.checks[name, probe, port]
        duration = more.pop("duration", 0.02)
        facts: dict[str, Any] = {
            "detail": f"{name} answers" if result is Result.OK else f"{name} does not answer",
            "alive": result is Result.OK or reason is not Reason.TIMEOUT,
            "phases": tuple(Phase(part, duration * share) for part, share in PHASES.get(probe, ())),
            "trail": TRAIL if probe == "smtp" else (f"* {name} was asked",),
        } | more
        started = self.wall()
        self.store.put(
            Observation(
                check.key, result, reason, started=started, duration=duration, begun=time.monotonic(), **facts
            )
        )

    def fail(self, name: str, port: int, reason: Reason, detail: str, times: int = 3, **more: Any) -> None:
        """A fault, seen often enough to be confirmed."""
        for _ in range(times):
            self.run(name, port, Result.FAILED, reason, detail=detail, **more)


PHASES = {
    "ping": (("resolve", 0.1), ("echo", 0.9)),
    "snmp": (("resolve", 0.02), ("system", 0.18), ("if_mib", 0.75)),
    "smtp": (
        ("resolve", 0.02),
        ("connect", 0.06),
        ("greeting", 0.3),
        ("ehlo", 0.1),
        ("starttls", 0.42),
        ("quit", 0.08),
    ),
}


def system(name: str, description: str = "", *aliases: str, down: int = 0) -> tuple[Table, ...]:
    """What a device says of itself: the system group, and a port for each alias of which `down` are down."""

    def scalar(family: str, value: float, **labels: str) -> Table:
        return Table(
            tuple(labels), (tuple(labels.values()),), (Column(Family(family, Kind.GAUGE, ""), (value,)),)
        )

    tables = [
        scalar("sysName", 1, sysName=name),
        scalar("sysDescr", 1, sysDescr=description or f"{name} 48-port access switch"),
        scalar("sysUpTime", 41 * 8_640_000),
    ]
    if aliases:
        rows = tuple((str(i), f"Gi1/0/{i}", alias) for i, alias in enumerate(aliases, 1))
        status = tuple(2 if i < down else 1 for i in range(len(rows)))
        columns = (
            Column(Family("ifAdminStatus", Kind.GAUGE, ""), (1,) * len(rows)),
            Column(Family("ifOperStatus", Kind.GAUGE, ""), status),
        )
        tables.append(Table(("ifIndex", "ifName", "ifAlias"), rows, columns))
    return tuple(tables)


@asynccontextmanager
async def serving(company: Company) -> AsyncIterator[str]:
    """The pages of `company`; yields their URL."""
    own = SelfMetrics("0.1.0", ["snmp"])

    async def reload() -> list[str]:
        return []

    async def nobody(query: Query, seconds: float | None) -> OnDemand:
        message = "no device stands behind these pages"
        raise NotImplementedError(message)

    words = explained(builtin_modules())
    services = Services(
        source=company.store,
        live=company.live,
        exposition=Exposition(company.store, own.text),
        own=own,
        config=lambda: "",
        reload=reload,
        ready=lambda: True,
        notices=lambda: company.notices,
        wall=time.time,
        loaded=lambda: time.time() - 3600,
        listen="127.0.0.1:9162",
        explained=lambda: words,
        silences=lambda: {"silences": [], "windows": []},
        snmp=nobody,
        probe=nobody,
        traps=company.traps,
    )
    server = Server(routes(services), "127.0.0.1:0")
    await server.start()
    try:
        yield f"http://{server.address}"
    finally:
        await company.live.close()
        await server.stop(grace=1)


def ten_hosts() -> Company:
    """Ten hosts of which some are ill, each in its own way."""
    company = Company()

    def host(name: str, number: int, kind: str, *behind: str) -> Host:
        labels = {"site": "gdansk" if number % 3 else "waw", "kind": kind}
        return Host(name, f"192.0.2.{number}", labels=labels, depends_on=behind, confirm=Confirm(fail=3))

    mail = (0, 25, 161, 465, 587)
    company.plan(
        (host("core1", 1, "switch"), (0, 161)),
        (host("sw1", 2, "switch", "core1"), (0, 161)),
        (host("sw2", 3, "switch", "core1"), (0, 161)),
        (host("mx1", 10, "mail", "sw1"), mail),
        (host("mx2", 11, "mail", "sw1"), mail),
        (host("mx3", 12, "mail", "sw2"), mail),
        (host("relay", 13, "mail", "sw2"), (0, 25, 161)),
        (host("ups1", 20, "ups", "sw2"), (0, 161)),
        (host("old-router", 21, "router", "core1"), (0, 161)),
        (host("new", 22, "mail", "core1"), (0, 25)),
    )
    ports = tuple(f"desk {n}" for n in range(1, 49))
    company.ago = 90_000
    for turn in range(45):
        for name, _, port in company.checks:
            if name == "new" or (name == "mx3" and turn % 17 == 3 and port == 25):
                continue
            more: dict[str, Any] = {"duration": 0.012 + 0.004 * ((turn * 7 + port + len(name)) % 11)}
            if port == 161:
                more["tables"] = system(name, "", *ports, down=5) if name.startswith("sw") else system(name)
            company.run(name, port, **more)
        if turn % 17 == 3:
            company.run(
                "mx3", 25, Result.DEFERRED, Reason.GREETING_DEFERRED, detail="greeting: 421 4.3.2 busy"
            )
    company.ago = 7500
    port25 = company.checks["relay", "smtp", 25].key
    soon = Finding(
        "certificate_ends", Severity.RISK, "the certificate ends in 3 days", port25, company.wall()
    )
    for _ in range(4):
        company.run("relay", 25, findings=(soon,))
    company.ago = 1020
    spool = Finding(
        "storage_full",
        Severity.CAUSE,
        "/var/spool is 100% full",
        company.checks["mx2", "snmp", 161].key,
        company.wall(),
    )
    company.run("mx2", 161, tables=system("mx2.example.org", "Linux mx2 6.1 x86_64"), findings=(spool,))
    full = "MAIL FROM: 452 4.3.1 Insufficient system storage"
    for _ in range(3):
        company.run("mx2", 25, Result.DEFERRED, Reason.SYSTEM_DEFERRED, detail=full)
    company.ago = 460
    company.fail(
        "old-router", 161, Reason.TIMEOUT, "GETBULK of 1.3.6.1.2.1.1: no answer to 3 sends of 10 s each"
    )
    company.ago = 130
    company.fail("mx1", 25, Reason.REFUSED, "the connection is refused")
    company.ago = 12
    timeout: dict[str, Any] = {"detail": "no greeting in 30 s", "alive": None, "duration": 0.09}
    company.run("mx3", 465, Result.FAILED, Reason.TIMEOUT, **timeout)
    company.ago = 0
    return company


def of_every_kind() -> Company:
    """Mail hosts with every kind of check and switches that send traps: the table has all its columns."""
    company = Company()
    labels = {"site": "berlin", "service": "mail"}
    every = (0, 161, 25, 465, 587, 993, 995, FLOW)
    company.plan(
        (Host("mail-gateway-01.berlin.example.net", "192.0.2.4", labels=labels), every),
        (Host("mx2", "192.0.2.5", labels=labels), every),
        (Host("sw2", "192.0.2.9"), (0, 161)),
        (Host("ups1", "2001:db8:1234:5678:9abc:def0:1234:5678"), (0, 161)),
    )
    for _ in range(30):
        for name, _, port in company.checks:
            company.run(name, port)
    company.fail("mx2", 587, Reason.TIMEOUT, "no greeting in 10 s")
    company.fail("mx2", 993, Reason.CERTIFICATE_UNTRUSTED, "the certificate is not trusted")
    trapped(company)
    return company


def trapped(company: Company) -> None:
    """Traps that a switch, a UPS and a stranger have sent."""
    now = time.time()

    def event(number: int, age: float, host: str, trap: str, severity: EventSeverity, **more: Any) -> Event:
        facts: dict[str, Any] = {
            "count": 1, "source": "192.0.2.20", "oid": "1.3.6.1.6.3.1.1.5.3", "version": 2, "inform": False,
            "user": "", "authenticated": False, "engine_id": "", "agent_address": "", "uptime": 1.0,
            "values": (), "last": now - age,
        } | more  # fmt: skip
        return Event(id=number, at=now - age - 1, host=host, trap=trap, severity=severity, **facts)

    company.trap(
        event(1, 4000, "", "1.3.6.1.4.1.99999.0.7", EventSeverity.INFO, source="203.0.113.77", version=1)
    )
    values = (
        EventValue("IF-MIB::ifIndex.3", "1.3.6.1.2.1.2.2.1.1.3", "INTEGER", "3"),
        EventValue("IF-MIB::ifOperStatus.3", "1.3.6.1.2.1.2.2.1.8.3", "INTEGER", "down(2)"),
        EventValue("IF-MIB::ifAlias.3", "1.3.6.1.2.1.31.1.1.1.18.3", "OCTET STRING", "<b>desk</b> 3"),
    )
    company.trap(
        event(2, 700, "sw2", "IF-MIB::linkDown", EventSeverity.WARNING, count=1204, values=values),
        TrapChange("link_down", "3", active=True, ttl=86400.0, cause=False),
    )
    company.trap(
        event(
            3, 20, "ups1", "UPS-MIB::upsTrapOnBattery", EventSeverity.CRITICAL, version=3, user="ups",
            authenticated=True, inform=True,
        ),
        TrapChange("on_battery", "", active=True, ttl=180.0, cause=True),
        authenticated=True,
    )  # fmt: skip


def thousands(count: int) -> Company:
    """So many healthy switches and mail hosts."""
    company = Company()
    company.plan(
        *(
            (
                Host(f"h{n:05}", f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}", labels={"rack": f"r{n % 300}"}),
                (0, 161) if n % 4 else (0, 25, 161, 587),
            )
            for n in range(count)
        )
    )
    for name, _, port in company.checks:
        company.run(name, port)
    return company
