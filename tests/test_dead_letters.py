"""Tasks that ended without success are found, explained, tried again or removed."""

import json
from collections.abc import Iterator
from contextlib import closing
from typing import Any, cast

import dramatiq
import pytest
import redis
from dramatiq.common import current_millis

from client.redis_server import RedisServer
from contract import ErrorCode, Sender
from tests.morgue import Morgue
from transport.dead_letters import DeadLetter, letter_with_reason
from transport.redis_broker import KILLS_ITS_WORKERS


@pytest.fixture
def morgue(redis_server: RedisServer, client: "redis.Redis") -> Iterator[Morgue]:
    with closing(Morgue(redis_server.url, client)) as morgue:
        yield morgue


def test_a_letter_says_why_it_is_dead_longer_than_its_outcome_is_kept(morgue: Morgue) -> None:
    delivery = morgue.fail("no such order", user_id=7, request_id="r-1", parameters={"n": 1})
    for key in morgue.client.scan_iter("callboard:outcome:*"):
        morgue.client.delete(key)
    letter = morgue.only()
    assert (letter.id, letter.sender) == (delivery.message_id, Sender(7, "any", "r-1"))
    assert (letter.error, letter.error_code, letter.attempts) == ("no such order", ErrorCode.FAILED, 1)
    assert letter.message is not None
    assert letter.message.kwargs == {"n": 1}
    assert abs(letter.died_ms - current_millis()) < 60_000


def test_a_message_that_killed_its_workers_says_so(morgue: Morgue, redis_server: RedisServer) -> None:
    delivery = morgue.begin()
    morgue.client.hset("dramatiq:default.suspects", delivery.redis_message_id, 2)
    other = Morgue(redis_server.url, morgue.client).broker
    morgue.client.delete(f"dramatiq:__alive__.{morgue.broker.broker_id}")
    morgue.client.set("dramatiq:__looked__", "", px=60_000)
    other.maintain()
    morgue.bury(other)
    other.close()
    assert (morgue.only().error, morgue.only().error_code) == (KILLS_ITS_WORKERS, ErrorCode.FAILED)


@pytest.mark.parametrize(
    "data",
    [b"\xff no message", dramatiq.Message(cast(Any, 7), "any", (), {}, {}).encode()],
    ids=["no message", "a queue's name that is none"],
)
def test_what_nobody_can_read_says_so_and_is_known_by_the_id_that_redis_has(morgue: Morgue, data: bytes) -> None:
    morgue.put(data)
    letter = morgue.only()
    assert (letter.id, letter.data, letter.task_type, letter.attempts) == ("odd", data, None, None)
    assert "cannot be read" in letter.error
    assert morgue.letters.find("odd") == letter
    assert morgue.letters.retry([letter]) == 0
    assert morgue.only() == letter


def test_a_letter_whose_task_was_tried_several_times_is_found_without_reading_the_others(
    morgue: Morgue, monkeypatch: pytest.MonkeyPatch
) -> None:
    died = morgue.fail(retries=3)
    assert morgue.only().redis_message_id != died.message_id
    monkeypatch.setattr(redis.Redis, "hscan_iter", None)
    assert morgue.letters.find(died.message_id) == morgue.only()


def test_a_message_for_another_queue_says_so_and_is_retried_there(morgue: Morgue) -> None:
    morgue.put(dramatiq.Message("elsewhere", "any", (), {}, {}).encode())
    letter = morgue.only()
    assert letter.error == "It was on queue 'default', and it is for queue 'elsewhere'"
    assert morgue.letters.retry([letter]) == 1
    assert morgue.client.lrange("dramatiq:elsewhere", 0, -1) == [b"odd"]
    morgue.client.delete("dramatiq:elsewhere", "dramatiq:elsewhere.msgs")


def test_what_a_stock_worker_has_given_up_shows_the_traceback_that_it_left(morgue: Morgue) -> None:
    options = {"traceback": "Traceback:\nValueError: 1\n", "retries": 2}
    message: dramatiq.Message[Any] = dramatiq.Message("default", "any", (), {}, options)
    morgue.client.zadd("dramatiq:default.XQ", {"x": current_millis()})
    morgue.client.hset("dramatiq:default.XQ.msgs", "x", message.encode())
    assert morgue.only().error == "ValueError: 1 (of an attempt before the last one)"
    assert morgue.only().attempts is None


