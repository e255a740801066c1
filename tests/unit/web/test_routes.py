"""Every path of the public surface, over a real socket and a small world."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx
import pytest

from netmon import routes as module
from netmon.explain import entries
from netmon.exposition import Exposition, SelfMetrics, render
from netmon.model import Finding, Host, HostVerdict, News, Severity, Table, Verdict, VerdictName
from netmon.routes import Query, Services, routes
from netmon.scrape import Answer
from netmon.status import Live
from tests.unit.exposition.test_text import read
from tests.unit.exposition.world import OCTETS, World, host, ports, ran
from tests.unit.web.serving import serving


@dataclass
class Agent:
    """What the pages ask the agent for, to be set by a test."""

    mistakes: list[str] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    ready: bool = False
    reloads: int = 0
    scraped: Answer = field(default_factory=Answer)
    asked: list[tuple[list[tuple[str, str]], float | None]] = field(default_factory=list)

    async def snmp(self, query: Query, seconds: float | None) -> Answer:
        """Take down what was asked and give what the test wants."""
        self.asked.append(([*query], seconds))
        return self.scraped

    async def reload(self) -> Sequence[str]:
        """Count and give the mistakes."""
        self.reloads += 1
        return self.mistakes


@asynccontextmanager
async def site(*hosts: Host, limit: int = 10**6) -> AsyncIterator[tuple[httpx.AsyncClient, Agent, World]]:
    """The whole surface; each host has one good run of two interfaces."""
    world, agent, own = World(*hosts), Agent(), SelfMetrics("0.1.0", ["snmp"])
    live = Live()
    for one in hosts:
        world.add(ran(one, tables=(ports(1, 2),)))
    services = Services(
        source=world,
        live=live,
        exposition=Exposition(world, own.text, limit=limit),
        own=own,
        config=lambda: "auths: {lab: {community: <secret>}}\n",
        reload=agent.reload,
        ready=lambda: agent.ready,
        notices=lambda: agent.notices,
        wall=lambda: 1_700_000_060.0,
        loaded=lambda: 1_700_000_000.0,
        listen="127.0.0.1:9162",
        explained=lambda: tuple(entries(["snmp", "smtp"], [(OCTETS, "Of the module if_mib.")])),
        silences=lambda: {"silences": [], "windows": []},
        snmp=agent.snmp,
        probe=agent.snmp,
    )
    async with serving(routes(services)) as (_, client):
        yield client, agent, world
        await live.close()


async def test_metrics_has_all_hosts_and_the_agent() -> None:
    """`/metrics` is everything, in text format 0.0.4."""
    async with site(host("sw1"), host("sw2")) as (client, _, _):
        answer = await client.get("/metrics")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    series = read(answer.content)
    assert {dict(labels).get("host") for name, labels in series if name == "ifHCInOctets"} == {"sw1", "sw2"}
    assert ("netmon_build_info", frozenset({("version", "0.1.0")})) in series


async def test_metrics_of_one_host() -> None:
    """`?host=` gives that host's series only; an unknown or empty name is a 404 that says so."""
    async with site(host("sw1"), host("sw2")) as (client, _, _):
        series = read((await client.get("/metrics", params={"host": "sw2"})).content)
        unknown = await client.get("/metrics", params={"host": "nosuch"})
        empty = await client.get("/metrics?host=")
    assert {dict(labels)["host"] for _, labels in series} == {"sw2"}
    assert (unknown.status_code, unknown.text) == (404, "no host is named 'nosuch' in the config\n")
    assert empty.status_code == 404


async def test_metrics_over_the_limit() -> None:
    """A page that would be too large is a 503 that names /sd."""
    async with site(host("sw1"), limit=100) as (client, _, _):
        answer = await client.get("/metrics")
    assert answer.status_code == 503
    assert "/sd" in answer.text


async def test_metrics_of_the_agent() -> None:
    """`/metrics/agent` has the agent's own series and no host's."""
    async with site(host("sw1")) as (client, _, _):
        series = read((await client.get("/metrics/agent")).content)
    assert any(name == "netmon_check_skipped_total" for name, _ in series)
    assert not any("host" in dict(labels) for _, labels in series)


