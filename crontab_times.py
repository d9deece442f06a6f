"""The times of a crontab expression: five fields that mean here what they mean in a crontab.

APScheduler counts weekdays from Monday, ignores what follows the name of a day or a month (`mon-fri/2`), and fires when
day and weekday both fit, where in most crontabs either is enough.
"""

import re
from datetime import UTC, datetime
from typing import NamedTuple

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


class ClockTimes(CronTrigger):  # type: ignore[misc]
    """Fires whenever the clocks of its time zone show one of its times.

    Of the times that they leave out in spring, the first one fires when it would have been by the clock before the
    change, unless it is asked for only after the change.
    """

    def _increment_field_value(self, dateval: datetime, fieldnum: int) -> tuple[datetime, int]:
        # APScheduler goes from one midnight to a later one by the hours that these have between them on an ordinary
        # day. With an hour left out it comes to 01:00, and what is due before on that day is lost.
        reached, fieldnum = super()._increment_field_value(dateval, fieldnum)
        if reached.utcoffset() > dateval.utcoffset():
            # To a time with a zone Python adds what its clocks show.
            reached = dateval + (reached.astimezone(UTC) - dateval.astimezone(UTC))
        return reached, fieldnum

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime | None:
        """The first such time after the previous one, or from now on."""
        due: datetime | None = super().get_next_fire_time(previous_fire_time, now)
        # By way of UTC, a time that does not exist becomes what the clocks show instead.
        return due and due.astimezone(UTC).astimezone(self.timezone)


def crontab_trigger(expression: str, timezone: str) -> CronTrigger:
    """Fires at the times of five crontab fields, in the time zone.

    Raises:
        ValueError: when that is no crontab expression, or one without any time, such as 30 February.
    """
    fields = expression.split()
    if len(fields) != len(("minute", "hour", "day", "month", "weekday")):
        raise ValueError(f"it has {len(fields)} fields")
    minute, hour, day, month, weekday = fields
    _check_days(day, weekday)
    trigger = ClockTimes(
        minute=minute,
        hour=hour,
        day=day,
        month=_listed(month, MONTH),
        day_of_week=_listed(weekday, WEEKDAY),
        timezone=timezone,
    )
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
