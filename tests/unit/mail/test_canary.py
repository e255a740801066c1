"""The canary: what is sent, what its token proves, and what a comparison finds."""

import base64
import email
import email.policy
import quopri
from email.message import EmailMessage

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from netmon.mail.canary import (
    HEADER,
    MOST,
    Comparison,
    Signer,
    authentication_results,
    build,
    compare,
    hops,
)
from netmon.mail.canary.message import FILE_NAME, WORDS_TEXT

AT = 1_800_000_000.0
SIGNER = Signer(b"k" * 32)
TOKEN = SIGNER.make("example", b"12345678", AT)


def message(*, eight_bit: bool = True) -> bytes:
    """A canary."""
    return build(
        sender="netmon@example.org",
        recipient="box@example.net",
        token=TOKEN,
        agent="probe1.example.net",
        at=AT,
        eight_bit=eight_bit,
    )


SENT = message()


def changed(fetched: bytes) -> str:
    """All that a comparison says has changed; something must have."""
    found = compare(SENT, fetched)
    assert found.intact is not bool(found.changed)
    assert not found.intact
    return "\n".join(found.changed)


# The message.


@pytest.mark.parametrize("eight_bit", [True, False])
def test_it_is_legal(eight_bit: bool) -> None:  # noqa: FBT001 - a case
    """CRLF alone ends lines, none is longer than 998 octets, and a strict parser finds no defect."""
    data = message(eight_bit=eight_bit)
    assert b"\n" not in data.replace(b"\r\n", b"")
    assert max(map(len, data.split(b"\r\n"))) <= 998
    assert data.isascii() is not eight_bit
    parsed = email.message_from_bytes(data, policy=email.policy.default)
    assert isinstance(parsed, EmailMessage)
    parts = list(parsed.walk())
    assert [part.get_content_type() for part in parts] == [
        "multipart/mixed",
        "multipart/alternative",
        "text/plain",
        "text/html",
        *(["text/plain"] if eight_bit else []),
        "text/plain",
        "application/octet-stream",
    ]
    assert not any(part.defects for part in parts)
    assert all(not parsed[name].defects for name in parsed)
    assert str(parsed["X-Netmon-Words"]) == WORDS_TEXT
    assert parts[-1].get_filename() == FILE_NAME


def test_it_invites_mangling() -> None:
    """What careless hands break is in it: lines with a full stop, with From, with blanks at their end."""
    lines = SENT.split(b"\r\n")
    for line in (b".", b"..two full stops begin this line, one alone stood on the last"):
        assert line in lines
    assert any(line.startswith(b"From here") for line in lines)
    assert any(line.endswith(b"   ") for line in lines)
    assert any(line.endswith(b"\t") for line in lines)
    encodings = {line.partition(b": ")[2] for line in lines if line.startswith(b"Content-Transfer-Encoding")}
    assert encodings == {b"quoted-printable", b"8bit", b"base64"}


def test_words_fit_their_lines() -> None:
    """RFC 2047 §2: an encoded word has 75 characters at most."""
    words = [word for word in SENT.split(b"\r\n\r\n")[0].split() if word.startswith(b"=?")]
    assert len(words) > 4
    assert max(map(len, words)) <= 75
    assert {word.split(b"?")[2] for word in words} == {b"B", b"Q"}


# The token.


def test_a_token_is_known_by_its_maker() -> None:
    """In whatever text it stands."""
    found = SIGNER.read("example", f"Re: netmon canary {TOKEN} (fwd)")
    assert found is not None
    assert (found.text, found.at) == (TOKEN, AT)


def test_no_other_is() -> None:
    """Not another agent's, another flow's, nor one that was changed."""
    assert Signer(b"x" * 32).read("example", TOKEN) is None
    assert SIGNER.read("another", TOKEN) is None
    assert SIGNER.read("example", "") is None
    assert "k" * 32 not in repr(SIGNER)


@given(st.integers(0, len(TOKEN) - 1), st.sampled_from("0123456789abcdef-xX"))
def test_no_character_of_it_may_change(at: int, other: str) -> None:
    """A forger who saw one can make no second."""
    forged = TOKEN[:at] + other + TOKEN[at + 1 :]
    assert (SIGNER.read("example", forged) is None) is (forged != TOKEN)


