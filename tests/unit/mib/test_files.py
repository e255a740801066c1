"""Several module files together: modules, credentials, and what is wrong between them."""

from pathlib import Path

import pytest

from netmon.mib import modules
from netmon.mib.compiling import Modules
from netmon.mib.document import DocumentError
from netmon.mib.modules import builtin_modules, load_files, load_modules
from netmon.snmp.ber import encode_oid
from tests.servers.shared import shared


def written(folder: Path, **texts: str) -> list[Path]:
    """Files of these texts."""
    paths = []
    for name, text in texts.items():
        paths.append(folder / f"{name}.yml")
        paths[-1].write_text(text)
    return paths


def test_files_add_up(tmp_path: Path) -> None:
    """One may hold credentials only, as those of snmp_exporter's users do."""
    paths = written(
        tmp_path,
        a="auths: {lab: {community: x}}",
        b="version: 2\nmodules: {m: {walk: [1.3.6]}}",
        c="modules: {n: {get: [1.3.6.0]}}\nauths: {core: {username: y}}",
    )
    loaded = load_files(paths)
    assert list(loaded.modules) == ["m", "n"]
    assert list(loaded.auths) == ["lab", "core"]
    assert loaded.auths["lab"].where == f"{paths[0]}:1:14"
    assert loaded.auths["core"].places == {"username": f"{paths[2]}:2:26"}


def test_a_name_that_two_files_give_is_a_mistake_that_names_both(tmp_path: Path) -> None:
    """All of them at once, beside the mistakes of each file."""
    paths = written(
        tmp_path,
        a="auths: {lab: {}}\nmodules: {m: {walk: [1.3.6]}}",
        b="auths: {lab: {community: x}}\nmodules: {m: {walk: [1.3.6]}, n: {walk: [1.3.6]}}",
        c="modules: {o: {}}",
    )
    with pytest.raises(DocumentError) as caught:
        load_files(paths)
    assert caught.value.mistakes == (
        f"{paths[1]}: modules.m is in {paths[0]} too; a name stands for one thing",
        f"{paths[1]}: auths.lab is in {paths[0]} too; a name stands for one thing",
        f"{paths[2]}:1:14: modules.o: neither walks nor gets anything",
    )


def test_equal_credentials_in_two_files_are_one(tmp_path: Path) -> None:
    """The generator writes public_v1 and public_v2 into every file."""
    paths = written(
        tmp_path,
        a="auths: {lab: {community: x}}\nmodules: {m: {walk: [1.3.6]}}",
        b="auths: {lab: {community: x}}\nmodules: {n: {walk: [1.3.6]}}",
    )
    assert load_files(paths).auths["lab"].where == f"{paths[0]}:1:14"


def test_variables_stand_in_credentials(tmp_path: Path) -> None:
    """Only with braces and only where a secret may be; what they stand for is taken as it is."""
    (path,) = written(
        tmp_path,
        a="auths: {lab: {community: 'a${A}-${env:B}', username: $A,"
        " password: '$${A}', context_name: '${A}'}}",
    )
    fields = load_files([path], environ={"A": "1", "B": "${A}"}).auths["lab"].fields
    assert fields == {"community": "a1-${A}", "username": "$A", "password": "${A}", "context_name": "${A}"}


def test_a_variable_that_is_not_set_is_a_mistake(tmp_path: Path) -> None:
    """With its place; nothing is sent with an empty password."""
    (path,) = written(tmp_path, a="auths:\n  lab: {password: '${NOT}', priv_password: '${SET}${GONE}'}")
    with pytest.raises(DocumentError) as caught:
        load_files([path], environ={"SET": ""})
    assert caught.value.mistakes == (
        f"{path}:2:19: auths.lab.password: the environment variable NOT is not set",
        f"{path}:2:44: auths.lab.priv_password: the environment variable GONE is not set",
    )


def test_credentials_never_print(tmp_path: Path) -> None:
    """Neither in a record's text nor in a message."""
    (path,) = written(tmp_path, a="auths: {lab: {community: hidden, password: hidden}}")
    assert "hidden" not in repr(load_files([path]))


def test_a_module_waits_until_it_is_used(tmp_path: Path) -> None:
    """Digests are known before, and are those of the modules."""
    (path,) = written(tmp_path, a="modules: {m: {walk: [1.3.6.1]}, n: {walk: [1.3.6.2]}}")
    loaded = load_modules(path)
    assert isinstance(loaded, Modules)
    assert loaded["m"] is loaded["m"]
    assert {name: loaded.digest(name) for name in loaded} == {n: m.digest for n, m in loaded.items()}
    assert loaded["m"].walk == (encode_oid("1.3.6.1"),)
    assert "o" not in loaded
    assert loaded.get("o") is None


STOCK = "peers/snmp.yml"


@pytest.fixture(scope="module")
def stock() -> Modules:
    """snmp_exporter's own file, unchanged."""
    return load_files([shared(STOCK)]).modules


def test_the_stock_file_loads_unchanged(stock: Modules) -> None:
    """Every module of it, and each metric has its object among the columns."""
    assert len(stock) == 53
    assert set(load_files([shared(STOCK)]).auths) == {"public_v1", "public_v2"}
    for module in stock.values():
        assert module.metrics, module.name
        assert all(module.columns[metric.oid] is metric for metric in module.metrics)


def test_the_stock_file_comes_from_the_cache_alike(
    stock: Modules, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Equal modules, without reading YAML, from a file that is no larger than what was read."""
    load_files([shared(STOCK)], tmp_path)
    monkeypatch.delattr(modules, "read_specs")
    assert load_files([shared(STOCK)], tmp_path).modules == stock
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < shared(STOCK).stat().st_size


def test_shipped_modules_have_equal_digests_at_every_reading() -> None:
    """What the scheduler compares is the content, not the reading."""
    assert {n: m.digest for n, m in builtin_modules().items()} == {
        n: m.digest for n, m in builtin_modules().items()
    }
