"""One of Debian's exporters, with a file of modules, on a free port of loopback."""

import contextlib
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

START: Final = 30.0  # seconds to come up


@contextlib.contextmanager
def exporter(program: str, config: Path, level: str = "warn") -> Iterator[str]:
    """Run it on a file for as long as the block; its URL."""
    if shutil.which(program) is None:
        raise RuntimeError(f"{program} is not installed: apt-get install {program}")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    log = config.with_suffix(".log")
    command = [
        program,
        f"--config.file={config}",
        f"--web.listen-address=127.0.0.1:{port}",
        f"--log.level={level}",
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
                        raise RuntimeError(f"{program} does not start\n{log.read_text()}") from None
                    time.sleep(0.05)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
