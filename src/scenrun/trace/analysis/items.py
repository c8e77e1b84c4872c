"""Matches the gets of a queue with the puts that their items came from."""

from __future__ import annotations

from collections import deque
from itertools import islice
from typing import Any, NamedTuple

from scenrun.trace.analysis.cause import Cause
from scenrun.trace.analysis.reading import Event

_NEAR = 16
"""The number of items among which an equal value is sought: on real threads two puts may be logged in the other order."""
_UNKNOWN = object()


class Item(NamedTuple):
    """An item that was put, or got before its put: the line, and its value if the line has one."""

    cause: Cause
    value: Any


class Items:
    """The items of one queue, in its order: `fifo`, `lifo` or `priority`.

    On real threads the line of a `get` may precede the line of the `put` whose item it got; such gets are owed a put.
    """

    def __init__(self, order: str) -> None:
        self._order = order if order in ("lifo", "priority") else "fifo"
        self._line: deque[Item] = deque()
        self._by_value: dict[str, deque[Item]] = {}
        self._owed: deque[Item] = deque()

    def __len__(self) -> int:
        """The number of items that were put and not got."""
        return sum(map(len, self._by_value.values())) if self._order == "priority" else len(self._line)

    def put(self, event: Event) -> Cause | None:
        """Adds an item; returns the line of the get that took it already, if that line came first."""
        item = _item(event)
        if self._owed:
            owed = _near(self._owed, item)
            if owed is not None:
                self._owed.remove(owed)
                return owed.cause
        if self._order == "priority":
            self._by_value.setdefault(repr(item.value), deque()).append(item)
        else:
            self._line.append(item)
        return None

    def got(self, event: Event) -> Cause | None:
        """Removes an item; returns the line of its put, or None if that line is still to come."""
        item = _item(event)
        found = self._taken_by_value(item) if self._order == "priority" else self._taken_in_line(item)
        if found is None:
            self._owed.append(item)
            return None
        return found.cause

    def _taken_by_value(self, item: Item) -> Item | None:
        key = repr(item.value)
        same = self._by_value.get(key)
        if not same:
            return None
        found = same.popleft()
        if not same:
            del self._by_value[key]
        return found

    def _taken_in_line(self, item: Item) -> Item | None:
        line = self._line
        if not line:
            return None
        if self._order == "lifo":
            if _same(line[-1], item):
                return line.pop()
            found = next((one for one in islice(reversed(line), _NEAR) if _same(one, item)), None)
        else:
            if _same(line[0], item):
                return line.popleft()
            found = _near(line, item)
        if found is not None:
            line.remove(found)
        return found


def _item(event: Event) -> Item:
    return Item(Cause.of(event), event.get("value", _UNKNOWN))


def _near(line: deque[Item], item: Item) -> Item | None:
    return next((one for one in islice(line, _NEAR) if _same(one, item)), None)


def _same(one: Item, other: Item) -> bool:
    """Whether two lines have the same value; a line without one matches any."""
    if one.value is _UNKNOWN or other.value is _UNKNOWN:
        return True
    return bool(one.value == other.value)
