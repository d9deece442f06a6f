"""A request that is not wanted any more ends where its message is, once, and only for its own user."""

from collections.abc import Callable, Iterator
from typing import Any
from unittest.mock import DEFAULT, patch

import pytest
import redis
from dramatiq.middleware import CurrentMessage

from client.redis_server import RedisServer
from contract import ControlMessage, TaskOutcome, TaskRequest, timestamp
from tests.consumers import next_of
from tests.follower import Follower, kinds
from tests.redis_under_test import key_prefix
from tests.waiting import DEADLINE_S, wait_until
from transport.answers import Answers
from transport.arrivals import Admitted, Origin
from transport.bulletin import Report
from transport.cancellation import TRIES, Cancellation
from transport.connection import connect
from transport.messages import Delivery, message_for, seal
from transport.redis_broker import CALL_OFFS, CallboardBroker
from transport.stage import Cancelled

#: How long a consumer waits for what is not to come.
TIMEOUT_MS = 50

#: An event of nobody's, in place of the one that is told of a request when it is taken in.
ACCEPTED = b'{"event": "accepted", "user_id": null}'


class Desk:
    """Takes requests of user "ada" in, hands them to a worker as a test wants, and cancels them."""

    def __init__(self, url: str, client: "redis.Redis") -> None:
        self.client = client
        self.broker = CallboardBroker(connect(url), middleware=[], key_prefix=key_prefix(url), fair_backlog=1)
        self.broker.declare_queue("default")
        self.answers = Answers("results", outcome_ttl_s=60, request_id_ttl_s=60, key_prefix=key_prefix(url))
        self.cancellation = Cancellation(self.broker, self.answers, max_attempts=4)

    def take_in(self, user_id: str | int = "ada", delay_ms: int | None = None, request_id: str | None = None) -> str:
        request = TaskRequest(task_type="any", user_id=user_id, request_id=request_id)
        envelope = seal(message_for(request, "default", {}), delay_ms)
        claim = self.answers.claim(user_id, request_id, None, delay_ms) if request_id else None
        self.broker.take_in([Admitted(envelope, ACCEPTED, claim)], Origin())
        return envelope.message.message_id

    def deliver(self, queue_name: str = "default") -> Delivery:
        """The next message of a queue, in the hands of a worker."""
        consumer = self.broker.consume(queue_name, timeout=TIMEOUT_MS)
        delivery = next_of(consumer)
        consumer.close()
        return delivery

    def hands_out(self, queue_name: str = "default") -> bool:
        """Whether a worker is handed out anything of a queue without waiting, where that should be nothing."""
        consumer = self.broker.consume(queue_name, timeout=TIMEOUT_MS)
        delivery = next(consumer)
        consumer.close()
        return delivery is not None

    def cancel(self, user_id: str | int = "ada", **name: str) -> bool:
        return self.cancellation.cancel(ControlMessage.model_validate({"action": "cancel", "user_id": user_id} | name))

    def holds(self, task_id: str) -> bool:
        """Whether its message is on a queue still."""
        found: list[Any] = [self.client.hvals(f"dramatiq:{name}.msgs") for name in ("default", "default.DQ")]
        return any(task_id.encode() in message for messages in found for message in messages)


@pytest.fixture
def desk(redis_server: RedisServer, client: "redis.Redis") -> Iterator[Desk]:
    desk = Desk(redis_server.url, client)
    yield desk
    desk.broker.close()
    desk.broker.client.close()
    for queue_name in ("default", "default.DQ"):
        client.delete(f"dramatiq:{queue_name}", f"dramatiq:{queue_name}.msgs")


@pytest.fixture
def follower(redis_server: RedisServer, desk: Desk) -> Iterator[Follower]:
    with Follower(redis_server.url) as follower:
        yield follower


def perform(desk: Desk, delivery: Delivery, work: Callable[[], None]) -> None:
    """As a worker does."""
    current = CurrentMessage()
    current.before_process_message(desk.broker, delivery)
    try:
        desk.broker.stage.perform(work)
    finally:
        current.after_process_message(desk.broker, delivery)


def outcome_of(delivery: Delivery) -> TaskOutcome:
    """What its task would have answered."""
    sender = delivery.sender._asdict()
    return TaskOutcome(**sender, task_id=delivery.message_id, status="completed", timestamp=timestamp(), result={})


