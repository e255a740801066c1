"""Module files: what is read, what is refused and with which words, and what netmon ships."""

from pathlib import Path

import pytest

from netmon.mib import modules as modules_code
from netmon.mib.document import DocumentError
from netmon.mib.modules import Module, builtin_modules, load_modules, parse_modules
from netmon.mib.syntax import Syntax
from netmon.model import Kind
from netmon.snmp.ber import encode_oid
from tests.servers.shared import shared

# snmp_exporter's own snmp.yml, which lies beside the checkout.
STOCK_HAS = (
    "hrStorage",
    "hrSystem",
    "if_mib",
    "system",
    "ucd_la_table",
    "ucd_memory",
    "ucd_system_stats",
    "ups_mib",
)

GOOD = """\
modules:
  m:
    walk: [1.3.6.1.2.1.2]
    get: [1.3.6.1.2.1.1.3.0]
    max_repetitions: 10
    retries: 1
    timeout: 2s
    use_unconnected_udp_socket: true
    metrics:
      - name: ifOperStatus
        oid: 1.3.6.1.2.1.2.2.1.8
        type: EnumAsInfo
        help: "State: of the interface"
        indexes: [{labelname: ifIndex, type: gauge}]
        lookups:
          - {labels: [ifIndex], labelname: ifName, oid: 1.3.6.1.2.1.31.1.1.1.1, type: DisplayString}
          - {labels: [], labelname: ifIndex}
        enum_values: {1: on, 2: off}
"""


def parse(text: str) -> Module:
    """The only module of a document."""
    (module,) = parse_modules(text, "t.yml").values()
    return module


def mistakes(text: str) -> tuple[str, ...]:
    """What is wrong with a document, without the file's name."""
    with pytest.raises(DocumentError) as error:
        parse_modules(text, "t.yml")
    assert str(error.value) == "\n".join(error.value.mistakes)
    return tuple(line.removeprefix("t.yml:") for line in error.value.mistakes)


def metric(**changes: str) -> str:
    """A module of one metric, one field a keyword; a field given as "" is left out."""
    fields = {"name": "x", "oid": "1.3.6.1", "type": "gauge", **changes}
    body = ", ".join(f"{key}: {value}" for key, value in fields.items() if value)
    return f"modules: {{m: {{walk: [1.3.6], metrics: [{{{body}}}]}}}}"


def test_a_module_is_compiled() -> None:
    """OIDs become octets, durations seconds, and an enum state called `on` stays a text."""
    module = parse(GOOD)
    assert (module.walk, module.get) == ((encode_oid("1.3.6.1.2.1.2"),), (encode_oid("1.3.6.1.2.1.1.3.0"),))
    assert (module.max_repetitions, module.retries, module.timeout) == (10, 1, 2.0)
    (only,) = module.metrics
    assert (only.syntax, only.enums) == (Syntax.ENUM_AS_INFO, {1: "on", 2: "off"})
    assert (only.family.name, only.family.kind) == ("ifOperStatus_info", Kind.GAUGE)
    assert only.family.help == "State: of the interface"
    assert only.labelling.names == ("ifName",)


def test_overrides_are_none_where_a_module_is_silent() -> None:
    """What the module leaves open is decided by the check."""
    module = parse(metric())
    assert (module.max_repetitions, module.retries, module.timeout) == (None, None, None)


def test_equal_labellings_are_one_object() -> None:
    """Metrics of one table share their labelling, so that mapping works out labels once."""
    first, second, *_ = (m for m in builtin_modules()["if_mib"].metrics if m.labelling.indexes)
    assert first.labelling is second.labelling


