"""The data of simulated devices: order, movement, and what devices share."""

from collections.abc import Callable
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from netmon.demo.device import Device, Moment, Row, Template, counter, order_key, swing, ticks
from netmon.demo.objects import IF_TABLE, IFX_TABLE
from netmon.demo.switch import FIRST_INDEX, switch_rows
from netmon.snmp import ber
from netmon.snmp.message import RESPONSE, decode_response, encode_response

NOW = 1_800_000_000.0
arcs = st.one_of(st.integers(0, 300), st.integers(16_000, 17_000), st.integers(0, 2**32 - 1))
oids = st.lists(arcs, max_size=8).map(lambda tail: (1, 3, *tail))


def values(device: Device, now: float) -> dict[str, tuple[int, int | bytes | None]]:
    """All objects of a device: dotted OID -> (tag, value), through the real codec."""
    packed = encode_response(2, b"", 1, 0, 0, device.bindings(0, len(device.template), now))
    response = decode_response(packed)
    assert response.pdu_type == RESPONSE
    found = response.varbinds
    return {
        ber.decode_oid(oid): (tag, value)
        for oid, tag, value in zip(found.oids, found.tags, found.values, strict=True)
    }


def small(value: int | bytes | Callable[[Moment], int | bytes], tag: int = ber.INTEGER) -> Device:
    """A device of a single object."""
    return Device(Template([Row("1.3.6.1.9.0", tag, value)]), community=b"c", booted=NOW)


@given(oids, oids)
def test_keys_sort_as_the_numbers_do(left: tuple[int, ...], right: tuple[int, ...]) -> None:
    """Keys compare as sub-identifiers do, whatever number of octets each of those takes."""
    assert (order_key(ber.encode_oid(left)) < order_key(ber.encode_oid(right))) == (left < right)


def test_rows_are_sorted_whatever_order_they_come_in() -> None:
    """A template sorts by number: 16384 stands behind 16383 although its octets compare lower."""
    template = Template(Row(f"1.3.6.1.9.{arc}", ber.INTEGER, arc) for arc in (16384, 2, 16383, 10))
    device = Device(template, community=b"c", booted=NOW)
    assert [value for _, value in values(device, NOW).values()] == [2, 10, 16383, 16384]


def test_an_object_stands_once() -> None:
    """Two rows of one OID are a mistake in the data."""
    with pytest.raises(ValueError, match="twice"):
        Template([Row("1.3.6.1", ber.INTEGER, 1), Row("1.3.6.1", ber.INTEGER, 2)])


def test_a_device_is_a_function_of_seed_and_time() -> None:
    """The same seed at the same instant gives the same bytes; another seed gives others."""

    def device(seed: int) -> Device:
        return Device(Template(switch_rows("sw1", seed)), community=b"c", booted=NOW - 1000)

    one, same, other = device(1), device(1), device(2)
    everything = len(one.template)
    assert one.bindings(0, everything, NOW) == same.bindings(0, everything, NOW)
    assert one.bindings(0, everything, NOW) != other.bindings(0, everything, NOW)


def test_the_switch_serves_the_page_that_benchmarks_compare() -> None:
    """48 ports make 1,969 objects under interfaces and ifXTable: 22 and 19 columns, and ifNumber."""
    device = Device(Template(switch_rows("sw1", 1)), community=b"c", booted=NOW - 1000)
    names = list(values(device, NOW))
    assert sum(name.startswith("1.3.6.1.2.1.2.") for name in names) == 48 * 22 + 1
    assert sum(name.startswith("1.3.6.1.2.1.31.1.1.") for name in names) == 48 * 19


def test_counters_grow_and_agree() -> None:
    """No counter ever decreases within its width, and the 32-bit ones are the 64-bit ones cut off."""
    device = Device(Template(switch_rows("sw1", 3)), community=b"c", booted=NOW - 50_000, phase=77.0)
    pages = [values(device, NOW + 30 * step) for step in range(40)]
    for port in range(FIRST_INDEX, FIRST_INDEX + 48):
        wide = [page[f"{IFX_TABLE}.6.{port}"][1] for page in pages]
        assert all(isinstance(now, int) and now <= later for now, later in pairwise(wide))
        narrow = [page[f"{IF_TABLE}.10.{port}"][1] for page in pages]
        assert narrow == [value % 2**32 for value in wide]
    assert pages[0] != pages[1]


@pytest.mark.parametrize("bits", [32, 64])
def test_a_counter_wraps_at_its_width(bits: int) -> None:
    """A counter goes on from zero, and its largest value keeps a leading zero octet on the wire."""
    tag = ber.COUNTER32 if bits == 32 else ber.COUNTER64
    device = small(counter(1.0, start=2**bits - 1, bits=bits), tag)
    assert values(device, NOW) == {"1.3.6.1.9.0": (tag, 2**bits - 1)}
    assert values(device, NOW + 10) == {"1.3.6.1.9.0": (tag, int(device.moment(NOW + 10).flow) - 1)}


def test_uptime_runs_in_hundredths_and_wraps() -> None:
    """sysUpTime counts hundredths of a second since boot, modulo 2^32."""
    device = small(ticks, ber.TIME_TICKS)
    assert values(device, NOW + 1.5) == {"1.3.6.1.9.0": (ber.TIME_TICKS, 150)}
    assert values(device, NOW + 2**32 / 100 + 1) == {"1.3.6.1.9.0": (ber.TIME_TICKS, 100)}


def test_moving_values_may_be_negative_or_text() -> None:
    """A moving value may be any integer, or octets."""
    assert values(small(swing(-1000, 0)), NOW) == {"1.3.6.1.9.0": (ber.INTEGER, -1000)}
    words = small(lambda _: b"words", ber.OCTET_STRING)
    assert values(words, NOW) == {"1.3.6.1.9.0": (ber.OCTET_STRING, b"words")}


def test_a_change_holds_until_it_is_taken_back() -> None:
    """A script may hold any object at a value and let it go again; an unknown one is a KeyError."""
    device = small(ticks, ber.TIME_TICKS)
    device.change("1.3.6.1.9.0", 7)
    assert values(device, NOW + 5) == {"1.3.6.1.9.0": (ber.TIME_TICKS, 7)}
    device.change("1.3.6.1.9.0", None)
    assert values(device, NOW + 5) == {"1.3.6.1.9.0": (ber.TIME_TICKS, 500)}
    with pytest.raises(KeyError):
        device.change("1.3.6.1.9.1", 7)


def test_devices_of_a_kind_share_a_template_and_differ_in_pace() -> None:
    """Of one template a busier device counts faster, and a change to one leaves the other alone."""
    template = Template(switch_rows("sw", 1))
    calm = Device(template, community=b"c", booted=NOW - 9000)
    busy = Device(
        template, community=b"c", booted=NOW - 9000, pace=2.0, changes={"1.3.6.1.2.1.1.5.0": b"busy"}
    )
    uplink = f"{IFX_TABLE}.6.{FIRST_INDEX + 47}"
    first, second = values(calm, NOW), values(busy, NOW)
    assert abs(second[uplink][1] - 2 * first[uplink][1]) <= 1  # type: ignore[operator]
    assert (first["1.3.6.1.2.1.1.5.0"][1], second["1.3.6.1.2.1.1.5.0"][1]) == (b"sw", b"busy")
