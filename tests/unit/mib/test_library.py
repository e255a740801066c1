"""The tree with users' own MIBs, and its cache."""

from pathlib import Path

import pytest

from netmon.mib import library
from netmon.mib.library import load
from netmon.mib.text_compiler import Compiled, compile_places
from netmon.mib.tree import MibError, shipped
from tests.unit.mib.mib_texts import in_this_process, module, thing, write


@pytest.fixture
def compilations(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Counts what is compiled, in this process."""
    seen: list[int] = []

    def counted(places: list[Path]) -> Compiled:
        seen.append(1)
        return compile_places(places, in_this_process)

    monkeypatch.setattr(library, "compile_places", counted)
    return seen


def test_without_folders_it_is_the_shipped_tree() -> None:
    """And costs nothing."""
    assert load(()).tree is shipped()


def test_what_did_not_change_comes_from_the_cache(tmp_path: Path, compilations: list[int]) -> None:
    """By content: a changed file is compiled again, and mistakes are kept as well; one cache file stays."""
    folder, cache = tmp_path / "mibs", tmp_path / "cache"
    folder.mkdir()
    write(folder, A=module("A-MIB", thing("first")), B=module("B-MIB", "", "x FROM C-MIB"))
    one, two = load([folder], cache), load([folder], cache)
    assert len(compilations) == 1
    assert two.tree.find("first") == one.tree.find("first")
    assert two.mistakes == one.mistakes
    assert len(one.mistakes) == 1
    write(folder, A=module("A-MIB", thing("second")))
    three = load([folder], cache)
    assert len(compilations) == 2
    assert three.tree.find("second").module == "A-MIB"
    with pytest.raises(MibError):
        three.tree.find("first")
    (file,) = cache.iterdir()
    assert file.stat().st_mode & 0o077 == 0


def test_a_damaged_cache_is_made_anew(tmp_path: Path, compilations: list[int]) -> None:
    """Whatever is in it."""
    folder, cache = tmp_path / "mibs", tmp_path / "cache"
    folder.mkdir()
    write(folder, A=module("A-MIB", thing()))
    load([folder], cache)
    (file,) = cache.iterdir()
    for damage in ("{", '{"format": 1, "types": [[1]], "modules": {}, "mistakes": []}', "null",
                   '{"format": 1, "types": [], "modules": [], "mistakes": []}'):  # fmt: skip
        file.write_text(damage)
        assert load([folder], cache).tree.find("thing").module == "A-MIB"
    assert len(compilations) == 5


def test_a_link_is_no_cache(tmp_path: Path, compilations: list[int]) -> None:
    """Whoever can write into the folder cannot make netmon read elsewhere."""
    folder, cache = tmp_path / "mibs", tmp_path / "cache"
    folder.mkdir()
    write(folder, A=module("A-MIB", thing()))
    load([folder], cache)
    (file,) = cache.iterdir()
    file.rename(tmp_path / "elsewhere")
    file.symlink_to(tmp_path / "elsewhere")
    load([folder], cache)
    assert len(compilations) == 2


def test_a_cache_that_cannot_be_written_costs_time_only(tmp_path: Path, compilations: list[int]) -> None:
    """The tree is there all the same."""
    folder = tmp_path / "mibs"
    folder.mkdir()
    write(folder, A=module("A-MIB", thing()))
    (tmp_path / "file").write_text("")
    assert load([folder], tmp_path / "file" / "cache").tree.find("thing").kind == "scalar"
    assert compilations == [1]
