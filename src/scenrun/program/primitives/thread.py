"""Threads, and timers that run one later: started once, joined, asked whether they live. A thread's value: (status, number).

A timer's value has a third part: whether it was cancelled, which keeps it from running if it has not fired.
"""

from __future__ import annotations

from typing import Any

from scenrun.program.primitives.kinds import Done, Failed, Kind, Operation, Outcome, Phase, Values

NEW, ALIVE, ENDED = "new", "alive", "ended"
STARTED = "`{object}` was started already; a {noun} starts once"
NEVER_STARTED = "join of `{object}`, which was never started"
NO_TIMER = "only a thread that `spawn` made with `after` can be cancelled"
ITSELF = "a thread cannot join itself"


def start(values: Values, me: int, arguments: tuple[Any, ...], memo: Any) -> Outcome:
    """Start it; the new thread's number is the last argument."""
    ((status, _),) = values
    if status != NEW:
        return Failed(values, "RuntimeError", STARTED.replace("{noun}", "thread"))
    return Done(((ALIVE, arguments[-1]),))


def join(values: Values, me: int, arguments: tuple[Any, ...], memo: Any) -> Outcome:
    """Go on once it has ended."""
    status, number, *_ = values[0]
    if number == me:
        return Failed(values, "RuntimeError", ITSELF)
    if status == NEW:
        return Failed(values, "RuntimeError", NEVER_STARTED)
    return Done(values) if status == ENDED else None


def give_up(values: Values, me: int, arguments: tuple[Any, ...], memo: Any) -> Outcome:
    """The time is up; as in Python, nothing tells."""
    return Done(values)


def end(values: Values, me: int, arguments: tuple[Any, ...], memo: Any) -> Outcome:
    """It has taken its last step."""
    _, *rest = values[0]
    return Done(((ENDED, *rest),))


def is_alive(value: Any) -> bool:
    """Whether it was started and has not ended."""
    return bool(value[0] == ALIVE)


def arm(values: Values, me: int, arguments: tuple[Any, ...], memo: Any) -> Outcome:
    """Let a timer's time begin."""
    ((status, _, cancelled),) = values
    if status != NEW:
        return Failed(values, "RuntimeError", STARTED.replace("{noun}", "timer"))
    return Done(((ALIVE, arguments[-1], cancelled),))


def end_early(values: Values, me: int, arguments: tuple[Any, ...], memo: Any) -> Outcome:
    """A timer that was cancelled before it fired ends without having run."""
    ((_, number, cancelled),) = values
    return Done(((ENDED, number, cancelled),), False) if cancelled else None


def fire(values: Values, me: int, arguments: tuple[Any, ...], memo: Any) -> Outcome:
    """The time has come."""
    return Done(values, True)


def cancel(values: Values, me: int, arguments: tuple[Any, ...], memo: Any) -> Outcome:
    """Keep a timer from running, if it has not fired; also one that is started only later."""
    ((status, number, _),) = values
    return Done(((status, number, True),))


def keep_from_firing(values: Values, me: int, arguments: tuple[Any, ...], memo: Any) -> Outcome:
    """Cancel a thread that is to begin later."""
    if len(values[0]) == len((NEW, None)):
        return Failed(values, "AttributeError", NO_TIMER)
    return cancel(values, me, arguments, memo)


JOIN = Operation(
    "join",
    ("timeout",),
    freed_by=("end",),
    writes=False,
    about="thread.joining",
    done="thread.joined",
    phases=(Phase(join, give_up, together=True),),
    awaits="the end of",
    waiting="waits for {object} to end",
)
THREAD = Kind(
    "thread",
    (Operation("start", about="thread.starting", phases=(Phase(start),)), JOIN),
    questions=("is_alive",),
    initial=lambda options: (NEW, None),
    answers={"is_alive": is_alive},
    end=end,
)
TIMER = Kind(
    "timer",
    (
        Operation("start", ("after", "arguments"), about="timer.starting", done="timer.started", phases=(Phase(arm),)),
        Operation("cancel", about="timer.cancelling", done="timer.cancelled", phases=(Phase(cancel),)),
        JOIN,
    ),
    questions=("is_alive",),
    initial=lambda options: (NEW, None, False),
    answers={"is_alive": is_alive},
    begin=Operation("begin", ("after", "arguments"), phases=(Phase(end_early, fire),)),
    end=end,
)
MADE_TIMER = Kind(
    "made_timer",
    (),
    noun="thread",
    initial=TIMER.initial,
    answers=TIMER.answers,
    begin=TIMER.begin,
    end=end,
)
"""A timer that `spawn` makes while running; what is done to it is done to a thread in a local."""
TIMERS = (TIMER.name, MADE_TIMER.name)
SPAWNED = Kind(
    "spawned",
    (
        Operation("spawn", ("arguments",), about="thread.spawning", phases=(Phase(start),), makes="spawned"),
        Operation(
            "spawn_later",
            ("after", "arguments"),
            about="thread.spawning",
            phases=(Phase(arm),),
            makes="made_timer",
            cost="spawn",
        ),
        Operation(
            "cancel", ("thread",), about="timer.cancelling", done="timer.cancelled", phases=(Phase(keep_from_firing),)
        ),
        Operation(
            "join",
            ("thread", "timeout"),
            freed_by=("end",),
            writes=False,
            about="thread.joining",
            done="thread.joined",
            phases=JOIN.phases,
            awaits=JOIN.awaits,
            waiting=JOIN.waiting,
        ),
    ),
    noun="thread",
    initial=lambda options: (NEW, None),
    answers={"is_alive": is_alive},
    mistaken="a thread is expected, as `spawn` gives it",
    end=end,
)
