"""The base class of a scenario's models and the types of their fields: name, reference, expression, duration, steps."""

import ast
import re
from collections.abc import Callable, Iterator
from typing import Annotated, Any, ClassVar, Protocol, TypeVar

from msgspec import Struct
from pydantic import (
    BaseModel,
    ConfigDict,
    PlainValidator,
    PrivateAttr,
    ValidationInfo,
    WithJsonSchema,
)
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from scenrun.errors import Place
from scenrun.language import durations, yaml_traps
from scenrun.language.constants import Constants
from scenrun.language.durations import Duration, DurationError
from scenrun.language.expressions import RESERVED, Expression, ExpressionError, parse
from scenrun.language.placed import Mapping, place_of
from scenrun.language.templates import Template, parse_template
from scenrun.printable import blanked

NAME = r"[A-Za-z_][A-Za-z0-9_]*"
_NAME = re.compile(NAME + r"\Z")
MAX_NAME = 80
M = TypeVar("M", bound="Model")


class Model(BaseModel):
    """The base class of the parts of a scenario: strict, frozen, without unknown keys, and with a place in the file.

    Modules of models do not postpone their annotations (PEP 563): pydantic would compile the texts of all of them one by one.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, arbitrary_types_allowed=True, defer_build=True)
    _node: Any = PrivateAttr(default=None)
    what: ClassVar[str] = ""
    """The name of this part of the file in errors."""

    @property
    def place(self) -> Place | None:
        """The place where this part begins in the file."""
        private = self.__pydantic_private__
        return place_of(private["_node"]) if private else None

    def place_of_key(self, key: str) -> Place | None:
        """The place of the value of `key`; that of this part where the file does not have the key."""
        places = getattr(self._node, "places", {})
        return places[key][1] if key in places else self.place

    def is_given(self, key: str) -> bool:
        """Whether the file has this key here, rather than its default."""
        return isinstance(self._node, dict) and key in self._node

    def as_given(self, key: str) -> Any:
        """The unparsed value of `key` in the file, or None."""
        return self._node.get(key) if isinstance(self._node, dict) else None


def refuse(message: str, offset: int = 0, place: Place | None = None) -> PydanticCustomError:
    """A validation error with this message; `offset` counts characters into the text of the value, or from `place`."""
    return PydanticCustomError("scenrun", "{message}", {"message": message, "offset": offset, "place": place})


def each(values: Any, read: Callable[[Any], Any], info: ValidationInfo) -> Iterator[tuple[Any, Any]]:
    """Each key (or number) with the result of `read` for its value; wrong values are refused at their places and left out."""
    places = getattr(values, "places", None)
    for key, value in values.items() if isinstance(values, dict) else enumerate(values):
        try:
            made = read(value)
        except PydanticCustomError as error:
            place = (places[key][1] if isinstance(values, dict) else places[key]) if places else None
            reader_of(info).refuse_as(error, place)
            reader_of(info).skip(value)
        else:
            yield key, made


class ModelReader(Protocol):
    """The interface of a reader that validates the parts of a file and collects problems, implemented in `reader.py`."""

    constants: Constants
    """The constants that the file declares in `let`."""

    def refuse(self, place: Place | None, message: str) -> None:
        """Note one problem."""

    def refuse_as(self, error: PydanticCustomError, place: Place | None) -> None:
        """Note an error that a field raised about the value at `place`."""

    def named(self, raw: Mapping) -> Iterator[tuple[str, Any]]:
        """The entries whose keys are names; the others are refused."""

    def model(self, cls: type[M], raw: Any, what: str, name: str = "") -> M | None:
        """Validate a part of the file as its model; None where it is wrong."""

    def primitive(self, parent: Mapping, name: str) -> Any:
        """One entry of `sync`, in short or long form, or None where it is wrong."""

    def stand_in(self, parent: Mapping, key: str, fields: dict[str, Any]) -> Mapping:
        """The mapping that a short form abbreviates, at the place of the short form."""

    def skip(self, raw: Any) -> None:
        """Keep the words of a part that could not be read."""

    def steps(self, value: Any) -> tuple[Any, ...]:
        """Read a list of steps; wrong ones are refused and left out."""


def reader_of(info: ValidationInfo) -> ModelReader:
    """The reader that validates the file, from the validation context."""
    reader: ModelReader = info.context  # type: ignore[assignment]
    return reader


def check_name(value: Any) -> str:
    """The value, if it is an identifier that a scenario may use as a name; raises a validation error otherwise."""
    if not isinstance(value, str) or not _NAME.match(value):
        raise refuse(f"a name is made of letters, digits and _, and begins with none of the digits; not {shown(value)}")
    if len(value) > MAX_NAME:
        raise refuse(f"a name has at most {MAX_NAME} characters")
    if value in RESERVED or value.startswith("__"):
        raise refuse(f"`{value}` has a meaning of its own in the language; choose another name")
    return value


def shown(value: Any) -> str:
    """The text for a value of the file in an error, cut to 60 characters."""
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    text = blanked(str(value))
    return f"`{text[:60]}`" + (" (cut)" if len(text) > 60 else "")


class Reference(Struct, frozen=True, eq=False):
    """A reference to an object by name, `pipeline`, or to one of an array or group, `forks[index]`."""

    name: str
    index: Expression | None
    place: Place | None

    def __str__(self) -> str:
        return f"{self.name}[{ast.unparse(self.index.tree)}]" if self.index else self.name


def parse_reference(value: Any) -> Reference:
    """Parse a reference: a name, or a name and an index in brackets."""
    if not isinstance(value, str):
        raise refuse(f"an object's name is expected, not {shown(value)}")
    if _NAME.match(value):
        return Reference(str(value), None, place_of(value))
    try:
        expression = parse(value)
    except ExpressionError as error:
        raise refuse(f"an object is written `name` or `name[index]`: {error}", error.offset) from None
    tree = expression.tree
    if not (isinstance(tree, ast.Subscript) and isinstance(tree.value, ast.Name)):
        raise refuse(f"an object is written `name` or `name[index]`, not {shown(value)}")
    if isinstance(tree.slice, ast.Slice):
        raise refuse("one object is named, by its index; a slice is of values")
    index = Expression(tree.slice, expression.text, expression.place)
    return Reference(tree.value.id, index, place_of(value))


def parse_expression(value: Any) -> Expression:
    """Parse the value of an expression field."""
    if isinstance(value, Mapping) and value and all(v is None for v in value.values()):
        raise refuse(f"`{{{', '.join(value)}}}` is a mapping to YAML; an expression is written without braces")
    try:
        return parse(value)
    except ExpressionError as error:
        raise refuse(str(error), error.offset, error.place) from None


def parse_text(word: str) -> Callable[[Any], Template]:
    """The parser of the template field of the verb or key `word`."""

    def template(value: Any) -> Template:
        if isinstance(value, Mapping):
            raise refuse(yaml_traps.template_problem(value, word))
        if value is None or isinstance(value, list):
            raise refuse(f"`{word}` takes text, not {shown(value)}")
        text = value if isinstance(value, str) else str(value).lower() if isinstance(value, bool) else str(value)
        if place := place_of(value):
            sentence = None if value.quoted else yaml_traps.cut_comment(place, text, word)
            if sentence:
                raise refuse(sentence)
        try:
            return parse_template(text)
        except ExpressionError as error:
            raise refuse(str(error), error.offset) from None

    return template


def parse_duration(value: Any) -> Duration:
    """Parse a fixed duration; distributions and parameters are refused."""
    try:
        return Duration("fixed", (durations.parse(value),))
    except DurationError as error:
        raise refuse(str(error)) from None


class DurationName(Struct, frozen=True, eq=False):
    """A reference to a parameter of type `duration`, by name."""

    name: str
    place: Place | None


class ComputedDuration(Struct, frozen=True, eq=False):
    """A duration whose number is computed when it is used: `{ms: 2 ** attempt}`."""

    number: Expression
    unit: str

    def __str__(self) -> str:
        return f"{self.number.text} {self.unit}"


SomeDuration = Duration | DurationName | ComputedDuration


def is_computed_duration(value: Any) -> bool:
    """Whether a value is a unit of time with a number of them: `{ms: 2 ** attempt}`."""
    return isinstance(value, dict) and len(value) == 1 and next(iter(value)) in durations.UNITS_NS


def parse_timing(value: Any) -> SomeDuration:
    """Parse a duration, a distribution, a computed duration, or the name of a parameter that is one."""
    if isinstance(value, str) and _NAME.match(value):
        return DurationName(str(value), place_of(value))
    if is_computed_duration(value):
        unit, number = next(iter(value.items()))
        return ComputedDuration(parse_expression(number), unit)
    try:
        return durations.distribution(value)
    except DurationError as error:
        raise refuse(str(error)) from None


def parse_fixed(value: Any, info: ValidationInfo) -> Duration:
    """Parse a duration that is known from the start: as written, the name of a constant, or computed from constants."""
    constants = reader_of(info).constants
    if isinstance(value, str) and value in constants.values:
        value = constants.named(value)
    if is_computed_duration(value):
        computed = parse_timing(value)
        assert isinstance(computed, ComputedDuration)
        number = _constant_number(computed.number, info)
        try:
            length = durations.nanoseconds(number, computed.unit)
        except (ValueError, OverflowError) as error:
            raise refuse(str(error)) from None
        return Duration("fixed", (length,))
    return parse_duration(value)


def _constant_number(expression: Expression, info: ValidationInfo) -> Any:
    try:
        return reader_of(info).constants.number(expression)
    except ExpressionError as error:
        raise refuse(str(error), error.offset, error.place) from None


def _is_computed(text: str, constants: Constants) -> bool:
    """Whether a text is an expression of constants; in quotes, if it names one of them."""
    if not constants.values or not getattr(text, "quoted", False):
        return bool(constants.values)
    return any(word in constants.values for word in re.findall(NAME, text))


def _whole_number(value: Any, check: Callable[[Any], Any], info: ValidationInfo) -> Any:
    """A whole number as written, or the text of an expression of constants."""
    if isinstance(value, str) and _is_computed(value, reader_of(info).constants):
        value = _constant_number(expression := parse_expression(value), info)
        if isinstance(value, float):
            raise refuse(f"`{expression.text[:60]}` is {value}, which is no whole number; `//` divides without rest")
    return check(value)


class Whole:
    """Marks a whole number from `least` to `most` that may be computed from constants: `Annotated[int, Whole(1, 100)]`."""

    def __init__(self, least: int, most: int) -> None:
        self.least = least
        self.most = most

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> CoreSchema:
        """The number's own check, after it has been computed."""
        number = core_schema.int_schema(strict=True, ge=self.least, le=self.most)
        return core_schema.with_info_wrap_validator_function(_whole_number, number)

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: Any) -> dict[str, Any]:
        """A number within its bounds, or text."""
        return {"type": ["integer", "string"], "minimum": self.least, "maximum": self.most}


