"""Message templates: Jinja2 in its sandbox, strict about names, bounded in what they put out.

The config checks a template when it is read, and alerting fills it in when something has happened, so
both need it.  A name that does not exist is a mistake and never an empty place in a page at night.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from typing import Any, Final

from jinja2 import StrictUndefined, TemplateError, TemplateSyntaxError, meta
from jinja2.sandbox import SandboxedEnvironment

from netmon.errors import NetmonError

MAX_OUTPUT: Final = 1 << 20  # characters of a message

# What a template may name; `alerts` is the list, the others are the first alert's.
VARIABLES: Final = (
    "status",
    "alerts",
    "alertname",
    "host",
    "agent",
    "severity",
    "verdict",
    "summary",
    "description",
    "cause",
    "since",
    "explain",
    "runbook_url",
    "labels",
    "annotations",
    "startsAt",
    "endsAt",
    "generatorURL",
    "fingerprint",
    "externalURL",
)
_QUOTED: Final = re.compile(r"'([^']*)'")


class MessageError(NetmonError):
    """A template that is wrong, or that cannot be filled in; the sentence never quotes it."""


class MessageTemplate:
    """A template that has been read.  Its filter `tojson` makes any value safe within JSON."""

    def __init__(self, text: str) -> None:
        """Raises MessageError with the line within the template."""
        # A body is no HTML page; `tojson` is what keeps hostile text in its place.
        environment = SandboxedEnvironment(autoescape=False, undefined=StrictUndefined)
        try:
            tree = environment.parse(text)
            self._template = environment.from_string(tree)
            self._names = meta.find_undeclared_variables(tree)
        except TemplateSyntaxError as error:
            raise MessageError(f"line {error.lineno} of the template: {_unquoted(error, text)}") from None
        except (TemplateError, RecursionError, ValueError, SyntaxError):
            raise MessageError("the template cannot be compiled") from None
        wrong = sorted(self._names.difference(VARIABLES))
        if wrong:
            raise MessageError(
                f"the template names {len(wrong)} variable{'s' * (len(wrong) > 1)} that no alert has; "
                f"there are {', '.join(VARIABLES)}"
            )

    @cached_property
    def of_all(self) -> bool:
        """Whether it goes through `alerts`; one that does not can tell of one alert only."""
        return "alerts" in self._names

    def render(self, variables: Mapping[str, Any]) -> str:
        """The text.  Raises MessageError, as where a host lacks a label that the template wants."""
        try:
            text = "".join(_bounded(self._template.generate(variables)))
        except MessageError:
            raise
        except Exception as error:  # noqa: BLE001 - an expression may fail in any way
            # Its text could quote an alert or the template: the sort of the mistake must do.
            raise MessageError(f"the template cannot be filled in: {type(error).__name__}") from None
        return text


def _bounded(parts: Iterable[str]) -> Iterator[str]:
    size = 0
    for part in parts:
        size += len(part)
        if size > MAX_OUTPUT:
            raise MessageError(f"the template makes more than {MAX_OUTPUT >> 20} MiB of text")
        yield part


def _unquoted(error: TemplateSyntaxError, text: str) -> str:
    """Jinja's sentence without the pieces of the template, which may hold a token."""
    sentence = _QUOTED.sub(
        lambda quoted: "'…'" if quoted[1] in text else quoted[0], error.message or "is not Jinja2"
    )
    return sentence.rstrip(".")