def test_digest_follows_the_content() -> None:
    """Modules are equal by what they say: a comment changes nothing, a value does."""
    assert parse(GOOD) == parse("# a comment\n" + GOOD)
    assert hash(parse(GOOD)) == hash(parse(GOOD))
    for old, new in (
        ("2: off", "2: out"),
        ("timeout: 2s", "timeout: 3s"),
        ("2.2.1.8", "2.2.1.9"),
        ("  m:", "  n:"),
    ):
        assert parse(GOOD) != parse(GOOD.replace(old, new))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (metric(type="Gauge"), '1:70: modules.m.metrics[0].type: "Gauge" is not one of gauge, counter,'),
        (metric(type="Gauge"), 'did you mean "gauge"?'),
        (metric(type=""), '1:40: modules.m.metrics[0]: the key "type" is missing'),
        (metric(type="ParseDateAndTime"), "modules.m.metrics[0]: ParseDateAndTime needs datetime_pattern"),
        (metric(type="Bits"), "modules.m.metrics[0]: Bits needs enum_values"),
        (metric(name="1x"), '"1x" is not a metric name'),
        (metric(oid="sysUpTime"), '"sysUpTime" is not an OID in numbers, like 1.3.6.1.2.1.1'),
        (metric(oid="1.3.6.4294967296"), "modules.m.metrics[0].oid: "),
        (metric(scale="tenth"), 'metrics[0].scale: "tenth" is not a number'),
        (metric(scale="nan"), 'metrics[0].scale: "nan" is not a number'),
        (metric(offset="1_0"), 'metrics[0].offset: "1_0" is not a number'),
        (
            metric(display_hint="1"),
            'display_hint: "1" is no display hint at "1": wanted are a number of octets',
        ),
        (metric(display_hint="1q"), '"1q" is no display hint at "1q"'),
        (metric(display_hint="''"), "display_hint: is no display hint: it is empty"),
        (metric(datetime_pattern="'%Q'"), 'datetime_pattern: holds "%Q", which is no part of a date'),
        (metric(datetime_pattern="'%V'"), "netmon reads no dates by the number of a week"),
        (metric(datetime_pattern="'%:d'"), 'holds "%:d", where only %:z has a colon'),
        (metric(datetime_pattern="'%'"), 'holds "%", which is no part of a date'),
        (metric(regex_extracts="[]"), "metrics[0].regex_extracts: is not a mapping"),
        (metric(regex_extracts="{-x: []}"), "regex_extracts.-x: is keyed by what cannot end a metric name"),
        (metric(regex_extracts="{x: [{value: $1}]}"), 'regex_extracts.x[0]: the key "regex" is missing'),
        (metric(regex_extracts="{x: [{regex: (a}]}"), "is no regular expression (RE2): missing )"),
        (metric(regex_extracts="{x: [{regex: '\\Qa'}]}"), "is no regular expression (RE2): missing )"),
        (
            metric(regex_extracts="{x: [{regex: a, valu: 1}]}"),
            'valu: is not a known key; did you mean "value"?',
        ),
        (metric(helpp="x"), 'metrics[0].helpp: is not a known key; did you mean "help"?'),
        (metric(help="[a]"), "metrics[0].help: is not a text"),
        (metric(enum_values="{up: 1}"), "enum_values.up: is not keyed by a number"),
        (metric(indexes="{}"), "metrics[0].indexes: is not a list"),
        (metric(indexes="[{labelname: a-b, type: gauge}]"), '"a-b" is not a label name'),
        (
            metric(indexes="[{labelname: a, type: Bits}]"),
            '"Bits" is not one of Integer, Integer32, gauge, counter,',
        ),
        (
            metric(indexes="[{labelname: a, type: gauge}, {labelname: a, type: gauge}]"),
            '"a" is taken by an earlier',
        ),
        (metric(indexes="[{labelname: a, type: gauge, implied: yes}]"), '"yes" is not true or false'),
        (
            metric(lookups="[{labels: [a], labelname: b, oid: 1.3, type: gauge}]"),
            '"a" is no index and no earlier',
        ),
        (metric(lookups="[{labels: [], type: gauge}]"), 'lookups[0]: the key "labelname" is missing'),
        (metric() + "\nauths: []", "2:8: auths: is not a mapping"),
        (
            metric() + "\nauths: {a: {communty: x}}",
            "2:23: auths.a.communty: is not a known key; did you mean",
        ),
        (metric() + "\nauths: {a: {community: [x]}}", "2:24: auths.a.community: is not a text"),
        ("modules: {m: {walk: [1.3.6], filters: [{}]}}", 'filters[0]: the key "values" is missing'),
        (
            "modules: {m: {walk: [1.3.6], filters: [{oid: 1.3, targets: [], values: [a]}]}}",
            "filters[0].targets: is empty, so that the filter would do nothing",
        ),
        (
            "modules: {m: {walk: [1.3.6], filters: [{oid: 1.3, targets: [1.3], values: ['a(']}]}}",
            "filters[0].values[0]: is no regular expression (RE2)",
        ),
        (
            "modules: {m: {walk: [1.3.6], allow_nonincreasing_oids: yes}}",
            'allow_nonincreasing_oids: "yes" is not true or false',
        ),
        ("modules: {m: {walk: [1.3.6], max_repetitions: 0}}", '"0" is not a whole number from 1 to'),
        ("modules: {m: {walk: [1.3.6], version: 2}}", "modules.m.version: is not a known key"),
        ("modules: {m: {walk: [1.3.6], timeout: 5}}", "modules.m.timeout: is not a duration like 30s"),
        ("modules: {m: {walk: [1.3.6], timeout: 0s}}", "modules.m.timeout: must be longer than 0s"),
        ("modules: {m: {walk: [1.3.6], retries: -1}}", 'retries: "-1" is not a whole number from 0 to 20'),
        ("modules: {m: {metrics: []}}", "1:14: modules.m: neither walks nor gets anything"),
        ("modules: {m: {walk: [1.3.6]}, m: {walk: [1.3.6]}}", "1:31: modules.m: is given twice"),
        ("modules: {[a]: {walk: [1.3.6]}}", "1:10: modules: has a key that is not a text"),
        ("modules: [", "is not YAML: "),
        ("modules: \x07", "is not YAML: "),
        ("{}", 'the key "modules" is missing'),
        (
            "if_mib:\n  walk: [1.3.6.1.2.1.2]\n  version: 1\n",
            "1:1: is of snmp_exporter 0.21 or 0.22, whose modules stand at the top; convert it by",
        ),
        ("", " is empty"),
        ("- modules", "1:1: is not a mapping"),
    ],
)
def test_a_mistake_is_told_with_its_place(text: str, expected: str) -> None:
    """Each mistake has line, column, path and a sentence."""
    assert any(expected in line for line in mistakes(text)), mistakes(text)


