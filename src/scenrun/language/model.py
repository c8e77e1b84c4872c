"""A scenario as written: its top-level keys, thread groups, behaviours and expectations."""

import re
from typing import Annotated, Any, ClassVar, Self

from pydantic import Field, PlainValidator, PrivateAttr, ValidationInfo, WithJsonSchema, WrapValidator, model_validator

from scenrun.errors import Source
from scenrun.language import fields as f
from scenrun.language.conform import Conform
from scenrun.language.expect import CLASS, Expect
from scenrun.language.fields import (
    Args,
    FixedDuration,
    Model,
    Name,
    Steps,
    Timing,
    Whole,
    is_computed_duration,
    reader_of,
    refuse,
    shown,
)
from scenrun.language.placed import Mapping
from scenrun.language.primitives import KINDS, OptionalName, Primitive
from scenrun.language.suggestions import did_you_mean
from scenrun.language.sweep import Sweep
from scenrun.language.verbs.registry import VERBS

PARAMETER_TYPES = ("int", "float", "bool", "str", "duration", "value", "expression", "variable")
MAX_COUNT = 100_000
OWN_FIELDS = (
    "timestamp", "level", "event", "run", "seq", "elapsed_s", "thread", "group", "index", "worker", "object", "step", "line",
    "message", "fields",
)  # fmt: skip
"""The fields of a line that is logged by a step, which the author's may not have where they stand beside them."""
TAKEN = "with `flat`, `{name}` would hide a field that each line has; choose another name"
MOST_TIMES = 9
ANY_NUMBER = 0
"""The `count` that stands for `any`."""
Count = Annotated[
    int,
    Whole(1, MAX_COUNT),
    WrapValidator(lambda value, check: ANY_NUMBER if value == "any" else check(value)),
    WithJsonSchema({"type": ["integer", "string"], "minimum": 1, "maximum": MAX_COUNT}),
]


class Parameter(Model):
    """A parameter of a behaviour: its type, and its default where it need not be given."""

    what: ClassVar[str] = "a parameter"
    type: str = Field(description="int, float, bool, str, duration, value, expression, variable, or a kind of sync")
    default: Any = Field(None, description="its value where none is given; none makes it optional")

    @model_validator(mode="after")
    def _known(self) -> Self:
        known = (*PARAMETER_TYPES, *KINDS)
        if self.type not in known:
            raise refuse(f"there is no type `{self.type}`{did_you_mean(self.type, known)}; types: {', '.join(known)}")
        return self

    @property
    def is_required(self) -> bool:
        """Whether every use must give it."""
        return not self.is_given("default")


def _parameters(value: Any, info: ValidationInfo) -> Any:
    if not isinstance(value, Mapping):
        raise refuse("`params` takes a mapping of names to types: `params: {times: int}`")
    reader = reader_of(info)
    out = {}
    for key, given in reader.named(value):
        raw = given if isinstance(given, Mapping) else reader.stand_in(value, key, {"type": given})
        if parameter := reader.model(Parameter, raw, f"parameter `{key}`", key):
            out[key] = parameter
    return out


class Behaviour(Model):
    """A named program of steps, with parameters."""

    what: ClassVar[str] = "a behaviour"
    description: str = Field("", description="what it does")
    params: Annotated[Any, PlainValidator(_parameters), WithJsonSchema({"refer": "#/$defs/params"})] = Field(
        default={}, description="parameters by name: a type, or `{type, default}`"
    )
    do: Steps = Field(description="the steps")


