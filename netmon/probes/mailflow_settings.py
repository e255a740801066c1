"""What a mailflow is told: where its message goes in, and in which mailboxes it must come out."""

from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from netmon.fields import Ref, Settings
from netmon.probes.mailbox_settings import mailbox_name
from netmon.probes.smtp_settings import LoginSettings, mail_address

_IMPLICIT: Final = frozenset({465, 993, 995})  # RFC 8314 §3, §7.3


class _Leg(Settings):
    """What both ends have."""

    host: Annotated[str, Ref("hosts")]
    tls: Literal["none", "starttls", "implicit"] | None = None  # default: by port
    tls_name: str | None = None  # default: the host's address
    ca_file: Path | None = None  # default: the system's trust store

    def secured(self, port: int, login: LoginSettings | None) -> None:
        """Raises PydanticCustomError where a secret would go out in plain text."""
        if login is not None and self.mode_of(port) == "none" and not login.plain_text:
            raise PydanticCustomError(
                "login_in_plain_text",
                "login would send its secret without TLS: set tls to starttls, or login.plain_text to true",
            )

    def mode_of(self, port: int) -> str:
        """How the port speaks TLS."""
        return self.tls or ("implicit" if port in _IMPLICIT else "starttls")


class SendSettings(_Leg):
    """`send`: the server that takes the message; the default addresses are the first mailbox's user."""

    port: Annotated[int, Field(ge=1, le=65535)] = 25
    login: LoginSettings | None = None
    from_: Annotated[str | None, AfterValidator(lambda text: text and mail_address(text))] = Field(
        default=None, alias="from"
    )
    to: Annotated[str, AfterValidator(mail_address)] | None = None

    @model_validator(mode="after")
    def _safe(self) -> Self:
        self.secured(self.port, self.login)
        return self

    @property
    def mode(self) -> str:
        """How this endpoint speaks TLS."""
        return self.mode_of(self.port)


class FetchSettings(_Leg):
    """An entry of `fetch`: a mailbox that the message must reach; `mailbox` is IMAP's."""

    protocol: Literal["imap", "pop3"] = "imap"
    port_: Annotated[int, Field(ge=1, le=65535)] | None = Field(default=None, alias="port")
    login: LoginSettings
    mailbox: Annotated[str, AfterValidator(mailbox_name)] = "INBOX"

    @model_validator(mode="after")
    def _safe(self) -> Self:
        self.secured(self.port, self.login)
        if self.protocol == "pop3" and "mailbox" in self.model_fields_set:
            raise PydanticCustomError("pop3_mailbox", "POP3 knows one mailbox only: leave mailbox out")
        return self

    @property
    def port(self) -> int:
        """The port; by default the one of implicit TLS (RFC 8314 §3), or the one that goes with `tls`."""
        if self.port_ is not None:
            return self.port_
        implicit = self.tls in (None, "implicit")
        return (993 if implicit else 143) if self.protocol == "imap" else (995 if implicit else 110)

    @property
    def mode(self) -> str:
        """How this endpoint speaks TLS."""
        return self.mode_of(self.port)


class MailflowSettings(Settings):
    """One mailflow as a run sees it: durations in seconds, and the addresses of the hosts it names."""

    name: str
    send: SendSettings
    fetch: tuple[FetchSettings, ...]  # at least one
    sender: str
    recipient: str
    deadline: float
    late_after: float
    addresses: tuple[str, ...]  # of `send`, then of each of `fetch`
