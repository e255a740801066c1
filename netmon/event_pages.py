"""`/api/events` and `/api/events/stream`: accepted traps and informs as JSON, and live.

The events are read from disk, in threads, by whoever asks: the receiver is a process of its own and does
not wait for anybody's page.  A stream that cannot follow a storm is told how many events it missed and
goes on with the newest, so that one slow reader costs nobody anything.
"""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from typing import Final, ParamSpec, TypeVar

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from netmon.errors import NetmonError
from netmon.events import Reader, Wanted, to_json
from netmon.model import Event, EventSeverity
from netmon.web import EventStream, Handler, reply
from netmon.wording import did_you_mean, quote

LIMIT: Final = 100  # events of an answer that does not ask for another number
MOST: Final = 1000
LISTENERS: Final = 32
INCOMPLETE: Final = "netmon-incomplete"  # a header: time ran out before all events were looked at
_AT_WORK: Final = 2  # questions at once: one may take seconds, and the threads are the whole agent's
_BEHIND: Final = 5000  # events that a stream may be behind
_AT_ONCE: Final = 200  # events of one look
_PIECE: Final = 20  # events that are made JSON in one go
_PACE: Final = 0.25  # seconds between two looks
_BEAT: Final = 15.0  # seconds of silence after which a comment is sent, so that a dead peer is noticed
_RETRY: Final = 2000  # milliseconds until a browser comes back
_JSON: Final = "application/json"
P = ParamSpec("P")
T = TypeVar("T")
_NUMBER: Final = re.compile(r"[0-9]{1,15}")
_LONGEST: Final = 256  # characters of a parameter
_WORDS: Final = ("host", "trap", "source", "severity", "limit", "before", "since")
_NUMBERS: Final = frozenset({"limit", "before", "since"})
_NONE: Final = "this agent receives no traps: its config has no section traps\n"


class QueryError(NetmonError):
    """A parameter that is not what it should be; the sentence says which."""


class EventPages:
    """The handlers.  `reader` gives None where no receiver is configured."""

    def __init__(self, reader: Callable[[], Reader | None]) -> None:
        self._reader = reader
        self._listeners = 0
        self._asking = asyncio.Semaphore(_AT_WORK)
        self._news = asyncio.Event()
        self._closed = False

    def routes(self) -> Mapping[str, Handler]:
        """For `netmon.web.Server`."""
        return {"/api/events": self.events, "/api/events/stream": self.stream}

    def changed(self) -> None:
        """Events were committed."""
        news, self._news = self._news, asyncio.Event()
        news.set()

    def close(self) -> None:
        """End all streams."""
        self._closed = True
        self.changed()

    async def events(self, request: Request) -> Response:
        """The newest first; with `since`, those behind an ID, oldest first."""
        reader = self._reader()
        if reader is None:
            return PlainTextResponse(_NONE, 404)
        try:
            query = _query(request)
            wanted = _wanted(query)
            limit = min(_number(query, "limit") or LIMIT, MOST)
            before, since = _number(query, "before"), _number(query, "since")
        except QueryError as error:
            return PlainTextResponse(f"{error}\n", 400)
        if since is not None:
            found = await self._ask(reader.since, since, wanted, limit=limit)
        else:
            found = await self._ask(reader.latest, wanted, limit=limit, before=before)
        answer = reply(request, _array(found), _JSON)
        if not found.complete:
            answer.headers[INCOMPLETE] = "true"
        return answer

    async def stream(self, request: Request) -> Response:
        """Server-sent events: each event's ID and JSON, from now on or from the one last seen on."""
        reader = self._reader()
        if reader is None:
            return PlainTextResponse(_NONE, 404)
        try:
            query = _query(request)
            wanted, since = _wanted(query), _number(query, "since")
        except QueryError as error:
            return PlainTextResponse(f"{error}\n", 400)
        seen = request.headers.get("last-event-id", "")
        if _NUMBER.fullmatch(seen):
            since = int(seen)
        if request.method == "HEAD":
            return Response(media_type="text/event-stream")
        if self._closed or self._listeners >= LISTENERS:
            return PlainTextResponse(f"{LISTENERS} streams are followed already\n", 503)
        return EventStream(self._follow(reader, wanted, since))

    async def _ask(self, question: Callable[P, T], *words: P.args, **more: P.kwargs) -> T:
        """In a thread; whoever asks too much waits for himself."""
        async with self._asking:
            return await asyncio.to_thread(question, *words, **more)

    async def _follow(self, reader: Reader, wanted: Wanted, since: int | None) -> AsyncIterator[bytes]:
        self._listeners += 1
        try:
            newest = await self._ask(reader.last_id)
            at = newest if since is None else min(since, newest)
            yield f"retry: {_RETRY}\n\n".encode()
            while not self._closed:
                news = self._news
                newest = await self._ask(reader.last_id)
                if newest - at > _BEHIND:
                    missed, at = newest - at - _AT_ONCE, newest - _AT_ONCE
                    yield f"event: missed\nid: {at}\ndata: {missed}\n\n".encode()
                found = await self._ask(reader.since, at, wanted, limit=_AT_ONCE)
                if found:
                    at = found[-1].id
                    yield b"".join(map(_message, found))
                    await asyncio.sleep(_PACE)
                    continue
                at = max(at, newest)
                try:
                    async with asyncio.timeout(_BEAT):
                        await news.wait()
                    await asyncio.sleep(_PACE)
                except TimeoutError:
                    yield b":\n\n"
        finally:
            self._listeners -= 1


def _array(events: Sequence[Event]) -> Iterator[bytes]:
    """A JSON array in pieces: a thousand events may be 16 MB, which nobody else should wait for."""
    for at in range(0, len(events), _PIECE):
        texts = [json.dumps(to_json(event)) for event in events[at : at + _PIECE]]
        yield f"{', ' if at else '['}{', '.join(texts)}".encode()
    yield b"]" if events else b"[]"


def _message(event: Event) -> bytes:
    """JSON has no line breaks: one `data` line."""
    return f"id: {event.id}\ndata: {json.dumps(to_json(event))}\n\n".encode()


def _query(request: Request) -> dict[str, str]:
    query: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        if name not in _WORDS:
            raise QueryError(f"unknown parameter {quote(name)}{did_you_mean(name, _WORDS)}")
        if name in query:
            raise QueryError(f"{name} stands there twice")
        if len(value) > _LONGEST:
            raise QueryError(f"{name} is longer than {_LONGEST} characters")
        if name in _NUMBERS and not _NUMBER.fullmatch(value):
            raise QueryError(f"{name} {quote(value)} is not a number")
        query[name] = value
    return query


def _wanted(query: Mapping[str, str]) -> Wanted:
    severity = tuple(filter(None, query.get("severity", "").split(",")))
    known = [one.value for one in EventSeverity]
    for one in severity:
        if one not in known:
            raise QueryError(
                f"severity {quote(one)} is not one of {', '.join(known)}{did_you_mean(one, known)}"
            )
    return Wanted(query.get("host", ""), query.get("trap", ""), severity, query.get("source", ""))


def _number(query: Mapping[str, str], name: str) -> int | None:
    text = query.get(name)
    return None if text is None else int(text)
