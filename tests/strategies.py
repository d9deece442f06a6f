"""What hypothesis makes: JSON good and bad, whole requests, and bytes that were a request once."""

import json
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st

from contract import MAX_DELAY_MS

#: A slow machine is no wrong answer.
PROPERTY = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], max_examples=100)

FIELDS = ("task_type", "user_id", "parameters", "request_id", "reply_to", "delay_ms", "max_age_ms", "traceparent")

#: Beyond 64 bits, and up to the 4300 digits that a JSON reader takes.
huge_integers = st.sampled_from([19, 1000, 4299]).map(lambda digits: 10**digits) | st.just(-(2**63) - 1)


def json_values(scalars: st.SearchStrategy[Any], keys: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    """Those scalars, and arrays and objects of them."""
    return st.recursive(
        scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4), max_leaves=10
    )


proper_scalars = (
    st.none() | st.booleans() | st.integers() | huge_integers | st.floats(allow_nan=False, allow_infinity=False)
) | st.text()
proper_json = json_values(proper_scalars, st.text())

#: Characters with lone surrogates among them, and numbers with NaN and the infinities.
any_text = st.text(st.characters())
any_json = json_values(proper_scalars | st.floats() | any_text, any_text)

request_like = st.dictionaries(st.sampled_from(FIELDS) | any_text, any_json, max_size=8)

#: Every one of them is a request that must be accepted.
requests = st.fixed_dictionaries(
    {"task_type": st.text(min_size=1), "user_id": st.text(min_size=1) | (st.integers() | huge_integers).filter(bool)},
    optional={
        "parameters": st.none() | st.dictionaries(st.text(), proper_json, max_size=4),
        "request_id": st.from_regex(r"[A-Za-z0-9._:-]{1,128}", fullmatch=True),
        "reply_to": st.from_regex(r"[!-~]{1,200}", fullmatch=True),
        "delay_ms": st.integers(0, MAX_DELAY_MS),
        "max_age_ms": st.integers(min_value=0),
        "traceparent": st.just("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"),
        "a_field_of_tomorrow": proper_json,
    },
)


@st.composite
def damaged(draw: st.DrawFn, whole: st.SearchStrategy[dict[str, Any]]) -> bytes:
    """The JSON of an object with some of its bytes cut out, doubled or replaced."""
    data = json.dumps(draw(whole), ensure_ascii=draw(st.booleans())).encode("utf-8", "surrogatepass")
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(data)))
        end = draw(st.integers(start, min(len(data), start + 8)))
        data = data[:start] + draw(st.binary(max_size=4) | st.just(data[start:end] * 2)) + data[end:]
    return data
