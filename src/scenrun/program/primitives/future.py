"""Pools, and what they run: tasks wait in line for a worker, and their futures for an end.

A pool's value: (numbers of the tasks in line, numbers of those that run, whether and how it is shut, workers, what is seen).
What is seen matters where a file waits for several futures at once: as in CPython, a task that is cancelled then stays in
line until a worker comes to it, and the numbers of tasks stand in the order in which they were done. A future's value,
and that of a task which the file declares as a thread: (status, number, result, fault, whether anybody asked for the
result, callbacks). A task that is in line by its status and not by its pool's value has been cancelled: the pool alone says so.
"""

from __future__ import annotations

from typing import Any

from scenrun.program.primitives.json_types import ANY, BOOLEAN, TEXT
from scenrun.program.primitives.kinds import Done, Failed, Kind, Operation, Outcome, Phase, Scene, Then, Values
from scenrun.program.primitives.thread import ITSELF, NEVER_STARTED, NEW, STARTED

QUEUED, RUNNING, ENDED, CANCELLED, NOTIFIED = "queued", "running", "ended", "cancelled", "notified"
STAYS = "cancelled tasks stay in line"
"""What a pool sees where a file waits for several futures, in no order."""
FIRST, EXCEPTION, ALL, NOW = "first_completed", "first_exception", "all_completed", "now"
"""How many futures to wait for, by the names of `concurrent.futures`; now: those that are done, without a wait."""
KNOWS_ITSELF = "__self"
"""The last parameter of a task's code that completes its own future, and the option of the step that puts the future there."""
SHUT = "`{beside}` was shut down and takes no more tasks"
AT_EXIT = "at exit"
"""How a pool is shut that took tasks until main ended (`concurrent.futures.thread._python_exit`)."""
EXITED = "`{beside}` takes no more tasks, as main has ended"
NO_THREAD = "`is_alive()` is asked of a thread"
OWN_POOL = "a task of `{object}` cannot wait for its own pool to shut down"


def is_cancelled(task: Any, pool: Any) -> bool:
    """Whether it was taken out of the line before it ran."""
    return task[0] in (CANCELLED, NOTIFIED) or (task[0] == QUEUED and task[1] not in pool[0])


def is_done(task: Any, pool: Any) -> bool:
    """Whether it has a result, or was cancelled."""
    return task[0] == ENDED or is_cancelled(task, pool)


def is_over(task: Any) -> bool:
    """Whether those who wait for several futures count it: it has ended, or its pool has come to it after it was cancelled."""
    return task[0] in (ENDED, NOTIFIED)


def submit(values: Values, me: int, arguments: tuple[Any, ...], memo: Any) -> Outcome:
    """Join the pool's line; the task's number is the last argument."""
    task, (line, running, is_shut, workers, seen) = values
    if task[0] != NEW:
        return Failed(values, "RuntimeError", STARTED.replace("{noun}", "task"))
    if is_shut:
        return Failed(values, "RuntimeError", EXITED if is_shut == AT_EXIT else SHUT)
    number = arguments[-1]
    return Done(((QUEUED, number, None, None, False, ()), ((*line, number), running, is_shut, workers, seen)))


def begin(values: Values, me: int, arguments: tuple[Any, ...], memo: Any) -> Outcome:
    """Run once a worker is free and every task before it has one; not at all if it was cancelled."""
    task, (line, running, is_shut, workers, seen) = values
    if me not in line:
        return Done(values, False)
    if line[0] != me or len(running) >= workers:
        return None
    if task[0] == CANCELLED:
        pool = (line[1:], running, is_shut, workers, _after(seen, me, CANCELLED))
        return Done(((NOTIFIED, *task[1:]), pool), False)
    pool = (line[1:], tuple(sorted((*running, me))), is_shut, workers, seen)
    return Done(((RUNNING, *task[1:]), pool), True)


