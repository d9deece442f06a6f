"""The worker processes of one supervisor tell Redis together that they are alive, and look after one another."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import redis

from client.redis_server import RedisServer
from tests.fleet import Fleet, consume, look, perform
from tests.system import System, write_config
from tests.waiting import wait_until
from tests.wire import Wire, new_user
from transport.crew import PLACE, Crew, Duty, file_for_crew, place_in_crew
from transport.pulse import ALIVE_MS, BEAT_S, KEEP_LOOK_MS, LOOK_MS, crew_key, whereabouts

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only on Linux do the processes share a file")


@pytest.fixture
def file() -> Iterator[int]:
    """What two processes share."""
    descriptor = file_for_crew(2)
    assert descriptor is not None
    yield descriptor
    os.close(descriptor)


@pytest.fixture
def mates(file: int) -> tuple[Crew, Crew]:
    return Crew(file, 1), Crew(file, 2)


def ids(crew: Crew) -> list[str]:
    return [member.worker_id for member in crew.members()]


def silence(crew: Crew, monkeypatch: pytest.MonkeyPatch, *worker_ids: str) -> None:
    """From now on these have given no sign of life for long."""
    members = crew.members

    def seen() -> list[object]:
        return [member._replace(silent_s=60.0) if member.worker_id in worker_ids else member for member in members()]

    monkeypatch.setattr(crew, "members", seen)


def test_a_process_finds_its_place_by_a_variable_which_it_takes_out(file: int, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in place_in_crew(os.dup(file), 2).items():
        monkeypatch.setenv(name, value)
    crew = Crew.of_this_process()
    assert crew.name == Crew(file, 1).name != ""
    assert PLACE not in os.environ
    crew.enter("worker")
    assert ids(Crew(file, 1)) == ["worker"]


def test_without_a_supervisor_a_process_is_by_itself() -> None:
    alone, other = Crew.of_this_process(), Crew.of_this_process()
    assert alone.name == ""
    alone.enter("worker")
    assert (ids(alone), ids(other)) == (["worker"], [])
    assert file_for_crew(1) is None
    assert place_in_crew(None, 1) == {}


def test_what_one_process_has_done_is_not_due_for_another_one(mates: tuple[Crew, Crew]) -> None:
    one, other = mates
    assert all(crew.is_due(Duty.SHOW) for crew in mates)
    one.put_off(Duty.SHOW, 60)
    assert not other.is_due(Duty.SHOW)
    assert other.is_due(Duty.LOOK)
    other.put_off(Duty.SHOW, 0)
    assert one.is_due(Duty.SHOW)


def test_a_process_learns_whose_place_it_has_and_that_it_has_to_join(mates: tuple[Crew, Crew], file: int) -> None:
    one, other = mates
    assert (one.occupant(), one.note_alive("one")) == ("", False)
    one.enter("one")
    assert not one.note_alive("one")
    one.note_joined()
    assert one.note_alive("one")
    successor = Crew(file, 1)
    assert (successor.occupant(), successor.note_alive("its successor")) == ("one", False)
    assert ids(other) == ["one"]
    successor.enter("its successor")
    successor.note_joined()
    other.ask_to_join("its successor")
    assert not successor.note_alive("its successor")
    assert ids(other) == ["its successor"]


def test_one_that_is_dead_to_redis_is_on_the_list_no_more_unless_it_has_moved_since(mates: tuple[Crew, Crew]) -> None:
    one, other = mates
    one.enter("one")
    one.note_joined()
    other.take_off("one", silent_s=60)
    assert ids(other) == ["one"]
    assert not one.note_alive("one")
    other.take_off("one")
    assert ids(other) == []
    assert (one.occupant(), one.note_alive("one")) == ("one", False)


def test_what_a_process_held_that_stands_still_is_brought_back_by_another_one_of_its_crew(
    fleet: Fleet, mates: tuple[Crew, Crew], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = (fleet.worker(crew) for crew in mates)
    assert not look(other)
    (sent,) = fleet.send()
    consume(one)
    fleet.client.set("dramatiq:__looked__", "", px=KEEP_LOOK_MS)  # so that no look finds it
    silence(mates[1], monkeypatch, one.broker_id)
    other.maintain()
    assert [delivery.message_id for delivery in perform(other)] == [sent]
    key = crew_key("dramatiq", one.broker_id)
    assert list(fleet.client.hgetall(key)) == [other.broker_id.encode()]
    one.maintain()
    assert len(fleet.client.hgetall(key)) == 2


def test_one_that_is_late_itself_allows_for_that_when_it_looks_at_the_others(
    fleet: Fleet, mates: tuple[Crew, Crew], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = (fleet.worker(crew) for crew in mates)
    for broker in (one, other):
        assert not look(broker)
    silence(mates[1], monkeypatch, one.broker_id)
    key = crew_key("dramatiq", one.broker_id)
    monkeypatch.setattr("transport.pulse.BEAT_S", -60.0)  # so that it is a minute late
    other.maintain()
    assert fleet.client.hexists(key, one.broker_id)
    monkeypatch.setattr("transport.pulse.BEAT_S", -40.0)
    other.maintain()
    assert not fleet.client.hexists(key, one.broker_id)


def test_every_look_of_a_worker_counts_that_looks_in_time() -> None:
    assert LOOK_MS + BEAT_S * 1000 < KEEP_LOOK_MS <= ALIVE_MS - BEAT_S * 1000
    assert 2 * LOOK_MS <= KEEP_LOOK_MS


def test_one_that_leaves_in_the_middle_of_a_beat_does_not_join_again(
    fleet: Fleet, mates: tuple[Crew, Crew], monkeypatch: pytest.MonkeyPatch
) -> None:
    leaving, other = (fleet.worker(crew) for crew in mates)
    for broker in (leaving, other):
        broker.maintain()
    mates[0].put_off(Duty.SHOW, 0)
    pexpire = leaving.client.pexpire

    def leaves_meanwhile(key: str, ttl_ms: int) -> object:
        leaving.close()
        return pexpire(key, ttl_ms)

    monkeypatch.setattr(leaving.client, "pexpire", leaves_meanwhile)
    leaving.maintain()
    assert not fleet.client.hexists(crew_key("dramatiq", leaving.broker_id), leaving.broker_id)


def test_what_a_process_held_whose_place_another_one_has_taken_is_brought_back_by_a_look(
    fleet: Fleet, mates: tuple[Crew, Crew], file: int
) -> None:
    dead, other = (fleet.worker(crew) for crew in mates)
    (sent,) = fleet.send()
    consume(dead)
    other.maintain()
    next_one = fleet.worker(Crew(file, 1))
    next_one.maintain()
    assert not look(next_one)
    fleet.look_after(other)
    assert [delivery.message_id for delivery in perform(next_one)] == [sent]


def test_a_crew_that_redis_has_forgotten_joins_again(fleet: Fleet, mates: tuple[Crew, Crew]) -> None:
    brokers = [fleet.worker(crew) for crew in mates]
    for broker in brokers:
        broker.maintain()
    key = crew_key("dramatiq", brokers[0].broker_id)
    fleet.client.delete(key, "dramatiq:__heartbeats__")
    mates[0].put_off(Duty.SHOW, 0)
    for broker in brokers:
        broker.maintain()
    workers = {broker.broker_id.encode() for broker in brokers}
    assert set(fleet.client.hgetall(key)) == workers
    assert set(fleet.client.zrange("dramatiq:__heartbeats__", 0, -1)) == workers
    for broker in brokers:
        broker.close()
    assert not fleet.client.exists(key)


def test_one_that_redis_does_not_know_joins_again(fleet: Fleet, mates: tuple[Crew, Crew]) -> None:
    brokers = [fleet.worker(crew) for crew in mates]
    for broker in brokers:
        broker.maintain()
    lost = brokers[0].broker_id
    key = crew_key("dramatiq", lost)
    fleet.client.hdel(key, lost)
    for duty in (Duty.SHOW, Duty.CALL_ROLL):
        mates[0].put_off(duty, 0)
    brokers[1].maintain()
    assert lost in ids(mates[0])
    brokers[0].maintain()
    assert fleet.client.hexists(key, lost)


def test_one_that_redis_does_not_let_join_tries_again(
    fleet: Fleet, mates: tuple[Crew, Crew], monkeypatch: pytest.MonkeyPatch
) -> None:
    broker = fleet.worker(mates[0])
    key = crew_key("dramatiq", broker.broker_id)
    fleet.client.set(key, "")
    with pytest.raises(redis.ResponseError):
        broker.maintain()
    assert ids(mates[1]) == [broker.broker_id]
    fleet.client.delete(key)
    broker.maintain()
    assert fleet.client.hexists(key, broker.broker_id)


def test_one_command_shows_a_crew(fleet: Fleet, mates: tuple[Crew, Crew]) -> None:
    brokers = [fleet.worker(crew) for crew in mates]
    for broker in brokers:
        broker.maintain()
    for duty in Duty:
        mates[0].put_off(duty, 0 if duty is Duty.SHOW else 60)
    before = fleet.client.info("commandstats")["cmdstat_pexpire"]["calls"]
    for broker in brokers:
        broker.maintain()
    assert fleet.client.info("commandstats")["cmdstat_pexpire"]["calls"] == before + 1


def test_the_task_of_a_process_that_stands_still_is_begun_by_another_one(
    project: Path, redis_server: RedisServer, client: "redis.Redis", tmp_path: Path
) -> None:
    config = write_config(tmp_path, worker={"processes": 2, "threads": 1})
    started = tmp_path / "started"
    with System(project, redis_server.url, CALLBOARD_CONFIG=str(config)) as own, Wire(redis_server.url) as wire:
        own.start("ingress")
        own.start("worker")
        user_id = new_user()
        wire.publish({"task_type": "is_slow_at_first", "user_id": user_id, "parameters": {"started": str(started)}})
        wait_until(started.exists, "the task runs")
        (held,) = client.scan_iter("dramatiq:__acks__.*")
        worker_id = held.decode().removeprefix("dramatiq:__acks__.").removesuffix(".default")
        process = psutil.Process(whereabouts(worker_id)["pid"])
        process.suspend()
        assert wire.outcome_of(user_id, 20)["status"] == "completed"
        process.resume()
        wait_until(lambda: "gave no sign of life" in own.log("worker"), "it notices that it was taken for dead")
        process.kill()