def test_mappings_may_be_merged() -> None:
    """As in files that people keep by hand; what a mapping says itself counts before what it merges."""
    text = """
modules:
  a: &a {walk: [1.3.6.1], retries: 1, timeout: 2s}
  b: {<<: *a, retries: 5}
  c: {<<: [{max_repetitions: 7, retries: 6}, *a]}
"""
    found = parse_modules(text, "t.yml")
    assert [(m.walk == found["a"].walk, m.retries, m.timeout) for m in found.values()] == [
        (True, 1, 2.0), (True, 5, 2.0), (True, 6, 2.0),
    ]  # fmt: skip
    assert found["c"].max_repetitions == 7
    assert mistakes("modules: {a: &a {<<: *a, walk: [1.3.6]}}") == (
        "1:14: modules.a: merges too much, or itself",
    )
    assert mistakes("modules: {a: {<<: 3, walk: [1.3.6]}}") == ("1:19: modules.a: is not a mapping",)


def test_an_object_is_one_metric() -> None:
    """Two metrics of one OID are refused, because only one of them could have its values."""
    one = "{name: x, oid: 1.3.6.1, type: gauge}"
    text = f"modules: {{m: {{walk: [1.3.6], metrics: [{one}, {one.replace('x', 'y')}]}}}}"
    assert mistakes(text) == ("1:78: modules.m.metrics[1]: has the oid of x; an object is one metric only",)


def test_all_mistakes_come_at_once() -> None:
    """One run of a check shows everything that is wrong, in the order of the file."""
    assert len(mistakes("modules: {m: {walk: [x], retry: 1, metrics: [{name: '-', oid: 1, type: q}]}}")) == 5


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    """A file that is absent or no text is a mistake with its name."""
    with pytest.raises(DocumentError, match=r"absent\.yml: cannot be read: No such file"):
        load_modules(tmp_path / "absent.yml")
    (tmp_path / "latin.yml").write_bytes(b"modules: {m: {walk: [1.3.6]}} # \xe9")
    with pytest.raises(DocumentError, match=r"latin\.yml: is not UTF-8 at byte 32"):
        load_modules(tmp_path / "latin.yml")
    (tmp_path / "good.yml").write_text(GOOD)
    assert load_modules(tmp_path / "good.yml") == {"m": parse(GOOD)}


