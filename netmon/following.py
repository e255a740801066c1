"""The domains as the agent has them: followed through DNS, judged, and told of when their mail moves."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import structlog

from netmon.config import Config
from netmon.domain_watch import DomainWatch
from netmon.domains import Domains
from netmon.mail.mx.questions import Questions
from netmon.model import Lookup, Route
from netmon.resolver import Resolver
from netmon.store import Store

log = structlog.get_logger(__name__)

_SETTLE: Final = 0.5  # seconds from a change of DNS to the new plan, in which others join it
_PLAN_SHARE: Final = 4.0  # the pause after a plan for DNS's sake, as a multiple of the time that it took


class Following:
    """All domains.  For the event loop's thread."""

    def __init__(
        self,
        store: Store,
        resolver: Callable[[], Resolver],
        *,
        clock: Callable[[], float],
        wall: Callable[[], float],
        isolated: Callable[[], bool],
    ) -> None:
        """`isolated` tells whether the agent itself is cut off."""
        self._routed = asyncio.Event()  # mail goes elsewhere
        self._questions = Questions(resolver, clock=clock)
        self._domains = Domains(
            self._questions.ask,
            self._routed.set,
            looked=self._looked,
            wall=wall,
            note=store.note,
            noted=store.noted,
        )
        self.watch = DomainWatch(store, self._domains.lookups, clock=clock, wall=wall, isolated=isolated)
        store.listen(self.watch.saw)

    @property
    def routes(self) -> tuple[Route, ...]:
        """Where mail goes, as last known."""
        return self._domains.routes

    @property
    def settled(self) -> bool:
        """Whether every domain has been looked up once and the plan has what was found."""
        return self._domains.looked and not self._routed.is_set()

    def lookups(self) -> Mapping[str, Lookup]:
        """What DNS says, by domain, in the config's order."""
        return self._domains.lookups()

    def configure(self, config: Config) -> None:
        """Follow the domains of a config, by what is known of them; `start` asks anew."""
        before = self._domains.routes
        self._domains.configure(config.domains, (entry.host for entry in config.hosts))
        self.watch.planned()
        if self._domains.routes != before:
            self._routed.set()

    def start(self) -> None:
        """Look up every domain now, and go on; again after `configure`."""
        self._domains.start()

    def forget(self) -> None:
        """Believe no answer that another resolver gave."""
        self._questions.forget()

    async def replan(self, plan: Callable[[], Awaitable[None]]) -> None:
        """Have the plan made anew whenever the mail of some domain goes elsewhere; ends never."""
        while True:
            await self._routed.wait()
            await asyncio.sleep(_SETTLE)
            self._routed.clear()
            begun = time.monotonic()
            try:
                await plan()
            except Exception:  # a defect here must not end the following of domains
                log.exception("the plan could not be made anew")
            # Where a plan takes a second, a thousand domains that answer one by one share a few.
            await asyncio.sleep(_PLAN_SHARE * (time.monotonic() - begun))

    def _looked(self, domain: str) -> None:
        self.watch.look(domain)

    async def close(self) -> None:
        """Look no more."""
        await self._domains.close()
        await self._questions.close()
