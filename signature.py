"""What the signature of a task's function says: a pydantic model of its parameters and one of its result.

Whatever could not work when a request comes is refused here, when the task is declared.
"""

import inspect
import warnings
from collections.abc import Callable
from typing import Any, get_type_hints

from pydantic import BaseModel, ConfigDict, PydanticUserError, TypeAdapter, ValidationError, create_model
from pydantic.errors import PydanticSchemaGenerationError
from pydantic.json_schema import GenerateJsonSchema
from pydantic_core import SchemaError, SchemaValidator
from pydantic_core.core_schema import FloatSchema

from contract import JsonSchema
from errors import DeclarationError

#: Where the part of pydantic's message ends that is of use to whoever writes a task.
NO_ADVICE = (" Set `arbitrary_types_allowed=True`", " For further information")

#: How much of pydantic's message about an annotation is passed on.
MOST_CHARACTERS = 500

#: The types of core schemas that stand for any number of elements; and the keys of a core schema whose values are no
#: core schemas.
LISTS = {"list", "set", "frozenset", "tuple", "dict"}
NO_SCHEMA = {"config", "default", "metadata", "serialization"}

#: What pydantic raises for an annotation that it can make nothing of, and Python for one that it cannot read.
UNUSABLE = (PydanticUserError, PydanticSchemaGenerationError, SchemaError, NameError, TypeError, Warning)


def annotations(function: Callable[..., Any], name: str) -> dict[str, Any]:
    """The annotations of the parameters, and of the result as `return`.

    Raises:
        DeclarationError: when one of them names something that does not exist.
    """
    try:
        return get_type_hints(function, include_extras=True)
    except (NameError, AttributeError, TypeError, SyntaxError) as error:
        raise DeclarationError(f"task {name!r}: an annotation cannot be resolved: {_in_one_line(error)}") from None


def parameters_model(function: Callable[..., Any], name: str, hints: dict[str, Any]) -> type[BaseModel]:
    """The model that the parameters of every request have to match.

    Raises:
        DeclarationError: names a parameter that requests could not give, and says why.
    """
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise DeclarationError(f"task {name!r}: its function should return its result, and yields")
    fields: dict[str, Any] = {}
    for parameter in inspect.signature(function).parameters.values():
        _refuse_unusable(parameter, name, hints)
        default = ... if parameter.default is parameter.empty else parameter.default
        fields[parameter.name] = (hints[parameter.name], default)
        try:
            _refuse_unchecked(_model_of(name, {parameter.name: fields[parameter.name]}).__pydantic_core_schema__)
        except UNUSABLE as error:
            complaint = f"parameter {parameter.name!r} makes no field of a pydantic model: {_in_one_line(error)}"
            raise DeclarationError(f"task {name!r}: {complaint}") from None
    model = _model_of(name, fields)
    _refuse_unusable_fields(model, fields, name)
    return model


def given_parameters_validator(model: type[BaseModel]) -> SchemaValidator:
    """Validates by the model what a request gives, and no defaults: a request did not send them, and JSON may have no
    word for one. Of a list it stops at the first element that is wrong, as only that is told to whoever sent it: in
    1 MiB there may be 350,000, and to find them all took seconds and 400 MB."""

    class Given(model):  # type: ignore[misc, valid-type]
        model_config = ConfigDict(validate_default=False)

    # Prebuilt are the validators of the models in it, which go on after an error.
    return SchemaValidator(_failing_fast(Given.__pydantic_core_schema__), _use_prebuilt=False)


def _failing_fast(schema: Any) -> Any:
    """A core schema in which each kind of list ends with its first error."""
    if isinstance(schema, list | tuple):
        return type(schema)(map(_failing_fast, schema))
    if not isinstance(schema, dict):
        return schema
    copy = {key: part if key in NO_SCHEMA else _failing_fast(part) for key, part in schema.items()}
    # A field may be called "type", and then its schema stands there.
    if isinstance(kind := copy.get("type"), str) and kind in LISTS:
        copy["fail_fast"] = True
    return copy


def _model_of(name: str, fields: dict[str, Any]) -> type[BaseModel]:
    config = ConfigDict(extra="ignore", validate_default=True, allow_inf_nan=False, protected_namespaces=())
    with warnings.catch_warnings(action="error"):
        model: type[BaseModel] = create_model(f"{name}_parameters", __config__=config, **fields)
    return model


