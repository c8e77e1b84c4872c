"""Calls of behaviours that an order must explain. Its value: all that a specification may have come to, with the calls since.

This is a monitor of linearizability (Herlihy and Wing, 1990): between its beginning and its end, each call takes effect at one
moment, as an operation of the specification, another kind of object. The value is every way in which that can have been so far:
what the object is, and for each thread in a call, whether the call has taken effect, and with which result. Where no way is left,
it stays so.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from scenrun.program.primitives.event import EVENT
from scenrun.program.primitives.kinds import (
    Done,
    Failed,
    Kind,
    Operation,
    Outcome,
    Phase,
    Scene,
    Then,
    ThreadNumbers,
    Values,
)
from scenrun.program.primitives.lock import LOCK
from scenrun.program.primitives.queue import QUEUE, SIMPLE_QUEUE
from scenrun.program.primitives.semaphore import BOUNDED_SEMAPHORE, SEMAPHORE
from scenrun.program.values import key

SPECIFICATIONS = {kind.name: kind for kind in (LOCK, SEMAPHORE, BOUNDED_SEMAPHORE, EVENT, QUEUE, SIMPLE_QUEUE)}
"""The kinds of objects that calls may be compared with: whoever does one of their operations, it has its effect at one moment."""
DEFAULTS = {"timeout": None, "block": True, "blocking": True, "n": 1}
"""What parameters of operations are where a behaviour does not say it."""
RETURNED, COMPARED, RAISED = "returned", "compared", "raised"
"""How a call ends: with a result that does not count, with one that does, with an exception."""
Call = tuple[int, str, tuple[Any, ...], Any]
"""A thread's number, an operation of the specification, its arguments, and what it came to: `(kind, result)`, or None."""
Way = tuple[Any, tuple[Call, ...]]
"""The value of the specification, and the calls that have not ended, in the order of the threads."""


def call(values: Values, me: int, arguments: tuple[Any, ...], memo: Any) -> Outcome:
    """A thread calls an operation."""
    ((spec, ways),) = values
    operation, given = arguments
    begun: Call = me, operation, tuple(given), None
    return Done(((spec, _in_order((value, _with(calls, begun)) for value, calls in ways)),))


def finish(values: Values, me: int, arguments: tuple[Any, ...], memo: Any) -> Outcome:
    """A thread's call has ended: with a result, which counts where it is `compared`, or with an exception."""
    ((spec, ways),) = values
    _, result, ended = arguments
    left: list[Way] = []
    for value, calls in _ways_on(spec, ways):
        came = next((call[3] for call in calls if call[0] == me), None)
        if came is not None and _agrees(came, ended, result):
            left.append((value, tuple([call for call in calls if call[0] != me])))
    return Done(((spec, _in_order(left)),))


def _agrees(came: tuple[str, Any], ended: str, result: Any) -> bool:
    if RAISED in (ended, came[0]):
        return came[0] == ended
    return ended != COMPARED or bool(key(came[1]) == key(result))


def _ways_on(spec: str, ways: tuple[Way, ...]) -> list[Way]:
    """All ways in which calls may have taken effect since."""
    found, ahead = set(map(key, ways)), list(ways)
    for way in ahead:
        for after in _effects(spec, way):
            if (known := key(after)) not in found:
                found.add(known)
                ahead.append(after)
    return ahead


def _effects(spec: str, way: Way) -> Iterator[Way]:
    """The ways in which one more call takes effect."""
    value, calls = way
    for call in calls:
        who, name, given, came = call
        operation = SPECIFICATIONS[spec].operation(name)
        if came is None and operation is not None:
            outcome = operation.phases[0].act((value,), who, given, None)
            if outcome is not None and not isinstance(outcome, Then):  # it waits, and has no effect yet
                yield outcome.values[0], _with(calls, (who, name, given, _came(outcome)))


def _came(outcome: Any) -> tuple[str, Any]:
    return (RAISED, None) if isinstance(outcome, Failed) else (RETURNED, outcome.result)


def _with(calls: tuple[Call, ...], one: Call) -> tuple[Call, ...]:
    return tuple(sorted((*[call for call in calls if call[0] != one[0]], one), key=lambda call: call[0]))


def _in_order(ways: Iterable[Way]) -> tuple[Way, ...]:
    """Each way once, in an order that is the same for the same ways."""
    return tuple(sorted({key(way): way for way in ways}.values(), key=repr))


def explained(value: Any) -> bool:
    """Whether some order explains the calls so far."""
    return bool(value[1])


def in_words(value: Any, scene: Scene) -> str:
    """Whether an order explains the calls so far, and who is in one."""
    if not explained(value):
        return "no order explains the calls"
    numbers = sorted({call[0] for _, calls in value[1] for call in calls})
    return f"in a call: {scene.names(numbers)}" if numbers else "nobody is in a call"


def _numbers(value: Any) -> tuple[int, ...]:
    return tuple([call[0] for _, calls in value[1] for call in calls])


def _renumbered(value: Any, numbers: tuple[int, ...]) -> Any:
    left = iter(numbers)
    spec, ways = value
    given = [(made, [(next(left), *call[1:]) for call in calls]) for made, calls in ways]
    return spec, _in_order((made, tuple(sorted(calls, key=lambda call: call[0]))) for made, calls in given)


CALLS = Kind(
    "calls",
    (
        Operation(
            "call", ("operation", "arguments"), done="calls.began", phases=(Phase(call),), shows=("operation", "arguments"),
            cost="section",
        ),
        Operation(
            "finish", ("operation", "result", "ended"), done="calls.ended", phases=(Phase(finish),),
            shows=("operation", "result", "ended"), cost="section",
        ),
    ),
    attributes=("explained",),
    initial=lambda options: (options["spec"], ((SPECIFICATIONS[options["spec"]].initial(options["options"]), ()),)),
    answers={"explained": explained},
    in_words=in_words,
    numbers=ThreadNumbers(_numbers, _renumbered),
)  # fmt: skip
