"""`python -m netmon.traps`: the receiver's process, which only the agent starts (see `handshake`)."""

import argparse
import sys

from netmon.traps.process import serve


def main() -> int:
    """Serve with the descriptors of the command line."""
    parser = argparse.ArgumentParser(prog="python -m netmon.traps", description=__doc__)
    parser.add_argument("--control", type=int, required=True, help="descriptor of the line to the agent")
    parser.add_argument("--counters", type=int, required=True, help="descriptor of the shared counters")
    parser.add_argument("--sockets", required=True, help="descriptors of the UDP sockets, by commas")
    words = parser.parse_args()
    return serve(words.control, words.counters, [int(each) for each in words.sockets.split(",")], 2)


if __name__ == "__main__":
    sys.exit(main())
