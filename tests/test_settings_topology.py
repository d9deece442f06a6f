"""Sentinels and clusters in the settings: as sections, as URLs, and what both decide about the keys."""

from typing import Any

import pytest

from redis_place import Address, RedisPlace, read_place
from tests.configured import complaint, load

HIDDEN = "hunter2"
SENTINEL: dict[str, Any] = {"master": "mymaster", "addresses": ["s1:26379", "s2:26380"]}
CLUSTER: dict[str, Any] = {"addresses": ["n1:7000", "[fe80::2]:7001"]}


def test_a_sentinel_section_is_the_same_as_its_url() -> None:
    assert load({"redis": {"sentinel": SENTINEL}}).redis.connection_url == "redis+sentinel://s1:26379,s2:26380/mymaster"


def test_a_cluster_section_is_the_same_as_its_url() -> None:
    assert load({"redis": {"cluster": CLUSTER}}).redis.connection_url == "redis+cluster://n1:7000,[fe80::2]:7001"


def test_a_sentinel_url_says_whom_to_ask_and_how_to_speak_to_the_master() -> None:
    url = f"rediss+sentinel://ada:{HIDDEN}@s1,[::1]:26380/my-master/3?sentinel_password=s&socket_timeout=2"
    assert read_place(url) == RedisPlace(
        location="rediss+sentinel://s1,[::1]:26380/my-master/3",
        server_url=f"rediss://ada:{HIDDEN}@s1:26379/3?socket_timeout=2",
        sentinels=(Address("s1", 26379), Address("::1", 26380)),
        master="my-master",
        sentinel_password="s",  # noqa: S106
    )


def test_a_cluster_url_names_nodes() -> None:
    assert read_place(f"redis+cluster://:{HIDDEN}@n1,n2:7001") == RedisPlace(
        location="redis+cluster://n1,n2:7001",
        server_url=f"redis://:{HIDDEN}@n1:6379/0",
        nodes=(Address("n1", 6379), Address("n2", 7001)),
    )


@pytest.mark.parametrize(
    "url",
    [
        f"redis+sentinel://ada:{HIDDEN}@s1/m?sentinel_username=eve&sentinel_password={HIDDEN}",
        f"rediss+cluster://ada:{HIDDEN}@n1:7000,n2:7000",
        f"redis+cluster://n1:7000?password={HIDDEN}",
    ],
)
def test_no_password_shows(url: str) -> None:
    redis = load({}, REDIS_URL=url).redis
    assert redis.connection_url == url
    assert HIDDEN not in f"{redis!r} {redis.location} {read_place(url)!r}"


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("redis+sentinel://s1:26379", id="no-master"),
        pytest.param("redis+sentinel:///m", id="no-sentinel"),
        pytest.param("redis+sentinel://s1:port/m", id="port"),
        pytest.param("redis+sentinel://s1:70000/m", id="port-large"),
        pytest.param("redis+sentinel://s1,,s2/m", id="empty-host"),
        pytest.param("redis+sentinel://s1/m/first", id="database"),
        pytest.param("redis+sentinel://s1/m?tiemout=5", id="option-name"),
        pytest.param("redis+sentinel://s1/m?socket_timeout", id="option-without-value"),
        pytest.param("redis+cluster://n1:7000/1", id="database-of-a-cluster"),
        pytest.param("redis+cluster://n1:7000?db=1", id="database-of-a-cluster-as-an-option"),
        pytest.param("redis+other://n1:7000", id="kind"),
        pytest.param("unix+sentinel:///run/redis.sock", id="scheme"),
    ],
)
def test_a_url_that_says_too_little_or_too_much_is_refused(url: str) -> None:
    assert "redis.url (from REDIS_URL) is '***': Input should be redis://" in complaint({}, REDIS_URL=url)


@pytest.mark.parametrize(
    ("section", "key"),
    [
        pytest.param({"sentinel": {"addresses": ["s1:1"]}}, "redis.sentinel.master is missing", id="no-master"),
        pytest.param({"sentinel": SENTINEL | {"master": "a b"}}, "redis.sentinel.master is 'a b'", id="master"),
        pytest.param({"sentinel": SENTINEL | {"addresses": []}}, "addresses is []: should not be empty", id="none"),
        pytest.param({"cluster": {"addresses": ["n1:x"]}}, "redis.cluster.addresses[0] is 'n1:x'", id="address"),
        pytest.param({"cluster": {"addresses": "n1:7000"}}, "redis.cluster.addresses is 'n1:7000'", id="text"),
        pytest.param({"cluster": CLUSTER, "sentinel": SENTINEL}, "only one of url, sentinel and cluster", id="two"),
        pytest.param({"url": "redis://db", "sentinel": SENTINEL}, "only one of url, sentinel and cluster", id="url"),
    ],
)
def test_a_wrong_section_is_refused_at_the_start(section: dict[str, Any], key: str) -> None:
    assert key in complaint({"redis": section})


@pytest.mark.parametrize("variables", [{"REDIS_URL": "redis://db:7000/0"}, {"REDIS_HOST": "db", "REDIS_PORT": "7000"}])
@pytest.mark.parametrize("section", [{"sentinel": SENTINEL}, {"cluster": CLUSTER}], ids=["sentinel", "cluster"])
def test_the_environment_overrides_a_section(section: dict[str, Any], variables: dict[str, str]) -> None:
    redis = load({"redis": section}, **variables).redis
    assert (redis.connection_url, redis.key_prefix) == ("redis://db:7000/0", "")


@pytest.mark.parametrize("section", [{"cluster": CLUSTER}, {"url": "redis+cluster://n1"}], ids=["section", "url"])
def test_in_a_cluster_all_keys_have_one_hash_tag(section: dict[str, Any]) -> None:
    assert load({"redis": section}).redis.key_prefix == "{callboard}:"
    assert load({"redis": section | {"key_prefix": "shop:{cb}:"}}).redis.key_prefix == "shop:{cb}:"


@pytest.mark.parametrize("prefix", ["", "shop:", "{}:", "{:"])
def test_a_prefix_without_a_hash_tag_is_refused_in_a_cluster(prefix: str) -> None:
    line = complaint({"redis": {"cluster": CLUSTER, "key_prefix": prefix}})
    assert "'{callboard}:'" in line
    assert f"is {prefix!r}" in line


def test_elsewhere_keys_have_no_prefix_but_may_have_one() -> None:
    assert load({}).redis.key_prefix == ""
    assert load({"redis": {"key_prefix": "shop:"}}).redis.key_prefix == "shop:"
    assert "redis.key_prefix is 'a b'" in complaint({"redis": {"key_prefix": "a b"}})
