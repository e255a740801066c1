"""MIB text in folders: what is read of it, and how much at most."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netmon.mib import texts
from netmon.mib.texts import modules_of, read_sources
from tests.unit.mib.mib_texts import GOOD, module, thing, write

HERE = Path("x.txt")


def test_imports_with_their_lines() -> None:
    """Comments and quoted texts hold no clauses."""
    (source,) = modules_of(HERE, GOOD)
    assert (source.name, source.line) == ("ACME-MIB", 2)
    assert [(item.module, item.line) for item in source.imports] == [
        ("SNMPv2-SMI", 6), ("SNMPv2-TC", 8), ("IF-MIB", 10),
    ]  # fmt: skip
    assert source.imports[1].symbols == ("TEXTUAL-CONVENTION", "DisplayString")
    assert (source.line_of("acmeHeat"), source.line_of("nothing")) == (
        GOOD[: GOOD.index("\nacmeHeat ")].count("\n") + 2,
        2,
    )


def test_line_ends_of_any_system() -> None:
    """The same lines with CRLF and CR."""
    for ending in ("\r\n", "\r"):
        (source,) = modules_of(HERE, GOOD.replace("\n", ending))
        assert source.imports[2].line == 10


def test_bounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is too long is not read; nor are files beyond the number."""
    monkeypatch.setattr(texts, "MAX_FILE", 1000)
    monkeypatch.setattr(texts, "MAX_FILES", 2)
    write(tmp_path, A="A" * 1001, B=module("B-MIB", thing()), C=module("C-MIB", thing()))
    found = read_sources([tmp_path])
    assert set(found.modules) == {"B-MIB"}
    assert [re.sub(r".*/", "", str(mistake)) for mistake in found.mistakes] == [
        "A.txt: not read: the limit is 0 MiB",
        "C.txt: not read: more than 2 files; give fewer folders",
    ]


def test_what_is_no_file_is_told(tmp_path: Path) -> None:
    """A folder that is not there, a file that may hold anything; other files of a folder are left alone."""
    (tmp_path / "README.md").write_text("nothing")
    (tmp_path / "raw.mib").write_bytes(b"\xff\xfe\0")
    found = read_sources([tmp_path, tmp_path / "gone"])
    assert [mistake.message[:18] for mistake in found.mistakes] == ["holds no MIB modul", "is not there"]


@pytest.mark.parametrize(
    "text",
    [
        "A" * 200_000,
        "IMPORTS " * 50_000,
        "X-MIB DEFINITIONS ::= BEGIN " * 20_000,
        "X-MIB DEFINITIONS ::= BEGIN IMPORTS " + "a, " * 100_000,
        "X-MIB DEFINITIONS ::= BEGIN IMPORTS " + "a FROM B-MIB\n" * 30_000 + ";",
        "X-MIB" + " " * 500_000,
        "X { " * 100_000,
        '"' * 99_999,
        "-" * 500_000,
    ],
    ids=range(9),
)
def test_long_texts_end(text: str) -> None:
    """What is hostile costs about as much as its length."""
    found = list(modules_of(HERE, text))
    assert len(found) <= texts.MAX_MODULES
    assert all(len(source.imports) <= texts.MAX_CLAUSES for source in found)


@given(st.text(alphabet=st.sampled_from('Aa-:={};,"\n\r \0'), max_size=200) | st.text(max_size=200))
def test_any_text_ends(text: str) -> None:
    """Modules or none, for whatever stands in a file."""
    list(modules_of(HERE, "A DEFINITIONS ::= BEGIN IMPORTS " + text))