async def test_service_discovery() -> None:
    """`/sd` has one entry a host: this address, its page, its labels, `instance`, and never `host`."""
    labelled = host("sw1", labels={"site": "waw", "host": "other", "instance": "other"})
    async with site(labelled, host("sw 2")) as (client, _, _):
        answer = await client.get("/sd", headers={"host": "netmon.example.net:9162"})
        bad = await client.get("/sd", headers={"host": "a b/<c>"})
    assert answer.headers["content-type"] == "application/json"
    assert answer.json() == [
        {
            "targets": ["netmon.example.net:9162"],
            "labels": {
                "site": "waw",
                "__metrics_path__": "/metrics",
                "__param_host": "sw1",
                "instance": "sw1",
            },
        },
        {
            "targets": ["netmon.example.net:9162"],
            "labels": {"__metrics_path__": "/metrics", "__param_host": "sw 2", "instance": "sw 2"},
        },
    ]
    assert bad.json()[0]["targets"] == ["127.0.0.1:9162"]


async def test_health_and_readiness() -> None:
    """The agent is healthy as soon as it answers, and ready when it says so."""
    async with site() as (client, agent, _):
        assert (await client.get("/-/healthy")).status_code == 200
        assert (await client.get("/-/ready")).status_code == 503
        agent.ready = True
        assert (await client.get("/-/ready")).status_code == 200


async def test_reload() -> None:
    """A good config is 200, a bad one 500 with its mistakes; GET reloads nothing."""
    async with site() as (client, agent, _):
        assert (await client.post("/-/reload")).status_code == 200
        agent.mistakes = ["netmon.yml:1:1: a: mistake", "netmon.yml:2:1: b: mistake"]
        answer = await client.post("/-/reload")
        assert (answer.status_code, answer.text) == (500, "\n".join(agent.mistakes) + "\n")
        await client.get("/-/reload")
        await client.post("/-/reload", headers={"origin": "http://evil.example.com"})
    assert agent.reloads == 2


async def test_config_is_shown_as_text() -> None:
    """`/config` is what the agent gives it, as plain text."""
    async with site() as (client, _, _):
        answer = await client.get("/config")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert "<secret>" in answer.text


async def test_api() -> None:
    """`/api/hosts` lists the hosts in the config's order; one host by its name, or a 404."""
    async with site(host("sw2"), host("sw1")) as (client, _, _):
        hosts = (await client.get("/api/hosts")).json()
        one = (await client.get("/api/hosts/sw1")).json()
        missing = await client.get("/api/hosts/nosuch")
    assert [row["name"] for row in hosts] == ["sw2", "sw1"]
    assert one.items() >= {name: hosts[1][name] for name in hosts[1] if name not in ("snmp", "life")}.items()
    assert {"facts", "failures", "news"} == one.keys() - hosts[1].keys()
    assert one["verdict"] == "unknown"
    assert one["snmp"][0]["result"] == "ok"
    assert one["snmp"][0]["endpoint"] == "sw1:161"
    assert missing.status_code == 404
    assert missing.json()["error"]


async def test_pages() -> None:
    """The status page links every host's page; its style, script and icon are served."""
    odd = host("a/b c?d#e")
    async with site(host("sw1"), odd) as (client, agent, _):
        agent.notices = ["netmon.yml:1:1: a mistake"]
        page = await client.get("/")
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        assert "default-src 'self'" in page.headers["content-security-policy"]
        assert "unsafe" not in page.headers["content-security-policy"]
        assert 'href="/hosts/sw1"' in page.text
        assert "netmon.yml:1:1: a mistake" in page.text
        path = "/hosts/a%2Fb%20c%3Fd%23e"
        assert f'href="{path}"' in page.text
        assert "a/b c?d#e" in (await client.get(path)).text
        for name, kind in (
            ("status.css", "text/css"),
            ("status.js", "text/javascript"),
            ("icon.svg", "image/svg"),
        ):
            answer = await client.get(f"/static/{name}")
            assert answer.headers["content-type"].startswith(kind)
            assert "http" not in answer.text.replace('xmlns="http://www.w3.org/2000/svg"', "")


