"""Fuzz one target under atheris: `python -m tests.fuzz.run TARGET [options of libFuzzer] [CORPUS]`.

The corpus, by default build/fuzz/TARGET, is filled with seeds first and kept for the next time.
"""

# ruff: noqa: T201 - a command

import sys
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["netmon.snmp", "netmon.mib", "netmon.traps"]):
    from tests.fuzz.seeds import SEEDS
    from tests.fuzz.targets import TARGETS

_HANG = 10  # seconds for one input


def main() -> None:
    """Fuzz until told to stop, or to the first defect."""
    if len(sys.argv) < 2 or sys.argv[1] not in TARGETS:
        sys.exit(f"usage: python -m tests.fuzz.run {'|'.join(TARGETS)} [-max_total_time=SECONDS]")
    name, options = sys.argv[1], sys.argv[2:]
    corpus = Path("build/fuzz") / name
    corpus.mkdir(parents=True, exist_ok=True)
    for number, seed in enumerate(SEEDS[name]()):
        (corpus / f"seed-{number:03}").write_bytes(seed)
    print(f"fuzzing {name} from {corpus}", flush=True)
    prefix = f"-artifact_prefix={corpus.parent}/{name}-"
    atheris.Setup(
        [sys.argv[0], f"-timeout={_HANG}", "-max_len=4096", prefix, *options, str(corpus)],
        TARGETS[name],
    )
    atheris.Fuzz()


if __name__ == "__main__":
    main()
