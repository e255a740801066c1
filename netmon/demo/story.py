"""The faults that the demo shows, each a short story: what happens, and what netmon then says of it.

Every story leaves the company as it found it.  Together they lead to every verdict that there is.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from netmon.demo.certificates import DAY
from netmon.demo.company import Company
from netmon.demo.machine import GOOD_FOR
from netmon.demo.notify import COLD_START, ON_BATTERY, link
from netmon.model import VerdictName

# core1's port to sw2.
_LINK_LOST: Final = link(24, up=False)
_LINK_BACK: Final = link(24, up=True)
HEALTHY: Final = VerdictName.HEALTHY


@dataclass(frozen=True, slots=True)
class Step:
    """Something happens to a host, and sooner or later netmon's verdicts are the `expected` ones."""

    host: str
    text: str  # what people are told
    act: Callable[[Company], None]
    expected: Mapping[str, VerdictName]


@dataclass(frozen=True, slots=True)
class Story:
    """A fault that comes and goes."""

    name: str
    summary: str
    steps: Sequence[Step]


def _step(host: str, text: str, act: Callable[[Company], None], **more: VerdictName) -> Step:
    """A step after which `host` is healthy, unless `more` says what it and others are."""
    return Step(host, text, act, {host: HEALTHY} | more)


def _spool_full(company: Company) -> None:
    company.mail("mx1").fill_spool(100.0)
    company.mail("mx1").refuse_mail("421 4.3.1 Insufficient system storage")


def _spool_cleared(company: Company) -> None:
    company.mail("mx1").fill_spool(12.0)
    company.mail("mx1").start_mail()


def _uplink_lost(company: Company) -> None:
    for name in ("sw2", "mx2"):
        company.machines[name].vanish()
    company.tell("core1", _LINK_LOST)


def _uplink_back(company: Company) -> None:
    for name in ("sw2", "mx2"):
        company.machines[name].come_back()
    company.tell("core1", _LINK_BACK)
    company.tell("sw2", link(48, up=True))


def _power_lost(company: Company) -> None:
    company.mail("mx1").vanish()
    company.tell("ups1", ON_BATTERY)


def _power_back(company: Company) -> None:
    company.mail("mx1").come_back(booted=True)
    company.tell("mx1", COLD_START)


def _stall(company: Company) -> None:
    if (box := company.mail("box1").mailbox) is not None:
        box.stall()


def _release(company: Company) -> None:
    if (box := company.mail("box1").mailbox) is not None:
        box.release()


STORIES: Final[Sequence[Story]] = (
    Story(
        "postfix",
        "Postfix stops on mx1, and somebody starts it again",
        (
            _step(
                "mx1",
                "Postfix stops",
                lambda company: company.mail("mx1").stop_mail(),
                mx1=VerdictName.MAIL_DOWN,
            ),
            _step("mx1", "Postfix is started again", lambda company: company.mail("mx1").start_mail()),
        ),
    ),
    Story(
        "spool",
        "the spool of mx1 fills until no mail is taken any more",
        (
            _step(
                "mx1",
                "the spool fills: 93%",
                lambda company: company.mail("mx1").fill_spool(93.0),
                mx1=VerdictName.DEVICE_DEGRADED,
            ),
            _step("mx1", "the spool is full: no mail is taken", _spool_full, mx1=VerdictName.MAIL_STARVED),
            _step("mx1", "the spool is cleared", _spool_cleared),
        ),
    ),
    Story(
        "certificate",
        "the certificate of mx2 comes to its end and is renewed too late",
        (
            _step(
                "mx2",
                "the certificate has 3 days left",
                lambda company: company.mail("mx2").certify(3 * DAY),
                mx2=VerdictName.DEVICE_DEGRADED,
            ),
            _step(
                "mx2",
                "the certificate has ended",
                lambda company: company.mail("mx2").certify(-DAY / 8),
                mx2=VerdictName.MAIL_DEGRADED,
            ),
            _step("mx2", "the certificate is renewed", lambda company: company.mail("mx2").certify(GOOD_FOR)),
        ),
    ),
    Story(
        "filter",
        "a new firewall rule swallows what goes to the mail ports of mx2",
        (
            _step(
                "mx2",
                "a firewall rule drops what goes to its mail ports",
                lambda company: company.mail("mx2").filter_mail(),
                mx2=VerdictName.PATH_FILTERED,
            ),
            _step("mx2", "the firewall rule is taken back", lambda company: company.mail("mx2").start_mail()),
        ),
    ),
    Story(
        "agent",
        "the SNMP agent of mx1 hangs while its mail goes on",
        (
            _step(
                "mx1",
                "the SNMP agent hangs",
                lambda company: company.mail("mx1").hang(),
                mx1=VerdictName.AGENT_DOWN,
            ),
            _step("mx1", "the SNMP agent is started again", lambda company: company.mail("mx1").wake()),
        ),
    ),
    Story(
        "power",
        "mx1 loses its power and boots again",
        (
            _step(
                "mx1",
                "the power goes",
                _power_lost,
                mx1=VerdictName.HOST_DOWN,
            ),
            _step(
                "mx1",
                "the power is back, and it boots",
                _power_back,
            ),
        ),
    ),
    Story(
        "uplink",
        "sw2 loses its uplink, and mx2 behind it cannot be reached",
        (
            _step(
                "sw2",
                "the uplink is lost, and all that is behind it",
                _uplink_lost,
                sw2=VerdictName.DEVICE_DOWN,
                mx2=VerdictName.UNREACHABLE,
            ),
            _step("sw2", "the uplink is back", _uplink_back, mx2=HEALTHY),
        ),
    ),
    Story(
        "delivery",
        "box1 takes mail and delivers none: every door stands open, and a message sent through is lost",
        (
            _step("box1", "its queue hangs", _stall, box1=VerdictName.MAIL_DEGRADED),
            _step("box1", "the queue runs again", _release),
        ),
    ),
    Story(
        "blocklist",
        "mx3 refuses netmon itself, so nobody can tell how it treats others",
        (
            _step(
                "mx3",
                "netmon's own address is put on its block list",
                lambda company: company.mail("mx3").refuse_mail("554 5.7.1 You are on our block list"),
                mx3=VerdictName.UNKNOWN,
            ),
            _step("mx3", "the block list is put right", lambda company: company.mail("mx3").start_mail()),
        ),
    ),
)
