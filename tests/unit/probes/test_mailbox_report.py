"""What a refusal says: about netmon's own user or address, or about the server."""

import pytest

from netmon.errors import Reason
from netmon.mail.mailbox import OWN, choose, later
from netmon.model import Result
from netmon.probes.mailbox_report import refuses_us

REFUSALS = [
    (Result.REJECTED, Reason.LOGIN_REJECTED, "[AUTHENTICATIONFAILED] no", True),
    (Result.REJECTED, Reason.LOGIN_REJECTED, "[AUTH] no", True),
    (Result.REJECTED, Reason.LOGIN_REJECTED, "[ALERT] application-specific password required", True),
    (Result.REJECTED, Reason.LOGIN_REJECTED, "no", True),
    (Result.REJECTED, Reason.LOGIN_REJECTED, "[SYS/PERM] broken", False),
    (Result.DEFERRED, Reason.LOGIN_DEFERRED, "[LIMIT] too many for this user", True),
    (Result.DEFERRED, Reason.SYSTEM_DEFERRED, "[UNAVAILABLE] no LDAP", False),
    (Result.REJECTED, Reason.MAILBOX_REJECTED, "[SERVERBUG] broken", False),
    (Result.REJECTED, Reason.MAILBOX_REJECTED, "[NONEXISTENT] no such mailbox", True),
    (Result.REJECTED, Reason.MAILBOX_REJECTED, "no", False),
    (Result.REJECTED, Reason.GREETING_REJECTED, "[ALERT] your address is blocked", True),
    (Result.DEFERRED, Reason.GREETING_DEFERRED, "[LIMIT] full", False),
    (Result.FAILED, Reason.CONNECTION_LOST, "[AUTH] no", False),
]


@pytest.mark.parametrize(("result", "reason", "words", "ours"), REFUSALS)
def test_whose_trouble_a_refusal_is(result: Result, reason: Reason, words: str, ours: bool) -> None:  # noqa: FBT001
    """Only what is about the server itself is an outage."""
    assert refuses_us(result, reason, words) is ours


@pytest.mark.parametrize(
    ("code", "text", "wanted"),
    [
        ("UNAVAILABLE", "", True),
        ("IN-USE", "", True),
        ("AUTHENTICATIONFAILED", "try again later", False),
        ("", "Temporary failure", True),
        ("ALERT", "Too many simultaneous connections", True),
        ("", "wrong password", False),
    ],
)
def test_what_asks_to_come_back(code: str, text: str, wanted: bool) -> None:  # noqa: FBT001
    """A code decides; words only where there is none, or one that says nothing."""
    assert later(code, text) is wanted


@pytest.mark.parametrize(
    ("offered", "own", "token", "secured", "chosen"),
    [
        (["CRAM-MD5", "LOGIN", "PLAIN"], True, False, True, "PLAIN"),
        (["CRAM-MD5", "LOGIN", "PLAIN"], True, False, False, "CRAM-MD5"),
        (["CRAM-MD5"], True, False, True, "CRAM-MD5"),
        (["GSSAPI"], True, False, True, OWN),
        (["PLAIN", "OAUTHBEARER", "XOAUTH2"], True, True, True, "XOAUTH2"),
    ],
)
def test_which_way_to_log_in(offered: list[str], own: bool, token: bool, secured: bool, chosen: str) -> None:  # noqa: FBT001
    """The plainest inside TLS; without it what does not tell the password; a token as a token alone."""
    assert choose(offered, own=own, token=token, secured=secured) == chosen
