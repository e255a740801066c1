"""`/api/report`, over a real socket."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from netmon.report_pages import ReportPages
from tests.unit.status.test_past import DOWN, WELL, Past
from tests.unit.web.serving import serving


class Hosts:
    """Many."""

    def hosts(self) -> dict[str, object]:
        """By name."""
        return {f"mx{number}": object() for number in range(250)}


@asynccontextmanager
async def site() -> AsyncIterator[httpx.AsyncClient]:
    """The path over them."""
    pages = ReportPages(Hosts(), Past((2 * 3600.0, WELL), (1800.0, DOWN)))
    async with serving(pages.routes()) as (_, client):
        yield client


async def test_one_host_and_all() -> None:
    """Each window, or the one that is asked for; all hosts together beside each."""
    async with site() as client:
        answer = (await client.get("/api/report?host=mx7&window=1h")).json()
        assert list(answer["hosts"]) == ["mx7"]
        assert answer["hosts"]["mx7"]["1h"]["mail"] == 0.5
        assert answer["hosts"]["mx7"]["1h"]["agreement"] == {
            "both": 0.5, "only_snmp": 0.5, "only_mail": 0.0, "neither": 0.0,
        }  # fmt: skip
        everything = (await client.get("/api/report")).json()
        assert len(everything["hosts"]) == 250
        assert list(everything["all"]) == list(everything["hosts"]["mx0"]) == ["1h", "24h", "7d", "30d"]


@pytest.mark.parametrize(
    ("query", "status", "sentence"),
    [
        ("?host=mx999", 404, "no host is named"),
        ("?window=2h", 400, "1h, 24h, 7d, 30d"),
        ("?hots=mx1", 400, 'did you mean "host"'),
    ],
)
async def test_mistakes(query: str, status: int, sentence: str) -> None:
    """A sentence says what was wanted."""
    async with site() as client:
        answer = await client.get(f"/api/report{query}")
        assert answer.status_code == status
        assert sentence in answer.text
