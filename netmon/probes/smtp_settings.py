"""The settings of the `smtp` probe: what an entry of a host's `smtp` may hold."""

import re
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from netmon.fields import Duration, Secret, Settings
from netmon.model import Role

# RFC 5321 §4.1.2 without quoted local parts: what a person writes into a config.
_MAILBOX: Final = re.compile(
    r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,255}|postmaster", re.IGNORECASE
)
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


def mail_address(text: str) -> str:
    """A mail address as a person writes it, without quoted local parts."""
    if not _MAILBOX.fullmatch(text):
        raise PydanticCustomError("mailbox", "is not a mail address like postmaster@example.org")
    return text


def is_mail_address(text: str) -> bool:
    """Whether a text is a mail address such as netmon can send to."""
    return "@" in text and _MAILBOX.fullmatch(text) is not None


def _switch(value: Any) -> Any:
    """`true` is all defaults, `false` is not at all; "yes" is neither."""
    if isinstance(value, (str, int, float)) and not isinstance(value, bool):
        raise PydanticCustomError("switch", "is not true, false or a mapping")
    return {} if value is True else None if value is False else value


class EnvelopeSettings(Settings):
    """`envelope`: ask the server for a transaction and take it back; no message is ever sent.

    An empty sender is the null reverse-path `<>`, which every server must take (RFC 5321 §4.5.5).
    """

    sender: Annotated[str, AfterValidator(lambda text: text and mail_address(text))] = ""
    recipient: Annotated[str, AfterValidator(mail_address)] | None = None


class RelaySettings(Settings):
    """`open_relay`: whether strangers may send to strangers; the default sender is of netmon's own name.

    The recipient must not be one of the server's own; example.net is nobody's (RFC 2606 §3).
    """

    sender: Annotated[str, AfterValidator(mail_address)] | None = None
    recipient: Annotated[str, AfterValidator(mail_address)] = "netmon-relay-test@example.net"


def _token_url(text: str) -> str:
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host or parts.scheme not in {"http", "https"} or "@" in parts.netloc or parts.fragment:
        raise PydanticCustomError("token_url", "is not a URL like https://login.example.org/oauth2/token")
    if parts.scheme == "http" and host not in _LOOPBACK:
        # RFC 6749 §3.2: the request holds the client's secret.
        raise PydanticCustomError("token_url", "must begin with https://, for the client's secret goes there")
    return text


def _filled(secret: Secret) -> Secret:
    if not secret.peek():
        raise PydanticCustomError("secret_empty", "is empty")
    return secret


def _login_word(text: str) -> str:
    if not text or not text.isprintable():
        raise PydanticCustomError("login_word", "must be a printable text that is not empty")
    return text


class OAuth2Settings(Settings):
    """`login.oauth2`: where a token comes from, by client credentials (RFC 6749 §4.4)."""

    token_url: Annotated[str, AfterValidator(_token_url)]
    client_id: Annotated[str, AfterValidator(_login_word)]
    client_secret: Annotated[Secret, AfterValidator(_filled)]
    scope: str = ""


class LoginSettings(Settings):
    """`login`: log in as this user, with a password or with a token, and do no more.

    Only inside TLS with a certificate that verifies, unless `plain_text` lets anybody read along.
    """

    username: Annotated[str, AfterValidator(_login_word)]
    password: Annotated[Secret, AfterValidator(_filled)] | None = None
    oauth2: OAuth2Settings | None = None
    plain_text: bool = False

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if (self.password is None) is (self.oauth2 is None):
            raise PydanticCustomError("login_kind", "needs either password or oauth2")
        return self


class SmtpSettings(Settings):
    """An entry of a host's `smtp`."""

    port: Annotated[int, Field(ge=1, le=65535)] = 25
    tls: Literal["none", "starttls", "implicit"] | None = None  # default: implicit on 465, else starttls
    required: bool = True
    role: Literal[Role.INBOUND, Role.SUBMISSION] | None = None  # default: by port
    tls_name: str | None = None  # default: the host's address
    ca_file: Path | None = None  # default: the system's trust store
    cert_warn: Duration = 14 * 86400.0
    greeting_timeout: Duration = 30.0
    envelope: Annotated[
        EnvelopeSettings | None, BeforeValidator(_switch, json_schema_input_type=bool | EnvelopeSettings)
    ] = None

    login: LoginSettings | None = None
    # Once a day at most.
    open_relay: Annotated[
        RelaySettings | None, BeforeValidator(_switch, json_schema_input_type=bool | RelaySettings)
    ] = None
    vrfy: bool = False
    starttls_injection: bool = False

    @model_validator(mode="after")
    def _secured(self) -> Self:
        if self.login is not None and self.mode == "none" and not self.login.plain_text:
            raise PydanticCustomError(
                "login_in_plain_text",
                "login would send its secret without TLS: set tls to starttls, or login.plain_text to true",
            )
        return self

    @model_validator(mode="after")
    def _upgrades(self) -> Self:
        if self.starttls_injection and self.mode != "starttls":
            raise PydanticCustomError("injection_mode", "starttls_injection is about tls: starttls only")
        return self

    @property
    def mode(self) -> str:
        """How this endpoint speaks TLS."""
        return self.tls or ("implicit" if self.port == 465 else "starttls")  # noqa: PLR2004 (RFC 8314 §7.3)
