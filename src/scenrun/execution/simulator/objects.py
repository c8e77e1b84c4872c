"""Simulated objects: their value, who waits at them, and their figures."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

from scenrun.program.findings import NOBODY
from scenrun.program.primitives.kinds import Kind
from scenrun.program.primitives.registry import KINDS
from scenrun.trace.histogram import Samples

FOLD_AT = 4_096
"""Samples that are kept before they are folded into a histogram."""
Line = OrderedDict[Any, None]
"""Threads that wait for the same, in the order in which they came."""


class Thing:
    """One shared object of a simulation."""

    __slots__ = ("beside", "cell", "label", "lines", "value", "waiting")
    kind: Kind
    is_shared = True
    """Whether others may have what they wait for, too, when one has just got it."""

    def __init__(self, label: str, cell: int, value: Any, beside: Any = None) -> None:
        self.label = label
        self.cell = cell
        self.value = value
        self.beside = beside
        self.waiting = 0
        """How many threads wait at it."""
        self.lines: dict[Any, Line] = {}

    def held_by(self) -> list[str]:
        """Who holds it, by name."""
        return []

    def noted(self, name: str, phase: int, outcome: Any, objects: tuple[Any, ...], me: Any, t: int) -> None:
        """One phase of an operation on it was done at `t`."""

    def waited_for(self, name: str, waited_ns: int | None) -> None:
        """An operation that may wait is over; None: it did not wait."""


class Lock(Thing):
    """A lock, a reentrant lock or a semaphore: how often it was taken, and for how long it was waited for and held."""

    __slots__ = ("contended", "held", "owner", "since_ns", "taken", "waited")

    def __init__(self, label: str, cell: int, value: Any) -> None:
        super().__init__(label, cell, value)
        self.taken = self.contended = 0
        self.waited = Samples()
        self.held = Samples()
        self.since_ns = 0
        self.owner: Any = NOBODY if value is True else None

    def noted(self, name: str, phase: int, outcome: Any, objects: tuple[Any, ...], me: Any, t: int) -> None:
        """It was taken, or given back."""
        if name == "acquire" and outcome.result:
            self.took(me, t)
        elif name == "release":
            me.held_ns = 0
            if self.is_free:
                me.held_ns = self.gave(t)

    @property
    def is_free(self) -> bool:
        """Whether it has no owner any more; of a semaphore nobody can tell."""
        if self.kind.name == "rlock":
            return self.value[0] is None
        return self.value is False

    def took(self, me: Any, t: int, times: int = 1) -> None:
        """A thread has it now."""
        self.taken += times
        if self.kind.name != "rlock" or self.value[1] == times:
            self.since_ns = t
        self.owner = me

    def gave(self, t: int) -> int:
        """It is free now; for how long it was held."""
        held_ns = t - self.since_ns
        self.held.add(held_ns)
        self.owner = None
        if len(self.held) > FOLD_AT:
            self.held.fold()
        return held_ns

    def waited_for(self, name: str, waited_ns: int | None) -> None:
        """Only who had to wait was in contention."""
        if name == "acquire" and waited_ns is not None:
            self.contended += 1
            _add(self.waited, waited_ns)

    def held_by(self) -> list[str]:
        """The owner's name; of a semaphore, who took a permit last."""
        if self.owner is None:
            return []
        name = getattr(self.owner, "name", self.owner)
        return [f"{name} (last)"] if self.kind.name.endswith("semaphore") else [name]

    def figures(self) -> dict[str, Any]:
        """The figures of the run's summary."""
        return {
            "kind": "semaphore" if self.kind.name == "semaphore" else self.kind.name,
            "acquisitions": self.taken,
            "contended": self.contended,
            "waited": self.waited.summary(),
            "held": self.held.summary(),
        }


class Waitable(Thing):
    """An event or a barrier: nobody's, and threads wait at it."""

    __slots__ = ("waited",)

    def __init__(self, label: str, cell: int, value: Any) -> None:
        super().__init__(label, cell, value)
        self.waited = Samples()

    def waited_for(self, name: str, waited_ns: int | None) -> None:
        """Every wait counts, also one that was over at once."""
        if name == "wait":
            _add(self.waited, waited_ns or 0)

    def figures(self) -> dict[str, Any]:
        """The figures of the run's summary."""
        return {"kind": self.kind.name, "waits": len(self.waited) + self.waited.count, "waited": self.waited.summary()}


class Pool(Thing):
    """A pool: how long tasks waited for a worker, and took."""

    __slots__ = ("queued", "served", "submitted", "tasks")

    def __init__(self, label: str, cell: int, value: Any) -> None:
        super().__init__(label, cell, value)
        self.submitted = 0
        self.queued = Samples()
        self.served = Samples()
        self.tasks: dict[int, Any] = {}
        """Tasks that have not ended, by number."""

    @property
    def max_workers(self) -> int:
        """How many tasks may run at once."""
        workers: int = self.value[3]
        return workers

    def unfinished(self) -> list[Any]:
        """Tasks that have not ended."""
        return [task for task in self.tasks.values() if not task.ended]

    def held_by(self) -> list[str]:
        """The tasks that have not ended."""
        return [task.name for task in self.unfinished()]

    def figures(self) -> dict[str, Any]:
        """The figures of the run's summary."""
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
    """The class of a kind's objects: it answers the kind's questions under their Python names."""
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
