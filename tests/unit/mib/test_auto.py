"""The table of `modules: auto` and what it decides; and how long a choice is remembered."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netmon.mib.auto import (
    Choice,
    Identity,
    candidates,
    choose,
    explain,
    parse_rows,
    shipped_rows,
    worth_asking,
)
from netmon.mib.choices import LONGEST, SHORTEST, YOUNG, Choices
from netmon.mib.document import DocumentError
from netmon.mib.modules import builtin_modules, load_modules, parse_modules
from netmon.snmp.ber import encode_oid
from tests.servers.shared import shared

MODULES = parse_modules(
    "modules: {a: {walk: [1.3.6.1]}, b: {walk: [1.3.6.2]}, old: {walk: [1.3.6.3]}, acme: {walk: [1.3.6.4]}}",
    "t",
)
ROWS = parse_rows(
    """
rows:
  - {module: a, under: 1.3.6.1}
  - {module: old, under: 1.3.6.3, unless: a}
  - {module: b, under: 1.3.6.2}
  - {module: b, under: 1.3.6.2.7}
  - {module: acme, under: 1.3.6.4, sysObjectID: 1.3.6.1.4.1.9, device: an Acme}
  - {module: absent, under: 1.3.6.5, sysObjectID: 1.3.6.1.4.1.9, device: an Acme}
  - {module: elsewhere, under: 1.3.6.5, sysObjectID: 1.3.6.1.4.1.99, device: an Else}
""",
    "t.yml",
)
OFFERED = candidates(ROWS, MODULES)
SHIPPED, BUILTIN = shipped_rows(), builtin_modules()
ACME = encode_oid("1.3.6.1.4.1.9.7")


def names(choice: Choice) -> list[str]:
    """The modules of a choice."""
    return [module.name for module in choice.modules]


def test_what_is_answered_is_chosen_in_the_order_of_the_table() -> None:
    """A module is chosen once, however many of its roots are answered."""
    assert names(choose(OFFERED, Identity(), (0, 2, 3))) == ["a", "b"]
    assert names(choose(OFFERED, Identity(), (3,))) == ["b"]
    assert names(choose(OFFERED, Identity(), ())) == []


def test_a_better_module_takes_the_place_of_an_older_one() -> None:
    """`unless`: the old group is read where the new one is not served."""
    assert names(choose(OFFERED, Identity(), (0, 1))) == ["a"]
    assert names(choose(OFFERED, Identity(), (1, 2))) == ["old", "b"]


def test_a_vendors_module_is_looked_for_on_its_devices_only() -> None:
    """A row with sysObjectID counts for that subtree; a module that is not there is never asked for."""
    assert list(worth_asking(OFFERED, b"")) == [0, 1, 2, 3]
    assert list(worth_asking(OFFERED, ACME)) == [0, 1, 2, 3, 4]
    assert list(worth_asking(OFFERED, encode_oid("1.3.6.1.4.1.90"))) == [0, 1, 2, 3]


def test_modules_that_are_named_are_no_candidates() -> None:
    """[auto, a] reads `a` because it is named, and does not choose it again."""
    assert [one.row.module for one in candidates(ROWS, MODULES, ["a", "b"])][:2] == ["old", "acme"]


def test_a_choice_explains_itself() -> None:
    """Each module has its reason; vendors' modules that nobody has and that fit nothing are left out."""
    told = explain(OFFERED, choose(OFFERED, Identity(ACME), (0, 1, 3, 4)))
    assert [(found.module, found.chosen, found.why) for found in told] == [
        ("a", True, "answers under 1.3.6.1"),
        ("b", True, "answers under 1.3.6.2.7"),
        ("acme", True, "sysObjectID 1.3.6.1.4.1.9.7 is an Acme, answers under 1.3.6.4"),
        ("old", False, "answers under 1.3.6.3, but a has it better"),
        (
            "absent",
            False,
            "sysObjectID 1.3.6.1.4.1.9.7 is an Acme, but no file in module_files has this module",
        ),
    ]
    told = explain(OFFERED, choose(OFFERED, Identity(), ()))
    assert {found.module: found.why for found in told} == {
        "a": "nothing under 1.3.6.1",
        "b": "nothing under 1.3.6.2",
        "old": "nothing under 1.3.6.3",
        "acme": "it has no sysObjectID, so it is not an Acme",
    }


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("{under: 1.3.6}", 'the key "module" is missing'),
        ("{module: a, under: x}", "rows[0].under"),
        ("{module: a, under: 1.3.6, sysObjectID: 1.3.6}", "sysObjectID and device go together"),
        ("{module: a, under: 1.3.6, oid: 1.3.6}", "is not a known key"),
    ],
)
def test_a_mistake_in_the_table_is_told(row: str, words: str) -> None:
    """The table is read as strictly as modules are."""
    with pytest.raises(DocumentError, match=words.replace("[", r"\[")):
        parse_rows(f"rows: [{row}]", "t.yml")


