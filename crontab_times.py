"""The times of a crontab expression: five fields that mean here what they mean in a crontab.

APScheduler counts weekdays from Monday, ignores what follows the name of a day or a month (`mon-fri/2`), and fires when
day and weekday both fit, where in most crontabs either is enough. Of the times that clocks leave out in spring it fires
the first one only, and none when it is asked after the change.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from typing import NamedTuple
from zoneinfo import ZoneInfo

from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.cron import CronTrigger


class Named(NamedTuple):
    """A field whose values have names, each at the place of its number; `every` is what `*` stands for."""

    title: str
    every: range
    names: tuple[str, ...]


#: 0 and 7 are Sunday.
WEEKDAY = Named("weekday", range(7), ("sun", "mon", "tue", "wed", "thu", "fri", "sat", "sun"))
MONTH = Named(
    "month",
    range(1, 13),
    ("none", "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"),
)

#: `a`, or `*` or `a-b` with or without a step.
PART = re.compile(r"([a-z0-9]+)|(?:\*|([a-z0-9]+)-([a-z0-9]+))(?:/([0-9]+))?")


#: The longest change of the clocks that is looked for. Only islands that moved across the date line had a longer one.
LONGEST_CHANGE = timedelta(hours=4)

MOMENT = timedelta(microseconds=1)


class ClockTimes(BaseTrigger):  # type: ignore[misc]
    """Fires whenever the clocks of a time zone show one of the times.

    A time that they show twice in autumn fires twice. One that they leave out in spring fires when it would have come
    by the clock before the change. So it does not depend on who asks, nor when, whether it fires at a moment.

    Parameters:
        times: on a calendar whose clocks never change, as those of UTC.
    """

    def __init__(self, times: CronTrigger, timezone: tzinfo) -> None:
        self._times = times
        self._timezone = timezone

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime | None:
        """The first such time after the previous one, or from now on."""
        start = now.astimezone(UTC)
        if previous_fire_time is not None:
            start = min(start, previous_fire_time.astimezone(UTC) + MOMENT)
        near = (start - LONGEST_CHANGE, start, start + LONGEST_CHANGE)
        # Beside a change, what is due next may be behind or ahead of what the clocks show at the start.
        shown = {start + (moment.astimezone(self._timezone).utcoffset() or timedelta()) for moment in near}
        due = min((due for each in shown for due in self._due(each) if due >= start), default=None)
        return due and due.astimezone(self._timezone)

    def _due(self, shown: datetime) -> Iterator[datetime]:
        """When the clocks show the first of the times from that one on, and those before it that they leave out."""
        while time := self._times.get_next_fire_time(None, shown):
            first, second = (time.replace(tzinfo=self._timezone, fold=fold).astimezone(UTC) for fold in (0, 1))
            yield first
            if first <= second:
                yield second
                return
            # It does not exist: by the clock after the change it would have been before that.
            shown = time + MOMENT


def crontab_trigger(expression: str, timezone: str) -> ClockTimes:
    """Fires at the times of five crontab fields, in the time zone.

    Raises:
        ValueError: when that is no crontab expression, or one without any time, such as 30 February.
    """
    fields = expression.split()
    if len(fields) != len(("minute", "hour", "day", "month", "weekday")):
        raise ValueError(f"it has {len(fields)} fields")
    minute, hour, day, month, weekday = fields
    _check_days(day, weekday)
    times = CronTrigger(
        minute=minute,
        hour=hour,
        day=day,
        month=_listed(month, MONTH),
        day_of_week=_listed(weekday, WEEKDAY),
        timezone=UTC,
    )
    trigger = ClockTimes(times, ZoneInfo(timezone))
    if trigger.get_next_fire_time(None, datetime.now(UTC)) is None:
        raise ValueError("it never fires")
    return trigger


def _check_days(day: str, weekday: str) -> None:
    if "*" not in (day, weekday):
        raise ValueError(
            f"day {day} and weekday {weekday} cannot both be given, as crontabs differ in whether either is enough: "
            "make two jobs of it, or write * for one of the two"
        )
    # Of what begins so APScheduler would ignore the rest.
    if wrong := re.search(r"\blast[^,]+", day, re.IGNORECASE):
        raise ValueError(f"day {wrong[0]!r} should be 'last'")


def _listed(field: str, named: Named) -> str:
    """The names of all that the field stands for; every one remains `*`."""
    return "*" if field == "*" else ",".join(name for part in field.lower().split(",") for name in _names(part, named))


def _names(part: str, named: Named) -> list[str]:
    match = PART.fullmatch(part)
    if not match:
        accepted = "*, a, a-b, */n, a-b/n or several of these with commas between"
        raise ValueError(f"{named.title} {part!r} should be {accepted}")
    alone, first, last, step = match.groups()
    numbers = named.every
    if alone or first:
        start = _number(alone or first, named)
        numbers = range(start, _number(alone or last, named, start) + 1)
    if not 1 <= int(step or 1) <= len(numbers):
        raise ValueError(f"the step of {named.title} {part!r} should be 1 to {len(numbers)}")
    return [named.names[number] for number in numbers[:: int(step or 1)]]


def _number(value: str, named: Named, start: int = 0) -> int:
    """What a number or a name stands for, not before the start of its range: `sun` at the end of one is 7."""
    lowest, numbers = named.every.start, range(len(named.names))
    later = numbers[max(start, lowest) :]
    possible = [number for number in later if value in (str(number), f"{number:02}", named.names[number])]
    if not possible:
        names = ", ".join(dict.fromkeys(named.names[lowest:]))
        after = f" and not before {start}" if start else ""
        raise ValueError(f"{named.title} {value!r} should be {lowest} to {numbers[-1]} or one of {names}{after}")
    return possible[0]