class Group(Model):
    """Threads that do the same thing."""

    what: ClassVar[str] = "a thread group"
    target: str | None = Field(None, description="the behaviour that they run")
    do: Steps | None = Field(None, description="the steps in place, instead of `target`")
    args: Args = Field(default={}, description="the behaviour's parameters by name")
    count: Count = Field(
        1,
        description="how many threads; they are called name[0], name[1] ..; `any`: `explore` proves it for every number",
    )
    daemon: bool = Field(False, description="true: cut off when every other thread has ended")
    join: bool | None = Field(None, description="whether main waits for them; yes, unless they are daemons")
    start_after: FixedDuration | None = Field(None, description="started so long after the run began")
    pool: OptionalName = Field(None, description="they are tasks of this pool instead of threads")
    endless: bool = Field(False, description="true: they need not end; only being blocked for ever is a finding")

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if (self.target is None) == (self.do is None):
            raise refuse("a thread group has either a `target` (a behaviour) or `do` (steps in place)")
        if self.args and self.do is not None:
            raise refuse("`args` go with a `target`; steps in place have no parameters")
        if self.pool and self.daemon:
            raise refuse("tasks of a pool are no daemons: remove `daemon`, or `pool`")
        if self.pool and self.count == ANY_NUMBER:
            raise refuse("`count: any` is for threads; say how many tasks the pool gets")
        return self

    @property
    def joined(self) -> bool:
        """Whether the default main waits for this group."""
        return self.join if self.join is not None else not self.daemon


class Interrupt(Model):
    """Steps that come at any moment between two of a thread's own, on its stack, such as a signal handler or a finalizer."""

    what: ClassVar[str] = "an interrupt"
    target: str = Field(description="the behaviour that comes")
    in_: str = Field(
        "main", alias="in", description="the thread group in whose threads it comes, in each for itself; `main`"
    )
    times: Annotated[int, Whole(1, MOST_TIMES)] = Field(1, description="how often it comes at most, in each thread")
    args: Args = Field(default={}, description="the behaviour's parameters by name")


class PythonObject(Model):
    """An object of your own Python that threads share; only with `--allow-python`."""

    what: ClassVar[str] = "an object"
    python: str = Field(description="what makes it: `package.module:Class`")
    args: dict[str, Any] = Field(default={}, description="arguments by name, with plain values")

    @model_validator(mode="after")
    def _names_a_class(self) -> Self:
        if not re.fullmatch(CLASS, self.python):
            raise refuse(f"`python` is written `package.module:Class`, not {shown(self.python)}")
        return self


class Stop(Model):
    """When the threads are told to stop."""

    what: ClassVar[str] = "`stop`"
    after: FixedDuration = Field(description="how long after the last start")
    event: Name = Field("stop", description="the event that is set")


class Limits(Model):
    """Past these the verdict is `incomplete` and the run is ended."""

    what: ClassVar[str] = "`limits`"
    time: FixedDuration | None = Field(None, description="wall time of a real run, virtual time of a simulated one")
    steps: Annotated[int, Whole(1, 2**63)] | None = Field(
        None, description="steps of all threads together, each turn of a loop counted as one"
    )


class LogOptions(Model):
    """What is added to every line that the author's steps log."""

    what: ClassVar[str] = "`log`"
    fields: dict[str, Any] = Field(default={}, description="fields by name, with plain values")
    flat: bool = Field(
        False,
        description="true: these fields, and those of `log` steps, stand beside the line's own, not below `fields`",
    )

    @model_validator(mode="after")
    def _differ(self) -> Self:
        for name in self.fields if self.flat else ():
            if name in OWN_FIELDS:
                raise refuse(TAKEN.format(name=name))
        return self


def _state(value: Any, info: ValidationInfo) -> Any:
    if not isinstance(value, Mapping):
        raise refuse("`state` takes a mapping of names to initial values: `state: {value: 0}`")
    return dict(reader_of(info).named(value))


def _interrupts(value: Any, info: ValidationInfo) -> Any:
    if not isinstance(value, list):
        raise refuse(f"`interrupts` takes a list: `interrupts: [{{target: on_term, in: main}}]`, not {shown(value)}")
    reader, out = reader_of(info), []
    for number, raw in enumerate(value):
        if not isinstance(raw, Mapping):
            place = value.places[number] if hasattr(value, "places") else None
            raise refuse(f"an interrupt is a mapping: `{{target: on_term, in: main}}`, not {shown(raw)}", place=place)
        out += [one] if (one := reader.model(Interrupt, raw, "an interrupt")) else []
    return tuple(out)


