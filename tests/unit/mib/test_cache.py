"""The cache of module files: used when it is whole and of the same content, and else written anew."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import netmon
from netmon.mib import modules
from netmon.mib.document import DocumentError
from netmon.mib.modules import load_files, load_modules
from netmon.mib.reading import Document, read_specs

TEXT = """\
# ä comment before, so that characters and octets differ
auths:
  lab:
    community: "ünverhofft"
    version: 1
  core: {version: 3, username: netmon, password: "${PASSWORD}"}
modules:
  m:
    walk: [1.3.6.1.2.1.2]
    metrics:
      - {name: ifNumber, oid: 1.3.6.1.2.1.2.1, type: gauge, help: "wie viele Ämter"}
  n:
    get: [1.3.6.1.2.1.1.3.0]
"""


class Counted:
    """How often a file was read as a document."""

    def __init__(self) -> None:
        self.reads = 0

    def __call__(self, text: str, source: str) -> Document:
        """Read, and count."""
        self.reads += 1
        return read_specs(text, source)


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counted:
    """Counts the readings of documents."""
    found = Counted()
    monkeypatch.setattr(modules, "read_specs", found)
    return found


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A module file."""
    path = tmp_path / "snmp.yml"
    path.write_text(TEXT, "utf-8")
    return path


def cache_of(folder: Path) -> Path:
    """The only file of the cache."""
    (path,) = folder.iterdir()
    return path


def test_an_unchanged_file_is_read_once(file: Path, tmp_path: Path, counted: Counted) -> None:
    """From the cache come equal modules and the same credentials with their places."""
    folder = tmp_path / "state" / "modules"
    first = load_files([file], folder, {"PASSWORD": "secret"})
    again = load_files([file], folder, {"PASSWORD": "other"})
    assert counted.reads == 1
    assert again.modules == first.modules == load_modules(file)
    assert again.modules["m"].metrics[0].family.help == "wie viele Ämter"
    assert again.auths["lab"] == first.auths["lab"]
    assert again.auths["lab"].fields == {"community": "ünverhofft", "version": "1"}
    assert again.auths["core"].fields["password"] == "other"
    assert again.auths["core"].places["password"] == f"{file}:6:50"


def test_the_cache_is_private_and_holds_no_credentials(file: Path, tmp_path: Path) -> None:
    """Mode 0600, one file, no rest of a writing that was begun."""
    folder = tmp_path / "cache"
    load_files([file], folder, {"PASSWORD": "hidden"})
    kept = cache_of(folder)
    assert kept.stat().st_mode & 0o777 == 0o600
    octets = kept.read_bytes()
    for secret in ("ünverhofft", "hidden", "PASSWORD"):
        assert secret.encode() not in octets


@pytest.mark.parametrize("mode", [0o620, 0o602])
def test_a_cache_that_others_may_write_is_not_believed(
    file: Path, tmp_path: Path, counted: Counted, mode: int
) -> None:
    """Its checksum is no secret, so whoever may write it could make it say anything."""
    folder = tmp_path / "cache"
    load_modules(file, folder)
    cache_of(folder).chmod(mode)
    load_modules(file, folder)
    assert counted.reads == 2
    assert cache_of(folder).stat().st_mode & 0o777 == 0o600


def _truncate(octets: bytes) -> bytes:
    return octets[: len(octets) // 2]


def _other_digit(octets: bytes) -> bytes:
    return octets.replace(b"1.3.6.1.2.1.2.1", b"1.3.6.1.2.1.2.9", 1)


@pytest.mark.parametrize(
    "damage", [_truncate, _other_digit, lambda _: b"", lambda _: b"\x80\x04\x95", lambda o: o + b" "]
)
def test_a_damaged_cache_is_passed_over_and_written_anew(
    file: Path, tmp_path: Path, counted: Counted, damage: Callable[[bytes], bytes]
) -> None:
    """A checksum tells; a start never fails for it."""
    folder = tmp_path / "cache"
    load_modules(file, folder)
    kept = cache_of(folder)
    whole = kept.read_bytes()
    kept.write_bytes(damage(whole))
    assert load_modules(file, folder) == load_modules(file)
    assert counted.reads == 3
    assert kept.read_bytes() == whole
    load_modules(file, folder)
    assert counted.reads == 3


@given(at=st.integers(0, 10_000), flip=st.integers(1, 255))
def test_any_flipped_octet_is_noticed(tmp_path_factory: pytest.TempPathFactory, at: int, flip: int) -> None:
    """Wherever the damage is, the modules are those of the file."""
    folder = tmp_path_factory.mktemp("cache")
    path = folder / "snmp.yml"
    path.write_text(TEXT, "utf-8")
    whole = load_modules(path, folder / "cache")
    kept = cache_of(folder / "cache")
    octets = bytearray(kept.read_bytes())
    octets[at % len(octets)] ^= flip
    kept.write_bytes(octets)
    assert dict(load_modules(path, folder / "cache")) == dict(whole)


def test_another_content_or_another_netmon_is_another_key(
    file: Path, tmp_path: Path, counted: Counted, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An edited file and an upgrade read anew, and leave no old files."""
    folder = tmp_path / "cache"
    load_modules(file, folder)
    file.write_text(TEXT.replace("1.3.6.1.2.1.2.1", "1.3.6.1.2.1.2.9"), "utf-8")
    assert load_modules(file, folder) == load_modules(file)
    monkeypatch.setattr(netmon, "__version__", "9.9.9")
    load_modules(file, folder)
    assert counted.reads == 4
    cache_of(folder)


def test_a_foreign_file_or_a_link_is_not_read(file: Path, tmp_path: Path, counted: Counted) -> None:
    """What lies at the cache's place and is no file of netmon's own is replaced."""
    folder = tmp_path / "cache"
    load_modules(file, folder)
    kept = cache_of(folder)
    elsewhere = tmp_path / "elsewhere"
    kept.rename(elsewhere)
    kept.symlink_to(elsewhere)
    load_modules(file, folder)
    assert counted.reads == 2
    assert not kept.is_symlink()
    kept.unlink()
    os.mkfifo(kept)
    load_modules(file, folder)
    assert counted.reads == 3


def test_a_folder_that_cannot_be_written_is_no_fault(file: Path, tmp_path: Path) -> None:
    """The file is then read at every start."""
    (tmp_path / "taken").write_text("")
    assert load_modules(file, tmp_path / "taken") == load_modules(file)


def test_a_wrong_file_is_never_kept(file: Path, tmp_path: Path) -> None:
    """Its mistakes come at every start."""
    file.write_text("modules: {m: {walk: [x]}}")
    for _ in range(2):
        with pytest.raises(DocumentError, match="is not an OID in numbers"):
            load_modules(file, tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


def test_credentials_that_lean_on_the_rest_of_the_file_are_read_with_it(
    tmp_path: Path, counted: Counted
) -> None:
    """An alias leads out of the section, so there is no cache, and the same result."""
    path = tmp_path / "snmp.yml"
    path.write_text("version: &v 2\nauths: {a: {version: *v}}\nmodules: {m: {walk: [1.3.6]}}\n")
    first, again = (load_files([path], tmp_path / "cache") for _ in range(2))
    assert first.auths == again.auths
    assert again.auths["a"].fields == {"version": "2"}
    assert counted.reads == 2
