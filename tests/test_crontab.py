"""Crontab expressions mean what they mean in a crontab."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from crontab_times import crontab_trigger

#: A Monday.
START = datetime(2026, 11, 23, tzinfo=UTC)


def firings(expression: str, count: int, timezone: str = "UTC", start: datetime = START) -> list[datetime]:
    """The first ones, each asked for after the one before, as by a scheduler that has missed them all."""
    trigger, fired = crontab_trigger(expression, timezone), [start]
    for _ in range(count):
        due = trigger.get_next_fire_time(fired[-1], start + timedelta(days=10_000))
        assert due is not None
        fired.append(due)
    return fired[1:]


def weekdays(expression: str) -> list[str]:
    """The days of the first seven firings."""
    return sorted({fired.strftime("%a") for fired in firings(expression, 7)})


@pytest.mark.parametrize(
    ("field", "days"),
    [
        ("0", ["Sun"]),
        ("7", ["Sun"]),
        ("1", ["Mon"]),
        ("1-3", ["Mon", "Tue", "Wed"]),
        ("0-1", ["Mon", "Sun"]),
        ("5-7", ["Fri", "Sat", "Sun"]),
        ("1,3", ["Mon", "Wed"]),
        ("mon-wed", ["Mon", "Tue", "Wed"]),
        ("sun", ["Sun"]),
        ("1-5/2", ["Fri", "Mon", "Wed"]),
        ("mon-fri/2", ["Fri", "Mon", "Wed"]),
        ("0-6/2", ["Sat", "Sun", "Thu", "Tue"]),
        ("*/2", ["Sat", "Sun", "Thu", "Tue"]),
        ("1-3,5-7/2", ["Fri", "Mon", "Sun", "Tue", "Wed"]),
        ("Sat-Sun", ["Sat", "Sun"]),
        ("*", ["Fri", "Mon", "Sat", "Sun", "Thu", "Tue", "Wed"]),
    ],
)
def test_days_of_the_week_are_those_of_a_crontab(field: str, days: list[str]) -> None:
    assert weekdays(f"0 9 * * {field}") == days


@pytest.mark.parametrize(
    ("field", "months"),
    [
        ("3", [3]),
        ("03", [3]),
        ("mar,DEC", [3, 12]),
        ("jan-mar", [1, 2, 3]),
        ("jan-dec/3", [1, 4, 7, 10]),
        ("1-12/3", [1, 4, 7, 10]),
        ("*/6", [1, 7]),
    ],
)
def test_months_are_those_of_a_crontab(field: str, months: list[int]) -> None:
    assert sorted({fired.month for fired in firings(f"0 0 1 {field} *", 12)}) == months


@pytest.mark.parametrize(
    "expression",
    [
        *("", "* * * *", "61 * * * *", "0 0 30 2 *", "a b c d e", "0 0 lastly * *"),
        *(f"* * * * {weekday}" for weekday in ("8", "5-1", "fri-mon", "1/2", "1#2", "mon!", "mon,", "*/0", "1-5/6")),
        *(f"* * * {month} *" for month in ("0", "13", "none", "dec-jan", "1/2", "jan!", "january", "*/13")),
    ],
)
def test_what_is_no_crontab_is_refused(expression: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - many messages are APScheduler's
        crontab_trigger(expression, "UTC")


def test_a_wrong_weekday_or_month_is_named() -> None:
    with pytest.raises(ValueError, match=r"weekday 'mon/2' should be \*, a, a-b, \*/n, a-b/n"):
        crontab_trigger("* * * * sun,mon/2", "UTC")
    with pytest.raises(ValueError, match="month 'juli' should be 1 to 12 or one of jan, feb"):
        crontab_trigger("* * * juli *", "UTC")


def test_a_day_together_with_a_weekday_is_refused_with_what_to_do() -> None:
    with pytest.raises(
        ValueError, match=r"day 13 and weekday 5 cannot both be given, .* make two jobs of it, or write"
    ):
        crontab_trigger("0 0 13 * 5", "UTC")


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("30 0 * * *", ["2026-03-29T00:30:00+01:00", "2026-03-30T00:30:00+02:00"]),
        ("0 0 1 * *", ["2026-04-01T00:00:00+02:00", "2026-05-01T00:00:00+02:00"]),
        ("30 2 * * *", ["2026-03-29T03:30:00+02:00", "2026-03-30T02:30:00+02:00"]),
        ("0,30 2 * * *", ["2026-03-29T03:00:00+02:00", "2026-03-29T03:30:00+02:00", "2026-03-30T02:00:00+02:00"]),
        ("30 2,3 * * *", ["2026-03-29T03:30:00+02:00", "2026-03-30T02:30:00+02:00"]),
    ],
    ids=["shortly after midnight", "the first of the month", "left out", "several left out", "both at one moment"],
)
def test_no_firing_is_lost_when_the_clocks_go_forward(expression: str, expected: list[str]) -> None:
    start = datetime(2026, 3, 28, 12, tzinfo=UTC)
    assert [due.isoformat() for due in firings(expression, len(expected), "Europe/Berlin", start)] == expected


def test_a_time_that_was_left_out_is_due_also_for_who_asks_after_the_change() -> None:
    after_the_change = datetime(2026, 3, 29, 1, 10, tzinfo=UTC)
    trigger = crontab_trigger("30 2 * * *", "Europe/Berlin")
    for previous in (None, datetime(2026, 3, 28, 1, 30, tzinfo=UTC)):
        due = trigger.get_next_fire_time(previous, after_the_change)
        assert due is not None
        assert due.isoformat() == "2026-03-29T03:30:00+02:00"


def test_a_midnight_that_does_not_exist_is_an_hour_later() -> None:
    (due,) = firings("0 0 * * *", 1, "Africa/Cairo", datetime(2026, 4, 23, 12, tzinfo=UTC))
    assert due.isoformat() == "2026-04-24T01:00:00+03:00"


def test_a_time_that_comes_twice_when_the_clocks_go_back_fires_twice() -> None:
    due = firings("30 2 * * *", 3, "Europe/Berlin", datetime(2026, 10, 24, 12, tzinfo=UTC))
    assert [each.isoformat() for each in due] == [
        "2026-10-25T02:30:00+02:00",
        "2026-10-25T02:30:00+01:00",
        "2026-10-26T02:30:00+01:00",
    ]


@pytest.mark.parametrize(
    ("timezone", "change"),
    [
        ("Europe/Berlin", datetime(2026, 3, 29, 1, tzinfo=UTC)),
        ("Europe/Berlin", datetime(2026, 10, 25, 1, tzinfo=UTC)),
        ("Africa/Cairo", datetime(2026, 4, 23, 22, tzinfo=UTC)),
        ("Africa/Cairo", datetime(2026, 10, 29, 21, tzinfo=UTC)),
        ("Australia/Lord_Howe", datetime(2026, 10, 3, 15, 30, tzinfo=UTC)),
        ("Australia/Lord_Howe", datetime(2026, 4, 4, 15, tzinfo=UTC)),
    ],
)
@pytest.mark.parametrize(
    "expression",
    ["*/15 * * * *", "30 2 * * *", "20,35 2 * * *", "0,59 0-3 * * *", "30 23,0 * * *", "7 */2 * * 0,5", "0 3 29 3 *"],
)
def test_around_a_change_every_time_fires_at_each_of_its_moments_wherever_one_begins_to_ask(
    expression: str, timezone: str, change: datetime
) -> None:
    begin, end = change - timedelta(hours=6), change + timedelta(hours=6)
    expected = moments(expression, timezone, begin, end)
    trigger = crontab_trigger(expression, timezone)
    for start in (begin + timedelta(minutes=10 * step, seconds=1) for step in range(6 * 11)):
        due = trigger.get_next_fire_time(None, start)
        assert due is not None
        assert due.astimezone(UTC) == next((each for each in expected if each >= start), due.astimezone(UTC))
        assert due.utcoffset() == due.astimezone(UTC).astimezone(ZoneInfo(timezone)).utcoffset()


def moments(expression: str, timezone: str, begin: datetime, end: datetime) -> list[datetime]:
    """When it fires between these, found by looking at every minute that clocks may show."""
    zone, calendar = ZoneInfo(timezone), crontab_trigger(expression, "UTC")
    found: set[datetime] = set()
    first = begin.astimezone(zone).replace(tzinfo=UTC) - timedelta(hours=2)
    for minute in range(16 * 60):
        shown = first + timedelta(minutes=minute)
        if calendar.get_next_fire_time(None, shown) == shown:
            due = {shown.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)}
            found |= due if any(each.astimezone(zone).replace(tzinfo=UTC) == shown for each in due) else {max(due)}
    return sorted(each for each in found if begin <= each <= end)