def _let(value: Any, info: ValidationInfo) -> Any:
    """The constants as the reader has read them, before the parts that are computed from them."""
    return dict(reader_of(info).constants.values)


def _stop(value: Any, info: ValidationInfo) -> Any:
    if isinstance(value, Mapping) and not is_computed_duration(value):
        return reader_of(info).model(Stop, value, "`stop`")
    return Stop.model_construct(after=f.parse_fixed(value, info))


def _costs(value: Any, info: ValidationInfo) -> Any:
    if not isinstance(value, dict):
        raise refuse("`costs` takes a mapping of verbs to durations: `costs: {acquire: 2us}`")
    for verb in [verb for verb in value if verb not in VERBS]:
        place = value.places[verb][0] if isinstance(value, Mapping) else None
        reader_of(info).refuse(place, f"there is no verb `{verb[:60]}`{did_you_mean(verb, VERBS)}")
    return dict(f.each(value, f.parse_duration, info))


def _section(key: str, cls: type[Model]) -> Any:
    """A part that is a model of its own, read so that its errors stand beside all others."""

    def read(value: Any, info: ValidationInfo) -> Any:
        if not isinstance(value, Mapping):
            raise refuse(f"`{key}` takes a mapping, not {shown(value)}")
        return reader_of(info).model(cls, value, f"`{key}`") or cls()

    return PlainValidator(read)


def _each(key: str, cls: type[Model]) -> Any:
    """A mapping of names to models."""

    def read(value: Any, info: ValidationInfo) -> Any:
        reader = reader_of(info)
        if not isinstance(value, Mapping):
            raise refuse(f"`{key}` takes a mapping of names, not {shown(value)}")
        models = {}
        for name, raw in reader.named(value):
            if not isinstance(raw, Mapping):
                example = f"`{name}: {{target: {raw}}}`" if key == "threads" and isinstance(raw, str) else "a mapping"
                reader.refuse(value.places[name][1], f"`{key}.{name}` is written as {example}, not {shown(raw)}")
            elif model := reader.model(cls, raw, f"`{key}.{name}`", name):
                models[name] = model
                continue
            reader.skip(name)
            reader.skip(raw)
        return models

    return PlainValidator(read)


def _sync(value: Any, info: ValidationInfo) -> Any:
    reader = reader_of(info)
    if not isinstance(value, Mapping):
        raise refuse("`sync` takes a mapping of names to primitives: `sync: {guard: lock}`")
    found = {name: reader.primitive(value, name) for name, _ in reader.named(value)}
    return {name: primitive for name, primitive in found.items() if primitive is not None}


def _version(value: Any) -> Any:
    if value != 1 or isinstance(value, bool):
        raise refuse(f"this scenrun reads version 1 of the language, not {shown(value)}")
    return 1


_DEF = "#/$defs/"
_FILES = {"type": "array", "items": {"type": "string"}, "minItems": 1}


