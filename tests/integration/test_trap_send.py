"""`netmon trap send` against Debian's snmptrapd: every version and level, traps and informs."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.servers.command import netmon
from tests.servers.snmptrapd import Snmptrapd, snmptrapd

ENGINE = "80007ed9051122334455667788"
LINK_DOWN = ("IF-MIB::linkDown", "ifIndex.3=3", "ifAdminStatus.3=up", "ifOperStatus.3=down")
PASSWORDS = {"NETMON_AUTH_PASSWORD": "maplesyrup1", "NETMON_PRIV_PASSWORD": "maplesyrup2"}
# Level and protocols as netmon's options have them, and as snmptrapd's createUser does.
LEVELS = {
    "noauth": (("-l", "noAuthNoPriv"), "", "noauth"),
    "md5": (("-l", "authNoPriv", "-a", "MD5"), "MD5 maplesyrup1", "auth"),
    "sha": (("-l", "authPriv", "-a", "SHA", "-x", "AES"), "SHA maplesyrup1 AES maplesyrup2", "priv"),
    "sha256": (
        ("-l", "authPriv", "-a", "SHA256", "-x", "DES"),
        "SHA-256 maplesyrup1 DES maplesyrup2",
        "priv",
    ),
    "sha512": (
        ("-l", "authPriv", "-a", "SHA512", "-x", "AES256"),
        "SHA-512 maplesyrup1 AES-256 maplesyrup2",
        "priv",
    ),
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Snmptrapd]:
    """One snmptrapd that knows every user, under the sender's engine ID for traps and its own for informs."""
    lines = ["authCommunity log secret"]
    for user, (_, keys, level) in LEVELS.items():
        lines += [f"createUser -e 0x{ENGINE} {user} {keys}", f"createUser {user} {keys}"]
        lines.append(f"authUser log {user} {level}")
    with snmptrapd(tmp_path_factory.mktemp("snmptrapd"), *lines) as running:
        yield running


def accepted(server: Snmptrapd, *arguments: str, folder: Path, **env: str) -> str:
    """Send, and what snmptrapd wrote of it."""
    before = len(server.lines(0))
    done = netmon(
        "trap", "send", server.endpoint, *arguments, folder=folder, XDG_STATE_HOME=str(folder), **env
    )
    assert done.returncode == 0, done.stderr
    return server.lines(before + 1)[-1]


@pytest.mark.parametrize("inform", [(), ("--inform",)], ids=["trap", "inform"])
@pytest.mark.parametrize("version", ["2c", *LEVELS])
def test_snmptrapd_takes_what_is_sent(
    server: Snmptrapd, tmp_path: Path, version: str, inform: tuple[str, ...]
) -> None:
    """Name, varbinds and types arrive, in v2c and in every level of v3; an inform is acknowledged."""
    if version == "2c":
        line = accepted(server, *LINK_DOWN, *inform, "-c", "secret", folder=tmp_path)
    else:
        options = ("-u", version, *LEVELS[version][0], "--engine-id", ENGINE)
        line = accepted(server, *LINK_DOWN, *inform, *options, folder=tmp_path, **PASSWORDS)
    assert ("INFORM" if inform else "TRAP2") in line
    for pair in (
        ".1.3.6.1.6.3.1.1.4.1.0 = OID: .1.3.6.1.6.3.1.1.5.3",
        ".1.3.6.1.2.1.2.2.1.1.3 = INTEGER: 3",
        ".1.3.6.1.2.1.2.2.1.7.3 = INTEGER: 1",
        ".1.3.6.1.2.1.2.2.1.8.3 = INTEGER: 2",
    ):
        assert pair in line


def test_boots_rise_so_that_a_second_trap_is_no_replay(server: Snmptrapd, tmp_path: Path) -> None:
    """Every command is a start of the same engine: a receiver that checks RFC 3414 §3.2 step 7b takes it."""
    options = ("coldStart", "-u", "sha", *LEVELS["sha"][0], "--engine-id", ENGINE)
    kept = tmp_path / "netmon" / "trap-sender" / ENGINE / "engine.json"
    for boots in (1, 2):
        accepted(server, *options, folder=tmp_path, **PASSWORDS)
        assert json.loads(kept.read_text()) == {"engine_id": ENGINE, "boots": boots}


def test_v1_is_mapped_by_rfc_3584(server: Snmptrapd, tmp_path: Path) -> None:
    """A generic trap has its number, an enterprise's its own; agent-addr is the sender's or as it is said."""
    generic = accepted(server, "coldStart", "-v", "1", "-c", "secret", folder=tmp_path)
    assert generic.split("|")[2:6] == [".1.3.6.1.6.3.1.1.5", "0", "0", "127.0.0.1"]
    specific = accepted(
        server, "1.3.6.1.4.1.8072.4.0.2", "1.3.6.1.4.1.8072.9.1=s:words", "-v", "1", "-c", "secret",
        "--agent-address", "192.0.2.9", folder=tmp_path,
    )  # fmt: skip
    assert specific.split("|")[2:6] == [".1.3.6.1.4.1.8072.4", "6", ".2", "192.0.2.9"]
    assert '.1.3.6.1.4.1.8072.9.1 = STRING: "words"' in specific


def test_an_inform_that_nobody_acknowledges_fails(server: Snmptrapd, tmp_path: Path) -> None:
    """A wrong community is met by silence; a wrong password by a report that is told in words."""
    options = ("--inform", "-t", "0.3", "-r", "0")
    silent = netmon("trap", "send", server.endpoint, "coldStart", "-c", "wrong", *options, folder=tmp_path)
    assert (silent.returncode, silent.stderr) == (1, "")
    assert "did not acknowledge the inform (SNMPv2c): no answer in time" in silent.stdout
    wrong = netmon(
        "trap", "send", server.endpoint, "coldStart", "-u", "md5", *LEVELS["md5"][0], *options, "--json",
        folder=tmp_path, NETMON_AUTH_PASSWORD="notmaplesyrup",
    )  # fmt: skip
    assert wrong.returncode == 1
    told = json.loads(wrong.stdout)
    assert (told["ok"], told["acknowledged"]) == (False, False)
    assert "the authentication password or protocol is wrong" in told["text"]