def end(values: Values, me: int, arguments: tuple[Any, ...], memo: Any) -> Outcome:
    """Its result is there, unless it was before the callbacks; and its worker is free."""
    (status, number, *before), (line, running, is_shut, workers, seen) = values
    left = tuple(one for one in running if one != me)
    if status != ENDED:
        before = [*arguments, before[2], ()]
    return Done(((ENDED, number, *before), (line, left, is_shut, workers, _after(seen, number, status))))


def finish(values: Values, me: int, arguments: tuple[Any, ...], memo: Any) -> Outcome:
    """Its result is there, and the callbacks are what its worker does next."""
    (_, number, _, _, asked, callbacks), (*pool, seen) = values
    task = ENDED, number, arguments[1], arguments[2], asked, ()
    return Done((task, (*pool, _after(seen, number, RUNNING))), callbacks)


def _after(seen: Any, number: int, status: str) -> Any:
    """What a pool sees after a task is done, which was of this status before."""
    return (*seen, number) if isinstance(seen, tuple) and status != ENDED else seen


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
    _, number, given, fault, _, _ = task
    after = ((ENDED, number, given, fault, True, ()), pool)
    return Done(after, given) if fault is None else Failed(after, fault.type, fault.text)


def no_result_in_time(values: Values, me: int, arguments: tuple[Any, ...], memo: Any) -> Outcome:
    """The time is up."""
    return Failed(values, "TimeoutError")


def cancel(values: Values, me: int, arguments: tuple[Any, ...], memo: Any) -> Outcome:
    """Take it out of the line, if it still is there; whether it will never run."""
    task, (line, *rest) = values
    if task[0] != QUEUED:
        return Done(values, task[0] in (CANCELLED, NOTIFIED))
    if rest[-1] is not None and task[1] in line:
        return Done(((CANCELLED, *task[1:]), values[1]), True)
    return Done((task, (tuple(number for number in line if number != task[1]), *rest)), True)


def withdraw(values: Values, me: int, arguments: tuple[Any, ...], memo: Any) -> Outcome:
    """Cancel it: whether it will never run, and the callbacks for whoever has done so."""
    task, pool = values
    cancelled = cancel(values, me, arguments, memo)
    assert isinstance(cancelled, Done)
    if not cancelled.result or is_cancelled(task, pool):
        return Done(cancelled.values, (cancelled.result, ()))
    after, pool = cancelled.values
    return Done(((*after[:5], ()), pool), (True, task[5]))


def add_callback(values: Values, me: int, arguments: tuple[Any, ...], memo: Any) -> Outcome:
    """Note what is to run when it is done; whether it is done already, so that it is to run at once."""
    task, pool = values
    if is_done(task, pool):
        return Done(values, True)
    return Done(((*task[:5], (*task[5], tuple(arguments[1]))), pool), False)


def wait_for_several(values: Values, me: int, arguments: tuple[Any, ...], memo: Any) -> Outcome:
    """Go on once enough of the futures are done; those that are, in their order. The cells are pairs of a task and its pool."""
    futures, when, _ = arguments
    tasks = values[::2]
    done = [is_over(task) for task in tasks]
    if when == FIRST:
        is_enough = any(done)
    elif when == EXCEPTION:
        is_enough = all(done) or any(task[0] == ENDED and task[3] is not None for task in tasks)
    else:
        is_enough = when == NOW or all(done)
    return Done(values, _those(futures, done)) if is_enough else None


def not_all_in_time(values: Values, me: int, arguments: tuple[Any, ...], memo: Any) -> Outcome:
    """The time is up: those that are done."""
    return wait_for_several(values, me, (arguments[0], NOW, None), memo)


def _those(futures: Any, chosen: Any) -> list[Any]:
    """The chosen ones, each once."""
    found: list[Any] = []
    for future, is_chosen in zip(futures, chosen, strict=True):
        if is_chosen and future not in found:
            found.append(future)
    return found


