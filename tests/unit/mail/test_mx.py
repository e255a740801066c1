"""Where mail for a domain goes: what DNS may say, one line a case, against a table in place of DNS."""

import ipaddress
from types import SimpleNamespace
from typing import Any

import dns.rrset
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netmon.mail.mx.answer import MOST_ADDRESSES, MOST_MX, Answer, Exchange, look
from netmon.mail.mx.fence import outside
from netmon.mail.mx.known import CONFIRM, DAY, MOST_NAMES, Known, follow, from_note, to_note
from netmon.mail.mx.questions import Kind, Reply, State, _reply
from netmon.model import FindingKind, Severity

D = "example.org"
Zone = dict[str, Any]


def reply_of(zone: Zone, name: str, kind: Kind) -> Reply:
    """What a table says: records by ``name kind``; `None` is silence, `@name` an alias."""
    if not any(key.split()[0] == name for key in zone):
        return Reply(State.ABSENT)
    alias = f"{name} CNAME" in zone
    if f"{name} {kind}" not in zone:
        return Reply(State.EMPTY, alias=alias)
    found = zone[f"{name} {kind}"]
    if found is None:
        return Reply(State.FAILED, why="silence for 5 s")
    return Reply(State.FOUND, tuple(found), 60.0, alias=alias)


async def looked(zone: Zone) -> Answer:
    """One look at the domain."""

    async def ask(name: str, kind: Kind) -> Reply:
        return reply_of(zone, name, kind)

    return await look(D, ask)


TWO = {
    f"{D} MX": [(20, "b.test"), (10, "a.test")],
    "a.test A": ["192.0.2.1"],
    "a.test AAAA": ["2001:db8::1"],
    "b.test A": ["192.0.2.2", "192.0.2.3"],
}
A = {"a.test A": ["192.0.2.1"]}
FROM_A = {"a.test": ["192.0.2.1"]}
CASES: list[tuple[str, Zone, dict[str, list[str]], list[str]]] = [
    ("two, best first", TWO,
     {"a.test": ["192.0.2.1", "2001:db8::1"], "b.test": ["192.0.2.2", "192.0.2.3"]}, []),
    ("none: its own address", {f"{D} A": ["192.0.2.9"]}, {D: ["192.0.2.9"]}, ["mx_missing"]),
    ("neither", {f"{D} TXT": []}, {}, ["domain_without_mail"]),
    ("no such domain", {}, {}, ["domain_without_mail"]),
    ("null", {f"{D} MX": [(0, "")]}, {}, ["null_mx"]),
    ("null of another preference", {f"{D} MX": [(10, "")]}, {}, ["null_mx"]),
    ("null beside others", {f"{D} MX": [(0, ""), (10, "a.test")], **A}, FROM_A, ["null_mx"]),
    ("alias", {f"{D} MX": [(10, "a.test")], **A, "a.test CNAME": []}, FROM_A, ["mx_is_alias"]),
    ("no address", {f"{D} MX": [(10, "a.test")], "a.test TXT": []}, {"a.test": []}, ["mx_without_address"]),
    ("no such server", {f"{D} MX": [(10, "a.test")]}, {"a.test": []}, ["mx_without_address"]),
    ("address", {f"{D} MX": [(10, "192.0.2.1")]}, {}, ["mx_is_address"]),
    ("IPv6 address", {f"{D} MX": [(10, "2001:db8::1")]}, {}, ["mx_is_address"]),
    ("no name", {f"{D} MX": [(10, 'a"\\010.test')]}, {}, ["mx_name_invalid"]),
    ("named twice", {f"{D} MX": [(10, "a.test"), (20, "a.test")], **A}, FROM_A, []),
    ("half answered", TWO | {"a.test AAAA": None, f"{D} MX": [(1, "a.test")]}, FROM_A,
     ["dns_failed"]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("zone", "servers", "findings"), [case[1:] for case in CASES], ids=[c[0] for c in CASES]
)
async def test_what_dns_says(zone: Zone, servers: dict[str, list[str]], findings: list[str]) -> None:
    """Servers in the order of preference, IPv4 first, and what is wrong."""
    answer = await looked(zone)
    assert {exchange.name: list(exchange.addresses) for exchange in answer.exchanges} == servers
    assert list(servers) == [exchange.name for exchange in answer.exchanges]
    told = [finding.kind for finding in answer.findings]
    assert (told if answer.nothing is None else [answer.nothing.kind]) == findings
    assert (answer.nothing is not None) is (not servers and not answer.findings)
    assert answer.failed == ""


@pytest.mark.parametrize("zone", [{f"{D} MX": None}, {f"{D} A": None}, {f"{D} AAAA": None}])
async def test_silence_is_no_answer(zone: Zone) -> None:
    """DNS that does not answer says nothing of the domain, also where only its address is wanted."""
    answer = await looked(zone)
    assert "silence for 5 s" in answer.failed
    assert (answer.exchanges, answer.nothing) == ((), None)


async def test_a_flood_is_cut() -> None:
    """The best 20 MX, and 10 addresses of each: of both families where there are many."""
    zone: Zone = {f"{D} MX": [(number, f"m{number:03}.test") for number in range(500)]}
    zone["m000.test A"] = [f"192.0.2.{number}" for number in range(200)]
    zone["m000.test AAAA"] = [f"2001:db8::{number:x}" for number in range(200)]
    zone["m001.test A"] = zone["m000.test A"]
    zone["m002.test AAAA"] = zone["m000.test AAAA"]
    answer = await looked(zone)
    assert [exchange.name for exchange in answer.exchanges] == [f"m{number:03}.test" for number in range(20)]
    both, four, six = (exchange.addresses for exchange in answer.exchanges[:3])
    assert sum(":" in address for address in both) == 5
    assert len(both) == len(four) == len(six) == MOST_ADDRESSES
    assert [finding.kind for finding in answer.findings].count(FindingKind.MX_TOO_MANY) == 4


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.tuples(st.integers(0, 65535), st.text(max_size=70)), max_size=60),
    st.lists(st.one_of(st.ip_addresses().map(str), st.text(max_size=20)), max_size=40),
)
async def test_no_answer_makes_more_than_the_bound(names: list[tuple[int, str]], found: list[str]) -> None:
    """Whatever DNS says: at most 20 servers with 10 numeric addresses each, under names of hosts."""

    async def ask(_name: str, kind: Kind) -> Reply:
        return Reply(State.FOUND, tuple(names if kind == "MX" else found), 1.0)

    known = Known()
    for _ in range(2):
        known = follow(known, await look(D, ask), 0.0)
    assert len(known.exchanges) <= MOST_MX
    for exchange in known.exchanges:
        assert len(exchange.addresses) <= MOST_ADDRESSES
        assert exchange.name.isascii()
        assert all(str(ipaddress.ip_address(address)) == address for address in exchange.addresses)


