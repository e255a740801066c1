"""`/api/events` and its stream, over a real socket."""

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from netmon import event_pages
from netmon.event_pages import EventPages
from netmon.events import Found, Reader, Writer
from tests.unit.events.making import DAY, Wall, row
from tests.unit.web.serving import serving


@asynccontextmanager
async def pages(folder: Path) -> AsyncIterator[tuple[httpx.AsyncClient, Writer, EventPages]]:
    """The two paths over a store with three events."""
    pen = Writer(folder, retention=DAY, max_size=10**9, wall=Wall())
    pen.commit([row("sw1"), row("sw2", severity="critical"), row("sw1", "IF-MIB::linkUp", severity="info")])
    made = EventPages(lambda: Reader(folder))
    try:
        async with serving(made.routes()) as (_, client):
            yield client, pen, made
            made.close()
    finally:
        pen.close()


async def test_events_as_json(tmp_path: Path) -> None:
    """The newest first, bounded, by what is asked for; `since` goes forward."""
    async with pages(tmp_path) as (client, _, _made):

        async def ids(query: str) -> list[int]:
            answer = await client.get(f"/api/events{query}")
            assert answer.status_code == 200, answer.text
            return [event["id"] for event in answer.json()]

        assert await ids("") == [3, 2, 1]
        assert await ids("?host=sw1") == [3, 1]
        assert await ids("?severity=critical,info") == [3, 2]
        assert await ids("?trap=linkUp&source=192.0.2.1") == [3]
        assert await ids("?limit=1") == [3]
        assert await ids("?before=3&limit=1") == [2]
        assert await ids("?since=1") == [2, 3]
        assert (await client.get("/api/events?limit=1")).json()[0]["values"][0]["value"] == "3"


async def test_many_events_are_one_array(tmp_path: Path) -> None:
    """Also where they are more than one piece of it, or none."""
    async with pages(tmp_path) as (client, pen, _):
        pen.commit([row("sw3") for _ in range(50)])
        assert [event["id"] for event in (await client.get("/api/events")).json()] == [*range(53, 0, -1)]
        assert (await client.get("/api/events?host=nobody")).json() == []


async def test_an_answer_that_is_not_all_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a header, as the array is of events alone."""
    async with pages(tmp_path) as (client, _, _made):
        assert "netmon-incomplete" not in (await client.get("/api/events")).headers
        monkeypatch.setattr("netmon.events.reader.PATIENCE", -1.0)
        answer = await client.get("/api/events")
        assert (answer.json(), answer.headers["netmon-incomplete"]) == ([], "true")


async def test_slow_questions_leave_threads_for_others(tmp_path: Path) -> None:
    """However many ask at once, two of them are at work: names and reloads need threads as well."""
    running: list[int] = []
    most = 0

    class Slow(Reader):
        def latest(self, *_words: object, **_more: object) -> Found:  # type: ignore[override]
            nonlocal most
            running.append(1)
            most = max(most, len(running))
            time.sleep(0.02)  # in a thread
            running.pop()
            return Found()

    async with serving(EventPages(lambda: Slow(tmp_path)).routes()) as (_, client):
        answers = await asyncio.gather(*[client.get("/api/events") for _ in range(12)])
    assert {answer.status_code for answer in answers} == {200}
    assert most == 2


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("?hots=sw1", 'did you mean "host"'),
        ("?limit=many", "limit"),
        ("?since=-1", "since"),
        ("?before=99999999999999999999", "before"),
        ("?severity=crit", 'did you mean "critical"'),
        ("?host=a&host=b", "twice"),
        ("?host=" + "a" * 300, "longer"),
    ],
)
async def test_bad_questions(tmp_path: Path, query: str, sentence: str) -> None:
    """400, and a sentence that says how to mend it."""
    async with pages(tmp_path) as (client, _, _made):
        for path in ("/api/events", "/api/events/stream"):
            answer = await client.get(path + query)
            assert answer.status_code == 400
            assert sentence in answer.text


async def test_without_a_receiver() -> None:
    """404 says what is missing in the config."""
    async with serving(EventPages(lambda: None).routes()) as (_, client):
        for path in ("/api/events", "/api/events/stream"):
            answer = await client.get(path)
            assert answer.status_code == 404
            assert "no section traps" in answer.text


async def messages(
    client: httpx.AsyncClient, path: str, count: int, headers: dict[str, str]
) -> list[dict[str, str]]:
    """So many messages of a stream."""
    found: list[dict[str, str]] = []
    async with client.stream("GET", path, headers=headers, timeout=10) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        message: dict[str, str] = {}
        async for text in answer.aiter_lines():
            if text:
                name, _, value = text.partition(": ")
                message[name] = value
            elif "data" in message:
                found.append(message)
                message = {}
                if len(found) == count:
                    return found
            else:
                message = {}
    return found


async def test_a_stream_begins_with_now_and_goes_on(tmp_path: Path) -> None:
    """What is committed after the beginning comes at once, in order, and nothing from before."""
    async with pages(tmp_path) as (client, pen, made):
        following = asyncio.create_task(messages(client, "/api/events/stream", 2, {}))
        for _ in range(1000):
            if made._listeners:
                break
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.2)  # it has read the newest ID
        pen.commit([row("sw9"), row("sw8")])
        made.changed()
        found = await following
        assert [json.loads(one["data"])["host"] for one in found] == ["sw9", "sw8"]
        assert [one["id"] for one in found] == ["4", "5"]


async def test_a_stream_goes_on_where_it_was(tmp_path: Path) -> None:
    """A browser that comes back says what it saw last."""
    async with pages(tmp_path) as (client, _, _made):
        found = await messages(client, "/api/events/stream?host=sw1", 2, {"Last-Event-ID": "0"})
        assert [one["id"] for one in found] == ["1", "3"]


async def test_a_stream_that_cannot_follow_skips(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told how many it missed, and sees the newest."""
    monkeypatch.setattr(event_pages, "_BEHIND", 50)
    monkeypatch.setattr(event_pages, "_AT_ONCE", 10)
    async with pages(tmp_path) as (client, pen, _made):
        pen.commit([row()] * 100)
        found = await messages(client, "/api/events/stream?since=0", 2, {})
        assert (found[0]["event"], found[0]["data"]) == ("missed", "93")
        assert found[1]["id"] == "94"


async def test_listeners_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One more than may is told so, and one that leaves makes room."""
    monkeypatch.setattr(event_pages, "LISTENERS", 0)
    async with pages(tmp_path) as (client, _, _made):
        assert (await client.get("/api/events/stream")).status_code == 503