async def test_words_are_explained_to_people_and_programs() -> None:
    """A browser gets a page, a program that asks for it JSON, curl plain text: of one name or of all."""
    async with site() as (client, _, _):
        page = await client.get("/explain/mail_starved", headers={"accept": "text/html,*/*;q=0.8"})
        assert page.headers["content-type"] == "text/html; charset=utf-8"
        assert page.headers["vary"] == "accept, accept-encoding"
        assert "<h1>mail_starved</h1>" in page.text
        assert "Mend the cause" in page.text
        record = (await client.get("/explain/mail_starved", headers={"accept": "application/json"})).json()
        assert [(one["kind"], one["name"]) for one in record] == [("verdict", "mail_starved")]
        plain = await client.get("/explain/mail_starved")
        assert plain.headers["content-type"] == "text/plain; charset=utf-8"
        assert plain.text.startswith("mail_starved (verdict)\n")
        page = await client.get("/explain", headers={"accept": "text/html"})
        for name in ("NetmonMailDown", "queue_old", "timeout", "netmon_web_info", "smtp_failed", "reboot"):
            assert f'href="/explain/{name}"' in page.text
        assert page.text.count("ifHCInOctets") == 2  # its address and its name
        plain = (await client.get("/explain")).text
        assert "NetmonMailDown" in plain
        assert "and 1 metrics of devices: /explain/ifHCInOctets" in plain
        every = (await client.get("/explain", headers={"accept": "application/json"})).json()
        assert {one["kind"] for one in every} >= {"alert", "verdict", "finding", "silence", "metric"}


async def test_a_word_of_several_kinds_is_explained_in_each() -> None:
    """`unreachable` is a verdict and a reason; both stand on its page, with links to the words in them."""
    async with site() as (client, _, _):
        page = (await client.get("/explain/unreachable", headers={"accept": "text/html"})).text
        alert = (await client.get("/explain/NetmonHostDown", headers={"accept": "text/html"})).text
    assert '<h2 id="verdict">Verdict</h2>' in page
    assert '<h2 id="reason">Reason</h2>' in page
    assert '<a href="/explain/upstream_port_down">upstream_port_down</a>' in alert


async def test_a_word_that_netmon_does_not_use() -> None:
    """It is a 404 in each form, and its markup does not come back."""
    async with site() as (client, _, _):
        page = await client.get("/explain/%3Cscript%3Ex", headers={"accept": "text/html"})
        plain = await client.get("/explain/nosuch")
    assert (page.status_code, plain.status_code) == (404, 404)
    assert page.text.count("<script") == 1


async def test_a_host_links_to_what_its_words_mean() -> None:
    """The verdict and each finding on the host's page lead to their explanation."""
    async with site(host("sw1")) as (client, _, world):
        finding = Finding("storage_full", Severity.CAUSE, "/var is full")
        judged = Verdict(VerdictName.MAIL_STARVED, "full", (finding,))
        world.judged["sw1"] = HostVerdict("sw1", judged, 1_700_000_000.0, judged)
        page = (await client.get("/hosts/sw1")).text
        for name in ("mail_starved", "storage_full"):
            assert f'href="/explain/{name}"' in page
            assert (await client.get(f"/explain/{name}")).status_code == 200


async def test_what_is_not_there() -> None:
    """A browser gets a page that leads back, anything else a sentence; nobody's markup comes back."""
    async with site(host("sw1")) as (client, _, _):
        for path in ("/hosts/nosuch", "/static/status.py", "/nosuch<script>", "/hosts/%3Cscript%3E"):
            page = await client.get(path, headers={"accept": "text/html"})
            assert page.status_code == 404
            assert '<a href="/">All hosts</a>' in page.text
            assert page.text.count("<script") == 1
            plain = await client.get(path)
            assert (plain.status_code, plain.text) == (404, "there is nothing at this address\n")
        assert (await client.post("/nosuch")).status_code == 404


