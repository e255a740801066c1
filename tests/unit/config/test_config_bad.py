"""Every file of tests/data/bad_configs, and the exact lines that a person sees for it."""

import socket
from pathlib import Path

import pytest

from netmon.config import ConfigError, load
from netmon.probes import PROBES
from tests.unit.config.reading import ENV, MODULES, SECRET, mistakes

FOLDER = Path(__file__).parents[2] / "data" / "bad_configs"
NAMES = sorted(path.stem for path in FOLDER.glob("*.yml"))


@pytest.mark.parametrize("name", NAMES)
def test_bad_file_gives_its_exact_messages_and_opens_nothing(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All mistakes come at once, sorted by place, without a secret and before any socket."""

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.chdir(FOLDER)
    monkeypatch.setattr(socket, "socket", refuse)
    with pytest.raises(ConfigError) as caught:
        load(f"{name}.yml", PROBES, MODULES, ENV)
    assert f"{caught.value}\n" == Path(f"{name}.expected").read_text()
    assert SECRET not in str(caught.value)
    assert caught.value.__cause__ is caught.value.__context__ is None  # a traceback shows no more


def test_folder_holds_a_file_for_each_expectation() -> None:
    """No expectation is left behind by a renamed file, and the folder is not silently empty."""
    assert sorted(path.stem for path in FOLDER.glob("*.expected")) == NAMES
    assert len(NAMES) >= 40


def test_missing_file_and_folder_are_mistakes_like_others(tmp_path: Path) -> None:
    """What cannot be opened is told with the same prefix, for line 1."""
    with pytest.raises(ConfigError, match=r"nothing\.yml:1:1: cannot be read: No such file or directory"):
        load(tmp_path / "nothing.yml", PROBES, MODULES, ENV)
    with pytest.raises(ConfigError, match=r":1:1: cannot be read: Is a directory"):
        load(tmp_path, PROBES, MODULES, ENV)
    with pytest.raises(ConfigError, match=r":1:1: cannot be read: not a path"):
        load("a\0b", PROBES, MODULES, ENV)


def test_endless_file_is_not_read_to_its_end() -> None:
    """A device instead of a file ends at the bound."""
    with pytest.raises(ConfigError, match=r"/dev/zero:1:1: is longer than 32 MiB"):
        load("/dev/zero", PROBES, MODULES, ENV)


def test_overlong_secret_file_is_refused(tmp_path: Path) -> None:
    """A reference reads no more than its bound."""
    (tmp_path / "long").write_text("x" * 65537)
    found = mistakes(tmp_path, 'auths: {a: {community: "${file:long}"}}\nhosts: [{name: a, ping: true}]\n')
    assert found == ["netmon.yml:1:24: auths.a.community: the file long is longer than 64 KiB"]


def test_numbers_beyond_all_range_are_mistakes(tmp_path: Path) -> None:
    """Digits that Python refuses to convert, or that overflow, end as messages."""
    for text in ("1" * 5000, "1" * 5000 + "s", "1" * 400 + "s", "1e400", ".inf", "0x" + "f" * 99):
        assert mistakes(tmp_path, f"hosts: [{{name: a, ping: true, interval: {text}, retries: {text}}}]\n")


def test_thousands_of_unknown_names_cost_seconds_not_hours(tmp_path: Path) -> None:
    """Suggestions have a budget; every mistake is told all the same."""
    hosts = "".join(f"  - {{name: h{i}, ping: true, depends_on: [hh{i}]}}\n" for i in range(2000))
    found = mistakes(tmp_path, "hosts:\n" + hosts)
    assert len(found) == 2000
    assert 'did you mean "' in found[0]
    assert "did you mean" not in found[-1]


def test_a_long_chain_of_dependencies_is_no_recursion(tmp_path: Path) -> None:
    """Five thousand hosts in a row, closed to a circle, are one short mistake."""
    hosts = "".join(f"  - {{name: h{i}, ping: true, depends_on: [h{(i + 1) % 5000}]}}\n" for i in range(5000))
    (found,) = mistakes(tmp_path, "hosts:\n" + hosts)
    assert found.endswith("h0 depends on itself: h0 -> h1 -> h2 -> h3 -> ... -> h4998 -> h4999 -> h0")