def assert_cancelled_once(follower: Follower, task_id: str, user_id: str | int = "ada") -> None:
    (event,) = follower.life(user_id)
    (outcome,) = follower.outcomes(user_id)
    assert (outcome["status"], outcome["error_code"]) == ("error", "cancelled")
    assert outcome["task_id"] == task_id
    assert (event["event"], event["task_id"], event["error_code"]) == ("cancelled", task_id, "cancelled")


def test_a_waiting_request_is_cancelled_and_not_handed_out(desk: Desk, follower: Follower) -> None:
    task_id = desk.take_in()
    desk.cancel(task_id=task_id)
    assert_cancelled_once(follower, task_id)
    assert desk.broker.length("default") == 0
    assert not desk.hands_out()
    assert desk.client.llen("dramatiq:default") == 0


def test_those_behind_a_cancelled_request_are_handed_out(desk: Desk) -> None:
    first, second, third = desk.take_in(), desk.take_in(), desk.take_in()
    desk.cancel(task_id=first)
    desk.cancel(task_id=third)
    consumer = desk.broker.consume("default", prefetch=3, timeout=TIMEOUT_MS)
    delivery = next_of(consumer)
    assert delivery.message_id == second
    consumer.ack(delivery)
    consumer.close()


def test_a_request_that_waits_in_a_lane_is_cancelled(desk: Desk, follower: Follower) -> None:
    first, second, third = desk.take_in("bob"), desk.take_in(), desk.take_in("bob")
    assert desk.client.llen("dramatiq:default") == 1
    desk.cancel(task_id=second)
    assert_cancelled_once(follower, second)
    for expected in (first, third):
        delivery = desk.deliver()
        assert delivery.message_id == expected
        desk.broker.consume("default").ack(delivery)
    assert not desk.hands_out()


@pytest.mark.parametrize("is_held", [False, True], ids=["waiting", "held by a worker"])
def test_a_delayed_request_is_cancelled(desk: Desk, follower: Follower, is_held: bool) -> None:
    task_id = desk.take_in(delay_ms=20_000)
    held = desk.deliver("default.DQ") if is_held else None
    desk.cancel(task_id=task_id)
    assert_cancelled_once(follower, task_id)
    if held:
        # What Dramatiq does when it is due.
        desk.broker.enqueue(held.copy(queue_name="default"))  # type: ignore[arg-type]
        desk.broker.consume("default.DQ").ack(held)
    assert not desk.holds(task_id)
    assert not desk.hands_out("default.DQ")
    assert not desk.hands_out()


def test_a_request_that_is_due_much_later_is_cancelled(desk: Desk, follower: Follower) -> None:
    task_id = desk.take_in(delay_ms=3_600_000)
    later = "dramatiq:default.DQ.later"
    consumer = desk.broker.consume("default.DQ", timeout=TIMEOUT_MS)
    wait_until(lambda: next(consumer) is None and desk.client.zcard(later), "it is laid aside")
    consumer.close()
    desk.cancel(task_id=task_id)
    assert_cancelled_once(follower, task_id)
    assert desk.client.zcard(later) == 0


def test_the_outcome_of_a_cancelled_delayed_request_is_kept_as_long_as_it_is_claimed(desk: Desk) -> None:
    desk.take_in(delay_ms=3_600_000, request_id="r-1")
    desk.cancel(request_id="r-1")
    ttl_s = [desk.client.ttl(key) for key in ('callboard:request:"ada":r-1', 'callboard:outcome:"ada":r-1')]
    assert ttl_s[1] >= ttl_s[0] > 3_600


def test_a_request_that_waits_for_another_attempt_is_cancelled(desk: Desk, follower: Follower) -> None:
    task_id = desk.take_in()
    for retries in (1, 2):
        delivery = desk.deliver()
        delivery.options["retries"] = retries
        desk.broker.enqueue(delivery, delay=10 if retries == 1 else 20_000)  # type: ignore[arg-type]
        desk.broker.consume("default").ack(delivery)
        if retries == 1:
            due = desk.deliver("default.DQ")
            moved = due.copy(queue_name="default")
            del moved.options["eta"]
            desk.broker.enqueue(moved)  # type: ignore[arg-type]
            desk.broker.consume("default.DQ").ack(due)
    assert desk.holds(task_id)
    desk.cancel(task_id=task_id)
    assert_cancelled_once(follower, task_id)
    assert not desk.holds(task_id)


