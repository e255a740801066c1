"""One look at a domain's policies, against zones that are written to harm whoever looks."""

import dataclasses

import pytest

from netmon.mail.policy.https import FetchError
from netmon.model import CheckKey
from netmon.probes.policy_look import Look
from netmon.probes.policy_settings import PolicySettings
from tests.servers.mail_checks import make_check, make_context
from tests.unit.mail.policy.making import Zone

DOMAIN = "example.org"


async def found(zone: Zone) -> Look:
    """What the look has after the question for servers; only public addresses may be contacted."""
    settings = PolicySettings(domain=DOMAIN, dane=False, allow=())
    check = dataclasses.replace(make_check(25), key=CheckKey(DOMAIN, "policy", DOMAIN), settings=settings)
    look = Look(check, make_context(), 1e9, 0.0)
    look.questions = zone  # type: ignore[assignment]
    await look._find_servers()
    return look


async def test_names_that_no_host_can_have() -> None:
    """They are told, escaped, and nobody asks for them."""
    strange = r"a\032b.\000.test"
    zone = Zone(exchanges={DOMAIN: [strange, "mx1.test"]}, addresses={"mx1.test": ["192.0.2.1"]})
    look = await found(zone)
    assert [server.name for server in look._servers] == ["mx1.test"]
    assert strange not in zone.asked


async def test_addresses_without_end() -> None:
    """Addresses that are not public are not contacted, and what is told of them is bounded."""
    names = [f"mx{number}.test" for number in range(10)]
    private = [f"10.0.0.{number}" for number in range(64)]
    zone = Zone(exchanges={DOMAIN: names}, addresses=dict.fromkeys(names, private))
    look = await found(zone)
    assert not any(server.addresses for server in look._servers)
    assert 0 < len(list(look.trail())) <= 200


async def test_a_policy_host_within() -> None:
    """The zone cannot send netmon's GET to this machine, its network or its cloud's metadata."""
    inside = ["127.0.0.1", "10.0.0.1", "169.254.169.254", "::1", "::ffff:10.0.0.1", "64:ff9b::7f00:1"]
    host = f"mta-sts.{DOMAIN}"
    look = await found(Zone(exchanges={DOMAIN: ["mx1.test"]}, addresses={host: inside}))
    with pytest.raises(FetchError, match="no public address"):
        await look._fetch(host)
    assert sum("not public" in line for line in look.trail()) == len(inside)
