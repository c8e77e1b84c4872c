"""A barrier: threads wait until all parties have come; a broken one lets no thread pass. Its value: (state, count, parties).

The states are CPython's: filling; draining, while those who were let through leave one by one; resetting, while those who
waited at a reset leave; broken.
"""

from __future__ import annotations

from typing import Any

from scenrun.program.primitives.json_types import ANY
from scenrun.program.primitives.kinds import Done, Failed, Kind, Operation, Outcome, Phase, Scene, Then, Values

FILLING, DRAINING, RESETTING, BROKEN = 0, 1, -1, -2
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
    if state == FILLING:
        return f"{count} of {parties} have come"
    return f"open, {count} still to leave" if state == DRAINING else f"was reset, {count} still to leave"


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
            waiting="waits for the others at {object}",
            in_vain="waits at {object} for others who will not come",
        ),
        Operation("abort", about="barrier.aborting", done="barrier.aborted", phases=(Phase(abort),)),
        Operation("reset", about="barrier.resetting", done="barrier.reset", phases=(Phase(reset),)),
    ),
    attributes=("n_waiting", "broken", "parties"),
    initial=lambda options: (FILLING, 0, options["parties"]),
    answers={
        "n_waiting": lambda value: value[1] if value[0] == FILLING else 0,
        "broken": lambda value: value[0] == BROKEN,
        "parties": lambda value: value[2],
    },
    in_words=in_words,
)