def test_a_text_full_of_forged_ones_costs_little() -> None:
    """Few are looked at."""
    assert SIGNER.read("example", (TOKEN[:-1] + "z ") * 10_000 + TOKEN) is None


# The comparison.


@pytest.mark.parametrize("eight_bit", [True, False])
def test_the_same_is_intact(eight_bit: bool) -> None:  # noqa: FBT001 - a case
    """And so it is behind headers that servers add, and with the line ends of a file."""
    data = message(eight_bit=eight_bit)
    assert compare(data, data) == Comparison(True)
    assert compare(data, b"Received: from a by b; now\r\nReturn-Path: <>\r\n" + data) == Comparison(True)
    assert compare(data, data.replace(b"\r\n", b"\n")) == Comparison(True)


def reencoded(data: bytes, old: bytes, encode: str) -> bytes:
    """The message with every part of an encoding in another one."""
    head, *parts = data.split(b"Content-Transfer-Encoding: " + old + b"\r\n")
    assert parts
    made = [head]
    for part in parts:
        more, _, rest = part.partition(b"\r\n\r\n")
        if part.startswith(b"\r\n"):
            more, rest = b"", part[2:]
        content, mark, tail = rest.partition(b"\r\n--=_netmon'")
        octets = {b"quoted-printable": quopri.decodestring, b"base64": base64.b64decode, b"8bit": bytes}[old](
            content
        )
        new = base64.encodebytes(octets) if encode == "base64" else quopri.encodestring(octets)
        new = new.replace(b"\r\n", b"\n").rstrip(b"\n").replace(b"\n", b"\r\n")
        made.append(
            b"Content-Transfer-Encoding: " + encode.encode() + b"\r\n" + (more + b"\r\n" if more else b"")
            + b"\r\n" + new + mark + tail
        )  # fmt: skip
    return b"".join(made)


@pytest.mark.parametrize(
    ("old", "new"), [(b"8bit", "base64"), (b"8bit", "quoted-printable"), (b"quoted-printable", "base64")]
)
def test_another_encoding_of_equal_content_is_fine_and_said(old: bytes, new: str) -> None:
    """As relays without 8BITMIME do it."""
    found = compare(SENT, reencoded(SENT, old, new))
    assert found.intact, found
    assert found.recoded
    assert all(f"came in {new}, its content is the same" in sentence for sentence in found.recoded)


def test_another_boundary_is_fine() -> None:
    """It is the servers' own business."""
    other = SENT.replace(b"=_netmon'()+,-./:=?_outer", b"----next").replace(
        b"=_netmon'()+,-./:=?_inner", b"----part"
    )
    assert compare(SENT, other) == Comparison(True)


def test_a_footer_is_a_change_and_named_so() -> None:
    """What lists and disclaimers add breaks signatures."""
    at = SENT.index(b"\r\n--=_netmon'()+,-./:=?_inner\r\nContent-Type: text/html")
    text = changed(SENT[:at] + b"\r\nThis message was scanned." + SENT[at:])
    assert "part 1 (text/plain, quoted-printable)" in text
    assert "added at its end, as a footer" in text


