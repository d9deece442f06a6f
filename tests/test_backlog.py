"""What an ingress holds, and the positions in it that all ingresses mean the same by."""

from ingress.backlog import MARKERS, Backlog


def backlog(*heard: bytes | str) -> Backlog:
    """One that has heard requests, which are bytes, and markers, in this order."""
    made = Backlog(limit_bytes=10_000)
    for each in heard:
        made.extend((each,)) if isinstance(each, bytes) else made.mark(each)
    return made


def test_whoever_has_heard_some_of_what_was_taken_in_knows_a_marker_of_it() -> None:
    leader = backlog("m1", b"a", b"b", "m2", b"c", "m3", b"d")
    assert leader.position_after(4) == {"m1": 4, "m2": 2, "m3": 1}
    leader.drop(3)
    assert leader.position_after(1) == {"m3": 1}


def test_what_another_one_has_taken_in_is_dropped_and_nothing_else() -> None:
    leader, cut_off, newcomer = backlog("m1", b"a", b"b", "m2", b"c"), backlog("m1", b"a", b"b"), backlog("m2", b"c")
    position = leader.position_after(3)
    cut_off.drop_known({"m1": position["m1"]})
    newcomer.drop_known({"m2": position["m2"]})
    assert (len(cut_off), len(newcomer)) == (0, 0)
    newcomer.extend((b"d",))
    assert newcomer.first(9, 99) == [b"d"]


def test_what_is_still_to_be_heard_may_be_taken_in_already() -> None:
    late = backlog("m1")
    late.drop_known({"m1": 2})
    late.extend((b"a",))
    late.extend((b"b", b"c"))
    assert late.first(9, 99) == [b"c"]


def test_what_was_passed_over_is_kept_until_it_is_taken_in() -> None:
    slow = backlog("m1", b"a", b"b", b"c", "m2", b"d", b"e")
    # Whoever leads has begun to listen at m2, and the one before had taken in one request.
    position = {"m2": 1, "m1": 1}
    assert slow.drop_known(position) == 2
    assert slow.first(2, 99) == [b"b", b"c"]
    assert slow.position_after(1) == {"m1": 2}
    assert slow.drop_known(position | {"m1": 2}) == 1
    assert slow.drop_known(position | {"m1": 3}) == 0
    assert slow.first(9, 99) == [b"e"]


def test_nothing_counts_as_passed_over_when_it_is_forgotten_what_was_before() -> None:
    slow = backlog("m1", b"a", b"b", b"c", "m2", b"d", b"e")
    slow.drop_known({"m1": 1})
    assert slow.drop_known({"m2": 1}) == 0
    assert slow.first(9, 99) == [b"e"]


def test_what_came_before_anything_was_taken_in_is_passed_over() -> None:
    first = backlog("m1", b"a", b"b", "m2", b"c", b"d")
    # Whoever leads, or has led for a moment, has begun to listen at m2.
    assert first.drop_known({"m2": 1}) == 2
    assert first.first(2, 99) == [b"a", b"b"]
    assert first.drop_known({"m2": 1, "m1": 2}) == 0
    assert first.first(9, 99) == [b"d"]


def test_a_huge_request_does_not_push_others_out() -> None:
    held = backlog(b"first", b"second", b"x" * 20_000)
    assert (len(held), held.dropped) == (3, 0)
    held.extend((b"last",))
    assert (len(held), held.dropped) == (1, 3)


def test_however_many_markers_come_the_oldest_request_is_counted_from_one() -> None:
    held = backlog("m", b"a", *(f"m{number}" for number in range(2 * MARKERS)))
    assert held.position_after(0) == {"m": 0}
    held.drop(1)
    held.mark("another")
    assert "m" not in held.markers
