"""The dead letters of this Callboard, as `callboard dead` and the page show them."""

from typing import Any

from client.catalogue import hint
from client.errors import NotFoundError
from client.installation import redis_client, settings
from client.output import moment
from errors import CallboardError
from transport.answers import Answers
from transport.dead_letters import DeadLetter, DeadLetters
from transport.queue_names import known_queues, namespace_of


def dead_letters(queue_name: str | None = None) -> DeadLetters:
    """Those of a queue, or of all that workers work for."""
    place, client = settings().redis, redis_client()
    namespace = namespace_of(place.key_prefix)
    queue_names = [queue_name] if queue_name else known_queues(client, namespace)
    return DeadLetters(client, namespace, queue_names, Answers.of(place))


def find(letters: DeadLetters, letter_id: str) -> DeadLetter:
    """The one with this id.

    Raises:
        NotFoundError: when there is none.
    """
    if (letter := letters.find(letter_id)) is None:
        raise NotFoundError(f"no dead letter has the id {letter_id!r}; `callboard dead list` shows them")
    return letter


def find_to_retry(letters: DeadLetters, letter_id: str) -> DeadLetter:
    """The same, for one that is to be tried again.

    Raises:
        NotFoundError: when there is none.
        CallboardError: when it can never be tried again.
    """
    letter = find(letters, letter_id)
    if letter.message is None:
        raise CallboardError(
            f"the dead letter {letter.id!r} cannot be read as a Dramatiq message, so no worker can perform it: look at "
            "it with `show`, `purge` it"
        )
    return letter


def none_of(letters: DeadLetters, task_type: str) -> str:
    """What to say where no letter is of this task: it may be misspelt, so the nearest name that letters are of."""
    known = sorted({letter.task_type for letter in letters.each() if letter.task_type})
    return f"no dead letter is of a task {task_type!r}{hint(task_type, known) if known else ''}"


def summary(letter: DeadLetter) -> dict[str, Any]:
    """What a list shows of it."""
    sender = letter.sender
    return {
        "id": letter.id,
        "queue": letter.queue_name,
        "task_type": letter.task_type,
        "user_id": sender.user_id,
        "request_id": sender.request_id,
        "died_at": moment(letter.died_ms),
        "attempts": letter.attempts,
        "error_code": letter.error_code,
        "error": letter.error,
    }


def everything(letter: DeadLetter) -> dict[str, Any]:
    """The same with parameters and traceback; of one that cannot be read its data."""
    if letter.message is None:
        return summary(letter) | {"data": letter.data.decode(errors="backslashreplace")}
    return summary(letter) | {
        "parameters": letter.message.kwargs,
        "arguments": letter.message.args or None,
        "traceback": letter.traceback,
    }
