"""Users' MIB text: what it becomes, and what is wrong with it by file and line."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from netmon.mib.text_compiler import Batch, Compiled, compile_places, in_process
from netmon.mib.texts import read_sources, shipped_folder
from netmon.mib.tree import Tree, shipped_definitions
from tests.unit.mib.mib_texts import GOOD, V1, in_this_process, module, thing, write


def compiled(folder: Path) -> Compiled:
    """The folder's modules, compiled in this process."""
    return compile_places([folder], in_this_process)


def mistakes(folder: Path) -> list[str]:
    """What is wrong, without the folder's name."""
    return [str(mistake).replace(f"{folder}/", "") for mistake in compiled(folder).mistakes]


def test_a_module_of_ones_own(tmp_path: Path) -> None:
    """Conventions of conventions, an index from netmon's own MIBs and an implied one, a notification."""
    found = compiled(write(tmp_path, ACME_MIB=GOOD))
    assert found.mistakes == ()
    tree = Tree(shipped_definitions(), found.definitions)
    heat = tree.find("ACME-MIB::acmeHeat")
    assert heat.type is not None
    assert (heat.type.name, heat.type.base, heat.type.hint) == ("Finer", "Integer32", "d-1")
    assert (heat.type.ranges, heat.units, heat.access) == (((0, 100),), "degrees", "read-write")
    assert tree.find("acmeHot").objects == ("acmeHeat",)
    assert tree.name_of((1, 3, 6, 1, 4, 1, 99999, 1, 1, 2, 4, 97, 46)) == 'ACME-MIB::acmeHeat.4."a."'
    assert tree.parse('acmeHeat.4."a."')[1][-3:] == (4, 97, 46)


def test_smiv1(tmp_path: Path) -> None:
    """Types by their newer names; traps by RFC 3584 §3, the generic ones as SNMPv2-MIB's."""
    found = compiled(write(tmp_path, ACME_V1_MIB=V1))
    assert found.mistakes == ()
    tree = Tree(shipped_definitions(), found.definitions)
    count = tree.find("oldCount")
    assert count.type is not None
    assert (count.type.base, count.status) == ("Counter32", "current")
    assert [(index.name, index.type.base) for index in count.indexes] == [
        ("oldAddress", "IpAddress"), ("INTEGER", "INTEGER"),
    ]  # fmt: skip
    assert tree.name_of((*count.oid, 192, 0, 2, 1, 5)) == "ACME-V1-MIB::oldCount.192.0.2.1.5"
    assert tree.find("oldFan").oid == (1, 3, 6, 1, 4, 1, 99998, 0, 7)
    assert tree.find("oldFan").objects == ("oldCount", "ifIndex")
    assert tree.find("oldStart").oid == tree.find("coldStart").oid
    assert tree.name_of(tree.find("oldStart").oid) == "SNMPv2-MIB::coldStart"


def test_a_missing_import_is_named_with_file_and_line(tmp_path: Path) -> None:
    """What is missing, who wants it, where it was looked for, where to put it; the rest goes on."""
    write(tmp_path, ACME_MIB=GOOD, BAD=module("BAD-MIB", thing(), "foo, bar\n  FROM BAR-MIB"))
    found = compiled(tmp_path)
    assert [str(mistake) for mistake in found.mistakes] == [
        (
            f"{tmp_path}/BAD.txt:4: BAD-MIB imports foo, bar from BAR-MIB, which is neither in {tmp_path} "
            f"nor among netmon's own; put BAR-MIB into {tmp_path}"
        )
    ]
    assert set(found.definitions.modules) == {"ACME-MIB"}


