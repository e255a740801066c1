"""The plan: which checks a config means, and what their digests notice."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from netmon.fields import Secret
from netmon.mib.modules import builtin_modules
from netmon.model import Check, Role, Route
from netmon.plan import all_hosts, digest, plan
from netmon.probes.base import Auth, Library
from tests.unit.config.reading import GOOD, read

BUILTIN = builtin_modules()


def planned(folder: Path, text: str) -> dict[str, Check]:
    """The plan of a config, by probe and endpoint."""
    config = read(folder, text)
    checks = plan(config, Library(config.auths, BUILTIN))
    return {f"{check.key.probe} {check.key.endpoint}": check for check in checks}


def test_one_check_for_each_probe(tmp_path: Path) -> None:
    """Keys, roles and times of the documentation's example."""
    checks = planned(tmp_path, GOOD)
    assert sorted(checks) == [
        "ping mx1",
        "smtp mx1:2525",
        "smtp mx1:465",
        "snmp core-sw1:161",
        "snmp mx1:161",
    ]
    submission = checks["smtp mx1:465"]
    assert (submission.role, submission.required) == (Role.SUBMISSION, False)
    assert (submission.interval, submission.timeout, submission.retries) == (60.0, 10.0, 2)
    assert checks["snmp core-sw1:161"].interval == checks["snmp core-sw1:161"].deadline == 30.0
    assert checks["ping mx1"].host.depends_on == ("core-sw1",)
    assert checks["ping mx1"].role is None


def test_deadline_and_timeout_fit_into_the_interval(tmp_path: Path) -> None:
    """A run never outlives its interval or a minute, and no answer is awaited longer than the run."""
    short = planned(tmp_path, "hosts: [{name: a, ping: true, interval: 5s}]\n")["ping a"]
    assert (short.deadline, short.timeout) == (5.0, 5.0)
    long = planned(tmp_path, "hosts: [{name: a, ping: true, interval: 1h}]\n")["ping a"]
    assert (long.interval, long.deadline, long.timeout) == (3600.0, 60.0, 10.0)


def test_the_same_config_has_the_same_digests(tmp_path: Path) -> None:
    """Two loads of one file mean the same checks, which are equal as sets."""
    assert planned(tmp_path, GOOD) == planned(tmp_path, GOOD)
    assert frozenset(planned(tmp_path, GOOD).values()) == frozenset(planned(tmp_path, GOOD).values())


BASE = """\
auths: {lab: {community: one}}
hosts:
  - {name: a, address: 192.0.2.1, snmp: {auth: lab, modules: [system]}, smtp: [{port: 25}], labels: {x: y}}
"""


@pytest.mark.parametrize(
    ("old", "new", "changed"),
    [
        ("one", "two", {"snmp a:161"}),
        ("lab: {", "lab: {version: 1, ", {"snmp a:161"}),
        ("[system]", "[system, if_mib]", {"snmp a:161"}),
        ("192.0.2.1", "192.0.2.2", {"snmp a:161", "smtp a:25"}),
        ("name: a,", "name: a, interval: 30s,", {"snmp a:161", "smtp a:25"}),
        ("name: a,", "name: a, timeout: 3s,", {"snmp a:161", "smtp a:25"}),
        ("name: a,", "name: a, retries: 1,", {"snmp a:161", "smtp a:25"}),
        ("port: 25", "port: 25, required: false", {"smtp a:25"}),
        ("port: 25", "port: 25, tls: none", {"smtp a:25"}),
        ("x: y", "x: z", set()),
        ("name: a,", "name: a, confirm: {fail: 9},", set()),
        ("auths: {", "auths: {new: {community: x}, ", set()),
    ],
)
def test_digest_notices_what_changes_a_run_and_nothing_else(
    tmp_path: Path, old: str, new: str, changed: set[str]
) -> None:
    """A changed password or interval renews a check; a changed label does not disturb its schedule."""
    before = planned(tmp_path, BASE)
    after = planned(tmp_path, BASE.replace(old, new))
    assert {name for name in before if before[name].digest != after[name].digest} == changed