def _steps(value: Any, info: ValidationInfo) -> Any:
    return reader_of(info).steps(value)


def _args(value: Any) -> Any:
    if not isinstance(value, dict):
        raise refuse(f"`args` takes a mapping of parameters to values, not {shown(value)}")
    return value


def _call_args(value: Any) -> Any:
    if not isinstance(value, dict | list):
        raise refuse(f"`args` takes a mapping of parameters to values, or a list of values, not {shown(value)}")
    return value


EXPRESSION_SCHEMA = {"description": "an expression; text in it is quoted twice: \"'hello'\""}
_SPAN = {"type": "string", "pattern": rf"^\s*{durations.DURATION}\s*$"}
_UNITS_SCHEMA = {
    unit: {"description": "how many of them: an expression, computed when it is used"} for unit in durations.UNITS_NS
}
FIXED_SCHEMA = {
    "title": "a duration, such as 100ms or 1.5s",
    "type": ["string", "object"],
    "pattern": rf"^\s*({durations.DURATION}|{NAME})\s*$",
    "minProperties": 1,
    "maxProperties": 1,
    "additionalProperties": False,
    "properties": {
        unit: {"description": "how many of them: an expression of constants"} for unit in durations.UNITS_NS
    },
}
TIMING_SCHEMA = {
    "title": "a duration, such as 100ms or 1.5s, or a distribution of them",
    "type": ["string", "object"],
    "pattern": rf"^\s*({durations.DURATION}|{NAME})\s*$",
    "minProperties": 1,
    "maxProperties": 1,
    "additionalProperties": False,
    "properties": {
        **_UNITS_SCHEMA,
        "uniform": {"type": "array", "items": _SPAN, "minItems": 2, "maxItems": 2},
        "exponential": {
            "type": "object", "properties": {"mean": _SPAN}, "required": ["mean"], "additionalProperties": False,
        },
        "normal": {
            "type": "object", "properties": {"mean": _SPAN, "sd": _SPAN}, "required": ["mean", "sd"],
            "additionalProperties": False,
        },
    },
}  # fmt: skip

