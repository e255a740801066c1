"""Debian's prometheus-snmp-exporter 0.21 on a free port of loopback, and modules in its file format."""

import contextlib
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import yaml

PROGRAM: Final = "prometheus-snmp-exporter"
START: Final = 30.0  # seconds to come up

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


@contextlib.contextmanager
def snmp_exporter(config: Path) -> Iterator[str]:
    """Run it on a file for as long as the block; its URL."""
    if shutil.which(PROGRAM) is None:
        raise RuntimeError(f"{PROGRAM} is not installed: apt-get install {PROGRAM}")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    log = config.with_suffix(".log")
    command = [
        PROGRAM,
        f"--config.file={config}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=warn",
    ]
    with log.open("w") as errors, subprocess.Popen(command, stderr=errors, stdout=errors) as process:
        try:
            deadline = time.monotonic() + START
            while True:
                try:
                    socket.create_connection(("127.0.0.1", port), timeout=1).close()
                    break
                except OSError:
                    if process.poll() is not None or time.monotonic() > deadline:
                        raise RuntimeError(f"{PROGRAM} does not start\n{log.read_text()}") from None
                    time.sleep(0.05)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