class Scenario(Model):
    """A whole scenario file."""

    what: ClassVar[str] = "a scenario"
    scenario: Name = Field(description="the scenario's name")
    description: str = Field("", description="what it shows")
    version: Annotated[int, PlainValidator(_version), WithJsonSchema({"const": 1})] = Field(
        1, description="the version of the language"
    )
    include: Annotated[Any, PlainValidator(lambda value: ()), WithJsonSchema(_FILES)] = Field(
        default=(),
        description="files in this file's folder, or below, whose `behaviours` and `let` are its own, too",
    )
    seed: int = Field(0, ge=0, lt=2**64, description="the source of every pseudo-random draw")
    let: Annotated[Any, PlainValidator(_let), WithJsonSchema({"type": "object"})] = Field(
        default={}, description="constants by name, for counts, sizes, durations and expressions"
    )
    sync: Annotated[Any, PlainValidator(_sync), WithJsonSchema({"refer": _DEF + "sync"})] = Field(
        default={}, description="locks, events, queues and other primitives by name"
    )
    state: Annotated[Any, PlainValidator(_state), WithJsonSchema({"type": "object"})] = Field(
        default={}, description="shared variables and their initial values"
    )
    behaviours: Annotated[Any, _each("behaviours", Behaviour), WithJsonSchema({"refer": _DEF + "behaviours"})] = Field(
        default={}, description="named programs of steps"
    )
    objects: Annotated[Any, _each("objects", PythonObject), WithJsonSchema({"refer": _DEF + "objects"})] = Field(
        default={}, description="objects of your own Python by name, for `call`"
    )
    threads: Annotated[Any, _each("threads", Group), WithJsonSchema({"refer": _DEF + "threads"})] = Field(
        default={}, description="thread groups by name"
    )
    main: Steps | None = Field(None, description="the main thread's steps; with it nothing is started implicitly")
    interrupts: Annotated[Any, PlainValidator(_interrupts), WithJsonSchema({"refer": _DEF + "interrupts"})] = Field(
        default=(), description="steps that come at any moment in a thread, such as a signal handler or a finalizer"
    )
    stop: Annotated[Any, PlainValidator(_stop), WithJsonSchema({"refer": _DEF + "stop"})] = Field(
        None, description="when the threads are told to stop: a duration, or `{after, event}`"
    )
    log: Annotated[LogOptions, _section("log", LogOptions), WithJsonSchema({"refer": _DEF + "log"})] = Field(
        default_factory=LogOptions, description="what is added to every line that the steps log"
    )
    expect: Annotated[Expect, _section("expect", Expect), WithJsonSchema({"refer": _DEF + "expect"})] = Field(
        default_factory=Expect, description="what must hold"
    )
    limits: Annotated[Limits, _section("limits", Limits), WithJsonSchema({"refer": _DEF + "limits"})] = Field(
        default_factory=Limits, description="when to give up"
    )
    costs: Annotated[
        Any,
        PlainValidator(_costs),
        WithJsonSchema({"type": "object", "additionalProperties": {"type": "string"}}),
    ] = Field(default={}, description="virtual time of a step, by verb, for simulation")
    sweep: Annotated[Sweep, _section("sweep", Sweep), WithJsonSchema({"refer": _DEF + "sweep"})] = Field(
        default_factory=Sweep, description="which values `scenrun sweep` tries; without effect on a single run"
    )
    conform: Annotated[Conform, _section("conform", Conform), WithJsonSchema({"refer": _DEF + "conform"})] = Field(
        default_factory=Conform,
        description="the class that `scenrun conform` compares with this; without effect on a run",
    )

    _unread: frozenset[str] | None = PrivateAttr(default=frozenset())
    """The words of parts that could not be read; None where any name may stand there."""
    _constants_used: frozenset[str] = PrivateAttr(default=frozenset())
    """The constants that numbers of declarations are computed from."""
    _replaced: frozenset[str] = PrivateAttr(default=frozenset())
    """The words of expectations that another file's have replaced, and names of included files: they count as used."""

    @property
    def source(self) -> Source:
        """The text that this scenario was read from."""
        place = self.place
        assert place is not None
        return place.source

    @property
    def time_limit_ns(self) -> int:
        """The wall-clock limit of a real run: 60 s past the stop timing unless the file says otherwise."""
        if self.limits.time:
            return self.limits.time.numbers[0]
        last_start = max((g.start_after.numbers[0] for g in self.threads.values() if g.start_after), default=0)
        return 60_000_000_000 + last_start + (self.stop.after.numbers[0] if self.stop else 0)


__all__ = ["KINDS", "Behaviour", "Expect", "Group", "Parameter", "Primitive", "Scenario", "Timing"]
