"""What a scenario expects: expressions, outcomes, objects whose calls are explained by an order, verdicts."""

import re
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, PlainValidator, ValidationInfo, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from scenrun.errors import Place
from scenrun.language import fields as f
from scenrun.language.fields import Model, reader_of, refuse, shown
from scenrun.language.placed import Mapping
from scenrun.language.suggestions import did_you_mean

VERDICTS = ("holds", "violated", "deadlock", "exception", "race", "livelock")
"""Verdicts that a file may expect; `incomplete` is never expected."""
SEARCHES = ("explore", "virtual")
"""The ways that search all schedules: `virtual` is `explore` in virtual time."""
WAYS = ("run", "simulate", *SEARCHES)
SEARCH_ONLY = ("race", "livelock")
SPECIFICATIONS = ("queue", "lock", "semaphore", "bounded_semaphore", "event")
"""Kinds of `sync` that calls of behaviours may be compared with: each of their operations is one atomic action."""
_NAMES = {"type": "array", "items": {"type": "string"}, "minItems": 1}
CLASS = r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*"
"""How a class of the author's is named."""


def _list_of_expressions(key: str) -> Any:
    def read(value: Any, info: ValidationInfo) -> Any:
        if not isinstance(value, list):
            raise refuse(f'`{key}` takes a list of expressions: `{key}: ["value == 2"]`, not {shown(value)}')
        return tuple(expression for _, expression in f.each(value, f.parse_expression, info))

    return PlainValidator(read)


def _pairs(value: Any, info: ValidationInfo) -> Any:
    if not isinstance(value, list):
        raise refuse(f'`leads_to` takes a list of pairs: `leads_to: [["asked", "answered"]]`, not {shown(value)}')
    out = []
    for number, pair in enumerate(value):
        place = value.places[number] if hasattr(value, "places") else None
        if not isinstance(pair, list) or len(pair) != 2:
            message = f'`leads_to` takes pairs, what holds and what is to hold later: `["asked", "answered"]`, not {shown(pair)}'
            raise refuse(message, place=place)
        read = tuple(expression for _, expression in f.each(pair, f.parse_expression, info))
        out += [read] if len(read) == 2 else []
    return tuple(out)


class Outcomes(Model):
    """The values that may be seen when the run has ended."""

    what: ClassVar[str] = "`outcomes`"
    observe: Annotated[Any, _list_of_expressions("observe"), WithJsonSchema({"type": "array"})] = Field(
        description="expressions, read when the run has ended; alone, a search lists what they come to"
    )
    allowed: list[list[Any]] | None = Field(None, description="all the outcomes that may be")
    required: list[list[Any]] | None = Field(None, description="outcomes that a closed search must have found")
    forbidden: list[list[Any]] | None = Field(None, description="outcomes that may not be")

    @model_validator(mode="after")
    def _lengths(self) -> Self:
        for key in ("allowed", "required", "forbidden"):
            for outcome in getattr(self, key) or []:
                if len(outcome) != len(self.observe):
                    raise refuse(f"an outcome of `{key}` has {len(outcome)} values; `observe` has {len(self.observe)}")
        return self


def _verdicts(value: Any, info: ValidationInfo) -> Any:
    if isinstance(value, dict):
        places = getattr(value, "places", {})
        for unknown in [key for key in value if key not in WAYS]:
            place = places[unknown][0] if unknown in places else None
            reader_of(info).refuse(place, f"`{unknown[:60]}` is no way of running; there are {', '.join(WAYS)}")
        out = {}
        for way in [way for way in value if way in WAYS]:
            try:
                out[way] = _words(value[way], way)
            except PydanticCustomError as error:
                reader_of(info).refuse_as(error, places[way][1] if way in places else None)
        return out
    words = _words(value, None)
    if words and all(w in SEARCH_ONLY for w in words):
        raise refuse(f"only a search can say `{words[0]}`; write `verdict: {{run: holds, explore: {words[0]}}}`")
    return dict.fromkeys(WAYS, words)


def _words(value: Any, way: str | None) -> tuple[str, ...]:
    words = value if isinstance(value, list) else [value]
    places = getattr(value, "places", [None] * len(words)) if isinstance(value, list) else [None]
    for word, place in zip(words, places, strict=True):
        _check_word(word, way, place)
    if not words:
        raise refuse("a verdict is missing")
    return tuple(words)


def _check_word(word: Any, way: str | None, place: Place | None) -> None:
    if word == "incomplete":
        raise refuse("`incomplete` is never expected; raise `limits`, or expect what the whole run shows", place=place)
    if word not in VERDICTS:
        hint = did_you_mean(word, VERDICTS) if isinstance(word, str) else ""
        raise refuse(f"{shown(word)} is no verdict{hint} (verdicts: {', '.join(VERDICTS)})", place=place)
    if way in ("run", "simulate") and word in SEARCH_ONLY:
        raise refuse(f"only a search can say `{word}`; it goes under `explore`", place=place)


_WORD = {"enum": list(VERDICTS)}
_VERDICT_WORDS = {"anyOf": [_WORD, {"type": "array", "items": _WORD, "minItems": 1}]}
_VERDICT_SCHEMA = {
    "anyOf": [
        *_VERDICT_WORDS["anyOf"],
        {"type": "object", "additionalProperties": False, "properties": dict.fromkeys(WAYS, _VERDICT_WORDS)},
    ]
}
_LIST = WithJsonSchema({"type": "array"})
_PAIRS = WithJsonSchema({"type": "array", "items": {"type": "array", "minItems": 2, "maxItems": 2}})


