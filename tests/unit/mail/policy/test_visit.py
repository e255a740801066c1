"""Visits for the sake of policies are as polite as checks."""

import asyncio
import time

from netmon.mail.manners import Manners
from netmon.mail.policy.visit import Visitor
from netmon.mail.slots import Slots
from netmon.mail.tls import TrustStores
from tests.servers import evil_smtp as evil


async def test_a_server_that_sends_one_visit_away_is_not_visited_by_the_others() -> None:
    """Visits of several domains to one MX wait for each other, and heed what the first was told."""
    loop = asyncio.get_running_loop()
    async with evil.serving(evil.greets(b"421 4.7.0 busy\r\n")) as server:
        visitor = Visitor(
            agent_name="probe.example.test",
            slots=Slots(),
            manners=Manners(),
            trust=TrustStores(),
            ca_file=None,
            port=server.port,
            patience=5.0,
            limit=loop.time() + 10.0,
            now=time.time(),
        )
        seen = await asyncio.gather(*(visitor.visit("mx.test", "127.0.0.1") for _ in range(3)))
        assert server.served == 1
    assert all("421" in one.fault for one in seen)
    assert sum("left alone" in one.fault for one in seen) == 2
