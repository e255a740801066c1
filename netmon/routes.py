"""Which path answers with what: the public HTTP surface in one table."""

import json
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from netmon import status
from netmon.exposition import (
    CONTENT_TYPE,
    Exposition,
    PageTooLargeError,
    SelfMetrics,
    Source,
    UnknownHostError,
)
from netmon.web import Handler, reply

_HOST_HEADER: Final = re.compile(r"[A-Za-z0-9._-]+(?::[0-9]{1,5})?|\[[0-9A-Fa-f:.]+\](?::[0-9]{1,5})?")
_JSON: Final = "application/json"
_HTML: Final = "text/html; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Services:
    """What the pages are made of; agent.py fills it.

    `reload` reads the config again and gives its mistakes, none if it was taken.  `notices` are
    what a person who looks at the status page should know first.
    """

    source: Source
    exposition: Exposition
    own: SelfMetrics
    config: Callable[[], str]  # without secrets
    reload: Callable[[], Awaitable[Sequence[str]]]
    ready: Callable[[], bool]
    notices: Callable[[], Sequence[str]]
    wall: Callable[[], float]
    listen: str  # web.listen, for a client that sends no usable Host header


def routes(services: Services) -> Mapping[str, Handler]:
    """The map that `netmon.web.Server` serves."""
    pages = _Pages(services)
    return {
        "/": pages.hosts,
        "/hosts/{name:path}": pages.host,
        "/static/status.css": pages.style,
        "/metrics": pages.metrics,
        "/metrics/agent": pages.metrics_agent,
        "/sd": pages.sd,
        "/config": pages.config,
        "/api/hosts": pages.api_hosts,
        "/api/hosts/{name:path}": pages.api_host,
        "/-/healthy": pages.healthy,
        "/-/ready": pages.ready,
        "POST /-/reload": pages.reload,
    }


class _Pages:
    def __init__(self, services: Services) -> None:
        self._of = services
        self._style = (files("netmon") / "data" / "status.css").read_bytes()

    def _row(self, name: str) -> status.HostRow | None:
        source = self._of.source
        host = source.hosts().get(name)
        return (
            None if host is None else status.row_of(host, source.verdicts().get(name), source.checks_of(name))
        )

    def _rows(self) -> list[status.HostRow]:
        rows = map(self._row, self._of.source.hosts())
        return [row for row in rows if row is not None]

    async def hosts(self, request: Request) -> Response:
        html = status.render_hosts(self._rows(), self._of.wall(), self._of.notices())
        return reply(request, _bytes(html), _HTML)

    async def host(self, request: Request) -> Response:
        row = self._row(request.path_params["name"])
        if row is None:
            return PlainTextResponse("no host of that name is configured\n", 404)
        return reply(request, _bytes(status.render_host(row, self._of.wall())), _HTML)

    async def style(self, request: Request) -> Response:
        return reply(request, self._style, "text/css; charset=utf-8")

    async def metrics(self, request: Request) -> Response:
        host = request.query_params.get("host")
        try:
            if host is None:
                await self._of.exposition.prepare()
            page = self._of.exposition.metrics(host)
        except UnknownHostError as error:
            return PlainTextResponse(f"{error}\n", 404)
        except PageTooLargeError as error:
            return PlainTextResponse(f"{error}\n", 503)
        return reply(request, page, CONTENT_TYPE)

    async def metrics_agent(self, request: Request) -> Response:
        return reply(request, self._of.own.text(), CONTENT_TYPE)

    async def sd(self, request: Request) -> Response:
        # https://prometheus.io/docs/prometheus/latest/http_sd/
        address = request.headers.get("host", "")
        if _HOST_HEADER.fullmatch(address) is None:
            address = self._of.listen
        groups = [
            {
                "targets": [address],
                # No label `host`: the series have it, and Prometheus would rename theirs.
                "labels": {name: value for name, value in host.labels.items() if name != "host"}
                | {"__metrics_path__": "/metrics", "__param_host": host.name, "instance": host.name},
            }
            for host in self._of.source.hosts().values()
        ]
        return reply(request, _json(groups), _JSON)

    async def config(self, request: Request) -> Response:
        return reply(request, _bytes(self._of.config()), "text/plain; charset=utf-8")

    async def api_hosts(self, request: Request) -> Response:
        return reply(request, _json([status.to_json(row) for row in self._rows()]), _JSON)

    async def api_host(self, request: Request) -> Response:
        row = self._row(request.path_params["name"])
        if row is None:
            return reply(request, _json({"error": "no host of that name is configured"}), _JSON, 404)
        return reply(request, _json(status.to_json(row)), _JSON)

    async def healthy(self, _request: Request) -> Response:
        return PlainTextResponse("netmon is healthy\n")

    async def ready(self, _request: Request) -> Response:
        if self._of.ready():
            return PlainTextResponse("netmon is ready\n")
        return PlainTextResponse("not every check has run yet\n", 503)

    async def reload(self, _request: Request) -> Response:
        mistakes = await self._of.reload()
        if mistakes:
            return PlainTextResponse("\n".join(mistakes) + "\n", 500)
        return PlainTextResponse("the config was read again\n")


def _bytes(text: str) -> bytes:
    """UTF-8; a lone surrogate from the network becomes a question mark."""
    return text.encode("utf-8", "replace")


def _json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
