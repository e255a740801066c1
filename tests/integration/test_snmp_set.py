"""`netmon snmp set` against Debian's snmpd with writable views: what is set, refused, lost."""

import contextlib
import json
import os
import pty
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from netmon import logs
from netmon.snmp.message import ERROR_NAMES, GET, SET
from tests.servers.command import Done, netmon
from tests.servers.relay import relay
from tests.servers.snmpd import Snmpd, snmpd

SECRETS = {"NETMON_AUTH_PASSWORD": "auth-s3same", "NETMON_PRIV_PASSWORD": "priv-s3same"}
WRITER = ("-u", "writer", "-a", "SHA256")
ODD = "1.3.6.1.4.1.99999.7"  # answers each SET with the error that its value names
PASS = """#!/bin/sh
case "$1" in
-g) printf '%s\\nstring\\nodd\\n' "$2";;
-s) value=$(printf %s "$4" | tr -d '"'); [ "$value" = fine ] || echo "$value";;
esac
"""


@pytest.fixture(autouse=True)
def _logging() -> Iterator[None]:
    """The command sends logging to the standard error of its own test."""
    yield
    logs.configure()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Snmpd]:
    """One snmpd: a writer of all, one of a narrow view, a community for each, an object of the wrong type."""
    folder = tmp_path_factory.mktemp("snmpd")
    script = folder / "odd.sh"
    script.write_text(PASS)
    script.chmod(0o755)
    lines = (
        'createUser writer SHA-256 "auth-s3same" AES "priv-s3same"',
        'createUser narrow SHA-512 "auth-s3same" AES "priv-s3same"',
        "rwuser writer auth",
        "view few included .1.3.6.1.2.1.1.4",
        "view all included .1",
        "group few usm narrow",
        'access few "" usm priv exact all few none',
        "rwcommunity wr1te default",
        "override -rw 1.3.6.1.2.1.1.6.0 integer 5",
        f"pass .{ODD} /bin/sh {script}",
        "sysServices 72",
    )
    with snmpd(folder, *lines) as running:
        yield running


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a config that allows the objects of these tests, and a place for the audit."""
    (tmp_path / "state").mkdir()
    (tmp_path / "netmon.yml").write_text(
        "hosts: [{name: here, address: 127.0.0.1, ping: true}]\n"
        "state: {path: state}\n"
        f"settings: {{allow: [system, IF-MIB::ifAlias, snmpSetSerialNo, {ODD}, snmpTargetAddrTable]}}\n"
    )
    return tmp_path


def set_(server: Snmpd, folder: Path, *arguments: str, port: int = 0) -> Done:
    """The command as the writer, agreed to beforehand."""
    where = f"127.0.0.1:{port or server.port}"
    return netmon("snmp", "set", where, "--yes", *arguments, folder=folder, **SECRETS)


def value(server: Snmpd, oid: str) -> str:
    """What net-snmp's own tool reads."""
    return subprocess.run(
        ["snmpget", "-v2c", "-c", "public", "-m", "", "-Oqv", server.endpoint, oid],
        env={"PATH": "/usr/bin:/bin"}, capture_output=True, text=True, check=True,
    ).stdout.strip()  # fmt: skip


def audit(folder: Path) -> list[dict[str, object]]:
    """The lines of the audit file."""
    return [json.loads(line) for line in (folder / "state" / "audit.log").read_text().splitlines()]


def test_several_objects_in_v3(server: Snmpd, folder: Path) -> None:
    """authPriv, SHA-256 and AES: old and new shown, all read back, an audit line before and after."""
    first = set_(server, folder, *WRITER, "sysContact=old")
    assert first.returncode == 0, first
    done = set_(server, folder, *WRITER, "sysContact=noc@ex\u00e4mple.org", "SNMPv2-MIB::sysName.0=switch1")
    assert done.returncode == 0, done
    assert 'STRING: "old"' in done.stdout or "STRING: old" in done.stdout
    assert "all read back as set" in done.stdout
    assert value(server, "1.3.6.1.2.1.1.5.0") == '"switch1"'
    before, after = audit(folder)[-2:]
    assert before["event"] == "snmp set: about to be sent"
    assert [one["object"] for one in before["objects"]] == [
        "SNMPv2-MIB::sysContact.0",
        "SNMPv2-MIB::sysName.0",
    ]
    assert "old" in before["objects"][0]["old"]
    assert before["user"]
    assert (after["event"], after["outcome"]) == ("snmp set: ended", "done")
    assert set(after["fates"].values()) == {"verified"}
    assert (folder / "state" / "audit.log").stat().st_mode & 0o777 == 0o600
    assert "s3same" not in done.stdout + done.stderr + (folder / "state" / "audit.log").read_text()