def next_done(values: Values, me: int, arguments: tuple[Any, ...], memo: Any) -> Outcome:
    """Go on once some of the futures are done; those that are, in the order in which they were."""
    futures, tasks, pools = arguments[0], values[::2], values[1::2]
    at = {
        pool[4].index(task[1]): n for n, (task, pool) in enumerate(zip(tasks, pools, strict=True)) if task[1] in pool[4]
    }
    return Done(values, [futures[at[place]] for place in sorted(at)]) if at else None


def none_in_time(values: Values, me: int, arguments: tuple[Any, ...], memo: Any) -> Outcome:
    """The time is up."""
    futures, _, total = arguments
    return Failed(values, "TimeoutError", f"{len(futures)} (of {total}) futures unfinished")


def close(values: Values, me: int, arguments: tuple[Any, ...], memo: Any) -> Outcome:
    """Take no more tasks; forget those in line, if told to."""
    ((line, running, _, workers, seen),) = values
    wait, cancel_futures = arguments
    after = ((() if cancel_futures else line, running, True, workers, seen),)
    if not wait:
        return Done(after)
    return Failed(after, "RuntimeError", OWN_POOL) if me in running else Then(after)


def shut_at_exit(pool: Any) -> Any:
    """A pool's value once main has ended: as in CPython, it runs what it has and takes no more."""
    line, running, is_shut, workers, seen = pool
    return line, running, is_shut or AT_EXIT, workers, seen


def drained(values: Values, me: int, arguments: tuple[Any, ...], memo: Any) -> Outcome:
    """Go on once no task is left."""
    ((line, running, *_),) = values
    return None if line or running else Done(values)


def in_words(value: Any, scene: Scene) -> str:
    """The busy workers of a pool, and the tasks that wait."""
    line, running, is_shut, workers, _ = value
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
    initial=lambda options: ((), (), False, options["max_workers"], options.get("seen")),
    in_words=in_words,
)
FUTURE = Kind(
    "future",
    (
        Operation(
            "result",
            ("future", "timeout"),
            freed_by=("end", "finish", "cancel", "withdraw"),
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
        Operation(
            "withdraw",
            ("future",),
            about="future.cancelling",
            done="future.cancel_asked",
            phases=(Phase(withdraw),),
            adds={"value": BOOLEAN},
            tells_first=True,
            cost="cancel",
        ),
        Operation(
            "add_callback",
            ("future", "callback"),
            done="future.callback_added",
            phases=(Phase(add_callback),),
            adds={"value": BOOLEAN},
            cost="on_done",
        ),
        Operation(
            "wait",
            ("futures", "when", "timeout"),
            freed_by=("end", "finish", "begin"),
            writes=False,
            about="future.awaiting",
            done="future.answered",
            phases=(Phase(wait_for_several, not_all_in_time, waits_at=(), together=True),),
            adds={"value": ANY},
            awaits="",
            waiting="waits for {object}",
            in_vain="waits for {object}, of which not enough will ever be done",
        ),
        Operation(
            "next",
            ("futures", "timeout", "total"),
            freed_by=("end", "finish", "begin"),
            writes=False,
            about="future.awaiting",
            done="future.answered",
            phases=(Phase(next_done, none_in_time, waits_at=(), together=True),),
            adds={"value": ANY},
            awaits="",
            waiting="waits for one of {object}",
            in_vain="waits for one of {object}, of which none will ever be done",
            cost="wait",
        ),
        Operation("finish", ("future", "result", "fault"), phases=(Phase(finish),), cost="end"),
    ),
    questions=("done", "running", "cancelled"),
    initial=lambda options: (NEW, None, None, None, False, ()),
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
    initial=lambda options: (NEW, None, None, None, False, ()),
    answers={"is_alive": lambda task, pool: task[0] != NEW and not is_done(task, pool)},
    beside="pool",
    begin=_BEGIN,
    end=end,
)
