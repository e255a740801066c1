"""What the agent and the receiver say to each other: JSON lines over a socket pair.

The agent begins with `settings`, and sends them again after a reload; `stop` ends the receiver, as
does the end of the agent.  The receiver says `ready` for every settings that it works by, or
`failed` with a sentence, and afterwards notices of what it committed.  Secrets travel only here,
never on a command line or in the environment.

Octets are base64 (RFC 4648 §5) in JSON: a community need not be text.
"""

import json
import socket
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from pydantic import BaseModel, ConfigDict

from netmon.traps.records import Settings

LONGEST_LINE: Final = 64 << 20  # octets; 100,000 hosts with their addresses are 5 MB


class Message(BaseModel):
    """A line from the agent."""

    model_config = ConfigDict(
        ser_json_bytes="base64", val_json_bytes="base64", extra="forbid", hide_input_in_errors=True
    )

    settings: Settings | None = None
    stop: bool = False


def settings_line(settings: Settings) -> bytes:
    """Work by these settings from now on."""
    return Message(settings=settings).model_dump_json(exclude_defaults=True).encode() + b"\n"


def stop_line() -> bytes:
    """Commit what there is, and end."""
    return b'{"stop":true}\n'


def parse_message(line: bytes) -> Message:
    """A line from the agent; raises pydantic's ValidationError, which shows no value."""
    return Message.model_validate_json(line)


def reply_line(reply: Mapping[str, Any]) -> bytes:
    """A line to the agent: `{"ready": PID}`, `{"failed": "why"}` or a notice."""
    return json.dumps(reply, separators=(",", ":"), ensure_ascii=True).encode() + b"\n"


def command(
    python: str, *, control: socket.socket, counters: int, sockets: Iterable[socket.socket]
) -> Sequence[str]:
    """The receiver's command line; all of these descriptors are to be inherited under their numbers."""
    return [
        python,
        "-m",
        "netmon.traps",
        f"--control={control.fileno()}",
        f"--counters={counters}",
        "--sockets=" + ",".join(str(one.fileno()) for one in sockets),
    ]


class Lines:
    """Lines out of a stream's octets; raises ValueError for one that has no end."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def feed(self, octets: bytes) -> list[bytes]:
        """The lines that are whole now, without their ends."""
        *lines, rest = (self._rest + octets).split(b"\n")
        self._rest = bytearray(rest)
        if len(rest) > LONGEST_LINE:
            raise ValueError(f"a line of more than {LONGEST_LINE} octets")
        return [bytes(line) for line in lines if line]
