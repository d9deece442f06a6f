"""Whom to believe when several are asked for the master, and what becomes of connections to the one before."""

import threading
from collections.abc import Iterator

import pytest
import redis

from client.redis_server import RedisServer
from redis_place import Address, read_place
from tests.sentinel_set import MASTER, Sentinel
from tests.silent_redis import silent
from tests.waiting import DEADLINE_S, wait_until
from transport.connection import connect
from transport.discovery import Discovery, Found
from transport.line import Line
from transport.master import Master, MasterConnection

ASKED = (Address("127.0.0.1", 1), Address("127.0.0.1", 2), Address("127.0.0.1", 3))
OLD, NEW = Address("old", 6379), Address("new", 6379)

HIDDEN = "hunter2"


def discovery(*answers: Found | redis.RedisError) -> Discovery:
    """One that gets these answers of those whom it asks."""

    def answer(_: "redis.Redis", address: Address) -> Found:
        found = answers[ASKED.index(address)]
        if isinstance(found, redis.RedisError):
            raise found
        return found

    return Discovery(ASKED[: len(answers)], answer, "nobody names one", {}, one_channel=False)


@pytest.mark.parametrize("_", range(10))
def test_an_answer_that_is_out_of_date_is_not_believed(_: int) -> None:
    assert discovery(Found(1, OLD), Found(2, NEW), Found(1, OLD)).find(known_epoch=2) == Found(2, NEW)


def test_when_all_are_out_of_date_they_count_anew_and_the_latest_is_believed() -> None:
    assert discovery(Found(1, OLD), Found(2, NEW)).find(known_epoch=7) == Found(2, NEW)


def test_one_that_answers_is_enough() -> None:
    gone = redis.ConnectionError("gone")
    assert discovery(gone, Found(1, NEW), redis.TimeoutError("slow")).find(known_epoch=1) == Found(1, NEW)


def test_when_nobody_knows_the_reason_of_each_is_told() -> None:
    with pytest.raises(redis.ConnectionError) as error:
        discovery(redis.ConnectionError("gone"), redis.TimeoutError("slow")).find(known_epoch=0)
    assert str(error.value) == "nobody names one (127.0.0.1:1: gone; 127.0.0.1:2: slow)"


@pytest.fixture
def servers() -> Iterator[list[RedisServer]]:
    with RedisServer() as first, RedisServer() as second:
        yield [first, second]


def client_of(names: Discovery) -> "redis.Redis":
    """A client that believes this discovery."""
    client = connect("redis://127.0.0.1")
    client.connection_pool.connection_class = MasterConnection
    client.connection_pool.connection_kwargs["master"] = Master(names, client.connection_pool)
    return client


def open_line(client: "redis.Redis") -> Line:
    line = Line(client)
    line.send(("BLPOP", "any", 0))
    return line


def test_whoever_waits_for_a_silent_master_hears_of_the_next_one_at_once(servers: list[RedisServer]) -> None:
    found = [Found(1, Address("127.0.0.1", servers[0].port))]
    names = Discovery(ASKED, lambda *_: found[-1], "", {"socket_timeout": 0.2}, one_channel=False)
    with client_of(names) as client:
        line = open_line(client)
        ended = threading.Event()

        def wait() -> None:
            with pytest.raises(redis.ConnectionError):
                line.receive() if line.is_answered(timeout_s=60) else None
            ended.set()

        waiting = threading.Thread(target=wait)
        waiting.start()
        with silent(servers[0]):
            found.append(Found(2, Address("127.0.0.1", servers[1].port)))
            second = open_line(client)
            assert ended.wait(DEADLINE_S)
        waiting.join()
        line.close()
        second.close()


