"""What probes share: the name that mail servers are told."""

from netmon.context import ehlo_notices
from netmon.model import Check, CheckKey, Host
from tests.servers.mail_checks import make_check


def test_a_name_that_mail_servers_may_refuse_is_told() -> None:
    """A name without a domain is a notice where mail is checked, and nowhere else."""
    mail = make_check(25)
    ping = Check(CheckKey("mx1", "ping", "mx1"), Host("mx1", "192.0.2.1"), None, 60.0, 5.0, 0, 10.0)
    assert ehlo_notices("probe.example.org", [mail]) == []
    assert ehlo_notices("debian", [ping]) == []
    (notice,) = ehlo_notices("debian", [ping, mail])
    assert "calls itself debian" in notice
    assert "agent: {name: ...}" in notice
