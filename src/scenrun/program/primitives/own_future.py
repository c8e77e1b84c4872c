"""Futures that the file itself completes, as `concurrent.futures.Future()`: pending, then done once and for all.

The value: (status, the result, the fault that it was completed with, callbacks). A callback is (number of the step that
added it, the arguments that it was added with); whoever completes the future takes them all with the same step, and runs
them one after another, as `Future.set_result` does.
"""

from __future__ import annotations

from typing import Any

from scenrun.errors import Fault
from scenrun.program.primitives.json_types import ANY, BOOLEAN
from scenrun.program.primitives.kinds import Done, Failed, Kind, Operation, Outcome, Phase, Scene, Values

PENDING, FINISHED, CANCELLED = "pending", "finished", "cancelled"
INVALID = "concurrent.futures.InvalidStateError"
"""What completing a future twice raises."""


def set_result(values: Values, me: int, arguments: tuple[Any, ...], memo: Any) -> Outcome:
    """Complete it with a result; the callbacks are the operation's own result."""
    return _completed(values, FINISHED, arguments[0], None)


def set_exception(values: Values, me: int, arguments: tuple[Any, ...], memo: Any) -> Outcome:
    """Complete it with a fault; the callbacks are the operation's own result."""
    return _completed(values, FINISHED, None, arguments[0])


def _completed(values: Values, status: str, result: Any, fault: Fault | None) -> Outcome:
    ((before, _, _, callbacks),) = values
    if before != PENDING:
        return Failed(values, INVALID, f"`{{object}}` is {before} already")
    return Done(((status, result, fault, ()),), callbacks)


def cancel(values: Values, me: int, arguments: tuple[Any, ...], memo: Any) -> Outcome:
    """Cancel it, unless it is done: whether it is cancelled now, and the callbacks for whoever has done so."""
    ((status, _, _, callbacks),) = values
    if status != PENDING:
        return Done(values, (status == CANCELLED, ()))
    return Done(((CANCELLED, None, None, ()),), (True, callbacks))


def result(values: Values, me: int, arguments: tuple[Any, ...], memo: Any) -> Outcome:
    """What it was completed with, once it is."""
    ((status, given, fault, _),) = values
    if status == PENDING:
        return None
    if status == CANCELLED:
        return Failed(values, "concurrent.futures.CancelledError")
    return Done(values, given) if fault is None else Failed(values, fault.type, fault.text)


def no_result_in_time(values: Values, me: int, arguments: tuple[Any, ...], memo: Any) -> Outcome:
    """The time is up."""
    return Failed(values, "TimeoutError")


def add_callback(values: Values, me: int, arguments: tuple[Any, ...], memo: Any) -> Outcome:
    """Note what is to run when it is done; whether it is done already, so that it is to run at once."""
    ((status, given, fault, callbacks),) = values
    if status != PENDING:
        return Done(values, True)
    return Done(((status, given, fault, (*callbacks, tuple(arguments[0]))),), False)


def in_words(value: Any, scene: Scene) -> str:
    """Its state, with the result or the fault."""
    status, given, fault, callbacks = value
    if status == FINISHED:
        told = scene.short(given) if fault is None else fault.type
        return f"finished: {told}"
    waiting = f", {len(callbacks)} callback{'s' * (len(callbacks) > 1)}" if callbacks else ""
    return f"{status}{waiting}"


OWN_FUTURE = Kind(
    "own_future",
    (
        Operation(
            "set_result",
            ("value",),
            about="future.setting",
            done="future.set",
            phases=(Phase(set_result),),
            announces=("value",),
            cost="set_result",
        ),
        Operation(
            "set_exception",
            ("exception",),
            about="future.failing",
            done="future.failed",
            phases=(Phase(set_exception),),
            cost="set_exception",
        ),
        Operation(
            "result",
            ("timeout",),
            freed_by=("set_result", "set_exception", "cancel"),
            writes=False,
            about="future.awaiting",
            done="future.answered",
            phases=(Phase(result, no_result_in_time, together=True),),
            adds={"value": ANY},
            awaits="a result of",
            waiting="waits for the result of {object}",
            in_vain="waits for the result of {object}, which nobody will complete",
        ),
        Operation(
            "cancel",
            about="future.cancelling",
            done="future.cancel_asked",
            phases=(Phase(cancel),),
            adds={"value": BOOLEAN},
            tells_first=True,
        ),
        Operation("add_callback", ("callback",), done="future.callback_added", phases=(Phase(add_callback),),
                  cost="on_done", adds={"value": BOOLEAN}),
    ),
    noun="future",
    questions=("done", "running", "cancelled"),
    initial=lambda options: (PENDING, None, None, ()),
    answers={
        "done": lambda value: value[0] != PENDING,
        "running": lambda value: False,
        "cancelled": lambda value: value[0] == CANCELLED,
    },
    in_words=in_words,
)  # fmt: skip
