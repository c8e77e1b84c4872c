"""Shared variables, and the one hidden lock that makes `atomic` and `always` exact."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from scenrun.execution.site import Site
from scenrun.execution.threads.context import Context
from scenrun.program import values

Check = Callable[[Context, Site], None]
"""Looks at the `always` expectations that name a variable, after a step changed it."""


class Variable:
    """A shared variable that no `atomic` and no `always` names: a read and a write are what Python does."""

    kind = "variable"

    def __init__(self, label: str, cell: int, initial: Any) -> None:
        self.label = label
        self.cell = cell
        self.value = initial
        self._changing = threading.Lock()

    def append(self, me: Context, site: Site, item: Any) -> None:
        """Add an item, as one step."""
        self.extend(me, site, (), item)

    def extend(self, me: Context, site: Site, path: Any, item: Any) -> None:
        """Add an item to a list inside."""
        with self._changing:
            self.value = values.appended(self.value, path, item)

    def pop(self, me: Context, site: Site, at: Any) -> Any:
        """Take an item out, as one step."""
        return self.remove(me, site, (), at)

    def remove(self, me: Context, site: Site, path: Any, at: Any) -> Any:
        """Take an item out of a list or mapping inside."""
        with self._changing:
            self.value, item = values.popped(self.value, path, at)
        return item

    def assign(self, me: Context, site: Site, path: Any, value: Any) -> None:
        """Write an item, as one step."""
        with self._changing:
            self.value = values.assigned(self.value, path, value)

    def write(self, me: Context, site: Site, value: Any) -> Any:
        """Write the whole, not between the two halves of a step that changes a part; gives what the log shows."""
        with self._changing:
            self.value = value
        return value

    def read(self, me: Context, site: Site) -> Any:
        """Read the whole."""
        return self.value


class GuardedVariable(Variable):
    """A variable that an `atomic` or an `always` names: every access takes the hidden lock, unless it is held already."""

    def __init__(self, label: str, cell: int, initial: Any, hidden: threading.Lock, check: Check | None) -> None:
        super().__init__(label, cell, initial)
        self._hidden = hidden
        self._check = check

    def _changed(self, me: Context, site: Site, change: Callable[[], Any]) -> Any:
        if me.atomic:
            return change()  # looked at when the atomic step ends
        with self._hidden:
            result = change()
            if self._check:
                self._check(me, site)
        return result

    def extend(self, me: Context, site: Site, path: Any, item: Any) -> None:
        """Add an item to a list inside."""
        self._changed(me, site, lambda: Variable.extend(self, me, site, path, item))

    def remove(self, me: Context, site: Site, path: Any, at: Any) -> Any:
        """Take an item out of a list or mapping inside."""
        return self._changed(me, site, lambda: Variable.remove(self, me, site, path, at))

    def assign(self, me: Context, site: Site, path: Any, value: Any) -> None:
        """Write an item."""
        self._changed(me, site, lambda: Variable.assign(self, me, site, path, value))

    def write(self, me: Context, site: Site, value: Any) -> Any:
        """Write the whole; gives what the log shows."""
        return self._changed(me, site, lambda: Variable.write(self, me, site, value))

    def read(self, me: Context, site: Site) -> Any:
        """Read the whole, never between the steps of an atomic one."""
        if me.atomic:
            return self.value
        with self._hidden:
            return self.value


class RealSection:
    """A named region: how many threads are in it."""

    kind = "section"

    def __init__(self, label: str, cell: int, hidden: threading.Lock, check: Check | None) -> None:
        self.label = label
        self.cell = cell
        self.inside = 0
        self._hidden = hidden
        self._check = check

    def enter(self, me: Context, site: Site) -> None:
        """One thread more."""
        with self._hidden:
            self.inside += 1
            if self._check:
                self._check(me, site)

    def leave(self, me: Context, site: Site) -> None:
        """One thread less."""
        with self._hidden:
            self.inside -= 1
            if self._check:
                self._check(me, site)
