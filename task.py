"""`@task`, which makes an actor of a typed function, and the catalogue of all tasks.

    @task(name="reverse_string")
    def reverse(text: NonEmptyText) -> ReversedText: ...

The signature is the model of the parameters, the return annotation that of the result.
"""

import inspect
import re
import warnings
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import update_wrapper
from typing import Any, Generic, Never, ParamSpec, TypeVar

import dramatiq
from dramatiq.asyncio import async_to_sync
from dramatiq.middleware import Interrupt, Shutdown, TimeLimitExceeded
from loguru import logger
from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticSerializationError, to_json

from broker import broker, settings
from contract import TaskDescription, parameters_complaint, result_complaint
from errors import DeclarationError, InvalidParametersError, InvalidResultError, TaskExitError
from setting_sections import TaskOptions
from signature import (
    annotations,
    given_parameters_validator,
    parameters_model,
    parameters_schema,
    result_model,
    result_schema,
)
from transport.messages import Delivery
from transport.progress import progress
from transport.stage import Cancelled

__all__ = ["Cancelled", "InvalidParametersError", "Task", "catalogue", "progress", "task"]

P = ParamSpec("P")
R = TypeVar("R")

# What pydantic warns of where a result is made JSON here, and nowhere else.
warnings.filterwarnings("error", "Pydantic serializer warnings", UserWarning, rf"{__name__}\Z")

#: What ends a task without another attempt: the request is wrong, would run past its limit again, or was cancelled.
NOT_RETRIED = (InvalidParametersError, TimeLimitExceeded, Cancelled)

#: Dramatiq's own rule, without the dots that are in its names for delayed and dead messages.
QUEUE_NAME = "[a-zA-Z_][a-zA-Z0-9_-]*"


