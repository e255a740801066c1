"""Which command of the control socket does what: the counterpart of `routes`."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from netmon.control import Command
from netmon.errors import NetmonError
from netmon.model import Host
from netmon.silences import Silences, told
from netmon.windows import Names, is_pattern
from netmon.wording import did_you_mean, quote

_RELOAD_SECONDS: Final = 120.0  # ten thousand hosts take seconds, on a busy machine more


class CommandError(NetmonError):
    """A command that cannot be carried out; the sentence says why."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What the commands work on; agent.py fills it.

    `changed` is told that silences began or ended.  `reload` reads the config again and gives its
    mistakes.
    """

    silences: Silences
    hosts: Callable[[], Mapping[str, Host]]
    changed: Callable[[], None]
    reload: Callable[[], Awaitable[Sequence[str]]]
    clock: Callable[[], float]  # CLOCK_MONOTONIC
    wall: Callable[[], float]


def commands(desk: Desk) -> Mapping[str, Command]:
    """The map that `netmon.control.Server` serves."""
    at = _Commands(desk)
    return {
        "silence": Command(at.silence),
        "silences": Command(at.silences),
        "unsilence": Command(at.unsilence),
        "reload": Command(at.reload, _RELOAD_SECONDS),
    }


class _Commands:
    def __init__(self, desk: Desk) -> None:
        self._of = desk

    async def silence(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        _known(request, "host", "seconds", "why", "by")
        name = _text(request, "host")
        count = self._count(name)
        if not count and not is_pattern(name):
            raise CommandError(self._unknown(name))
        seconds: Any = request.get("seconds")
        now, wall = self._of.clock(), self._of.wall()
        silence = self._of.silences.add(
            name, seconds, _text(request, "why"), _text(request, "by"), now=now, wall=wall
        )
        self._of.changed()
        return {**told(silence), "hosts": count}

    async def silences(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        _known(request)
        return self._of.silences.to_json(self._of.clock(), self._of.wall())

    async def unsilence(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        _known(request, "host")
        name = _text(request, "host")
        now, wall = self._of.clock(), self._of.wall()
        ended = self._of.silences.end(name, now=now, wall=wall)
        if not ended:
            raise CommandError(self._nothing_to_end(name, now, wall))
        self._of.changed()
        return {"ended": [told(silence) for silence in ended]}

    async def reload(self, request: Mapping[str, Any]) -> Mapping[str, Any]:
        _known(request)
        return {"mistakes": list(await self._of.reload())}

    def _count(self, name: str) -> int:
        names = Names((name,))
        return sum(host in names for host in self._of.hosts())

    def _unknown(self, name: str) -> str:
        return f"{quote(name)} is no host of the running config{did_you_mean(name, self._of.hosts())}"

    def _nothing_to_end(self, name: str, now: float, wall: float) -> str:
        host = self._of.hosts().get(name)
        wider = self._of.silences.covering(host, now, wall) if host else ()
        if wider:
            return f'{name} is silenced by "{wider[0].pattern}"; end that one: {wider[0].id}'
        active = self._of.silences.active(now, wall)
        near = did_you_mean(name, (silence.pattern for silence in active))
        return f"no silence for {quote(name)} is active{near}"


def _known(request: Mapping[str, Any], *keys: str) -> None:
    if not request.keys() <= set(keys):
        raise CommandError(f"the command takes {', '.join(keys) or 'nothing'}, and the request says more")


def _text(request: Mapping[str, Any], key: str) -> str:
    value = request.get(key)
    if not isinstance(value, str):
        raise CommandError(f"{key} is missing, or it is not a text")
    return value
