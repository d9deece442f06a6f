"""A text, backwards."""

from typing import Annotated

import regex
from pydantic import BaseModel, Field

from task import task

#: An extended grapheme cluster (Unicode UAX #29), which Python's own `re` does not know. Flags that follow one another
#: are taken by themselves: `\X` counts from the first of them at each, which took 9 s for 100,000 characters.
CLUSTER = regex.compile(r"\p{Regional_Indicator}{2}(?=\p{Regional_Indicator})|\X")

NonEmptyText = Annotated[str, Field(min_length=1, max_length=100_000, examples=["hello"])]


class ReversedText(BaseModel):
    """The text, last character first."""

    reversed_text: Annotated[str, Field(examples=["olleh"])]


@task(name="reverse_string")
def reverse(text: NonEmptyText) -> ReversedText:
    """Reverses a text by user-perceived characters, so that an emoji or an accented letter stays whole."""
    if text.isascii() and "\r\n" not in text:  # the one character of ASCII that is made of two
        return ReversedText(reversed_text=text[::-1])
    return ReversedText(reversed_text="".join(reversed(CLUSTER.findall(text))))
