"""The verbs: every step that a scenario can write, with its short and its long form."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, PlainValidator, ValidationInfo, WithJsonSchema, model_validator
from pydantic_core import PydanticCustomError

from scenrun.language.fields import (
    Args,
    Expr,
    Model,
    Name,
    Ref,
    Steps,
    Timing,
    check_name,
    each,
    parse_expression,
    parse_reference,
    parse_text,
    reader_of,
    refuse,
    shown,
)
from scenrun.language.placed import Text
from scenrun.language.templates import Template
from scenrun.language.variables import Target, parse_target

VERBS: dict[str, type[Step]] = {}
"""Every verb and the model of its step, in the order of the reference."""


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
            VERBS[cls.verb] = cls


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


def _except(value: Any, info: ValidationInfo) -> Any:
    if not isinstance(value, dict) or not value:
        raise refuse("`except` takes a mapping of exceptions to steps: `except: {queue.Empty: [..]}`")
    return dict(each(value, reader_of(info).steps, info))


def _fields(value: Any, info: ValidationInfo) -> Any:
    if not isinstance(value, dict):
        raise refuse(f"`fields` takes a mapping of names to expressions, not {shown(value)}")
    return dict(each(value, parse_expression, info))


def _alternatives(value: Any, info: ValidationInfo) -> Any:
    if not isinstance(value, list) or not value:
        raise refuse("`from` takes a list of alternatives: `choose: {from: [1, 2], into: x}`")
    return tuple(expression for _, expression in each(value, parse_expression, info))


Variable = Annotated[Any, PlainValidator(parse_target), WithJsonSchema({"type": "string"})]
OptionalRef = Annotated[
    Any, PlainValidator(lambda v: None if v is None else parse_reference(v)), WithJsonSchema({"type": "string"})
]
Into = Annotated[
    str | None,
    PlainValidator(lambda v: None if v is None else check_name(v)),
    WithJsonSchema({"type": "string", "description": "the variable that takes the result"}),
]
OptionalTiming = Timing | None


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


class Acquire(Step):
    """Take a lock, rlock, semaphore or condition, waiting until it can be had."""

    verb = "acquire"
    short = "lock"
    lock: Ref = Field(description="a lock, rlock, semaphore, bounded_semaphore or condition")
    timeout: OptionalTiming = Field(None, description="wait at most so long")
    blocking: bool = Field(True, description="false: do not wait at all")
    into: Into = Field(None, description="takes true if it was acquired, false if not")


class Release(Step):
    """Give a lock, rlock, semaphore or condition back."""

    verb = "release"
    short = "lock"
    lock: Ref = Field(description="a lock, rlock, semaphore, bounded_semaphore or condition")
    n: Expr | None = Field(None, description="how many times, for a semaphore")


class With(Step):
    """Run steps while holding a lock, rlock, semaphore or condition; it is given back however they end."""

    verb = "with"
    short = "object"
    beside = ("do",)
    object: OptionalRef = Field(description="what to hold; leaving a pool shuts it down and waits for its tasks")
    do: Steps = Field(description="the steps inside")


class Wait(Step):
    """Wait for an event, at a barrier, or on a condition."""

    verb = "wait"
    short = "object"
    object: OptionalRef = Field(None, description="an event, condition or barrier", exclude=True)
    event: OptionalRef = Field(None, description="the event to wait for")
    condition: OptionalRef = Field(None, description="the condition to wait on; its lock must be held")
    barrier: OptionalRef = Field(None, description="the barrier to wait at")
    timeout: OptionalTiming = Field(None, description="wait at most so long")
    into: Into = Field(None, description="takes false on a timeout (event, condition), or the place at the barrier")

    @model_validator(mode="after")
    def _one(self) -> Wait:
        given = [k for k in ("object", "event", "condition", "barrier") if getattr(self, k) is not None]
        if len(given) != 1:
            raise refuse("`wait` takes one of `event`, `condition` and `barrier`")
        return self


class WaitFor(Step):
    """Wait on a condition until an expression holds; the expression is asked again after each wake-up."""

    verb = "wait_for"
    condition: Ref = Field(description="the condition; its lock must be held")
    until: Expr = Field(description="what to wait for")
    timeout: OptionalTiming = Field(None, description="wait at most so long altogether")
    into: Into = Field(None, description="takes the last value of `until`")


class Notify(Step):
    """Wake threads that wait on a condition; its lock must be held."""

    verb = "notify"
    short = "condition"
    condition: Ref = Field(description="the condition")
    n: Expr | None = Field(None, description="how many waiters to wake; 1 unless given")


class NotifyAll(Step):
    """Wake every thread that waits on a condition; its lock must be held."""

    verb = "notify_all"
    short = "condition"
    condition: Ref = Field(description="the condition")


class SetEvent(Step):
    """Set an event; everyone who waits for it goes on."""

    verb = "set_event"
    short = "event"
    event: Ref = Field(description="the event")


class ClearEvent(Step):
    """Clear an event; who waits for it from now on waits until it is set again."""

    verb = "clear_event"
    short = "event"
    event: Ref = Field(description="the event")


class Abort(Step):
    """Break a barrier: who waits at it, or comes to it, gets BrokenBarrierError."""

    verb = "abort"
    short = "barrier"
    barrier: Ref = Field(description="the barrier")


class Reset(Step):
    """Make a barrier empty and whole again; who waits at it gets BrokenBarrierError."""

    verb = "reset"
    short = "barrier"
    barrier: Ref = Field(description="the barrier")


class Put(Step):
    """Put an item into a queue, waiting while it is full."""

    verb = "put"
    queue: Ref = Field(description="the queue")
    item: Expr = Field(description="what to put; text is quoted twice: \"'hello'\"")
    timeout: OptionalTiming = Field(None, description="wait at most so long, then raise queue.Full")
    block: bool = Field(True, description="false: raise queue.Full at once where the queue is full")


class Get(Step):
    """Take an item out of a queue, waiting while it is empty."""

    verb = "get"
    short = "queue"
    queue: Ref = Field(description="the queue")
    into: Into = Field(None, description="the variable that takes the item")
    timeout: OptionalTiming = Field(None, description="wait at most so long, then raise queue.Empty")
    block: bool = Field(True, description="false: raise queue.Empty at once where the queue is empty")


class TaskDone(Step):
    """Tell a queue that an item taken from it has been dealt with."""

    verb = "task_done"
    short = "queue"
    queue: Ref = Field(description="the queue")


class JoinQueue(Step):
    """Wait until every item put into a queue has been dealt with (`task_done`)."""

    verb = "join_queue"
    short = "queue"
    queue: Ref = Field(description="the queue")


class Start(Step):
    """Start a thread, every thread of a group, or a timer."""

    verb = "start"
    short = "thread"
    thread: Ref = Field(description="a thread, a group or a timer")


class Join(Step):
    """Wait until a thread, every thread of a group, or a timer has ended."""

    verb = "join"
    short = "thread"
    thread: Ref = Field(description="a thread, a group, a timer, or a local that holds a spawned thread")
    timeout: OptionalTiming = Field(None, description="wait at most so long; ask `is_alive()` afterwards")


class Cancel(Step):
    """Cancel a timer that has not fired, or a future whose task has not begun."""

    verb = "cancel"
    short = "object"
    object: OptionalRef = Field(None, description="a timer, or a local that holds a future", exclude=True)
    timer: OptionalRef = Field(None, description="the timer")
    future: OptionalRef = Field(None, description="the future")
    into: Into = Field(None, description="takes whether a future was cancelled")

    @model_validator(mode="after")
    def _one(self) -> Cancel:
        if sum(o is not None for o in (self.object, self.timer, self.future)) != 1:
            raise refuse("`cancel` takes one of `timer` and `future`")
        return self


class Spawn(Step):
    """Make and start a thread while running."""

    verb = "spawn"
    target: str = Field(description="the behaviour that it runs")
    args: Args = Field(default={}, description="the behaviour's parameters by name")
    daemon: bool = Field(False, description="true: it is cut off when everyone else has ended")
    into: Into = Field(None, description="the variable that takes the thread, for `join` and `is_alive()`")


class Submit(Step):
    """Hand a behaviour to a pool as a task."""

    verb = "submit"
    pool: Ref = Field(description="the pool")
    target: str = Field(description="the behaviour that the task runs")
    args: Args = Field(default={}, description="the behaviour's parameters by name")
    into: Into = Field(None, description="the variable that takes the future, for `result` and `cancel`")


class Map(Step):
    """Hand a behaviour to a pool once for each item; with `into`, wait for the results in order."""

    verb = "map"
    pool: Ref = Field(description="the pool")
    target: str = Field(description="the behaviour that each task runs")
    over: Expr = Field(description="the items")
    as_: Name = Field(alias="as", description="the parameter that takes the item")
    args: Args = Field(default={}, description="further parameters by name")
    into: Into = Field(None, description="the variable that takes the list of results")


class Result(Step):
    """Wait for a future's result; an exception of its task is raised here."""

    verb = "result"
    short = "future"
    future: Expr = Field(description="an expression that gives a future")
    into: Into = Field(None, description="the variable that takes the result")
    timeout: OptionalTiming = Field(None, description="wait at most so long, then raise TimeoutError")