def good(*servers: str) -> Answer:
    """An answer with servers `name=address,...`."""
    return Answer(
        tuple(
            Exchange(name, tuple(addresses.split(",")) if addresses else ())
            for name, _, addresses in (server.partition("=") for server in servers)
        )
    )


def after(*answers: Answer) -> Known:
    """What is known after these looks, a minute apart."""
    known = Known()
    for number, answer in enumerate(answers):
        known = follow(known, answer, 1000.0 + 60.0 * number)
    return known


FAILS = Answer(failed="silence")


async def test_what_takes_all_away_is_confirmed() -> None:
    """No such domain, a null MX: said three times in a row; one good answer between begins anew."""
    absent = await looked({})
    first = good("a.test=192.0.2.1")
    twice = after(first, absent, absent)
    assert (twice.exchanges, twice.confirmed_nothing) == (first.exchanges, False)
    assert twice.findings[0].kind == FindingKind.DOMAIN_WITHOUT_MAIL
    assert after(first, *[absent] * CONFIRM).exchanges == ()
    assert after(first, absent, absent, first, absent).exchanges == first.exchanges


def test_silence_takes_nothing_away() -> None:
    """However long DNS is dead, the last good answer stays, and it is known since when."""
    known = after(good("a.test=192.0.2.1"), *[FAILS] * 100)
    assert known.exchanges == good("a.test=192.0.2.1").exchanges
    assert (known.unanswered, known.failing_since, known.why) == (True, 1060.0, "silence")
    assert after(FAILS).unanswered, "nothing was ever known"
    assert not after(good("a.test=192.0.2.1"), FAILS).unanswered, "one lost look is nothing yet"


