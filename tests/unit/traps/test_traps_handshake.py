"""What the agent and the receiver say to each other."""

from ipaddress import ip_network
from pathlib import Path

import pytest
from pydantic import ValidationError

from netmon.snmp.usm import Level, User
from netmon.traps.handshake import Lines, parse_message, settings_line, stop_line
from netmon.traps.records import Forward, Rule, Settings


def test_settings_survive_the_way() -> None:
    """Whatever settings the agent sends, the receiver works by the same: octets that are no text too."""
    user = User("bob", Level.AUTH_PRIV, "SHA256", b"1234\xff5678", "AES", b"1111111\xfe")
    settings = Settings(
        Path("/var/lib/netmon/events"),
        communities=(b"a\xff", b""),
        users=(user,),
        allow=(ip_network("10.0.0.0/8"), ip_network("2001:db8::/32")),
        forward=(Forward("192.0.2.1", 162, b"\x00"),),
        rules={"IF-MIB::linkDown": Rule(raises="link_down", cause=True)},
    )
    assert parse_message(settings_line(settings)).settings == settings
    assert parse_message(stop_line()).stop


def test_a_wrong_message_is_refused_without_its_content() -> None:
    """The error of a broken message does not show a community."""
    with pytest.raises(ValidationError) as caught:
        parse_message(b'{"settings": {"folder": "/x", "communities": ["secret-word"]}}')
    assert "secret-word" not in str(caught.value)


def test_lines_come_whole() -> None:
    """A line that comes in pieces is one line."""
    lines = Lines()
    assert lines.feed(b'{"a"') == []
    assert lines.feed(b":1}\n{}\n{") == [b'{"a":1}', b"{}"]
    assert lines.feed(b"}\n") == [b"{}"]