class Shutdown(Step):
    """Close a pool to new tasks.

    A task that shuts its own pool down and waits for it gets a RuntimeError at once. CPython joins the workers one after
    another, in no order that is promised, and raises when it comes to the one that the task is on.
    """

    verb = "shutdown"
    short = "pool"
    pool: Ref = Field(description="the pool")
    wait: bool = Field(True, description="wait until its tasks have ended")
    cancel_futures: bool = Field(False, description="cancel the tasks that have not begun")


class If(Step):
    """Run steps where an expression holds, others where it does not."""

    verb = "if"
    short = "condition"
    beside = ("then", "else")
    in_atomic = True
    condition: Expr = Field(description="the expression")
    then: Steps = Field(description="the steps where it holds")
    else_: Steps = Field(default=(), alias="else", description="the steps where it does not")


class While(Step):
    """Run steps again and again while an expression holds."""

    verb = "while"
    short = "condition"
    beside = ("do",)
    in_atomic = True
    condition: Expr = Field(description="the expression")
    do: Steps = Field(description="the steps")


class Repeat(Step):
    """Run steps a number of times, counted once at the beginning."""

    verb = "repeat"
    short = "times"
    beside = ("do",)
    in_atomic = True
    times: Expr = Field(description="how often; a negative number is none")
    do: Steps = Field(description="the steps")


