"""Which Redis is connected to, and that its password is read by nobody else."""

import pytest

from tests.configured import complaint, load

HIDDEN = "hunter2"

#: Accepted; the password stands in each of the places that redis-py reads it from.
URLS_WITH_PASSWORD = [
    pytest.param(f"redis://:{HIDDEN}@db:6380/1", "redis://db:6380/1", id="password"),
    pytest.param(f"rediss://user:{HIDDEN}@db/1", "rediss://db/1", id="tls"),
    pytest.param(f"redis://user:{HIDDEN}@[::1]:6380", "redis://[::1]:6380", id="ipv6"),
    pytest.param(f"redis://:a%40{HIDDEN}@db", "redis://db", id="escaped"),
    pytest.param(f"redis://db/1?password={HIDDEN}", "redis://db/1", id="option"),
    pytest.param(f"unix://user:{HIDDEN}@/run/redis.sock?db=1", "unix:///run/redis.sock", id="socket"),
]

WRONG_URLS_WITH_PASSWORD = [
    pytest.param(f"redis://:{HIDDEN}@db:port", id="port"),
    pytest.param(f"http://user:{HIDDEN}@db", id="scheme"),
    pytest.param(f"redis://:my {HIDDEN}@db:port", id="space"),
    pytest.param(f"redis://:my'{HIDDEN}@db:port", id="quote"),
    pytest.param(f"redis:/user:{HIDDEN}@db", id="one-slash"),
    pytest.param(f"user:{HIDDEN}@db:6379", id="no-scheme"),
    pytest.param(f"redis://user:1234/{HIDDEN}@db:6379", id="slash"),
]


def test_host_and_port_make_a_url() -> None:
    redis = load({"redis": {"host": "db.example", "port": 6380}}).redis
    assert redis.connection_url == redis.location == "redis://db.example:6380/0"


def test_an_ipv6_address_is_set_in_brackets() -> None:
    redis = load({}, REDIS_HOST="fe80::1", REDIS_PORT="6380").redis
    assert redis.connection_url == redis.location == "redis://[fe80::1]:6380/0"


@pytest.mark.parametrize(
    "url", ["redis://db", "redis://db:6380/15", "rediss://db:6380", "unix:///run/redis.sock", "redis://db?db=3"]
)
def test_each_scheme_of_a_redis_url_is_accepted_as_it_is(url: str) -> None:
    assert load({"redis": {"url": url}}).redis.connection_url == url


@pytest.mark.parametrize(("url", "location"), URLS_WITH_PASSWORD)
def test_a_location_shows_neither_user_nor_password(url: str, location: str) -> None:
    redis = load({}, REDIS_URL=url).redis
    assert redis.connection_url == url
    assert redis.location == location


@pytest.mark.parametrize(("url", "location"), URLS_WITH_PASSWORD)
def test_settings_can_be_printed_without_the_password(url: str, location: str) -> None:
    settings = load({"redis": {"url": url}})
    assert HIDDEN not in f"{settings!r} {settings} {settings.redis!r}"


@pytest.mark.parametrize("url", WRONG_URLS_WITH_PASSWORD)
def test_the_error_does_not_repeat_the_password_of_a_wrong_url(url: str) -> None:
    for line in (complaint({}, REDIS_URL=url), complaint({"redis": {"url": url}})):
        assert "redis.url" in line
        assert HIDDEN not in line


def test_no_error_repeats_the_password_of_a_url_that_stands_in_the_wrong_place() -> None:
    url = f"redis://:{HIDDEN}@db"
    assert HIDDEN not in complaint({}, REDIS_HOST=url)
    assert HIDDEN not in complaint({"redis": [url]})
    assert HIDDEN not in complaint({"redis": {"url": [url]}})


def test_an_error_elsewhere_does_not_show_the_url() -> None:
    assert HIDDEN not in complaint({"redis": {"url": f"redis://:{HIDDEN}@db", "port": "x"}})
    assert HIDDEN not in complaint({"log_level": "loud"}, REDIS_URL=f"redis://:{HIDDEN}@db")


def test_the_error_says_which_urls_are_accepted() -> None:
    line = complaint({}, REDIS_URL="http://db")
    assert "redis://[user:password@]host[:port][/db]" in line
    assert "rediss://" in line
    assert "unix:///" in line


@pytest.mark.parametrize("option", ["protocol=3", "decode_responses=true", "health_check_interval=5"])
def test_an_option_that_is_not_for_a_url_is_named(option: str) -> None:
    for url in (f"redis://db?{option}", f"redis+cluster://db?{option}", f"unix:///run/redis.sock?{option}"):
        assert f"should do without {option.partition('=')[0]}" in complaint({}, REDIS_URL=url)


def test_an_empty_url_is_shown_to_be_empty() -> None:
    assert "redis.url (from REDIS_URL) is '': " in complaint({}, REDIS_URL="")


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("", id="empty"),
        pytest.param("db:6379", id="no-scheme"),
        pytest.param("http://db", id="scheme"),
        pytest.param("redis://db:port", id="port"),
        pytest.param("redis://db:70000", id="port-large"),
        pytest.param("redis://[::1", id="bracket"),
        pytest.param("redis://db?socket_timeout=soon", id="option-value"),
        pytest.param("redis://db?tiemout=5", id="option-name"),
        pytest.param("redis://db/first", id="database"),
        pytest.param("redis://db..example", id="empty-part"),
        pytest.param(f"redis+sentinel://{'x' * 64}/main", id="long-part"),
    ],
)
def test_a_url_that_redis_py_cannot_use_is_refused_at_the_start(url: str) -> None:
    assert "redis.url" in complaint({}, REDIS_URL=url)
