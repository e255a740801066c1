"""The query of `/snmp`: what is taken and what is refused, by snmp_exporter's rules."""

import pytest

from netmon.scrape.query import Endpoint, Query, QueryError, parse_endpoint, parse_query

AUTHS = ("public_v2", "core")
MODULES = ("if_mib", "system", "hrStorage")


def query(*items: tuple[str, str]) -> Query:
    """Parse with the target sw1 in front."""
    return parse_query([("target", "sw1"), *items], AUTHS, MODULES)


def test_a_target_alone_is_a_query() -> None:
    """The auth is public_v2 and the module if_mib where nothing else is said."""
    assert query() == Query(Endpoint("udp", "sw1", None, numeric=False), "public_v2", ("if_mib",))


def test_modules_repeat_and_are_lists() -> None:
    """Modules come repeated and in comma lists, each once, in order; empty ones are none."""
    assert query(("module", "system,if_mib"), ("module", "if_mib,,hrStorage"), ("module", "")).modules == (
        "system",
        "if_mib",
        "hrStorage",
    )
    assert query(("module", "")).modules == ("if_mib",)


def test_further_parameters() -> None:
    """Auth, context, engine ID in hexadecimal, and netmon's own flags; what nobody knows is left alone."""
    asked = query(
        ("auth", "core"),
        ("snmp_context", "vlan-1"),
        ("snmp_engineid", "0x8000000001"),
        ("partial", "true"),
        ("debug", "true"),
        ("anything", "else"),
    )
    assert (asked.auth, asked.context, asked.engine_id) == ("core", "vlan-1", bytes.fromhex("8000000001"))
    assert asked.partial
    assert asked.debug


@pytest.mark.parametrize(
    ("items", "sentence"),
    [
        ([], "the parameter target must be given once: /snmp?target=HOST&module=if_mib"),
        ([("target", "")], "the parameter target must be given once: /snmp?target=HOST&module=if_mib"),
        ([("target", "a"), ("target", "a")], "the parameter target must be given once, not 2 times"),
        (
            [("target", "a"), ("auth", "cor")],
            'unknown auth "cor"; did you mean "core"?; auths of netmon.yml names them',
        ),
        (
            [("target", "a"), ("auth", "core"), ("auth", "core")],
            "the parameter auth must be given once, not 2 times",
        ),
        (
            [("target", "a"), ("module", "if_mbi")],
            'unknown module "if_mbi"; did you mean "if_mib"?; modules of your own come from files',
        ),
        ([("target", "a"), ("module", ",".join(map(str, range(65))))], "65 modules are too many for one"),
        ([("target", "a"), ("snmp_engineid", "xyz")], 'snmp_engineid "xyz" is not 5 to 32 octets in'),
        ([("target", "a"), ("snmp_context", "c" * 33)], "snmp_context is longer than 32 octets"),
        ([("target", "a"), ("debug", "maybe")], 'debug="maybe" is neither true nor false'),
    ],
)
def test_what_is_refused(items: list[tuple[str, str]], sentence: str) -> None:
    """A bad parameter is a 400 with a sentence that says what is wanted."""
    with pytest.raises(QueryError) as caught:
        parse_query(items, AUTHS, MODULES)
    assert caught.value.status == 400
    assert str(caught.value).startswith(sentence)


@pytest.mark.parametrize(
    ("text", "transport", "host", "port"),
    [
        ("sw1", "udp", "sw1", None),
        ("SW1.Example.org.:1161", "udp", "sw1.example.org", 1161),
        ("192.0.2.1:161", "udp", "192.0.2.1", 161),
        ("udp4://192.0.2.1", "udp4", "192.0.2.1", None),
        ("udp6://[2001:DB8::1]:161", "udp6", "2001:db8::1", 161),
        ("tcp://sw1:1161", "tcp", "sw1", 1161),
        ("2001:db8:0:0::1", "udp", "2001:db8::1", None),
        ("[::ffff:192.0.2.1]", "udp", "192.0.2.1", None),
    ],
)
def test_targets(text: str, transport: str, host: str, port: int | None) -> None:
    """`[transport://]host[:port]`; addresses and names come out in one form each."""
    found = parse_endpoint(text)
    assert (found.transport, found.host, found.port) == (transport, host, port)


@pytest.mark.parametrize(
    "text",
    [
        "sw1:0", "sw1:65536", "sw1:snmp", "sw1:", "http://sw1", "://sw1", "udp://", "[sw1]", "[::1", "a b",
        "a/b", "127.1", "0177.0.0.1", "2130706433", "0x7f000001", "127.0.0.0x1", "192.0.2.256",
        "fe80::1%eth0", "[fe80::1%1]",
        "sw1\n", "sw1\x00", "-sw1", "sw..1", "user@sw1", "sw1?x", "é", "a" * 300,
    ],
)  # fmt: skip
def test_targets_that_are_none(text: str) -> None:
    """Anything else is refused, the disguises of an address that system resolvers would see through too."""
    with pytest.raises(QueryError) as caught:
        parse_endpoint(text)
    assert caught.value.status == 400
    assert len(str(caught.value)) < 400
    assert str(caught.value).isprintable()


def test_a_target_has_a_length_that_costs_nothing_to_judge() -> None:
    """What is longer than any target is refused unread: many colons would hold up all checks."""
    for text in (":" * 60_000 + "x", "udp://" + "a." * 30_000, "[" + ":" * 60_000):
        with pytest.raises(QueryError, match="is not"):
            parse_endpoint(text)
    longest = ".".join(["a" * 63] * 3 + ["b" * 61])
    assert parse_endpoint(f"udp4://{longest}:65535").host == longest
