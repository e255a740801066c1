"""SNMPv3 against Debian's snmpd: every user that it can make, each refusal, restarts, the command line."""

import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from netmon.errors import Reason
from netmon.snmp.ber import encode_oid
from netmon.snmp.client import Client, Meter, SnmpError, Target
from netmon.snmp.usm import Level, User
from netmon.snmp.walk import get, walk
from tests.servers.command import netmon
from tests.servers.snmpd import Snmpd, snmpd

SYSTEM = encode_oid("1.3.6.1.2.1.1")
SYS_NAME = encode_oid("1.3.6.1.2.1.1.5.0")
# Our names of the protocols, and net-snmp's.
AUTH = {"MD5": "MD5", "SHA": "SHA", "SHA224": "SHA-224", "SHA256": "SHA-256", "SHA384": "SHA-384", "SHA512": "SHA-512"}  # fmt: skip  # noqa: E501
PRIV = {"": "", "DES": "DES", "AES": "AES", "AES192": "AES-192", "AES192C": "AES-192-C", "AES256": "AES-256", "AES256C": "AES-256-C"}  # fmt: skip  # noqa: E501
USERS = [
    User(
        f"u{auth}{priv}",
        Level.AUTH_PRIV if priv else Level.AUTH_NO_PRIV,
        auth,
        b"auth of %s" % auth.encode(),
        priv or "DES",
        b"priv of %s" % priv.encode() if priv else b"",
    )
    for auth, priv in product(AUTH, PRIV)
]
GUEST = User("guest")
ANA = next(user for user in USERS if user.name == "uSHA256AES")


def lines() -> list[str]:
    """What snmpd must be told of the users."""
    made = ["sysName switch1", "createUser guest", "rouser guest noauth", "engineID netmon-test"]
    for user in USERS:
        priv = f'{PRIV[user.priv_protocol]} "{user.priv_password.decode()}"' if user.priv_password else ""
        made.append(
            f'createUser {user.name} {AUTH[user.auth_protocol]} "{user.auth_password.decode()}" {priv}'
        )
        made.append(f"rouser {user.name} {'priv' if priv else 'auth'}")
    return made


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Snmpd]:
    """One snmpd with all users."""
    with snmpd(tmp_path_factory.mktemp("snmpd"), *lines()) as running:
        yield running


def target(server: Snmpd, user: User, **settings: Any) -> Target:
    """The server, asked by a user."""
    return Target("127.0.0.1", server.port, 3, user=user, **{"timeout": 2.0, "retries": 0, **settings})


async def refusal(server: Snmpd, user: User, **settings: Any) -> SnmpError:
    """The error that a GET ends with."""
    client = Client()
    try:
        with pytest.raises(SnmpError) as caught:
            await get(client, target(server, user, **settings), [SYS_NAME], Meter())
    finally:
        client.close()
    return caught.value


@pytest.mark.parametrize("user", [GUEST, *USERS], ids=lambda user: user.name)
async def test_every_user_walks(server: Snmpd, user: User) -> None:
    """Each digest with each cipher, both kinds of longer keys: one exchange to discover, then the walk."""
    client, meter = Client(), Meter()
    table = await walk(client, target(server, user), SYSTEM, meter, limit=1_000)
    assert dict(zip(table.oids, table.values, strict=True))[SYS_NAME] == b"switch1"
    assert len(table) > 10
    assert meter.retries == 0
    before = meter.packets
    assert (await get(client, target(server, user), [SYS_NAME], meter)).values == [b"switch1"]
    assert meter.packets == before + 1  # the engine is known
    client.close()


