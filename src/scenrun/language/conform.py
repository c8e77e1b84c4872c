"""The `conform` of a scenario: the class whose code `scenrun conform` compares with it, and what stands for what."""

import re
from typing import Annotated, Any, ClassVar, Self

from pydantic import Field, PlainValidator, ValidationInfo, WithJsonSchema, model_validator

from scenrun.language.expect import CLASS
from scenrun.language.fields import Model, reader_of, refuse, shown
from scenrun.language.placed import Mapping
from scenrun.language.sweep import plain

_TEXTS = {"type": "object", "additionalProperties": {"type": "string"}}
ATTRIBUTE = r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*"
"""How an attribute of an object is named, or one of an attribute."""


def _texts(key: str, example: str) -> Any:
    def read(value: Any, info: ValidationInfo) -> Any:
        if not isinstance(value, Mapping):
            raise refuse(f"`{key}` takes a mapping of names: `{key}: {example}`, not {shown(value)}")
        out = {}
        for name, text in value.items():
            if isinstance(name, str) and isinstance(text, str):
                out[str(name)] = plain(text)
            else:
                about = f"`{key}` takes texts by name: `{key}: {example}`, not {shown(text)}"
                reader_of(info).refuse(value.places[name][1], about)
        return out

    return PlainValidator(read)


class Conform(Model):
    """The class whose threads may do only what this scenario's do."""

    what: ClassVar[str] = "`conform`"
    against: str | None = Field(None, description="the class: `package.module:Class`")
    make: str | None = Field(None, description="what makes the object, without arguments: `package.module:function`")
    calls: Annotated[Any, _texts("calls", '{producer: "produce(3)"}'), WithJsonSchema(_TEXTS)] = Field(
        default={}, description="the calls of methods that thread groups, or `main`, stand for; `index` is the replica"
    )
    objects: Annotated[Any, _texts("objects", "{items: _queue}"), WithJsonSchema(_TEXTS)] = Field(
        default={}, description="the attributes that objects of `sync` and variables stand for"
    )

    @model_validator(mode="after")
    def _names_code(self) -> Self:
        for key, text in (("against", self.against), ("make", self.make)):
            if text is not None and not re.fullmatch(CLASS, text):
                raise refuse(f"`{key}` is written `package.module:Name`, not {shown(text)}")
        for name, text in self.objects.items():
            if not re.fullmatch(ATTRIBUTE, text):
                raise refuse(f"`objects` names an attribute for `{name}`: `{{{name}: _{name}}}`, not {shown(text)}")
        return self