def test_a_request_in_a_workers_hands_is_taken_from_it(desk: Desk, follower: Follower) -> None:
    task_id = desk.take_in()
    delivery = desk.deliver()
    with desk.client.pubsub(ignore_subscribe_messages=True) as workers:
        workers.subscribe(CALL_OFFS)
        workers.get_message(timeout=DEADLINE_S)
        desk.cancel(task_id=task_id)
        told = workers.get_message(timeout=DEADLINE_S)
    assert told is not None
    assert told["data"] == task_id.encode()
    delivery.answer = desk.answers.answer(outcome_of(delivery), None)
    desk.broker.consume("default").ack(delivery)
    assert_cancelled_once(follower, task_id)


def test_a_suspect_that_is_cancelled_is_forgotten(desk: Desk) -> None:
    task_id = desk.take_in()
    desk.client.hset("dramatiq:default.suspects", task_id, "1")
    desk.cancel(task_id=task_id)
    assert not desk.client.exists("dramatiq:default.suspects")


def test_a_request_that_is_done_stays_as_it_was(desk: Desk, follower: Follower) -> None:
    task_id = desk.take_in()
    delivery = desk.deliver()
    desk.broker.consume("default").ack(delivery)
    desk.cancel(task_id=task_id)
    assert follower.events("ada") == follower.outcomes("ada") == []


@pytest.mark.parametrize("user_id", ["bob", 7], ids=["another user", "a number"])
def test_another_user_cancels_nothing(desk: Desk, follower: Follower, user_id: str | int) -> None:
    task_id = desk.take_in("7", request_id="r")
    desk.cancel(user_id, task_id=task_id)
    desk.cancel(user_id, request_id="r")
    assert follower.events("7") == follower.outcomes("7") == []
    assert desk.holds(task_id)
    desk.cancel("7", task_id=task_id)
    assert_cancelled_once(follower, task_id, "7")


def test_a_request_is_found_by_the_id_that_it_was_sent_with(desk: Desk, follower: Follower) -> None:
    task_id = desk.take_in(7, request_id="order:1")
    assert desk.cancel(7, request_id="order:1")
    assert_cancelled_once(follower, task_id, 7)
    assert desk.client.exists("callboard:outcome:7:order:1")


def test_a_request_that_was_not_taken_in_yet_is_unknown(desk: Desk) -> None:
    assert not desk.cancel(request_id="to-come")


def test_an_unknown_task_changes_nothing(desk: Desk, follower: Follower) -> None:
    desk.cancel(task_id="nobody-knows-it")
    assert follower.events("ada") == follower.outcomes("ada") == []


def test_cancelled_twice_is_cancelled_once(desk: Desk, follower: Follower, redis_server: RedisServer) -> None:
    other = Desk(redis_server.url, desk.client)
    task_id = desk.take_in()
    for one in (desk, other, desk):
        one.cancel(task_id=task_id)
    assert_cancelled_once(follower, task_id)
    other.broker.client.close()


def test_one_of_two_that_have_found_it_cancels_it(desk: Desk, follower: Follower) -> None:
    task_id = desk.take_in()
    delivery = seal(message_for(TaskRequest(task_type="any", user_id="ada"), "default", {})).message
    answer = desk.answers.answer(outcome_of(Delivery(delivery, "x")), None)
    ended = [desk.broker.cancel("default", task_id, b'{"user_id": "ada", "event": "cancelled"}', answer) for _ in "ab"]
    assert ended == [True, False]
    assert kinds(follower.life("ada")) == ["cancelled"]


def test_a_request_that_has_moved_on_is_looked_for_again_so_many_times(desk: Desk, follower: Follower) -> None:
    task_id, cancel = desk.take_in(), desk.broker.cancel
    with patch.object(desk.broker, "cancel", wraps=cancel, side_effect=[*[False] * (TRIES + 1), DEFAULT]):
        assert not desk.cancel(task_id=task_id)
        assert desk.cancel(task_id=task_id)
    assert_cancelled_once(follower, task_id)


def test_nothing_is_told_of_a_task_after_its_cancellation(desk: Desk, follower: Follower) -> None:
    task_id = desk.take_in()
    delivery = desk.deliver()

    def work() -> None:
        desk.broker.announce()
        desk.cancel(task_id=task_id)
        delivery.bulletin.report(Report(1, 2, None))
        desk.broker.announce()

    perform(desk, delivery, work)
    assert kinds(follower.life("ada")) == ["started", "cancelled"]


def test_a_task_whose_message_was_called_off_does_not_begin(desk: Desk) -> None:
    desk.take_in()
    delivery = desk.deliver()
    desk.broker.stage.call_off(delivery.redis_message_id)
    with pytest.raises(Cancelled):
        perform(desk, delivery, lambda: pytest.fail("it has begun"))
    assert not delivery.bulletin.collect_news()
