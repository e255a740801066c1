"""The demo's company as a whole: what it offers, and that it leaves nothing behind."""

import asyncio
import os
from pathlib import Path

import pytest

from netmon.config import load
from netmon.demo.company import MAIL, SWITCH, Company
from netmon.mib.modules import builtin_modules
from netmon.probes import PROBES


async def test_the_config_is_one_that_netmon_accepts(tmp_path: Path) -> None:
    """The company's config passes netmon's own checks and names both hosts with their probes."""
    path = tmp_path / "netmon.yml"
    async with Company() as company:
        path.write_text(company.config(listen="127.0.0.1:0"))
        config = load(path, PROBES, builtin_modules(), {})
        assert company.ca_file.read_bytes().startswith(b"-----BEGIN CERTIFICATE-----")
    hosts = {entry.host.name: entry.host for entry in config.hosts}
    assert {name: host.address for name, host in hosts.items()} == {"sw1": SWITCH, "mx1": MAIL}
    assert hosts["mx1"].depends_on == ("sw1",)


async def test_everything_is_gone_at_the_end() -> None:
    """No task, descriptor or file is left when the company closes."""
    descriptors = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - names only, of a folder that changes
    async with Company() as company:
        folder = company.ca_file.parent
        _, writer = await asyncio.open_connection(MAIL, company.mail_ports["plain"])
        writer.close()
        await writer.wait_closed()
    assert not folder.exists()
    assert asyncio.all_tasks() == {asyncio.current_task()}
    assert len(os.listdir("/proc/self/fd")) == descriptors  # noqa: PTH208


async def test_a_port_that_is_taken_fails_and_closes_the_rest() -> None:
    """If one port cannot be had, OSError says so and what had been opened is closed."""
    descriptors = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    async with Company() as company:
        inside = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
        with pytest.raises(OSError, match="in use"):
            await Company(mail_ports=company.mail_ports).__aenter__()
        assert len(os.listdir("/proc/self/fd")) == inside  # noqa: PTH208
    assert len(os.listdir("/proc/self/fd")) == descriptors  # noqa: PTH208
