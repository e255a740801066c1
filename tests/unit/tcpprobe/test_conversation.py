"""Conversations with servers that mean well or not: each ends by its deadline, with its own reason."""

import asyncio
import ssl
import time
from pathlib import Path

import pytest
import trustme

from netmon.errors import Reason
from netmon.exposition import render
from netmon.mail.slots import Slots
from netmon.mail.tls import Certificate, TlsFacts, TrustStores
from netmon.tcpprobe import Outcome, Place, Report, TcpModule, Transcript, converse, tables, wire
from netmon.tcpprobe.reading import parse_probe_modules
from netmon.tcpprobe.session import NEVER, Session
from tests.servers import evil_smtp as evil
from tests.servers.evil_smtp import Peer, Script, Server, serving

NAME = "mx.example.test"
STARTTLS = (
    "[{expect: ^220}, {send: EHLO x}, {expect: ^250.STARTTLS}, {send: STARTTLS}, {expect: ^220}, "
    "{starttls: true}, {send: EHLO x}, {expect: '^250 '}]"
)


@pytest.fixture(scope="module")
def ca() -> trustme.CA:
    """A certificate authority that no system trusts."""
    return trustme.CA()


@pytest.fixture(scope="module")
def good(ca: trustme.CA) -> ssl.SSLContext:
    """A server's context for NAME."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert(NAME).configure_cert(context)
    return context


def module(steps: str = "[]", more: str = "") -> TcpModule:
    """A module with these steps."""
    text = f"modules: {{m: {{prober: tcp, tcp: {{query_response: {steps}{more}}}}}}}"
    found = parse_probe_modules(text, "b.yml")["m"]
    assert isinstance(found, TcpModule)
    return found


def trusting(ca: trustme.CA, folder: Path, more: str = "") -> str:
    """A tls_config that trusts `ca`."""
    file = folder / "ca.pem"
    ca.cert_pem.write_to_path(str(file))
    return f', tls_config: {{ca_file: "{file}", server_name: {NAME}{more}}}'


async def talk(
    found: TcpModule, server: Server | int, seconds: float = 5.0, transcript: Transcript | None = None
) -> Outcome:
    """One conversation with a server on loopback."""
    outcome = Outcome()
    port = server if isinstance(server, int) else server.port
    await converse(
        found,
        Place("127.0.0.1", port, "localhost"),
        outcome,
        trust=TrustStores(),
        slots=Slots(),
        wall=time.time,
        transcript=transcript,
        until=asyncio.get_running_loop().time() + seconds,
    )
    return outcome


def says(data: bytes) -> Script:
    """Say it and close."""

    async def script(peer: Peer) -> None:
        await peer.say(data)

    return script


async def test_steps_in_order() -> None:
    """Lines are skipped until one matches; groups go into what is sent and into labels, of several steps."""
    heard, done = [], asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.say(b"junk\r\n220 mx7 ESMTP\r\n")
        heard.append(await peer.hear())
        await peer.say(b"250 size 12\r\nSX")
        heard.append(await peer.hear())
        done.set()

    found = module(
        "[{expect: '^220 (\\S+)', send: 'hi ${1}', labels: [{name: name, value: $1}]}, "
        "{expect: '^250 (?P<word>\\S+) (.*)', labels: [{name: a, value: '${word}'}, {name: b, value: $2}]}, "
        "{expect_bytes: SX}, {send: bye}]"
    )
    async with serving(script) as server:
        outcome = await talk(found, server)
        await asyncio.wait_for(done.wait(), 5)
    assert outcome.success, outcome
    assert heard == [b"hi mx7", b"bye"]
    assert outcome.infos == [(("name",), ("mx7",)), (("a", "b"), ("size", "12"))]


async def test_reject_fails_at_once() -> None:
    """A refusal ends the conversation without waiting for a line that will never come."""
    steps = "[{expect: ^220, reject: '^[45]'}]"
    async with serving(evil.answers({}, banner=b"554 go away\r\n")) as server:
        outcome = await talk(module(steps), server)
    assert (outcome.success, outcome.rejected, outcome.failed_by_regex) == (False, True, False)
    assert outcome.reason is Reason.ANSWER_REJECTED
    assert "554 go away" in outcome.detail


@pytest.mark.parametrize(
    ("data", "steps", "reason", "by_regex", "by_bytes"),
    [
        (b"nope\r\n", "[{expect: ^220}]", Reason.EXPECT_UNMATCHED, True, False),
        (b"", "[{expect: ''}]", Reason.EXPECT_UNMATCHED, True, False),
        (b"220", "[{expect: ^220$}]", Reason.OK, False, False),
        (b"abd", "[{expect_bytes: abc}]", Reason.EXPECT_UNMATCHED, False, True),
        (b"ab", "[{expect_bytes: abc}]", Reason.EXPECT_UNMATCHED, False, False),
        (b"x" * 65535 + b"\n220\n", "[{expect: ^220$}]", Reason.OK, False, False),
        (b"x" * 65536 + b"\n220\n", "[{expect: ^220$}]", Reason.PROTOCOL_ERROR, False, False),
        (b"\0" * 1000 + b"\n\xff\xfe220\n", "[{expect: 220$}]", Reason.OK, False, False),
    ],
)
async def test_how_a_stream_ends(
    data: bytes, steps: str, reason: Reason, *, by_regex: bool, by_bytes: bool
) -> None:
    """An end without a match is by regex; a line too long and an end in mid-octets are not."""
    async with serving(says(data)) as server:
        outcome = await talk(module(steps), server)
    assert (outcome.reason, outcome.failed_by_regex, outcome.failed_by_bytes) == (reason, by_regex, by_bytes)


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        (evil.is_silent, Reason.TIMEOUT),
        (evil.repeats(b"x", 0.01), Reason.TIMEOUT),
        (evil.repeats(b"221-no\r\n", 0.01), Reason.DEADLINE),
        (evil.after_220(evil.is_silent), Reason.DEADLINE),
    ],
    ids=["silent", "drips", "endless", "silent after 220"],
)
async def test_no_server_holds_it(script: Script, reason: Reason) -> None:
    """Silence, a drip and an endless banner end with the deadline."""
    async with serving(script) as server:
        outcome = await talk(module(STARTTLS), server, seconds=0.3)
    assert (outcome.success, outcome.reason) == (False, reason)


async def test_floods_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a server may send in all is bounded, and others have their turn meanwhile."""
    monkeypatch.setattr(wire, "MOST", 1 << 20)
    turns = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    counting = asyncio.create_task(count())
    async with serving(evil.repeats(b"x" * 500 + b"\n" + b"y" * 30_000 + b"\n", 0)) as server:
        outcome = await talk(module("[{expect: ^220}]"), server, seconds=60)
    counting.cancel()
    assert outcome.reason is Reason.PROTOCOL_ERROR
    assert "MiB" in outcome.detail
    assert turns > 10


