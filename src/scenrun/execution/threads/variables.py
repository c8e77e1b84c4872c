"""Shared variables and sections of real threads; a hidden lock makes those exact that an `atomic` or `always` names."""

from __future__ import annotations

import threading
from collections.abc import Callable
from time import perf_counter_ns
from typing import Any

from scenrun.execution.site import Site
from scenrun.execution.threads.context import Context
from scenrun.program import values
from scenrun.program.primitives.clock import seconds

Check = Callable[[Context, Site], None]
"""Checks the `always` expectations that name a variable, after a step changed it."""


class Variable:
    """A shared variable that no `atomic` and no `always` names: a read and a write are those of a Python attribute."""

    kind = "variable"

    def __init__(self, label: str, cell: int, initial: Any) -> None:
        self.label = label
        self.cell = cell
        self.value = initial
        self._changing = threading.Lock()

    def append(self, me: Context, site: Site, item: Any) -> None:
        """Appends an item, as one step."""
        self.extend(me, site, (), item)

    def extend(self, me: Context, site: Site, path: Any, item: Any) -> None:
        """Appends an item to the list at `path`, as one step."""
        with self._changing:
            self.value = values.appended(self.value, path, item)

    def pop(self, me: Context, site: Site, at: Any) -> Any:
        """Removes an item and returns it, as one step."""
        return self.remove(me, site, (), at)

    def remove(self, me: Context, site: Site, path: Any, at: Any) -> Any:
        """Removes an item from the list or mapping at `path` and returns it, as one step."""
        with self._changing:
            self.value, item = values.popped(self.value, path, at)
        return item

    def assign(self, me: Context, site: Site, path: Any, value: Any) -> None:
        """Writes the item at `path`, as one step."""
        with self._changing:
            self.value = values.assigned(self.value, path, value)

    def write(self, me: Context, site: Site, value: Any) -> Any:
        """Writes the whole value, never between the read and the write of a step that changes a part; returns the value."""
        with self._changing:
            self.value = value
        return value

    def read(self, me: Context, site: Site) -> Any:
        """Returns the whole value."""
        return self.value


class GuardedVariable(Variable):
    """A variable that an `atomic` or an `always` names: every access takes the hidden lock, unless the thread holds it."""

    def __init__(self, label: str, cell: int, initial: Any, hidden: threading.Lock, check: Check | None) -> None:
        super().__init__(label, cell, initial)
        self._hidden = hidden
        self._check = check

    def _changed(self, me: Context, site: Site, change: Callable[[], Any]) -> Any:
        if me.atomic:
            return change()  # the thread holds the lock; `always` is checked when the atomic step ends
        with self._hidden:
            result = change()
            if self._check:
                self._check(me, site)
        return result

    def extend(self, me: Context, site: Site, path: Any, item: Any) -> None:
        """Appends an item to the list at `path`."""
        self._changed(me, site, lambda: Variable.extend(self, me, site, path, item))

    def remove(self, me: Context, site: Site, path: Any, at: Any) -> Any:
        """Removes an item from the list or mapping at `path` and returns it."""
        return self._changed(me, site, lambda: Variable.remove(self, me, site, path, at))

    def assign(self, me: Context, site: Site, path: Any, value: Any) -> None:
        """Writes the item at `path`."""
        self._changed(me, site, lambda: Variable.assign(self, me, site, path, value))

    def write(self, me: Context, site: Site, value: Any) -> Any:
        """Writes the whole value; returns it."""
        return self._changed(me, site, lambda: Variable.write(self, me, site, value))

    def read(self, me: Context, site: Site) -> Any:
        """Returns the whole value, never one from within an atomic step of another thread."""
        if me.atomic:
            return self.value
        with self._hidden:
            return self.value


class RealClock:
    """The clock of a run, which every reading asks."""

    kind = "clock"

    def __init__(self, label: str, cell: int, began_ns: Callable[[], int]) -> None:
        self.label = label
        self.cell = cell
        self._began_ns = began_ns

    def ns(self) -> int:
        """Returns the nanoseconds since the run began."""
        return perf_counter_ns() - self._began_ns()

    def now(self) -> float:
        """Returns the seconds since the run began."""
        return seconds(self.ns())


class RealSection:
    """A named region that counts the threads inside it."""

    kind = "section"

    def __init__(self, label: str, cell: int, hidden: threading.Lock, check: Check | None) -> None:
        self.label = label
        self.cell = cell
        self.inside = 0
        self._hidden = hidden
        self._check = check

    def enter(self, me: Context, site: Site) -> None:
        """Counts a thread in."""
        with self._hidden:
            self.inside += 1
            if self._check:
                self._check(me, site)

    def leave(self, me: Context, site: Site) -> None:
        """Counts a thread out."""
        with self._hidden:
            self.inside -= 1
            if self._check:
                self._check(me, site)
