"""The `sweep` of a scenario: which parameters take which values, how many seeds, how many repetitions."""

from typing import Annotated, Any, ClassVar, Self

from pydantic import Field, PlainValidator, ValidationInfo, WithJsonSchema, model_validator

from scenrun.errors import ScenarioError
from scenrun.language import source as yaml_source
from scenrun.language.fields import Model, reader_of, refuse, shown
from scenrun.language.placed import Mapping
from scenrun.language.value_ranges import MAX_VALUES, RangeError, is_range, values_of

MAX_SEEDS = 10_000_000
MAX_REPEAT = 1_000_000
_RANGE = {"type": "string", "pattern": r"^\s*-?\d+\.\.-?\d+\s*([+*]\d+)?$"}
_VALUES = {"anyOf": [{"type": "array", "minItems": 1}, _RANGE]}
_CELLS = {"type": "array", "items": {"type": "object"}}
_SEEDS_SCHEMA = {
    "anyOf": [
        {"type": "integer", "minimum": 1, "maximum": MAX_SEEDS},
        {"type": "array", "items": {"type": "integer", "minimum": 0}, "minItems": 1},
    ]
}


def plain(value: Any) -> Any:
    """A value of the file without its place in it."""
    if isinstance(value, str):
        return str(value)
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list) else value


def same(one: Any, other: Any) -> bool:
    """Equal, and not merely as True equals 1."""
    return type(one) is type(other) and bool(one == other)


def values(path: str, given: Any) -> tuple[Any, ...]:
    """What a parameter is to be: a list, or a range, also as an item of the list; raises RangeError with a sentence."""
    if isinstance(given, str) and is_range(given):
        return values_of(given)
    if not isinstance(given, list) or not given:
        what = "an empty list" if given == [] else shown(given)
        raise RangeError(f"`{path}` takes a list of values or a range such as 1..64*2, not {what}")
    out: list[Any] = []
    for item in given:
        is_written_so = isinstance(item, str) and is_range(item) and not getattr(item, "quoted", False)
        out += values_of(item) if is_written_so else [plain(item)]
        if len(out) > MAX_VALUES:
            raise RangeError(f"`{path}` has more than {MAX_VALUES:,} values")
    _refuse_twice(path, out)
    return tuple(out)


def written_values(path: str, text: str) -> tuple[Any, ...]:
    """The values of a text: a range, or some with commas, each read like an unquoted one in a file; raises RangeError."""
    text = text.strip()
    try:
        return values(path, text if is_range(text) else yaml_source.scalar(f"[{text}]"))
    except ScenarioError as error:
        raise RangeError(error.problems[0].message) from None


def _refuse_twice(path: str, out: list[Any]) -> None:
    seen = set()
    for value in out:
        key = (type(value), repr(value))
        if key in seen:
            raise RangeError(f"`{path}` has {shown(value)} twice")
        seen.add(key)


def _over(value: Any, info: ValidationInfo) -> Any:
    if not isinstance(value, Mapping):
        example = "`over: {threads.consumer.count: [1, 2]}`"
        raise refuse(f"`over` takes a mapping of paths to values: {example}, not {shown(value)}")
    out = {}
    for path, given in value.items():
        try:
            out[str(path)] = values(path, given)
        except RangeError as error:
            reader_of(info).refuse(value.places[path][1], str(error))
    return out


def _cells(key: str) -> Any:
    def read(value: Any, info: ValidationInfo) -> Any:
        if not isinstance(value, list) or not all(isinstance(one, dict) and one for one in value):
            raise refuse(f"`{key}` takes a list of mappings of paths to values, not {shown(value)}")
        return tuple(plain(one) for one in value)

    return PlainValidator(read)


def _seeds(value: Any) -> Any:
    if type(value) is int and 1 <= value <= MAX_SEEDS:
        return value
    if isinstance(value, list) and value and all(type(seed) is int and 0 <= seed < 2**64 for seed in value):
        if len(set(value)) < len(value):
            raise refuse("`seeds` has a seed twice; `repeat` is for the same again, on real threads")
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
        default=(), description="combinations beside those of `over`; what one does not name is as the file has it"
    )
    exclude: Annotated[Any, _cells("exclude"), WithJsonSchema(_CELLS)] = Field(
        default=(), description="combinations that are left out: all of `over` that have these values"
    )
    seeds: Annotated[Any, PlainValidator(_seeds), WithJsonSchema(_SEEDS_SCHEMA)] = Field(
        1, description="how many seeds, from the file's on, or a list of them"
    )
    repeat: int = Field(1, ge=1, le=MAX_REPEAT, description="how often each is run; on real threads only")

    @model_validator(mode="after")
    def _excluding_something(self) -> Self:
        for one in self.exclude:
            for path, value in one.items():
                if path not in self.over:
                    raise refuse(f"`exclude` names `{path}`, which `over` does not vary")
                if not any(same(value, other) for other in self.over[path]):
                    raise refuse(f"`exclude` names {shown(value)}, which is no value of `{path}` in `over`")
        return self


__all__ = ["Sweep", "plain", "same", "values"]