async def test_a_server_that_never_reads() -> None:
    """What it is sent waits until the deadline and no longer."""

    async def script(peer: Peer) -> None:
        await peer.say(b"220\r\n" + b"z" * 60_000 + b"\n" * 2)
        await asyncio.sleep(3600)

    sends = ", ".join(["{send: '" + "x" * 100_000 + "'}"] * 400)
    async with serving(script) as server:
        outcome = await talk(module(f"[{{expect: ^220}}, {sends}]"), server, seconds=0.5)
    assert outcome.reason is Reason.DEADLINE


async def test_a_turn_is_waited_for_but_not_for_long() -> None:
    """Other conversations with a port are let end; one that hangs does not fail the next."""
    found, slots, most = module("[{expect: ^220}, {expect: ^250}]"), Slots(), 0

    async def script(peer: Peer) -> None:
        nonlocal most
        most = max(most, server.open)
        await peer.say(b"220 hi\r\n")
        await asyncio.sleep(0.01)
        await peer.say(b"250 bye\r\n")

    async with serving(script) as server:
        place, until = Place("127.0.0.1", server.port, "x"), asyncio.get_running_loop().time() + 5
        outcomes = [Outcome() for _ in range(5)]
        common = {"trust": TrustStores(), "slots": slots, "wall": time.time, "transcript": None}
        await asyncio.gather(*(converse(found, place, each, until=until, **common) for each in outcomes))
        assert [each.success for each in outcomes] == [True] * 5
        assert most == 1
        async with slots.hold(f"127.0.0.1 port {server.port}", until=until):
            outcome = Outcome()
            soon = asyncio.get_running_loop().time() + 0.4
            await converse(found, place, outcome, until=soon, **common)
    assert outcome.success


