"""A connection to Redis that is kept for one purpose."""

import select
import threading
from typing import Any

import redis
from hiredis import pack_command
from redis.commands.core import Script
from redis.connection import Connection

from transport.reply_parser import ReplyParser


class Line:
    """One connection of a client's pool, opened when it is first used, and again after it was lost.

    Each command of a client takes a connection from the pool, which is checked and counted, and gives it back. That
    took about as long as Redis takes to answer.
    """

    def __init__(self, client: "redis.Redis") -> None:
        self._pool = client.connection_pool
        self._connection: Connection | None = None
        self._look: select.poll | None = None
        #: Replies that have come and are not received, the next one last; some may be errors.
        self._waiting: list[Any] = []
        self._calling = threading.Lock()

    def call(self, script: Script, key: str, *arguments: str | bytes | float) -> Any:
        """What a script with one key returns. Thread-safe.

        Raises:
            redis.RedisError: when it is a connection error, the script may have run or not.
        """
        with self._calling:
            self._hang_up_if_lost()
            try:
                self.send(("EVALSHA", script.sha, 1, key, *arguments))
                return self.receive()
            except redis.exceptions.NoScriptError:
                # Redis has lost it, or never had it. redis-py loads it when it is called like this.
                return script(keys=[key], args=arguments)
            except redis.RedisError as error:
                self.close()
                # Its traceback holds all that was to be sent. While Redis is away, one attempt's after another would
                # pile up until Python collects garbage, which it seldom does here, see `collector`.
                error.__context__ = None
                raise error.with_traceback(None)  # noqa: B904 - its cause would hold that, too
            except BaseException:
                self.close()
                raise

    def send(self, *commands: tuple[str | bytes | float, ...]) -> None:
        """Sends commands together. Their replies have to be received, one for each."""
        # Packed here: redis-py looks at each word of a command first, and a burst has thousands of words.
        connection = self._open()
        packed = b"".join([pack_command(command) for command in commands])  # type: ignore[arg-type] # a wrong stub
        connection.send_packed_command([packed])

    def is_answered(self, timeout_s: float) -> bool:
        """Whether a whole reply can be received now, after waiting up to `timeout_s` for it. Raises as `receive` does
        when the connection is lost."""
        # It is read at once: redis-py's `can_read` asks the kernel three times more, while a client waits.
        if not self._waiting:
            try:
                self._waiting.append(self._open().read_response(timeout=timeout_s, disconnect_on_error=False))
            except redis.TimeoutError:
                return False
            except redis.ResponseError as error:
                self._waiting.append(error)
        return True

    def receive(self) -> Any:
        """The next reply.

        Raises:
            redis.ResponseError: when it is an error; the line can still be used.
            redis.ConnectionError, redis.TimeoutError: when it did not come; the line has to be closed.
        """
        if not self._waiting:
            return self._open().read_response()
        reply = self._waiting.pop()
        if isinstance(reply, redis.RedisError):
            raise reply
        return reply

    def receive_some(self, timeout_s: float) -> list[Any]:
        """The replies that one read of the connection brings, after waiting that long for it. Raises the same."""
        if not self.is_answered(timeout_s):
            return []
        replies = [self.receive(), *reversed(self._waiting), *self._parser().already_read()]
        self._waiting.clear()
        for index, reply in enumerate(replies):
            if isinstance(reply, redis.RedisError):
                # Raised by the next call, when those before it are received.
                self._waiting.extend(reversed(replies[index:]))
                return replies[:index]
        return replies

    def has_part(self) -> bool:
        """Whether the beginning of another reply came with those that were received."""
        return self._parser().has_part()

    def close(self) -> None:
        """Hangs up; the next use opens the line again."""
        connection, self._connection, self._look = self._connection, None, None
        self._waiting.clear()
        if connection is not None:
            connection.disconnect()
            self._pool.release(connection)

    def abandon(self) -> None:
        """In a process that was just forked: lets go of the connection without ending it, since it is the parent's; and
        without the pool, whose lock a thread of the parent may have held in that moment."""
        connection, self._connection, self._look = self._connection, None, None
        if connection is not None:
            connection.disconnect()

    def _parser(self) -> ReplyParser:
        parser: ReplyParser = self._open()._parser  # noqa: SLF001 - redis-py has no other way to it
        return parser

    def _hang_up_if_lost(self) -> None:
        # Between two calls there is nothing to read, unless it is the end of the connection.
        try:
            lost = self._connection is not None and self._can_read(self._connection)
        except (redis.RedisError, OSError):
            lost = True
        if lost:
            self.close()

    def _can_read(self, connection: Connection) -> bool:
        open_socket = connection._sock  # noqa: SLF001 - redis-py has no other way to it
        if open_socket is None or not hasattr(select, "poll"):  # as on Windows
            return connection.can_read()
        if self._look is None:
            # Kept, since redis-py makes one for each look.
            self._look = select.poll()
            self._look.register(open_socket, select.POLLIN)
        return bool(self._look.poll(0))

    def _open(self) -> Connection:
        if self._connection is None:
            self._connection = self._pool.get_connection()
        return self._connection