def test_from_an_auth_file(server: Snmpd, folder: Path) -> None:
    """The only entry is taken; its passwords come from the environment; one that others may read is told."""
    (folder / "writers.yml").write_text(
        "auths: {w: {version: 3, username: writer, security_level: authPriv, auth_protocol: SHA256,\n"
        "  password: '${env:A}', priv_protocol: AES, priv_password: '${env:P}'}}\n"
    )
    (folder / "writers.yml").chmod(0o644)
    text = (folder / "netmon.yml").read_text().replace("allow:", "auth_file: writers.yml, allow:")
    (folder / "netmon.yml").write_text(text)
    done = netmon(
        "snmp", "set", server.endpoint, "sysContact=filed", "--yes", "--json", folder=folder,
        A="auth-s3same", P="priv-s3same",
    )  # fmt: skip
    assert done.returncode == 0, done
    told = json.loads(done.stdout)
    assert (told["verified"], told["objects"][0]["fate"]) == (True, "verified")
    assert "can be read by others" in done.stderr
    # The agent's side needs neither the file nor its environment.
    assert netmon("check-config", "netmon.yml", folder=folder).returncode == 0
    lacking = netmon("snmp", "set", server.endpoint, "sysContact=x", "--yes", folder=folder)
    assert lacking.returncode == 78
    assert "the environment variable A is not set" in lacking.stderr


def test_communities_only_if_insecure(server: Snmpd, folder: Path) -> None:
    """v2c and v1 work with --insecure, and are refused without a packet otherwise; so is authNoPriv."""
    with relay(server.port) as way:
        refused = set_(server, folder, "-c", "wr1te", "sysContact=v2c", port=way.port)
        assert (refused.returncode, way.seen) == (1, [])
        assert "--insecure" in refused.stderr
        done = set_(server, folder, "-c", "wr1te", "--insecure", "sysContact=v2c", port=way.port)
        assert done.returncode == 0, done
        assert way.seen.count(SET) == 1
    assert value(server, "1.3.6.1.2.1.1.4.0") == '"v2c"'
    old = set_(server, folder, "-v", "1", "-c", "wr1te", "--insecure", "sysContact=v1")
    assert old.returncode == 0, old
    plain = set_(server, folder, *WRITER, "-l", "authNoPriv", "sysContact=x")
    assert (plain.returncode, "authNoPriv" in plain.stderr) == (1, True)


@pytest.mark.parametrize("number", range(6, 19))
def test_every_error_is_told_with_its_object(number: int, server: Snmpd, folder: Path) -> None:
    """Each error-status of SNMPv2 comes with its name and the object at fault, and nothing is changed."""
    name = ERROR_NAMES[number]
    word = "".join(f"-{c.lower()}" if c.isupper() else c for c in name)
    set_(server, folder, "-c", "wr1te", "--insecure", "sysContact=before")
    done = set_(
        server, folder, "-c", "wr1te", "--insecure", "sysContact=after", f"{ODD}.1.0=s:{word}", "--json"
    )
    told = json.loads(done.stdout)
    assert done.returncode == 1, done
    assert told["error_status"] == name, told
    assert f"{ODD}.1.0" in told["sentence"].replace("SNMPv2-SMI::enterprises", "1.3.6.1.4.1")
    assert told["objects"][1]["fate"] == "refused"
    assert value(server, "1.3.6.1.2.1.1.4.0") == '"before"'