def test_what_names_servers_is_followed_at_once() -> None:
    """Fewer, other and more servers and addresses."""
    for answer in (
        good("a.test=192.0.2.1"),
        good("c.test=192.0.2.7"),
        good("a.test=192.0.2.5", "b.test=192.0.2.2"),
    ):
        assert after(good("a.test=192.0.2.1", "b.test=192.0.2.2"), answer).exchanges == answer.exchanges


def test_a_server_keeps_its_addresses_until_it_is_certain_that_it_has_none() -> None:
    """An empty answer for one server counts as that of the domain does; silence takes nothing away."""
    first, without = good("a.test=192.0.2.1,192.0.2.2"), good("a.test=")
    assert after(first, without, without).exchanges == first.exchanges
    assert after(first, *[without] * CONFIRM).exchanges == without.exchanges
    half = Answer((Exchange("a.test", ("192.0.2.2",), unsure=True),))
    assert set(after(first, half).exchanges[0].addresses) == {"192.0.2.1", "192.0.2.2"}


def test_names_that_change_for_ever_are_not_followed_for_ever() -> None:
    """A zone that names other servers at every look makes at most a hundred a day."""
    seen: set[str] = set()
    known = Known()
    for number in range(300):
        known = follow(known, good(f"m{number}.test=192.0.2.1"), 60.0 * number)
        seen.update(exchange.name for exchange in known.exchanges)
    assert len(seen) == MOST_NAMES
    assert known.findings[-1].kind == FindingKind.MX_TOO_MANY
    later = follow(known, good("new.test=192.0.2.1"), 300 * 60.0 + DAY)
    assert [exchange.name for exchange in later.exchanges] == ["new.test"]


def test_a_note_brings_it_over_a_restart() -> None:
    """Servers and addresses come back; a broken note is no note."""
    known = after(good("a.test=192.0.2.1"))
    assert from_note(to_note(known)).exchanges == known.exchanges
    for note in (None, [], {}, {"mx": [["a"]], "good_at": 0, "names": {}}, {"mx": 3}, "x"):
        assert from_note(note) == Known()


@pytest.mark.parametrize(
    ("address", "refused"),
    [
        ("127.0.0.1", True), ("10.1.2.3", True), ("172.16.0.1", True), ("192.168.1.1", True),
        ("169.254.169.254", True), ("100.64.0.1", True), ("0.0.0.0", True), ("224.0.0.1", True),
        ("255.255.255.255", True), ("::1", True), ("::", True), ("fe80::1", True), ("fd00::1", True),
        ("ff02::1", True), ("::ffff:127.0.0.1", True), ("::ffff:10.0.0.1", True), ("2002:7f00:1::", True),
        ("64:ff9b::7f00:1", True), ("64:ff9b::a9fe:a9fe", True),
        ("8.8.8.8", False), ("2606:4700::1111", False), ("64:ff9b::808:808", False),
    ],
)  # fmt: skip
def test_only_the_public_internet_on_dnss_word(address: str, refused: bool) -> None:  # noqa: FBT001
    """Loopback, private, link-local and multicast addresses are refused, in every disguise, until allowed."""
    assert outside(address) is refused
    assert not outside(address, configured={address})
    assert not outside(address, allow=[ipaddress.ip_network(address)])


async def test_findings_have_their_weight() -> None:
    """What harms mail now is a fault, what will is a risk, a missing MX for information."""
    found = (await looked({f"{D} MX": [(1, "a.test"), (2, "192.0.2.1")], **A, "a.test CNAME": []})).findings
    assert {str(finding.kind): finding.severity for finding in found} == {
        "mx_is_address": Severity.FAULT,
        "mx_is_alias": Severity.RISK,
    }


def test_an_answer_full_of_addresses() -> None:
    """Of thousands of addresses in one answer no more are remembered than anybody needs."""
    many = dns.rrset.from_text_list(
        "mx1.test.", 60, "IN", "A", [f"192.0.{high}.{low}" for high in range(9) for low in range(200)]
    )
    reply = _reply(SimpleNamespace(rrset=many), "A", alias=False)  # type: ignore[arg-type]
    assert MOST_ADDRESSES < len(reply.records) <= 64
