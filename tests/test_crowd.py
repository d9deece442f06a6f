"""Whom an ingress that is behind lets wait."""

import json
import tracemalloc
from itertools import product

import pytest

from ingress.crowd import OF_TYPE, OF_USER, WINDOW, Crowd


def request(user_id: object, task_type: object = "any", **parameters: object) -> bytes:
    return json.dumps({"parameters": parameters, "user_id": user_id, "task_type": task_type}).encode()


@pytest.fixture
def flooded() -> Crowd:
    """By one user."""
    crowd = Crowd()
    crowd.among([request("flooder")] * WINDOW)
    return crowd


def test_a_user_is_a_crowd_from_so_many_requests_on() -> None:
    assert Crowd().among([request("flooder")] * (OF_USER + 1)) == [False] * OF_USER + [True]


def test_it_remembers_whom_it_was_asked_about() -> None:
    crowd = Crowd()
    for _ in range(OF_USER):
        assert crowd.among([request("flooder")]) == [False]
    assert crowd.among([request("flooder"), request("other"), request("flooder")]) == [True, False, True]


def test_another_user_of_the_same_task_type_is_none(flooded: Crowd) -> None:
    assert flooded.among([request("other")]) == [False]


@pytest.mark.parametrize("separators", [(",", ":"), (" , ", " : "), (",\n\t", ":\n")])
def test_a_crowd_is_known_however_its_json_is_written(separators: tuple[str, str]) -> None:
    crowd = Crowd()
    for user_id in ("zoë", 7):
        content = {"user_id": user_id, "task_type": "any"}
        own = json.dumps(content, separators=separators, ensure_ascii=False).encode()
        crowd.among([own] * WINDOW)
        written_otherwise = json.dumps(content | {"user_id": user_id}).encode()
        assert crowd.among([own, written_otherwise]) == [True, True]


def test_whoever_shares_letters_with_a_crowd_is_none() -> None:
    crowd = Crowd()
    crowd.among([request(7)] * WINDOW)
    crowd.among([request("a")] * WINDOW)
    innocent: list[object] = [70, 7.5, -7, "7", "aa", 'a"', "ba", 7 * 10**30]
    assert crowd.among([request(user_id) for user_id in innocent]) == [False] * len(innocent)


def test_whoever_speaks_of_a_crowd_is_none(flooded: Crowd) -> None:
    spoken_of = request("other", text='"user_id": "flooder",')
    assert flooded.among([spoken_of]) == [False]


def test_many_crowds_are_known_side_by_side() -> None:
    crowd = Crowd()
    flooders = [request(f"flooder-{number}") for number in range(10)]
    crowd.among(flooders * (OF_USER + 1))
    assert crowd.among(flooders) == [True] * 10


def test_a_task_type_is_a_crowd_when_many_users_together_ask_for_it() -> None:
    crowd = Crowd()
    judged = crowd.among([request(user_id, "flooded") for user_id in range(OF_TYPE + 1)])
    assert judged == [False] * OF_TYPE + [True]
    assert crowd.among([request("other", "rare"), request("other", "flooded")]) == [False, True]


def test_a_crowd_is_forgotten_when_others_have_come_since(flooded: Crowd) -> None:
    for user_id in range(2 * WINDOW):
        flooded.among([request(user_id, f"task-{user_id}")])
    assert flooded.among([request("flooder")]) == [False]


def test_a_crowd_that_goes_on_stays_one(flooded: Crowd) -> None:
    burst = [request(number) for number in range(WINDOW - 100)] + [request("flooder")] * 100
    for _ in range(10):
        assert flooded.among(burst)[-100:] == [True] * 100


@pytest.mark.parametrize("of_each", [100, WINDOW])
def test_crowds_that_go_on_side_by_side_stay_crowds(of_each: int) -> None:
    crowd = Crowd()
    flooders = [request(f"flooder-{number}") for number in range(3)] * of_each
    burst = [*flooders, *(request(number, f"task-{number}") for number in range(WINDOW // 2))]
    crowd.among(burst)
    for _ in range(10):
        assert sum(crowd.among(burst)) == len(flooders)


def test_a_task_type_is_a_crowd_no_longer_than_many_ask_for_it_whoever_floods() -> None:
    crowd = Crowd()
    crowd.among([request(user_id, "usual") for user_id in range(OF_TYPE + 1)])
    flood = [request("flooder", "usual")] * (4 * WINDOW)
    for number in range(2 * WINDOW):
        crowd.among([*flood[:2], request(f"user-{number}", f"task-{number}")])
        if number % 100 == 0:
            crowd.among(flood)
    assert crowd.among([*flood, request("other", "usual")])[-1] is False


def test_those_who_all_ask_for_the_same_are_none_beside_a_flood(flooded: Crowd) -> None:
    for _ in range(40):
        burst = [request("flooder", "usual")] * (4 * WINDOW) + [request(user_id, "usual") for user_id in range(50)]
        assert flooded.among(burst)[-50:] == [False] * 50


def test_so_many_equal_users_that_none_sends_too_much_are_none() -> None:
    crowd = Crowd()
    for _ in range(10):
        burst = [request(number % 20, f"task-{number % 3}") for number in range(4 * WINDOW)]
        assert not any(crowd.among(burst)[WINDOW:])


@pytest.mark.parametrize("users", [100, 110, 128])
def test_users_who_take_turns_with_one_task_type_are_none_with_others(users: int) -> None:
    crowd = Crowd()
    for _ in range(10):
        crowd.among([request(number % users, "flooded") for number in range(4 * WINDOW)])
    assert not any(crowd.among([request(user_id, f"rare-{user_id}") for user_id in range(users)]))


def test_a_user_who_floods_with_what_everybody_asks_for_is_found_out() -> None:
    crowd = Crowd()
    crowd.among([request(user_id, "usual") for user_id in range(2 * WINDOW)])
    crowd.among([request("flooder", "usual")] * (2 * WINDOW))
    assert crowd.among([request("flooder", "rare"), request("other", "rare")]) == [True, False]


@pytest.mark.parametrize("data", [b"", b"\xff", b"{", b"[]", b"7", request([1]), request(None), request(True)])
def test_all_that_do_not_say_whose_they_are_count_as_one_user(data: bytes) -> None:
    crowd = Crowd()
    assert crowd.among([data, b'{"oops'] * WINDOW) == [False] * OF_USER + [True] * (2 * WINDOW - OF_USER)
    assert crowd.among([data, request("other")]) == [True, False]


def test_a_user_is_a_crowd_whatever_is_asked_for() -> None:
    judged = Crowd().among([request("flooder", {})] * (OF_USER + 1))
    assert judged[-1]


def test_users_and_task_types_as_long_as_a_request_are_not_kept() -> None:
    crowd = Crowd()
    tracemalloc.start()
    for number in range(2 * OF_USER):
        crowd.among([request(f"{number}" + "x" * 1_000_000, f"{number}" + "x" * 1_000_000)])
    assert _kept_bytes() < 1_000_000


def test_the_ways_to_write_a_crowd_are_not_all_kept(flooded: Crowd) -> None:
    tracemalloc.start()
    for gaps in product([" " * width for width in range(10)], repeat=3):
        own = '{{"user_id"{}:{}"flooder"{}, "task_type": "any"}}'.format(*gaps).encode()
        assert flooded.among([own]) == [True]
    assert _kept_bytes() < 50_000


def _kept_bytes() -> int:
    kept_bytes, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return kept_bytes
