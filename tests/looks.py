"""The looks of a client for what is kept."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import redis


@contextmanager
def looks(
    monkeypatch: pytest.MonkeyPatch, pipeline: Any = redis.client.Pipeline, failures: int = 0
) -> Iterator[list[str]]:
    """The looks for what is kept, as they are made; to so many of the first ones Redis says that it is loading."""
    looked: list[str] = []
    answer = pipeline.execute

    def execute(self: Any, *, raise_on_error: bool) -> object:
        (command, *_), _ = self.command_stack[0]
        if command == "GET":
            looked.append(command)
            if len(looked) <= failures:
                raise redis.BusyLoadingError("Redis is loading the dataset in memory")
        return answer(self, raise_on_error=raise_on_error)

    with monkeypatch.context() as patch:
        patch.setattr(pipeline, "execute", execute)
        yield looked
