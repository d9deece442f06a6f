"""What an ingress does with the control messages that it hears."""

from typing import cast

import pytest
import redis

from contract import ControlMessage
from ingress import control
from ingress.control import AGAIN, MAX_BYTES, MAX_WAITING, Control
from transport.cancellation import Cancellation
from transport.connection import connect


class NothingKnown:
    """In place of a cancellation: no request was taken in yet."""

    def __init__(self) -> None:
        self.asked: list[str | None] = []

    def cancel(self, wish: ControlMessage) -> bool:
        self.asked.append(wish.request_id)
        return False


@pytest.fixture
def known() -> NothingKnown:
    return NothingKnown()


@pytest.fixture
def ear(known: NothingKnown, monkeypatch: pytest.MonkeyPatch) -> Control:
    """One that looks again at once. It does not listen, and connects to nothing."""
    monkeypatch.setattr(control, "AGAIN_S", 0.0)
    client: redis.Redis = connect("redis://localhost")
    return Control(client, "control", cast(Cancellation, known))


def wish(request_id: str, user_id: str = "ada") -> bytes:
    message = ControlMessage(action="cancel", user_id=user_id, request_id=request_id)
    return message.model_dump_json(exclude_none=True).encode()


def test_a_request_that_is_not_known_is_looked_for_some_times(ear: Control, known: NothingKnown) -> None:
    ear.hear(wish("to-come"))
    for _ in range(2 * AGAIN):
        ear.rest()
    assert known.asked == ["to-come"] * (1 + AGAIN)


def test_of_those_that_wait_for_their_requests_the_oldest_are_dropped(ear: Control, known: NothingKnown) -> None:
    for number in range(MAX_WAITING + 1):
        ear.hear(wish(f"r-{number}"))
    ear.rest()
    assert (known.asked.count("r-0"), known.asked.count("r-1"), known.asked.count(f"r-{MAX_WAITING}")) == (1, 2, 2)


def test_a_message_that_is_too_long_is_not_read(ear: Control, known: NothingKnown) -> None:
    ear.hear(wish("r", user_id="u" * MAX_BYTES))
    assert known.asked == []
