"""The status page in a real browser: what it shows, that it is live, and that it harms nobody."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx
import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, Page, async_playwright, expect

from netmon.errors import Reason
from netmon.model import Finding, Host, News, Result, Severity
from tests.servers.chromium import CHROMIUM, FLAGS
from tests.servers.pages import Company, of_every_kind, serving, system, ten_hosts, thousands, trapped

RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
ATTACK = "<img src=x onerror=document.title='owned'><script>document.title='owned'</script>\"' onclick=x x='"


@dataclass
class Window:
    """A browser at a company's pages; `complaints` are errors on its console."""

    browser: Browser
    url: str
    complaints: list[str] = field(default_factory=list)

    async def open(self, path: str = "/", **context: object) -> Page:
        """A page in a context of its own."""
        page = await (await self.browser.new_context(**context)).new_page()
        page.set_default_timeout(20_000)
        page.on("console", lambda said: self.complaints.append(said.text) if said.type == "error" else None)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        await page.goto(self.url + path)
        return page


@asynccontextmanager
async def browsing(company: Company) -> AsyncIterator[Window]:
    """Debian's Chromium at `company`; in the end it has had nothing to complain about."""
    async with serving(company) as url, async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        window = Window(browser, url)
        yield window
        await browser.close()
    assert window.complaints == []


async def within(seconds: float, what: str, true: Callable[[], object]) -> None:
    """Wait until `true()` holds."""
    end = time.monotonic() + seconds
    while not await true():  # type: ignore[misc]
        assert time.monotonic() < end, f"waited {seconds:g} s in vain for {what}"
        await asyncio.sleep(0.05)


async def live(page: Page) -> None:
    """Wait until the page follows."""
    await expect(page.locator("#pulse")).to_have_text("live", timeout=20_000)


async def names(page: Page) -> list[str]:
    """The hosts that the page shows, in order."""
    return await page.locator("tbody th a").all_inner_texts()


async def test_what_is_wrong_is_seen_first() -> None:
    """The ill are on top with their reason, the healthy compact, and nothing scrolls sideways."""
    async with browsing(ten_hosts()) as window:
        page = await window.open(viewport={"width": 1280, "height": 800})
        await live(page)
        await expect(page.locator("h1")).to_have_text("4 of 10 hosts need attention")
        assert (await names(page))[:4] == ["mx2", "mx1", "old-router", "relay"]
        first = page.locator("tbody tr").first
        await expect(first).to_contain_text("mail_starved")
        await expect(first).to_contain_text("/var/spool is 100% full")
        box = await page.locator("tr", has_text="sw1").last.bounding_box()
        assert box is not None
        assert box["height"] < 48
        for width in (1280, 700, 320):
            await page.set_viewport_size({"width": width, "height": 800})
            assert await page.evaluate("document.documentElement.scrollWidth") <= width


# The pieces of text that are broken: they have boxes on more than one line.
BROKEN = """(place) => [...document.querySelectorAll(place)].flatMap(place =>
  [...place.childNodes].filter(node => node.nodeType === 3 && node.data.trim()).filter(node => {
    const range = document.createRange();
    range.selectNodeContents(node);
    return new Set([...range.getClientRects()].map(box => box.top)).size > 1;
  }).map(node => node.data))"""


async def test_with_every_column_no_word_is_broken() -> None:
    """Nine columns at every width: heads and ports are whole, the sentence has room; reasons from 1280 on."""
    async with browsing(of_every_kind()) as window:
        page = await window.open()
        await live(page)
        assert await page.locator("thead th").count() == 9
        for width in (1920, 1280, 1000, 900, 700, 320):
            await page.set_viewport_size({"width": width, "height": 900})
            assert await page.evaluate("document.documentElement.scrollWidth") <= width
            whole = {"thead th": width >= 1000, ".where": True, ".why": not 900 <= width < 1280}
            for place in (place for place, is_whole in whole.items() if is_whole):
                assert await page.evaluate(BROKEN, place) == [], (width, place)
            assert await page.locator(".judged").first.evaluate("cell => cell.clientWidth") > 200, width


async def test_the_page_is_small() -> None:
    """With ten hosts, the page with its style and script is under 100 kB, before compression."""
    async with serving(ten_hosts()) as url, httpx.AsyncClient(base_url=url) as client:
        bodies = [
            (await client.get(path)).content
            for path in ("/", "/static/status.css", "/static/status.js", "/static/icon.svg")
        ]
    assert sum(map(len, bodies)) < 100_000