async def test_what_is_sent_is_bounded() -> None:
    """A line that goes into what is sent a thousand times makes no gigabyte."""
    found = module("[{expect: '(.*)', send: '" + "$1 " * 1000 + "'}]")
    async with serving(says(b"x" * 60_000 + b"\n")) as server:
        outcome = await talk(found, server)
    assert outcome.reason is Reason.PROTOCOL_ERROR
    assert "too much to send" in outcome.detail


async def test_refused() -> None:
    """A reset of the connection is told apart from silence."""
    assert (await talk(module(), 1)).reason is Reason.REFUSED


@pytest.mark.parametrize("pause", [False, True])
async def test_plaintext_before_the_handshake_is_refused(
    ca: trustme.CA, good: ssl.SSLContext, tmp_path: Path, *, pause: bool
) -> None:
    """What came behind the 220 is never taken for an answer inside TLS; the transcript says so."""
    transcript = Transcript(time.monotonic)
    found = module(STARTTLS, trusting(ca, tmp_path))
    async with serving(evil.injects(good, b"250 injected\r\n", pause=pause)) as server:
        outcome = await talk(found, server, transcript=transcript)
    assert not outcome.success
    assert outcome.reason in (
        {Reason.STARTTLS_INJECTION, Reason.TLS_HANDSHAKE} if pause else {Reason.STARTTLS_INJECTION}
    )
    assert outcome.session is None
    assert str(outcome.reason) in transcript.text()


async def test_starttls_and_its_certificate(ca: trustme.CA, good: ssl.SSLContext, tmp_path: Path) -> None:
    """The session's facts, and the chain's end where it verifies."""
    async with serving(evil.honest(good)) as server:
        outcome = await talk(module(STARTTLS, trusting(ca, tmp_path)), server)
    assert outcome.success, outcome
    assert outcome.session is not None
    assert (outcome.session.version, outcome.session.cipher[:4]) == ("TLS 1.3", "TLS_")
    assert outcome.session.last_expiry > time.time()
    assert outcome.session.leaf is not None
    assert outcome.session.leaf.names == NAME


async def test_a_bad_certificate_is_described(good: ssl.SSLContext) -> None:
    """It ends the conversation, as the module wants; its series stay, with what is wrong apart."""
    async with serving(evil.honest(good)) as server:
        outcome = await talk(module(STARTTLS), server)
    assert (outcome.success, outcome.reason) == (False, Reason.CERTIFICATE_UNTRUSTED)
    series = {
        column.family.name: column.values[0]
        for table in tables(Report(outcome, 1.0, 0.1, "127.0.0.1"))
        for column in table.columns
    }
    assert series["probe_success"] == 0
    assert series["probe_ssl_earliest_cert_expiry"] > time.time()
    assert series["probe_ssl_last_chain_expiry_timestamp_seconds"] == NEVER
    assert series["netmon_probe_ssl_chain_valid"] == 0
    assert series["netmon_probe_ssl_name_valid"] == 0
    assert series["netmon_probe_ssl_not_before_timestamp_seconds"] < time.time()
    assert series["probe_ssl_last_chain_info"] == 1


def test_a_certificate_that_cannot_be_read() -> None:
    """It has no times: none are made up, and it is not valid."""
    facts = TlsFacts("TLSv1.3", "", Certificate("the certificate cannot be read: x"), name_valid=False)
    outcome = Outcome(session=Session("TLS 1.3", "TLS_AES_128_GCM_SHA256", facts, None, NEVER))
    shown = render(tables(Report(outcome, 1.0, 0.1, "127.0.0.1")))
    assert b"probe_ssl_earliest_cert_expiry" not in shown
    assert b"netmon_probe_ssl_chain_valid 0\n" in shown
    assert b"probe_ssl_last_chain_expiry_timestamp_seconds -62135596800\n" in shown


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        (evil.after_220(evil.hangs_up), Reason.CONNECTION_LOST),
        (evil.after_220(evil.talks_garbage), Reason.TLS_HANDSHAKE),
    ],
)
async def test_broken_handshakes(script: Script, reason: Reason) -> None:
    """A close and garbage in the handshake have reasons of their own."""
    async with serving(script) as server:
        assert (await talk(module(STARTTLS), server)).reason is reason


