"""`CallboardClient` and a real system: calls, many of them outstanding, and what it says when there is no answer."""

import doctest
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import client.callboard_client
import client.listener
from client import CallboardClient, NobodyListensError, NoOutcomeError, RedisAwayError, TaskError
from client.errors import ClientClosedError
from client.redis_server import RedisServer, free_port
from contract import ErrorCode
from errors import CallboardError, SettingsError
from tests.redis_under_test import open_client
from tests.subscribers import subscribers
from tests.system import System, environment, run_to_its_end
from tests.waiting import wait_until
from tests.wire import Wire, new_user

#: Redis is told to go on long before.
PAUSE_MS = 60_000


@pytest.fixture
def callboard(system: System) -> Iterator[CallboardClient]:
    with CallboardClient(system.redis_url, user_id=new_user()) as callboard:
        yield callboard


def test_the_examples_in_the_docstring_are_true(system: System) -> None:
    module = client.callboard_client
    assert doctest.testmod(module, extraglobs={"REDIS_URL": system.redis_url}).failed == 0


def test_a_call_returns_the_result(callboard: CallboardClient) -> None:
    assert callboard.call("reverse_string", text="abc") == {"reversed_text": "cba"}


def test_a_call_that_fails_raises_the_error_with_its_code(callboard: CallboardClient) -> None:
    with pytest.raises(TaskError, match="this never works") as raised:
        callboard.call("always_fails")
    assert raised.value.code is ErrorCode.FAILED
    assert raised.value.outcome.attempts == 3
    assert isinstance(raised.value, CallboardError)


def test_what_is_no_request_is_refused_before_it_is_sent(callboard: CallboardClient) -> None:
    with pytest.raises(TaskError, match="Invalid 'delay_ms' field") as raised:
        callboard.with_options(delay_ms=-1).send("reverse_string", text="abc")
    assert raised.value.code is ErrorCode.INVALID_REQUEST


def test_a_parameter_that_is_no_json_is_refused_before_it_is_sent(callboard: CallboardClient) -> None:
    with pytest.raises(TaskError, match="cannot be written as JSON") as raised:
        callboard.send("reverse_string", text=object())
    assert raised.value.code is ErrorCode.INVALID_PARAMETERS


def test_a_request_that_is_too_large_for_the_ingress_is_answered(callboard: CallboardClient) -> None:
    with pytest.raises(TaskError, match="at most 1048576 are accepted") as raised:
        callboard.call("reverse_string", text="x" * 1024 * 1024)
    assert raised.value.code is ErrorCode.TOO_LARGE


def test_an_option_that_is_none_is_refused(callboard: CallboardClient) -> None:
    with pytest.raises(TypeError, match="delay is no option of a request; there are user_id, request_id, delay_ms"):
        callboard.with_options(delay=1)  # type: ignore[call-arg]


def test_a_parameter_may_have_the_name_of_an_option_or_an_argument(callboard: CallboardClient) -> None:
    result = callboard.call("reverse_string", text="abc", self=1, task_type=2, user_id=3, options=4)
    assert result == {"reversed_text": "cba"}


def test_five_thousand_calls_are_outstanding_on_one_connection(system: System, callboard: CallboardClient) -> None:
    with system.suspended("worker"):
        sent = [callboard.send("reverse_string", text=f"{number:04}") for number in range(5_000)]
    results = [request.result(timeout_s=50)["reversed_text"] for request in sent]
    assert results == [f"{number:04}"[::-1] for number in range(5_000)]


