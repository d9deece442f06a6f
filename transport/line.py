"""A connection to Redis that is kept for one purpose."""

import threading
from typing import Any

import redis
from hiredis import pack_command
from redis.commands.core import Script
from redis.connection import Connection


class Line:
    """One connection of a client's pool, opened when it is first used and again after it was lost.

    A command of the client takes a connection from the pool and gives it back, each time checked and counted. That took
    about as long as Redis takes to answer.
    """

    def __init__(self, client: "redis.Redis") -> None:
        self._pool = client.connection_pool
        self._connection: Connection | None = None
        self._calling = threading.Lock()

    def call(self, script: Script, key: str, *arguments: str | bytes | float) -> Any:
        """What a script with one key returns. Safe to be called by several threads.

        Raises:
            redis.RedisError: whether the script has run is unknown when that is a connection error.
        """
        with self._calling:
            self._hang_up_if_lost()
            try:
                self.send(("EVALSHA", script.sha, 1, key, *arguments))
                return self.receive()
            except redis.exceptions.NoScriptError:
                # Redis has lost it, or never had it. Called like this, redis-py loads it.
                return script(keys=[key], args=arguments)
            except BaseException:
                self.close()
                raise

    def send(self, *commands: tuple[str | bytes | float, ...]) -> None:
        """Sends commands together. Their replies have to be received, one for each."""
        # Packed here: redis-py looks at each word of a command first, and that of a burst has thousands.
        packed = b"".join([pack_command(command) for command in commands])  # type: ignore[arg-type] # a wrong stub
        self._open().send_packed_command([packed])

    def is_answered(self, timeout_s: float) -> bool:
        """Whether a reply can be received now, after waiting for it that long."""
        return self._open().can_read(timeout=timeout_s)

    def receive(self) -> Any:
        """The next reply.

        Raises:
            redis.ResponseError: when it is an error; the line is fit for more.
            redis.ConnectionError, redis.TimeoutError: when it did not come; the line has to be closed.
        """
        return self._open().read_response()

    def receive_now(self) -> Any:
        """The next reply, None when it is not all there yet: for replies that are never None. Raises the same."""
        try:
            return self._open().read_response(timeout=0, disconnect_on_error=False)
        except redis.TimeoutError:
            return None

    def close(self) -> None:
        """Hangs up; the next use opens the line again."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.disconnect()
            self._pool.release(connection)

    def _hang_up_if_lost(self) -> None:
        # Between two calls there is nothing to read, unless it is the end of the connection.
        try:
            lost = self._connection is not None and self._connection.can_read()
        except (redis.RedisError, OSError):
            lost = True
        if lost:
            self.close()

    def _open(self) -> Connection:
        if self._connection is None:
            self._connection = self._pool.get_connection()
        return self._connection
