"""The one reader of a deployment's facts: the environment over `config.json` over the defaults below.

`CALLBOARD_CONFIG` names another file. Sections of the file that are not Callboard's are left alone, unless they are
named almost like one of its own; inside its own sections an unknown key is refused. A misspelt one would silently fall
back to a default.
"""

import json
import os
from difflib import get_close_matches
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import ValidationError, model_validator
from pydantic_core import ErrorDetails, PydanticCustomError
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from errors import SettingsError
from setting_sections import Limits, Monitoring, RedisSettings, ScheduledJob, WebSettings, WorkerSettings

#: The environment variables that override a key of the file.
ENVIRONMENT = {
    "REDIS_HOST": ("redis", "host"),
    "REDIS_PORT": ("redis", "port"),
    "REDIS_URL": ("redis", "url"),
    "CALLBOARD_WEB_TOKEN": ("web", "token"),
    "LOG_LEVEL": ("log_level",),
    "LOG_FORMAT": ("log_format",),
}

#: From which similarity on, as difflib has it, the name of a section is taken for a misspelt one.
MISSPELT = 0.8

#: What pydantic says in Python's words, in JSON's.
IN_JSON = {
    "dict_type": "should be a JSON object",
    "model_type": "should be a JSON object",
    "model_attributes_type": "should be a JSON object",
    "tuple_type": "should be a list",
    "too_short": "should not be empty",
}

#: What these hold is in no error, nor what stands in the place of one with them.
SECRET_KEYS = ("redis.url", "web", "web.token")

#: What holds one of these may be the URL of a Redis, with a password.
URL_MARKS = ("://", "@")


class Settings(BaseSettings):
    """Everything a deployment may decide. Read once at start by `load_settings`."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True)

    redis: RedisSettings = RedisSettings()
    worker: WorkerSettings = WorkerSettings()
    limits: Limits = Limits()
    monitoring: Monitoring = Monitoring()
    web: WebSettings = WebSettings()
    schedule: tuple[ScheduledJob, ...] = ()
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    log_format: Literal["text", "json"] = "text"

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        *_: PydanticBaseSettingsSource,
        **__: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """The named variables of `ENVIRONMENT`, then what `load_settings` read from the file."""
        return _Environment(settings_cls), init_settings

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        channels = self.redis.channels
        meanings = {
            channels.tasks_queue: "a request",
            channels.control: "a control message",
            channels.events: "an event",
            # Callboard's own, see ingress/markers.py and transport/redis_broker.py.
            f"callboard:markers:{channels.tasks_queue}": "a marker",
            "callboard:call-offs": "a cancellation",
        }
        for channel, meaning in meanings.items():
            if any(fnmatchcase(channel, pattern) for pattern in self.limits.reply_to):
                raise PydanticCustomError(
                    "reply_to",
                    "limits.reply_to should not match the channel {channel}, where an outcome would be read as "
                    "{meaning}",
                    {"channel": repr(channel), "meaning": meaning},
                )
        names = [job.name for job in self.schedule]
        if len(set(names)) < len(names):
            raise PydanticCustomError("job_names", "schedule should not name two jobs alike: {names}", {"names": names})
        return self


class _Environment(PydanticBaseSettingsSource):
    """Reads exactly the variables of `ENVIRONMENT`; one of Redis overrides whatever the file says of where that is."""

    def get_field_value(self, field: object, field_name: str) -> tuple[Any, str, bool]:
        raise NotImplementedError("this source is read as a whole")

    def __call__(self) -> dict[str, Any]:
        values: dict[str, Any] = {}
        for variable, (*sections, key) in ENVIRONMENT.items():
            if variable in os.environ:
                target = values
                for section in sections:
                    place = {"url": None, "sentinel": None, "cluster": None} if section == "redis" else {}
                    target = target.setdefault(section, place)
                target[key] = os.environ[variable]
        return values


def load_settings() -> Settings:
    """The settings of this deployment.

    Raises:
        SettingsError: one line that names the file, each wrong key, its value and what is accepted.
    """
    path = Path(os.environ.get("CALLBOARD_CONFIG", "config.json"))
    content = _own_sections(path)
    if not isinstance(content.get("redis", {}), dict):
        # The environment's values would take its place and hide it.
        raise SettingsError(f"{path}: redis is {_shown('redis', content['redis'])}: {IN_JSON['dict_type']}")
    try:
        return Settings(**content)
    except ValidationError as error:
        complaints = "; ".join(_complaint(details) for details in error.errors())
        raise SettingsError(" ".join(f"{path}: {complaints}".splitlines())) from None


def _own_sections(path: Path) -> dict[str, Any]:
    sections = _read(path)
    own = Settings.model_fields
    for name in sorted(sections.keys() - own.keys()):
        # One that was put aside has a sign before its name.
        if name[:1].isalpha() and (meant := get_close_matches(name.lower(), own, n=1, cutoff=MISSPELT)):
            raise SettingsError(
                f"{path}: {name!r:.100} is none of Callboard's keys, and looks like {meant[0]!r}: correct its name "
                "or, if another program reads it, have CALLBOARD_CONFIG name a file without it"
            )
    return {name: value for name, value in sections.items() if name in own}


def _read(path: Path) -> dict[str, Any]:
    named_by = "CALLBOARD_CONFIG names it" if "CALLBOARD_CONFIG" in os.environ else "CALLBOARD_CONFIG may name another"
    try:
        content = json.loads(path.read_bytes())
    except OSError as error:
        raise SettingsError(f"configuration file {str(path)!r}: {error.strerror} ({named_by})") from None
    except (ValueError, RecursionError) as error:
        raise SettingsError(f"{path} should hold a JSON object in UTF-8, and cannot be read as JSON: {error}") from None
    if not isinstance(content, dict):
        raise SettingsError(f"{path} should hold a JSON object, and holds {_shown('', content)}")
    return content


def _complaint(details: ErrorDetails) -> str:
    """`redis.port (from REDIS_PORT) is 'abc': Input should be a valid integer`."""
    location = details["loc"]
    key = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in location).lstrip(".")
    sources = [f" (from {name})" for name, target in ENVIRONMENT.items() if target == location and name in os.environ]
    if details["type"] == "extra_forbidden":
        is_url = any(mark in key for mark in URL_MARKS)
        return f"{f'{location[0]}: ***' if is_url else f'{key:.200}'} is no setting: remove it or correct its name"
    if details["type"] == "missing":
        return f"{key} is missing, and has no default"
    # What is said of several keys together names them itself.
    if details["msg"].startswith(key):
        return details["msg"]
    return f"{key}{''.join(sources)} is {_shown(key, details['input'])}: {IN_JSON.get(details['type'], details['msg'])}"


def _shown(key: str, value: object) -> str:
    """A value in an error; the URL of a Redis, well-formed or not and wherever it stands, may hold a password."""
    is_secret = key in SECRET_KEYS and value != ""
    if value is None:
        return "null"
    return "'***'" if is_secret or any(mark in repr(value) for mark in URL_MARKS) else f"{value!r:.100}"
