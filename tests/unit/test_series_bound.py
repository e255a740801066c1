"""Whatever peers say, netmon's own series stay few: what they call themselves and what they send is no label.

(The rows of a device's tables are series by design; a page of them is bounded by `endless_table`.)
"""

import random
import ssl

import trustme

from netmon.model import Result
from netmon.probes import smtp
from netmon.snmp import ber
from netmon.trap_board import TrapBoard
from netmon.traps.translate import Translator
from tests.servers import evil_smtp as evil
from tests.servers.mail_checks import make_check, make_context, series
from tests.unit.traps.test_translate import TREE, notification

RUNS = 150
SETTLED = 30  # runs after which nothing is new any more
TRAPS = 20_000


def _word(source: random.Random) -> bytes:
    return bytes(source.choices(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-", k=12)).strip(b"-") or b"X"


async def test_what_a_mail_server_says_of_itself() -> None:
    """Another name, another software, other extensions at each visit."""
    source = random.Random(7)  # noqa: S311
    ca = trustme.CA()
    leaf = ca.issue_cert("mx1.example.test", "127.0.0.1")

    async def script(peer: evil.Peer) -> None:
        name, word = _word(source), _word(source)
        said = b"".join(
            b"250-" + _word(source) + b" " + _word(source) + b"\r\n" for _ in range(source.randrange(40))
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        leaf.configure_cert(context)
        after = b"250-" + name + b"\r\n" + said + b"250-AUTH PLAIN " + word + b"\r\n250 SIZE 7" + b"\r\n"
        banner = b"220 " + name + b".example.test ESMTP " + word + b"\r\n"
        await evil.honest(context, after=after, banner=banner)(peer)

    ctx = make_context()
    seen: set[tuple[str, ...]] = set()
    sizes = []
    async with evil.serving(script) as server:
        for _ in range(RUNS):
            check = make_check(server.port, tls="starttls")
            observation = await smtp.probe(check, ctx)
            assert observation.result is not Result.UNTESTABLE, observation.detail
            seen |= series(observation).keys()
            sizes.append(len(seen))
    assert sizes[0] > 5
    assert sizes[SETTLED] == sizes[-1] < 100


def test_what_traps_hold() -> None:
    """Another notification, other objects and other texts each time, of a host and of strangers."""
    source = random.Random(7)  # noqa: S311
    translator = Translator(TREE)
    board = TrapBoard(note=lambda *_: None, noted=lambda _: {})
    board.planned(["sw1"], 1e6)

    def series_after(count: int) -> int:
        for _ in range(count):
            arcs = [source.randrange(1 << 32) for _ in range(source.randrange(1, 9))]
            oid = ".".join(
                map(str, (source.choice(["1.3.6.1.4.1", "1.3.6.1.6.3.1.1.5", "1.3.6.1.2.1"]), *arcs))
            )
            told = translator.meaning(
                notification(oid, (f"{oid}.1", ber.OCTET_STRING, _word(source))), source.choice(["sw1", ""])
            )
            rows = [[source.choice(["sw1", ""]), told.label, told.severity, 1, 1e6]]
            board.take({"traps": rows, "changes": []}, 1e6)
        return len(list(board.readings()))

    first = series_after(1000)
    assert 0 < first < 100
    assert series_after(TRAPS) == first