def test_a_retried_message_is_as_good_as_new(morgue: Morgue) -> None:
    died = morgue.fail(request_id="r-1", max_age_ms=5_000, parameters={"n": 1}, eta=1)
    assert morgue.letters.retry([morgue.only()]) == 1
    assert morgue.letters.count() == 0
    again = morgue.fail_next("it broke again")
    assert (again.message_id, again.kwargs, again.attempt) == (died.message_id, {"n": 1}, 1)
    assert again.message_timestamp >= died.message_timestamp
    assert set(again.options) == {"callboard", "max_age", "redis_message_id", "callboard_reason"}
    assert morgue.only().error == "it broke again"


def test_what_is_tried_again_is_claimed_by_its_task(morgue: Morgue) -> None:
    died = morgue.fail(request_id="r-1", retries=1)
    morgue.letters.retry([morgue.only()])
    assert morgue.client.get('callboard:request:"u":r-1') == died.message_id.encode()


def test_two_who_retry_one_letter_have_it_tried_once(morgue: Morgue) -> None:
    morgue.fail()
    letter = morgue.only()
    assert [morgue.letters.retry([letter]), morgue.letters.retry([letter])] == [1, 0]
    assert morgue.client.llen("dramatiq:default") == 1


def test_while_it_is_tried_again_the_outcome_of_the_failure_is_gone_and_a_repeat_waits(morgue: Morgue) -> None:
    died = morgue.fail(request_id="r-1")
    by_task, by_request = f"callboard:outcome:{died.message_id}", 'callboard:outcome:"u":r-1'
    assert morgue.client.mget(by_task, by_request) != [None, None]
    morgue.letters.retry([morgue.only()])
    assert morgue.client.mget(by_task, by_request) == [None, None]
    assert morgue.client.get('callboard:request:"u":r-1') is not None
    morgue.fail_next("it broke again")
    again = [json.loads(outcome or b"{}") for outcome in morgue.client.mget(by_task, by_request)]
    assert [outcome["error"] for outcome in again] == ["it broke again"] * 2


def test_the_outcome_of_a_later_request_with_the_same_id_is_left_alone(morgue: Morgue) -> None:
    morgue.fail(request_id="r-1")
    later = b'{"task_id":"another"}'
    morgue.client.set('callboard:outcome:"u":r-1', later, ex=60)
    morgue.letters.retry([morgue.only()])
    assert morgue.client.get('callboard:outcome:"u":r-1') == later


def test_what_another_program_has_put_in_place_of_an_error_code_is_none() -> None:
    message: dramatiq.Message[Any] = dramatiq.Message("default", "any", (), {}, {})
    data = letter_with_reason(message, "it broke", error_code=["failed"], attempts="two")
    letter = DeadLetter("default", "odd", 0, data, message)
    assert (letter.error, letter.error_code, letter.attempts) == ("it broke", None, None)


def test_letters_come_in_pages_the_newest_first(morgue: Morgue) -> None:
    for number in range(5):
        died = morgue.fail(str(number), task_type="odd" if number % 2 else "even")
        morgue.client.zadd("dramatiq:default.XQ", {died.redis_message_id: number})
    assert [letter.error for letter in morgue.letters.newest(2)] == ["4", "3"]
    assert [letter.error for letter in morgue.letters.newest(2, skipped=2)] == ["2", "1"]
    assert [letter.error for letter in morgue.letters.newest(9, task_type="odd")] == ["3", "1"]
    assert {letter.error for letter in morgue.letters.each("even")} == {"0", "2", "4"}
    assert (morgue.letters.count(), morgue.letters.count("odd"), morgue.letters.count("none")) == (5, 2, 0)


def test_a_purged_letter_leaves_nothing(morgue: Morgue) -> None:
    morgue.fail()
    assert morgue.letters.purge([morgue.only()]) == 1
    assert not morgue.client.exists("dramatiq:default.XQ", "dramatiq:default.XQ.msgs")
