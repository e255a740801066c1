"""IMAP's responses from the octets that hold them, and what netmon says from what it means."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netmon.mail.imap_words import (
    Literal,
    NotImapError,
    Response,
    Value,
    astring,
    capabilities,
    decode_mailbox,
    encode_mailbox,
    literal,
    response,
    uids,
    values,
)


@pytest.mark.parametrize(
    ("line", "found"),
    [
        (b"* OK ready", Response("*", "OK", text="ready")),
        (b"* PREAUTH [ALERT] hi", Response("*", "PREAUTH", code="ALERT", text="hi")),
        (b"N1 no [unavailable] later", Response("N1", "NO", code="UNAVAILABLE", text="later")),
        (b"N1 OK", Response("N1", "OK")),
        (b"* OK [CAPABILITY A B=C] x", Response("*", "OK", code="CAPABILITY", arguments="A B=C", text="x")),
        (b'* NO [X "a]b"] c', Response("*", "NO", code="X", arguments='"a]b"', text="c")),
        (b"* OK [never ends", Response("*", "OK", text="[never ends")),
        (b"* 12 EXISTS", Response("*", "EXISTS", 12, rest=(b"",))),
        (b"* SEARCH 1 2", Response("*", "SEARCH", rest=(b"1 2",))),
        (b"* SEARCH", Response("*", "SEARCH", rest=(b"",))),
        (b"+ go on", Response("+", "", text="go on")),
        (b"+", Response("+", "")),
        (b"* BYE \xff", Response("*", "BYE", text="\\xff")),
    ],
)
def test_response(line: bytes, found: Response) -> None:
    """Tag, word, number, response code and text, as RFC 9051 §9 has them."""
    assert response([line]) == found


@pytest.mark.parametrize(
    "line",
    [b"", b"*", b"* ", b"N1", b"N1 ", b"220 mail ESMTP", b"N1 FETCH", b"\0\0", b"*\0OK", b"* \0", b"** OK"],
)
def test_what_is_no_response(line: bytes) -> None:
    """Said, and never guessed at."""
    with pytest.raises(NotImapError):
        response([line])


@pytest.mark.parametrize(
    ("line", "size"),
    [
        (b"* 1 FETCH (BODY[] {12}", 12),
        (b"* 1 FETCH (BINARY[] ~{12}", 12),
        (b"* LIST () {0}", 0),
        (b"* LIST () {4294967296}", 4294967296),
        (b"* LIST () {" + b"9" * 30 + b"}", 1 << 64),
        (b"* OK text {12}", None),
        (b"N1 NO text {12}", None),
        (b"+ {12}", None),
        (b'* LIST () "{12}"', None),
        (b"* LIST () {12} x", None),
    ],
)
def test_literal(line: bytes, size: int | None) -> None:
    """What a line announces at its end, but for the texts that are for people."""
    assert literal(line) == size


@pytest.mark.parametrize(
    ("pieces", "found"),
    [
        ([b"(UID 3 BODY[] {3}", b"abc", b")"], ((b"UID", b"3", b"BODY[]", b"abc"),)),
        ([b"(BODY[HEADER.FIELDS (A B)] NIL)"], ((b"BODY[HEADER.FIELDS (A B)]", None),)),
        (
            [rb'(\HasNoChildren \Junk) "/" "a \"b\" \\"'],
            ((rb"\HasNoChildren", rb"\Junk"), b"/", b'a "b" \\'),
        ),
        ([b'("NIL" nil ())'], ((b"NIL", None, ()),)),
        ([b""], ()),
        ([b"{1}", b"(", b" x"], (b"(", b"x")),
    ],
)
def test_values(pieces: list[bytes], found: tuple[Value, ...]) -> None:
    """Atoms, strings, literals, NIL and lists; a literal's octets mean nothing but themselves."""
    assert values(pieces) == found


@pytest.mark.parametrize("text", [b"(", b")", b'"a', rb'"a\"', b"(" * 30 + b")" * 30, b"BODY[", b"[x"])
def test_broken_values(text: bytes) -> None:
    """Lists and strings without an end, and lists nested for their own sake."""
    with pytest.raises(NotImapError):
        values([text])


