"""The kinds of values that a setting may have; each refuses another one with a sentence that says what is accepted."""

import ipaddress
import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr
from pydantic_core import PydanticCustomError
from redis import ConnectionPool

from crontab_times import crontab_trigger
from redis_place import check_host, read_address, read_place

#: The options of a `rediss://` URL that name a file.
TLS_FILES = {"ssl_ca_certs", "ssl_certfile", "ssl_keyfile"}

#: Options that a URL is not to have: how replies are read, and when a command is sent again, is for Callboard to say.
OWN_OPTIONS = {
    "decode_responses", "encoding", "encoding_errors", "health_check_interval", "legacy_responses", "parser_class",
    "protocol", "retry", "retry_on_error", "retry_on_timeout",
}  # fmt: skip

WEEK_MS = 7 * 24 * 3600 * 1000
YEAR_S = 366 * 24 * 3600


def _not_boolean(value: object) -> object:
    # Python, and so pydantic, takes True for 1.
    if isinstance(value, bool):
        raise PydanticCustomError("not_boolean", "Input should be a number, not a boolean")
    return value


def _like(pattern: str, accepted: str) -> Callable[[str], str]:
    def check(text: str) -> str:
        if not re.fullmatch(pattern, text):
            raise PydanticCustomError("malformed", "Input should be {accepted}", {"accepted": accepted})
        return text

    return check


def _host_name(host: str) -> str:
    try:
        check_host(host)
        if not re.fullmatch(r"[A-Za-z0-9._-]+", host):
            ipaddress.IPv6Address(host)
    except ValueError:
        raise PydanticCustomError("host", "Input should be a host name or an address, without a port") from None
    return host


def _redis_url(url: SecretStr) -> SecretStr:
    try:
        options = _options_of(url.get_secret_value())
    except (ValueError, TypeError):
        # The libraries' own messages may quote a part of the URL, and with it the password.
        raise PydanticCustomError(
            "redis_url",
            "Input should be redis://[user:password@]host[:port][/db], rediss:// for TLS, unix:///path, "
            "redis+sentinel://host[:port],.../master or redis+cluster://host[:port],...",
        ) from None
    if own := OWN_OPTIONS & options.keys():
        raise PydanticCustomError(
            "own_option",
            "The URL should do without {options}: Callboard says itself how replies are read and commands are repeated",
            {"options": ", ".join(sorted(own))},
        )
    for option in TLS_FILES & options.keys():
        _check_readable(option, options[option])
    return url


def _options_of(url: str) -> dict[str, object]:
    server_url = read_place(url).server_url
    pool = ConnectionPool.from_url(server_url)
    # This checks the port and the options after the question mark. Any path that is no database would be database 0.
    pool.make_connection()
    parts = urlsplit(server_url)
    if not re.fullmatch(r"/.+" if parts.scheme == "unix" else r"(/[0-9]*)?", parts.path):
        raise ValueError("no database")
    check_host(parts.hostname or "")
    options: dict[str, object] = pool.connection_kwargs
    return options


def _check_readable(option: str, path: object) -> None:
    # Later, when it is connected, the error would not say which file it is about.
    try:
        Path(str(path)).read_bytes()
    except OSError as error:
        raise PydanticCustomError(
            "tls_file",
            "The file of its option {option} cannot be read: {path}: {reason}",
            {"option": option, "path": repr(path), "reason": str(error.strerror)},
        ) from None


def _web_token(token: SecretStr) -> SecretStr:
    if not re.fullmatch(r"[!-~]{16,200}", token.get_secret_value()):
        raise PydanticCustomError("web_token", "Input should be 16 to 200 printable ASCII characters, no space")
    return token


def _address(text: str) -> str:
    try:
        read_address(text, default_port=1)
    except ValueError:
        raise PydanticCustomError("address", "Input should be host:port or [IPv6 address]:port") from None
    return text


def _crontab(expression: str) -> str:
    try:
        crontab_trigger(expression, "UTC")
    except ValueError as error:
        raise PydanticCustomError(
            "crontab", "Input should be five crontab fields such as '*/5 * * * *' ({error})", {"error": str(error)}
        ) from None
    return expression


def _timezone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, KeyError):  # KeyError: ZoneInfoNotFoundError; OSError: a folder, such as "Europe"
        raise PydanticCustomError("timezone", "Input should be a time zone such as 'UTC' or 'Europe/Berlin'") from None
    return name


def _user_id(value: object) -> object:
    if isinstance(value, str) or type(value) is int:
        return value
    raise PydanticCustomError("user_id", "Input should be a string or an integer")


Number = BeforeValidator(_not_boolean)

Count = Annotated[int, Number, Field(ge=1, le=10**9)]
MessageCount = Annotated[int, Number, Field(ge=0, le=10**9)]
ByteCount = Annotated[int, Number, Field(ge=0, le=2**40)]
BackoffMs = Annotated[int, Number, Field(ge=1, le=WEEK_MS)]
PoolSize = Annotated[int, Number, Field(ge=1, le=1000)]
#: The first death says only that the message was one of those held.
CrashCount = Annotated[int, Number, Field(ge=2, le=10**9)]
# Below it the tasks would have next to nothing of it: see transport/shutdown.py.
ShutdownMs = Annotated[int, Number, Field(ge=5_000, le=WEEK_MS)]
TimeToLiveS = Annotated[int, Number, Field(ge=1, le=YEAR_S)]
# APScheduler takes less than a microsecond for a second, and a firing is known by its time in ms.
IntervalS = Annotated[float, Number, Field(ge=0.01, le=YEAR_S, allow_inf_nan=False)]
MisfireGraceS = Annotated[int, Number, Field(ge=1, le=24 * 3600)]
Port = Annotated[int, Number, Field(ge=1, le=65535)]
#: 0 is none.
OptionalPort = Annotated[int, Number, Field(ge=0, le=65535)]
#: A loop comes round each second; after Redis was away it takes three to come back.
StalledAfterS = Annotated[float, Number, Field(ge=3, le=3600, allow_inf_nan=False)]
Folder = Annotated[str, AfterValidator(_like(r"[^\0]+", "the path of a folder"))]
HostName = Annotated[str, AfterValidator(_host_name)]
RedisUrl = Annotated[SecretStr, AfterValidator(_redis_url)]
WebToken = Annotated[SecretStr, AfterValidator(_web_token)]
Addresses = Annotated[tuple[Annotated[str, AfterValidator(_address)], ...], Field(min_length=1)]
MasterName = Annotated[str, AfterValidator(_like(r"[A-Za-z0-9._-]{1,64}", "1 to 64 of A-Z a-z 0-9 . _ -"))]
KeyPrefix = Annotated[str, AfterValidator(_like(r"[A-Za-z0-9._:{}-]{0,64}", "up to 64 of A-Z a-z 0-9 . _ : - { }"))]
ChannelName = Annotated[str, AfterValidator(_like(r"[!-~]{1,200}", "1 to 200 printable ASCII characters, no space"))]
JobName = Annotated[str, AfterValidator(_like(r"[A-Za-z0-9._-]{1,64}", "1 to 64 of A-Z a-z 0-9 . _ -"))]
Crontab = Annotated[str, AfterValidator(_crontab)]
TimeZone = Annotated[str, AfterValidator(_timezone)]
JobUserId = Annotated[str | int, BeforeValidator(_user_id)]