def test_what_builds_on_a_broken_module_is_left_out_too(tmp_path: Path) -> None:
    """And says so; the line is that of the import."""
    write(
        tmp_path,
        A=module("A-MIB", "x OBJECT-TYPE SYNTAX ???"),
        B=module("B-MIB", thing(), "x FROM A-MIB"),
        C=module("C-MIB", thing(), "thing FROM B-MIB"),
    )
    assert mistakes(tmp_path)[1:] == [
        "B.txt:3: B-MIB imports from A-MIB, which is not usable: see its mistakes",
        "C.txt:3: C-MIB imports from B-MIB, which is not usable: see its mistakes",
    ]
    assert compiled(tmp_path).definitions.modules == {}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (module("X-MIB", thing().replace("MAX-ACCESS", "MAX-ACCES")), "X.txt:4: X-MIB does not parse: "),
        ("\n\n" + module("X-MIB", thing().replace("STATUS", "")), "X.txt:6: X-MIB does not parse: "),
        (
            module("X-MIB", thing(parent="nowhere 1")),
            'X.txt:4: "nowhere", which an OID begins with, is neither',
        ),
        (
            module("X-MIB", thing(syntax="Nonsense")),
            "X.txt:4: thing: the type, or the name that the OID begins with, is neither",
        ),
        (
            module("X-MIB", thing(), "ifNothing\nFROM IF-MIB"),
            "X.txt:4: X-MIB imports ifNothing from IF-MIB, which defines",
        ),
        (module("X-MIB", thing(parent="enterprises 4294967296")), "X.txt:4: thing is left out: no OID has"),
        (module("X-MIB", thing(parent="enterprises" + " 1" * 200)), "X.txt:4: thing is left out: no OID has"),
        ("no module at all", "X.txt: holds no MIB module"),
        (module("X-MIB", thing()) + module("X-MIB", ""), "X.txt:6: X-MIB is already in X.txt:1"),
    ],
)
def test_mistakes_have_a_place(text: str, told: str, tmp_path: Path) -> None:
    """File and line, whatever is wrong."""
    found = mistakes(write(tmp_path, X=text))
    assert len(found) == 1
    assert found[0].startswith(told)


def test_a_column_that_the_sequence_forgets(tmp_path: Path) -> None:
    """Is a column with the row's index, as in many a vendor's MIB."""
    text = GOOD.replace("acmeName DisplayString, acmeHeat Finer", "acmeName DisplayString")
    found = compiled(write(tmp_path, ACME_MIB=text))
    heat = Tree(shipped_definitions(), found.definitions).find("acmeHeat")
    assert (heat.kind, [index.name for index in heat.indexes]) == ("column", ["ifIndex", "acmeName"])


@pytest.mark.parametrize(
    "body",
    [
        "x OBJECT IDENTIFIER ::= " + "{" * 50_000,
        "x OBJECT IDENTIFIER ::= { x 1 }",
        "x0 OBJECT IDENTIFIER ::= { enterprises 1 }\n"
        + "\n".join(f"x{n + 1} OBJECT IDENTIFIER ::= {{ x{n} 1 }}" for n in range(1500)),
        thing(parent="enterprises " + "9" * 5000),
        'A ::= TEXTUAL-CONVENTION STATUS current DESCRIPTION "" SYNTAX A\n' + thing(syntax="A"),
    ],
    ids=["nested", "its own parent", "a long chain", "a long number", "its own type"],
)
def test_hostile_text_harms_nobody(body: str, tmp_path: Path) -> None:
    """It is left out with a mistake, in a process of its own; its neighbour is compiled."""
    write(tmp_path, GOOD=module("GOOD-MIB", thing()), X=module("X-MIB", body))
    found = compile_places([tmp_path], total=60)
    assert {mistake.path.name for mistake in found.mistakes} == {"X.txt"}
    assert "GOOD-MIB" in found.definitions.modules


def test_what_a_text_shows_moves_no_cursor(tmp_path: Path) -> None:
    """UNITS and DISPLAY-HINT are printed to terminals."""
    units = thing().replace("MAX-ACCESS", 'UNITS "\x1b[2J\nx{{ 7 * 7 }}" MAX-ACCESS')
    (row,) = compiled(write(tmp_path, X=module("X-MIB", units))).definitions.modules["X-MIB"]
    assert row.units == " [2J x{{ 7 * 7 }}"


def test_several_modules_in_a_file_of_any_name(tmp_path: Path) -> None:
    """Names come from the text, not from the file; lines count in the file."""
    (tmp_path / "bundle.my").write_text(
        module("A-MIB", thing("a"))
        + module("B-MIB", thing("b", parent="a 1").replace("STATUS", ""), "a FROM A-MIB")
    )
    found = compiled(tmp_path)
    assert set(found.definitions.modules) == {"A-MIB"}
    assert [(mistake.path.name, mistake.line) for mistake in found.mistakes] == [("bundle.my", 9)]


