"""The classes of simulated objects: each holds its value, the lines of waiting threads, and its figures."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from scenrun.program.findings import NOBODY
from scenrun.program.primitives.kinds import Kind
from scenrun.program.primitives.registry import KINDS, told_kind
from scenrun.trace.histogram import Samples

FOLD_AT = 4_096
"""Samples that are kept before they are folded into a histogram."""
Line = OrderedDict[Any, None]
"""Threads that wait in the same phase at the same object, in the order of their arrival."""


class Thing:
    """One shared object of a simulation."""

    __slots__ = ("beside", "cell", "label", "lines", "value", "waiting")
    kind: Kind
    is_shared = True
    """Whether further threads may be able to go on when one has just got what it waited for."""

    def __init__(self, label: str, cell: int, value: Any, beside: Any = None) -> None:
        self.label = label
        self.cell = cell
        self.value = value
        self.beside = beside
        self.waiting = 0
        """The number of threads that wait at the object."""
        self.lines: dict[Any, Line] = {}

    def held_by(self) -> list[str]:
        """Returns the names of the threads that hold the object."""
        return []

    def noted(self, name: str, phase: int, outcome: Any, objects: tuple[Any, ...], me: Any, t: int) -> None:
        """Called when one phase of an operation on the object was done at `t`."""

    def waited_for(self, name: str, waited_ns: int | None) -> None:
        """Called when an operation that may wait is over, with the time that it waited; None: it did not wait."""


class Lock(Thing):
    """A lock, a reentrant lock or a semaphore: counts acquisitions and measures waits and holds."""

    __slots__ = ("contended", "held", "owner", "since_ns", "taken", "waited")

    def __init__(self, label: str, cell: int, value: Any) -> None:
        super().__init__(label, cell, value)
        self.taken = self.contended = 0
        self.waited = Samples()
        self.held = Samples()
        self.since_ns = 0
        self.owner: Any = NOBODY if value is True else None

    def noted(self, name: str, phase: int, outcome: Any, objects: tuple[Any, ...], me: Any, t: int) -> None:
        """Counts an acquisition or a release."""
        if name == "acquire" and outcome.result:
            self.took(me, t)
        elif name == "release":
            me.held_ns = 0
            if self.is_free:
                me.held_ns = self.gave(t)

    @property
    def is_free(self) -> bool:
        """Whether the lock has no owner; always False for a semaphore, whose permits have none."""
        if self.kind.name == "rlock":
            return self.value[0] is None
        return self.value is False

    def took(self, me: Any, t: int, times: int = 1) -> None:
        """Notes that a thread has acquired the lock, `times` times at once."""
        self.taken += times
        if self.kind.name != "rlock" or self.value[1] == times:
            self.since_ns = t
        self.owner = me

    def gave(self, t: int) -> int:
        """Notes that the lock is free; returns how long it was held, in nanoseconds."""
        held_ns = t - self.since_ns
        self.held.add(held_ns)
        self.owner = None
        if len(self.held) > FOLD_AT:
            self.held.fold()
        return held_ns

    def waited_for(self, name: str, waited_ns: int | None) -> None:
        """Counts an acquisition as contended only if the thread had to wait."""
        if name == "acquire" and waited_ns is not None:
            self.contended += 1
            _add(self.waited, waited_ns)

    def held_by(self) -> list[str]:
        """Returns the owner's name; for a semaphore, the thread that acquired a permit last."""
        if self.owner is None:
            return []
        name = getattr(self.owner, "name", self.owner)
        return [f"{name} (last)"] if self.kind.name.endswith("semaphore") else [name]

    def figures(self) -> dict[str, Any]:
        """Returns the figures for the run's summary."""
        return {
            "kind": "semaphore" if self.kind.name == "semaphore" else self.kind.name,
            "acquisitions": self.taken,
            "contended": self.contended,
            "waited": self.waited.summary(),
            "held": self.held.summary(),
        }


class Waitable(Thing):
    """An object without an owner at which threads wait: an event, a condition or a barrier."""

    __slots__ = ("waited",)

    def __init__(self, label: str, cell: int, value: Any) -> None:
        super().__init__(label, cell, value)
        self.waited = Samples()

    def waited_for(self, name: str, waited_ns: int | None) -> None:
        """Counts every wait, including one that was over at once."""
        if name in ("wait", "leave", "result"):
            _add(self.waited, waited_ns or 0)

    def noted(self, name: str, phase: int, outcome: Any, objects: tuple[Any, ...], me: Any, t: int) -> None:
        """Counts the wait of whoever runs a barrier's action, which it ends by opening it."""
        if name == "open":
            _add(self.waited, 0)

    def figures(self) -> dict[str, Any]:
        """Returns the figures for the run's summary."""
        return {
            "kind": told_kind(self.kind.name),
            "waits": len(self.waited) + self.waited.count,
            "waited": self.waited.summary(),
        }


class Pool(Thing):
    """A pool: measures how long tasks waited for a worker and how long they ran."""

    __slots__ = ("_free", "_workers", "queued", "served", "submitted", "tasks")

    def __init__(self, label: str, cell: int, value: Any) -> None:
        super().__init__(label, cell, value)
        self.submitted = 0
        self.queued = Samples()
        self.served = Samples()
        self._free: list[str] = []
        """The workers that have no task; the one that had one last is the last."""
        self._workers = 0
        self.tasks: dict[int, Any] = {}
        """The tasks that have not ended, by number."""

    def worker(self) -> str:
        """Takes a worker for a task: a free one, or else a new one."""
        if self._free:
            return self._free.pop()
        self._workers += 1
        return f"{self.label}_{self._workers - 1}"

    def free(self, worker: str) -> None:
        """Takes a worker back."""
        self._free.append(worker)

    @property
    def max_workers(self) -> int:
        """The number of tasks that may run at once."""
        workers: int = self.value[3]
        return workers

    def unfinished(self) -> list[Any]:
        """Returns the tasks that have not ended."""
        return [task for task in self.tasks.values() if not task.ended]

    def held_by(self) -> list[str]:
        """Returns the names of the tasks that have not ended."""
        return [task.name for task in self.unfinished()]

    def figures(self) -> dict[str, Any]:
        """Returns the figures for the run's summary."""
        return {
            "kind": "pool",
            "tasks": self.submitted,
            "queued": self.queued.summary(),
            "served": self.served.summary(),
        }


def _add(samples: Samples, sample: int) -> None:
    samples.add(sample)
    if len(samples) > FOLD_AT:
        samples.fold()


def class_of(base: type[Thing], kind: str) -> type[Any]:
    """Makes the class of a kind's objects, with the kind's questions as methods and attributes under their Python names."""
    known = KINDS[kind]
    members: dict[str, Any] = {"__slots__": (), "kind": known, "__doc__": f"A simulated {kind}."}
    members["is_shared"] = kind != "lock"
    for question, answer in known.answers.items():
        if hasattr(base, question):
            continue
        ask = _asking(answer, known.beside == "pool")
        members[question] = property(ask) if question in known.attributes else ask
    return type(f"Simulated_{kind}", (base,), members)


def _asking(answer: Any, with_pool: bool) -> Any:
    if with_pool:
        return lambda self: answer(self.value, self.beside.value)
    return lambda self: answer(self.value)