async def test_without_javascript() -> None:
    """Everything is there, the filter is a form, a host's page a link away."""
    async with browsing(ten_hosts()) as window:
        page = await window.open(java_script_enabled=False)
        await expect(page.locator("h1")).to_have_text("4 of 10 hosts need attention")
        await expect(page.locator("tbody tr").first).to_contain_text("17 min ago")
        await page.get_by_label("Search").fill("relay")
        await page.get_by_role("button", name="Show").click()
        await page.wait_for_url("**/?q=relay*")
        assert await names(page) == ["relay"]
        await page.get_by_role("link", name="1 mail_down").click()
        await page.wait_for_url("**verdict=mail_down")
        await page.goto(window.url)
        await page.get_by_role("link", name="mx1").first.click()
        await expect(page.locator("h1")).to_contain_text("mail_down")
        await expect(page.locator("pre").first).to_contain_text("C: EHLO probe1.example.net")


async def test_a_change_is_on_the_page_within_two_seconds() -> None:
    """An observation, its verdict, news and notices come by themselves, on both pages, with the headline."""
    company = ten_hosts()
    async with browsing(company) as window:
        page, alone = await window.open(), await window.open("/hosts/sw1")
        await live(page)
        await live(alone)
        before = time.monotonic()
        company.fail("sw1", 161, Reason.TIMEOUT, "nothing was heard")
        await within(
            2, "the verdict", lambda: page.locator("tr.warn", has_text="SNMP does not answer").count()
        )
        await within(2, "the host's page", lambda: alone.locator("h1", has_text="agent_down").count())
        assert time.monotonic() - before < 2
        await expect(page.locator("h1")).to_have_text("5 of 10 hosts need attention")
        company.store.tell(News(time.time(), "a truck comes", "sw1"))
        await within(2, "the news", lambda: page.get_by_text("a truck comes").count())
        company.notices.append("netmon.yml:1:1: a mistake")
        company.live.changed("")
        await within(2, "the notice", lambda: page.locator(".notice").count())
        company.plan((Host("only", "192.0.2.9"), (0,)))
        await within(2, "the new plan", lambda: page.get_by_role("link", name="only").count())
        assert await names(page) == ["only"]


async def test_a_change_leaves_the_reader_alone() -> None:
    """Focus, what was opened and what was selected stay when the pieces around are renewed."""
    company = ten_hosts()
    async with browsing(company) as window:
        page = await window.open()
        await live(page)
        link = page.get_by_role("link", name="sw2").first
        await link.focus()
        company.fail("sw2", 161, Reason.TIMEOUT, "nothing was heard")
        await within(2, "the change", lambda: page.locator("tr", has_text="SNMP does not answer").count())
        await expect(link).to_be_focused()
        await page.goto(f"{window.url}/hosts/mx2")
        await live(page)
        details = page.locator("[id='check-ping:mx2'] details")
        await details.locator("summary").click()
        for port in (0, 25, 161, 465, 587):
            company.run("mx2", port, detail="renewed")
        await within(2, "the change", lambda: page.get_by_text("renewed").count())
        assert await details.get_attribute("open") is not None


async def test_a_page_that_missed_something_catches_up() -> None:
    """What changes while nobody follows is there when following begins again."""
    company = ten_hosts()
    async with browsing(company) as window:
        page = await window.open()
        await live(page)
        await page.context.set_offline(True)
        company.fail("sw1", 161, Reason.TIMEOUT, "nothing was heard")
        await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        await expect(page.locator("#pulse")).to_have_text("reconnecting")
        await page.context.set_offline(False)
        await expect(page.locator("tr.warn", has_text="SNMP does not answer")).to_have_count(
            1, timeout=15_000
        )
        window.complaints.clear()  # the browser says that it was offline