def test_a_module_with_the_name_of_a_shipped_one_replaces_it(tmp_path: Path) -> None:
    """Unless it is the language itself, or does not compile: then netmon's own stands."""
    mine = module("UPS-MIB", thing("upsMine"))
    found = compiled(write(tmp_path, UPS_MIB=mine, SNMPv2_SMI="SNMPv2-SMI DEFINITIONS ::= BEGIN END"))
    assert (set(found.definitions.modules), found.mistakes) == ({"UPS-MIB"}, ())
    broken = compiled(write(tmp_path, UPS_MIB=mine.replace("STATUS", "")))
    assert broken.definitions.modules == {}
    tree = Tree(shipped_definitions(), broken.definitions)
    assert tree.find("upsTrapOnBattery").module == "UPS-MIB"


def test_copies_of_the_shipped_modules_are_fine() -> None:
    """As users keep them in their own folder."""
    found = compiled(shipped_folder())
    assert found.mistakes == ()
    assert found.definitions.modules["IF-MIB"] == shipped_definitions().modules["IF-MIB"] or {
        row.name for row in found.definitions.modules["IF-MIB"]
    } == {row.name for row in shipped_definitions().modules["IF-MIB"]}


def test_a_compiler_that_stands_still_is_found_out(tmp_path: Path) -> None:
    """The modules are halved until the one that does it is alone; the others are compiled."""
    names = [f"M{number}-MIB" for number in range(7)]
    for name in names:
        (tmp_path / f"{name}.txt").write_text(module(name, thing()))
    asked = []

    def run(texts: Mapping[str, str], wanted: Sequence[str], seconds: float) -> Batch | None:
        asked.append(len(wanted))
        return None if "M3-MIB" in wanted else in_this_process(texts, wanted, seconds)

    found = compile_places([tmp_path], run)
    assert set(found.definitions.modules) == set(names) - {"M3-MIB"}
    (mistake,) = found.mistakes
    assert "M3-MIB is left out: compiling it did not end in time" in str(mistake)
    assert len(asked) < 8


def test_no_time_left_leaves_all_out(tmp_path: Path) -> None:
    """The deadline of the whole holds for however many modules."""
    found = compile_places([write(tmp_path, A=module("A-MIB", thing()))], in_this_process, total=0.0)
    assert found.definitions.modules == {}
    assert len(found.mistakes) == 1


def test_the_compiler_has_a_process_of_its_own(tmp_path: Path) -> None:
    """Which gives what this one would; one that fails gives nothing."""
    text = module("A-MIB", thing())
    own = read_sources([shipped_folder()]).modules
    texts = {"A-MIB": text} | {name: own[name].text for name in ("SNMPv2-SMI", "SNMPv2-TC", "SNMPv2-CONF")}
    answer = in_process(texts, ["A-MIB"], 60)
    assert answer is not None
    assert answer[0]["A-MIB"]["thing"] == compile_texts_here(texts)["thing"]
    assert in_process({"A-MIB": text, "SNMPv2-SMI": "\0"}, ["A-MIB"], 0.001) is None  # no time


def compile_texts_here(texts: Mapping[str, str]) -> Mapping[str, object]:
    """A-MIB by this process."""
    answer = in_this_process(texts, ["A-MIB"], 0)
    assert answer is not None
    return answer[0]["A-MIB"]


def test_a_long_chain_of_imports_falls_with_its_last_link(tmp_path: Path) -> None:
    """Each module of it is told, and the time grows by the chain and not by its square."""
    count = 2_000
    for first in range(0, count, 200):
        texts = [
            f"M{number:04}-MIB DEFINITIONS ::= BEGIN\nIMPORTS x FROM M{number + 1:04}-MIB;\nEND"
            for number in range(first, first + 200)
        ]
        (tmp_path / f"{first}.txt").write_text("\n".join(texts))
    found = compile_places([tmp_path], lambda *_: ({}, {}))
    assert len(found.mistakes) == count
    assert str(found.mistakes[-1]) == (
        f"{tmp_path}/800.txt:599: M0999-MIB imports from M1000-MIB, which is not usable: see its mistakes"
    )
