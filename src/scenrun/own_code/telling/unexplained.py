"""Tells of calls that no order explains: what each returned, and what the same calls come to one after another."""

from __future__ import annotations

from typing import Any

from scenrun.own_code.histories.comparable import shown
from scenrun.own_code.histories.operations import Operation
from scenrun.own_code.searching.alone import Alone
from scenrun.search.counterexample.operation_bars import Bar
from scenrun.search.properties.linearizability import BLOCKS, Blocks, Call, History, sequential_orders, unexplained_part

NOT_YET = Blocks()
MOST_ORDERS = 4
"""Orders that are told."""
MOST_TRIED = 5_000
"""Orders of which it is looked at what they come to."""


def seen_in(history: History, of: str = "o") -> tuple[str, ...]:
    """What each call came to, in the order in which they began. of: the name of the object."""
    calls = sorted(history.calls, key=lambda one: one.began)
    return tuple(
        f"{one.thread}: {_told(one, one.result if one.has_returned else _pending(history), of)}" for one in calls
    )


def bars_of(history: History, of: str = "o") -> tuple[Bar, ...]:
    """Its calls as bars over time."""
    calls = sorted(history.calls, key=lambda one: (one.began, one.thread))
    last = max((one.ended for one in calls if one.has_returned), default=0)
    return tuple(
        [
            Bar(
                one.thread,
                _told(one, one.result, of) if one.has_returned else _written(one, of),
                min(one.began, last + 1),
                one.ended,
            )
            for one in calls
        ]
    )


def _pending(history: History) -> Any:
    """What is said of a call that has not returned."""
    return BLOCKS if history.is_stuck else NOT_YET


def allowed_in(history: History, alone: Alone, of: str = "o") -> tuple[str, ...]:
    """What its calls come to in each order that agrees with time."""
    out: dict[str, None] = {}
    for order, _ in zip(sequential_orders(history.calls), range(MOST_TRIED), strict=False):
        calls = [history.calls[at] for at in order]
        made = [(one.thread, one.operation) for one in calls if isinstance(one.operation, Operation)]
        for came in alone.came_of(tuple(made)):
            pairs = zip(order, came.results, strict=False)
            out[", then ".join(_told(history.calls[at], result, of) for at, result in pairs)] = None
    return tuple(out)


def sentence_of(history: History, alone: Alone, of: str) -> str:
    """The whole of it in a sentence."""
    part = unexplained_part(history, alone)
    allowed = allowed_in(part, alone, of)
    more = f" (and {len(allowed) - MOST_ORDERS} more)" if len(allowed) > MOST_ORDERS else ""
    return (
        f"no order of the calls explains what they returned: {'; '.join(seen_in(part, of))}. "
        f"One after another, they come to {', or '.join(allowed[:MOST_ORDERS])}{more}"
    )


def _told(call: Call, result: Any, of: str) -> str:
    return f"{_written(call, of)} -> {_shown(result)}"


def _written(call: Call, of: str) -> str:
    return call.operation.written(of) if isinstance(call.operation, Operation) else str(call.operation)


def _shown(result: Any) -> str:
    return {BLOCKS: "waits", NOT_YET: "has not returned yet"}.get(result) or shown(result)
