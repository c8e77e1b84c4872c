"""A work queue for `ThreadPoolExecutor` that gives a task to a worker only when its turn to begin has come."""

from __future__ import annotations

import queue
import threading
from collections import deque
from typing import Any

from scenrun.execution.replay.baton import Baton
from scenrun.execution.threads.context import current_or_none
from scenrun.execution.threads.pools import submitted_context
from scenrun.model.state import BEGINNING


class WorkQueue:
    """Replaces the `SimpleQueue` inside a `ThreadPoolExecutor`; a None wakes a worker to check for a shutdown."""

    def __init__(self, baton: Baton, *, keeps_cancelled: bool = False) -> None:
        """keeps_cancelled: whether a task that is cancelled waits for its worker, so that those who wait for it are told."""
        self.baton = baton
        self._keeps_cancelled = keeps_cancelled
        self._changed = threading.Condition()
        self._line: deque[Any] = deque()
        self._begun: deque[Any] = deque()
        """Tasks whose turn has come and which no worker has taken yet."""
        self._names: dict[int, str] = {}
        """By the identities of cancelled tasks that are given to a worker, their names."""
        self._taken = threading.local()
        """The name of the cancelled task that a worker was given last."""
        self._nones = 0
        self._workers = 0
        """The number of workers that wait for work."""
        baton.when_free.append(self._look_up)

    def put(self, item: Any) -> None:
        """Adds a task, or a None."""
        with self._changed:
            if item is None:
                self._nones += 1
            else:
                self._line.append(item)
            self._changed.notify_all()
        if item is not None:
            item.future.add_done_callback(lambda _: self._look_up())  # a cancelled task needs no worker any more
            name = submitted_context().name
            self.baton.queued(name, lambda: self._begin(item, name), BEGINNING, lambda: self._is_taken(item))

    def _is_taken(self, item: Any) -> bool:
        """Whether a worker takes it though it may have been cancelled."""
        with self._changed:
            return self._keeps_cancelled and item in self._line

    def _begin(self, item: Any, name: str) -> None:
        with self._changed:
            if item.future.cancelled():
                self._names[id(item)] = name
            self._line.remove(item)
            self._begun.append(item)
            self._changed.notify_all()

    def _look_up(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def get(self, block: bool = True) -> Any:
        """Called by an idle worker: blocks for the task that begins next, or a None."""
        me = current_or_none()
        if me is not None:  # the worker's last task: only now that the worker is free has it ended for the others
            self.baton.left(me.name)
        if (name := getattr(self._taken, "name", None)) is not None:  # those who wait for it have been told
            self._taken.name = None
            self.baton.left(name)
        with self._changed:
            self._workers += 1
            while not self._has_some():
                self._changed.wait()
            self._workers -= 1
            return self._next()

    def get_nowait(self) -> Any:
        """Called by a worker after a task, and by a thread that shuts the pool down and cancels the queued tasks."""
        me = current_or_none()
        with self._changed:
            if self.baton.is_free or (me is not None and not me.ended):
                if not self._line:
                    raise queue.Empty
                return self._line.popleft()
            is_needed = len(self._waiting()) + len(self._begun) > self._workers or self._nones
        if not is_needed:
            raise queue.Empty
        return self.get()

    def _waiting(self) -> list[Any]:
        """Returns the queued tasks that a worker must still take."""
        return [item for item in self._line if self._keeps_cancelled or not item.future.cancelled()]

    def _has_some(self) -> bool:
        if self._begun or (self.baton.is_free and self._line):
            return True
        return bool(self._nones) and self._workers > len(self._waiting())

    def _next(self) -> Any:
        for ready in (self._begun, self._line if self.baton.is_free else ()):
            if ready:
                item = ready.popleft()
                self._taken.name = self._names.pop(id(item), None)
                return item
        self._nones -= 1
        return None
