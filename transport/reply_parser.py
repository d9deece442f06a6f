"""Reads replies that come by the hundred."""

from collections.abc import Iterator
from typing import Any

from redis._parsers import _HiredisParser
from redis._parsers.hiredis import NOT_ENOUGH_DATA


class ReplyParser(_HiredisParser):
    """redis-py's, which returns one at a time, and can return all that one look at the socket has brought.

    One by one, through redis-py's connection, they take three times as long. A flood on the tasks channel has to be
    read through before those who send little are answered.
    """

    def already_read(self) -> Iterator[Any]:
        """The replies that came together with the one before. One that is an error comes as the exception."""
        return iter(self._reader.gets, NOT_ENOUGH_DATA)

    def has_part(self) -> bool:
        """Whether the beginning of another one came with them, unless it ends just behind one of its words."""
        return bool(self._reader.has_data())
