"""`/api/report`: how long mail and SNMP worked, and what they agreed on, as JSON."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, Protocol

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from netmon.history import WINDOWS, Totals
from netmon.web import Handler, reply
from netmon.wording import did_you_mean, quote

_JSON: Final = "application/json"
_AT_ONCE: Final = 100  # hosts in one piece of a long answer


class States(Protocol):
    """What is known of the past; `netmon.history.History` is one."""

    def totals(self, host: str, window: float) -> Totals:
        """Of one host."""

    def of_all(self, window: str) -> Totals:
        """Of all together."""


class Hosts(Protocol):
    """The hosts of the config."""

    def hosts(self) -> Mapping[str, Any]:
        """By name."""


class ReportPages:
    """The handler: `host` for one host, else all, host by host; `window` for one window, else each."""

    def __init__(self, source: Hosts, states: States) -> None:
        self._source = source
        self._states = states

    def routes(self) -> Mapping[str, Handler]:
        """For `netmon.web.Server`."""
        return {"/api/report": self.report}

    async def report(self, request: Request) -> Response:
        """See the class."""
        query = request.query_params
        for name in query:
            if name not in {"host", "window"}:
                near = did_you_mean(name, ("host", "window"))
                return PlainTextResponse(f"unknown parameter {quote(name)}{near}\n", 400)
        window = query.get("window")
        if window is not None and window not in WINDOWS:
            return PlainTextResponse(f"window {quote(window)} is not one of {', '.join(WINDOWS)}\n", 400)
        windows = list(WINDOWS) if window is None else [window]
        host = query.get("host")
        hosts = self._source.hosts()
        if host is not None and host not in hosts:
            near = did_you_mean(host, hosts)
            return PlainTextResponse(f"no host is named {quote(host)} in the config{near}\n", 404)
        return reply(request, self._pieces([host] if host is not None else list(hosts), windows), _JSON)

    def _pieces(self, names: Sequence[str], windows: Sequence[str]) -> Iterator[bytes]:
        """In pieces, between which the event loop has its turn."""
        overall = {window: self._states.of_all(window).to_json() for window in windows}
        yield b'{"all":' + _bytes(overall) + b',"hosts":{'
        for begin in range(0, len(names), _AT_ONCE):
            some = [
                _bytes(name) + b":" + _bytes(self._of(name, windows))
                for name in names[begin : begin + _AT_ONCE]
            ]
            yield (b"," if begin else b"") + b",".join(some)
        yield b"}}"

    def _of(self, host: str, windows: Sequence[str]) -> dict[str, object]:
        return {window: self._states.totals(host, WINDOWS[window]).to_json() for window in windows}


def _bytes(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
