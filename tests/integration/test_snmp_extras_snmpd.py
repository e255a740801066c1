"""What the snmp probe reads for causes of mail faults, on Debian's snmpd: processes, queue, services."""

import contextlib
import json
import shutil
import smtplib
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme

from netmon.model import Observation, Result
from tests.integration.test_snmp_probe_snmpd import run, snmpget, values
from tests.servers import postfix
from tests.servers.agent import wait_for
from tests.servers.snmpd import Snmpd, snmpd

SCRIPT = Path(__file__).resolve().parents[2] / "deploy" / "netmon-mailq"
LONG_NAME = "netmon-test-sleeper"  # the kernel keeps 15 octets of it
ELSEWHERE = "somebody@elsewhere.test"


def own(observation: Observation) -> dict[str, Any]:
    """netmon's series of the run by name and label values, without those of packets."""
    return {
        "/".join((column.family.name, *row)): value
        for table in observation.own
        for column in table.columns
        for row, value in zip(table.rows, column.values, strict=True)
        if not column.family.name.startswith("netmon_snmp_")
    }


@contextlib.contextmanager
def sleeper(folder: Path, name: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process of that name, which sleeps."""
    program = folder / name
    if not program.exists():
        shutil.copy("/bin/sleep", program)
    process = subprocess.Popen([program, "600"])
    try:
        # A process has its name only when it has begun the program.
        wait_for("its name", lambda: Path(f"/proc/{process.pid}/comm").read_text().strip() == name[:15])
        yield process
    finally:
        process.kill()
        process.wait()


def counted(folder: Path, *names: str) -> list[int]:
    """How many processes of each name there are, to an agent that has just begun: it remembers for 30 s."""
    with snmpd(folder / "snmpd", community="lab") as server:
        seen = run(server, "system", processes=names)
    assert (seen.result, seen.findings) == (Result.OK, ()), seen.trail
    assert [phase.name for phase in seen.phases] == ["resolve", "system", "processes"]
    series = own(seen)
    assert series["netmon_module_up/processes"] == 1
    return [series[f"netmon_host_processes/{name}"] for name in names]


def test_processes_come_and_go(tmp_path: Path) -> None:
    """Real processes are counted under their names, long ones too, and are zero when they have ended."""
    with sleeper(tmp_path, LONG_NAME), sleeper(tmp_path, LONG_NAME), sleeper(tmp_path, "netmon-other"):
        assert counted(tmp_path, LONG_NAME, "netmon-other", "netmon-othe") == [2, 1, 0]
    assert counted(tmp_path, LONG_NAME, "netmon-other") == [0, 0]


def test_a_zombie_is_no_process(tmp_path: Path) -> None:
    """What has ended and was not waited for is invalid to the agent, and is not counted."""
    with sleeper(tmp_path, "netmon-undead") as process:
        assert counted(tmp_path, "netmon-undead") == [1]
        process.kill()
        wait_for("it to be a zombie", lambda: ") Z " in Path(f"/proc/{process.pid}/stat").read_text())
        assert counted(tmp_path, "netmon-undead") == [0]


def test_an_agent_that_hides_its_processes(tmp_path: Path) -> None:
    """A view without hrSWRun is a finding and no zero; the run is ok."""
    lines = ("view few included .1.3.6.1.2.1.1", "rocommunity narrow default -V few")
    with snmpd(tmp_path, *lines, community="lab") as server:
        seen = run(server, "system", community="narrow", processes=["snmpd"], mail_queue=True)
    assert seen.result is Result.OK
    assert [(finding.kind, finding.subject) for finding in seen.findings] == [
        ("module_empty", "processes"),
        ("module_empty", "mail_queue"),
    ]
    assert "has no extend netmon-mailq" in seen.findings[1].text
    assert own(seen) == {
        "netmon_module_up/system": 1,
        "netmon_module_up/processes": 0,
        "netmon_module_up/mail_queue": 0,
    }


def test_processors_and_the_agents_own_starts(tmp_path: Path) -> None:
    """Processors can be counted, and the agent tells how often it has begun and for how long it runs."""

    # net-snmp tells of no processor before it has looked at them for a minute.
    def counted(server: Snmpd, version: int) -> Observation | None:
        seen = run(server, "hr_processor", "snmp_engine", version=version)
        return None if seen.findings else seen

    cpus = Path("/proc/cpuinfo").read_text().count("processor\t")
    with snmpd(tmp_path, community="lab", pace=40) as server:
        for version in (1, 2):
            seen = wait_for("the processors", lambda version=version: counted(server, version))
            assert seen.result is Result.OK
            series = values(seen)
            processors = [name for name in series if name.startswith("hrProcessorLoad{")]
            assert len(processors) == cpus
            assert all('hrDeviceType="1.3.6.1.2.1.25.3.1.3"' in name for name in processors)
            assert series["snmpEngineBoots{}"] == int(snmpget(server, "1.3.6.1.6.3.10.2.1.2.0"))
            assert 0 < series["snmpEngineTime{}"] <= int(snmpget(server, "1.3.6.1.6.3.10.2.1.3.0"))


def test_mail_services_that_an_agent_tells_of(tmp_path: Path) -> None:
    """NETWORK-SERVICES-MIB and MTA-MIB as a subagent serves them: numbers with names, and no free texts."""
    application, mta, group = "1.3.6.1.2.1.27.1.1", "1.3.6.1.2.1.28.1.1", "1.3.6.1.2.1.28.2.1"
    lines = [
        f"override {application}.2.4 octet_str sendmail",
        f"override {application}.4.4 octet_str 8.17",
        f"override {application}.6.4 integer 4",
        f"override {application}.14.4 counter 7",
        f"override {application}.16.4 octet_str description",
        f"override {mta}.2.4 uinteger 12",
        f"override {mta}.5.4 uinteger 99",
        f"override {mta}.12.4 counter 1",
    ]
    for index, name, waiting, oldest in ((1, "local", 0, 0), (2, "esmtp", 12, 360_000)):
        lines += [
            f"override {group}.3.4.{index} counter {index}",
            f"override {group}.4.4.{index} uinteger {waiting}",
            f"override {group}.12.4.{index} integer {oldest}",
            f"override {group}.21.4.{index} octet_str reason",
            f"override {group}.25.4.{index} octet_str {name}",
        ]
    with snmpd(tmp_path, *lines, community="lab") as server:
        seen = run(server, "network_services", "mta")
    assert (seen.result, seen.findings) == (Result.OK, ()), seen.trail
    where = 'applIndex="4",applName="sendmail"'
    groups = [
        f'applIndex="4",mtaGroupIndex="{index}",applName="sendmail",mtaGroupName="{name}"'
        for index, name in ((1, "local"), (2, "esmtp"))
    ]
    # Debian's snmpd has a table of its own for sendmail, which tells of one even where there is none.
    assert {name: value for name, value in values(seen).items() if 'applIndex="4"' in name} == {
        f"applOperStatus{{{where}}}": 4,
        f"applRejectedInboundAssociations{{{where}}}": 7,
        f"mtaStoredMessages{{{where}}}": 12,
        f"mtaStoredVolume{{{where}}}": 99,
        f"mtaLoopsDetected{{{where}}}": 1,
        f"mtaGroupRejectedMessages{{{groups[0]}}}": 1,
        f"mtaGroupRejectedMessages{{{groups[1]}}}": 2,
        f"mtaGroupStoredMessages{{{groups[0]}}}": 0,
        f"mtaGroupStoredMessages{{{groups[1]}}}": 12,
        f"mtaGroupOldestMessageStored{{{groups[0]}}}": 0,
        f"mtaGroupOldestMessageStored{{{groups[1]}}}": 360_000,
    }


@pytest.fixture(scope="module")
def mail() -> Iterator[postfix.Postfix]:
    """A Postfix that keeps what is for others in its queue."""
    pem = trustme.CA().issue_cert("mail.example.test").private_key_and_cert_chain_pem.bytes()
    with postfix.running(pem, extra={"defer_transports": "smtp", "smtpd_peername_lookup": "no"}) as running:
        shutil.copy(SCRIPT, running.base / "netmon-mailq")  # where everybody may read it
        yield running


def send(mail: postfix.Postfix, count: int) -> None:
    """Have messages queued."""
    with smtplib.SMTP("127.0.0.1", mail.smtp, timeout=30) as client:
        for _ in range(count):
            client.sendmail('"arrival_time": 5"@example.test', [ELSEWHERE], "Subject: test\r\n\r\ntest\r\n")


def queued(mail: postfix.Postfix) -> list[dict[str, Any]]:
    """The queue as postqueue tells it."""
    command = ["postqueue", "-c", str(mail.base / "etc"), "-j"]
    done = subprocess.run(command, capture_output=True, check=True, text=True, timeout=30)
    return [json.loads(line) for line in done.stdout.splitlines()]


def queue_of(server: Snmpd, messages: int) -> Observation | None:
    """A run that counts so many messages, once the agent runs the script again."""
    seen = run(server, "system", mail_queue="netmon-mailq")
    return seen if own(seen)["netmon_mail_queue_messages"] == messages else None


def test_the_mail_queue_of_a_real_postfix(mail: postfix.Postfix, tmp_path: Path) -> None:
    """The script in snmpd's extend tells of a queue that grows; messages on hold are left out."""
    # Two hours ahead, so that messages are old at once.
    command = f"/usr/bin/faketime -f +7200s {mail.base}/netmon-mailq -c {mail.base}/etc"
    with snmpd(tmp_path, f"extend -cacheTime 1 netmon-mailq {command}", community="lab") as server:
        seen = run(server, "system", mail_queue=True)
        assert (seen.result, seen.findings) == (Result.OK, ()), seen.trail
        assert [phase.name for phase in seen.phases] == ["resolve", "system", "mail_queue"]
        assert own(seen)["netmon_mail_queue_messages"] == 0
        assert own(seen)["netmon_mail_queue_oldest_seconds"] == 0

        send(mail, 3)
        wait_for("the messages to be deferred", lambda: len(queued(mail)) == 3)
        oldest = min(message["arrival_time"] for message in queued(mail))
        seen = wait_for("three to be counted", lambda: queue_of(server, 3))
        assert 0 <= own(seen)["netmon_mail_queue_oldest_seconds"] - 7200 <= int(time.time()) - oldest

        held = queued(mail)[0]["queue_id"]
        subprocess.run(["postsuper", "-c", str(mail.base / "etc"), "-h", held], check=True, timeout=30)
        wait_for("the others to be counted", lambda: queue_of(server, 2))


def test_the_script_needs_no_privilege(mail: postfix.Postfix) -> None:
    """It counts as a user who may not look into the queue; with Postfix stopped it fails with a sentence."""
    # Where Postfix believes its configuration from anybody: in its usual place, in a namespace of our own.
    script = (
        f"mount --bind {mail.base}/etc /etc/postfix && "
        f"exec setpriv --reuid=nobody --regid=nogroup --clear-groups {mail.base}/netmon-mailq"
    )

    def count() -> subprocess.CompletedProcess[str]:
        command = ["unshare", "--mount", "sh", "-c", script]
        return subprocess.run(command, capture_output=True, check=False, text=True, timeout=60)

    send(mail, 1)
    waiting = [message for message in queued(mail) if message["queue_name"] != "hold"]
    done = count()
    assert (done.returncode, done.stdout.split()[0]) == (0, str(len(waiting))), done
    mail.stop()
    try:
        done = count()
    finally:
        mail.start()
    assert done.returncode == 1
    assert "mail system is down" in done.stdout


@pytest.mark.parametrize(
    ("script", "says"),
    [
        ("echo 5; exit 3", 'runs its extend netmon-mailq in vain: exit status 3, output "5"'),
        ("printf '3 \\033[31m'", 'says "3 \\x1b[31m", wanted one or two whole numbers'),
        ("echo; echo Mail queue is empty", 'says "\\nMail queue is empty", wanted'),
        (None, "in vain: exit status"),
    ],
)
def test_a_script_that_does_not_work(tmp_path: Path, script: str | None, says: str) -> None:
    """A broken script is a finding that quotes it, escaped; nothing is counted, and the run is ok."""
    if script is not None:
        (tmp_path / "mailq").write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / "mailq").chmod(0o755)
    with snmpd(tmp_path, f"extend netmon-mailq {tmp_path}/mailq", community="lab") as server:
        seen = run(server, "system", mail_queue=True)
    (finding,) = seen.findings
    assert (seen.result, finding.kind, finding.subject) == (Result.OK, "module_empty", "mail_queue")
    assert says in finding.text
    assert finding.text.isprintable()
    assert own(seen) == {"netmon_module_up/system": 1, "netmon_module_up/mail_queue": 0}
