"""A step in the file: what the models of all verbs have in common, and the types of their fields."""

from typing import Annotated, Any, ClassVar

from pydantic import PlainValidator, WithJsonSchema

from scenrun.language.fields import (
    Model,
    Timing,
    check_name,
    parse_reference,
    refuse,
)

OptionalRef = Annotated[
    Any, PlainValidator(lambda v: None if v is None else parse_reference(v)), WithJsonSchema({"type": "string"})
]


def _references(value: Any) -> Any:
    if not isinstance(value, list):
        return (parse_reference(value),)
    if not value:
        raise refuse("an empty list names nothing; write one name, or several: `[a, b]`")
    return tuple([parse_reference(one) for one in value])


References = Annotated[
    Any,
    PlainValidator(_references),
    WithJsonSchema({"type": ["string", "array"], "items": {"type": "string"}, "minItems": 1}),
]
"""One name, or several in a list."""
OptionalReferences = Annotated[
    Any,
    PlainValidator(lambda v: None if v is None else _references(v)),
    WithJsonSchema({"type": ["string", "array"], "items": {"type": "string"}, "minItems": 1}),
]
Into = Annotated[
    str | None,
    PlainValidator(lambda v: None if v is None else check_name(v)),
    WithJsonSchema({"type": "string", "description": "the variable that takes the result"}),
]
OptionalTiming = Timing | None


class Step(Model):
    """One step of a behaviour: a verb and its fields."""

    verb: ClassVar[str] = ""
    short: ClassVar[str | None] = None
    """The field that the short form fills (`acquire: guard` fills `lock`)."""
    alone: ClassVar[bool] = False
    """Whether the verb may stand without a value: `- break`."""
    whole: ClassVar[bool] = False
    """Whether the verb's value is always the short field, even when it is a mapping or list."""
    beside: ClassVar[tuple[str, ...]] = ()
    """Companion keys that stand beside the verb, such as `do` and `then`."""
    in_atomic: ClassVar[bool] = False
    """Whether the verb may stand inside `atomic`: it acts on variables alone, or is the thread's own."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if cls.verb:
            cls.what = f"`{cls.verb}`"
