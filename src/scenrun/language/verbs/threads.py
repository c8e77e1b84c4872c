"""The verbs that start threads, timers and tasks, wait for them, and end them."""

from typing import Annotated, Self

from pydantic import Field, PlainValidator, WithJsonSchema, model_validator

from scenrun.language.fields import (
    Args,
    Expr,
    Name,
    OptionalExpr,
    Ref,
    parse_text,
    refuse,
)
from scenrun.language.templates import Template
from scenrun.language.verbs.step import Into, OptionalRef, OptionalTiming, References, Step


class Start(Step):
    """Start a thread, every thread of a group, or a timer."""

    verb = "start"
    short = "thread"
    thread: References = Field(description="a thread, a group or a timer; or several, `[a, b]`, one after another")


class Join(Step):
    """Wait until a thread, every thread of a group, or a timer has ended."""

    verb = "join"
    short = "thread"
    thread: References = Field(
        description="a thread, a group, a timer, or a local that holds a spawned thread; or several, one after another"
    )
    timeout: OptionalTiming = Field(None, description="wait at most so long, for each; ask `is_alive()` afterwards")


class Cancel(Step):
    """Cancel a timer that has not fired, or a future whose task has not begun.

    Of a parameter, or a copy, that holds a thread spawned with `after`, say that it is one: `cancel: {timer: t}`.
    """

    verb = "cancel"
    short = "object"
    object: OptionalRef = Field(
        None, description="a timer, or a local that holds a future or a thread spawned with `after`", exclude=True
    )
    timer: OptionalRef = Field(None, description="the timer, or the local that holds one")
    future: OptionalRef = Field(None, description="the future")
    into: Into = Field(None, description="takes whether a future was cancelled")

    @model_validator(mode="after")
    def _one(self) -> Self:
        if sum(o is not None for o in (self.object, self.timer, self.future)) != 1:
            raise refuse("`cancel` takes one of `timer` and `future`")
        return self


class Spawn(Step):
    """Make and start a thread while running."""

    verb = "spawn"
    target: str = Field(description="the behaviour that it runs")
    args: Args = Field(default={}, description="the behaviour's parameters by name")
    daemon: bool = Field(False, description="true: it is cut off when everyone else has ended")
    after: OptionalTiming = Field(
        None, description="as a timer: it begins so long after this step, unless it is cancelled"
    )
    into: Into = Field(None, description="the variable that takes the thread, for `join`, `cancel` and `is_alive()`")


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


class SetResult(Step):
    """Complete a future that the file declares, with a result; its callbacks are run here, before the next step.

    A future that is done already raises concurrent.futures.InvalidStateError.
    """

    verb = "set_result"
    short = "future"
    future: Ref = Field(description="the future, one of `sync`")
    value: OptionalExpr = Field(None, description="the result; None unless given")


class SetException(Step):
    """Complete a future that the file declares, with an exception, which whoever asks for the result gets."""

    verb = "set_exception"
    future: Ref = Field(description="the future, one of `sync`")
    exception: Annotated[Template, PlainValidator(parse_text("set_exception")), WithJsonSchema({"type": "string"})] = (
        Field(description="`ValueError: the text`")
    )


class OnDone(Step):
    """Add a callback: a behaviour that is run once a future is done, by the thread that completes or cancels it.

    Where it is done already, it is run here, before the next step. Its exceptions are logged and go no further. A task
    is busy until the callbacks of its future have been run.
    """

    verb = "on_done"
    future: Expr = Field(description="a future of `sync`, or an expression that gives the future of a task")
    target: str = Field(description="the behaviour that is run")
    args: Args = Field(default={}, description="the behaviour's parameters by name")


class Shutdown(Step):
    """Close a pool to new tasks, or a queue to new items.

    Whoever puts into a queue that was shut down gets queue.ShutDown, and whoever gets once there is no item left; on real
    threads from Python 3.13 on.

    A task that shuts its own pool down and waits for it gets a RuntimeError at once. CPython joins the workers one after
    another, in no order that is promised, and raises when it comes to the one that the task is on.
    """

    verb = "shutdown"
    short = "object"
    object: OptionalRef = Field(None, description="a pool or a queue", exclude=True)
    pool: OptionalRef = Field(None, description="the pool")
    queue: OptionalRef = Field(None, description="the queue")
    wait: bool = Field(True, description="of a pool: wait until its tasks have ended")
    cancel_futures: bool = Field(False, description="of a pool: cancel the tasks that have not begun")
    immediate: bool = Field(False, description="of a queue: drop its items, too; each counts as dealt with")

    @model_validator(mode="after")
    def _one(self) -> Self:
        if sum(o is not None for o in (self.object, self.pool, self.queue)) != 1:
            raise refuse("`shutdown` takes one of `pool` and `queue`")
        return self
