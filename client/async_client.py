"""`AsyncCallboardClient`: calls tasks and awaits them in an event loop."""

from collections.abc import AsyncIterator
from typing import Any, Self, Unpack

from client.async_connection import AsyncConnection, AsyncWaiter
from client.place import Place, cancellation, own_channel
from client.request import DEFAULTS, Options, RequestName, RequestOptions, compose, merge, seconds
from client.waiter import result_of
from contract import TaskEvent, TaskOutcome
from setting_sections import RedisSettings
from settings import Settings, load_settings


class AsyncSentRequest:
    """A request on its way: the methods are those of `SentRequest`, to be awaited."""

    def __init__(self, connection: AsyncConnection, waiter: AsyncWaiter, timeout_s: float) -> None:
        self._connection = connection
        self._waiter = waiter
        self._timeout_s = timeout_s
        self.user_id, self.request_id = waiter.key

    async def result(self, timeout_s: float | None = None) -> dict[str, Any]:
        """The result, once it is there.

        Raises:
            TaskError: when the request ended without one.
            OptionError: when that is no time.
            NoOutcomeError: when it has not ended in that time.
        """
        return result_of(await self.outcome(timeout_s))

    async def outcome(self, timeout_s: float | None = None) -> TaskOutcome:
        """The whole outcome, be it an error.

        Raises:
            OptionError: when that is no time.
            NoOutcomeError: when there is none in that time.
        """
        return await self._connection.outcome(self._waiter, seconds(timeout_s, self._timeout_s))

    async def events(self, timeout_s: float | None = None) -> AsyncIterator[TaskEvent]:
        """What happens to the request, up to its end; see `SentRequest.events`.

        Raises:
            OptionError: when that is no time.
            NoOutcomeError: when it has not ended in that time.
        """
        async for event in self._connection.events(self._waiter, seconds(timeout_s, self._timeout_s)):
            yield event

    async def cancel(self) -> None:
        """Asks for it to be cancelled. Its outcome says whether it came to that."""
        await self._connection.cancel(cancellation(self.user_id, request_id=self.request_id))


class AsyncCaller:
    """Calls tasks, all with the same options, over one connection. Belongs to the event loop that it is first used in:
    in another one its methods and those of its requests raise a MisplacedError."""

    def __init__(self, connection: AsyncConnection, options: Options) -> None:
        self._connection = connection
        self._options = options

    async def call(self, task_type: str, /, **parameters: Any) -> dict[str, Any]:
        """Sends a request and waits for its result.

        Raises:
            TaskError, NobodyListensError, NoOutcomeError, RedisAwayError: as `Caller.call` does.
        """
        return await (await self.send(task_type, **parameters)).result()

    async def send(self, task_type: str, /, **parameters: Any) -> AsyncSentRequest:
        """Sends a request and does not wait for its outcome.

        Raises:
            TaskError, NobodyListensError, RedisAwayError: as `Caller.send` does.
        """
        options = self._options
        request = compose(task_type, parameters, options, self._connection.place.reply_to)
        waiter = await self._connection.send(request, durable=options.durable, events=options.events)
        return AsyncSentRequest(self._connection, waiter, options.timeout_s)

    async def cancel(self, **name: Unpack[RequestName]) -> None:
        """Asks for a request to be cancelled that another program has sent, of the user in the options.

        Raises:
            OptionError, TaskError: when that is no name of a request; when there is no such request, nothing happens.
            NobodyListensError, RedisAwayError: nobody was asked.
        """
        await self._connection.cancel(cancellation(self._options.user_id, **name))

    def with_options(self, **options: Unpack[RequestOptions]) -> "AsyncCaller":
        """The same with other options, for one request or for many.

        Raises:
            OptionError: when there is no such option, or it cannot have that value.
        """
        return AsyncCaller(self._connection, merge(self._options, options))


class AsyncCallboardClient(AsyncCaller):
    """A connection to one Callboard, opened with the first request; to be closed, or used as a context.

    >>> async def both():
    ...     async with AsyncCallboardClient(REDIS_URL, user_id="ada") as callboard:
    ...         return await asyncio.gather(
    ...             callboard.call("reverse_string", text="hello"),
    ...             callboard.call("reverse_string", text="world"),
    ...         )
    >>> asyncio.run(both())
    [{'reversed_text': 'olleh'}, {'reversed_text': 'dlrow'}]

    Parameters, options and errors are those of `CallboardClient`.
    """

    def __init__(
        self,
        redis: str | RedisSettings = "redis://localhost:6379/0",
        *,
        listen_on: str | None = None,
        **options: Unpack[RequestOptions],
    ) -> None:
        super().__init__(AsyncConnection(Place(redis, listen_on)), merge(DEFAULTS, options))

    @classmethod
    def from_settings(cls, settings: Settings | None = None, **options: Unpack[RequestOptions]) -> Self:
        """A client of the Callboard that these settings are of, by default those of `config.json` and the environment.

        Raises:
            SettingsError: when something is wrong with them.
        """
        settings = settings or load_settings()
        return cls(settings.redis, listen_on=own_channel(settings.redis, settings.limits), **options)

    async def close(self) -> None:
        """Hangs up. Whoever still waits gets a ClientClosedError."""
        await self._connection.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
