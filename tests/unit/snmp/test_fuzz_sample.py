"""A small and repeatable share of the fuzzing: damaged seeds through every target (`make fuzz` does more)."""

import random

import pytest

from netmon.snmp import message, message_v3
from tests.fuzz.seeds import SEEDS
from tests.fuzz.targets import TARGETS

ROUNDS = {"mapping": 800}
MANY = 4_000


def damaged(seed: bytes, chance: random.Random) -> bytes:
    """A seed with octets changed, cut out, doubled or put in."""
    data = bytearray(seed)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(data) + 1)
        match chance.randrange(5):
            case 0 if at < len(data):
                data[at] = chance.choice((0, 1, 0x7F, 0x80, 0x81, 0x84, 0xFF, chance.randrange(256)))
            case 1:
                del data[at : at + chance.randint(1, 8)]
            case 2:
                data[at:at] = data[at : at + chance.randint(1, 32)]
            case 3:
                data[at:at] = chance.randbytes(chance.randint(1, 8))
            case _:
                del data[at:]
    return bytes(data)


@pytest.mark.parametrize("name", TARGETS)
def test_damaged_inputs_raise_nothing_unforeseen(name: str) -> None:
    """Seeds pass, and what was made of them by chance is read or refused."""
    target, seeds = TARGETS[name], list(SEEDS[name]())
    for seed in seeds:
        target(seed)
    chance = random.Random(20260101)  # noqa: S311 - repeatable
    for _ in range(ROUNDS.get(name, MANY)):
        target(damaged(chance.choice(seeds), chance))


def test_seeds_are_what_the_targets_read() -> None:
    """A seed that is refused at its first octet would teach the fuzzer nothing."""
    assert all(len(message.decode_response(seed).varbinds) for seed in SEEDS["response"]())
    assert all(len(message.decode_request(seed).varbinds) for seed in SEEDS["request"]())
    assert {message_v3.decode_head(seed).flags for seed in SEEDS["v3"]()} == {0, 1, 3}
