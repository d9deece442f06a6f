"""A task whose name and types ask whoever describes it for some care."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field

from task import Task, task


class Cat(BaseModel):
    kind: Literal["cat"]
    lives: int = 9


class Dog(BaseModel):
    kind: Literal["dog"]
    friends: list["Dog"] = []


class Note(BaseModel):
    text: str
    reply: "Note | None" = None


def declare_awkward() -> Task[..., Any]:
    """A union with a discriminator, types that hold themselves, a name that is no identifier, and no example."""

    @task(name="walk the/dog ~é")
    def walk(pet: Annotated[Cat | Dog, Field(discriminator="kind")], note: Note) -> Note:
        return note

    return walk
