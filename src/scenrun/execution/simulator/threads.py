"""A simulated thread: its generator, its position, its wait and deadline, and its figures."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

from msgspec import Struct

from scenrun.execution.simulator.actions import Action, Phase
from scenrun.execution.simulator.objects import Thing
from scenrun.execution.site import Site
from scenrun.program.draws import Draws

Steps = Generator[int, tuple[int, int], None]
"""A thread's steps: sent (now, until), it runs until that moment or until it waits, and yields the time it reached."""


class ThreadIdentity(Struct, frozen=True):
    """What never changes of a thread, task or timer."""

    name: str
    group: str
    index: int
    """Its number in the group."""
    daemon: bool = False
    endless: bool = False


def _never(moments: tuple[int, int]) -> int:
    raise AssertionError("a thread that has not started, or has ended, does not move")


class SimulatedThread(Thing):
    """One thread, task or timer, which is also the object that other threads join."""

    __slots__ = (
        "_random", "action", "arguments", "atomic_steps", "code", "coming", "daemon", "deadline", "due_ns", "ended",
        "ended_ns", "endless", "fault", "given", "group", "has_begun", "held_ns", "index", "left_with", "memo",
        "messages", "moves", "number", "objects", "parked", "parks", "phase", "ready_ns", "resumed", "seed", "send", "since_ns",
        "site", "size", "slept_ns", "started_ns", "steps", "timer", "unshown", "waited_ns",
        "waited_total_ns", "wakes_ns", "worked_ns", "worker",
    )  # fmt: skip

    def __init__(
        self, identity: ThreadIdentity, code: int, seed: int, cell: int, value: Any, *, pool: Any = None
    ) -> None:
        super().__init__(identity.name, cell, value, pool)
        self.group = identity.group
        self.index = identity.index
        self.daemon = identity.daemon
        self.endless = identity.endless
        self.code = code
        self.seed = seed
        self.number = -1
        self.send: Callable[[tuple[int, int]], int] = _never
        """Resumes the thread with (now, until); returns the moment at which it stopped."""
        self._random: Draws | None = None
        self.worker: str | None = None
        """The worker of its pool that runs it, once one does."""
        self.given: tuple[Any, ...] = ()
        """The arguments that the starting thread passed."""
        self.site: Site | None = None
        """The instruction at which the thread waits, or waited last."""
        self.parked = False
        """Whether the thread waits: at an object, for a moment, or both."""
        self.coming: Any = None
        """The interrupts that are still to come in it, as `interrupts.Interruptible`; None where none may."""
        self.timer = self.wakes_ns = 0
        """The number of this thread's entry in the clock, 0 if it has none, and the moment of its last one."""
        self.deadline: int | None = None
        self.action: Action | None = None
        """The operation in which the thread waits or waited last."""
        self.phase: Phase | None = None
        """The phase in which the thread waits at objects; None while it sleeps or does not wait."""
        self.objects: tuple[Any, ...] = ()
        self.arguments: tuple[Any, ...] = ()
        self.memo: Any = None
        self.since_ns = 0
        """The time at which the wait began."""
        self.ready_ns = 0
        """The time at which the thread became ready."""
        self.has_begun = False
        self.ended = False
        self.fault: Any = None
        self.left_with: Any = None
        self.due_ns = 0
        """The virtual time that a failed step still costs."""
        self.resumed: tuple[int, int] | None = None
        """The values of (t, until) of an operation that ended with a fault, which cannot return them."""
        self.started_ns = self.ended_ns = 0
        self.waited_ns = self.held_ns = self.size = 0
        self.waited_total_ns = self.slept_ns = self.worked_ns = 0
        self.messages = self.unshown = self.steps = self.moves = self.parks = self.atomic_steps = 0

    @property
    def name(self) -> str:
        """The thread's name."""
        return self.label

    @property
    def random(self) -> Draws:
        """The thread's stream of random draws, made when it is first used."""
        if self._random is None:
            self._random = Draws(self.seed, self.label)
        return self._random

    @property
    def named(self) -> tuple[Any, ...]:
        """The objects that an operation on the thread names: itself, and for a task also its pool."""
        return (self,) if self.beside is None else (self, self.beside)

    def over(self) -> None:
        """Drops the generator of a thread that has ended, and with it the memory of its frame."""
        self.send = _never

    def __str__(self) -> str:
        return self.label

    __repr__ = __str__

    def __deepcopy__(self, memo: Any) -> SimulatedThread:
        return self