Name = Annotated[str, PlainValidator(check_name), WithJsonSchema({"type": "string", "pattern": f"^{NAME}$"})]
Ref = Annotated[Reference, PlainValidator(parse_reference), WithJsonSchema({"type": "string"})]
OptionalExpr = Annotated[
    Expression | None,
    PlainValidator(lambda v: None if v is None else parse_expression(v)),
    WithJsonSchema(EXPRESSION_SCHEMA),
]
Expr = Annotated[Expression, PlainValidator(parse_expression), WithJsonSchema(EXPRESSION_SCHEMA)]
FixedDuration = Annotated[Duration, PlainValidator(parse_fixed), WithJsonSchema({"refer": "#/$defs/duration"})]
Timing = Annotated[SomeDuration, PlainValidator(parse_timing), WithJsonSchema({"refer": "#/$defs/timing"})]
Steps = Annotated[
    tuple[Any, ...], PlainValidator(_steps), WithJsonSchema({"type": "array", "items": {"refer": "#/$defs/step"}})
]
CallArgs = Annotated[
    Any,
    PlainValidator(_call_args),
    WithJsonSchema({"type": ["object", "array"], "description": "arguments by name, or by position"}),
]
Args = Annotated[
    Any,
    PlainValidator(_args),
    WithJsonSchema({"type": "object", "description": "the behaviour's parameters by name"}),
]
