"""Dates that agents send: as octets (RFC 2579), as text of a module's own pattern, as NTP time.

Calendars roll over as snmp_exporter's do: month 13 is January of the next year, and the day 0 the last
of the month before.  So a device that sends zeros for "never" gives the same number as there, and
the same for a text without a year (1900).  No locale and no time zone of this machine has a say:
names of days and months are English, and what names no offset is UTC.
"""

from collections.abc import Callable, Sequence
from typing import Final

_DAY: Final = 86_400
_WITHOUT_ZONE, _WITH_ZONE = 8, 11  # octets of a DateAndTime
_NTP_EPOCH: Final = 2_208_988_800  # seconds from 1900 to 1970, RFC 5905 §6
_NTP_OCTETS: Final = 8

_MONTHS: Final = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_DAYS: Final = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
_SHORT_MONTHS: Final = tuple(name[:3] for name in _MONTHS)
_SHORT_DAYS: Final = tuple(name[:3] for name in _DAYS)
# Directives that stand for several.
_WHOLE: Final = {
    "c": "%a %b %e %H:%M:%S %Y", "+": "%a %b %e %H:%M:%S %Z %Y", "v": "%e-%b-%Y", "r": "%I:%M:%S %p",
    "F": "%Y-%m-%d", "D": "%m/%d/%y", "x": "%m/%d/%y", "T": "%H:%M:%S", "X": "%H:%M:%S", "R": "%H:%M",
}  # fmt: skip
# Directive -> what it sets, most digits, least and greatest value.
_NUMBERS: Final = {
    "Y": ("year", 4, 0, 9999), "C": ("century", 2, 0, 99), "m": ("month", 2, 1, 12),
    "d": ("day", 2, 1, 31), "e": ("day", 2, 1, 31), "j": ("yday", 3, 1, 366),
    "H": ("hour", 2, 0, 23), "k": ("hour", 2, 0, 23), "I": ("hour", 2, 1, 12), "l": ("hour", 2, 1, 12),
    "M": ("minute", 2, 0, 59), "S": ("second", 2, 0, 60), "f": ("", 6, 0, 999_999),
    "w": ("", 1, 0, 6), "u": ("", 1, 1, 7), "y": ("year", 2, 0, 99), "s": ("epoch", 19, 0, 10**19),
}  # fmt: skip
_NAMES: Final = {
    "B": ("month", _MONTHS), "b": ("month", _SHORT_MONTHS), "h": ("month", _SHORT_MONTHS),
    "A": ("", _DAYS), "a": ("", _SHORT_DAYS), "p": ("half", ("AM", "PM")), "P": ("half", ("AM", "PM")),
}  # fmt: skip
_SPACED: Final = "ekl"  # a blank may stand for the first digit
_SIGNED: Final = "Ys"
_ZERO_ZONES: Final = frozenset(("UTC", "GMT", "Z"))
_PIVOT: Final = 69  # two digits of a year from here on are of the last century, POSIX strptime
_NOON: Final = 12

# A step reads at a position, notes what it found and gives the position behind; None: it does not fit.
_Found = dict[str, int]
_Step = Callable[[str, int, _Found], int | None]


class PatternError(ValueError):
    """A text that is no pattern of a date."""


class DatePattern:
    """A pattern like `%b %d %Y`, ready to read dates."""

    __slots__ = ("_steps", "text")

    def __init__(self, text: str) -> None:
        """Raises PatternError if the pattern holds a directive that is none."""
        self.text = text
        self._steps: Sequence[_Step] = _compile(text)

    def __repr__(self) -> str:
        return f"DatePattern({self.text!r})"

    def seconds(self, text: str) -> int | None:
        """Seconds since the epoch of a date; None if the text does not fit the pattern as a whole."""
        found: _Found = {}
        at = 0
        for step in self._steps:
            behind = step(text, at, found)
            if behind is None:
                return None
            at = behind
        return _seconds(found) if at == len(text) else None


def date_and_time(octets: bytes) -> int | None:
    """Seconds since the epoch of a DateAndTime (RFC 2579 §2), without its tenths; None if it is none.

    Eight octets hold no time zone and are taken as UTC; eleven end in direction and offset.
    """
    if len(octets) not in (_WITHOUT_ZONE, _WITH_ZONE):
        return None
    seconds = days(int.from_bytes(octets[:2], "big"), octets[2], octets[3]) * _DAY
    seconds += octets[4] * 3600 + octets[5] * 60 + octets[6] + octets[7] // 10
    if len(octets) == _WITH_ZONE:
        sign, hours, minutes = octets[8:]
        if sign not in b"+-" or hours > 24 or minutes > 60:  # noqa: PLR2004 - of a day, of an hour
            return None
        offset = hours * 3600 + minutes * 60
        seconds += offset if sign == ord("-") else -offset
    return seconds


def ntp_timestamp(octets: bytes) -> int | None:
    """Seconds since the epoch of an NTP timestamp (RFC 5905 §6), without its fraction; None if it is none."""
    if len(octets) < _NTP_OCTETS:
        return None
    return int.from_bytes(octets[:4], "big") - _NTP_EPOCH