def test_digest_notices_a_changed_module(tmp_path: Path) -> None:
    """A module file that was edited renews the checks that use it."""
    config = read(tmp_path, BASE)
    edited = {**BUILTIN, "system": replace(BUILTIN["system"], digest="other")}
    first = {check.key: check.digest for check in plan(config, Library(config.auths, BUILTIN))}
    second = {check.key: check.digest for check in plan(config, Library(config.auths, edited))}
    assert {key.probe for key in first if first[key] != second[key]} == {"snmp"}


@dataclass(frozen=True)
class Part:
    """A record for digests."""

    name: str
    more: tuple[Any, ...] = ()
    table: dict[str, int] = field(default_factory=dict)


def test_digest_is_stable_over_processes() -> None:
    """A value that was written down: hash randomisation and memory addresses have no part in it."""
    value = Part("x", (1, 2.5, None, True, b"\0", Role.INBOUND, frozenset({"b", "a"})), {"b": 1, "a": 2})
    assert digest(value) == "25223279c65fea8cd68c744fbf63e70c"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("ab", "c"), ("a", "bc")),
        ((("a",), "b"), ("a", ("b",))),
        (1, "1"),
        (1, True),
        (1, 1.0),
        (None, "None"),
        (Secret("a"), Secret("b")),
        (Secret("a"), "a"),
        (Auth(version=1), Auth(version=2)),
        (Part("a"), Part("a", table={"x": 1})),
        ((), ((),)),
        ({"a": "b", "c": "d"}, {"a": "d", "c": "b"}),
        (frozenset({"a", "b"}), frozenset({"ab"})),
    ],
)
def test_different_values_have_different_digests(one: object, other: object) -> None:
    """The encoding is prefix-free and keeps sorts apart."""
    assert digest(one) != digest(other)


def test_order_of_a_mapping_does_not_matter() -> None:
    """Keys that moved in the file renew nothing."""
    assert digest({"a": 1, "b": 2}) == digest({"b": 2, "a": 1})


def test_digest_refuses_what_has_no_stable_form() -> None:
    """Better an error in a test than a check that is renewed at every reload."""
    with pytest.raises(TypeError, match="object has no stable form"):
        digest((object(),))


def test_settings_that_cannot_be_hashed_are_planned_all_the_same() -> None:
    """A probe whose settings hold a mapping is bound for each host anew."""
    kind: Any = SimpleNamespace(
        least_interval=0.0,
        longest=None,
        name="odd",
        bind=lambda settings, _library: settings,
        role=lambda _settings: None,
        endpoint=lambda host, _settings: host,
    )
    host = SimpleNamespace(name="a", address="a")
    probe = SimpleNamespace(kind=kind, settings={"a": [1]})
    entry = SimpleNamespace(host=host, interval=60.0, timeout=10.0, retries=2, probes=(probe,))
    (check,) = plan(SimpleNamespace(hosts=(entry,), domains=(), mailflows=()), Library({}, {}))
    assert check.key == ("a", "odd", "a")


DOMAINS = """\
hosts:
  - {name: mx1, address: 192.0.2.1, smtp: [{port: 25}]}
  - {name: mx2.test, address: 192.0.2.2, ping: true}
  - {name: inner, address: mx3.test, ping: true}
domains:
  - {name: a.org}
  - {name: b.org, interval: 2m, ca_file: ca.pem}
  - {name: c.org, port: 2525}
defaults: {confirm: {fail: 7}}
"""


def routed(folder: Path, *routes: Route, text: str = DOMAINS) -> dict[str, Check]:
    """The checks of domains, by host and endpoint."""
    config = read(folder, text)
    checks = plan(config, Library(config.auths, BUILTIN), routes)
    return {f"{check.key.host} {check.key.endpoint}": check for check in checks if check.mx}


