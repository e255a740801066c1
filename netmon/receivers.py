"""Who is told of alerts: the config's `alerting` section as records, which config reads and alerting uses.

Their URLs hold tokens or passwords, so they are secrets as passwords are.  A bare URL stands
for a record with all its defaults.
"""

import re
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    WithJsonSchema,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from netmon.fields import Duration, Secret, Settings, parse_duration
from netmon.model import Urgency
from netmon.template import MessageError, MessageTemplate

MAX_RECEIVERS: Final = 32  # of each sort; each has a task and metrics of its own
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,39}")
_TAKEN: Final = re.compile(r"(alertmanager|webhook)-[0-9]+|heartbeat")  # what the unnamed are called
_HEADER: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")  # RFC 9110 §5.6.2
_FIELD: Final = re.compile(r"[\x20-\x7e]{0,4000}")  # RFC 9110 §5.5, without what is obsolete
_OUR_HEADERS: Final = frozenset({"host", "content-length", "transfer-encoding", "connection", "content-type"})
_MINUTE: Final = 60.0
_DAY: Final = 86400.0


class Short:
    """Marks a record that a bare text stands for: the text is the value of its key `key`."""

    def __init__(self, key: str) -> None:
        self.key = key

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        def spelt_out(value: object) -> object:
            return {self.key: value} if isinstance(value, str) else value

        return core_schema.no_info_before_validator_function(spelt_out, handler(source))

    def __get_pydantic_json_schema__(
        self, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {"anyOf": [{"type": "string"}, handler(core)]}


def _wrong_url(text: str) -> str | None:
    """What is wrong with an absolute http URL, or None."""
    try:
        parts = urlsplit(text)
        host, port = parts.hostname, parts.port
    except ValueError:
        host = port = None
    if not host or port == 0 or parts.scheme not in {"http", "https"}:
        return "is not a URL like https://host:port/path"
    if not text.isascii() or not text.isprintable() or " " in text:
        return "is not a URL: it holds spaces or other characters that must be percent-encoded"
    if parts.fragment:
        return 'is a URL with a "#", which no server ever sees'
    return None


def _alertmanager_url(secret: Secret) -> Secret:
    text = secret.peek()
    wrong = _wrong_url(text)
    if wrong is None and "@" in urlsplit(text).netloc:
        wrong = "is a URL with a password in it: give username and password as keys"
    if wrong is None and urlsplit(text).query:
        wrong = "is a URL with a query; wanted where Alertmanager's page is, as http://127.0.0.1:9093"
    if wrong is not None:
        raise PydanticCustomError("receiver_url", "{wrong}", {"wrong": wrong})
    return Secret(text.rstrip("/"))


def _secret_url(secret: Secret, *, optional: bool = False) -> Secret:
    wrong = None if optional and not secret.peek() else _wrong_url(secret.peek())
    if wrong is not None:
        raise PydanticCustomError("receiver_url", "{wrong}", {"wrong": wrong})
    return secret


def _template(secret: Secret) -> Secret:
    try:
        MessageTemplate(secret.peek())
    except MessageError as error:
        raise PydanticCustomError("template", "is not usable: {why}", {"why": str(error)}) from None
    return secret


def _repeat(value: object) -> float:
    seconds = 0.0 if value in (0, "0", "0s") else parse_duration(value)
    if seconds and not _MINUTE <= seconds <= 30 * _DAY:
        raise PydanticCustomError("duration_range", "is out of range, wanted 1m to 30d, or 0 for never")
    return seconds


def _interval(seconds: float) -> float:
    if not 1.0 <= seconds <= _DAY:
        raise PydanticCustomError("duration_range", "is out of range, wanted 1s to 1d")
    return seconds


def _name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise PydanticCustomError(
            "receiver_name", "is not a receiver's name: letters, digits, . _ and - make one"
        )
    if _TAKEN.fullmatch(text):
        raise PydanticCustomError("receiver_name", "is what netmon calls a receiver without a name")
    return text


def _header_name(text: str) -> str:
    if not _HEADER.fullmatch(text):
        raise PydanticCustomError("header_name", "is not the name of an HTTP header")
    if text.lower() in _OUR_HEADERS:
        raise PydanticCustomError("header_name", "is a header that netmon sets itself")
    return text


def _header_value(secret: Secret) -> Secret:
    if not _FIELD.fullmatch(secret.peek()):
        raise PydanticCustomError("header_value", "is not a header's value: one line of plain ASCII")
    return secret


def _content_type(text: str) -> str:
    if not text or not _FIELD.fullmatch(text):
        raise PydanticCustomError("content_type", "is not a content type like application/json")
    return text


def _some(severities: tuple[str, ...]) -> tuple[str, ...]:
    if not severities:
        raise PydanticCustomError("severities", "holds no severity: give it page, ticket or both")
    return severities


SecretUrl = Annotated[Secret, AfterValidator(_secret_url)]
Repeat = Annotated[
    float, BeforeValidator(_repeat), WithJsonSchema({"type": "string", "examples": ["4h", "0s"]})
]
Urgent = Literal["page", "ticket"]


class Alertmanager(Settings):
    """An Alertmanager, by its API v2; several of one cluster are each told everything."""

    url: Annotated[Secret, AfterValidator(_alertmanager_url)]
    username: str | None = None
    password: Secret | None = None
    ca_file: Path | None = None

    @model_validator(mode="after")
    def _both(self) -> "Alertmanager":
        if (self.username is None) is not (self.password is None):
            raise PydanticCustomError("credentials", "username and password go together: give both or none")
        return self

    @property
    def identity(self) -> str:
        """What stays over reloads and restarts: what it has been told is kept under it."""
        return f"alertmanager {self.url.fingerprint().hex()[:16]}"


class Webhook(Settings):
    """A URL that is sent each alert's beginning and end."""

    url: SecretUrl
    name: Annotated[str, AfterValidator(_name)] | None = None
    template: Annotated[Secret, AfterValidator(_template)] | None = None  # default: Alertmanager's format
    content_type: Annotated[str, AfterValidator(_content_type)] = "application/json"
    method: Literal["POST", "PUT"] = "POST"
    headers: dict[
        Annotated[str, AfterValidator(_header_name)], Annotated[Secret, AfterValidator(_header_value)]
    ] = Field(default_factory=dict)
    severities: Annotated[tuple[Urgent, ...], AfterValidator(_some)] = ("page", "ticket")
    repeat: Repeat = 0.0
    ca_file: Path | None = None

    @property
    def identity(self) -> str:
        """A named one stays itself when its URL's token is changed; an unnamed one is its URL."""
        return f"webhook {self.name or self.url.fingerprint().hex()[:16]}"

    @property
    def urgencies(self) -> frozenset[Urgency]:
        """What it is told of."""
        return frozenset(map(Urgency, self.severities))


class EventWebhook(Settings):
    """A URL that is sent the events of traps, each as in `/api/events`."""

    url: SecretUrl
    name: Annotated[str, AfterValidator(_name)] | None = None
    headers: dict[
        Annotated[str, AfterValidator(_header_name)], Annotated[Secret, AfterValidator(_header_value)]
    ] = Field(default_factory=dict)
    severities: Annotated[
        tuple[Literal["critical", "warning", "info"], ...],
        Field(min_length=1, description="Of which severities it is sent events."),
    ] = ("critical", "warning", "info")
    ca_file: Path | None = None

    @property
    def identity(self) -> str:
        """A named one stays itself when its URL's token is changed; an unnamed one is its URL."""
        return f"event webhook {self.name or self.url.fingerprint().hex()[:16]}"


class Heartbeat(Settings):
    """A URL that is asked for as long as the agent really works; whoever misses it raises the alarm."""

    url: Annotated[Secret, AfterValidator(partial(_secret_url, optional=True))] = Secret("")
    interval: Annotated[Duration, AfterValidator(_interval)] = _MINUTE
    ca_file: Path | None = None


class AlertingEntry(Settings):
    """`alerting`: netmon's own sending of alerts, for those who have no Prometheus to do it."""

    alertmanagers: Annotated[
        tuple[Annotated[Alertmanager, Short("url")], ...], Field(max_length=MAX_RECEIVERS)
    ] = ()
    webhooks: Annotated[tuple[Annotated[Webhook, Short("url")], ...], Field(max_length=MAX_RECEIVERS)] = ()
    heartbeat: Annotated[Heartbeat, Short("url")] = Heartbeat()

    @model_validator(mode="after")
    def _distinct(self) -> "AlertingEntry":
        for sort, receivers in (("alertmanagers", self.alertmanagers), ("webhooks", self.webhooks)):
            if len({receiver.identity for receiver in receivers}) < len(receivers):
                raise PydanticCustomError(
                    "receivers",
                    "{sort}: two are the same; give each a URL or, webhooks, a name of its own",
                    {"sort": sort},
                )
        return self