def test_an_attachment_that_is_cut_gone_or_renamed() -> None:
    """Each is told, with what came."""
    start = SENT.index(b"Content-Type: application/octet-stream")
    end = SENT.rindex(b"\r\n--=_netmon")
    whole = SENT[start:end]
    assert f'part 5 (application/octet-stream "{FILE_NAME}", base64) is gone' in changed(
        SENT.replace(b"--=_netmon'()+,-./:=?_outer\r\n" + whole + b"\r\n", b"")
    )
    assert "it is cut:" in changed(SENT.replace(whole, whole[: -len(whole) // 2]))
    nameless = SENT
    for number in b"012":
        nameless = nameless.replace(b"filename*%c*" % number, b"x*%c*" % number)
    assert "its file name is gone" in changed(nameless)


def test_stripped_blanks_and_stuffed_lines() -> None:
    """The oldest faults of mail."""
    assert "differs from octet" in changed(SENT.replace(b"of this line   \r\n", b"of this line\r\n"))
    assert "differs from octet" in changed(SENT.replace(b"\r\nFrom here", b"\r\n>From here"))
    assert "differs from octet" in changed(SENT.replace(b"\r\n.\r\n", b"\r\n..\r\n"))


def test_headers() -> None:
    """A tag in the subject, a word that was lost, a header that is gone."""
    assert "the header Subject has more in it" in changed(SENT.replace(b"Subject: ", b"Subject: [SPAM] "))
    assert f"the header {HEADER} is gone" in changed(SENT.replace(HEADER.encode(), b"X-Other"))
    words = changed(SENT.replace(b"=?utf-8?B?", b"=?iso-8859-1?B?"))
    assert "the header X-Netmon-Words says something else" in words


def test_a_letter_of_another_charset_is_fine_where_the_text_is_equal() -> None:
    """The text counts, not its octets."""
    start = SENT.index(b"charset=iso-8859-2")
    head = SENT.index(b"\r\n\r\n", start) + 4
    end = SENT.index(b"\r\n--", head)
    text = base64.b64decode(SENT[head:end]).decode("iso-8859-2")
    other = SENT[:head] + base64.b64encode(text.encode()) + SENT[end:]
    found = compare(SENT, other.replace(b"charset=iso-8859-2", b"charset=utf-8"))
    assert found.intact, found
    assert any("came in utf-8, its text is the same" in sentence for sentence in found.recoded)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (b"text/plain; charset=utf-8", b"text/plain", "no text in ASCII, for its charset is gone"),
        (b"text/html; charset=utf-8", b"text/html; charset=us-ascii", "no text in us-ascii"),
        (b"text/plain; charset=utf-8", b"text/plain; charset=x-unheard-of", "no text in x-unheard-of"),
    ],
)
def test_a_text_without_its_charset_is_changed(old: bytes, new: bytes, said: str) -> None:
    """The same octets that nobody can read are another content, and no harmless encoding."""
    other = SENT.replace(old, new, 1)
    assert f"its octets are the same, and {said}" in changed(other)
    assert compare(SENT, other).recoded == ()


def test_a_message_that_was_cut_behind_its_last_part() -> None:
    """All parts may be whole, and the end is missing all the same."""
    end = SENT.rindex(b"\r\n--=_netmon")
    assert "last boundary is missing" in changed(SENT[:end])


def test_text_outside_of_all_parts() -> None:
    """A footer behind the last boundary is named; the usual words before the first part are no change."""
    assert "24 characters were added behind the last part, as a footer" in changed(
        SENT + b"This message was scanned\r\n"
    )
    words = b"\r\n\r\nThis is a multi-part message in MIME format.\r\n--=_netmon"
    assert compare(SENT, SENT.replace(b"\r\n\r\n--=_netmon", words, 1)) == Comparison(True)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"MIME-Version: 1.0\r\n", "the header MIME-Version is gone"),
        (f"Message-ID: <{TOKEN}@probe1.example.net>\r\n".encode(), "the header Message-ID is gone"),
        (f"Content-Description: {TOKEN}\r\n".encode(), "its description is gone"),
    ],
)
def test_a_line_of_a_header_that_is_gone(line: bytes, said: str) -> None:
    """What readers, threads and signatures need is missed."""
    assert SENT.count(line) == 1
    assert said in changed(SENT.replace(line, b""))


def test_what_was_flattened_or_wrapped() -> None:
    """Another structure is told."""
    assert "the structure is" in changed(SENT.replace(b"multipart/alternative", b"multipart/related"))
    wrapped = (
        b'Content-Type: multipart/mixed; boundary="w"\r\n\r\n--w\r\nContent-Type: message/rfc822\r\n\r\n'
    )
    assert not compare(SENT, wrapped + SENT + b"\r\n--w--\r\n").intact


_CONTENTS = [
    (SENT.index(b"Canary netmon"), SENT.index(b"\r\n--=_netmon'()+,-./:=?_inner\r\nContent-Type: text/html")),
    (SENT.index(b"Eight bits"), SENT.index(b"\r\n--", SENT.index(b"Eight bits"))),
]