def days(year: int, month: int, day: int) -> int:
    """Days since the epoch in the proleptic Gregorian calendar; any month and any day will do."""
    # Years that begin in March have the odd day at their end; five months of them are 153 days.
    years, months = divmod(year * 12 + month - 3, 12)
    return years * 365 + years // 4 - years // 100 + years // 400 + (153 * months + 2) // 5 + day - 719_469


def _seconds(found: _Found) -> int:
    if "epoch" in found:
        return found["epoch"]
    year = found.get("year", 1900)
    if "century" in found:
        year = found["century"] * 100 + year % 100
    if "day" not in found and "yday" in found:
        day = days(year, 1, found["yday"])
    else:
        day = days(year, found.get("month", 1), found.get("day", 1))
    hour = found.get("hour", 0) + (_NOON if found.get("half") == 2 else 0)  # noqa: PLR2004 - the second half
    return (
        day * _DAY + hour * 3600 + found.get("minute", 0) * 60 + found.get("second", 0) - found.get("zone", 0)
    )


def _compile(text: str) -> list[_Step]:
    steps: list[_Step] = []
    at = 0
    while at < len(text):
        if text[at] != "%":
            steps.append(_literal(text[at]))
            at += 1
            continue
        end = at + 1
        while text[end : end + 1] == ":" and end < at + 4:
            end += 1
        name = text[end : end + 1]
        if end > at + 1 and name != "z":
            raise PatternError(f'holds "{text[at : end + 1]}", where only %:z has a colon')
        steps += _directive(name, text[at : end + 1])
        at = end + 1
    return steps


def _directive(name: str, written: str) -> list[_Step]:
    if name in _WHOLE:
        return _compile(_WHOLE[name])
    if name in _NUMBERS:
        return [_number(name, *_NUMBERS[name])]
    if name in _NAMES:
        return [_name(*_NAMES[name])]
    if name == "%":
        return [_literal("%")]
    single: dict[str, _Step] = {"Z": _zone_name, "z": _zone, "t": _spaces, "n": _spaces}
    if name in single:
        return [single[name]]
    if name and name in "GgVUW":
        raise PatternError(f'holds "{written}": netmon reads no dates by the number of a week')
    raise PatternError(f'holds "{written}", which is no part of a date')


def _literal(character: str) -> _Step:
    def step(text: str, at: int, _found: _Found) -> int | None:
        return at + 1 if text[at : at + 1] == character else None

    return step


def _number(name: str, field: str, digits: int, low: int, high: int) -> _Step:
    def step(text: str, at: int, found: _Found) -> int | None:
        sign = 1
        if name in _SIGNED and text[at : at + 1] == "-":
            sign, at = -1, at + 1
        if name in _SPACED and text[at : at + 1] == " ":
            at += 1
        end = at
        while end < at + digits and "0" <= text[end : end + 1] <= "9":
            end += 1
        if end == at or not low <= int(text[at:end]) <= high:
            return None
        value = sign * int(text[at:end])
        if name == "y":
            value += 2000 if value < _PIVOT else 1900
        elif name in "Il":
            value %= _NOON
        if field:
            found[field] = value
        return end

    return step


def _name(field: str, names: Sequence[str]) -> _Step:
    def step(text: str, at: int, found: _Found) -> int | None:
        for number, name in enumerate(names, 1):
            if text[at : at + len(name)].lower() == name.lower():
                if field:
                    found[field] = number
                return at + len(name)
        return None

    return step


def _zone_name(text: str, at: int, found: _Found) -> int | None:
    """The name of a zone: UTC and GMT, and any other counts as UTC too, for a name tells no offset."""
    end = at
    while "A" <= text[end : end + 1] <= "Z":
        end += 1
    if end - at < 3 and text[at:end] not in _ZERO_ZONES:  # noqa: PLR2004 - the shortest name but Z
        return None
    found.setdefault("zone", 0)
    return end


def _zone(text: str, at: int, found: _Found) -> int | None:
    """An offset: +hh, +hhmm, +hh:mm, +hh:mm:ss or Z."""
    sign = text[at : at + 1]
    if sign == "Z":
        found["zone"] = 0
        return at + 1
    if sign not in ("+", "-"):
        return None
    at += 1
    offset = 0
    for unit, limit in ((3600, 23), (60, 59), (1, 59)):
        start = at + 1 if unit < 3600 and text[at : at + 1] == ":" else at  # noqa: PLR2004 - not the hours
        digits = text[start : start + 2]
        if len(digits) < 2 or not (digits.isascii() and digits.isdigit()) or int(digits) > limit:  # noqa: PLR2004
            if unit == 3600:  # noqa: PLR2004 - the hours must be there
                return None
            break
        if unit == 1 and start == at:
            break  # seconds only behind a colon
        offset += int(digits) * unit
        at = start + 2
    found["zone"] = offset if sign == "+" else -offset
    return at


def _spaces(text: str, at: int, _found: _Found) -> int | None:
    end = at
    while text[end : end + 1] and text[end] in " \t\n\v\f\r":
        end += 1
    return end if end > at else None
