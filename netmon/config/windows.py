"""`windows` of netmon.yml: maintenance windows as people write them."""

import re
import zoneinfo
from collections.abc import Mapping
from datetime import UTC, datetime, time, tzinfo
from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from netmon.errors import NetmonError
from netmon.fields import Duration, Ref, Settings
from netmon.windows import DAYS, MAX_DURATION, Once, Selector, Weekly, Window
from netmon.wording import did_you_mean

LOCALTIME: Final = Path("/etc/localtime")
_MINUTE: Final = 60.0
_TIME: Final = re.compile(r"[0-9]{2}:[0-9]{2}(:[0-9]{2})?")
_MOMENT: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[ T]" + _TIME.pattern)
_YEARS: Final = range(1970, 9000)


class ZoneError(NetmonError):
    """The machine's own time zone cannot be told."""


def _time(text: object) -> time:
    try:
        if isinstance(text, str) and _TIME.fullmatch(text):
            return time.fromisoformat(text)
    except ValueError:
        pass
    raise PydanticCustomError("time_of_day", "is not a time of day like 02:00")


def _moment(text: object) -> datetime:
    try:
        if isinstance(text, str) and _MOMENT.fullmatch(text):
            moment = datetime.fromisoformat(text)
            if moment.year in _YEARS:
                return moment
    except ValueError:
        pass
    raise PydanticCustomError("moment", "is not a day and a time like 2026-12-01 02:00")


def _zone(name: str) -> str:
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        there = zoneinfo.available_timezones()
        if not there:
            raise PydanticCustomError(
                "zones", "is not known: this machine has no time zones; install the package tzdata"
            ) from None
        hint = did_you_mean(name, there) or ", wanted one like Europe/Warsaw"
        raise PydanticCustomError(
            "zone", "is not a time zone of this machine{hint}", {"hint": hint}
        ) from None
    return name


def _duration(seconds: float) -> float:
    if not _MINUTE <= seconds <= MAX_DURATION:
        raise PydanticCustomError("duration_range", "is out of range, wanted 1m to 7d")
    return seconds


def _line(text: str) -> str:
    if not text.isprintable():
        raise PydanticCustomError("one_line", "holds characters that cannot be printed")
    return text


Line = Annotated[str, Field(max_length=500), AfterValidator(_line)]
TimeOfDay = Annotated[time, BeforeValidator(_time), WithJsonSchema({"type": "string", "examples": ["02:00"]})]
Moment = Annotated[
    datetime, BeforeValidator(_moment), WithJsonSchema({"type": "string", "examples": ["2026-12-01 02:00"]})
]


class WindowEntry(Settings):
    """An entry of `windows`."""

    name: Annotated[str, Field(min_length=1, max_length=100), AfterValidator(_line)]
    why: Line = ""
    hosts: tuple[str, ...] = ()  # names and shell patterns
    groups: tuple[Annotated[str, Ref("groups")], ...] = ()
    labels: dict[str, str] = Field(default_factory=dict)
    all: bool = False
    days: tuple[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], ...] = ()
    start: TimeOfDay | None = None
    duration: Annotated[Duration, AfterValidator(_duration)] | None = None
    from_: Moment | None = Field(default=None, alias="from")
    to: Moment | None = None
    timezone: Annotated[str, AfterValidator(_zone)] | None = None

    @model_validator(mode="after")
    def _whole(self) -> Self:
        selected = self.hosts or self.groups or self.labels
        if not selected and not self.all:
            raise PydanticCustomError(
                "window_hosts", "covers no host: give it hosts, groups or labels, or all: true"
            )
        if selected and self.all:
            raise PydanticCustomError(
                "window_all", "covers all hosts by all: true; leave out that or hosts, groups and labels"
            )
        weekly = self.start is not None, self.duration is not None
        once = self.from_ is not None, self.to is not None
        if not (all(weekly) and not any(once)) and not (all(once) and not any(weekly) and not self.days):
            raise PydanticCustomError(
                "window_hours", "has no clear time: give it start and duration (and days), or from and to"
            )
        if self.from_ is not None and self.to is not None and self.from_ >= self.to:
            raise PydanticCustomError("window_order", "ends before it begins: look at from and to")
        return self

    def window(self, env: Mapping[str, str]) -> Window:
        """As it is asked.  Raises ZoneError where there is neither a time zone here nor for the machine."""
        zone = local_zone(env) if self.timezone is None else zoneinfo.ZoneInfo(self.timezone)
        hours: Weekly | Once
        if self.from_ is not None and self.to is not None:
            hours = Once.civil(self.from_, self.to, zone)
        else:
            assert self.start is not None and self.duration is not None  # noqa: S101, PT018 - see _whole
            days = frozenset(DAYS.index(day) for day in self.days or DAYS)
            hours = Weekly(self.start, self.duration, zone, days)
        return Window(self.name, self.why, Selector(self.hosts, self.groups, self.labels), hours)


def local_zone(env: Mapping[str, str], localtime: Path = LOCALTIME) -> tzinfo:
    """The machine's own time zone: `TZ`, or what /etc/localtime is; UTC where there is neither.

    Raises ZoneError.
    """
    name = env.get("TZ", "").removeprefix(":")
    place = Path(name) if name.startswith("/") else localtime
    try:
        if name and place == localtime:
            return zoneinfo.ZoneInfo(name)
        with place.open("rb") as file:
            return zoneinfo.ZoneInfo.from_file(file, key=str(place))
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError) as error:
        if not name and isinstance(error, FileNotFoundError):
            return UTC
        what = f'TZ="{name}"' if name else str(localtime)
        raise ZoneError(
            f"this machine's time zone ({what}) cannot be read; give the window a timezone"
        ) from None