@given(st.data())
@settings(max_examples=200)
def test_any_changed_octet_of_the_attachment_is_found(data: st.DataObject) -> None:
    """One octet of what is behind the base64."""
    head = SENT.index(b"\r\n\r\n", SENT.index(b"application/octet-stream")) + 4
    end = SENT.rindex(b"\r\n--=_netmon")
    octets = bytearray(base64.b64decode(SENT[head:end]))
    octets[data.draw(st.integers(0, len(octets) - 1))] ^= data.draw(st.integers(1, 255))
    encoded = base64.encodebytes(bytes(octets)).replace(b"\n", b"\r\n").rstrip()
    assert not compare(SENT, SENT[:head] + encoded + SENT[end:]).intact


@given(st.data())
@settings(max_examples=200)
def test_any_changed_letter_of_a_text_is_found(data: st.DataObject) -> None:
    """A letter replaced, lost or doubled in the texts in quoted-printable and 8bit."""
    start, end = data.draw(st.sampled_from(_CONTENTS))
    letters = [at for at in range(start, end) if SENT[at : at + 1].isalpha()]
    places = [at for at in letters if b"=" not in SENT[at - 2 : at]]  # not the digits of an octet
    at = data.draw(st.sampled_from(places))
    other = data.draw(st.sampled_from([b"", b"#", SENT[at : at + 1] * 2]))
    assert not compare(SENT, SENT[:at] + other + SENT[at + 1 :]).intact


@given(st.binary(max_size=2000))
def test_anything_may_come_back(data: bytes) -> None:
    """Nothing that is fetched raises."""
    compare(SENT, data)
    compare(SENT, SENT[:500] + data)
    hops(data)
    authentication_results(data)


@given(st.data())
def test_damage_anywhere_raises_nothing(data: st.DataObject) -> None:
    """A message with octets changed, lost or put in."""
    damaged = bytearray(SENT)
    for _ in range(data.draw(st.integers(1, 8))):
        at = data.draw(st.integers(0, len(damaged) - 1))
        damaged[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=5))
    compare(SENT, bytes(damaged))


def test_bounds() -> None:
    """A message that has grown beyond all measure, and one of parts without end."""
    assert "more than" in changed(SENT + b"x" * MOST)
    assert MOST < 300_000  # the parser needs a second for the worst that so many octets hold, and all wait
    deep = b"".join(
        b'Content-Type: multipart/mixed; boundary="%d"\r\n\r\n--%d\r\n' % (n, n) for n in range(2000)
    )
    assert not compare(SENT, deep).intact
    many = (
        b'Content-Type: multipart/mixed; boundary="x"\r\n\r\n' + b"--x\r\n\r\na\r\n" * 10_000 + b"--x--\r\n"
    )
    assert not compare(SENT, many).intact


# The trace.


def test_hops_and_results() -> None:
    """The oldest hop first, as Postfix, Exim and others write them; results on one line."""
    found = hops(
        b"Authentication-Results: mx.example.net;\r\n dkim=pass header.d=example.org;\r\n\tspf=pass\r\n"
        b"Received: from relay.example.org (relay [192.0.2.1])\r\n"
        b" by mx.example.net (Postfix) with ESMTPS id 4XyZ\r\n"
        b" for <box@example.net>; Fri, 15 Jan 2027 08:00:05 +0000 (UTC)\r\n"
        b"Received: by relay.example.org with local (Exim 4.96) id 1abc-DEF;\r\n"
        b" Fri, 15 Jan 2027 08:00:02 +0000\r\n"
        b"Received: nonsense\r\n" + SENT
    )
    assert [(hop.by, hop.source, hop.queue_id) for hop in found] == [
        ("", "", ""),
        ("relay.example.org", "", "1abc-DEF"),
        ("mx.example.net", "relay.example.org", "4XyZ"),
    ]
    assert [hop.at and hop.at - AT for hop in found] == [None, 2.0, 5.0]
    said = authentication_results(b"Authentication-Results: mx;\r\n dkim=pass\x1b[2J\r\n" + SENT)
    assert said == ("mx; dkim=pass\\x1b[2J",)
    assert len(hops(b"Received: x\r\n" * 500 + SENT, limit=30)) == 30