async def test_the_view_is_in_the_address() -> None:
    """Search, verdict and label choose the hosts; nonsense in them is not an error."""
    hosts = [host("sw1", labels={"site": "waw"}), host("sw2", labels={"site": "krk"})]
    async with site(*hosts) as (client, _, _):

        async def shown(query: str) -> set[str]:
            page = (await client.get(f"/?{query}")).text
            return {name for name in ("sw1", "sw2") if f'href="/hosts/{name}"' in page}

        assert await shown("q=SITE%3Dkrk") == {"sw2"}
        assert await shown("q=sw+192.0") == {"sw1", "sw2"}
        assert await shown("label=site%3Dwaw") == {"sw1"}
        assert await shown("verdict=problems") == {"sw1", "sw2"}
        assert await shown("verdict=healthy") == set()
        assert await shown("verdict=%3Cx%3E&page=-1") == {"sw1", "sw2"}
        assert await shown("page=99999999999999999999") == set()
        assert 'value="&quot;&gt;&lt;b&gt;"' in (await client.get("/", params={"q": '"><b>'})).text


async def test_news_as_json() -> None:
    """`/api/news` has the announcements, newest last."""
    async with site(host("sw1")) as (client, _, world):
        world.told.append(News(5.0, "a fault begins", "sw1"))
        answer = await client.get("/api/news")
    assert answer.json() == [{"at": 5.0, "text": "a fault begins", "host": "sw1"}]


async def test_a_live_page_of_nothing() -> None:
    """An unknown host has no events, and HEAD follows nothing."""
    async with site(host("sw1")) as (client, _, _):
        assert (await client.head("/live")).headers["content-type"].startswith("text/event-stream")
        assert (await client.get("/live", params={"host": "nosuch"})).status_code == 404


async def test_head_works_everywhere() -> None:
    """HEAD answers as GET does, without a body."""
    async with site(host("sw1")) as (client, _, _):
        for path in (
            "/",
            "/hosts/sw1",
            "/metrics",
            "/metrics/agent",
            "/sd",
            "/config",
            "/explain",
            "/explain/healthy",
            "/api/hosts",
            "/-/healthy",
        ):
            answer = await client.head(path)
            assert (answer.status_code, answer.content) == (200, b"")


async def test_snmp_on_demand() -> None:
    """`/snmp` hands on its parameters in order and the client's patience, and renders the tables bare."""
    async with site() as (client, agent, _):
        agent.scraped = Answer(tables=(ports(1, 2),))
        answer = await client.get(
            "/snmp?target=sw1&module=a,b&module=c", headers={"X-Prometheus-Scrape-Timeout-Seconds": "10"}
        )
        odd = await client.get("/snmp", headers={"X-Prometheus-Scrape-Timeout-Seconds": "1e999"})
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert not any("host" in dict(labels) for _, labels in read(answer.content))
    assert agent.asked == [([("target", "sw1"), ("module", "a,b"), ("module", "c")], 10.0), ([], None)]
    assert odd.status_code == 200


async def test_the_page_of_one_read_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many wait for it: five hundred clients of a large device do not hold up the checks."""
    made: list[int] = []

    def counted(tables: Sequence[Table]) -> bytes:
        made.append(len(tables))
        return render(tables)

    monkeypatch.setattr(module, "render", counted)
    async with site() as (client, agent, _):
        agent.scraped = Answer(tables=(ports(1, 2),))
        pages = [(await client.get("/snmp?target=sw1")).content for _ in range(3)]
        agent.scraped = Answer(tables=(ports(1),))
        other = (await client.get("/snmp?target=sw1")).content
    assert len(set(pages)) == 1
    assert other not in pages
    assert len(made) == 2


async def test_snmp_on_demand_fails() -> None:
    """A refusal is its status and its sentence; debug=true shows the exchange first."""
    async with site() as (client, agent, _):
        agent.scraped = Answer(403, "sw9 is not a configured host")
        refused = await client.get("/snmp?target=sw9")
        agent.scraped = Answer(500, "no answer", (), "0.000 s  sent GET\n")
        failed = await client.get("/snmp?target=sw9&debug=true")
        agent.scraped = Answer(200, "", (ports(1),), "0.000 s  sent GET\n")
        shown = await client.get("/snmp?target=sw9&debug=true")
    assert (refused.status_code, refused.text) == (403, "sw9 is not a configured host\n")
    assert (failed.status_code, failed.text) == (500, "0.000 s  sent GET\n\nno answer\n")
    assert shown.headers["content-type"] == "text/plain; charset=utf-8"
    assert shown.text.startswith("0.000 s  sent GET\n\nMetrics:\n# HELP ")
