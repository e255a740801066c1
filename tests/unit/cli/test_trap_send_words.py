"""What `netmon trap send` refuses or tells before anything is sent."""

from pathlib import Path

import pytest

from tests.servers.command import netmon


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("ifIndex",), '"ifIndex" is a column, not a notification'),
        (("coldStart", "--inform", "-v", "1"), "SNMPv1 has no informs"),
        (("coldStart", "1.3.6.1.4.1.9.1=i:x"), '"x" is not a whole number'),
        (("coldStart", "ifHCInOctets.3=7", "-v", "1"), "SNMPv1 has no Counter64"),
        (("coldStart", "--engine-id", "80"), '--engine-id "80" is not an engine ID: 5 to 32 octets'),
        (("coldStart", "--agent-address", "::1"), "is not an IPv4 address"),
        (("coldStrat",), 'no known MIB defines "coldStrat"; did you mean "coldStart"'),
        (("coldStart", "ifIndex.3"), 'has no "=": wanted NAME=VALUE'),
    ],
)
def test_what_cannot_be_sent_is_told(tmp_path: Path, arguments: tuple[str, ...], sentence: str) -> None:
    """One sentence that says what is wrong, and exit 1."""
    done = netmon("trap", "send", "127.0.0.1:9", *arguments, folder=tmp_path)
    assert done.returncode == 1
    assert sentence in done.stderr


def test_what_the_notification_should_carry_is_told(tmp_path: Path) -> None:
    """A linkDown without its objects is sent, with a warning that names them."""
    done = netmon("trap", "send", "127.0.0.1:9", "linkDown", "ifIndex.3=3", folder=tmp_path)
    assert "IF-MIB::linkDown carries ifIndex, ifAdminStatus, ifOperStatus; ifAdminStatus, ifOp" in done.stderr
