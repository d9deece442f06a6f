"""What the page shows of values that may be as long as a request."""

#: The page is sent a hundred requests twice a second, so no more characters of a user id or a task type are in it.
MOST_CHARACTERS = 200


def shown(value: str | int | None) -> str | int | None:
    """The value itself, or where that is too long the beginning of its text."""
    text = str(value)
    return value if len(text) <= MOST_CHARACTERS else f"{text[:MOST_CHARACTERS]}…"