def result_model(name: str, annotation: Any) -> TypeAdapter[Any]:
    """What every result has to match.

    Raises:
        DeclarationError: when it does not become a JSON object.
    """
    advice = "its return annotation should be a type that becomes a JSON object, such as a pydantic model"
    try:
        adapter: TypeAdapter[Any] = TypeAdapter(annotation)
        _refuse_unchecked(adapter.core_schema)
        schema = result_schema(adapter)
    except UNUSABLE as error:
        raise DeclarationError(f"task {name!r}: {advice}: {_in_one_line(error)}") from None
    if not _is_object(schema, schema.get("$defs", {})):
        raise DeclarationError(f"task {name!r}: {advice}, and is {annotation!r}")
    return adapter


def parameters_schema(model: type[BaseModel], name: str) -> JsonSchema:
    """The JSON schema of the parameters, for whoever sends a request.

    Raises:
        DeclarationError: when a parameter's type has none, or its default is not a JSON value.
    """
    try:
        with warnings.catch_warnings(action="error"):
            return model.model_json_schema()
    except UNUSABLE as error:
        advice = "annotate the parameter with pydantic's WithJsonSchema"
        reason = _in_one_line(error)
        raise DeclarationError(f"task {name!r}: its parameters have no JSON schema, {advice}: {reason}") from None


class _AsWritten(GenerateJsonSchema):
    """With what pydantic leaves out: NaN and the infinities, which JSON has not, are written as null."""

    def float_schema(self, schema: FloatSchema) -> JsonSchema:
        """A number, or null where its type does not keep it finite."""
        number = super().float_schema(schema)
        may_be_any = schema.get("allow_inf_nan", self._config.allow_inf_nan is not False)
        is_between_two = not schema.keys().isdisjoint({"ge", "gt"}) and not schema.keys().isdisjoint({"le", "lt"})
        return number if is_between_two or not may_be_any else self.get_union_of_schemas([number, {"type": "null"}])


def result_schema(adapter: TypeAdapter[Any]) -> JsonSchema:
    """The JSON schema of a result as a worker writes it."""
    return adapter.json_schema(mode="serialization", by_alias=False, schema_generator=_AsWritten)


def _is_object(schema: JsonSchema, definitions: JsonSchema) -> bool:
    """Whether all that matches is a JSON object; of a union that is what matches any of its types."""
    name = schema.get("$ref", "").rpartition("/")[2]
    if name in definitions:
        others = {other: definition for other, definition in definitions.items() if other != name}
        return _is_object(definitions[name], others)
    if alternatives := schema.get("anyOf") or schema.get("oneOf"):
        return all(_is_object(alternative, definitions) for alternative in alternatives)
    return bool(schema.get("type") == "object")


def _refuse_unusable(parameter: inspect.Parameter, name: str, hints: dict[str, Any]) -> None:
    if parameter.kind not in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
        raise DeclarationError(f"task {name!r}: '{parameter}' should be a parameter that can be given by its name")
    if parameter.name.startswith("_") or parameter.name == "self" or hasattr(BaseModel, parameter.name):
        raise DeclarationError(
            f"task {name!r}: parameter {parameter.name!r} should have another name: not 'self', none that begins with "
            "'_', and none that pydantic's BaseModel has"
        )
    if parameter.name not in hints:
        raise DeclarationError(f"task {name!r}: parameter {parameter.name!r} should have a type annotation")


def _refuse_unchecked(part: Any) -> None:
    """Raises TypeError where a part of a pydantic-core schema is judged no sooner than it is read, once. Of a parameter
    that would let everything in that can be iterated, even a text; and a result is read more than once."""
    if isinstance(part, dict):
        if part.get("type") == "generator":
            raise TypeError(
                "what is in an Iterable or a Generator is not checked before it is read, use list or Sequence"
            )
        part = part.values()
    elif not isinstance(part, list | tuple):
        return
    for inner in part:
        _refuse_unchecked(inner)


def _refuse_unusable_fields(model: type[BaseModel], parameters: dict[str, Any], name: str) -> None:
    for parameter in parameters:
        field = model.model_fields.get(parameter)
        if field is None or field.alias or field.validation_alias:
            raise DeclarationError(f"task {name!r}: parameter {parameter!r} should be known by its own name")
    try:
        model.model_validate({})
    except ValidationError as error:
        for details in error.errors(include_url=False):
            if details["type"] != "missing":
                reason = f"the default of {details['loc'][0]!r}: {details['msg']}"
                raise DeclarationError(f"task {name!r}: {reason}") from None


def _in_one_line(error: BaseException) -> str:
    text = " ".join(str(error).split())
    for advice in NO_ADVICE:
        text, _, _ = text.partition(advice)
    return text[:MOST_CHARACTERS]
