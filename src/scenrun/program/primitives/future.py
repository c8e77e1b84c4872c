"""Pools, and what they run: tasks wait in line for a worker, and their futures for an end.

A pool's value: (numbers of the tasks in line, numbers of those that run, whether and how it is shut, workers). A future's,
and that of a task which the file declares as a thread: (status, number, result, fault, whether anybody asked for the
result). A task that is in line by its status and not by its pool's value has been cancelled: the pool alone says so.
"""

from __future__ import annotations

from typing import Any

from scenrun.program.primitives.json_types import ANY, BOOLEAN, TEXT
from scenrun.program.primitives.kinds import Done, Failed, Kind, Operation, Outcome, Phase, Scene, Then, Values
from scenrun.program.primitives.thread import ITSELF, NEVER_STARTED, NEW, STARTED

QUEUED, RUNNING, ENDED = "queued", "running", "ended"
SHUT = "`{beside}` was shut down and takes no more tasks"
AT_EXIT = "at exit"
"""How a pool is shut that took tasks until main ended (`concurrent.futures.thread._python_exit`)."""
EXITED = "`{beside}` takes no more tasks, as main has ended"
NO_THREAD = "`is_alive()` is asked of a thread"
OWN_POOL = "a task of `{object}` cannot wait for its own pool to shut down"


def is_cancelled(task: Any, pool: Any) -> bool:
    """Whether it was taken out of the line before it ran."""
    return task[0] == QUEUED and task[1] not in pool[0]


def is_done(task: Any, pool: Any) -> bool:
    """Whether it has a result, or was cancelled."""
    return task[0] == ENDED or is_cancelled(task, pool)


def submit(values: Values, me: int, arguments: tuple[Any, ...], memo: Any) -> Outcome:
    """Join the pool's line; the task's number is the last argument."""
    task, (line, running, is_shut, workers) = values
    if task[0] != NEW:
        return Failed(values, "RuntimeError", STARTED.replace("{noun}", "task"))
    if is_shut:
        return Failed(values, "RuntimeError", EXITED if is_shut == AT_EXIT else SHUT)
    number = arguments[-1]
    return Done(((QUEUED, number, None, None, False), ((*line, number), running, is_shut, workers)))


def begin(values: Values, me: int, arguments: tuple[Any, ...], memo: Any) -> Outcome:
    """Run once a worker is free and every task before it has one; not at all if it was cancelled."""
    task, (line, running, is_shut, workers) = values
    if is_cancelled(task, values[1]):
        return Done(values, False)
    if line[0] != me or len(running) >= workers:
        return None
    pool = (line[1:], tuple(sorted((*running, me))), is_shut, workers)
    return Done(((RUNNING, *task[1:]), pool), True)


def end(values: Values, me: int, arguments: tuple[Any, ...], memo: Any) -> Outcome:
    """Its result is there, and its worker is free."""
    (_, number, _, _, asked), (line, running, is_shut, workers) = values
    result, fault = arguments
    left = tuple(one for one in running if one != me)
    return Done(((ENDED, number, result, fault, asked), (line, left, is_shut, workers)))


def join(values: Values, me: int, arguments: tuple[Any, ...], memo: Any) -> Outcome:
    """Go on once it has ended or was cancelled."""
    task, pool = values
    if task[1] == me:
        return Failed(values, "RuntimeError", ITSELF)
    if task[0] == NEW:
        return Failed(values, "RuntimeError", NEVER_STARTED)
    return Done(values) if is_done(task, pool) else None


def give_up_joining(values: Values, me: int, arguments: tuple[Any, ...], memo: Any) -> Outcome:
    """The time is up; as in Python, nothing tells."""
    return Done(values)


def result(values: Values, me: int, arguments: tuple[Any, ...], memo: Any) -> Outcome:
    """What it gave, or the fault that left it, once it has ended; CancelledError if it was cancelled."""
    task, pool = values
    if is_cancelled(task, pool):
        return Failed(values, "concurrent.futures.CancelledError")
    if task[0] != ENDED:
        return None
    _, number, given, fault, _ = task
    after = ((ENDED, number, given, fault, True), pool)
    return Done(after, given) if fault is None else Failed(after, fault.type, fault.text)