def test_a_check_for_each_address_of_an_mx(tmp_path: Path) -> None:
    """It goes to that address, wants the MX's name in the certificate, and its label holds no address."""
    checks = routed(
        tmp_path,
        Route("a.org", "mx.test", "198.51.100.1"),
        Route("a.org", "mx.test", "198.51.100.2", 2),
        Route("a.org", "mx.test", "2001:db8::1"),
    )
    assert sorted(checks) == [
        "mx.test mx.test:25/ip4",
        "mx.test mx.test:25/ip4-2",
        "mx.test mx.test:25/ip6",
    ]
    second = checks["mx.test mx.test:25/ip4-2"]
    assert (second.address, second.mx, second.domains) == ("198.51.100.2", "mx.test", ("a.org",))
    assert (second.settings.tls_name, second.role, second.interval) == ("mx.test", Role.INBOUND, 300.0)
    host = second.host
    assert (host.name, host.address, host.confirm.fail) == ("mx.test", "mx.test", 7)
    assert host.addresses == ("198.51.100.1", "198.51.100.2", "2001:db8::1")


def test_whose_address_it_is_has_the_check(tmp_path: Path) -> None:
    """By an address of a host, by its name, or by the name that is its address; else an implicit host."""
    checks = routed(
        tmp_path,
        Route("a.org", "mail.test", "192.0.2.1"),
        Route("a.org", "mx2.test", "198.51.100.7"),
        Route("a.org", "mx3.test", "198.51.100.8"),
        Route("a.org", "mail.test", "198.51.100.9", 2),
    )
    assert {name: check.host.name for name, check in checks.items()} == {
        "mx1 mail.test:25/ip4": "mx1",
        "mx2.test mx2.test:25/ip4": "mx2.test",
        "inner mx3.test:25/ip4": "inner",
        "mail.test mail.test:25/ip4-2": "mail.test",
    }
    assert checks["mail.test mail.test:25/ip4-2"].host.addresses == ("198.51.100.9",)
    config = read(tmp_path, DOMAINS)
    assert [host.name for host in all_hosts((entry.host for entry in config.hosts), checks.values())] == [
        "mx1",
        "mx2.test",
        "inner",
        "mail.test",
    ]


def test_a_shared_mx_is_talked_to_once(tmp_path: Path) -> None:
    """One check with both domains, by the shorter interval and else the first one's settings.

    Not of another port, nor of a domain that is no longer configured.
    """
    at = "mx.test", "198.51.100.1"
    checks = routed(tmp_path, *(Route(name, *at) for name in ("c.org", "b.org", "a.org", "gone.org")))
    assert {name: check.domains for name, check in checks.items()} == {
        "mx.test mx.test:25/ip4": ("a.org", "b.org"),
        "mx.test mx.test:2525/ip4": ("c.org",),
    }
    shared = checks["mx.test mx.test:25/ip4"]
    assert (shared.interval, shared.settings.ca_file) == (120.0, None)
    alone = routed(tmp_path, Route("a.org", *at))["mx.test mx.test:25/ip4"]
    again = routed(tmp_path, Route("a.org", *at), Route("c.org", *at))["mx.test mx.test:25/ip4"]
    assert alone.digest == again.digest
    moved = routed(tmp_path, Route("a.org", "mx.test", "198.51.100.2"))["mx.test mx.test:25/ip4"]
    assert moved.digest != alone.digest


def test_what_a_domain_publishes_is_checked_once_an_hour(tmp_path: Path) -> None:
    """On a host of its name, with its own settings, and only as far inwards as a person allowed."""
    text = """\
hosts: [{name: b.org, address: 192.0.2.1, ping: true}]
domains:
  - {name: a.org, interval: 2m, mta_sts: false, dkim: [Key1], allow: [10.0.0.0/8]}
  - {name: b.org, interval: 2h}
  - {name: c.org, policy: false}
"""
    config = read(tmp_path, text)
    library = Library(config.auths, BUILTIN)
    routes = [Route("a.org", "mx.test", "10.0.0.1"), Route("a.org", "mx.test", "198.41.0.4")]
    checks = {
        check.host.name: check for check in plan(config, library, routes) if check.key.probe == "policy"
    }
    assert {name: (check.key.endpoint, check.interval) for name, check in checks.items()} == {
        "a.org": ("a.org", 3600.0),
        "b.org": ("b.org", 7200.0),
    }
    settings = checks["a.org"].settings
    assert (settings.mta_sts, settings.dane, settings.dkim) == (False, True, ("key1",))
    assert (settings.allow, settings.addresses) == (("10.0.0.0/8",), ("10.0.0.1",))
    assert checks["b.org"].host.address == "192.0.2.1"
    assert not checks["a.org"].required