def test_real_refusals(server: Snmpd, folder: Path) -> None:
    """wrongType where the agent's type is another, noAccess out of the view, and what net-snmp likes not."""
    wrong = set_(server, folder, *WRITER, "sysLocation=room")
    assert (wrong.returncode, "wrongType" in wrong.stdout) == (1, True), wrong
    narrow = ("-u", "narrow", "-a", "SHA512")
    fine = set_(server, folder, *narrow, "sysContact=narrow")
    assert fine.returncode == 0, fine
    away = set_(server, folder, *narrow, "sysName=away")
    assert (away.returncode, "noAccess: this user" in away.stdout) == (1, True), away
    # Where a long has eight octets; net-snmp's own tool is told the same.
    serial = set_(server, folder, *WRITER, "snmpSetSerialNo=77777")
    assert (serial.returncode, "wrongLength" in serial.stdout) == (1, True), serial
    absent = set_(server, folder, *WRITER, 'snmpTargetAddrRowStatus."none"=active')
    assert (absent.returncode, "inconsistentValue" in absent.stdout) == (1, True), absent
    readonly = set_(server, folder, "-c", "public", "--insecure", "sysContact=x")
    assert (readonly.returncode, "noAccess" in readonly.stdout) == (1, True), readonly


def test_old_errors_of_snmpv1(server: Snmpd, folder: Path) -> None:
    """badValue and noSuchName are told in words."""
    wrong = set_(server, folder, "-v", "1", "-c", "wr1te", "--insecure", "sysLocation=room")
    assert (wrong.returncode, "SNMPv1's word for" in wrong.stdout) == (1, True), wrong


def test_a_row_is_created_and_destroyed(server: Snmpd, folder: Path) -> None:
    """All columns of a row in one SET; createAndGo reads back active, destroy reads back not there."""
    made = set_(
        server, folder, *WRITER, 'snmpTargetAddrTDomain."a=b"=snmpUDPDomain',
        'snmpTargetAddrTAddress."a=b"=0x7f00000100a2', 'snmpTargetAddrParams."a=b"=none',
        'snmpTargetAddrTimeout."a=b"=100', 'snmpTargetAddrRowStatus."a=b"=createAndGo',
    )  # fmt: skip
    assert made.returncode == 0, made
    assert "active(1)" in made.stdout
    gone = set_(server, folder, *WRITER, 'snmpTargetAddrRowStatus."a=b"=destroy')
    assert (gone.returncode, "(not there)" in gone.stdout) == (0, True), gone


def test_an_answer_that_is_lost(server: Snmpd, folder: Path) -> None:
    """The SET may have happened, says the command, reads back, and tells that it did; it was sent once."""
    with relay(server.port, lose=lambda request: request.pdu_type == SET) as way:
        done = set_(
            server, folder, "-c", "wr1te", "--insecure", "-t", "0.2", "sysContact=lost", port=way.port
        )
        assert done.returncode == 0, done
        assert "may have happened; read back, it did" in done.stdout
        assert way.seen.count(SET) == 1
    assert audit(folder)[-1]["outcome"] == "unknown"
    assert audit(folder)[-1]["fates"] == {"SNMPv2-MIB::sysContact.0": "verified"}


def test_nobody_knows(server: Snmpd, folder: Path) -> None:
    """Without an answer and without a read-back nobody knows: exit 3."""
    state = {"set": False}

    def lose(request: object) -> bool:
        state["set"] = state["set"] or request.pdu_type == SET
        return state["set"]

    with relay(server.port, lose=lose) as way:
        done = set_(
            server,
            folder,
            "-c",
            "wr1te",
            "--insecure",
            "-t",
            "0.1",
            "-r",
            "0",
            "sysContact=dark",
            port=way.port,
        )
    assert (done.returncode, "could not be read back" in done.stdout) == (3, True), done


def test_a_wrong_password(server: Snmpd, folder: Path) -> None:
    """Found out when the present value is read: nothing is set, and the user is named."""
    done = netmon(
        "snmp", "set", server.endpoint, "--yes", *WRITER, "sysContact=x", folder=folder,
        NETMON_AUTH_PASSWORD="wr0ng-password", NETMON_PRIV_PASSWORD="priv-s3same",
    )  # fmt: skip
    assert done.returncode == 1
    assert "Nothing was set" in done.stderr
    assert "writer" in done.stderr
    assert "wr0ng" not in done.stderr
    assert not (folder / "state" / "audit.log").exists()


