"""The tasks that hostile requests are for: those of Callboard, and one with a parameter of every kind."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, Literal
from unittest.mock import patch
from uuid import UUID

from pydantic import BaseModel, Field

import actors  # noqa: F401 - declares Callboard's own
from broker import broker
from task import Task, catalogue, task


class Colour(Enum):
    RED = "red"
    BLUE = "blue"


class Item(BaseModel):
    name: Annotated[str, Field(min_length=1, max_length=20)]
    count: Annotated[int, Field(ge=0)] = 1
    tags: set[str] = set()


class Seen(BaseModel):
    seen: dict[str, Any]


def everything(
    *,
    text: str,
    day: date | None = None,
    moment: datetime | None = None,
    pause: timedelta | None = None,
    price: Decimal | None = None,
    share: float | None = None,
    key: UUID | None = None,
    colour: Colour = Colour.RED,
    kind: Literal["a", "b", 3] = "a",
    choice: int | str | bool | None = None,
    items: Annotated[list[Item], Field(max_length=100)] = [],  # noqa: B006 - pydantic copies a default
    table: dict[int, list[float]] = {},  # noqa: B006
    pair: tuple[int, str] | None = None,
    code: Annotated[str, Field(pattern=r"^[a-z]+(-[a-z]+)*$")] = "x",
) -> Seen:
    """Returns what it was given."""
    return Seen(seen=locals())


def all_tasks() -> dict[str, Task[..., Any]]:
    """By name; the tests' own one is in no catalogue but this."""
    with patch.dict(catalogue), patch.dict(broker.actors):
        task()(everything)
        return dict(catalogue)