@given(st.lists(st.binary(max_size=60), min_size=1, max_size=5))
def test_any_octets_are_read_or_refused(pieces: list[bytes]) -> None:
    """Whatever comes, nothing else is raised."""
    literal(pieces[0])
    try:
        found = response(pieces)
        values(found.rest or pieces)
    except NotImapError:
        pass


nested: st.SearchStrategy[Value] = st.recursive(
    st.none() | st.binary(max_size=20).filter(lambda text: b"\r" not in text and b"\n" not in text),
    lambda inner: st.lists(inner, max_size=4).map(tuple),
    max_leaves=10,
)


@given(st.lists(nested, max_size=4).map(tuple), st.booleans())
def test_values_come_back(wanted: tuple[Value, ...], literals: bool) -> None:  # noqa: FBT001
    """What a server quotes, or sends as literals, is what is read."""
    pieces = [b""]

    def write(value: Value) -> None:
        if value is None:
            pieces[-1] += b" NIL"
        elif isinstance(value, tuple):
            pieces[-1] += b" ("
            for one in value:
                write(one)
            pieces[-1] += b")"
        elif literals:
            pieces[-1] += b" {%d}" % len(value)
            pieces.extend((value, b""))
        else:
            pieces[-1] += b' "' + value.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'

    for value in wanted:
        write(value)
    assert values(pieces) == wanted


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("INBOX", b"INBOX"),
        ("Entw\u00fcrfe", b"Entw&APw-rfe"),
        ("A & B", b"A &- B"),
        ("~peter/mail/\u53f0\u5317/\u65e5\u672c\u8a9e", b"~peter/mail/&U,BTFw-/&ZeVnLIqe-"),
    ],
)
def test_mailbox_names(name: str, said: bytes) -> None:
    """RFC 3501 §5.1.3, with its own example."""
    assert encode_mailbox(name) == said
    assert decode_mailbox(said) == name


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
def test_mailbox_names_come_back(name: str) -> None:
    """Any name survives, and what is sent is printable ASCII."""
    said = encode_mailbox(name)
    assert decode_mailbox(said) == name
    assert all(0x20 <= octet <= 0x7E for octet in said)


@given(st.binary(max_size=60))
def test_any_octets_are_some_name(name: bytes) -> None:
    """A name that is not in modified UTF-7 is a name all the same."""
    assert isinstance(decode_mailbox(name), str)


@given(st.binary(max_size=2000))
def test_an_argument_cannot_leave_its_place(text: bytes) -> None:
    """No argument ends the line or the string that it stands in; NUL is refused."""
    if b"\0" in text:
        with pytest.raises(ValueError, match="NUL"):
            astring(text)
        return
    said = astring(text)
    if isinstance(said, Literal):
        assert bytes(said) == text
    else:
        assert b"\r" not in said
        assert b"\n" not in said
        assert values([said]) == (text,)


def test_capabilities() -> None:
    """Words with what follows "=" gathered under them."""
    told = capabilities("IMAP4rev1 AUTH=PLAIN auth=login THREAD=REFS")
    assert told == {"IMAP4REV1": "", "AUTH": "PLAIN LOGIN", "THREAD": "REFS"}


def test_uids_of_both_answers() -> None:
    """SEARCH lists numbers, ESEARCH a set; what a set may unfold to is bounded, its newest stay."""

    def told(*lines: bytes) -> list[int]:
        return uids([response([line]) for line in lines])

    assert told(b"* SEARCH 9 3 x 12345678901", b"* 4 EXISTS", b"* SEARCH 3") == [3, 9]
    assert told(b'* ESEARCH (TAG "N5") UID ALL 2,7:5,11') == [2, 5, 6, 7, 11]
    assert told(b'* ESEARCH (TAG "N5") UID') == []
    assert told(b"* ESEARCH UID ALL 1:4294967295") == list(range(4294966296, 4294967296))