def test_the_shipped_table_fits_the_shipped_modules() -> None:
    """Every module that is shipped has a row, and a root lies in what its module reads."""
    rows, modules = shipped_rows(), builtin_modules()
    assert set(modules) <= {row.module for row in rows}
    for row in rows:
        module = modules.get(row.module)
        if module is None:
            assert row.sys_object_id, f"{row.module} is not shipped"
            continue
        read = [*module.walk, *module.get]
        if row.module not in {"net_snmp_extend", "ucd_ext"}:  # whose own objects run programs
            columns = [metric.oid for metric in module.metrics]
            assert any(oid.startswith(row.under) or row.under.startswith(oid) for oid in columns), row.module
            assert any(oid.startswith(row.under) or row.under.startswith(oid) for oid in read), row.module
        assert not row.unless or row.unless in modules


def test_the_vendors_rows_fit_the_modules_that_people_have() -> None:
    """Each names a module of snmp_exporter's own file, and a root in what that one reads."""
    stock = load_modules(shared("peers/snmp.yml"))
    for row in shipped_rows():
        if row.sys_object_id:
            module = stock[row.module]
            read = [*module.walk, *module.get]
            assert any(oid.startswith(row.under) or row.under.startswith(oid) for oid in read), row.module


@given(st.sets(st.integers(0, len(shipped_rows()) - 1)))
def test_nothing_is_chosen_that_nothing_answers(answered: set[int]) -> None:
    """Whatever an agent answers, each module chosen has a root with an object behind it."""
    offered = candidates(SHIPPED, BUILTIN)
    choice = choose(offered, Identity(), sorted(answered))
    served = {offered[number].row.module for number in answered}
    assert set(names(choice)) <= served
    assert len(set(names(choice))) == len(names(choice))
    told = explain(offered, choice)
    assert [found.module for found in told if found.chosen] == [
        name for name in dict.fromkeys(one.row.module for one in offered) if name in set(names(choice))
    ]


OLD = Identity(ACME, int(YOUNG * 200), 3)


def remembered(identity: Identity = OLD) -> Choices:
    """A choice made at 0."""
    choices = Choices()
    choices.put("k", "d", choose(OFFERED, identity, (0,)), 0.0)
    return choices


def test_a_choice_holds_for_an_hour() -> None:
    """Then it is made again; until there is a new one the old one is known."""
    choices = remembered()
    assert choices.due("k", "d", LONGEST - 1) == ""
    assert choices.due("k", "d", LONGEST) == "some time has passed"
    assert choices.get("k", "d") is not None
    assert choices.due("other", "d", 0.0) == "there was no choice yet"


def test_a_young_agent_is_asked_again_soon() -> None:
    """Some objects are there only when an agent has run for a while."""
    choices = remembered(Identity(ACME, 100, 3))
    assert choices.due("k", "d", SHORTEST - 1) == ""
    assert choices.due("k", "d", SHORTEST) == "some time has passed"


def test_a_module_that_is_lost_is_looked_for_again_soon() -> None:
    """A table that is empty now, as of listeners, may have rows again when a server is started."""
    choices = remembered()
    choices.put("k", "d", choose(OFFERED, OLD, (2,)), 100.0)
    assert choices.due("k", "d", 100.0 + SHORTEST) == "some time has passed"
    choices.put("k", "d", choose(OFFERED, OLD, (0, 2)), 800.0)
    assert choices.due("k", "d", 800.0 + LONGEST - 1) == ""


def test_a_reload_that_changes_the_check_forgets_its_choice() -> None:
    """The digest says whether the check means the same: modules of that name may have changed."""
    choices = remembered()
    assert choices.get("k", "e") is None
    assert choices.due("k", "e", 1.0) == "there was no choice yet"


@pytest.mark.parametrize(
    ("said", "empty", "why"),
    [
        (Identity(ACME, OLD.up_time, 3), (), ""),
        (Identity(ACME, 100, 3), (), "the agent was started anew"),
        (Identity(ACME, 90_000_000, 4), (), "the agent was started anew"),
        (Identity(encode_oid("1.3.6.1.4.1.8"), 90_000_000, 3), (), "sysObjectID has changed"),
        (Identity(), (), ""),
        (Identity(ACME, 90_000_000, 3), ("b",), "it serves nothing of b any more"),
        (Identity(ACME, 90_000_000, 3), ("never",), ""),
    ],
)
def test_what_makes_a_choice_stale(said: Identity, empty: tuple[str, ...], why: str) -> None:
    """A start anew, another device, and a module that used to come; not one that never did."""
    choices = remembered()
    choices.look("k", Identity(ACME, OLD.up_time, 3), ("a", "b"), ("never",))
    choices.look("k", said, ("a",), empty)
    assert choices.due("k", "d", 60.0) == why
    choices.look("other", said, (), ())


def test_choices_are_bounded() -> None:
    """Past the limit the one that was longest unused is forgotten."""
    choices = Choices(limit=2)
    for key in ("x", "y"):
        choices.put(key, "d", choose(OFFERED, OLD, ()), 0.0)
    assert choices.get("x", "d") is not None
    choices.put("z", "d", choose(OFFERED, OLD, ()), 0.0)
    assert [choices.get(key, "d") is not None for key in "xyz"] == [True, False, True]
