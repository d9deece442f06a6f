"""What becomes of a burst when an ingress is behind: whom it takes in, lays aside and turns away."""

import json
import tracemalloc
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import redis

from client.redis_server import RedisServer
from ingress.crowd import OF_USER, WINDOW, Crowd
from ingress.intake import SMALL_BYTES, Intake
from ingress.queue_bound import QueueBound
from tests.replicas import refusing_intake
from transport.arrivals import Origin, unpacked
from transport.connection import StopRequest, connect
from transport.redis_broker import CallboardBroker

LATER = "callboard:later:tasks"


@dataclass
class Door:
    intake: Intake
    bound: QueueBound
    client: "redis.Redis"
    heard: "redis.client.PubSub"

    def sift(self, burst: list[bytes], *, overflows: bool) -> tuple[int, int]:
        """How many of the burst are laid aside now, and how many were answered `overloaded`."""
        self.intake.sift(burst, Origin(), Crowd(), overflows=overflows)
        return len(self.taken_aside()), self.told()["overloaded"]

    def taken_aside(self) -> list[bytes]:
        """What is laid aside, taken from there."""
        entries: Any = self.client.xrange(LATER)
        self.client.delete(LATER)
        return [data for _, fields in entries for data in unpacked(fields[b"requests"])]

    def told(self) -> Counter[str]:
        """The error codes of the outcomes that were published since this was asked."""
        self.client.publish("results", b"{}")
        outcomes = iter(lambda: json.loads(self.heard.get_message(timeout=10)["data"]), {})
        return Counter(outcome["error_code"] for outcome in outcomes)


@pytest.fixture
def door() -> Iterator[Door]:
    with RedisServer() as server, connect(server.url) as client, client.pubsub(ignore_subscribe_messages=True) as heard:
        heard.subscribe("results")
        heard.get_message(timeout=10)
        broker = CallboardBroker(client, middleware=[])
        bound = QueueBound(broker, 1_000_000)
        yield Door(refusing_intake(broker, bound, StopRequest(), LATER), bound, client, heard)


def requests(*users: str, text: str = "") -> list[bytes]:
    """Some for which there is no task: so each is answered at once when it is judged."""
    parameters = {"text": text}
    return [json.dumps({"task_type": "any", "user_id": user, "parameters": parameters}).encode() for user in users]


def test_a_crowd_is_laid_aside_and_nobody_is_turned_away(door: Door) -> None:
    burst = requests(*["flooder"] * WINDOW, "other")
    aside, overloaded = door.sift(burst, overflows=False)
    assert (aside > WINDOW / 2, overloaded) == (True, 0)


def test_where_it_overflows_a_crowd_is_laid_aside_all_the_same(door: Door) -> None:
    burst = requests(*["flooder"] * WINDOW, "other")
    aside, overloaded = door.sift(burst, overflows=True)
    assert (aside > WINDOW / 2, overloaded) == (True, 0)


def test_where_it_overflows_large_requests_of_a_crowd_are_turned_away(door: Door) -> None:
    burst = requests(*["flooder"] * WINDOW, text="x" * SMALL_BYTES)
    aside, overloaded = door.sift(burst, overflows=True)
    assert (aside, overloaded > WINDOW / 2) == (0, True)


def test_where_it_overflows_and_a_crowd_sends_less_than_half_it_has_no_advantage(door: Door) -> None:
    others = [f"user-{number}" for number in range(WINDOW // 2)]
    mixed = [user for other in others for user in ("flooder", other)]
    assert door.sift(requests(*mixed), overflows=True) == (0, len(mixed))


def test_where_it_overflows_and_there_is_no_crowd_all_are_turned_away(door: Door) -> None:
    users = [f"user-{number}" for number in range(WINDOW // 4)]
    assert door.sift(requests(*users), overflows=False) == (0, 0)
    assert door.sift(requests(*users), overflows=True) == (0, len(users))


def test_where_as_many_are_laid_aside_as_may_be_a_crowd_is_turned_away(door: Door) -> None:
    burst = requests(*["flooder"] * WINDOW)
    door.intake.sift(burst, Origin(), Crowd())
    door.bound.limit = WINDOW // 2
    before, overloaded = door.sift(burst, overflows=False)
    assert (before, overloaded > 0) == (WINDOW - OF_USER, True)
    # By then these are taken in, maybe by another ingress.
    aside, overloaded = door.sift(burst, overflows=False)
    assert (aside, overloaded) == (WINDOW - OF_USER, 0)


def test_at_a_stop_all_are_laid_aside_but_what_is_too_large(door: Door) -> None:
    users = [f"user-{number}" for number in range(WINDOW)]
    door.bound.limit = 1
    for _ in range(2):
        door.intake.lay_aside([*requests(*users), b"x" * 2_000_000], Origin())
        assert door.told() == {"too_large": 1}
    assert len(door.taken_aside()) == 2 * WINDOW


@pytest.mark.parametrize("overflows", [False, True])
def test_what_is_too_large_to_be_read_is_refused_at_once_and_not_read(door: Door, *, overflows: bool) -> None:
    too_large = b'{"user_id": "flooder", "parameters": [' + b"{}," * 500_000 + b"{}]}"
    tracemalloc.start()
    door.intake.sift([too_large] * (2 * OF_USER), Origin(), Crowd(), overflows=overflows)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (door.client.xlen(LATER), door.told()) == (0, {"too_large": 2 * OF_USER})
    assert peak_bytes < 10 * len(too_large)
