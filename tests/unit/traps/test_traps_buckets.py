"""Token buckets by source."""

from netmon.traps.buckets import Buckets


def test_a_burst_and_then_the_rate() -> None:
    """A source may send its burst at once, and afterwards as fast as the rate."""
    buckets = Buckets(rate=2.0, burst=3.0)
    assert [buckets.take("a", 0.0) for _ in range(4)] == [True, True, True, False]
    assert [buckets.take("a", 0.5) for _ in range(2)] == [True, False]
    assert [buckets.take("a", 100.0) for _ in range(4)] == [True, True, True, False]


def test_sources_do_not_share() -> None:
    """What one uses up another still has."""
    buckets = Buckets(rate=1.0, burst=1.0)
    assert [buckets.take(source, 0.0) for source in "aab"] == [True, False, True]


def test_the_table_is_bounded_and_keeps_who_is_heard() -> None:
    """Whatever the source addresses are, memory is bounded, and a busy source does not gain by it."""
    buckets = Buckets(rate=0.0, burst=1.0, most=10)
    assert buckets.take("busy", 0.0)
    for number in range(1000):
        buckets.take(f"forged {number}", 0.0)
        assert not buckets.take("busy", 0.0)
        assert len(buckets) <= 10