def test_whoever_hears_what_is_published_on_a_living_one_is_left_there(servers: list[RedisServer]) -> None:
    found = [Found(1, Address("127.0.0.1", servers[0].port))]
    names = Discovery(ASKED, lambda *_: found[-1], "", {}, one_channel=False)
    with client_of(names) as client:
        line = open_line(client)
        found.append(Found(2, Address("127.0.0.1", servers[1].port)))
        second = open_line(client)
        assert not line.is_answered(timeout_s=0)
        line.close()
        second.close()


def test_of_two_who_ask_at_the_same_time_the_one_with_the_older_answer_goes_where_the_other_one_does() -> None:
    pool = connect("redis://127.0.0.1").connection_pool
    answers = iter([Found(1, OLD), Found(2, NEW)])

    def answer(*_: object) -> Found:
        found = next(answers)
        if found.address == OLD:  # meanwhile another thread asks, too
            assert master.address_for(MasterConnection()) == NEW
        return found

    master = Master(Discovery(ASKED[:1], answer, "", {}, one_channel=False), pool)
    assert master.address_for(MasterConnection()) == NEW


def test_a_master_that_its_sentinel_takes_for_down_is_not_named() -> None:
    with RedisServer() as server, Sentinel(Address("127.0.0.1", server.port), down_after_ms=200) as sentinel:
        server.stop()

        def complaint() -> str:
            with connect(f"redis+sentinel://127.0.0.1:{sentinel.port}/{MASTER}") as client:
                try:
                    client.ping()
                except redis.ConnectionError as error:
                    return str(error)
            return ""

        wait_until(lambda: "the master is down" in complaint(), "the Sentinel says so")
        server.start()


@pytest.mark.parametrize(
    "reply", ["READONLY x", "MOVED 1 127.0.0.1:1", "ASK 1 127.0.0.1:1", "CLUSTERDOWN x", "MASTERDOWN x", "NOREPLICAS x"]
)
def test_a_reply_that_only_a_server_gives_that_is_no_master_is_the_end_of_the_connection(
    servers: list[RedisServer], reply: str
) -> None:
    with connect(servers[0].url) as client, pytest.raises(redis.ConnectionError, match="is no master to write to"):
        client.eval("return redis.error_reply(ARGV[1])", 0, reply)


def test_an_answer_of_a_replica_is_the_end_of_the_connection(servers: list[RedisServer]) -> None:
    with connect(servers[0].url) as client:
        client.ping()
        client.replicaof("127.0.0.1", str(servers[1].port))
        with pytest.raises(redis.ConnectionError, match="is no master to write to"):
            client.set("any", "x")


def test_a_master_without_its_replicas_is_left_as_well(servers: list[RedisServer]) -> None:
    with connect(servers[0].url) as client:
        client.config_set("min-replicas-to-write", 1)
        with pytest.raises(redis.ConnectionError, match="is no master to write to"):
            client.eval("return redis.call('set', KEYS[1], 'x')", 1, "any")


@pytest.fixture
def locked() -> Iterator[str]:
    """The URL of a master and a Sentinel that want a password each."""
    with RedisServer("--requirepass", HIDDEN) as server:
        address = Address("127.0.0.1", server.port)
        with Sentinel(address, f"requirepass {HIDDEN}-too", f"sentinel auth-pass {MASTER} {HIDDEN}") as sentinel:
            yield f"redis+sentinel://:{HIDDEN}@127.0.0.1:{sentinel.port}/{MASTER}?sentinel_password="


def test_sentinels_and_the_master_may_want_a_password_each(locked: str) -> None:
    with connect(f"{locked}{HIDDEN}-too") as client:
        wait_until(client.ping, "the Sentinel has found the master")


def test_a_wrong_password_of_the_sentinels_is_told_without_any(locked: str) -> None:
    with connect(f"{locked}{HIDDEN}") as client, pytest.raises(redis.ConnectionError) as error:
        client.ping()
    assert str(read_place(locked).sentinels[0]) in str(error.value)
    assert "invalid username-password pair" in str(error.value)
    assert HIDDEN not in str(error.value)
