"""`callboard cancel`."""

from typing import Annotated

import typer

from client.application import app
from client.callboard_client import CallboardClient
from client.command_options import UserId, refused_as_typed, user_id_again, user_id_or_own
from client.output import AsJson, show_json


@app.command()
def cancel(
    task_or_request: Annotated[str, typer.Argument(metavar="ID", help="Of the task, or of the request.")],
    user_id: UserId = None,
    as_json: AsJson = False,
) -> None:
    """Ask for a request of this user to be cancelled, whether it waits or runs. Its outcome says what came of that."""
    own_id = user_id_or_own(user_id)
    with CallboardClient.from_settings(user_id=own_id) as callboard, refused_as_typed():
        # Both look alike, and nobody has a request of the one name and a task of the other.
        callboard.cancel(request_id=task_or_request)
        callboard.cancel(task_id=task_or_request)
    if as_json:
        show_json({"user_id": own_id, "asked_to_cancel": task_or_request})
    else:
        print(f"asked for; `callboard outcome {task_or_request}{user_id_again(user_id)}` shows what came of it")
