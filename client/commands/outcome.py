"""`callboard outcome`."""

from typing import Annotated

import typer

from client.application import app
from client.command_options import UserId, user_id_or_own
from client.commands.send import show_ending
from client.errors import NotFoundError
from client.installation import redis_client, settings
from client.output import AsJson
from contract import outcome_key, read_outcome, request_key


@app.command()
def outcome(
    task_or_request: Annotated[str, typer.Argument(metavar="ID", help="Of the task, or of the request.")],
    user_id: UserId = None,
    as_json: AsJson = False,
) -> None:
    """Print the outcome that is kept of a task or a request, as `send` does."""
    key_prefix = settings().redis.key_prefix
    names = outcome_key(task_or_request), request_key(user_id_or_own(user_id), task_or_request)
    for name in names:
        # One after the other: a Redis user of the file in deploy/ has the right to GET, and to nothing for many keys.
        data = redis_client().get(key_prefix + name)
        if isinstance(data, bytes) and (found := read_outcome(data)):
            show_ending(found, as_json=as_json)
            return
    raise NotFoundError(
        f"no outcome is kept of a task {task_or_request!r}, nor of a request with this id of user "
        f"{user_id_or_own(user_id)!r} (another one: --user-id). It may not have ended yet, or too long ago"
    )