@pytest.mark.parametrize(
    ("change", "reason", "words"),
    [
        ({"name": "eve"}, Reason.UNKNOWN_USER, "unknown user eve at 127.0.0.1:"),
        (
            {"auth_password": b"another password"}, Reason.WRONG_DIGEST,
            "wrong auth password (or auth protocol) for user uSHA256AES at 127.0.0.1:",
        ),
        ({"auth_protocol": "SHA512"}, Reason.WRONG_DIGEST, "wrong auth password"),
        ({"level": Level.AUTH_NO_PRIV}, Reason.AUTHORIZATION_ERROR, "authorizationError"),
        (
            {"name": "uSHA256"}, Reason.UNSUPPORTED_SECURITY_LEVEL,
            "security level authPriv is not supported for user uSHA256 at ",
        ),
    ],
)  # fmt: skip
async def test_what_snmpd_refuses_has_its_reason(
    server: Snmpd, change: dict[str, Any], reason: Reason, words: str
) -> None:
    """At once, with the host alive, and in a sentence that names user and address."""
    error = await refusal(server, replace(ANA, **change))
    assert (error.reason, error.alive) == (reason, True)
    assert words in str(error)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"priv_password": b"another password"}, "the privacy password (or privacy protocol)"),
        ({"priv_protocol": "AES256"}, "the privacy password (or privacy protocol)"),
        ({"context_name": b"nowhere"}, 'or the context "nowhere"'),
    ],
)
async def test_what_snmpd_is_silent_about(server: Snmpd, change: dict[str, Any], words: str) -> None:
    """net-snmp drops what it cannot decrypt and contexts that it lacks; its engine ID shows that it lives."""
    error = await refusal(server, replace(ANA, **change), timeout=0.2)
    assert (error.reason, error.alive) == (Reason.TIMEOUT, True)
    assert words in str(error)
    assert "of user uSHA256AES may be wrong" in str(error)


async def test_a_restart_is_followed(tmp_path: Path) -> None:
    """With more boots as with boots that were lost: one exchange more, and the poll succeeds."""
    client, port = Client(), None
    # What snmpd remembers of its boots; nothing, where its state is lost.
    remembered = f"oldEngineID 0x80001f8804{b'netmon-test'.hex()}"
    for state, boots in (
        ((remembered, "engineBoots 5"), 6),
        ((remembered, "engineBoots 8"), 9),
        ((), 1),
    ):
        with snmpd(tmp_path, *lines()[:4], *lines()[-2:], *state, at=port) as running:
            port, meter = running.port, Meter()
            found = await get(client, target(running, USERS[-1]), [SYS_NAME], meter)
            assert found.values == [b"switch1"]
            assert meter == Meter(packets=2, retries=0, varbinds=1)
            (session,) = next(iter(client._peers.values())).sessions.values()
            assert session._boots == boots
    client.close()


SECRETS = {"NETMON_AUTH_PASSWORD": "auth of SHA256", "NETMON_PRIV_PASSWORD": "priv of AES"}


def test_get_and_walk_by_hand(server: Snmpd) -> None:
    """A user and the passwords of the environment are enough; protocols as people write them."""
    name = "1.3.6.1.2.1.1.5.0"
    done = netmon(
        "snmp", "get", server.endpoint, name, "-u", "uSHA256AES", "-a", "sha-256", "-x", "AES128", **SECRETS
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, f'.{name} = STRING: "switch1"\n', "")
    plain = netmon("snmp", "walk", "-v", "3", server.endpoint, name, "--user", "guest", "-l", "noAuthNoPriv")
    assert plain.stdout == done.stdout


def test_wrong_password_by_hand(server: Snmpd) -> None:
    """One sentence, without the password, and where to read on."""
    done = netmon(
        "snmp", "get", server.endpoint, "1.3.6.1.2.1.1.5.0", "-u", "uSHA256AES", "-a", "SHA256",
        NETMON_AUTH_PASSWORD="sw0rdfish",
    )  # fmt: skip
    assert done.returncode == 1
    assert f"wrong auth password (or auth protocol) for user uSHA256AES at {server.endpoint}" in done.stderr
    assert "netmon explain wrong_digest" in done.stderr
    assert "sw0rdfish" not in done.stderr + done.stdout


