"""`callboard tasks`."""

from client.application import app
from client.callboard_client import CallboardClient
from client.catalogue import read_tasks
from client.command_options import TimeoutS
from client.output import AsJson, json_text, show_json, show_table
from client.schema_kinds import written
from contract import JsonSchema


@app.command()
def tasks(timeout_s: TimeoutS = 10.0, as_json: AsJson = False) -> None:
    """Show the tasks that the running system has, as it tells them itself."""
    with CallboardClient.from_settings(timeout_s=timeout_s) as callboard:
        found = read_tasks(callboard)
    if as_json:
        show_json({"tasks": found})
        return
    rows = [[task.name, _signature(task.parameters), " ".join(task.description.split())] for task in found]
    show_table(["task", "parameters", "what it does"], rows)


def _signature(schema: JsonSchema) -> str:
    required, definitions = schema.get("required", ()), schema.get("$defs", {})
    return ", ".join(
        f"{name}: {written(part, definitions)}"
        + ("" if name in required else f" = {json_text(part.get('default'), None)}")
        for name, part in schema.get("properties", {}).items()
    )
