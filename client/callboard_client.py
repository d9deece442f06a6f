"""`CallboardClient`: calls tasks and waits for them in threads."""

from collections.abc import Iterator
from typing import Any, Self, Unpack

from client.connection import BlockingWaiter, Connection
from client.place import Place, cancellation, own_channel
from client.request import DEFAULTS, Options, RequestName, RequestOptions, compose, merge, seconds
from client.waiter import result_of
from contract import TaskEvent, TaskOutcome
from setting_sections import RedisSettings
from settings import Settings, load_settings


class SentRequest:
    """A request on its way. Where a method takes `timeout_s`, seconds, the option of that name stands in for None.

    In a process that was forked since it was sent, who waits for it gets a MisplacedError.
    """

    def __init__(self, connection: Connection, waiter: BlockingWaiter, timeout_s: float) -> None:
        self._connection = connection
        self._waiter = waiter
        self._timeout_s = timeout_s
        self.user_id, self.request_id = waiter.key

    def result(self, timeout_s: float | None = None) -> dict[str, Any]:
        """The result, once it is there.

        Raises:
            TaskError: when the request ended without one.
            OptionError: when that is no time.
            NoOutcomeError: when it has not ended in that time.
        """
        return result_of(self.outcome(timeout_s))

    def outcome(self, timeout_s: float | None = None) -> TaskOutcome:
        """The whole outcome, be it an error.

        Raises:
            OptionError: when that is no time.
            NoOutcomeError: when there is none in that time.
        """
        return self._connection.outcome(self._waiter, seconds(timeout_s, self._timeout_s))

    def events(self, timeout_s: float | None = None) -> Iterator[TaskEvent]:
        """What happens to the request, up to its end: from the first event on when it was sent with the option
        `events`, else from now on; but old progress is left out. The last one is `completed`, `error` or `cancelled`.

        Raises:
            OptionError: when that is no time.
            NoOutcomeError: when it has not ended in that time.
        """
        return self._connection.events(self._waiter, seconds(timeout_s, self._timeout_s))

    def cancel(self) -> None:
        """Asks for it to be cancelled. Its outcome says whether it came to that: an error `cancelled`, or another
        outcome, if it ended before."""
        self._connection.cancel(cancellation(self.user_id, request_id=self.request_id))


class Caller:
    """Calls tasks, all with the same options, over one connection. Safe to be used by many threads."""

    def __init__(self, connection: Connection, options: Options) -> None:
        self._connection = connection
        self._options = options

    def call(self, task_type: str, /, **parameters: Any) -> dict[str, Any]:
        """Sends a request and waits for its result.

        Raises:
            TaskError: when it ended without one; its `code` says why, and its `outcome` everything.
            NobodyListensError: when no ingress is there that could take it.
            NoOutcomeError: when it has not ended within the option `timeout_s`.
            RedisAwayError: when Redis does not answer.
        """
        return self.send(task_type, **parameters).result()

    def send(self, task_type: str, /, **parameters: Any) -> SentRequest:
        """Sends a request and does not wait.

        Raises:
            TaskError, NobodyListensError, RedisAwayError: as `call` does.
        """
        options = self._options
        request = compose(task_type, parameters, options, self._connection.place.reply_to)
        waiter = self._connection.send(request, durable=options.durable, events=options.events)
        return SentRequest(self._connection, waiter, options.timeout_s)

    def cancel(self, **name: Unpack[RequestName]) -> None:
        """Asks for a request to be cancelled that another program has sent, of the user in the options.

        Raises:
            OptionError, TaskError: when that is no name of a request; when there is no such request, nothing happens.
            NobodyListensError, RedisAwayError: nobody was asked.
        """
        self._connection.cancel(cancellation(self._options.user_id, **name))

    def with_options(self, **options: Unpack[RequestOptions]) -> "Caller":
        """The same with other options, for one request or for many.

        Raises:
            OptionError: when there is no such option, or it cannot have that value.
        """
        return Caller(self._connection, merge(self._options, options))


class CallboardClient(Caller):
    """A connection to one Callboard, opened with the first request; to be closed, or used as a context.

    >>> with CallboardClient(REDIS_URL, user_id="ada") as callboard:
    ...     callboard.call("reverse_string", text="hello")
    {'reversed_text': 'olleh'}

    Many requests may be outstanding:

    >>> with CallboardClient(REDIS_URL) as callboard:
    ...     sent = [callboard.send("reverse_string", text=text) for text in ("abc", "xyz")]
    ...     [request.result(timeout_s=10)["reversed_text"] for request in sent]
    ['cba', 'zyx']

    A request that ends without a result is an exception that says why:

    >>> with CallboardClient(REDIS_URL) as callboard:
    ...     callboard.call("reverse_string", txt="hello")
    Traceback (most recent call last):
    ...
    client.errors.TaskError: Missing 'text' parameter

    What else a request may have are options, beside the parameters and never among them:

    >>> with CallboardClient(REDIS_URL) as callboard:
    ...     callboard.with_options(delay_ms=100, max_age_ms=60_000).call("reverse_string", text="later")
    {'reversed_text': 'retal'}

    A process that is forked, such as a worker of a server that has loaded the program before, starts anew with the same
    client: it has connections and a thread of its own, and to close it there closes nothing of the other process.

    Parameters:
        redis: the URL of Redis in any of the forms of `redis_place`, or the whole `redis` section of the settings,
            where channels or keys have other names than by default.
        listen_on: the channel that outcomes are heard on: one of the client's own, `results:` and a random name, where
            nothing else is said. Where `limits.reply_to` of the ingress does not allow it, a request ends with a
            TaskError after about a second, or if this Redis user may not read kept outcomes, with a NoOutcomeError.
        options: of all requests that are not sent by another one of `with_options`.

    Raises:
        SettingsError: when that is no URL of a Redis.
        OptionError: when there is no such option, or it cannot have that value.
    """

    def __init__(
        self,
        redis: str | RedisSettings = "redis://localhost:6379/0",
        *,
        listen_on: str | None = None,
        **options: Unpack[RequestOptions],
    ) -> None:
        super().__init__(Connection(Place(redis, listen_on)), merge(DEFAULTS, options))

    @classmethod
    def from_settings(cls, settings: Settings | None = None, **options: Unpack[RequestOptions]) -> Self:
        """A client of the Callboard that these settings are of, by default those of `config.json` and the environment.

        Raises:
            SettingsError: when something is wrong with them.
        """
        settings = settings or load_settings()
        return cls(settings.redis, listen_on=own_channel(settings.redis, settings.limits), **options)

    def close(self) -> None:
        """Hangs up. Whoever still waits gets a ClientClosedError."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