def test_the_shipped_modules_load() -> None:
    """Every module that netmon ships is read, with a help text for every metric."""
    modules = builtin_modules()
    assert len(modules) >= len(STOCK_HAS)
    for name, module in modules.items():
        assert module.metrics, name
        assert all(metric.family.help for metric in module.metrics), name


def test_a_module_file_is_called_as_its_module() -> None:
    """One module a file, by its name, so that whoever looks for one finds it."""
    folder = Path(modules_code.__file__).parent / "data"
    for path in folder.glob("*.yml"):
        assert list(parse_modules(path.read_text("utf-8"), path.name)) == [path.stem]


def test_the_table_of_processes_is_never_shipped() -> None:
    """hrSWRun grows with every process, and its parameters may hold passwords: no module reads it."""
    table, performance = encode_oid("1.3.6.1.2.1.25.4"), encode_oid("1.3.6.1.2.1.25.5")
    for module in builtin_modules().values():
        for oid in (*module.walk, *module.get):
            assert not any(oid.startswith(root) or root.startswith(oid) for root in (table, performance))


@pytest.fixture(scope="module")
def stock_texts() -> dict[str, str]:
    """The text of each module in snmp_exporter's file."""
    found, name = dict[str, str](), ""
    _, _, modules = shared("peers/snmp.yml").read_text("utf-8").partition("\nmodules:\n")
    for line in modules.splitlines(keepends=True):
        if line.startswith("  ") and line[2] != " ":
            name = line.strip().rstrip(":")
            found[name] = ""
        found[name] += line
    return found


@pytest.fixture(scope="module")
def stock(stock_texts: dict[str, str]) -> dict[str, Module]:
    """The modules of snmp_exporter's file that netmon ships too."""
    texts = (stock_texts[name] for name in STOCK_HAS)
    return parse_modules("modules:\n" + "".join(texts), "snmp.yml")


@pytest.mark.parametrize("name", STOCK_HAS)
def test_shipped_modules_are_those_that_people_know(stock: dict[str, Module], name: str) -> None:
    """Same objects read, same metrics, types, enums, indexes and lookups as snmp_exporter's; own help."""
    mine, theirs = builtin_modules()[name], stock[name]
    assert (mine.walk, mine.get) == (theirs.walk, theirs.get)
    assert len(mine.metrics) == len(theirs.metrics)
    for ours, other in zip(mine.metrics, theirs.metrics, strict=True):
        assert (ours.name, ours.oid, ours.syntax, ours.enums) == (
            other.name,
            other.oid,
            other.syntax,
            other.enums,
        )
        assert (ours.family.name, ours.family.kind) == (other.family.name, other.family.kind)
        assert ours.labelling.indexes == other.labelling.indexes, ours.name
        assert ours.labelling.lookups == other.labelling.lookups, ours.name
        assert ours.family.help != other.family.help


def test_processors_are_those_of_the_device_module(stock_texts: dict[str, str]) -> None:
    """hr_processor gives hrDevice's own series of processors, so that who reads both has each once."""
    head, *entries = stock_texts["hrDevice"].split("    - name: ")
    (entry,) = (entry for entry in entries if entry.startswith("hrProcessorLoad"))
    (other,) = parse("modules:\n" + head + "    - name: " + entry).metrics
    (ours,) = builtin_modules()["hr_processor"].metrics
    assert (ours.oid, ours.syntax, ours.family.name) == (other.oid, other.syntax, other.family.name)
    assert ours.labelling.names == other.labelling.names
    assert ours.labelling.lookups == other.labelling.lookups


def test_nothing_at_all_is_an_empty_list_or_mapping() -> None:
    """A key without a value, as people leave it when they comment out what was there."""
    module = parse("modules: {m: {walk: [1.3.6], get: , metrics: ~, filters: null}}")
    assert (module.get, module.metrics, module.filters) == ((), (), ())
    assert parse_modules("auths:\nmodules:\n", "t.yml") == {}
    assert mistakes("modules: {m: {walk: [1.3.6], metrics: 'null'}}") == (
        "1:39: modules.m.metrics: is not a list",
    )
