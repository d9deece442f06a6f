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


def declare_of_two_results() -> Task[..., Any]:
    """A union as the result, and in a parameter without a default."""

    @task(name="adopt")
    def adopt(age: Annotated[int, Field(examples=[3])] | None) -> Cat | Dog:
        return Cat(kind="cat")

    return adopt


def declare_awkward() -> Task[..., Any]:
    """A union with a discriminator, types that hold themselves, a name that is no identifier, and no example."""

    @task(name="walk the/dog ~é")
    def walk(pet: Annotated[Cat | Dog, Field(discriminator="kind")], note: Note) -> Note:
        return note

    return walk
