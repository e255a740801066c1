"""Prometheus text: `render` of tables, the pages of `/metrics`, and the agent's own metrics."""

from netmon.exposition.agent import Reading, SelfMetrics
from netmon.exposition.page import Exposition, PageTooLargeError, Source, UnknownHostError
from netmon.exposition.text import CONTENT_TYPE, render

__all__ = [
    "CONTENT_TYPE",
    "Exposition",
    "PageTooLargeError",
    "Reading",
    "SelfMetrics",
    "Source",
    "UnknownHostError",
    "render",
]