async def test_versions_of_tls(ca: trustme.CA, tmp_path: Path) -> None:
    """`max_version` and `min_version` count; nothing in common is said as such."""
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert(NAME).configure_cert(old)
    old.set_ciphers("DEFAULT:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1 is"):
        old.minimum_version = ssl.TLSVersion.TLSv1
    with pytest.warns(DeprecationWarning, match="TLSv1_1 is"):
        old.maximum_version = ssl.TLSVersion.TLSv1_1
    async with serving(evil.refuses_handshake(old)) as server:
        outcome = await talk(module("[]", f", tls: true{trusting(ca, tmp_path)}"), server)
        assert outcome.reason is Reason.TLS_PROTOCOL_VERSION
    async with serving(evil.is_silent, old) as server:
        outcome = await talk(
            module("[]", f", tls: true{trusting(ca, tmp_path, ', min_version: TLS10')}"), server
        )
        assert outcome.success, outcome
        assert outcome.session is not None
        assert outcome.session.version == "TLS 1.1"


async def test_a_client_certificate(ca: trustme.CA, tmp_path: Path) -> None:
    """`cert_file` and `key_file` are presented; files that are not there are this side's fault."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert(NAME).configure_cert(context)
    ca.configure_trust(context)
    context.verify_mode = ssl.CERT_REQUIRED
    mine = ca.issue_cert("netmon.example.test")
    mine.private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "me.pem"))
    steps = "[{send: hello}, {expect: ^welcome}]"
    pair = f', cert_file: "{tmp_path}/me.pem", key_file: "{tmp_path}/me.pem"'

    async def script(peer: Peer) -> None:
        assert await peer.hear() == b"hello"
        await peer.say(b"welcome\n")

    async with serving(script, context) as server:
        assert (await talk(module(steps, f", tls: true{trusting(ca, tmp_path, pair)}"), server)).success
        missing = pair.replace("me.pem", "nowhere.pem")
        outcome = await talk(module(steps, f", tls: true{trusting(ca, tmp_path, missing)}"), server)
        assert outcome.reason is Reason.LOCAL_ERROR
        assert "nowhere.pem" in outcome.detail


def test_a_lost_connection_is_closed_quietly() -> None:
    """Where the peer has reset it a moment ago, the end of TLS can no more be said, and nothing is raised."""

    class Lost(asyncio.Transport):
        """A connection whose loss is still to be told."""

        def is_closing(self) -> bool:
            """It is."""
            return True

        def get_write_buffer_size(self) -> int:
            """Nothing."""
            return 0

        def close(self) -> None:
            """It is closed already."""

    line = wire.Wire()
    line.connection_made(Lost())
    line.session = TrustStores().context.wrap_bio(line._incoming, line._outgoing)
    with pytest.raises(ssl.SSLWantReadError):
        line.session.do_handshake()
    line.close()


@pytest.mark.parametrize("before", [0, 150, 190, 490])
async def test_an_echo_of_a_secret_is_not_shown(before: int) -> None:
    """Neither in the line that is rejected nor in the sentence that says so, wherever they are cut."""
    token = "t0ken" * 300
    transcript = Transcript(time.monotonic)

    async def script(peer: Peer) -> None:
        await peer.say(b"220 hi\r\n")
        said = (await peer.hear()).rpartition(b" ")[2]
        await peer.say(b"535 " + b"x" * before + b" " + said + b"\r\n")
        await peer.silence()

    steps = f"[{{expect: ^220, send: 'AUTH PLAIN {token}'}}, {{expect: ^235, reject: ^5}}]"
    async with serving(script) as server:
        outcome = await talk(module(steps), server, transcript=transcript)
    assert outcome.rejected
    assert "t0ken" not in transcript.text() + outcome.detail
