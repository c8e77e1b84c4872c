"""The verbs of primitives: locks, semaphores, events, conditions, barriers and queues."""

from typing import Literal, Self

from pydantic import Field, model_validator

from scenrun.language.fields import (
    Expr,
    OptionalExpr,
    Ref,
    Steps,
    refuse,
)
from scenrun.language.verbs.step import Into, OptionalRef, OptionalReferences, OptionalTiming, Step


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
    object: OptionalReferences = Field(
        description="what to hold, or several, `[a, b]`, given back in the other order; "
        "leaving a pool shuts it down and waits for its tasks"
    )
    do: Steps = Field(description="the steps inside")


class Wait(Step):
    """Wait for an event, at a barrier, on a condition, or for several futures of tasks, as `concurrent.futures.wait`.

    A task that is cancelled counts as done once its pool comes to it, as in CPython; one that a pool dropped when it was shut
    down with `cancel_futures` never does.
    """

    verb = "wait"
    short = "object"
    object: OptionalRef = Field(None, description="an event, condition or barrier", exclude=True)
    event: OptionalRef = Field(None, description="the event to wait for")
    condition: OptionalRef = Field(None, description="the condition to wait on; its lock must be held")
    barrier: OptionalRef = Field(None, description="the barrier to wait at")
    futures: OptionalExpr = Field(None, description="a list of futures, as `submit` gives them")
    return_when: Literal["all_completed", "first_completed", "first_exception"] = Field(
        "all_completed", description="which of the futures to wait for"
    )
    timeout: OptionalTiming = Field(None, description="wait at most so long")
    into: Into = Field(
        None,
        description="takes false on a timeout (event, condition), the place at the barrier, or the futures that are done",
    )

    @model_validator(mode="after")
    def _one(self) -> Self:
        given = [k for k in ("object", "event", "condition", "barrier", "futures") if getattr(self, k) is not None]
        if len(given) != 1:
            raise refuse("`wait` takes one of `event`, `condition`, `barrier` and `futures`")
        if self.futures is None and self.is_given("return_when"):
            raise refuse("`return_when` is for `futures`; remove it")
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