def no_result_in_time(values: Values, me: int, arguments: tuple[Any, ...], memo: Any) -> Outcome:
    """The time is up."""
    return Failed(values, "TimeoutError")


def cancel(values: Values, me: int, arguments: tuple[Any, ...], memo: Any) -> Outcome:
    """Take it out of the line, if it still is there; whether it will never run."""
    task, (line, *rest) = values
    if task[0] != QUEUED:
        return Done(values, False)
    return Done((task, (tuple(number for number in line if number != task[1]), *rest)), True)


def close(values: Values, me: int, arguments: tuple[Any, ...], memo: Any) -> Outcome:
    """Take no more tasks; forget those in line, if told to."""
    ((line, running, _, workers),) = values
    wait, cancel_futures = arguments
    after = ((() if cancel_futures else line, running, True, workers),)
    if not wait:
        return Done(after)
    return Failed(after, "RuntimeError", OWN_POOL) if me in running else Then(after)


def shut_at_exit(pool: Any) -> Any:
    """A pool's value once main has ended: as in CPython, it runs what it has and takes no more."""
    line, running, is_shut, workers = pool
    return line, running, is_shut or AT_EXIT, workers


def drained(values: Values, me: int, arguments: tuple[Any, ...], memo: Any) -> Outcome:
    """Go on once no task is left."""
    ((line, running, _, _),) = values
    return None if line or running else Done(values)


def in_words(value: Any, scene: Scene) -> str:
    """The busy workers of a pool, and the tasks that wait."""
    line, running, is_shut, workers = value
    text = f"{len(running)} of {workers} workers busy"
    if line:
        text += f", {scene.names(line)} waiting"
    return text + (", shut down" if is_shut else "")


_BOTH = (0, 1)
_BEGIN = Operation("begin", phases=(Phase(begin, waits_at=_BOTH),))
POOL = Kind(
    "pool",
    (
        Operation(
            "submit",
            ("arguments",),
            about="pool.submitting",
            done="pool.submitted",
            phases=(Phase(submit),),
            makes="future",
            adds={"value": TEXT},
        ),
        Operation(
            "shutdown",
            ("wait", "cancel_futures"),
            freed_by=("end",),
            about="pool.shutting_down",
            done="pool.shut_down",
            phases=(Phase(close, name="shuts it down"), Phase(drained, together=True, name="sees it empty")),
            awaits="the end of",
            waiting="waits for the tasks of {object}",
        ),
    ),
    initial=lambda options: ((), (), False, options["max_workers"]),
    in_words=in_words,
)
FUTURE = Kind(
    "future",
    (
        Operation(
            "result",
            ("future", "timeout"),
            freed_by=("end", "cancel"),
            writes=False,
            about="future.awaiting",
            done="future.answered",
            phases=(Phase(result, no_result_in_time, waits_at=_BOTH, together=True),),
            adds={"value": ANY},
            awaits="a result of",
            waiting="waits for the result of {object}",
        ),
        Operation(
            "cancel",
            ("future",),
            about="future.cancelling",
            done="future.cancel_asked",
            phases=(Phase(cancel),),
            adds={"value": BOOLEAN},
        ),
    ),
    questions=("done", "running", "cancelled"),
    initial=lambda options: (NEW, None, None, None, False),
    answers={
        "done": is_done,
        "running": lambda task, pool: task[0] == RUNNING,
        "cancelled": is_cancelled,
        "is_alive": lambda task, pool: task[0] != NEW and not is_done(task, pool),
    },
    beside="pool",
    mistaken="a future is expected, as `submit` gives it",
    begin=_BEGIN,
    end=end,
)
TASK = Kind(
    "task",
    (
        Operation("start", about="thread.starting", phases=(Phase(submit),)),
        Operation(
            "join",
            ("timeout",),
            freed_by=("end",),
            writes=False,
            about="thread.joining",
            done="thread.joined",
            phases=(Phase(join, give_up_joining, waits_at=_BOTH, together=True),),
            awaits="the end of",
            waiting="waits for {object} to end",
        ),
    ),
    questions=("is_alive",),
    noun="thread",
    initial=lambda options: (NEW, None, None, None, False),
    answers={"is_alive": lambda task, pool: task[0] != NEW and not is_done(task, pool)},
    beside="pool",
    begin=_BEGIN,
    end=end,
)
