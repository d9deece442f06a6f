"""Dead letters for the page: a list, one of them, and what may be done about them.

What its clients have sent is there as JSON text too, since a browser would round a long number.
"""

from collections.abc import Iterable
from typing import Annotated, Any, Self

from pydantic import BaseModel, Field, model_validator
from pydantic_core import PydanticCustomError

from client.letters import dead_letters, everything, find, find_to_retry, summary
from client.output import strict_json
from client.web.shown import shown
from transport.dead_letters import DeadLetter, DeadLetters

#: How many the list shows at a time.
PAGE = 50


class Chosen(BaseModel, extra="forbid"):
    """Which letters: those in `ids`, or with `every` all of them, or all of one task.

    A field that there is not is refused: whoever misspells the one that means fewer would get them all.
    """

    ids: Annotated[list[str], Field(max_length=PAGE)] = []
    every: bool = False
    task_type: str | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Self:
        if bool(self.ids) == self.every:
            raise PydanticCustomError("which_letters", "should have either ids or every")
        return self


def newest(skipped: int, task_type: str | None) -> dict[str, Any]:
    """A page of them, the newest first; how many there are of this task, and in `kept` of all."""
    letters = dead_letters()
    found = letters.newest(PAGE + 1, skipped=skipped, task_type=task_type)
    return {
        "total": letters.count(task_type),
        "kept": letters.count(),
        "letters": [_row(letter) for letter in found[:PAGE]],
        "has_more": len(found) > PAGE,
    }


def details(letter_id: str) -> dict[str, Any]:
    """Everything of one.

    Raises:
        NotFoundError: when it is not there.
    """
    letter = everything(find(dead_letters(), letter_id))
    return letter | {"parameters_json": strict_json(letter.get("parameters"), indent=2).decode()}


def retry(chosen: Chosen) -> int:
    """Puts them back on their queues; returns how many."""
    letters = dead_letters()
    if chosen.every:
        return letters.retry(letters.each(chosen.task_type))
    return letters.retry([find_to_retry(letters, letter_id) for letter_id in chosen.ids])


def purge(chosen: Chosen) -> int:
    """Removes them for good; returns how many."""
    letters = dead_letters()
    return letters.purge(_of(letters, chosen))


def _row(letter: DeadLetter) -> dict[str, Any]:
    user_id = shown(letter.sender.user_id)
    cut = {"user_id": user_id, "task_type": shown(letter.task_type)}
    return summary(letter) | cut | {"user_id_json": strict_json(user_id).decode()}


def _of(letters: DeadLetters, chosen: Chosen) -> Iterable[DeadLetter]:
    if chosen.every:
        return letters.each(chosen.task_type)
    return [find(letters, letter_id) for letter_id in chosen.ids]