async def test_search_and_filters_answer_while_one_types() -> None:
    """Ten thousand hosts: a page of the worst, found by text, verdict and label, each in under a second."""
    company = thousands(10_000)
    async with browsing(company) as window:
        begun = time.monotonic()
        page = await window.open()
        await live(page)
        assert time.monotonic() - begun < 5  # a new window included
        assert len(await names(page)) == 100
        await expect(page.locator("#range")).to_contain_text("1 to 100 of 10,000 hosts")
        await page.keyboard.press("/")
        begun = time.monotonic()
        await page.keyboard.type("h07777")
        await expect(page.locator("tbody tr")).to_have_count(1)
        found = time.monotonic() - begun
        assert await names(page) == ["h07777"]
        assert found < 3  # typing included
        company.fail("h07777", 161, Reason.TIMEOUT, "nothing was heard")
        await within(
            2, "the change", lambda: page.locator("tr.warn", has_text="SNMP does not answer").count()
        )
        await page.get_by_label("Search").fill("")
        await expect(page.locator("tbody tr")).to_have_count(100)
        assert (await names(page))[0] == "h07777"
        await page.get_by_role("link", name="agent_down").click()
        await expect(page.locator("tbody tr")).to_have_count(1)
        assert page.url.endswith("/?verdict=agent_down")
        await page.go_back()
        await expect(page.locator("tbody tr")).to_have_count(100)
        await page.get_by_role("link", name="Further").click()
        await expect(page.locator("#range")).to_contain_text("101 to 200")
        await page.get_by_label("Label").select_option(index=1)
        await expect(page.locator("#range")).to_contain_text("34 hosts")


@pytest.mark.parametrize("scripts", [True, False])
async def test_what_the_network_says_stays_text(scripts: bool) -> None:  # noqa: FBT001 - a parameter
    """Banner, sysDescr, alias, host name, label and news with markup in them are shown and do nothing."""
    company = Company()
    evil = Host(ATTACK, "192.0.2.1", labels={"site": ATTACK})
    company.plan((evil, (25, 161)))
    company.run(ATTACK, 161, tables=system(ATTACK, ATTACK, ATTACK))
    async with browsing(company) as window:
        root = await window.open(java_script_enabled=scripts)
        if scripts:
            await live(root)
        finding = Finding("x", Severity.RISK, ATTACK, company.checks[ATTACK, "smtp", 25].key, time.time())
        company.store.tell(News(time.time(), ATTACK, ATTACK))
        company.run(
            ATTACK,
            25,
            Result.FAILED,
            Reason.PROTOCOL_ERROR,
            detail=ATTACK,
            trail=(ATTACK,),
            findings=(finding,),
        )
        if not scripts:
            await root.reload()
        await expect(root.locator("ol li", has_text=ATTACK[:20])).to_have_count(1)
        await expect(root.locator("tbody tr")).to_have_count(1)
        assert await root.locator("tbody th a").inner_text() == ATTACK
        pages = [root]
        await root.locator("tbody th a").click()
        await expect(root.locator("article")).to_have_count(2)
        for wanted in ("sysDescr", "alias"):
            place = {"sysDescr": "dd", "alias": ".ports li"}[wanted]
            await expect(root.locator(place, has_text=ATTACK[:20]).first).to_be_attached()
        for page in pages:
            assert await page.locator("img, main script, [onclick], [onerror]").count() == 0
            assert await page.title() != "owned"


async def test_by_keyboard() -> None:
    """Tab reaches what can be used, in order; the focus is seen; the filter works without a mouse."""
    async with browsing(ten_hosts()) as window:
        page = await window.open()
        await live(page)
        await page.keyboard.press("Tab")
        await expect(page.get_by_text("To the content")).to_be_focused()
        await expect(page.get_by_text("To the content")).to_be_in_viewport()
        await page.keyboard.press("Enter")
        await page.keyboard.press("Tab")
        chip = page.locator(".count").first
        await expect(chip).to_be_focused()
        assert await chip.evaluate("e => getComputedStyle(e).outlineStyle") == "solid"
        await page.keyboard.press("Enter")
        await expect(page.locator("tbody tr")).to_have_count(1)
        await page.keyboard.press("/")
        await expect(page.get_by_label("Search")).to_be_focused()
        await page.keyboard.press("Tab")
        await page.keyboard.press("Home")
        await expect(page.locator("tbody tr")).to_have_count(10)
        await page.get_by_role("link", name="mx1").first.focus()
        await page.keyboard.press("Enter")
        await expect(page.locator("h1")).to_contain_text("mx1")
        summary = page.locator("summary").last
        await summary.focus()
        await page.keyboard.press("Space")
        assert await summary.evaluate("e => e.parentElement.open") is True


