"""Whether a history is linearizable, beside the definition; and the part of one that is not."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

from histories_at_random import SPECIFICATIONS, Queue, Register, history_of, is_linearizable

from scenrun.search.properties.linearizability import (
    Call,
    History,
    explanation,
    sequential_orders,
    unexplained_part,
)

HISTORIES = 2_000


def test_random_histories_are_judged_by_the_definition() -> None:
    chance = random.Random(7)
    seen = set()
    for number in range(HISTORIES):
        specification = SPECIFICATIONS[number % len(SPECIFICATIONS)]
        history = history_of(chance, specification)
        order = explanation(history, specification)
        expected = is_linearizable(history, specification)
        assert (order is not None) == expected, history
        seen.add((expected, history.is_stuck, any(not one.has_returned for one in history.calls)))
    assert len(seen) == 6  # linearizable or not; nobody waits, somebody does, or for ever


def test_an_order_explains_the_results() -> None:
    """The calls overlap, and the read that began first comes last."""
    calls = Call("a", ("read", None), 1, 6, 2), Call("b", ("write", 1), 2, 3), Call("b", ("write", 2), 4, 5)
    assert explanation(History(calls), Register()) == (1, 2, 0)


def test_real_time_is_kept() -> None:
    """Each thread by itself is explained, and so are both; but the read came after the write had returned."""
    calls = Call("a", ("write", 1), 1, 2), Call("b", ("read", None), 3, 4, 0)
    assert explanation(History(calls), Register()) is None


def test_a_call_may_wait_where_the_specification_does() -> None:
    waits = Call("a", ("get", None), 1)
    assert explanation(History((waits,), is_stuck=True), Queue()) == ()
    filled = Call("b", ("put", 1), 2, 3)
    assert explanation(History((waits, filled), is_stuck=True), Queue()) is None


def test_the_part_that_is_not_explained_ends_with_the_first_call_that_cannot_be() -> None:
    calls = (
        Call("a", ("write", 1), 1, 2), Call("b", ("read", None), 3, 4, 0), Call("a", ("write", 2), 5, 6),
    )  # fmt: skip
    assert unexplained_part(History(calls), Register()).calls == calls[:2]


def test_orders_agree_with_time() -> None:
    calls = Call("a", "x", 1, 4), Call("b", "y", 2, 3), Call("b", "z", 5, 6)
    assert sorted(sequential_orders(calls)) == [(0, 1, 2), (1, 0, 2)]


class Handed:
    """Gives a new object each time, and keeps a list of them: objects are numbered as they are met."""

    initial = 0

    def after(self, state: int, call: Call) -> list[tuple[int, int]]:
        return [(state, state + 1)]

    def finals(self, state: int) -> list[tuple[int, ...]]:
        return [tuple(range(state))]

    def tells_apart(self, history: History) -> bool:
        return True

    def as_seen(self, results: Sequence[Any]) -> list[Any]:
        seen: dict[int, int] = {}
        return [
            tuple(seen.setdefault(part, len(seen)) for part in one)
            if isinstance(one, tuple)
            else seen.setdefault(one, len(seen))
            for one in results
        ]


def test_which_object_is_which_depends_on_the_order() -> None:
    """The same calls done, and the same state, are not the same where other objects have been met first."""
    calls = Call("a", "take", 1, 4, 1), Call("b", "take", 2, 3, 0)
    assert explanation(History(calls, final=(0, 1)), Handed()) == (1, 0)
    assert explanation(History(calls, final=(1, 0)), Handed()) == (0, 1)
