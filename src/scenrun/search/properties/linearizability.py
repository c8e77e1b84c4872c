"""Linearizability: is there an order, one call after another, that explains what calls at the same time have returned?

Herlihy and Wing, Linearizability: A Correctness Condition for Concurrent Objects (TOPLAS 1990). The search is that of Wing and
Gong, Testing and Verifying Concurrent Objects (JPDC 1993): a call may come next if no other one had returned before it began;
with the memory of Lowe, Testing for Linearizability (2017): what was tried once, the same calls done and the same state, is not
tried again.

Departures. A call that has not returned may have taken effect or not. Where nobody can go on, as in a deadlock, it must not
have: and it must be one that waits in the specification as well, so that `join()` beside `put()` is no fault. A call that waits
may hold up others, as a writer that waits for readers may hold up new ones: whether they wait for it, a history does not show.
What is left at the end must agree, too, if it is known.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Sequence
from math import inf
from typing import Generic, Protocol, TypeVar

from msgspec import Struct
from msgspec.structs import replace

State = TypeVar("State", bound=Hashable)


class Blocks:
    """What a call comes to that waits for others for ever."""

    def __repr__(self) -> str:
        return "waits"


BLOCKS = Blocks()


class Call(Struct, frozen=True):
    """One call of a history."""

    thread: str
    operation: Hashable
    """What is called, with the arguments."""
    began: float
    ended: float = inf
    """When it returned, on the same scale; infinite: it has not."""
    result: Hashable = None
    """What it returned or raised."""

    @property
    def has_returned(self) -> bool:
        """Whether there is a result."""
        return self.ended != inf


class History(Struct, frozen=True):
    """What threads have called, and what came of it."""

    calls: tuple[Call, ...]
    is_stuck: bool = False
    """Whether nobody can go on: calls that have not returned never will."""
    final: Hashable = None
    """What is left when all calls have returned; None: that is not known."""
    few_wait: bool = False
    """Of a stuck one: whether it is enough that one of these calls waits in the specification as well."""

    @property
    def shape(self) -> Hashable:
        """The same for histories that differ only in times by which no call comes before another one."""
        calls = sorted(self.calls, key=lambda one: (one.thread, one.began))
        before = [
            sum(1 << at for at, other in enumerate(calls) if other.ended < one.began and other.thread != one.thread)
            for one in calls
        ]
        seen = tuple([
            (one.thread, one.operation, one.has_returned, one.result, past) for one, past in zip(calls, before, strict=True)
        ])  # fmt: skip
        return seen, self.is_stuck, self.final

    def until(self, time: float) -> History:
        """What was known of it at a time, that included."""
        begun = [one for one in self.calls if one.began <= time]
        known = [one if one.ended <= time else replace(one, ended=inf, result=None) for one in begun]
        return History(tuple(known))


def not_stuck(history: History) -> History:
    """The same history, where calls that have not returned need not wait for ever: they may have taken effect or not."""
    return replace(history, is_stuck=False, final=None)


class Specification(Protocol[State]):
    """What can be seen where one call comes after another."""

    initial: State

    def after(self, state: State, call: Call) -> Iterable[tuple[Hashable, State]]:
        """What a call may return in a state, each with the state after it; BLOCKS, and any state, where it waits.

        Of the call, only the thread and the operation count.
        """

    def finals(self, state: State) -> Iterable[Hashable]:
        """What may be left at a state."""

    def tells_apart(self, history: History) -> bool:
        """Whether results name objects, which are the same or others, so that only the results along an order can be compared."""

    def as_seen(self, results: Sequence[Hashable]) -> Sequence[Hashable]:
        """Results along an order, as `after` gives them: objects named in the order in which they are met."""


class Order(Generic[State]):
    """The search for an order of one history."""

    def __init__(self, history: History, specification: Specification[State]) -> None:
        self.history = history
        self.specification = specification
        self._tried: set[tuple[int, State, tuple[int, ...]]] = set()
        self._returned = sum(1 << at for at, one in enumerate(history.calls) if one.has_returned)
        self._tells_apart = specification.tells_apart(history)

    def find(self) -> tuple[int, ...] | None:
        """The calls by number in an order that explains the history; of those that have not returned, those that took effect."""
        initial = self.specification.initial
        order: list[int] = []
        if self._explains(0, initial, order):
            return ()
        stack = [(0, self._next(0, initial, order))]
        while stack:
            done, ways = stack[-1]
            found = next(ways, None)
            if found is None:
                stack.pop()
                if order:
                    order.pop()
                continue
            at, state = found
            done |= 1 << at
            order.append(at)
            tried = done, state, tuple(order) if self._tells_apart else ()  # which object is which depends on the order
            if tried in self._tried:
                order.pop()
                continue
            self._tried.add(tried)
            if self._explains(done, state, order):
                return tuple(order)
            stack.append((done, self._next(done, state, order)))
        return None

    def _next(self, done: int, state: State, order: Sequence[int]) -> Iterator[tuple[int, State]]:
        """The calls that may come next, each with a state after it."""
        calls = self.history.calls
        rest = [(at, one) for at, one in enumerate(calls) if not done >> at & 1]
        first_end = min((one.ended for _, one in rest), default=inf)
        before = [calls[at].result for at in order] if self._tells_apart else []
        for at, one in rest:
            if one.began > first_end or (self.history.is_stuck and not one.has_returned):
                continue
            wanted = one.result if not self._tells_apart else self._as_seen(before, one.result)
            for result, after in self.specification.after(state, one):
                if result is not BLOCKS and (not one.has_returned or result == wanted):
                    yield at, after

    def _as_seen(self, before: Sequence[Hashable], result: Hashable) -> Hashable:
        return self.specification.as_seen((*before, result))[-1]

    def _explains(self, done: int, state: State, order: Sequence[int]) -> bool:
        """Whether some calls in an order, which led to a state, are a whole explanation."""
        if self._returned & ~done:
            return False
        history = self.history
        if history.is_stuck:
            waiting = [one for one in history.calls if not one.has_returned]
            wait = [any(r is BLOCKS for r, _ in self.specification.after(state, one)) for one in waiting]
            return any(wait) if history.few_wait else all(wait)
        if history.final is None:
            return True
        before = [history.calls[at].result for at in order] if self._tells_apart else []
        final = self._as_seen(before, history.final) if self._tells_apart else history.final
        return final in self.specification.finals(state)


def explanation(history: History, specification: Specification[State]) -> tuple[int, ...] | None:
    """An order of the calls, by number, that explains a history; None: there is none, and the history is not linearizable."""
    return Order(history, specification).find()


def unexplained_part(history: History, specification: Specification[State]) -> History:
    """The shortest beginning of a history that is not linearizable, where the whole one is not."""
    for time in sorted({one.ended for one in history.calls if one.has_returned}):
        part = history.until(time)
        if explanation(part, specification) is None:
            return part
    return history


def sequential_orders(calls: Sequence[Call]) -> Iterator[tuple[int, ...]]:
    """All orders of calls, by number, that agree with real time: whatever had returned before another began comes first."""

    def go(done: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
        rest = [at for at in range(len(calls)) if at not in done]
        if not rest:
            yield done
            return
        first_end = min(calls[at].ended for at in rest)
        for at in rest:
            if calls[at].began <= first_end:
                yield from go((*done, at))

    return go(())
