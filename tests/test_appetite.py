"""How many messages a worker process holds at once."""

from tests.waiting import wait_until
from transport.appetite import MOST, Appetite


def test_what_is_held_besides_is_too_much_at_twice_the_threads_or_when_nothing_ends() -> None:
    appetite = Appetite(threads=2, prefetch=4)
    appetite.note_end()
    assert appetite.is_exceeded_by(5)
    assert not appetite.is_exceeded_by(2)
    wait_until(lambda: appetite.is_exceeded_by(3), "no message has ended for a while")
    assert not appetite.is_exceeded_by(2)


def test_it_grows_to_a_limit_while_messages_end_fast_and_goes_back_when_they_do_not() -> None:
    appetite = Appetite(threads=2, prefetch=4)
    assert appetite.size() == 2

    def has_grown() -> bool:
        for _ in range(100_000):
            appetite.note_end()
        return appetite.size() > 2

    wait_until(has_grown, "it has grown")
    assert appetite.size() <= MOST
    wait_until(lambda: appetite.size() == 2, "it is as it was")
