"""What the page shows of the requests: the board of `callboard watch`, and how rate and latency went."""

import threading
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from itertools import islice
from time import monotonic
from typing import Any

import redis
from loguru import logger
from pydantic_core import to_json

from client.board import Board, Row
from client.errors import RedisAwayError
from client.event_stream import event_stream
from client.percentile import percentile
from client.waiter import LAST, last_event
from client.web.shown import shown
from contract import TaskEvent, outcome_key, read_outcome
from setting_sections import RedisSettings
from transport.connection import LONGEST_PAUSE_S, connect

#: The most requests on the page; of the others their number is shown.
MOST_ROWS = 100

#: How often a point is added to the charts, and how many they have: five minutes.
SAMPLE_S = 2.0
SAMPLES = 150

#: How often those requests are asked after that have not ended as far as is known, and how old they are then. Their
#: last event may have been missed, while the connection to Redis was lost.
ASK_S = 5.0
OLD_S = 10.0

#: How long a silence may last before it is looked whether there is anything else to do.
SILENCE_S = 0.25

Sample = tuple[float, float | None, float | None]


class Live:
    """Hears all events in a thread of its own, from its start to its end; use it as a context. Thread-safe.

    Attributes:
        version: another number whenever there is something new to show.
    """

    def __init__(self, place: RedisSettings) -> None:
        self.version = 0
        self._place = place
        self._board = Board()
        self._samples: deque[Sample] = deque(maxlen=SAMPLES)
        self._sample_due_s = self._ask_due_s = monotonic()
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="callboard-web-events", daemon=True)

    def view(self) -> dict[str, Any]:
        """What is known now, for JSON: `requests` and `history` as in docs/web.md."""
        with self._lock:
            now_s = monotonic()
            rows = list(self._board.rows())
            rate, median_ms, p95_ms = self._measure()
            return {
                "requests": [_request(row, now_s) for row in islice(rows, MOST_ROWS)],
                "not_shown": max(0, len(rows) - MOST_ROWS),
                "active": sum(row.state not in LAST for row in rows),
                "rate_per_s": rate,
                "median_ms": median_ms,
                "p95_ms": p95_ms,
                "history": {"step_s": SAMPLE_S, "most": SAMPLES, "samples": list(self._samples)},
            }

    def _run(self) -> None:
        while not self._closed.is_set():
            try:
                self._follow()
            except RedisAwayError as error:
                logger.warning("No events: {}; trying again", error)
                self._closed.wait(LONGEST_PAUSE_S)

    def _follow(self) -> None:
        place = self._place
        with event_stream(place, SILENCE_S) as events, connect(place.connection_url, place.key_prefix) as client:
            for event in events:
                if self._closed.is_set():
                    return
                self._take([] if event is None else [event])
                if monotonic() >= self._ask_due_s:
                    with suppress(redis.RedisError):
                        self._take(self._missed(client))
                    self._ask_due_s = monotonic() + ASK_S

    def _take(self, events: Sequence[TaskEvent]) -> None:
        with self._lock:
            for event in events:
                self._board.take(event)
                self.version += 1
            self._sample_when_due()

    def _missed(self, client: "redis.Redis") -> list[TaskEvent]:
        """The last events of requests whose outcome is kept, and that have not ended as far as is known."""
        old_s = monotonic() - OLD_S
        with self._lock:
            begun = [row for row in self._board.rows() if row.state not in LAST and (row.accepted_s or 0.0) < old_s]
        if not begun:
            return []
        kept: Any = client.mget([self._place.key_prefix + outcome_key(row.last.task_id) for row in begun])
        return [last_event(outcome) for data in kept if data and (outcome := read_outcome(data))]

    def _sample_when_due(self) -> None:
        if (now_s := monotonic()) >= self._sample_due_s:
            self._sample_due_s = now_s + SAMPLE_S
            self._samples.append(self._measure())
            self.version += 1

    def _measure(self) -> Sample:
        latencies_s = self._board.latencies_s()
        return round(self._board.rate(), 1), _ms(latencies_s, 50), _ms(latencies_s, 95)

    def __enter__(self) -> "Live":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closed.set()
        self._thread.join()


def _request(row: Row, now_s: float) -> dict[str, Any]:
    """One row; its user id is there as JSON text too, since a browser would round a long number, unless it is cut."""
    last = row.last
    user_id = shown(last.user_id)
    return {
        "task_id": last.task_id,
        "request_id": last.request_id,
        "user_id": user_id,
        "user_id_json": to_json(user_id).decode() if user_id == last.user_id else None,
        "task_type": shown(last.task_type),
        "state": row.state,
        "is_over": row.state in LAST,
        "is_running": row.started_s is not None and row.state not in LAST,
        "waited_s": _rounded(row.waited_s(now_s)),
        "ran_s": _rounded(row.ran_s(now_s)),
        "attempt": row.attempt,
        "share": _rounded(row.share),
        "message": last.message,
        "error": row.error,
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)


def _ms(ascending_s: Sequence[float], percent: int) -> float | None:
    return round(1000 * percentile(ascending_s, percent), 1) if ascending_s else None
