"""Real senders at the receiver's door: net-snmp with every digest and cipher, pysnmp in every version."""

import asyncio
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from netmon.fields import Secret
from netmon.snmp.ber import encode_oid
from netmon.snmp.originator import Identity, Notice, send
from netmon.snmp.outcome import Credentials
from netmon.snmp.usm import Level, User
from netmon.traps.door import Door
from netmon.traps.notification import read
from netmon.traps.own_engine import OwnEngine
from netmon.traps.records import Admitted, Drop, Refusal, Settings
from tests.unit.traps.messages import LINK_DOWN, OWN

DIGESTS = {
    "MD5": "MD5", "SHA": "SHA", "SHA224": "SHA-224", "SHA256": "SHA-256", "SHA384": "SHA-384",
    "SHA512": "SHA-512",
}  # fmt: skip
CIPHERS = {
    "DES": "DES", "AES": "AES", "AES192": "AES-192", "AES256": "AES-256", "AES192C": "AES-192-C",
    "AES256C": "AES-256-C",
}  # fmt: skip
PASSWORD, PRIVATE = "the digest's own", "the cipher's own"
SENDER = "0x80000000010203040a"
USERS = tuple(
    User(f"{digest}-{cipher}", Level.AUTH_PRIV, digest, PASSWORD.encode(), cipher, PRIVATE.encode())
    for digest in DIGESTS
    for cipher in CIPHERS
)


class Listening:
    """A socket with a door behind it."""

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.settimeout(5)
        self.port: int = self.socket.getsockname()[1]
        settings = Settings(Path("events"), communities=(b"sekret",), users=USERS)
        self.door = Door(settings, OwnEngine(OWN, 7, time.monotonic()))

    def next(self) -> Admitted | Refusal:
        """What becomes of the next datagram, answered as the receiver does."""
        data, peer = self.socket.recvfrom(65_535)
        answer = self.door.admit(data, time.monotonic())
        if isinstance(answer, Refusal):
            if answer.reply:
                self.socket.sendto(answer.reply, peer)
        elif answer.reply is not None:
            self.socket.sendto(self.door.acknowledge(answer, time.monotonic()), peer)
        return answer

    def admitted(self) -> Admitted:
        """The next that is a notification; what comes before it must be discovery."""
        for _ in range(4):
            answer = self.next()
            if isinstance(answer, Admitted):
                return answer
            assert answer.reason is Drop.DISCOVERY, answer
        raise AssertionError("nothing but discovery")


@pytest.fixture
def listening() -> Iterator[Listening]:
    """A receiver's door on a free port."""
    made = Listening()
    yield made
    made.socket.close()


def command(kind: str, port: int, *options: str) -> list[str]:
    """A linkDown by one of net-snmp's senders."""
    return [kind, *options, f"127.0.0.1:{port}", "", "1.3.6.1.6.3.1.1.5.3", "1.3.6.1.2.1.2.2.1.1.3", "i", "3"]


def test_every_digest_with_every_cipher(listening: Listening) -> None:
    """All pairs as traps under the sender's engine; each is authenticated and reads as what was sent."""
    for digest, theirs in DIGESTS.items():
        for cipher, its in CIPHERS.items():
            options = ["-v3", "-e", SENDER, "-u", f"{digest}-{cipher}", "-l", "authPriv"]
            options += ["-a", theirs, "-A", PASSWORD, "-x", its, "-X", PRIVATE]
            subprocess.run(command("snmptrap", listening.port, *options), check=True, timeout=10)
            message = listening.admitted()
            assert (message.user, message.authenticated) == (f"{digest}-{cipher}", True)
            assert read(message).trap == LINK_DOWN


@pytest.mark.parametrize("user", ["MD5-DES", "SHA512-AES256", "SHA256-AES"])
def test_informs_find_our_engine_and_are_answered(listening: Listening, user: str) -> None:
    """net-snmp discovers the engine and its clock, and takes the answer for what it is."""
    digest, cipher = user.split("-")
    options = ["-v3", "-r", "0", "-t", "5", "-u", user, "-l", "authPriv"]
    options += ["-a", DIGESTS[digest], "-A", PASSWORD, "-x", CIPHERS[cipher], "-X", PRIVATE]
    sender = subprocess.Popen(
        command("snmpinform", listening.port, *options),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert listening.admitted().engine_id == OWN
    said, _ = sender.communicate(timeout=10)
    assert (sender.returncode, said) == (0, b"")


@pytest.mark.parametrize("inform", [False, True], ids=["trap", "inform"])
@pytest.mark.parametrize("version", [1, 2, 3])
async def test_pysnmp(listening: Listening, version: int, inform: bool) -> None:  # noqa: FBT001 - a case
    """The other engine that people send with."""
    if version == 1 and inform:
        return  # SNMPv1 has none
    credentials = Credentials(
        version=version,
        community=Secret("sekret"),
        username="SHA256-AES",
        level="authPriv",
        auth_protocol="SHA256",
        password=Secret(PASSWORD),
        priv_protocol="AES",
        priv_password=Secret(PRIVATE),
    )
    notice = Notice(encode_oid("1.3.6.1.6.3.1.1.5.3"), uptime=5, inform=inform)
    identity = Identity(bytes.fromhex("8000000001020304"), 3)
    taken = asyncio.create_task(asyncio.to_thread(listening.admitted))
    sent = await send(credentials, "127.0.0.1", listening.port, notice, identity=identity)
    message = await taken
    assert sent.acknowledged is (True if inform else None)
    assert (message.version, read(message).trap) == (version, LINK_DOWN)
