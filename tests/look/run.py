"""Draw the dashboards without Grafana, to look at them: `make dashboards-look`.

The demo plays all its stories while Prometheus scrapes it, or with ``--again`` what it scraped the last
time is taken.  `viewer.tsx` draws each dashboard with @grafana/data and @grafana/ui of the version that the
dashboards are for, Debian's Chromium takes pictures, and both are in build/look.  It needs npm and the
network, so it is no part of the tests, and what it draws is near to Grafana and no proof.
"""

import argparse
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, sync_playwright

from dashboards.build import texts
from dashboards.build.schema import install
from netmon.demo.story import STORIES, Step
from tests.servers.chromium import CHROMIUM, FLAGS
from tests.servers.prometheus import prometheus
from tests.servers.watched_demo import WatchedDemo, watched_demo

PACKAGES: Final = (
    "@grafana/data@11.6.0",
    "@grafana/ui@11.6.0",
    "@fontsource-variable/inter@5",
    "esbuild@0.25",
    "react@18",
    "react-dom@18",
)
WORK: Final = Path(__file__).parents[2] / "build" / "look"
RECORD: Final = WORK / "record"
WIDTH: Final = 1600  # pixels
SCRAPE: Final = 1  # seconds between two scrapes
CAPTION: Final = "Drawn by netmon's viewer from parts that Grafana publishes. This is not Grafana."
PAGE: Final = """<!doctype html><meta charset="utf-8"><title>not Grafana</title>
<link rel="stylesheet" href="viewer.css">
<style>body {{ margin: 0 }} @font-face {{ font-family: "Inter Variable"; font-weight: 100 900;
  src: url(node_modules/@fontsource-variable/inter/files/inter-latin-wght-normal.woff2) }}</style>
<body><div id="page"></div>
<script>window.__grafana_public_path__ = "node_modules/@grafana/ui/dist/public/";
window.look = {look};</script>
<script src="viewer.js"></script>
"""


def bundle() -> None:
    """viewer.js in build/look, with all that it needs."""
    install(WORK, PACKAGES)
    source = WORK / "viewer.tsx"  # beside node_modules, where esbuild looks for them
    source.write_text(Path(__file__).with_name("viewer.tsx").read_text())
    options = ["--bundle", "--jsx=automatic", "--minify", "--outfile=viewer.js", "--log-level=error"]
    options += ["--loader:.ttf=empty", "--define:global=window", '--define:process.env.NODE_ENV="production"']
    # Their other form imports CommonJS packages in a way that esbuild reads as Node does: without a default.
    options += [
        f"--alias:@grafana/{name}=./node_modules/@grafana/{name}/dist/cjs/index.cjs"
        for name in ("data", "ui")
    ]
    subprocess.run(["node_modules/.bin/esbuild", source.name, *options], cwd=WORK, check=True)


def record(folder: Path, hold: float) -> None:
    """Play each of the demo's stories, and end in trouble: a block list and a full spool.

    Every state stands for `hold` seconds, so that it is seen on the axis of time.
    """
    folder.mkdir(parents=True)
    told = {story.name: story.steps for story in STORIES}
    begun = time.time()
    with watched_demo(folder) as demo:
        time.sleep(hold)
        for steps in told.values():
            play(demo, steps, hold)
        play(demo, [told["blocklist"][0], *told["spool"][:2]], hold)
        demo.server.await_samples("netmon_host_cause", 20)
        (folder / "times.json").write_text(json.dumps({"from": begun * 1000, "to": time.time() * 1000}))


def play(demo: WatchedDemo, steps: Sequence[Step], hold: float) -> None:
    """Let the steps happen one after the other, each until netmon has its verdicts."""
    for step in steps:
        demo.act(step.act)
        for name, verdict in step.expected.items():
            demo.watcher.await_verdict(name, verdict)
        time.sleep(hold)


def draw(browser: Browser, name: str, board: str, mode: str, look: dict[str, object]) -> list[str]:
    """One dashboard's page and picture; what its panels complained of."""
    stem = f"{name.removesuffix('.json')}-{mode}"
    told = {**look, "board": json.loads(board), "mode": mode}
    (WORK / f"{stem}.html").write_text(PAGE.format(look=json.dumps(told).replace("</", "<\\/")))
    page = browser.new_page(viewport={"width": WIDTH, "height": 900})
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto((WORK / f"{stem}.html").as_uri())
    page.wait_for_selector("body[data-drawn]", state="attached", timeout=60_000)
    errors += json.loads(page.evaluate("document.body.dataset.drawn"))
    page.screenshot(path=WORK / f"{stem}.png", full_page=True)
    page.close()
    return errors


def main() -> int:
    """Draw what is asked for, and say what the panels complained of."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--again", action="store_true", help="do not run the demo, take what it left")
    parser.add_argument("--hold", type=float, default=8.0, help="seconds of each state")
    parser.add_argument("--host", default="mx1", help="the host of the dashboard Host")
    parser.add_argument("--modes", default="dark,light", help="dark, light or both")
    parser.add_argument("--only", default="", help="dashboards whose names contain this")
    asked = parser.parse_args()
    bundle()
    if not asked.again:
        shutil.rmtree(RECORD, ignore_errors=True)
        record(RECORD, asked.hold)
    times = json.loads((RECORD / "times.json").read_text())
    with prometheus(RECORD / "prometheus", "[]") as server, sync_playwright() as playwright:
        flags = [*FLAGS, "--allow-file-access-from-files"]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=flags)
        look = {
            **times,
            "scrape": SCRAPE,
            "width": WIDTH,
            "caption": CAPTION,
            "prometheus": server.url,
            "chosen": {"host": asked.host},
        }
        for name, board in texts().items():
            for mode in asked.modes.split(","):
                if asked.only in name:
                    for error in draw(browser, name, board, mode, look):
                        sys.stdout.write(f"{name} {mode}: {error}\n")
        browser.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
