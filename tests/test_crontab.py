"""Crontab expressions mean what they mean in a crontab."""

from datetime import UTC, datetime

import pytest

from setting_types import crontab_trigger

#: A Monday.
START = datetime(2026, 11, 23, tzinfo=UTC)


def weekdays(expression: str) -> list[str]:
    """The days of the first seven firings."""
    trigger, now, days = crontab_trigger(expression, "UTC"), START, []
    for _ in range(7):
        fired = trigger.get_next_fire_time(now, now)
        assert fired is not None
        days.append(fired.strftime("%a"))
        now = fired
    return sorted(set(days))


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
        ("*", ["Fri", "Mon", "Sat", "Sun", "Thu", "Tue", "Wed"]),
    ],
)
def test_days_of_the_week_are_those_of_a_crontab(field: str, days: list[str]) -> None:
    assert weekdays(f"0 9 * * {field}") == days


@pytest.mark.parametrize(
    "expression", ["", "* * * *", "* * * * 8", "61 * * * *", "0 0 30 2 *", "0 0 * * 5-1", "a b c d e"]
)
def test_what_never_fires_is_refused(expression: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 - most messages are APScheduler's
        crontab_trigger(expression, "UTC")
