"""Makes another request of one: wrong values in its fields where it is JSON, else wrong bytes."""

import json
from copy import deepcopy
from random import Random
from typing import Any

FIELDS = ("task_type", "user_id", "parameters", "request_id", "reply_to", "delay_ms", "max_age_ms", "traceparent")
TASKS = ("reverse_string", "generate_random_number", "everything")
PARAMETERS = (
    "text", "min_value", "max_value", "day", "moment", "pause", "price", "share",
    "key", "colour", "kind", "choice", "items", "table", "pair", "code", "extra",
)  # fmt: skip

#: Each of them is right somewhere and wrong everywhere else.
VALUES: tuple[Any, ...] = (
    None, True, False, 0, -0.0, 1, -1, 2**31, 2**63, -(2**63) - 1, 10**400, 10**4298, 1.5, 1e308, 5e-324,
    float("nan"), float("inf"), "", " ", "0", "1", "-7", "+1", "1e5", "9" * 19, "NaN", "Infinity", "true", "null",
    "reverse_string", "generate_random_number", "everything", "results", "results:me", "results:\n", "tasks", "*",
    "a\nb", "\x00", "\x1b[31m", "\x85", "\u2028", "\u202e", "\ud800", "\ufeff", "\ue000", "e\u0301", "\r\n",
    "\U0001f1e6\U0001f1e9\U0001f1e6", "\U0001f468\u200d\U0001f469", "\U0001f44d\U0001f3fd", "\u0915\u094d\u0915",
    "2026-02-29", "2026-11-24", "2026-11-24T10:00:00Z", "P1DT2H", "00:00:01", "a" * 32, "red", "a", "b", "x-y",
    [], [[]], [1, "x"], [{"name": "n"}], [{"name": "n", "count": 2, "tags": ["t", "t"]}], ["x", 1],
    {}, {"1": [1.5]}, {"x": {}}, {"name": "x" * 21}, {"1": [], "01": []}, {"text": "x"}, {"": None}, {"\ud800": 1},
)  # fmt: skip

TOKENS = (
    b"{", b"}", b"[", b"]", b",", b":", b'"', b"\\", b"\\u", b"\\ud800", b"\\ud83d\\ude00", b"null", b"true", b"NaN",
    b"Infinity", b"-", b"1e999", b"1E400", b"0.1", b"\x00", b"\n", b"\xef\xbb\xbf", b"\xff\xfe", b"\xc3\xa9",
    b"\xed\xa0\x80", b"\xc0\x80", b"\xf4\x90\x80\x80", b"\xcc\x81", b"\xe2\x80\x8d", b"\xf0\x9f\x87\xa6",
)  # fmt: skip


def mutated(data: bytes, random: Random) -> bytes:
    """One that differs from `data` in a few places, the same for the same `random`."""
    try:
        content = json.loads(data)
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict) and random.random() < 0.7:
        # Back to what can be read: there is more to find behind the reader of JSON than before it.
        content = {"task_type": random.choice(TASKS), "user_id": 7, "parameters": {"text": "x", "min_value": 1}}
    if isinstance(content, dict):
        data = _with_other_values(content, random)
    for _ in range(random.choice((0, 0, 0, 0, 1, 2)) if isinstance(content, dict) else 1):
        data = _with_other_bytes(data, random)
    return data


def _with_other_values(request: dict[str, Any], random: Random) -> bytes:
    for _ in range(random.choice((1, 1, 2, 3))):
        parameters = request.get("parameters")
        if isinstance(parameters, dict) and random.random() < 0.7:
            _change(parameters, PARAMETERS, random)
        else:
            _change(request, FIELDS, random)
    return json.dumps(request, ensure_ascii=random.random() < 0.5).encode("utf-8", "surrogatepass")


def _change(target: dict[str, Any], names: tuple[str, ...], random: Random) -> None:
    name = random.choice(names)
    kind = random.random()
    if kind < 0.1:
        target.pop(name, None)
    elif kind < 0.2 and name in target:
        target[name] = [target[name]]
    elif kind < 0.3 and isinstance(target.get(name), str):
        text = target[name] + str(random.choice(VALUES))
        target[name] = "".join(random.sample(text, len(text)))[:200]
    else:
        target[name] = deepcopy(random.choice(VALUES))


def _with_other_bytes(data: bytes, random: Random) -> bytes:
    start = random.randint(0, len(data))
    end = random.randint(start, min(len(data), start + 16))
    kind = random.random()
    if kind < 0.3:
        return data[:start] + random.choice(TOKENS) + data[start:]
    if kind < 0.5:
        return data[:start] + data[end:]
    if kind < 0.7:
        return data[:start] + random.randbytes(random.randint(1, 4)) + data[end:]
    if kind < 0.95:
        return data[:end] + data[start:end] + data[end:]
    repeat = bytes((random.choice(b"\xfd\xfe"), random.randint(0, 17), random.randint(0, 15)))
    return data[:start] + repeat + data[start:]
