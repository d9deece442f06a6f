"""The task `reverse_string`."""

from collections import Counter
from typing import Any

import pytest
import regex
from hypothesis import given
from hypothesis import strategies as st

from actors.reverse import ReversedText, reverse
from errors import InvalidParametersError
from tests.samples import perform
from tests.strategies import PROPERTY

ZWJ = "\N{ZERO WIDTH JOINER}"

#: What a reader sees as one character, though it is several code points.
CLUSTERS = {
    "skin-tone": "👍🏽",
    "family": ZWJ.join("👨👩👧👦"),
    "profession": ZWJ.join(("👩🏿", "🚀")),
    "flag": "🇩🇪",
    "flag-of-tags": "🏴" + "".join(chr(0xE0000 + ord(letter)) for letter in "gbsct") + "\N{CANCEL TAG}",
    "keycap": "1\N{VARIATION SELECTOR-16}\N{COMBINING ENCLOSING KEYCAP}",
    "accent": "e\N{COMBINING ACUTE ACCENT}",
    "accents": "o\N{COMBINING DIAERESIS}\N{COMBINING MACRON}",
    "hangul": "\N{HANGUL CHOSEONG HIEUH}\N{HANGUL JUNGSEONG A}\N{HANGUL JONGSEONG NIEUN}",
    "devanagari": "\N{DEVANAGARI LETTER NA}\N{DEVANAGARI VOWEL SIGN I}",
    "thai": "\N{THAI CHARACTER KO KAI}\N{THAI CHARACTER SARA AM}",
    "crlf": "\r\n",
}

#: Each of them begins a new one, wherever it stands.
whole_clusters = st.lists(
    st.sampled_from([*CLUSTERS.values(), "a", "é", "한", "漢", "👍", " ", "\n", "\0"]), min_size=1
)

#: Nothing but what joins to its neighbours, or breaks from them, in any order.
joiners = st.text("a\r\n\u0301\u200d\ufe0f👍🏽🇩🇪\u1112\u1161\u11ab\u0600\u0928\u094d", min_size=1)


def complaint(**parameters: Any) -> str:
    with pytest.raises(InvalidParametersError) as refused:
        reverse.check(parameters)
    return str(refused.value)


def test_a_text_comes_back_last_character_first() -> None:
    assert reverse("hello") == ReversedText(reversed_text="olleh")


def test_a_worker_makes_the_result_of_the_design() -> None:
    assert perform(reverse, text="hello") == {"reversed_text": "olleh"}


@pytest.mark.parametrize("cluster", CLUSTERS.values(), ids=CLUSTERS)
def test_what_a_reader_sees_as_one_character_stays_whole(cluster: str) -> None:
    assert reverse(f"ab{cluster}c").reversed_text == f"c{cluster}ba"
    assert reverse(cluster).reversed_text == cluster


def test_two_flags_change_places_and_stay_flags() -> None:
    assert reverse("🇩🇪🇫🇷").reversed_text == "🇫🇷🇩🇪"


def test_a_text_of_nothing_but_flags_is_reversed_flag_by_flag() -> None:
    # In seconds once: the expression for a cluster counted the flags before each flag.
    assert reverse("🇩🇪🇫🇷" * 25_000).reversed_text == "🇫🇷🇩🇪" * 25_000


@PROPERTY
@given(joiners | st.text("🇩🇪\u0301\u0600\u200d", min_size=1))
def test_characters_are_told_apart_as_unicode_does(text: str) -> None:
    assert reverse(text).reversed_text == "".join(reversed(regex.findall(r"\X", text)))


def test_a_text_in_composed_and_in_decomposed_form_reverse_alike() -> None:
    assert reverse("h\N{LATIN SMALL LETTER E WITH ACUTE}!").reversed_text == "!éh"
    assert reverse("he\N{COMBINING ACUTE ACCENT}!").reversed_text == "!e\N{COMBINING ACUTE ACCENT}h"


@PROPERTY
@given(whole_clusters)
def test_a_text_of_whole_characters_has_them_in_reverse_order(clusters: list[str]) -> None:
    assert reverse("".join(clusters)).reversed_text == "".join(reversed(clusters))


@PROPERTY
@given(whole_clusters)
def test_a_text_of_whole_characters_reversed_twice_is_itself(clusters: list[str]) -> None:
    text = "".join(clusters)
    assert reverse(reverse(text).reversed_text).reversed_text == text


@PROPERTY
@given(st.text(min_size=1) | joiners)
def test_no_code_point_is_lost_or_made_up(text: str) -> None:
    assert Counter(reverse(text).reversed_text) == Counter(text)


@pytest.mark.parametrize("parameters", [{}, {"text": None}, {"text": ""}], ids=["absent", "null", "empty"])
def test_a_missing_text_is_called_so(parameters: dict[str, Any]) -> None:
    assert complaint(**parameters) == "Missing 'text' parameter"


@pytest.mark.parametrize("value", [5, 0.5, True, ["hello"], {"text": "hello"}], ids=str)
def test_what_is_no_string_is_refused(value: object) -> None:
    assert complaint(text=value) == "Invalid 'text' parameter: Input should be a valid string"


@pytest.mark.parametrize("character", ["x", "é", "👍"])
def test_a_text_may_have_100_000_characters_and_no_more(character: str) -> None:
    assert reverse.check({"text": character * 100_000})
    assert "at most 100000 characters" in complaint(text=character * 100_001)


@pytest.mark.parametrize("text", [" ", "\n", "\0", "\N{ZERO WIDTH SPACE}", "\N{COMBINING ACUTE ACCENT}"], ids=ascii)
def test_a_text_of_anything_is_no_empty_text(text: str) -> None:
    assert reverse.check({"text": text})
    assert reverse(text).reversed_text == text
