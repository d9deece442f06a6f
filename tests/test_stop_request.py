"""How long a process that was asked to stop goes on trying to reach Redis."""

import pytest
import redis

from transport.connection import StopRequest


@pytest.mark.parametrize("patience_s", [0.0, 0.5])
def test_after_a_request_to_stop_nothing_is_tried_for_ever(patience_s: float) -> None:
    stop = StopRequest()
    attempts: list[str] = []

    def fail() -> None:
        stop.request()
        attempts.append(f"attempt {len(attempts)}")
        raise redis.ConnectionError(attempts[-1])

    with pytest.raises(redis.ConnectionError) as raised:
        stop.until_redis_answers(fail, patience_s)
    assert str(raised.value) == attempts[-1]
    assert patience_s or len(attempts) == 1
