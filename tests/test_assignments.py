"""Parameters as they are typed."""

import pytest

from client.assignments import read_assignments
from client.errors import UsageError


def test_a_number_that_json_has_not_is_a_string() -> None:
    assert read_assignments(["a=NaN", "b=-Infinity", "c=1e3"], {}) == {"a": "NaN", "b": "-Infinity", "c": 1000.0}
    with pytest.raises(UsageError, match="'a:=NaN' should have JSON after ':=', a string in quotes: NaN is none"):
        read_assignments(["a:=NaN"], {})


@pytest.mark.parametrize("words", [["a:=1", "a=2"], ["=1"], [":=1"], ["a"], ["a:"]])
def test_a_word_that_assigns_nothing_is_refused(words: list[str]) -> None:
    with pytest.raises(UsageError):
        read_assignments(words, {})
