"""The verbs that change variables: set, append and pop."""

from typing import Annotated, Any

from pydantic import Field, PlainValidator, ValidationInfo, WithJsonSchema
from pydantic_core import PydanticCustomError

from scenrun.language.fields import (
    Expr,
    each,
    parse_expression,
    reader_of,
    refuse,
)
from scenrun.language.placed import Text
from scenrun.language.variables import Target, parse_target
from scenrun.language.verbs.step import Into, Step


def _names(value: Any, info: ValidationInfo) -> Any:
    if not isinstance(value, dict) or not value:
        hint = f"; an event is set with `set_event: {value}`" if isinstance(value, str) else ""
        raise refuse(f"`set` takes a mapping of names to expressions: `set: {{mine: value}}`{hint}")
    places = getattr(value, "places", {})
    out = []
    for key, expression in each(value, parse_expression, info):
        try:
            out.append((_target(key, places), expression))
        except PydanticCustomError as error:
            reader_of(info).refuse_as(error, places[key][0] if key in places else None)
    return tuple(out)


def _target(key: str, places: dict[str, Any]) -> Target:
    return parse_target(Text.at(places[key][0], key, quoted=False) if key in places else key)


Variable = Annotated[Any, PlainValidator(parse_target), WithJsonSchema({"type": "string"})]


class Set(Step):
    """Assign to shared variables or locals, in the order written; each shared access is a step of its own."""

    verb = "set"
    short = "assign"
    whole = True
    in_atomic = True
    assign: Annotated[Any, PlainValidator(_names), WithJsonSchema({"type": "object", "minProperties": 1})] = Field(
        description="names, and the expressions that they are set to"
    )


class Append(Step):
    """Add an item to the end of a list, as one step."""

    verb = "append"
    in_atomic = True
    to: Variable = Field(description="the list")
    item: Expr = Field(description="what to add")


class Pop(Step):
    """Take an item out of a list (the last) or, with `at`, by index or key, as one step."""

    verb = "pop"
    in_atomic = True
    from_: Variable = Field(alias="from", description="the list or mapping")
    at: Expr | None = Field(None, description="the index or key; the last item unless given")
    into: Into = Field(None, description="the variable that takes the item")
