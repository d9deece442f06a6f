"""A control message: what a client asks of a request that it has sent."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from contract.description import JsonSchema
from contract.fields import RequestId, TaskId, UserId


def _named(field: str) -> JsonSchema:
    # With its type: null is as good as absent, and two of them name nothing.
    return {"required": [field], "properties": {field: {"type": "string"}}}


class ControlMessage(BaseModel):
    """One message of the control channel: cancels the task of a request, named by its `task_id`, or else by the
    `request_id` that it was sent with. `user_id` must be that of the request."""

    model_config = ConfigDict(
        strict=True,
        extra="ignore",
        frozen=True,
        json_schema_extra={"anyOf": [_named("task_id"), _named("request_id")]},
    )

    action: Literal["cancel"]
    user_id: Annotated[UserId, Field(description="That of the request, with the same JSON type.")]
    task_id: Annotated[TaskId | None, Field(description="The task, by the id in its events and outcome.")] = None
    request_id: Annotated[RequestId | None, Field(description="The request, by the id that it was sent with.")] = None

    @model_validator(mode="after")
    def _names_one(self) -> Self:
        if self.task_id is None and self.request_id is None:
            raise PydanticCustomError("which_task", "should have task_id or request_id")
        return self
