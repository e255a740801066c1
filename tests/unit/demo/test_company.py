"""The demo's company as a whole: what it offers, and that it leaves nothing behind."""

import asyncio
import contextlib
import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from netmon.config import load
from netmon.demo.cast import MAIL, SWITCH, whole
from netmon.demo.company import FAST, Company
from netmon.demo.machine import Machine, MailMachine
from netmon.demo.story import STORIES
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


async def test_the_whole_company_is_wired_as_a_network_is(tmp_path: Path) -> None:
    """Every host is behind the core switch, the printer is polled by SNMPv1, and no silent host is pinged."""
    path = tmp_path / "netmon.yml"
    async with Company(whole(1)) as company:
        path.write_text(company.config(listen="127.0.0.1:0", pace=FAST))
        config = load(path, PROBES, builtin_modules(), {})
    entries = {entry.host.name: entry for entry in config.hosts}
    assert sorted(entries) == ["box1", "core1", "mx1", "mx2", "mx3", "print1", "sw1", "sw2", "ups1"]
    for name, entry in entries.items():
        kinds = {probe.kind.name for probe in entry.probes}
        assert ("ping" in kinds) is (name == "core1")
        assert ("smtp" in kinds) is name.startswith(("mx", "box"))
        assert entry.interval == 1.0
        top = entry.host
        while top.depends_on:
            top = entries[top.depends_on[0]].host
        assert top.name == "core1"
    (snmp,) = (probe.settings for probe in entries["print1"].probes)
    assert config.auths[snmp.auth].version == 1


async def test_every_fault_comes_and_goes() -> None:
    """All stories played through leave the company serving what it served before."""
    clock = 1_800_000_000.0
    async with Company(whole(1), clock=lambda: clock) as company:

        async def state() -> list[tuple[str, bool, list[str]]]:
            found = []
            for machine in company.machines.values():
                lines = []
                if isinstance(machine, MailMachine):
                    lines = [await greeting(machine.address, port) for port in machine.ports.values()]
                found.append((machine.name, machine.answers, lines))
            return found

        before = await state()
        for story in STORIES:
            for step in story.steps:
                step.act(company)
            assert await state() == before, story.name


async def greeting(address: str, port: int) -> str:
    """The first line that a port says, or that it waits for TLS."""
    reader, writer = await asyncio.open_connection(address, port)
    try:
        async with asyncio.timeout(0.05):
            return (await reader.readline()).decode()
    except TimeoutError:
        return "speaks TLS first"
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


@pytest.mark.parametrize("machines", [(), whole(1)], ids=["small", "whole"])
async def test_everything_is_gone_at_the_end(machines: Sequence[Machine]) -> None:
    """No task, descriptor or file is left when the company closes, not even in the middle of a fault."""
    descriptors = len(os.listdir("/proc/self/fd"))  # noqa: PTH208 - names only, of a folder that changes
    async with Company(machines) as company:
        company.mail("mx1").vanish()
        company.mail("mx1").start_mail()
        if "mx2" in company.machines:
            company.mail("mx2").filter_mail()
            company.mail("mx3").stop_mail()
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
