"""`mailflows` of netmon.yml: messages that are sent through the mail, and the mailboxes they must reach."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Final, Self

from pydantic import Field, GetJsonSchemaHandler, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError

from netmon.config.mistakes import Mistakes, seen
from netmon.config.nodes import ListNode, MapNode, Node, ScalarNode
from netmon.config.values import HostName, Interval, Timeout
from netmon.fields import Duration, Settings
from netmon.probes.mailflow_settings import FetchSettings, MailflowSettings, SendSettings
from netmon.probes.smtp_settings import is_mail_address

_DEADLINE: Final = 120.0  # seconds that a message may take, as long as its interval is longer
_LATE_AFTER: Final = 60.0  # seconds, or half of a shorter deadline
_LEAST_DEADLINE: Final = 10.0


class OneOrMany:
    """Marks a list whose only entry may stand there without being in a list."""

    def __get_pydantic_json_schema__(
        self, core: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        schema = handler(core)
        return {"anyOf": [schema["items"], schema]}


class MailflowEntry(Settings):
    """An entry of `mailflows`: a message goes in at `send` and must come out of each mailbox of `fetch`.

    It is lost after `deadline` (a run never outlives its interval), and late after `late_after`.
    """

    name: HostName
    send: SendSettings
    fetch: Annotated[
        tuple[FetchSettings, ...],
        Field(max_length=10, description="A mailbox, or a list of them."),
        OneOrMany(),
    ]
    interval: Interval = 300.0
    timeout: Timeout | None = None  # for one answer; default: that of `defaults`
    deadline: Annotated[
        Duration | None, Field(description="Until when a message must come; 2m, or the interval.")
    ] = None
    late_after: Annotated[Duration | None, Field(description="From when on it is late: 1m by default.")] = (
        None
    )

    @model_validator(mode="after")
    def _in_time(self) -> Self:
        if self.deadline is not None and self.deadline > self.interval:
            raise PydanticCustomError(
                "mailflow_deadline", "deadline must not be longer than interval, for runs do not overlap"
            )
        if self.longest < _LEAST_DEADLINE:
            raise PydanticCustomError(
                "mailflow_deadline", "deadline is too short, wanted at least 10s for mail to arrive"
            )
        if self.late_after is not None and self.late_after >= self.longest:
            raise PydanticCustomError(
                "mailflow_late", "late_after must be shorter than deadline, after which a message is lost"
            )
        return self

    @model_validator(mode="after")
    def _addressed(self) -> Self:
        if not self.fetch:
            raise PydanticCustomError("mailflow_fetch", "has no mailbox to look into: fetch is empty")
        if not self.recipient:
            raise PydanticCustomError(
                "mailflow_to", "has no recipient: set send.to to the address that the mailbox is of"
            )
        return self

    @property
    def longest(self) -> float:
        """Seconds that a run may take."""
        return min(self.interval, _DEADLINE) if self.deadline is None else self.deadline

    @property
    def recipient(self) -> str:
        """`send.to`, or the first mailbox's user if that is an address."""
        user = self.fetch[0].login.username
        return self.send.to or (user if is_mail_address(user) else "")

    def settings(self, addresses: Mapping[str, str]) -> MailflowSettings:
        """As the probe reads them; `addresses` are those of the hosts by name."""
        late = min(_LATE_AFTER, self.longest / 2) if self.late_after is None else self.late_after
        return MailflowSettings(
            name=self.name,
            send=self.send,
            fetch=self.fetch,
            sender=self.send.from_ or self.recipient,
            recipient=self.recipient,
            deadline=self.longest,
            late_after=late,
            addresses=(addresses[self.send.host], *(addresses[box.host] for box in self.fetch)),
        )


def as_lists(flows: Sequence[Node]) -> None:
    """Write the one mailbox of `fetch` as a list of one."""
    for flow in flows:
        fetch = flow.items.get("fetch") if isinstance(flow, MapNode) else None
        if isinstance(flow, MapNode) and isinstance(fetch, MapNode):
            flow.items["fetch"] = ListNode(fetch.source, fetch.line, fetch.column, [fetch])


def check_mailflows(flows: Sequence[Node], mistakes: Mistakes) -> None:
    """No two have one name, by which their series are told apart; no secret stands in the file itself."""
    named: dict[str, Node] = {}
    for flow in flows:
        if not isinstance(flow, MapNode):
            continue
        name = flow.items.get("name")
        if isinstance(name, ScalarNode) and isinstance(name.value, str):
            first = named.setdefault(name.value, name)
            if first is not name:
                where = f"{first.source.name}:{first.line}:{first.column}"
                mistakes.at(name, f"{seen(name)} is a mailflow already, at {where}")
        fetch = flow.items.get("fetch")
        for leg in (flow.items.get("send"), *(fetch.items if isinstance(fetch, ListNode) else ())):
            for secret in _secrets(leg):
                mistakes.at(
                    secret, 'a secret stands in the file itself: write "${env:NAME}" or "${file:PATH}" there'
                )


def _secrets(leg: Node | None) -> Iterator[ScalarNode]:
    """The secrets of an end's login that are written out."""
    login = leg.items.get("login") if isinstance(leg, MapNode) else None
    oauth2 = login.items.get("oauth2") if isinstance(login, MapNode) else None
    for node, key in ((login, "password"), (oauth2, "client_secret")):
        value = node.items.get(key) if isinstance(node, MapNode) else None
        if isinstance(value, ScalarNode) and isinstance(value.value, str) and not value.expanded:
            yield value


def fetched_hosts(flows: Sequence[Node]) -> frozenset[object]:
    """The hosts that mailflows are checks of: those of their first mailboxes."""
    found: set[object] = set()
    for flow in flows:
        fetch = flow.items.get("fetch") if isinstance(flow, MapNode) else None
        first = fetch.items[0] if isinstance(fetch, ListNode) and fetch.items else None
        host = first.items.get("host") if isinstance(first, MapNode) else None
        if isinstance(host, ScalarNode) and isinstance(host.value, str):
            found.add(host.value)
    return frozenset(found)
