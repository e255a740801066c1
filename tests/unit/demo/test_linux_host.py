"""The simulated Linux mail host: its tables tell one story."""

from netmon.demo.cast import linux_host
from netmon.demo.device import Device, Template
from netmon.demo.linux import SYSTEM_PROCESSES
from tests.unit.demo.test_device import NOW, values

STORAGE = "1.3.6.1.2.1.25.2.3.1"
DISK = "1.3.6.1.4.1.2021.9.1"
MEMORY = "1.3.6.1.4.1.2021.4"


def test_a_full_spool_shows_in_both_tables() -> None:
    """What happens to a disk shows in hrStorageTable and dskTable alike, and raises dskErrorFlag."""
    host = linux_host()
    device = Device(Template(host.rows()), community=b"c", booted=NOW - 9000)
    before = values(device, NOW)
    assert (before[f"{DISK}.100.2"][1], before[f"{DISK}.101.2"][1]) == (0, b"")
    host.disks[1].percent = 100.0
    after = values(device, NOW)
    assert after[f"{STORAGE}.6.32"] == after[f"{STORAGE}.5.32"]
    assert (after[f"{DISK}.9.2"][1], after[f"{DISK}.7.2"][1]) == (100, 0)
    assert (after[f"{DISK}.100.2"][1], after[f"{DISK}.101.2"][1]) == (1, b"/var/spool: 0% free")
    assert after[f"{DISK}.9.1"] == before[f"{DISK}.9.1"]


def test_memory_is_one_in_both_mibs() -> None:
    """Free memory and swap agree between hrStorage and the UCD memory group, and swap can run out."""
    host = linux_host()
    device = Device(Template(host.rows()), community=b"c", booted=NOW - 9000)
    host.memory.swap_free = 1_000
    found = values(device, NOW)
    used = found[f"{STORAGE}.5.10"][1] - found[f"{STORAGE}.6.10"][1]  # type: ignore[operator]
    assert used == found[f"{MEMORY}.4.0"][1] == found[f"{MEMORY}.19.0"][1] == 1_000
    assert found[f"{MEMORY}.100.0"][1] == 1


def test_load_is_one_number_in_three_forms() -> None:
    """The load's text, hundredths and float are the same, at any time."""
    device = Device(Template(linux_host().rows()), community=b"c", booted=NOW - 9000)
    for second in range(0, 600, 7):
        found = values(device, NOW + second)
        hundredths = found["1.3.6.1.4.1.2021.10.1.5.1"][1]
        assert isinstance(hundredths, int)
        assert found["1.3.6.1.4.1.2021.10.1.3.1"][1] == f"{hundredths / 100:.2f}".encode()


def test_the_date_is_the_clock_in_utc() -> None:
    """hrSystemDate is eleven octets of DateAndTime and follows the clock."""
    device = Device(Template(linux_host().rows()), community=b"c", booted=NOW - 9000)
    # 1,800,000,000 seconds after the epoch is 2027-01-15 08:00:00 UTC.
    expected = bytes((7, 0xEB, 1, 15, 8, 0, 0, 5)) + b"+\0\0"
    assert values(device, NOW + 0.5)["1.3.6.1.2.1.25.1.2.0"][1] == expected


def test_listeners_are_those_of_the_moment() -> None:
    """tcpListenerTable names each listening port on all addresses, and no other."""
    host = linux_host()
    host.listening = (22, 2525)
    found = values(Device(Template(host.rows()), community=b"c", booted=NOW - 9000), NOW)
    table = "1.3.6.1.2.1.6.20.1.4.1.4.0.0.0.0"
    assert [oid for oid in found if oid.startswith("1.3.6.1.2.1.6.20.")] == [f"{table}.22", f"{table}.2525"]


def test_processes_and_the_queue_are_those_of_the_moment() -> None:
    """hrSWRunTable names what runs, without paths; the script counts a queue while Postfix runs."""
    names, extend = "1.3.6.1.2.1.25.4.2.1", "1.3.6.1.4.1.8072.1.3.2.3.1"
    host = linux_host()
    found = values(Device(Template(host.rows()), community=b"c", booted=NOW - 9000), NOW)
    running = [value for oid, (_, value) in found.items() if oid.startswith(f"{names}.2.")]
    assert {b"master", b"qmgr", b"dovecot", b"sshd"} < set(running)
    assert all(isinstance(name, bytes) and len(name) <= 15 for name in running)
    assert not [oid for oid in found if oid.startswith((f"{names}.4.", f"{names}.5."))]
    index = "12.110.101.116.109.111.110.45.109.97.105.108.113"
    said = found[f"{extend}.2.{index}"][1]
    assert isinstance(said, bytes)
    messages, oldest = map(int, said.split())
    assert (0 < messages < 20, 0 < oldest < 600, found[f"{extend}.4.{index}"][1]) == (True, True, 0)
    host.processes = SYSTEM_PROCESSES
    found = values(Device(Template(host.rows()), community=b"c", booted=NOW - 9000), NOW)
    assert b"master" not in [value for _, value in found.values()]
    assert found[f"{extend}.4.{index}"][1] == 1


def test_an_engine_begins_again_with_its_host() -> None:
    """Each start is one more of snmpEngineBoots, and snmpEngineTime counts from it."""
    host = linux_host()
    device = Device(Template(host.rows()), community=b"c", booted=NOW - 90)
    assert values(device, NOW)["1.3.6.1.6.3.10.2.1.3.0"][1] == 90
    before = values(device, NOW)["1.3.6.1.6.3.10.2.1.2.0"][1]
    host.boots += 1
    after = values(Device(Template(host.rows()), community=b"c", booted=NOW), NOW)
    assert after["1.3.6.1.6.3.10.2.1.2.0"][1] == before + 1  # type: ignore[operator]
