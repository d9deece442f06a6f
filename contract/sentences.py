"""What an error says: one readable sentence."""

import re
from collections.abc import Collection, Mapping
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

#: An error is one readable sentence; whatever it quotes is cut so that it stays one.
MAX_SENTENCE_CHARACTERS = 500

#: What is left of the control characters once lines are joined; an error may be printed on somebody's terminal.
CONTROL_CHARACTER = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def task_not_found(name: str) -> str:
    """The fixed sentence for a task type that nobody declared."""
    return f"Task type not found: {name}"


def parameters_complaint(error: ValidationError, parameters: Mapping[str, Any], required: Collection[str]) -> str:
    """What to say of parameters that a task's model refuses: `Missing 'text' parameter` for a required one that is
    absent, null or empty, else its name and what is accepted."""
    details = error.errors(include_url=False)[0]
    path = _path_in(parameters, details["loc"])
    name = ".".join(path)
    empty = name in required and details["input"] in (None, "", [], {})
    if details["type"] == "missing" or empty:
        return f"Missing '{name}' parameter"
    return f"Invalid '{name}' parameter: {_expected(details)}"


def result_complaint(error: ValidationError) -> str:
    """What to say of a value that a task has returned and its return annotation refuses. Not the value, which was
    nobody's to see."""
    details = error.errors(include_url=False, include_input=False)[0]
    where = "".join(f"{part}: " for part in details["loc"])
    return f"The task returned what it does not declare: {where}{_expected(details)}"


def request_complaint(details: ErrorDetails) -> str:
    """What to say of a request that is none: the name of the field, and what is accepted."""
    name = details["loc"][0] if details["loc"] else ""
    if details["type"] == "missing":
        return f"Missing '{name}' field"
    return f"Invalid '{name}' field: {_expected(details)}"


def sentence(text: str) -> str:
    """`text` as one line that fits an outcome: lone surrogates (UTF-8 has none) and control characters replaced, and
    cut if it is long."""
    line = " ".join(text[: 2 * MAX_SENTENCE_CHARACTERS].encode("utf-8", "replace").decode().splitlines())
    line = CONTROL_CHARACTER.sub("\N{REPLACEMENT CHARACTER}", line.expandtabs(1).strip())
    return line if len(line) <= MAX_SENTENCE_CHARACTERS else line[: MAX_SENTENCE_CHARACTERS - 1] + "…"


def _path_in(value: Any, location: tuple[int | str, ...]) -> list[str]:
    """Where in the parameters an error is. pydantic puts names of types between, which only Python programs know."""
    path = []
    for part in location:
        if isinstance(value, dict) and (part in value or part == location[-1]):
            value = value.get(part)
        elif isinstance(value, list) and isinstance(part, int):
            # An element that is missing has a place too, behind the last one that is there.
            value = value[part] if part < len(value) else None
        else:
            continue
        path.append(str(part))
    return path


def _expected(details: ErrorDetails) -> str:
    return details["msg"].removeprefix("Value error, ").replace("dictionary", "object")
