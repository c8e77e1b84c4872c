"""A queue: items in an order, a bound, a count of items not yet dealt with.

Its value: (items, unfinished, maxsize, order, whether it was shut down).
"""

from __future__ import annotations

import heapq
from typing import Any

from msgspec.structs import replace

from scenrun.program.primitives.json_types import ANY, INTEGER, NUMBER
from scenrun.program.primitives.kinds import Done, Failed, Kind, Operation, Outcome, Phase, Scene, Values

SHUT_DOWN = "queue.ShutDown"
"""What `put` raises after `shutdown`, and `get` once there is no item left."""
TOO_OFTEN = "`task_done` of `{object}` more often than items were put"


def _full(values: Values) -> Failed:
    return Failed(values, "queue.Full")


def _empty(values: Values) -> Failed:
    return Failed(values, "queue.Empty")


def put(values: Values, me: int, arguments: tuple[Any, ...], memo: Any) -> Outcome:
    """Put an item, if there is room; who would not wait gets queue.Full."""
    ((items, unfinished, maxsize, order, is_shut),) = values
    item, timeout, block = arguments
    if is_shut:
        return Failed(values, SHUT_DOWN)
    if 0 < maxsize <= len(items):
        return _full(values) if not block or timeout == 0 else None
    if order != "priority":
        return Done((((*items, item), unfinished + 1, maxsize, order, is_shut),))
    heap = list(items)
    try:
        heapq.heappush(heap, item)
    except TypeError as error:  # as in CPython, the item is in the heap by then
        return Failed(((tuple(heap), unfinished, maxsize, order, is_shut),), "TypeError", str(error))
    return Done(((tuple(heap), unfinished + 1, maxsize, order, is_shut),))


def get(values: Values, me: int, arguments: tuple[Any, ...], memo: Any) -> Outcome:
    """Take an item, if there is one; who would not wait gets queue.Empty."""
    ((items, unfinished, maxsize, order, is_shut),) = values
    timeout, block = arguments
    if is_shut and not items:
        return Failed(values, SHUT_DOWN)
    if not items:
        return _empty(values) if not block or timeout == 0 else None
    if order == "fifo":
        item, rest = items[0], items[1:]
    elif order == "lifo":
        item, rest = items[-1], items[:-1]
    else:
        heap = list(items)
        try:
            item = heapq.heappop(heap)
        except TypeError as error:
            return Failed(((tuple(heap), unfinished, maxsize, order, is_shut),), "TypeError", str(error))
        rest = tuple(heap)
    return Done(((rest, unfinished, maxsize, order, is_shut),), item)


def full_in_time(values: Values, me: int, arguments: tuple[Any, ...], memo: Any) -> Outcome:
    """The time is up, and there is no room."""
    return _full(values)


def empty_in_time(values: Values, me: int, arguments: tuple[Any, ...], memo: Any) -> Outcome:
    """The time is up, and there is no item."""
    return _empty(values)


def task_done(values: Values, me: int, arguments: tuple[Any, ...], memo: Any) -> Outcome:
    """One item less that is not dealt with."""
    ((items, unfinished, maxsize, order, is_shut),) = values
    if unfinished <= 0:
        return Failed(values, "ValueError", TOO_OFTEN)
    return Done(((items, unfinished - 1, maxsize, order, is_shut),))


def join(values: Values, me: int, arguments: tuple[Any, ...], memo: Any) -> Outcome:
    """Go on once every item has been dealt with."""
    ((_, unfinished, *_),) = values
    return Done(values) if unfinished == 0 else None


def shut_down(values: Values, me: int, arguments: tuple[Any, ...], memo: Any) -> Outcome:
    """Let nothing more in, and nobody wait; at once: also drop the items, each of which counts as dealt with."""
    ((items, unfinished, maxsize, order, _),) = values
    (immediate,) = arguments
    if immediate:
        return Done((((), max(0, unfinished - len(items)), maxsize, order, True),))
    return Done(((items, unfinished, maxsize, order, True),))


def in_words(value: Any, scene: Scene) -> str:
    """The number of items, the bound, and the items."""
    items, _, maxsize, _, is_shut = value
    bound = f" of {maxsize}" if maxsize else ""
    words = f"{len(items)}{bound}: {scene.short(list(items))}" if items else f"empty{bound and f' (0{bound})'}"
    return f"shut down, {words}" if is_shut else words


_PUT = Operation(
    "put",
    ("item", "timeout", "block"),
    freed_by=("get", "shutdown"),
    about="queue.putting",
    done="queue.put",
    phases=(Phase(put, full_in_time),),
    awaits="room in",
    waiting="waits for room in {object}",
    in_vain="waits for room in {object} that nobody will make",
    shows=("item",),
    stores="item",
    adds={"size": INTEGER},
)
_GET = Operation(
    "get",
    ("timeout", "block"),
    freed_by=("put", "shutdown"),
    about="queue.getting",
    done="queue.got",
    phases=(Phase(get, empty_in_time),),
    adds={"size": INTEGER, "waited_s": NUMBER, "value": ANY},
    fetches=True,
    awaits="an item in",
    waiting="waits for an item of {object}",
    in_vain="waits for an item of {object} that nobody will put",
)
_ANSWERS = {"qsize": lambda value: len(value[0]), "empty": lambda value: not value[0]}
QUEUE = Kind(
    "queue",
    (
        _PUT,
        _GET,
        Operation(
            "task_done",
            about="queue.finishing_task",
            done="queue.task_done",
            phases=(Phase(task_done),),
            only_counts=True,
        ),
        Operation(
            "join",
            freed_by=("task_done", "shutdown"),
            writes=False,
            about="queue.joining",
            done="queue.joined",
            cost="join_queue",
            only_counts=True,
            phases=(Phase(join, together=True),),
            awaits="the work of",
            waiting="waits until all items of {object} are done",
            in_vain="waits until every item of {object} is done, and nobody will say so",
        ),
        Operation(
            "shutdown",
            ("immediate",),
            about="queue.shutting_down",
            done="queue.shut_down",
            phases=(Phase(shut_down),),
            announces=("immediate",),
            only_counts=True,
        ),
    ),
    questions=("qsize", "empty", "full"),
    initial=lambda options: ((), 0, options["maxsize"], options["kind"], False),
    answers={**_ANSWERS, "full": lambda value: 0 < value[2] <= len(value[0])},
    in_words=in_words,
)
SIMPLE_QUEUE = Kind(
    "simple_queue",
    (replace(_PUT, freed_by=("get",)), replace(_GET, freed_by=("put",))),
    questions=("qsize", "empty"),
    noun="queue",
    initial=lambda options: ((), 0, 0, "fifo", False),
    answers=_ANSWERS,
    in_words=in_words,
)
