"""What a simulated agent answers, case by case."""

from hypothesis import given, settings
from hypothesis import strategies as st

from netmon.demo.device import Device, Row, Template
from netmon.demo.responder import LARGEST, NOT_WRITABLE, respond
from netmon.demo.switch import switch_rows
from netmon.snmp import ber, message

NOW = 1_800_000_000.0
ROWS = (
    Row("1.3.6.1.1.1.0", ber.INTEGER, 1),
    Row("1.3.6.1.1.2.1.1.5", ber.COUNTER64, 2),
    Row("1.3.6.1.1.2.1.1.6", ber.COUNTER64, 3),
    Row("1.3.6.1.1.2.1.2.5", ber.OCTET_STRING, b"x" * 700),
    Row("1.3.6.1.1.2.1.2.6", ber.OCTET_STRING, b"y" * 700),
    Row("1.3.6.1.1.3.0", ber.OCTET_STRING, b"z" * 1500),
)
DEVICE = Device(Template(ROWS), community=b"c", booted=NOW)
SWITCH = Device(Template(switch_rows("sw1", 1)), community=b"c", booted=NOW - 9000)


def ask(
    pdu_type: int,
    *oids: str,
    version: int = 2,
    community: bytes = b"c",
    non_repeaters: int = 0,
    repetitions: int = 0,
) -> message.Response | None:
    """Ask the small device and decode its answer."""
    names = [ber.encode_oid(oid) for oid in oids]
    request = message.encode_request(version, community, pdu_type, 77, names, non_repeaters, repetitions)
    answer = respond(DEVICE, request, NOW)
    if answer is None:
        return None
    assert len(answer) <= LARGEST
    response = message.decode_response(answer)
    assert (response.version, response.community, response.request_id) == (version, community, 77)
    return response


def names(response: message.Response | None) -> list[tuple[str, int]]:
    """The answer's OIDs and tags."""
    assert response is not None
    assert (response.error_status, response.error_index) == (0, 0)
    found = response.varbinds
    return [(ber.decode_oid(oid), tag) for oid, tag in zip(found.oids, found.tags, strict=True)]


def failure(response: message.Response | None) -> tuple[int, int, int]:
    """Error-status, error-index and number of varbinds."""
    assert response is not None
    return response.error_status, response.error_index, len(response.varbinds)


def test_get_gives_values_and_exceptions() -> None:
    """GET of version 2c answers each object, and tells a missing type from a missing instance."""
    got = ask(message.GET, "1.3.6.1.1.1.0", "1.3.6.1.1.1.1", "1.3.6.1.1.9.0", "1.3.6.1.1.2.1.1.6")
    assert names(got) == [
        ("1.3.6.1.1.1.0", ber.INTEGER),
        ("1.3.6.1.1.1.1", ber.NO_SUCH_INSTANCE),
        ("1.3.6.1.1.9.0", ber.NO_SUCH_OBJECT),
        ("1.3.6.1.1.2.1.1.6", ber.COUNTER64),
    ]


def test_getnext_steps_and_ends() -> None:
    """GETNEXT gives the following object, and endOfMibView under the asked name behind the last."""
    assert names(ask(message.GETNEXT, "1.3", "1.3.6.1.1.1.0", "1.3.6.1.1.3.0", "2.5")) == [
        ("1.3.6.1.1.1.0", ber.INTEGER),
        ("1.3.6.1.1.2.1.1.5", ber.COUNTER64),
        ("1.3.6.1.1.3.0", ber.END_OF_MIB_VIEW),
        ("2.5", ber.END_OF_MIB_VIEW),
    ]


def test_version_1_knows_no_counter64() -> None:
    """RFC 3584 §4.2.2: version 1 skips Counter64 on the way and denies it when asked for it."""
    assert names(ask(message.GETNEXT, "1.3.6.1.1.1.0", version=1)) == [
        ("1.3.6.1.1.2.1.2.5", ber.OCTET_STRING)
    ]
    denied = ask(message.GET, "1.3.6.1.1.1.0", "1.3.6.1.1.2.1.1.5", version=1)
    assert failure(denied) == (message.NO_SUCH_NAME, 2, 2)


def test_version_1_says_no_such_name() -> None:
    """What is not there, or the end of the MIB, is noSuchName in version 1, with the request's varbinds."""
    assert failure(ask(message.GET, "1.3.6.1.1.1.0", "1.3.6.1.1.7.0", version=1)) == (
        message.NO_SUCH_NAME,
        2,
        2,
    )
    assert failure(ask(message.GETNEXT, "1.3.6.1.1.3.0", version=1)) == (message.NO_SUCH_NAME, 1, 1)