def test_a_dry_run_sends_no_set(server: Snmpd, folder: Path) -> None:
    """It reads, shows what would be done, and leaves no audit line."""
    with relay(server.port) as way:
        done = netmon(
            "snmp", "set", f"127.0.0.1:{way.port}", "-c", "wr1te", "--insecure", "sysContact=dry",
            "--dry-run", folder=folder,
        )  # fmt: skip
    assert done.returncode == 0, done
    assert set(way.seen) == {GET}
    assert "dry run: nothing was set" in done.stdout
    assert not (folder / "state" / "audit.log").exists()


def test_all_mistakes_before_any_packet(server: Snmpd, folder: Path) -> None:
    """What is not allowed, not there, read-only or out of range is told at once, and nothing is sent."""
    with relay(server.port) as way:
        done = set_(
            server, folder, "-c", "wr1te", "--insecure", "sysContac=x", "sysUpTime=3",
            "ifAdminStatus.2=up", f"sysName={'x' * 256}",
            port=way.port,
        )  # fmt: skip
        assert (done.returncode, len(done.stderr.splitlines())) == (1, 4), done
        denied = set_(server, folder, "-c", "wr1te", "--insecure", "ifAdminStatus.1=up", port=way.port)
        assert denied.returncode == 1
        assert "ifAdminStatus.1 is not allowed by settings.allow" in denied.stderr
        assert way.seen == []


def test_nobody_to_ask(server: Snmpd, folder: Path) -> None:
    """Without a terminal and without --yes nothing is read or set; without settings.allow neither."""
    with relay(server.port) as way:
        where = f"127.0.0.1:{way.port}"
        done = netmon("snmp", "set", where, "-c", "wr1te", "--insecure", "sysContact=x", folder=folder)
        assert (done.returncode, "--yes" in done.stderr) == (1, True)
        (folder / "netmon.yml").write_text("hosts: [{name: here, address: 127.0.0.1, ping: true}]\n")
        off = set_(server, folder, "-c", "wr1te", "--insecure", "sysContact=x", port=way.port)
        assert (off.returncode, "allows nothing to be set" in off.stderr) == (1, True)
        assert way.seen == []


def test_nobody_listens(server: Snmpd, folder: Path) -> None:
    """A closed port is told when the present value is read."""
    done = set_(server, folder, *WRITER, "sysContact=x", port=9)
    assert (done.returncode, "Nothing was set" in done.stderr) == (1, True)


@pytest.mark.parametrize(
    ("answer", "code", "last"),
    [
        ("y\n", 0, "is STRING: asked"),
        ("n\n", 1, "nothing was set"),
        ("\x04", 1, "nothing was set"),
        (signal.SIGINT, 1, "nothing was set"),
    ],
)
def test_a_person_is_asked(
    server: Snmpd, folder: Path, answer: str | signal.Signals, code: int, last: str
) -> None:
    """At a terminal; Ctrl-C and Ctrl-D are a no."""
    assert set_(server, folder, *WRITER, "sysContact=before").returncode == 0
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "netmon", "snmp", "set", server.endpoint, *WRITER, "sysContact=asked"]
    path = os.pathsep.join(entry for entry in sys.path if entry)
    env = os.environ | SECRETS | {"PYTHONPATH": path, "COLUMNS": "200"}
    with subprocess.Popen(
        command, stdin=theirs, stdout=theirs, stderr=theirs, cwd=folder, env=env, start_new_session=True
    ) as process:
        os.close(theirs)
        said = ""
        watchdog = threading.Timer(30, process.kill)
        watchdog.start()
        try:
            while "[y/N]: " not in said:
                said += os.read(ours, 4096).decode()
            if isinstance(answer, signal.Signals):
                process.send_signal(answer)
            else:
                os.write(ours, answer.encode())
            with contextlib.suppress(OSError):  # EIO: the terminal's other side is closed
                while True:
                    if select.select([ours], [], [], 5)[0]:
                        said += os.read(ours, 4096).decode()
                    elif isinstance(answer, signal.Signals):
                        process.send_signal(answer)  # it came just before the question waited for it
            assert process.wait(10) == code, said
        finally:
            watchdog.cancel()
            process.kill()
            os.close(ours)
    assert last in said.splitlines()[-1]
    assert value(server, "1.3.6.1.2.1.1.4.0") == ('"asked"' if code == 0 else '"before"')
