"""The contract as an AsyncAPI 3 document, for code generators, mock servers and readers of every language.

Its point of view is Callboard's, as AsyncAPI has it: Callboard *receives* requests and *sends* outcomes. A client does
the opposite.
"""

from collections.abc import Sequence
from urllib.parse import urlsplit

from client.asyncapi_messages import REDIS, JsonObject, messages
from client.json_schemas import all_schemas, completed_name, key, request_name
from contract import TaskDescription
from setting_sections import RedisSettings
from settings import Settings
from version import VERSION

INFO = (
    "A program in any language publishes a request on a Redis channel, a task performs it, and the outcome is "
    "published on a Redis channel. A channel forgets what nobody hears: subscribe before you publish. The actions "
    "are those of Callboard, so a client sends what is received here, and receives what is sent."
)


def asyncapi_document(tasks: Sequence[TaskDescription], settings: Settings) -> JsonObject:
    """The document for a deployment with these tasks and settings. Holds no secret: of the Redis only where it is."""
    return {
        "asyncapi": "3.1.0",
        "info": {"title": "Callboard", "version": VERSION, "description": INFO},
        "defaultContentType": "application/json",
        "servers": _servers(settings.redis),
        "channels": _channels(tasks, settings),
        "operations": _operations(tasks),
        "components": {
            "messages": messages(tasks),
            "schemas": all_schemas(tasks, lambda name: f"#/components/schemas/{name}"),
        },
    }


def _servers(place: RedisSettings) -> JsonObject:
    parts = urlsplit(place.location)
    protocol = "rediss" if parts.scheme.startswith("rediss") else "redis"
    if parts.scheme == "unix":
        return {"redis": {"host": "localhost", "protocol": "redis", "description": f"The Unix socket {parts.path}"}}
    kinds = {
        "sentinel": f"A Sentinel: ask it for the master {parts.path.strip('/')}",
        "cluster": "A node of a Redis Cluster: channels are heard and published on any of them",
    }
    description = kinds.get(parts.scheme.partition("+")[2], "The Redis server")
    hosts = parts.netloc.split(",")
    names = ["redis"] if len(hosts) == 1 else [f"redis-{number}" for number in range(1, len(hosts) + 1)]
    return {
        name: {"host": host, "protocol": protocol, "description": description, "bindings": REDIS}
        for name, host in zip(names, hosts, strict=True)
    }


def _channels(tasks: Sequence[TaskDescription], settings: Settings) -> JsonObject:
    names = settings.redis.channels
    requests = [request_name(task) for task in tasks]
    outcomes = [*(completed_name(task) for task in tasks), "error"]
    stream = settings.redis.key_prefix + names.tasks_stream
    patterns = ", ".join(settings.limits.reply_to) or "none"
    return {
        "tasks": _channel(
            names.tasks_queue, "Requests. Nobody hears one that is published while no ingress runs.", requests
        ),
        "stream": _channel(
            stream,
            "The durable way in, a Redis stream: `XADD` with the request as JSON in the field `request`. It waits "
            "there until it is taken in, at least once.",
            requests,
        ),
        "results": _channel(names.results_queue, "Outcomes, one for each request that was read.", outcomes),
        "reply": _channel(
            None,
            "A channel that a request names in `reply_to`: its outcome goes there as well as to the results. Accepted "
            f"patterns: {patterns}",
            outcomes,
        ),
        "events": _channel(names.events, "What happens to a task while it waits and runs.", ["event"]),
        "control": _channel(names.control, "What a client asks of a request that it has sent.", ["control"]),
    }


def _channel(address: str | None, description: str, names: Sequence[str]) -> JsonObject:
    return {
        "address": address,
        "description": description,
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in names},
        "bindings": REDIS,
    }


def _operations(tasks: Sequence[TaskDescription]) -> JsonObject:
    requests = [request_name(task) for task in tasks]
    outcomes = [*(completed_name(task) for task in tasks), "error"]
    return {
        **{f"perform.{key(task.name)}": _performance(task) for task in tasks},
        "takeFromStream": _operation("receive", "stream", "Requests that must not be lost", requests)
        | {"reply": _reply(outcomes)},
        "sendOutcome": _operation("send", "results", "The outcome of each request, for whoever listens", outcomes),
        "sendEvent": _operation("send", "events", "What happens to each task", ["event"]),
        "cancel": _operation("receive", "control", "Ends a waiting or running task as cancelled", ["control"]),
    }


def _performance(task: TaskDescription) -> JsonObject:
    operation = _operation("receive", "tasks", task.description.partition("\n")[0] or task.name, [request_name(task)])
    limits = f"Tried up to {task.max_attempts} times, each time for up to {task.time_limit_ms} ms."
    return operation | {
        "title": task.name,
        "description": f"{task.description}\n\n{limits}".strip(),
        "reply": _reply([completed_name(task), "error"]),
    }


def _operation(action: str, channel: str, summary: str, names: Sequence[str]) -> JsonObject:
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{channel}"},
        "summary": summary,
        "messages": _messages_of(channel, names),
        "bindings": REDIS,
    }


def _reply(names: Sequence[str]) -> JsonObject:
    return {
        "address": {
            "location": "$message.payload#/reply_to",
            "description": "Where the request names a channel; the results channel gets the outcome in any case.",
        },
        "channel": {"$ref": "#/channels/reply"},
        "messages": _messages_of("reply", names),
    }


def _messages_of(channel: str, names: Sequence[str]) -> list[JsonObject]:
    return [{"$ref": f"#/channels/{channel}/messages/{name}"} for name in names]
