"""For how long a worker's question waits in Redis."""

from itertools import count

import redis

from tests.fleet import Fleet
from transport.feed import QUESTION_S, SHORT_QUESTION_S, Feed

GENERATIONS = count(1)


def feed_of(fleet: Fleet) -> Feed:
    broker = fleet.brokers[0]
    feed = Feed(broker.client, broker.namespace, "default", broker.broker_id, GENERATIONS)
    feed.put_back(())
    return feed


def asks_for_s(feed: Feed, client: "redis.Redis") -> int:
    with client.monitor() as monitor:
        assert feed.fetch(1, timeout_s=0) == []
        while not (command := monitor.next_command()["command"]).startswith("BLMOVE"):
            pass
    return int(command.rpartition(" ")[2])


def test_a_question_waits_for_long_also_after_messages_were_put_back(fleet: Fleet, client: "redis.Redis") -> None:
    feed = feed_of(fleet)
    feed.put_back(())
    assert asks_for_s(feed, client) == QUESTION_S
    feed.close()


def test_it_waits_shortly_while_one_that_was_taken_back_may_be_with_redis(fleet: Fleet, client: "redis.Redis") -> None:
    feed = feed_of(fleet)
    asks_for_s(feed, client)
    feed.close()
    feed.put_back(())
    assert asks_for_s(feed, client) == SHORT_QUESTION_S
    feed.close()


def test_it_waits_shortly_while_one_of_an_earlier_connection_may_be_with_redis(
    fleet: Fleet, client: "redis.Redis"
) -> None:
    lost = feed_of(fleet)
    next_one = feed_of(fleet)
    assert asks_for_s(next_one, client) == SHORT_QUESTION_S
    for feed in (lost, next_one):
        feed.close()
