"""Captures in the .snmprec format: what is taken, and what is left out and counted."""

import bz2
import re
from pathlib import Path

import pytest

from netmon.demo.device import Device, Row, Template
from netmon.demo.replay import host_name, moving, replayed
from netmon.demo.snmprec import CaptureError, parse, read
from netmon.snmp import ber
from tests.servers.shared import shared
from tests.unit.demo.test_device import NOW, values

# Captures of real devices, which lie beside the checkout.
UP_TIME = "1.3.6.1.2.1.1.3.0"


def objects(*lines: bytes) -> dict[str, tuple[int, object]]:
    """What is taken of these lines, by OID."""
    capture = parse(lines)
    assert not capture.left_out
    return {row.oid: (row.tag, row.value) for row in capture.rows}


def test_every_type_is_read() -> None:
    """Numbers, text, hexadecimal, identifiers and addresses become what the wire carries."""
    found = objects(
        b"# a comment",
        b"",
        b"1.3.6.1.1|2|-5",
        b"1.3.6.1.2|4|a|b",
        b"1.3.6.1.3|4x|00ff",
        b"1.3.6.1.4|6|1.3.6.1.4.1",
        b"1.3.6.1.5|64|192.0.2.1",
        b"1.3.6.1.6|64x|c0000201",
        b"1.3.6.1.7|64|abcd",
        b"1.3.6.1.8|65|4294967295",
        b"1.3.6.1.9|66|7",
        b"1.3.6.1.10|67|8",
        b"1.3.6.1.11|70|18446744073709551615",
        b"1.3.6.1.12|4|",
        b"1.3.6.1.13|68x|9f780442c80000",
    )
    assert found == {
        "1.3.6.1.1": (ber.INTEGER, -5),
        "1.3.6.1.2": (ber.OCTET_STRING, b"a|b"),
        "1.3.6.1.3": (ber.OCTET_STRING, b"\x00\xff"),
        "1.3.6.1.4": (ber.OBJECT_IDENTIFIER, ber.encode_oid("1.3.6.1.4.1")),
        "1.3.6.1.5": (ber.IP_ADDRESS, b"\xc0\x00\x02\x01"),
        "1.3.6.1.6": (ber.IP_ADDRESS, b"\xc0\x00\x02\x01"),
        "1.3.6.1.7": (ber.IP_ADDRESS, b"abcd"),
        "1.3.6.1.8": (ber.COUNTER32, 4294967295),
        "1.3.6.1.9": (ber.GAUGE32, 7),
        "1.3.6.1.10": (ber.TIME_TICKS, 8),
        "1.3.6.1.11": (ber.COUNTER64, 18446744073709551615),
        "1.3.6.1.12": (ber.OCTET_STRING, b""),
        "1.3.6.1.13": (ber.OPAQUE, b"\x9f\x78\x04\x42\xc8\x00\x00"),
    }


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"1.3.6.1.1|4:writecache|x", "values that a program would make"),
        (b"1.3.6.1.1|2:numeric|min=1", "values that a program would make"),
        (b"1.3.6.1.1|99|x", "values of unknown types"),
        (b"1.3.6.1.1||x", "values of unknown types"),
        (b"1.3.6.1.1|65|4294967296", "values that their types do not hold"),
        (b"1.3.6.1.1|65|-1", "values that their types do not hold"),
        (b"1.3.6.1.1|2|many", "values that their types do not hold"),
        (b"1.3.6.1.1|4x|0g", "values that their types do not hold"),
        (b"1.3.6.1.1|6|1.x", "values that their types do not hold"),
        (b"1.3.6.1.1|64|1.2.3.400", "values that their types do not hold"),
        (b"1.3.six|4|x", "values that their types do not hold"),
        (b"1.3.6.1.1|4|" + b"x" * 1201, "values that their types do not hold"),
        (b"\xff\x00|4|x", "values that their types do not hold"),
        (b"1.3.6.1.1 = STRING: x", "lines that are no objects"),
        (b"1.3.6.1.2|4|again", "repeated objects"),
    ],
)
def test_odd_lines_are_left_out_and_counted(line: bytes, why: str) -> None:
    """Whatever is not an object is left out with its reason, and the rest of the capture stays."""
    capture = parse([b"1.3.6.1.2|4|good", line])
    assert capture.rows == (Row("1.3.6.1.2", ber.OCTET_STRING, b"good"),)
    assert capture.left_out == {why: 1}
    assert str(capture) == f"1 objects; left out: 1 {why}"


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.snmprec.bz2", b"1.3.6.1.1|2|5", "not bzip2 data"),
        ("a.snmprec.bz2", bz2.compress(b"1.3.6.1.1|2|5" * 100)[:-10], "cut off"),
        ("a.snmprec", b"hello\n", "no object in it"),
    ],
)
def test_a_file_that_is_no_capture_is_refused(tmp_path: Path, name: str, content: bytes, says: str) -> None:
    """The sentence names the file and what is wrong with it."""
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(CaptureError, match=re.escape(str(path)) + f": .*{says}"):
        read(path)
    with pytest.raises(CaptureError, match="No such file"):
        read(tmp_path / "none.snmprec")


def test_a_bomb_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A capture that unpacks to more than the limit is not read to its end."""
    monkeypatch.setattr("netmon.demo.snmprec.LARGEST", 1 << 20)
    path = tmp_path / "bomb.snmprec.bz2"
    path.write_bytes(bz2.compress(bytes(8 << 20)))
    with pytest.raises(CaptureError, match="more than 1 MiB"):
        read(path)


def test_time_goes_on_and_all_else_stays() -> None:
    """A replayed agent's sysUpTime moves on from where it was captured; nothing else moves."""
    capture = parse([UP_TIME.encode() + b"|67|500", b"1.3.6.1.2.1.2.2.1.10.1|65|77"])
    device = Device(Template(moving(capture)), community=b"c", booted=NOW)
    assert values(device, NOW)[UP_TIME] == (ber.TIME_TICKS, 500)
    assert values(device, NOW + 10)[UP_TIME] == (ber.TIME_TICKS, 1500)
    assert values(device, NOW + 10)["1.3.6.1.2.1.2.2.1.10.1"] == (ber.COUNTER32, 77)


def test_names_come_from_files_and_are_unlike() -> None:
    """A host's name holds what a name may hold, and two captures of one name get two."""
    assert host_name(Path("/x/cisco c3750 (lab).snmprec.bz2"), set()) == "cisco-c3750-lab"
    assert host_name(Path("a.snmprec"), {"a", "a-2"}) == "a-3"
    assert host_name(Path("((.snmprec"), set()) == "device"


def test_captures_of_real_devices_are_whole() -> None:
    """Of every sample each object is served as it was captured, but for those that need a program."""
    samples = sorted(shared("devices").glob("*.snmprec.bz2"))
    assert samples
    small = [path for path in samples if path.stat().st_size < 30_000]
    for path in small:
        lines = [line for line in bz2.decompress(path.read_bytes()).splitlines() if line[:1].isdigit()]
        capture = read(path)
        assert len(capture.rows) + sum(capture.left_out.values()) == len(lines)
        assert capture.left_out.keys() <= {"values that a program would make", "repeated objects"}
        served = values(Device(Template(capture.rows), community=b"c", booted=NOW), NOW)
        assert len(served) == len(capture.rows)
    machines = replayed(small[:2])
    assert [machine.address for machine, _ in machines] == ["127.62.1.1", "127.62.1.2"]
    assert re.match(r"XP replays XP\.snmprec\.bz2: 2101 objects$", machines[0][1])