def test_getbulk_repeats_and_stops_at_the_end() -> None:
    """GETBULK gives non-repeaters once, then repetitions, and endOfMibView where nothing follows."""
    bulk = ask(message.GETBULK, "1.3.6.1.1.1", "1.3.6.1.1.2.1.1", non_repeaters=1, repetitions=2)
    assert names(bulk) == [
        ("1.3.6.1.1.1.0", ber.INTEGER),
        ("1.3.6.1.1.2.1.1.5", ber.COUNTER64),
        ("1.3.6.1.1.2.1.1.6", ber.COUNTER64),
    ]
    assert names(ask(message.GETBULK, "1.3.6.1.1.3.0", repetitions=9)) == [
        ("1.3.6.1.1.3.0", ber.END_OF_MIB_VIEW)
    ]


def test_getbulk_interleaves_columns() -> None:
    """Several repeaters come row by row, and one that has ended says so in every further row."""
    bulk = ask(message.GETBULK, "1.3.6.1.1.2.1.1", "1.3.6.1.1.3.0", repetitions=2)
    assert names(bulk) == [
        ("1.3.6.1.1.2.1.1.5", ber.COUNTER64),
        ("1.3.6.1.1.3.0", ber.END_OF_MIB_VIEW),
        ("1.3.6.1.1.2.1.1.6", ber.COUNTER64),
        ("1.3.6.1.1.3.0", ber.END_OF_MIB_VIEW),
    ]


def test_getbulk_is_cut_to_fit() -> None:
    """An answer holds what fits into a datagram; the manager asks on from there."""
    assert names(ask(message.GETBULK, "1.3.6.1.1.2.1.2", repetitions=50)) == [
        ("1.3.6.1.1.2.1.2.5", ber.OCTET_STRING)
    ]


def test_no_repetitions_is_no_work() -> None:
    """Counts of zero or less ask for nothing and get it."""
    assert names(ask(message.GETBULK, "1.3", repetitions=0)) == []
    assert names(ask(message.GETBULK, "1.3", non_repeaters=-5, repetitions=-5)) == []


def test_what_cannot_fit_is_too_big() -> None:
    """TooBig comes without varbinds in version 2c and with the request's in version 1."""
    two = ("1.3.6.1.1.2.1.2.5", "1.3.6.1.1.2.1.2.6")
    assert failure(ask(message.GET, *two)) == (message.TOO_BIG, 0, 0)
    assert failure(ask(message.GET, *two, version=1)) == (message.TOO_BIG, 0, 2)
    assert failure(ask(message.GETBULK, "1.3.6.1.1.2.1.2.6", repetitions=3)) == (message.TOO_BIG, 0, 0)


def test_nothing_is_writable() -> None:
    """SET is refused in the words of its version."""
    assert failure(ask(message.SET, "1.3.6.1.1.1.0")) == (NOT_WRITABLE, 1, 1)
    assert failure(ask(message.SET, "1.3.6.1.1.1.0", version=1)) == (message.NO_SUCH_NAME, 1, 1)


def test_strangers_and_noise_get_silence() -> None:
    """A wrong community, an inform or octets that are no request get no answer at all."""
    assert ask(message.GET, "1.3.6.1.1.1.0", community=b"d") is None
    assert ask(message.INFORM, "1.3.6.1.1.1.0") is None
    assert respond(DEVICE, b"", NOW) is None
    assert respond(DEVICE, b"GET / HTTP/1.1\r\n", NOW) is None


@settings(max_examples=300)
@given(st.data())
def test_damaged_requests_never_raise(data: st.DataObject) -> None:
    """Any damage to a request ends in silence or in a well-formed answer that fits a datagram."""
    request = bytearray(
        message.encode_request(2, b"c", message.GETBULK, 1, [ber.encode_oid("1.3.6")] * 3, 1, 40)
    )
    for _ in range(data.draw(st.integers(1, 4))):
        request[data.draw(st.integers(0, len(request) - 1))] = data.draw(st.integers(0, 255))
    answer = respond(SWITCH, bytes(request[: data.draw(st.integers(0, len(request)))]), NOW)
    if answer is not None:
        assert len(answer) <= LARGEST
        message.decode_response(answer)


def test_a_request_of_many_names_is_bounded_work() -> None:
    """Thousands of repeaters with a huge count give one datagram, not millions of bindings."""
    many = [ber.encode_oid("1.3.6.1")] * 5000
    answer = respond(SWITCH, message.encode_request(2, b"c", message.GETBULK, 1, many, 0, 2**31 - 1), NOW)
    assert answer is not None
    assert len(answer) <= LARGEST


def test_an_old_device_hears_version_one_only() -> None:
    """A device from before SNMPv2 answers version 1 and is silent to version 2c."""
    device = Device(Template(ROWS), community=b"c", booted=NOW, oldest=True)
    name = [ber.encode_oid("1.3.6.1.1.1.0")]
    assert respond(device, message.encode_request(2, b"c", message.GET, 1, name), NOW) is None
    answer = respond(device, message.encode_request(1, b"c", message.GET, 1, name), NOW)
    assert answer is not None
    assert message.decode_response(answer).version == 1
