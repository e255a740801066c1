"""Whose address is whose, with DNS that changes, in virtual time."""

import asyncio
from collections.abc import Sequence

from netmon.addresses import LOOK, Addresses
from netmon.errors import Reason
from netmon.model import Host, Route
from netmon.resolver import ResolveError
from tests.virtual import run_virtual

HOSTS = (
    Host("sw1", "192.0.2.1", ("2001:db8::1", "::ffff:192.0.2.9")),
    Host("mx1", "mx1.example.net"),
    Host("twin", "192.0.2.1", ("192.0.2.2",)),
)


class Dns:
    """Answers by name; a name without one is silent."""

    def __init__(self, **answers: tuple[str, ...]) -> None:
        self.answers = answers

    async def addresses(self, name: str) -> Sequence[str]:
        """One answer."""
        if name.partition(".")[0] not in self.answers:
            raise ResolveError(Reason.RESOLVE_FAILED, "silence")
        return self.answers[name.partition(".")[0]]


def test_the_config_comes_before_dns_and_the_first_host_before_the_second() -> None:
    """Numeric addresses at once, names when DNS has answered, servers of domains last."""
    changes: list[int] = []

    async def scene() -> None:
        dns = Dns(mx1=("192.0.2.1", "192.0.2.25"))
        addresses = Addresses(dns.addresses, lambda: changes.append(1))
        routes = [Route("example.net", "mx.out.example", "192.0.2.25"), Route("b", "mx2", "192.0.2.26")]
        fixed = {
            "192.0.2.1": "sw1",
            "2001:db8::1": "sw1",
            "192.0.2.9": "sw1",  # IPv4 within IPv6 is IPv4
            "192.0.2.2": "twin",
        }
        known = addresses.configure(HOSTS, routes)
        assert known == fixed | {"192.0.2.25": "mx.out.example", "192.0.2.26": "mx2"}
        running = asyncio.create_task(addresses.run())
        await asyncio.sleep(1)
        assert addresses.known() == fixed | {"192.0.2.25": "mx1", "192.0.2.26": "mx2"}
        running.cancel()

    run_virtual(scene())
    assert changes == [1]


def test_dns_is_followed_and_its_silence_forgets_nothing() -> None:
    """A new answer is taken within a minute; silence leaves the last one; a change alone is told."""
    changes: list[float] = []

    async def scene() -> None:
        loop = asyncio.get_running_loop()
        dns = Dns(mx1=("192.0.2.25",))
        addresses = Addresses(dns.addresses, lambda: changes.append(loop.time() - begun))
        begun = loop.time()
        addresses.configure(HOSTS[1:2], [])
        running = asyncio.create_task(addresses.run())
        await asyncio.sleep(LOOK + 1)
        dns.answers = {}
        await asyncio.sleep(10 * LOOK)
        assert addresses.known() == {"192.0.2.25": "mx1"}
        dns.answers = {"mx1": ("2001:db8::25",)}
        await asyncio.sleep(LOOK)
        assert addresses.known() == {"2001:db8::25": "mx1"}
        addresses.configure(HOSTS[:1], [])
        assert "2001:db8::25" not in addresses.known()
        running.cancel()

    run_virtual(scene())
    assert [round(at / LOOK) for at in changes] == [0, 12]
