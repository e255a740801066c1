"""Which path answers with what: the public HTTP surface in one table."""

import json
import re
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.resources import files
from typing import Any, Final, Protocol

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from netmon import __version__, status
from netmon.explain import Entry
from netmon.explain.render import as_json, as_text, overview_as_text
from netmon.exposition import (
    CONTENT_TYPE,
    Exposition,
    PageTooLargeError,
    SelfMetrics,
    UnknownHostError,
    render,
)
from netmon.model import Table
from netmon.web import MISSING, EventStream, Handler, reply, while_there

_HOST_HEADER: Final = re.compile(r"[A-Za-z0-9._-]+(?::[0-9]{1,5})?|\[[0-9A-Fa-f:.]+\](?::[0-9]{1,5})?")
_JSON: Final = "application/json"
_HTML: Final = "text/html; charset=utf-8"
_STATIC: Final = {
    "status.css": "text/css; charset=utf-8",
    "status.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
}
_SCRAPE_TIMEOUT: Final = "x-prometheus-scrape-timeout-seconds"
_NUMBER: Final = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,9})?")
_OK: Final = 200
_DEBUG_LIMIT: Final = 8 << 20  # bytes of an exchange and its metrics, for people
_AT_ONCE: Final = 50  # hosts in one piece of a long answer


class OnDemand(Protocol):
    """What an on-demand read gave: tables, or a sentence with the HTTP status that goes with it.

    `transcript` is the exchange in words, if the query asked for it.
    """

    @property
    def status(self) -> int:
        """200, or why there are no tables."""

    @property
    def sentence(self) -> str:
        """What to tell when `status` is not 200."""

    @property
    def tables(self) -> Sequence[Table]:
        """The device's series and those about the read."""

    @property
    def transcript(self) -> str | None:
        """For people."""

    @property
    def pages(self) -> dict[str, bytes]:
        """The page that was made of it, under the empty name."""


Query = Sequence[tuple[str, str]]  # parameters as they came, in their order


@dataclass(frozen=True, slots=True)
class Services:
    """What the pages are made of; agent.py fills it.

    `reload` reads the config again and gives its mistakes, none if it was taken.  `notices` are
    what a person who looks at the status page should know first.
    """

    source: status.Source
    live: status.Live
    exposition: Exposition
    own: SelfMetrics
    config: Callable[[], str]  # without secrets
    reload: Callable[[], Awaitable[Sequence[str]]]
    ready: Callable[[], bool]
    notices: Callable[[], Sequence[str]]
    wall: Callable[[], float]
    loaded: Callable[[], float]  # when the config was taken, wall clock
    listen: str  # web.listen, for a client that sends no usable Host header
    silences: Callable[[], Mapping[str, Any]]  # active silences and open windows
    # A query of /snmp and the seconds that its client waits, None if it does not say.
    snmp: Callable[[Query, float | None], Coroutine[Any, Any, OnDemand]]
    probe: Callable[[Query, float | None], Coroutine[Any, Any, OnDemand]]  # the same of /probe
    domains: Callable[[], Sequence[status.DomainRow]] = tuple
    traps: status.Traps = field(default_factory=status.NoTraps)
    explained: Callable[[], Sequence[Entry]] = tuple  # what /explain explains
    history: status.Past = status.NO_PAST
    more: Mapping[str, Handler] = field(default_factory=dict)  # handlers of paths that have their own module


def routes(services: Services) -> Mapping[str, Handler]:
    """The map that `netmon.web.Server` serves."""
    pages = _Pages(services)
    return {
        "/": pages.hosts,
        "/hosts/{name:path}": pages.host,
        "/live": pages.live,
        "/static/{name}": pages.static,
        "/metrics": pages.metrics,
        "/metrics/agent": pages.metrics_agent,
        "/sd": pages.sd,
        "/snmp": pages.snmp,
        "/probe": pages.probe,
        "/config": pages.config,
        "/explain": pages.explain,
        "/explain/{name:path}": pages.explain_name,
        "/api/hosts": pages.api_hosts,
        "/api/hosts/{name:path}": pages.api_host,
        "/api/domains": pages.api_domains,
        "/api/domains/{name:path}": pages.api_domain,
        "/api/news": pages.api_news,
        "/api/silences": pages.api_silences,
        "/-/healthy": pages.healthy,
        "/-/ready": pages.ready,
        "POST /-/reload": pages.reload,
        MISSING: pages.missing,
        **services.more,
    }