class For(Step):
    """Run steps once for each item."""

    verb = "for"
    short = "variable"
    beside = ("in", "do")
    in_atomic = True
    variable: Name = Field(description="the variable that takes the item")
    in_: Expr = Field(alias="in", description="the items: a list, a range, a text, or a mapping's keys")
    do: Steps = Field(description="the steps")


class Break(Step):
    """Leave the innermost loop."""

    verb = "break"
    alone = True
    in_atomic = True


class Continue(Step):
    """Go on with the next turn of the innermost loop."""

    verb = "continue"
    alone = True
    in_atomic = True


class Return(Step):
    """End this behaviour; the value is the result of a `run`, or of a future."""

    verb = "return"
    short = "value"
    alone = True
    whole = True
    in_atomic = True
    value: Expr | None = Field(None, description="the result")


class Run(Step):
    """Run a behaviour in line, in this thread."""

    verb = "run"
    short = "target"
    in_atomic = True
    target: str = Field(description="the behaviour")
    args: Args = Field(default={}, description="its parameters by name")
    into: Into = Field(None, description="the variable that takes what it returns")


class Raise(Step):
    """Raise an exception: its name, and after a colon its text."""

    verb = "raise"
    short = "exception"
    in_atomic = True
    exception: Annotated[Template, PlainValidator(parse_text("raise")), WithJsonSchema({"type": "string"})] = Field(
        description="`ValueError: the text`"
    )


class Try(Step):
    """Run steps and catch their exceptions, as Python's `try`; inside `except`, `error` is the exception's text."""

    verb = "try"
    short = "body"
    whole = True
    beside = ("except", "else", "finally")
    in_atomic = True
    body: Steps = Field(description="the steps")
    except_: Annotated[
        dict[str, Any],
        PlainValidator(_except),
        WithJsonSchema(
            {"type": "object", "additionalProperties": {"type": "array", "items": {"refer": "#/$defs/step"}}}
        ),
    ] = Field(default={}, alias="except", description="exceptions by name, and what to do about each")
    else_: Steps = Field(default=(), alias="else", description="the steps where there was no exception")
    finally_: Steps = Field(default=(), alias="finally", description="the steps that are run in any case")

    @model_validator(mode="after")
    def _caught(self) -> Try:
        if not self.except_ and not self.finally_:
            raise refuse("`try` without `except` or `finally` has no effect")
        if self.else_ and not self.except_:
            raise refuse("`else` of a `try` needs `except`")
        return self


class Assert(Step):
    """Raise AssertionError where an expression does not hold; if that leaves the thread the verdict is `violated`."""

    verb = "assert"
    short = "that"
    in_atomic = True
    that: Expr = Field(description="the expression")
    message: Annotated[Template | None, PlainValidator(parse_text("message")), WithJsonSchema({"type": "string"})] = (
        Field(None, description="the text of the AssertionError")
    )


class Choose(Step):
    """Take one of several alternatives: a run draws one, a search takes each."""

    verb = "choose"
    from_: Annotated[Any, PlainValidator(_alternatives), WithJsonSchema({"type": "array", "minItems": 1})] = Field(
        alias="from", description="the alternatives, each an expression"
    )
    into: Into = Field(description="the variable that takes it")


class Atomic(Step):
    """Run steps on variables as one step that nobody can see half done."""

    verb = "atomic"
    short = "body"
    whole = True
    body: Steps = Field(description="steps that neither block, sleep, call, choose nor touch a primitive")


class Section(Step):
    """Name a region; `inside('name')` is the number of threads in it."""

    verb = "section"
    short = "section"
    beside = ("do",)
    section: Name = Field(description="the region's name")
    do: Steps = Field(description="the steps inside")


class Call(Step):
    """Call a Python function of yours; only with `--allow-python`."""

    verb = "call"
    short = "function"
    function: str = Field(description="`package.module:function`, or `object.method` of one of `objects`")
    args: Args = Field(default={}, description="its arguments by name; each is an expression")
    into: Into = Field(None, description="the variable that takes what it returns")
