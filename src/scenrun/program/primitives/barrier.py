"""A barrier: threads wait until all parties have come; a broken one lets no thread pass. Its value: (state, count, parties).

The states are CPython's: filling; draining, while those who were let through leave one by one; resetting, while those who
waited at a reset leave; broken. One with an action is acting, too: the last one who came runs it, and CPython holds the
barrier's lock meanwhile, so that nobody else can do anything with it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from scenrun.program.primitives.json_types import ANY
from scenrun.program.primitives.kinds import Done, Failed, Kind, Operation, Outcome, Phase, Scene, Then, Values

FILLING, DRAINING, RESETTING, BROKEN = 0, 1, -1, -2
ACTING = 2
IS_BROKEN = "`{object}` is broken"


def _left(state: int, count: int, parties: int) -> Values:
    """One thread has left; with the last, a barrier that was draining or resetting fills again."""
    count -= 1
    return ((FILLING if count == 0 and state in (DRAINING, RESETTING) else state, count, parties),)


def _broken(values: Values) -> Failed:
    return Failed(values, "threading.BrokenBarrierError", IS_BROKEN)


def enter(values: Values, me: int, arguments: tuple[Any, ...], memo: Any) -> Outcome:
    """Come in, once those before have left; the last one opens it and leaves at once."""
    ((state, count, parties),) = values
    if state in (DRAINING, RESETTING):
        return None
    if state == BROKEN:
        return _broken(values)
    if count + 1 == parties:
        return Done(_left(DRAINING, count + 1, parties), count)
    return Then(((state, count + 1, parties),), count)


def leave(values: Values, me: int, arguments: tuple[Any, ...], memo: Any) -> Outcome:
    """Leave once it is open, or once it is broken or reset."""
    ((state, count, parties),) = values
    if state == FILLING:
        return None
    after = _left(state, count, parties)
    return Done(after, memo) if state == DRAINING else _broken(after)


def time_out(values: Values, me: int, arguments: tuple[Any, ...], memo: Any) -> Outcome:
    """Whose time is up breaks it for all."""
    ((_, count, parties),) = values
    return _broken(_left(BROKEN, count, parties))


def come(values: Values, me: int, arguments: tuple[Any, ...], memo: Any) -> Outcome:
    """Come in, once those before have left; the last one is to act. The result is the place, from 0."""
    ((state, count, parties),) = values
    if state in (DRAINING, RESETTING, ACTING):
        return None
    if state == BROKEN:
        return _broken(values)
    return Done(((ACTING if count + 1 == parties else FILLING, count + 1, parties),), count)


def go_on(values: Values, me: int, arguments: tuple[Any, ...], memo: Any) -> Outcome:
    """Leave once the action is over, or once it is broken or reset."""
    return None if values[0][0] == ACTING else leave(values, me, arguments, arguments[0])


def too_late(values: Values, me: int, arguments: tuple[Any, ...], memo: Any) -> Outcome:
    """Whose time is up breaks it, but not while somebody acts."""
    return None if values[0][0] == ACTING else time_out(values, me, arguments, memo)


def open_(values: Values, me: int, arguments: tuple[Any, ...], memo: Any) -> Outcome:
    """The action is over: let all go on."""
    ((_, count, parties),) = values
    return Done(_left(DRAINING, count, parties), arguments[0])


def fail(values: Values, me: int, arguments: tuple[Any, ...], memo: Any) -> Outcome:
    """The action has failed, which breaks it."""
    ((_, count, parties),) = values
    return Done(_left(BROKEN, count, parties))


def abort_later(values: Values, me: int, arguments: tuple[Any, ...], memo: Any) -> Outcome:
    """Break it, once nobody acts."""
    return None if values[0][0] == ACTING else abort(values, me, arguments, memo)


def reset_later(values: Values, me: int, arguments: tuple[Any, ...], memo: Any) -> Outcome:
    """Make it empty and whole, once nobody acts."""
    return None if values[0][0] == ACTING else reset(values, me, arguments, memo)


def abort(values: Values, me: int, arguments: tuple[Any, ...], memo: Any) -> Outcome:
    """Break it, also for those who were let through and have not left."""
    ((_, count, parties),) = values
    return Done(((BROKEN, count, parties),))


def reset(values: Values, me: int, arguments: tuple[Any, ...], memo: Any) -> Outcome:
    """Make it empty and whole; who waits leaves with a fault first."""
    ((state, count, parties),) = values
    if count == 0:
        return Done(((FILLING, 0, parties),))
    return Done(((RESETTING if state in (FILLING, BROKEN) else state, count, parties),))


def in_words(value: Any, scene: Scene) -> str:
    """Its state, and how many threads have come or are still to leave."""
    state, count, parties = value
    if state == BROKEN:
        return "broken"
    if state == ACTING:
        return "its action is run"
    if state == FILLING:
        return f"{count} of {parties} have come"
    return f"open, {count} still to leave" if state == DRAINING else f"was reset, {count} still to leave"


_ATTRIBUTES = ("n_waiting", "broken", "parties")
_ANSWERS: dict[str, Callable[..., Any]] = {
    "n_waiting": lambda value: value[1] if value[0] in (FILLING, ACTING) else 0,
    "broken": lambda value: value[0] == BROKEN,
    "parties": lambda value: value[2],
}
_WAITING, _IN_VAIN = "waits for the others at {object}", "waits at {object} for others who will not come"
_BEHIND = "waits for the action of {object}"
_BEHIND_IN_VAIN = "waits for the action of {object}, which will not end"
BARRIER = Kind(
    "barrier",
    (
        Operation(
            "wait",
            ("timeout",),
            freed_by=("wait", "abort", "reset"),
            about="barrier.waiting",
            done="barrier.passed",
            phases=(
                Phase(enter, together=True, name="comes"),
                Phase(leave, time_out, together=True, name="leaves"),
            ),
            adds={"value": ANY},
            waiting=_WAITING,
            in_vain=_IN_VAIN,
        ),
        Operation("abort", about="barrier.aborting", done="barrier.aborted", phases=(Phase(abort),)),
        Operation("reset", about="barrier.resetting", done="barrier.reset", phases=(Phase(reset),)),
    ),
    attributes=_ATTRIBUTES,
    initial=lambda options: (FILLING, 0, options["parties"]),
    answers=_ANSWERS,
    in_words=in_words,
)
ACTING_BARRIER = Kind(
    "acting_barrier",
    (
        Operation(
            "come",
            freed_by=("leave", "open", "fail", "abort", "reset"),
            about="barrier.waiting",
            phases=(Phase(come, together=True),),
            cost="wait",
            waiting=_BEHIND,
            in_vain=_BEHIND_IN_VAIN,
        ),
        Operation(
            "leave",
            ("place", "timeout"),
            freed_by=("leave", "open", "fail", "abort", "reset"),  # one whose time is up breaks the barrier for all
            done="barrier.passed",
            phases=(Phase(go_on, too_late, together=True),),
            adds={"value": ANY},
            cost="wait",
            waiting=_WAITING,
            in_vain=_IN_VAIN,
        ),
        Operation("open", ("place",), done="barrier.passed", phases=(Phase(open_),), adds={"value": ANY}, cost="wait"),
        Operation("fail", phases=(Phase(fail),), cost="abort"),
        Operation(
            "abort",
            freed_by=("open", "fail"),
            about="barrier.aborting",
            done="barrier.aborted",
            phases=(Phase(abort_later, together=True),),
            waiting=_BEHIND,
            in_vain=_BEHIND_IN_VAIN,
        ),
        Operation(
            "reset",
            freed_by=("open", "fail"),
            about="barrier.resetting",
            done="barrier.reset",
            phases=(Phase(reset_later, together=True),),
            waiting=_BEHIND,
            in_vain=_BEHIND_IN_VAIN,
        ),
    ),
    noun="barrier",
    attributes=_ATTRIBUTES,
    initial=lambda options: (FILLING, 0, options["parties"]),
    answers=_ANSWERS,
    in_words=in_words,
)
"""A barrier with an action, which the one who came last runs as steps of its own, between `come` and `open`."""