class _Pages:
    def __init__(self, services: Services) -> None:
        self._of = services
        folder = files("netmon") / "data"
        self._static = {name: (folder / name).read_bytes() for name in _STATIC}

    async def hosts(self, request: Request) -> Response:
        return self._page(request, self._overview(status.View.of(request.query_params)))

    async def host(self, request: Request) -> Response:
        page = self._host(request.path_params["name"])
        return await self.missing(request) if page is None else self._page(request, page)

    async def live(self, request: Request) -> Response:
        query = request.query_params
        if request.method == "HEAD":
            return Response(media_type="text/event-stream")
        name, view = query.get("host"), status.View.of(query)

        def render() -> status.Page | None:
            return self._overview(view) if name is None else self._host(name)

        address = view.query() if name is None else f"host {name}"
        # The header is what a browser sends that comes back.
        seen = request.headers.get("last-event-id", query.get("seen", ""))
        try:
            return EventStream(self._of.live.listen(address, render, seen))
        except status.GoneError as error:
            return PlainTextResponse(f"{error}\n", 404)
        except status.TooManyError as error:
            return PlainTextResponse(f"{error}\n", 503)

    async def static(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name not in _STATIC:
            return await self.missing(request)
        return reply(request, self._static[name], _STATIC[name])

    async def missing(self, request: Request) -> Response:
        if "text/html" not in request.headers.get("accept", ""):
            return PlainTextResponse("there is nothing at this address\n", 404)
        path = request.url.path
        what = f"No host or page is at {path}."
        return self._page(request, status.missing(what), 404)

    async def explain(self, request: Request) -> Response:
        known = self._of.explained()
        return self._explained(
            request,
            lambda: status.explain_list(known),
            lambda: as_json(known),
            lambda: overview_as_text(known, "/explain/ifHCInOctets"),
        )

    async def explain_name(self, request: Request) -> Response:
        name = request.path_params["name"]
        known = self._of.explained()
        found = [entry for entry in known if entry.name == name]
        if not found:
            return await self.missing(request)
        return self._explained(
            request,
            lambda: status.explain_page(found, known),
            lambda: as_json(found),
            lambda: "\n\n".join(map(as_text, found)),
        )

    def _explained(
        self,
        request: Request,
        page: Callable[[], status.Page],
        records: Callable[[], Any],
        plain: Callable[[], str],
    ) -> Response:
        """In the form that the client asks for: a browser's page, JSON, else plain text."""
        accept = request.headers.get("accept", "")
        if "text/html" in accept:
            answer = self._page(request, page())
        elif _JSON in accept:
            answer = reply(request, _json(records()), _JSON)
        else:
            answer = reply(request, _bytes(plain() + "\n"), "text/plain; charset=utf-8")
        answer.headers["vary"] = "accept, accept-encoding"
        return answer

    def _overview(self, view: status.View) -> status.Page:
        of = self._of
        return status.overview(of.source, view, of.notices(), of.domains(), of.traps, of.history)

    def _host(self, name: str) -> status.Page | None:
        of = self._of
        host = of.source.hosts().get(name)
        return None if host is None else status.host_page(of.source, host, of.notices(), of.traps, of.history)

    def _page(self, request: Request, page: status.Page, code: int = 200) -> Response:
        frame = status.Frame(__version__, self._of.loaded())
        return reply(request, _bytes(status.render(page, frame, self._of.wall())), _HTML, code)

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

    async def snmp(self, request: Request) -> Response:
        return await self._on_demand(request, self._of.snmp)

    async def probe(self, request: Request) -> Response:
        return await self._on_demand(request, self._of.probe)

    async def _on_demand(
        self, request: Request, ask: Callable[[Query, float | None], Coroutine[Any, Any, OnDemand]]
    ) -> Response:
        seconds = _seconds(request.headers.get(_SCRAPE_TIMEOUT, ""))
        answer = await while_there(request, ask(request.query_params.multi_items(), seconds))
        if answer is None:  # nobody reads this
            return PlainTextResponse("the client left\n", 503)
        # Made once for all who wait for the same read: many of them could hold up everything else.
        page = answer.pages.get("")
        if page is None:
            page = answer.pages[""] = _on_demand_page(answer)
        if answer.transcript is not None:
            return reply(request, page, "text/plain; charset=utf-8", answer.status)
        if answer.status != _OK:
            return PlainTextResponse(page, answer.status)
        return reply(request, page, CONTENT_TYPE)

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
        return reply(request, self._all_hosts(), _JSON)

    async def api_host(self, request: Request) -> Response:
        source = self._of.source
        host = source.hosts().get(request.path_params["name"])
        if host is None:
            return reply(request, _json({"error": "no host of that name is configured"}), _JSON, 404)
        shown = status.more_to_json(status.row_of(source, host), status.more_of(source, host))
        return reply(request, _json(shown), _JSON)

    async def api_domains(self, request: Request) -> Response:
        return reply(request, _json([asdict(row) for row in self._of.domains()]), _JSON)

    async def api_domain(self, request: Request) -> Response:
        name = request.path_params["name"].rstrip(".").lower()
        for row in self._of.domains():
            if row.domain == name:
                return reply(request, _json(asdict(row)), _JSON)
        return reply(request, _json({"error": "no domain of that name is configured"}), _JSON, 404)

    async def api_news(self, request: Request) -> Response:
        return reply(request, _json([asdict(news) for news in self._of.source.news()]), _JSON)

    async def api_silences(self, request: Request) -> Response:
        return reply(request, _json(self._of.silences()), _JSON)

    def _all_hosts(self) -> Iterator[bytes]:
        """In pieces, between which the event loop has its turn."""
        source, separator = self._of.source, b"["
        hosts = list(source.hosts().values())
        for begin in range(0, len(hosts), _AT_ONCE):
            rows = (
                _json(status.to_json(status.row_of(source, host))) for host in hosts[begin : begin + _AT_ONCE]
            )
            yield separator + b",".join(rows)
            separator = b","
        yield b"]" if separator == b"," else b"[]"

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


def _seconds(text: str) -> float | None:
    """The header in which Prometheus says how long it waits; None if it says nothing that makes sense."""
    return float(text) if _NUMBER.fullmatch(text) and float(text) > 0 else None


def _on_demand_page(answer: OnDemand) -> bytes:
    if answer.transcript is not None:
        said = _bytes(f"{answer.transcript}\n{answer.sentence or 'Metrics:'}\n")
        return (said + render(answer.tables))[:_DEBUG_LIMIT]
    return render(answer.tables) if answer.status == _OK else _bytes(answer.sentence + "\n")


def _bytes(text: str) -> bytes:
    """UTF-8; a lone surrogate from the network becomes a question mark."""
    return text.encode("utf-8", "replace")


def _json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
