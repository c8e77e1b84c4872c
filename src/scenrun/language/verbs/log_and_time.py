"""The verbs with which a thread writes to the log and spends time."""

from typing import Annotated, Any, Literal

from pydantic import Field, PlainValidator, ValidationInfo, WithJsonSchema

from scenrun.language.fields import (
    Timing,
    each,
    parse_expression,
    parse_text,
    refuse,
    shown,
)
from scenrun.language.templates import Template
from scenrun.language.verbs.step import Step


def _fields(value: Any, info: ValidationInfo) -> Any:
    if not isinstance(value, dict):
        raise refuse(f"`fields` takes a mapping of names to expressions, not {shown(value)}")
    return dict(each(value, parse_expression, info))


class Log(Step):
    """Write a line to the log; `{expression}` in the text is replaced by its value."""

    verb = "log"
    short = "message"
    in_atomic = True
    message: Annotated[Template, PlainValidator(parse_text("log")), WithJsonSchema({"type": "string"})] = Field(
        description="the text, with `{expressions}`"
    )
    level: Literal["debug", "info", "warning", "error", "critical"] = Field("info", description="how important it is")
    fields: Annotated[
        dict[str, Any], PlainValidator(_fields), WithJsonSchema({"type": "object", "additionalProperties": True})
    ] = Field(default={}, description="more values for this line, by name; each is an expression")


class Sleep(Step):
    """Do nothing for a time; the thread gives way to others."""

    verb = "sleep"
    short = "time"
    whole = True
    time: Timing = Field(description="how long")


class Work(Step):
    """Keep a processor busy for a time (CPU time of this thread)."""

    verb = "work"
    short = "time"
    whole = True
    time: Timing = Field(description="how long")