def test_a_wrong_privacy_password_is_the_only_suspect(server: Snmpd) -> None:
    """The agent has told its engine ID: nobody need ask whether it runs, or speaks SNMPv3."""
    wrong = SECRETS | {"NETMON_PRIV_PASSWORD": "wrong of AES"}
    options = ("-u", "uSHA256AES", "-a", "SHA256", "--module", "system", "--timeout", "300ms")
    done = netmon("probe", f"snmp://{server.endpoint}", *options, **wrong)
    assert "the privacy password (or privacy protocol) of user uSHA256AES may be wrong" in done.stdout
    assert "does an agent run there" not in done.stdout


def test_too_low_a_level_by_hand(server: Snmpd) -> None:
    """The agent knows the user and refuses: what is told to read on is about access."""
    done = netmon(
        "snmp", "get", server.endpoint, "1.3.6.1.2.1.1.5.0", "-u", "uSHA256AES", "-a", "SHA256",
        NETMON_AUTH_PASSWORD=SECRETS["NETMON_AUTH_PASSWORD"],
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.endswith("the agent says authorizationError. netmon explain authorization_error\n")


@pytest.mark.parametrize(
    ("options", "variables", "words"),
    [
        (("-v", "3"), {}, "SNMPv3 needs a user: add username (--user)"),
        (("-u", "ana", "-l", "authPriv"), {"NETMON_AUTH_PASSWORD": "longenough"}, "(NETMON_PRIV_PASSWORD)"),
        (("-u", "ana", "-l", "authNoPriv"), {}, "(NETMON_AUTH_PASSWORD)"),
        (("-u", "ana", "-l", "auth"), {}, '--level "auth" is not one of'),
        (("-u", "ana", "-a", "SHA3"), {}, '--auth-protocol "SHA3" is not one of'),
        (("-u", "ana", "-v", "2c"), {}, "of SNMPv3, not of version 2"),
        (("-v", "4"), {}, "not one of 1, 2c, 3"),
        (("-u", "ana"), {"NETMON_AUTH_PASSWORD": "short"}, "NETMON_AUTH_PASSWORD: is shorter than 8 octets"),
    ],
)
def test_what_is_missing_is_said_by_its_option(
    options: tuple[str, ...], variables: dict[str, str], words: str
) -> None:
    """In the words of the command line, before anything is sent."""
    done = netmon("snmp", "get", "127.0.0.1:9", "1.3.6.1.2.1.1.5.0", *options, **variables)
    assert done.returncode == 1
    assert words in done.stderr


def test_a_probe_by_url_and_by_config(server: Snmpd, tmp_path: Path) -> None:
    """Read with a user of the environment, and with one of the config's auths; a refusal is `rejected`."""
    url = f"snmp://{server.endpoint}"
    by_hand = netmon(
        "probe", url, "--module", "system", "-u", "uSHA256AES", "-a", "SHA256", "--json", **SECRETS
    )
    assert json.loads(by_hand.stdout)["snmp"][0]["result"] == "ok"
    config = tmp_path / "netmon.yml"
    config.write_text(f"""
auths:
  core: {{version: 3, username: uSHA256AES, security_level: authPriv, auth_protocol: SHA256,
         password: "${{env:NETMON_A}}", priv_protocol: AES, priv_password: "${{env:NETMON_P}}"}}
hosts:
  - {{name: sw1, address: 127.0.0.1, snmp: {{auth: core, port: {server.port}, modules: [system]}}}}
""")
    secrets = {"NETMON_A": "auth of SHA256", "NETMON_P": "priv of AES"}
    good = netmon("probe", "sw1", "--config", str(config), "--json", **secrets)
    assert json.loads(good.stdout)["snmp"][0]["result"] == "ok"
    bad = netmon(
        "probe", "sw1", "--config", str(config), "--json", **(secrets | {"NETMON_A": "auth of sha1"})
    )
    check = json.loads(bad.stdout)["snmp"][0]
    assert (check["result"], check["reason"]) == ("rejected", "wrong_digest")
