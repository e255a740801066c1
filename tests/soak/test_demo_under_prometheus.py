"""Five minutes of the demo under a real Prometheus; run by `make soak`, too long for `make test`."""

import re
import time
from pathlib import Path

import httpx

from tests.integration.test_demo import Demo
from tests.integration.test_prometheus_scrape import lint
from tests.servers.prometheus import prometheus

MINUTES = 5


def test_five_minutes_without_a_gap(tmp_path: Path) -> None:
    """Every scrape succeeds and holds every verdict, whatever fails in the demo; names are clean."""
    demo = Demo(tmp_path, "--fast")
    try:
        target = demo.url.removeprefix("http://").rstrip("/")
        jobs = f'- job_name: netmon\n  static_configs: [{{targets: ["{target}"]}}]'
        with prometheus(tmp_path / "prometheus", jobs) as server:
            server.await_samples("up == 1")
            time.sleep(60 * MINUTES)
            window = f"[{MINUTES - 1}m]"
            (up,) = server.query(f"min_over_time(up{window})")
            assert up.value == 1
            (scrapes,) = server.query(f"count_over_time(up{window})")
            assert scrapes.value >= 60 * (MINUTES - 1) * 0.95
            for verdict in server.query(f'count_over_time(netmon_host_verdict{{verdict="healthy"}}{window})'):
                assert verdict.value == scrapes.value, verdict.labels
            assert not server.query("count by (host) (netmon_host_verdict == 1) != 1")
            assert not re.search("duplicate|out-of-order|out of order|level=error", server.log)
            lint(httpx.get(demo.url + "metrics", timeout=10).text)
    finally:
        demo.process.terminate()
        demo.process.wait(20)
