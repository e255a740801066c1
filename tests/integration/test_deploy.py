"""What lies in deploy/, checked by those who read it, and the agent as a service."""

import re
import shutil
import signal
import socket
import subprocess
from pathlib import Path

import pytest
import yaml

from netmon.config import load
from netmon.mib.modules import builtin_modules
from netmon.probes import PROBES
from tests.servers.agent import agent, wait_for

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
SCORE = 20  # of systemd-analyze security, times ten: 2.0; a service without any hardening has 9.6


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    """A checker's answer."""
    return subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, timeout=60, check=False
    )


def test_the_unit_is_right(tmp_path: Path) -> None:
    """systemd finds nothing to complain of, but that netmon is not installed in the place it names."""
    for name in ("netmon.service", "netmon-traps.socket"):
        shutil.copy(DEPLOY / name, tmp_path)
    answer = run(
        "systemd-analyze", "verify", "--man=no", tmp_path / "netmon.service", tmp_path / "netmon-traps.socket"
    )
    complaints = [line for line in answer.stderr.splitlines() if "/opt/netmon/bin/netmon" not in line]
    assert complaints == []


def test_the_unit_with_the_socket_has_no_capability(tmp_path: Path) -> None:
    """The command of docs/deploy.md leaves a unit that systemd takes, bound to nothing, with the socket."""
    for name in ("netmon.service", "netmon-traps.socket"):
        shutil.copy(DEPLOY / name, tmp_path)
    (command,) = re.findall(r"^sed -i .*$", (ROOT / "docs/deploy.md").read_text(), re.MULTILINE)
    assert run("sh", "-c", command.replace("/etc/systemd/system", str(tmp_path))).returncode == 0
    lines = (tmp_path / "netmon.service").read_text().splitlines()
    wanted = {"AmbientCapabilities=", "CapabilityBoundingSet=", "Sockets=netmon-traps.socket"}
    assert wanted <= set(lines)
    answer = run("systemd-analyze", "verify", "--man=no", tmp_path / "netmon.service")
    assert [line for line in answer.stderr.splitlines() if "/opt/netmon/bin/netmon" not in line] == []


def test_the_unit_is_hardened() -> None:
    """The score of systemd-analyze security stays; what it weighs is what a break-in could do."""
    answer = run(
        "systemd-analyze",
        "security",
        "--offline=yes",
        f"--threshold={SCORE}",
        "--no-pager",
        DEPLOY / "netmon.service",
    )
    assert answer.returncode == 0, answer.stdout[-600:]


def test_the_unit_has_one_capability() -> None:
    """To bind the trap port, and no other."""
    text = (DEPLOY / "netmon.service").read_text()
    granted = re.findall(r"^(?:Ambient|CapabilityBounding)\w*=(.*)$", text, re.MULTILINE)
    assert granted == ["CAP_NET_BIND_SERVICE"] * 2
    assert "User=root" not in text


def test_scrape_configs(tmp_path: Path) -> None:
    """promtool takes each of them, with the rules where compose puts them."""
    for path in (*(DEPLOY / "prometheus").glob("*.yml"), ROOT / "dashboards/netmon.rules.yml"):
        shutil.copy(path, tmp_path)
    names = sorted(path.name for path in (DEPLOY / "prometheus").glob("*.yml"))
    assert names == ["metrics.yml", "probe.yml", "prometheus.yml", "sd.yml", "snmp.yml"]
    for name in names:
        answer = run("promtool", "check", "config", tmp_path / name)
        assert answer.returncode == 0, answer.stderr + answer.stdout


def test_alertmanagers_config() -> None:
    """Amtool takes it."""
    answer = run("amtool", "check-config", DEPLOY / "alertmanager/alertmanager.yml")
    assert answer.returncode == 0, answer.stderr


def test_compose_names_what_is_there() -> None:
    """Every file that a container is given lies in the checkout; netmon's config is valid."""
    services = yaml.safe_load((DEPLOY / "compose.yml").read_text())["services"]
    assert set(services) == {"netmon", "prometheus", "alertmanager", "grafana"}
    for service in services.values():
        # Debian's podman looks nowhere for a name without a registry; its compose loses a mapping's values.
        assert service.get("image", "docker.io/").startswith("docker.io/")
        assert isinstance(service.get("sysctls", []), list)
        for volume in service["volumes"]:
            source = volume.split(":")[0]
            assert not source.startswith(".") or (DEPLOY / source).exists(), volume
    config = load(DEPLOY / "netmon.yml", PROBES, set(builtin_modules()), {})
    assert str(config.web.listen) == "0.0.0.0:9162"


def test_the_container_copies_what_is_there() -> None:
    """The image is made of paths that .dockerignore lets in; `make deploy-try` builds it."""
    text = (DEPLOY / "Containerfile").read_text()
    let_in = re.findall(r"^!/(.*)$", (ROOT / ".dockerignore").read_text(), re.MULTILINE)
    for line in re.findall(r"^COPY (?!--from)(.*)$", text, re.MULTILINE):
        *sources, _ = line.split()
        assert all((ROOT / source).exists() and source in let_in for source in sources), line
    assert "USER 65532" in text


def test_the_agent_as_a_service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It says when it is ready, that it is alive, that it reloads, and that it stops."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ear:
        ear.bind(str(tmp_path / "notify"))
        ear.settimeout(20)
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "notify"))
        monkeypatch.setenv("WATCHDOG_USEC", "600000")
        config = 'web: {listen: "127.0.0.1:0"}\nhosts: [{name: a, address: 127.0.0.1, ping: true}]\n'
        heard: list[str] = []

        def hear(word: str) -> bool:
            heard.append(ear.recv(999).decode())
            return word in heard[-1]

        with agent(tmp_path, config) as process:
            wait_for("readiness", lambda: hear("READY=1"), 20)
            assert "STATUS=http://127.0.0.1:" in heard[-1]
            wait_for("a sign of life", lambda: hear("WATCHDOG=1"), 20)
            process.signal(signal.SIGHUP)
            wait_for("the reload", lambda: hear("RELOADING=1"), 20)
            wait_for("readiness again", lambda: hear("READY=1"), 20)
        wait_for("the end", lambda: hear("STOPPING=1"), 20)