def _outcomes(value: Any, info: ValidationInfo) -> Any:
    if not isinstance(value, Mapping):
        raise refuse(f"`outcomes` takes a mapping: `outcomes: {{observe: [x], allowed: [[1]]}}`, not {shown(value)}")
    return reader_of(info).model(Outcomes, value, "`outcomes`")


class Linearizable(Model):
    """An object of which each call takes effect at one moment, between its beginning and its return."""

    what: ClassVar[str] = "`linearizable`"
    object: f.Name = Field(description="one of `objects`")
    spec: str | None = Field(
        None,
        description="`package.module:Class` with the same methods, which says what is right; by default the object's own class",
    )

    @model_validator(mode="after")
    def _names_a_class(self) -> Self:
        if self.spec is not None and not re.fullmatch(CLASS, self.spec):
            raise refuse(f"`spec` is written `package.module:Class`, not {shown(self.spec)}")
        return self


def _behaviours(value: Any) -> Any:
    if not isinstance(value, list) or not value or not all(isinstance(one, str) for one in value):
        raise refuse(f"`behaviours` takes a list of names: `behaviours: [put, get]`, not {shown(value)}")
    return tuple(map(str, value))


class LinearizableCalls(Model):
    """Behaviours that are run: each `run` of one takes effect at one moment, between its beginning and its end."""

    what: ClassVar[str] = "`linearizable`"
    behaviours: Annotated[Any, PlainValidator(_behaviours), WithJsonSchema(_NAMES)] = Field(
        description="the behaviours by name; each `run` of one is a call of the operation of the same name"
    )
    spec: Annotated[Any, PlainValidator(lambda value: value), WithJsonSchema({"refer": "#/$defs/primitive"})] = Field(
        description="the object that says what is right, as in `sync`: `queue`, `{queue: {maxsize: 2}}`, `lock`, `semaphore` .."
    )


def _of_behaviours(reader: f.ModelReader, raw: Mapping) -> LinearizableCalls | None:
    found = reader.model(LinearizableCalls, raw, "`linearizable`")
    spec = reader.primitive(raw, "spec") if "spec" in raw else None
    if found is None or spec is None:
        return None
    if spec.kind_name not in SPECIFICATIONS:
        reader.refuse(
            raw.places["spec"][1], f"calls are compared with a {' or '.join(SPECIFICATIONS)}, not `{spec.kind_name}`"
        )
        return None
    return found.model_copy(update={"spec": spec})


def _linearizable(value: Any, info: ValidationInfo) -> Any:
    if not isinstance(value, list):
        raise refuse(f"`linearizable` takes a list of `objects`: `linearizable: [cache]`, not {shown(value)}")
    reader, out = reader_of(info), []
    for number, raw in enumerate(value):
        found: Linearizable | LinearizableCalls | None
        if isinstance(raw, Mapping) and "behaviours" in raw:
            found = _of_behaviours(reader, raw)
        elif isinstance(raw, Mapping):
            found = reader.model(Linearizable, raw, "`linearizable`")
        elif isinstance(raw, str):
            found = Linearizable.model_validate({"object": raw}, context=reader)
        else:
            place = value.places[number] if hasattr(value, "places") else None
            raise refuse(f"`linearizable` names one of `objects`, not {shown(raw)}", place=place)
        out += [] if found is None else [found]
    return tuple(out)


_LINEARIZABLE_SCHEMA = {
    "type": "array",
    "items": {
        "anyOf": [
            {"type": "string"},
            {
                "type": "object", "required": ["object"], "additionalProperties": False,
                "properties": {"object": {"type": "string"}, "spec": {"type": "string"}},
            },
            {
                "type": "object", "required": ["behaviours", "spec"], "additionalProperties": False,
                "properties": {"behaviours": _NAMES, "spec": {"type": ["string", "object"]}},
            },
        ]
    },
}  # fmt: skip


class Expect(Model):
    """What must hold, and the verdict that this file shows."""

    what: ClassVar[str] = "`expect`"
    final: Annotated[Any, _list_of_expressions("final"), _LIST] = Field(
        default=(), description="expressions that hold when the run has ended by itself"
    )
    always: Annotated[Any, _list_of_expressions("always"), _LIST] = Field(
        default=(), description="expressions that hold in every state"
    )
    reach: Annotated[Any, _list_of_expressions("reach"), _LIST] = Field(
        default=(),
        description="expressions each of which holds at some moment of some schedule: a search shows the shortest way",
    )
    eventually: Annotated[Any, _list_of_expressions("eventually"), _LIST] = Field(
        default=(),
        description="expressions each of which holds at some moment of every schedule in which no thread that can go on is "
        "left standing for ever",
    )
    leads_to: Annotated[Any, PlainValidator(_pairs), _PAIRS] = Field(
        default=(), description="pairs of expressions: whenever the first holds, the second does then or later"
    )
    outcomes: Annotated[Any, PlainValidator(_outcomes), WithJsonSchema({"type": "object"})] = Field(
        None, description="the values that may be seen at the end"
    )
    race: Literal["never"] | None = Field(None, description="never: a search must find no data race")
    linearizable: Annotated[Any, PlainValidator(_linearizable), WithJsonSchema(_LINEARIZABLE_SCHEMA)] = Field(
        default=(),
        description="`objects`, or behaviours, of which what calls return is that of some order, one call after another",
    )
    verdict: Annotated[Any, PlainValidator(_verdicts), WithJsonSchema(_VERDICT_SCHEMA)] = Field(
        default={}, description="what this file shows: a word, a list of acceptable words, or one for each way"
    )
