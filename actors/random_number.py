"""A random integer between two bounds."""

import random
import re
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, ValidationInfo, WithJsonSchema

from task import task

#: What JSON readers in most languages hold in an integer.
LARGEST = 2**63 - 1


def _from_text(value: object) -> object:
    # The older daemon took strings of integers from HTML forms, so they stay welcome.
    if isinstance(value, str) and re.fullmatch(r"[+-]?[0-9]{1,19}", value.strip()):
        return int(value)
    return value


def _not_below_min_value(max_value: int, info: ValidationInfo) -> int:
    if max_value < info.data.get("min_value", max_value):
        raise ValueError(f"max_value {max_value} is below min_value {info.data['min_value']}")
    return max_value


#: What pydantic cannot know: that strings of integers are welcome.
BOUND_SCHEMA = {
    "anyOf": [
        {"type": "integer", "minimum": -LARGEST - 1, "maximum": LARGEST},
        {"type": "string", "pattern": r"^\s*[+-]?[0-9]{1,19}\s*$"},
    ]
}

Bound = Annotated[
    int, BeforeValidator(_from_text), Field(ge=-LARGEST - 1, le=LARGEST), WithJsonSchema(BOUND_SCHEMA, "validation")
]


class RandomNumber(BaseModel):
    """The number drawn."""

    number: Annotated[int, Field(examples=[4])]


@task()
def generate_random_number(
    min_value: Annotated[Bound, Field(examples=[1])] = 1,
    max_value: Annotated[Bound, AfterValidator(_not_below_min_value), Field(examples=[6])] = 100,
) -> RandomNumber:
    """Draws an integer from min_value to max_value, both included; integers may come as strings."""
    return RandomNumber(number=random.randint(min_value, max_value))