def test_many_threads_use_one_client(callboard: CallboardClient) -> None:
    results: list[str] = []

    def call(text: str) -> None:
        results.extend(callboard.call("reverse_string", text=f"{text}{number}")["reversed_text"] for number in range(9))

    threads = [threading.Thread(target=call, args=[text]) for text in "abcdefgh"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == sorted(f"{number}{text}" for text in "abcdefgh" for number in range(9))


def test_more_threads_send_at_once_than_redis_py_has_connections_for(system: System) -> None:
    number = 150
    everybody = threading.Barrier(number)

    def call(text: str) -> str:
        everybody.wait()
        reversed_text: str = patient.call("reverse_string", text=text)["reversed_text"]
        return reversed_text

    with (
        CallboardClient(f"{system.redis_url}?socket_timeout={PAUSE_MS // 1000}") as patient,
        open_client(system.redis_url) as operator,
        ThreadPoolExecutor(number) as threads,
    ):
        patient.call("reverse_string", text="abc")
        # Its listener's, and the one that was used just now, which one of the threads takes.
        others = len(operator.client_list()) - 1
        # So that each of them still has its connection when the last one takes its own.
        operator.client_pause(PAUSE_MS, all=False)
        try:
            results = threads.map(call, ["abc"] * number)
            wait_until(lambda: len(operator.client_list()) >= others + number, "a connection for each thread")
        finally:
            operator.client_unpause()
        assert list(results) == ["cba"] * number


def test_options_are_those_of_the_request(callboard: CallboardClient) -> None:
    request = callboard.with_options(user_id=7, request_id="r-1", delay_ms=50).send("reverse_string", text="abc")
    outcome = request.outcome()
    assert (outcome.user_id, outcome.request_id) == (7, "r-1")
    assert (request.user_id, request.request_id) == (7, "r-1")


def test_two_users_with_one_request_id_get_their_own_outcomes(callboard: CallboardClient) -> None:
    options = callboard.with_options(request_id="the-same")
    requests = [
        options.with_options(user_id=user_id).send("reverse_string", text=text) for user_id, text in IDS.items()
    ]
    assert [request.result()["reversed_text"] for request in requests] == ["ba", "dc"]


IDS: dict[int | str, str] = {70: "ab", "70": "cd"}


def test_a_request_that_is_sent_again_is_performed_once(callboard: CallboardClient) -> None:
    again = callboard.with_options(request_id="again")
    first = again.send("generate_random_number").result()
    assert again.send("generate_random_number").result() == first


def test_a_durable_request_waits_for_an_ingress(system: System) -> None:
    with CallboardClient(system.redis_url, durable=True) as callboard:
        assert callboard.call("reverse_string", text="abc") == {"reversed_text": "cba"}


def test_an_outcome_that_takes_too_long_is_a_timeout_and_may_be_awaited_again(
    callboard: CallboardClient, tmp_path: Path
) -> None:
    go_on = tmp_path / "go on"
    request = callboard.send("waits_for", file=str(go_on))
    with pytest.raises(NoOutcomeError, match="it may still be waiting or running") as raised:
        request.result(timeout_s=0.05)
    assert isinstance(raised.value, TimeoutError)
    go_on.touch()
    assert request.result() == {"text": "there it is"}


def test_it_may_listen_where_all_outcomes_go(system: System) -> None:
    with CallboardClient(system.redis_url, listen_on="results") as callboard:
        assert callboard.call("reverse_string", text="abc") == {"reversed_text": "cba"}


def test_a_channel_that_is_not_allowed_is_no_loss_where_outcomes_may_be_read(system: System, wire: Wire) -> None:
    with CallboardClient(system.redis_url, listen_on="elsewhere", user_id=new_user()) as callboard:
        request = callboard.send("reverse_string", text="abc")
        wire.outcome_of(request.user_id)
        with pytest.raises(TaskError):
            request.result(timeout_s=0)


def test_it_says_at_once_when_nobody_listens() -> None:
    error = pytest.raises(NobodyListensError, match="nobody listens on channel 'tasks': no ingress runs")
    with RedisServer() as server, CallboardClient(server.url) as callboard, error:
        callboard.call("reverse_string", text="abc")


def test_it_says_at_once_that_redis_does_not_answer() -> None:
    url = f"redis://ada:hush-hush@127.0.0.1:{free_port()}/0"
    with CallboardClient(url) as callboard, pytest.raises(RedisAwayError, match="Connection refused") as raised:
        callboard.call("reverse_string", text="abc")
    assert "hush" not in str(raised.value)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "[::1]"])
def test_it_says_that_redis_does_not_answer_though_the_password_is_its_name(host: str) -> None:
    url = f"redis://:{host.strip('[]')}@{host}:{free_port()}/0"
    with CallboardClient(url) as callboard, pytest.raises(RedisAwayError, match=r"Error .* connecting to"):
        callboard.call("reverse_string", text="abc")


def test_a_url_that_is_none_is_refused_without_being_repeated() -> None:
    with pytest.raises(SettingsError, match="the URL of Redis") as raised:
        CallboardClient("http://ada:hush-hush@localhost")
    assert "hush" not in str(raised.value)


def test_who_waits_is_told_when_the_client_is_closed(system: System, wire: Wire, tmp_path: Path) -> None:
    go_on = tmp_path / "go on"
    callboard = CallboardClient(system.redis_url, user_id=new_user())
    request = callboard.send("waits_for", file=str(go_on))
    callboard.close()
    with pytest.raises(ClientClosedError):
        request.result()
    with pytest.raises(ClientClosedError):
        callboard.call("reverse_string", text="abc")
    go_on.touch()
    wire.outcome_of(request.user_id)


def test_an_outcome_that_came_while_the_connection_was_lost_is_fetched(
    system: System, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    go_on = tmp_path / "go on"
    monkeypatch.setattr(client.listener, "FIRST_PAUSE_S", 2.0)
    with open_client(system.redis_url) as operator, CallboardClient(system.redis_url, user_id=new_user()) as callboard:
        others = subscribers(operator)
        with Wire(system.redis_url) as wire:
            others |= subscribers(operator)
            request = callboard.send("waits_for", file=str(go_on))
            for own in subscribers(operator) - others:
                operator.client_kill_filter(_id=own)
            go_on.touch()
            assert wire.outcome_of(request.user_id)["status"] == "completed"
        assert request.result() == {"text": "there it is"}


def test_it_does_not_become_a_part_of_the_system_that_it_calls(system: System) -> None:
    """Importing the broker would read the settings and take over the Dramatiq of the program."""
    program = "import client, sys; sys.exit(len({'broker', 'dramatiq', 'task'} & set(sys.modules)))"
    ended = run_to_its_end(system.project, ["-c", program], environment(None, CALLBOARD_CONFIG="missing"))
    assert (ended.returncode, ended.stderr) == (0, "")
