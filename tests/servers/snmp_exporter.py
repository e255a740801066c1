"""Debian's prometheus-snmp-exporter 0.21 on a free port of loopback, and modules in its file format."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Final

import yaml

from tests.servers.exporter import exporter

PROGRAM: Final = "prometheus-snmp-exporter"

# What snmp.yml has gained since 0.21.
_NEW_TYPES: Final = frozenset({"ParseDateAndTime", "NTPTimeStamp"})
_NEW_OF_METRICS: Final = ("scale", "offset", "datetime_pattern", "display_hint")
_NEW_OF_LOOKUPS: Final = ("enum_values", "display_hint")
_NEW_OF_MODULES: Final = ("filters", "allow_nonincreasing_oids", "use_unconnected_udp_socket")


def without_news(module: Mapping[str, Any]) -> dict[str, Any]:
    """A module without what 0.21 does not know."""
    metrics = []
    for metric in module.get("metrics", ()):
        if metric["type"] in _NEW_TYPES:
            continue
        kept = {key: value for key, value in metric.items() if key not in _NEW_OF_METRICS}
        if "lookups" in kept:
            kept["lookups"] = [
                {key: value for key, value in lookup.items() if key not in _NEW_OF_LOOKUPS}
                for lookup in kept["lookups"]
            ]
        metrics.append(kept)
    return {key: value for key, value in module.items() if key not in _NEW_OF_MODULES} | {"metrics": metrics}


def old_file(modules: Mapping[str, Mapping[str, Any]], community: str) -> str:
    """An snmp.yml of 0.21 with these modules of the present format, version and community inside each."""
    old = {
        name: without_news(module) | {"version": 2, "auth": {"community": community}}
        for name, module in modules.items()
    }
    return yaml.dump(old, Dumper=yaml.CSafeDumper)


def new_file(modules: Mapping[str, Mapping[str, Any]]) -> str:
    """The same modules in the present format."""
    return yaml.dump(
        {"modules": {name: without_news(module) for name, module in modules.items()}}, Dumper=yaml.CSafeDumper
    )


def snmp_exporter(config: Path) -> AbstractContextManager[str]:
    """Run it on a file for as long as the block; its URL."""
    return exporter(PROGRAM, config)
