"""The thread of a `CallboardClient`: it cannot be started, has ended, or waits for a Redis that says nothing."""

import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis

from client import CallboardClient, ClientClosedError
from client.listener import Listener
from tests.redis_under_test import open_client
from tests.system import System
from tests.waiting import wait_until

#: Longer than a test may take: what ends does not end because this is over.
NEVER_S = 3600


def _fail(*_: object) -> None:
    raise RuntimeError("no more memory for a thread")


def test_a_thread_that_could_not_be_started_is_started_by_the_next_call(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    with CallboardClient(system.redis_url) as callboard:
        with monkeypatch.context() as patch:
            patch.setattr(threading.Thread, "start", _fail)
            with pytest.raises(RuntimeError, match="no more memory"):
                callboard.call("reverse_string", text="abc")
        assert callboard.call("reverse_string", text="abc") == {"reversed_text": "cba"}


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_it_hears_again_after_its_thread_has_ended(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    others = set(threading.enumerate())
    with CallboardClient(system.redis_url, listen_on="results", timeout_s=NEVER_S) as callboard:
        callboard.call("reverse_string", text="abc")
        with monkeypatch.context() as patch:
            patch.setattr(Listener, "_read", _fail)
            wait_until(lambda: set(threading.enumerate()) <= others, "the end of the thread")
        assert callboard.call("reverse_string", text="abc") == {"reversed_text": "cba"}


def test_a_redis_that_is_silent_for_long_is_asked_whether_it_is_there(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("client.listener.PING_S", 0.0)
    monkeypatch.setattr("client.listener.SLICE_S", 0.01)
    with open_client(system.redis_url) as other, CallboardClient(system.redis_url, listen_on="results") as callboard:
        others = {each["id"] for each in other.client_list(_type="pubsub")}
        callboard.call("reverse_string", text="abc")

        def last_commands() -> set[str]:
            return {each["cmd"] for each in other.client_list(_type="pubsub") if each["id"] not in others}

        wait_until(lambda: last_commands() == {"ping"}, "it asks")


def test_closing_does_not_wait_for_a_redis_that_says_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute, ThreadPoolExecutor() as threads:
        callboard = CallboardClient(f"redis://127.0.0.1:{mute.getsockname()[1]}?socket_timeout={NEVER_S}")
        called = threads.submit(callboard.call, "reverse_string", text="abc")
        with mute.accept()[0]:
            callboard.close()
            with pytest.raises(ClientClosedError):
                called.result()


def test_who_is_sending_when_the_client_is_closed_is_told_whatever_redis_py_makes_of_it(
    system: System, monkeypatch: pytest.MonkeyPatch
) -> None:
    callboard = CallboardClient(system.redis_url)
    callboard.call("reverse_string", text="abc")

    def find_the_connection_closed(*_: object) -> None:
        callboard.close()
        raise TypeError("argument must be an int, or have a fileno() method.")

    monkeypatch.setattr(redis.Redis, "publish", find_the_connection_closed)
    with pytest.raises(ClientClosedError):
        callboard.call("reverse_string", text="abc")
