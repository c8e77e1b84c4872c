"""The `sweep` of a scenario: which parameters take which values, how many seeds, how many repetitions."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import Field, PlainValidator, ValidationInfo, WithJsonSchema, model_validator

from scenrun.scenario.fields import Model, reader_of, refuse, shown
from scenrun.scenario.ranges import RangeError, is_range, values_of
from scenrun.scenario.source import Mapping

MAX_SEEDS = 1_000_000
Overrides = dict[str, Any]
"""Values by dotted path, such as `threads.consumer.count`."""
_VALUES = {
    "anyOf": [{"type": "array", "minItems": 1}, {"type": "string", "pattern": r"^\s*-?\d+\.\.-?\d+\s*([+*]\d+)?$"}]
}
_CELLS = {"type": "array", "items": {"type": "object"}}


def _over(value: Any, info: ValidationInfo) -> Any:
    if not isinstance(value, Mapping):
        raise refuse(
            f"`over` takes a mapping of paths to values: `over: {{threads.consumer.count: [1, 2]}}`, not {shown(value)}"
        )
    out = {}
    for path, given in value.items():
        values = _values(path, given, info, value.places[path][1])
        if values:
            out[path] = values
    return out


def _values(path: str, given: Any, info: ValidationInfo, place: Any) -> tuple[Any, ...]:
    if isinstance(given, str) and is_range(given):
        try:
            return values_of(given)
        except RangeError as error:
            reader_of(info).refuse(place, str(error))
            return ()
    if not isinstance(given, list) or not given:
        reader_of(info).refuse(place, f"`{path}` takes a list of values or a range such as 1..64*2, not {shown(given)}")
        return ()
    return tuple(given)


def _cells(key: str) -> Any:
    def read(value: Any, info: ValidationInfo) -> Any:
        if not isinstance(value, list) or not all(isinstance(one, dict) and one for one in value):
            raise refuse(f"`{key}` takes a list of mappings of paths to values, not {shown(value)}")
        return tuple(dict(one) for one in value)

    return PlainValidator(read)


def _seeds(value: Any) -> Any:
    if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= MAX_SEEDS:
        return value
    if isinstance(value, list) and value and all(type(seed) is int and 0 <= seed < 2**64 for seed in value):
        return tuple(value)
    raise refuse(
        f"`seeds` is how many (from the file's seed on, at most {MAX_SEEDS:,}) or a list of seeds, not {shown(value)}"
    )


class Sweep(Model):
    """Many runs of one scenario: every combination of values, each with every seed."""

    what: ClassVar[str] = "`sweep`"
    over: Annotated[Any, PlainValidator(_over), WithJsonSchema({"type": "object", "additionalProperties": _VALUES})] = (
        Field(default={}, description="values by dotted path: a list, or a range such as `1..8` or `1..64*2`")
    )
    include: Annotated[Any, _cells("include"), WithJsonSchema(_CELLS)] = Field(
        default=(), description="combinations beside those of `over`"
    )
    exclude: Annotated[Any, _cells("exclude"), WithJsonSchema(_CELLS)] = Field(
        default=(), description="combinations that are left out: all that have these values"
    )
    seeds: Annotated[
        Any, PlainValidator(_seeds), WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 1}, {"type": "array"}]})
    ] = Field(1, description="how many seeds, from the file's on, or a list of them")
    repeat: int = Field(1, ge=1, le=1_000_000, description="how often each is run, on real threads")

    @model_validator(mode="after")
    def _excluding_something(self) -> Sweep:
        for one in self.exclude:
            for path in one:
                if path not in self.over:
                    raise refuse(f"`exclude` names `{path}`, which `over` does not vary")
        return self


__all__ = ["Overrides", "Sweep"]