@pytest.mark.parametrize("scripts", [True, False])
async def test_from_a_verdict_to_what_it_means(scripts: bool) -> None:  # noqa: FBT001 - a parameter
    """The badge and a finding lead to their explanation, that to other words; nothing is too wide."""
    async with browsing(ten_hosts()) as window:
        page = await window.open("/hosts/mx2", java_script_enabled=scripts)
        await page.get_by_role("link", name="storage_full").click()
        await expect(page.locator("h1")).to_have_text("storage_full")
        await expect(page.get_by_role("heading", name="To do")).to_be_visible()
        await page.go_back()
        await page.get_by_role("link", name="mail_starved").click()
        await expect(page.locator("h1")).to_have_text("mail_starved")
        await page.get_by_role("link", name="All words").click()
        await expect(page.get_by_role("heading", name="Alerts")).to_be_visible()
        await expect(page.get_by_role("link", name="ifHCInOctets", exact=True)).to_be_hidden()
        await page.get_by_text("metrics of devices").click()
        await expect(page.get_by_role("link", name="ifHCInOctets", exact=True)).to_be_visible()
        await page.get_by_role("link", name="NetmonMailDown").click()
        await page.get_by_role("link", name="path_filtered").first.click()
        await page.wait_for_url("**/explain/path_filtered")
        for path in ("/explain", "/explain/NetmonMailDown", "/explain/queue_long"):
            await page.goto(window.url + path)
            for width in (1280, 320):
                await page.set_viewport_size({"width": width, "height": 800})
                wide = page.locator("html")
                assert await wide.evaluate("page => page.scrollWidth") <= width


async def test_the_rules_of_accessibility() -> None:
    """axe-core finds nothing, wide and narrow, light and dark, on every kind of page."""
    company = ten_hosts()
    company.notices.append("netmon.yml:1:1: a mistake")
    async with browsing(company) as window:
        for scheme, width in (("light", 1280), ("dark", 400)):
            page = await window.open(color_scheme=scheme, viewport={"width": width, "height": 900})
            for path in (
                "/",
                "/?q=nothing",
                "/hosts/mx1",
                "/hosts/sw1",
                "/hosts/nosuch",
                "/explain",
                "/explain/unreachable",
            ):
                await page.goto(window.url + path)
                await page.locator("details").evaluate_all("all => all.forEach(one => one.open = true)")
                results = await Axe().run(page, options=RULES)
                assert results.violations_count == 0, f"{path} {scheme} {width}\n{results.generate_report()}"
        window.complaints = [said for said in window.complaints if "404" not in said]  # we asked for one


async def test_traps_are_on_both_pages_and_live() -> None:
    """Which host sent what, how often, and whether anybody could have; axe finds nothing to say."""
    company = ten_hosts()
    async with browsing(company) as window:
        page = await window.open(viewport={"width": 1280, "height": 900})
        await live(page)
        assert await page.locator("thead th", has_text="Traps").count() == 0
        trapped(company)
        await within(3, "the column", lambda: page.locator("thead th", has_text="Traps").count())
        events = page.locator(".event")
        await expect(events).to_have_count(3)
        await expect(events.first).to_contain_text("UPS-MIB::upsTrapOnBattery")
        await expect(events.nth(1)).to_contain_text("1,204 times")
        await expect(events.nth(1)).to_contain_text("not authenticated")
        await expect(events.nth(2)).to_contain_text("no known host, from 203.0.113.77")
        await expect(page.locator("tr", has_text="ups1").first).to_contain_text("1 state raised")
        for path, width in (("/", 320), ("/hosts/sw2", 320), ("/hosts/sw2", 1280)):
            await page.set_viewport_size({"width": width, "height": 900})
            await page.goto(window.url + path)
            await page.locator("details").evaluate_all("all => all.forEach(one => one.open = true)")
            assert await page.evaluate("document.documentElement.scrollWidth") <= width
            results = await Axe().run(page, options=RULES)
            assert results.violations_count == 0, f"{path} {width}\n{results.generate_report()}"
        await expect(page.locator("#raised")).to_contain_text("link_down 3")
        await expect(page.locator(".event dd").last).to_have_text("<b>desk</b> 3")
