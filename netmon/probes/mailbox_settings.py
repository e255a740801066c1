"""The settings of the `imap` and `pop3` probes: what an entry of a host's `imap` or `pop3` may hold."""

from pathlib import Path
from typing import Annotated, ClassVar, Literal, Self

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from netmon.fields import Duration, Settings
from netmon.probes.smtp_settings import LoginSettings

_LONGEST_NAME = 200  # characters of a mailbox's name


def mailbox_name(text: str) -> str:
    """The name of an IMAP mailbox."""
    if not text or not text.isprintable() or len(text) > _LONGEST_NAME:
        raise PydanticCustomError("mailbox_name", "is not the name of a mailbox like INBOX or Archive/2026")
    return text


class MailboxSettings(Settings):
    """What both have; TLS comes first on the second of `PORTS`, and by STARTTLS elsewhere."""

    PORTS: ClassVar[tuple[int, int]]

    port: Annotated[int, Field(ge=1, le=65535)]
    tls: Literal["none", "starttls", "implicit"] | None = None  # default: by port
    required: bool = True
    tls_name: str | None = None  # default: the host's address
    ca_file: Path | None = None  # default: the system's trust store
    cert_warn: Duration = 14 * 86400.0
    greeting_timeout: Duration = 30.0
    login: LoginSettings | None = None

    @model_validator(mode="after")
    def _secured(self) -> Self:
        if self.login is not None and self.mode == "none" and not self.login.plain_text:
            raise PydanticCustomError(
                "login_in_plain_text",
                "login would send its secret without TLS: set tls to starttls, or login.plain_text to true",
            )
        return self

    @property
    def mode(self) -> str:
        """How this endpoint speaks TLS."""
        return self.tls or ("implicit" if self.port == self.PORTS[1] else "starttls")  # RFC 8314 §3


class ImapSettings(MailboxSettings):
    """An entry of a host's `imap`; `mailbox` is what is opened, to read, after a login."""

    PORTS: ClassVar[tuple[int, int]] = (143, 993)

    port: Annotated[int, Field(ge=1, le=65535)] = 993
    mailbox: Annotated[str, AfterValidator(mailbox_name)] = "INBOX"


class Pop3Settings(MailboxSettings):
    """An entry of a host's `pop3`."""

    PORTS: ClassVar[tuple[int, int]] = (110, 995)

    port: Annotated[int, Field(ge=1, le=65535)] = 995