class Task(Generic[P, R]):
    """A declared task. Calling it calls the function as it was written; `actor` is what a worker runs, and
    `description` what a client is told of it."""

    def __init__(self, function: Callable[P, R], name: str, queue_name: str, options: TaskOptions) -> None:
        update_wrapper(self, function)
        self.name = name
        self.options = options
        self._function: Callable[..., Any] = function
        hints = annotations(function, name)
        self._result: TypeAdapter[R] = result_model(name, hints.pop("return", None))
        self._parameters = parameters_model(function, name, hints)
        self._given = given_parameters_validator(self._parameters)
        self._known = tuple(self._parameters.model_fields)
        self._required = {name for name, field in self._parameters.model_fields.items() if field.is_required()}
        self.description = TaskDescription(
            name=name,
            description=inspect.getdoc(function) or "",
            parameters=parameters_schema(self._parameters, name),
            result=result_schema(self._result),
            queue_name=queue_name,
            max_attempts=options.max_attempts,
            time_limit_ms=options.time_limit_ms,
        )
        self._perform = self._run_in_loop if inspect.iscoroutinefunction(function) else self._run
        self.actor: dramatiq.Actor[..., Any] = dramatiq.actor(
            actor_name=name,
            queue_name=queue_name,
            broker=broker,
            throws=(*NOT_RETRIED, Shutdown),  # of these Dramatiq logs no traceback
            max_retries=options.max_attempts - 1,
            min_backoff=options.min_backoff_ms,
            max_backoff=options.max_backoff_ms,
            time_limit=options.time_limit_ms,
            notify_shutdown=options.notify_shutdown,
        )(self._run_on_stage)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """What the function returns, called without anything of Callboard around it."""
        value: R = self._function(*args, **kwargs)
        return value

    def check(self, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """Those of a request's parameters that this task knows, as they came, once its model has accepted them.

        They are validated as JSON, and strictly: a boolean or a fraction is no integer, a number is no string.

        Raises:
            InvalidParametersError: says what is wrong with which parameter.
        """
        known = {name: value for name, value in parameters.items() if name in self._known}
        try:
            self._given.validate_json(to_json(known), strict=True)
            if len(known) < len(self._known):
                # A default may not go together with what was given.
                self._arguments((), known)
        except InvalidParametersError:
            raise
        except ValidationError as error:
            raise InvalidParametersError(parameters_complaint(error, parameters, self._required)) from None
        except Exception as error:  # noqa: BLE001
            # A check of the task's own may raise anything; one task's mistake must not stop the requests of all.
            logger.exception("Task {!r} cannot check its parameters", self.name)
            raise InvalidParametersError(f"The parameters cannot be checked: {type(error).__name__}") from None
        return known

    def _run_on_stage(self, *args: Any, **kwargs: Any) -> None:
        broker.stage.perform(self._perform, *args, **kwargs)

    def _run(self, *args: Any, **kwargs: Any) -> None:
        self._finish(self._function(**self._arguments(args, kwargs)))

    def _run_in_loop(self, *args: Any, **kwargs: Any) -> None:
        try:
            async_to_sync(self._run_async)(*args, **kwargs)
        except RuntimeError as error:
            # Dramatiq waits a second for an interrupted coroutine to end, and then raises this instead of the
            # interrupt: it would be retried as a failure, while the coroutine may still run.
            if isinstance(error.__cause__, Interrupt):
                raise error.__cause__ from None
            raise

    async def _run_async(self, *args: Any, **kwargs: Any) -> None:
        try:
            self._finish(await self._function(**self._arguments(args, kwargs)))
        except (SystemExit, KeyboardInterrupt) as error:
            # asyncio lets these two through, and they would end the event loop of all async tasks of this process.
            raise TaskExitError(f"The task wanted to end its process: {error!r}") from error

    def _arguments(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        given = dict(zip(self._known, args, strict=False)) | kwargs
        validator = self._parameters.__pydantic_validator__
        # First as the gate has judged them, so that a union chooses the same type: for `bool | Switch` the text "on" is
        # no boolean. And a strict type takes a date from a text in JSON, but not from one in Python.
        with suppress(ValidationError, PydanticSerializationError):
            in_json: object = validator.validate_json(to_json(given, inf_nan_mode="constants"), strict=True)
            return vars(in_json)
        try:
            # Not strictly: a Python program's `actor.send()` may be lax, and a default need not be a JSON value.
            arguments: object = validator.validate_python(given)
            return vars(arguments)
        except ValidationError as error:
            raise InvalidParametersError(parameters_complaint(error, given, self._required)) from None

    def _finish(self, value: Any) -> None:
        if inspect.iscoroutine(value):
            value.close()  # or Python would warn that it was never awaited
            raise InvalidResultError("The task returned a coroutine: what decorates an `async def` should be one too")
        try:
            Delivery.current().result = self._in_json(self._result.validate_python(value))
        except ValidationError as error:
            raise InvalidResultError(result_complaint(error)) from error

    def _in_json(self, checked: R) -> Any:
        with suppress(UserWarning, PydanticSerializationError):
            # Called here, and not by `dump_python`, so that the filter above makes an error of its warning. With
            # `warnings="error"` it lets go of Python's lock, and waits for it behind the other threads.
            return self._result.serializer.to_python(checked, mode="json")
        # There is something in it that pydantic has not checked, such as a default or what was assigned later: that is
        # made good, like `price: Decimal = 0`, or refused.
        content = self._result.dump_python(checked, round_trip=True, warnings=False)
        return self._result.dump_python(self._result.validate_python(content, by_name=True), mode="json")


#: Every declared task by its name, which is the `task_type` of its requests.
catalogue: dict[str, Task[..., Any]] = {}


def task(
    *mistaken: Never, name: str | None = None, queue_name: str = "default", **options: int
) -> Callable[[Callable[P, R]], Task[P, R]]:
    """Declares a function, plain or `async`, as a task.

    Parameters:
        name: the task's `task_type`; by default the function's name.
        queue_name: the Dramatiq queue that its requests wait in.
        options: `max_attempts`, `min_backoff_ms`, `max_backoff_ms`, `time_limit_ms`, `notify_shutdown`, where this task
            needs other ones than the configuration's `worker` section has.

    Raises:
        DeclarationError: at import, when the function or an option cannot make a task.
    """

    if mistaken:
        given = getattr(mistaken[0], "__name__", mistaken[0])
        raise DeclarationError(f'@task was given {given!r}: write @task(), or @task(name="...") for another name')

    def declare(function: Callable[P, R]) -> Task[P, R]:
        if not _is_function(function):
            raise DeclarationError(f"@task should stand before a function, and stands before {function!r:.100}")
        task_name = function.__name__ if name is None else name
        if not (isinstance(task_name, str) and task_name and task_name.isprintable()):
            raise DeclarationError(f"task name {task_name!r:.100} should be a text of printable characters")
        if task_name in catalogue:
            raise DeclarationError(
                f"task {task_name!r} is declared twice: in {catalogue[task_name].__module__} and in "
                f"{function.__module__}; give one of them another name"
            )
        if not (isinstance(queue_name, str) and re.fullmatch(QUEUE_NAME, queue_name)):
            raise DeclarationError(f"task {task_name!r}: queue_name={queue_name!r} should match {QUEUE_NAME}")
        declared = Task(function, task_name, queue_name, _options(task_name, options))
        catalogue[task_name] = declared
        return declared

    return declare


def _is_function(thing: object) -> bool:
    # Both: a `classmethod` that is not bound to its class yet is a routine, and cannot be called.
    return callable(thing) and (inspect.isroutine(thing) or isinstance(thing, Task))


def _options(name: str, given: dict[str, int]) -> TaskOptions:
    defaults = settings.worker.model_dump(include=set(TaskOptions.model_fields))
    try:
        return TaskOptions.model_validate(defaults | given)
    except ValidationError as error:
        details = error.errors()[0]
        option = ".".join(map(str, details["loc"]))
        # Either one of them is wrong, or two of them do not go together.
        what = f"{option}={details['input']!r}: " if option else ""
        raise DeclarationError(
            f"task {name!r}: {what}{details['msg']}; a task may set {', '.join(TaskOptions.model_fields)}"
        ) from None
