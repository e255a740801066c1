"""The file of those who may write: for the command line alone."""

import subprocess
import sys
from pathlib import Path

# Every file that a Python process opens raises an audit event (PEP 578).
SCRIPT = """\
import sys
opened = []
sys.addaudithook(lambda event, args: opened.append(str(args[0])) if event in ("open", "os.open") else None)
import asyncio
from pathlib import Path
import netmon.loading
from netmon.config import public_dump
from netmon.mib.modules import builtin_modules
assert "netmon.config.auth_file" not in sys.modules
for _ in range(2):  # as at the start, and as at a reload
    config = netmon.loading.load_config(Path("netmon.yml"), builtin_modules(), cache=True)
print(public_dump(config))
assert any(name.endswith("netmon.yml") for name in opened), opened
print([name for name in opened if name.endswith("writers.yml")])
"""


def test_the_agent_never_opens_it(tmp_path: Path) -> None:
    """Neither to start nor to reload nor for /config, so it does not mind what is in it."""
    (tmp_path / "writers.yml").write_text("auths: {rw: {community: swordfish}\n}}} no YAML")
    (tmp_path / "netmon.yml").write_text(
        "settings: {allow: [sysContact], auth_file: writers.yml}\n"
        "state: {path: state}\n"
        "hosts: [{name: sw1, snmp: true}]\n"
    )
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT],
        cwd=tmp_path,
        env={"PYTHONPATH": str(root), "PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert "auth_file: writers.yml" in done.stdout
    assert done.stdout.splitlines()[-1] == "[]"
    assert "swordfish" not in done.stdout
