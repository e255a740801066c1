"""A damaged config never raises anything but ConfigError and never shows a secret."""

import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from netmon.config import ConfigError, public_dump
from tests.unit.config.reading import GOOD, SECRET, read

BYTES = GOOD.encode()
PLACES = st.integers(0, len(BYTES) - 1)
# What YAML gives a meaning to, and what it does not.
DAMAGE = st.sampled_from([bytes([c]) for c in b" \n\t:,{}[]\"'#-&*!|>%@$\\x0\x00\x7f\xc3\xff"]) | st.binary(
    max_size=3
)


def shown(data: bytes) -> str:
    """All that a person may see of a config: its mistakes, or its records and its public text."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            config = read(Path(folder), data)
        except ConfigError as error:
            return str(error)
        return f"{config!r}{config}{public_dump(config)}"


# The config's own comments say the secret; only what is left of them in an output counts.
@settings(max_examples=250, deadline=None)
@given(place=PLACES)
def test_truncated_config(place: int) -> None:
    """Cut at any byte: a ConfigError or a config, and no secret."""
    assert SECRET not in shown(BYTES[:place])


@settings(max_examples=400, deadline=None)
@given(place=PLACES, damage=DAMAGE, removed=st.integers(0, 3))
def test_mutated_config(place: int, damage: bytes, removed: int) -> None:
    """Bytes replaced, inserted or removed anywhere: the same."""
    assert SECRET not in shown(BYTES[:place] + damage + BYTES[place + removed :])


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=200) | st.text(alphabet=" \n:-[]{}&*a!<'\"#|>?%", max_size=60).map(str.encode))
def test_arbitrary_bytes(data: bytes) -> None:
    """Whatever a file holds, reading it ends with records or with mistakes."""
    shown(data)
