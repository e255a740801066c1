"""pysnmp's engine, as netmon sets it up, against Debian's snmpd with each kind of security."""

from collections.abc import Iterator

import pytest

from netmon.fields import Secret
from netmon.snmp import ber
from netmon.snmp.engine import open_engine, set_objects
from netmon.snmp.outcome import Credentials, EngineError, Fate, Varbind
from tests.servers.snmpd import Snmpd, snmpd

CONTACT = ber.encode_oid("1.3.6.1.2.1.1.4.0")
PASSWORD = "auth-s3same"
ONE = [Varbind(CONTACT, ber.OCTET_STRING, b"noc")]
PAIRS = [
    ("MD5", "MD5", "DES", "DES"),
    ("SHA", "SHA", "AES", "AES"),
    ("SHA224", "SHA-224", "AES", "AES"),
    ("SHA256", "SHA-256", "AES", "AES"),
    ("SHA384", "SHA-384", "AES", "AES"),
    ("SHA512", "SHA-512", "AES", "AES"),
]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Snmpd]:
    """One snmpd with a user for each pair of protocols."""
    lines = [f'createUser u{a} {named} "auth-s3same" {p} "priv-s3same"' for a, named, _, p in PAIRS]
    users = [f"rwuser u{a} noauth" for a, *_ in PAIRS]
    with snmpd(tmp_path_factory.mktemp("snmpd"), *lines, *users, "rwcommunity wr1te default") as running:
        yield running


def user(name: str, auth: str, priv: str, password: str = PASSWORD) -> Credentials:
    """A user with both passwords."""
    return Credentials(
        username=name, auth_protocol=auth, password=Secret(password), priv_protocol=priv,
        priv_password=Secret("priv-s3same"),
    )  # fmt: skip


@pytest.mark.parametrize(("auth", "_named", "priv", "_priv"), PAIRS)
async def test_each_pair_of_protocols(auth: str, _named: str, priv: str, _priv: str, server: Snmpd) -> None:
    """authPriv with every protocol that Debian's snmpd has."""
    done = await set_objects(user(f"u{auth}", auth, priv), "127.0.0.1", server.port, ONE, seconds=2)
    assert done.fate is Fate.DONE


async def test_one_engine_serves_all(server: Snmpd) -> None:
    """Versions, users and mistakes by turns; a wrong password leaves nothing behind that spoils the next."""
    async with open_engine() as engine:

        async def fate(credentials: Credentials, port: int = server.port) -> Fate:
            return (await engine.set_objects(credentials, "127.0.0.1", port, ONE, seconds=0.5)).fate

        right = user("uSHA256", "SHA256", "AES")
        assert await fate(right) is Fate.DONE
        assert await fate(user("uSHA256", "SHA256", "AES", "wr0ng-password")) is Fate.REPORTED
        assert await fate(right) is Fate.DONE
        assert await fate(user("nobody", "SHA256", "AES")) is Fate.REPORTED
        assert await fate(Credentials(2, Secret("wr1te"))) is Fate.DONE
        assert await fate(Credentials(1, Secret("wr1te"))) is Fate.DONE
        assert await fate(Credentials(2, Secret("wr0ng"))) is Fate.UNKNOWN
        assert await fate(right, port=9) is Fate.NOT_SENT
        assert await fate(right) is Fate.DONE


async def test_what_no_set_can_be_made_of(server: Snmpd) -> None:
    """Told before anything is sent."""
    bad = Varbind(CONTACT, ber.COUNTER64, 1)
    with pytest.raises(EngineError, match="Counter64"):
        await set_objects(Credentials(1, Secret("wr1te")), "127.0.0.1", server.port, [bad], seconds=1)
    with pytest.raises(EngineError, match="not one of MD5"):
        await set_objects(user("u", "SHA3", "AES"), "127.0.0.1", server.port, ONE, seconds=1)
    with pytest.raises(EngineError, match="does not fit"):
        await set_objects(
            Credentials(2, Secret("wr1te")), "127.0.0.1", server.port, [Varbind(CONTACT, ber.INTEGER, 2**40)],
            seconds=1,
        )  # fmt: skip
    with pytest.raises(EngineError, match="numeric"):
        await set_objects(Credentials(2, Secret("wr1te")), "localhost", server.port, ONE, seconds=1)
