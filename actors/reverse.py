"""A text, backwards."""

from typing import Annotated

import regex
from pydantic import BaseModel, Field

from task import task

NonEmptyText = Annotated[str, Field(min_length=1, max_length=100_000)]


class ReversedText(BaseModel):
    """The text, last character first."""

    reversed_text: str


@task(name="reverse_string")
def reverse(text: NonEmptyText) -> ReversedText:
    """Reverses a text by user-perceived characters, so that an emoji or an accented letter stays whole."""
    if text.isascii() and "\r\n" not in text:  # the one character of ASCII that is made of two
        return ReversedText(reversed_text=text[::-1])
    # \X is an extended grapheme cluster (Unicode UAX #29), which Python's own `re` does not know.
    return ReversedText(reversed_text="".join(reversed(regex.findall(r"\X", text))))
