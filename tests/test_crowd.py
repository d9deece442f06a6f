"""Whom an ingress that is behind lets wait."""

import json

import pytest

from ingress.crowd import OF_TYPE, OF_USER, WINDOW, Crowd


def request(user_id: object, task_type: object = "any") -> bytes:
    return json.dumps({"user_id": user_id, "task_type": task_type}).encode()


def test_a_user_is_a_crowd_from_so_many_requests_on() -> None:
    crowd = Crowd()
    assert [crowd.includes(request("flooder")) for _ in range(OF_USER + 1)] == [False] * OF_USER + [True]


def test_another_user_of_the_same_task_type_is_none() -> None:
    crowd = Crowd()
    for _ in range(WINDOW):
        crowd.includes(request("flooder"))
    assert not crowd.includes(request("other"))


def test_a_task_type_is_a_crowd_when_many_users_together_ask_for_it() -> None:
    crowd = Crowd()
    judged = [crowd.includes(request(user_id, "flooded")) for user_id in range(OF_TYPE + 1)]
    assert judged == [False] * OF_TYPE + [True]
    assert not crowd.includes(request("other", "rare"))


def test_a_crowd_is_forgotten_when_others_have_come_since() -> None:
    crowd = Crowd()
    for _ in range(WINDOW):
        crowd.includes(request("flooder"))
    for user_id in range(WINDOW):
        crowd.includes(request(user_id, f"task-{user_id}"))
    assert not crowd.includes(request("flooder"))


def test_user_7_is_not_user_7_in_quotes() -> None:
    crowd = Crowd()
    for _ in range(OF_USER):
        crowd.includes(request(7))
    assert not crowd.includes(request("7"))


@pytest.mark.parametrize("data", [b"", b"\xff", b"[]", b"7", request([1]), request(None), request("u", {})])
def test_what_is_no_request_is_never_one(data: bytes) -> None:
    crowd = Crowd()
    assert not any(crowd.includes(data) for _ in range(WINDOW))
