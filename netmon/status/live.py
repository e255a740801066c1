"""Live pages: what differs is sent to those who look, as server-sent events.

Whoever looks at the same thing shares a channel: it is rendered once per change however many listen,
and not at all while nobody does.  Listeners are bounded in number, and one that does not read what it
is sent is dropped: its browser comes back and gets what it missed in one piece.

https://html.spec.whatwg.org/multipage/server-sent-events.html
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from typing import Final

import structlog

from netmon.errors import NetmonError
from netmon.status.page import Page, Slots, difference

log = structlog.get_logger(__name__)

MOST: Final = 64  # listeners
BEHIND: Final = 16  # messages that a listener may be behind
PACE: Final = 0.25  # seconds from a change to its sending, in which others join it
_SHARE: Final = 4.0  # the pause after a round, as a multiple of the time that rendering took
_LONGEST: Final = 1.0  # seconds of such a pause: a change is on the page within two
BEAT: Final = 15.0  # seconds of silence after which a comment is sent, so that a dead peer is noticed
RETRY: Final = 2000  # milliseconds until a browser comes back

Render = Callable[[], Page | None]


class TooManyError(NetmonError):
    """As many listen already as may."""


class GoneError(NetmonError):
    """There is no such page."""


class _Listener:
    def __init__(self) -> None:
        self.queue: asyncio.Queue[bytes | None] = asyncio.Queue()
        self.ended = False

    def end(self) -> None:
        self.ended = True
        self.queue.put_nowait(None)


class _Channel:
    """What one address shows, and who looks at it."""

    def __init__(self, render: Render) -> None:
        self.render = render
        self.slots: Slots = {}  # as last sent
        self.digest = ""
        self.listeners: set[_Listener] = set()

    def refresh(self) -> bool:
        """Render anew and send what differs; False, and the listeners' end, if the page is no more."""
        page = self.render()
        if page is None:
            for listener in self.listeners:
                listener.end()
            self.listeners.clear()
            return False
        changes = difference(self.slots, page.slots)
        if not changes:
            return True
        self.slots, self.digest = page.slots, page.digest()
        message = _event(self.digest, changes)
        for listener in list(self.listeners):
            if listener.queue.qsize() >= BEHIND:
                self.listeners.discard(listener)
                listener.end()
            else:
                listener.queue.put_nowait(message)
        return True


class Live:
    """All channels.  For the event loop's thread; `close` ends every listener."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._channels: dict[str, _Channel] = {}
        self._dirty = asyncio.Event()
        self._rounds: asyncio.Task[None] | None = None
        self._closed = False

    @property
    def listening(self) -> int:
        """How many listen."""
        return sum(len(channel.listeners) for channel in self._channels.values())

    def changed(self, _host: str) -> None:
        """Something is new: those who look are told soon."""
        if self._channels:
            self._dirty.set()

    def listen(self, address: str, render: Render, seen: str) -> AsyncIterator[bytes]:
        """Events of the page at `address`, from the one with the digest `seen` on; iterate them at once.

        `render` makes the page; None means that it is no more.  Raises TooManyError, GoneError.
        """
        if self._closed or self.listening >= self._most:
            raise TooManyError(f"{self._most} pages are followed already")
        channel = self._channels.get(address) or _Channel(render)
        if not channel.refresh():
            raise GoneError("there is no such page")
        self._channels[address] = channel
        if self._rounds is None:
            self._rounds = asyncio.create_task(self._go_round())
        listener = _Listener()
        listener.queue.put_nowait(f"retry: {RETRY}\n\n".encode())
        if seen != channel.digest:
            listener.queue.put_nowait(_event(channel.digest, difference(None, channel.slots)))
        channel.listeners.add(listener)
        return self._follow(address, channel, listener)

    async def close(self) -> None:
        """End all listeners; nobody may listen any more."""
        self._closed = True
        for channel in self._channels.values():
            for listener in channel.listeners:
                listener.end()
        if self._rounds is not None:
            self._rounds.cancel()

    async def _follow(self, address: str, channel: _Channel, listener: _Listener) -> AsyncIterator[bytes]:
        try:
            while not listener.ended:
                try:
                    message = await asyncio.wait_for(listener.queue.get(), BEAT)
                except TimeoutError:
                    message = b":\n\n"
                if message is not None:
                    yield message
        finally:
            channel.listeners.discard(listener)
            if not channel.listeners and self._channels.get(address) is channel:
                del self._channels[address]

    async def _go_round(self) -> None:
        while True:
            await self._dirty.wait()
            await asyncio.sleep(PACE)
            self._dirty.clear()
            took = 0.0
            for channel in list(self._channels.values()):
                begun = time.perf_counter()
                try:
                    channel.refresh()
                except Exception:
                    log.exception("a live page could not be rendered")
                took += time.perf_counter() - begun
                await asyncio.sleep(0)
            # A page that is costly to render is rendered less often, so that checks are not late.
            await asyncio.sleep(min(_LONGEST, _SHARE * took))


def _event(digest: str, data: str) -> bytes:
    """JSON has no line breaks: one `data` line."""
    return f"id: {digest}\ndata: {data or '{}'}\n\n".encode("utf-8", "replace")
