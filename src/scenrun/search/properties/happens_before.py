"""Happens-before: the vector clocks of threads and objects along an execution, with rules for each kind of object.

The default is conservative: a step comes after all steps that changed its objects before. For kinds with a known
dependency there are fewer edges, which reveals more races: a semaphore's permit depends on releases, an item on its own
put, a put into a full queue on the get that made room, a result on the task's own end, a task's beginning on its
submission.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable
from typing import Any, NamedTuple

from msgspec import Struct, field

from scenrun.model.prepared_code import Node
from scenrun.model.state import BEGINNING, State, Thread
from scenrun.program.primitives.future import ENDED, is_over
from scenrun.program.primitives.kinds import Done, Outcome, Then
from scenrun.program.values import key

MAIN = "main"
"""The kind of main's last step, as main has no object of its own."""
Clock = dict[int, int]
"""A vector clock: for each thread number, how many of its steps happen before."""


class Step(NamedTuple):
    """A step of an execution, with the states before and after it."""

    me: int
    thread: Thread
    node: Node | None
    outcome: Outcome
    expires: bool
    before: State
    after: State

    @property
    def kind(self) -> str:
        """The kind of the step's object; for a thread's beginning or end, the kind of the thread."""
        if self.name in ("begin", "end") or self.node is None:
            return self.thread.who.kind or MAIN
        if self.node.is_held:
            return "future" if len(self.slots) > 1 else "spawned"
        return self.node.instruction.op.partition(".")[0]

    @property
    def name(self) -> str:
        """The name of the operation or question, without the kind."""
        if self.node is None:
            return "begin" if self.thread.pc == BEGINNING else "end"
        op = self.node.instruction.op
        return op if op == "atomic.begin" else op.partition(".")[2] or op

    @property
    def slots(self) -> tuple[int, ...]:
        """The slots of the objects that the step acts on."""
        return self.thread.slots

    @property
    def result(self) -> Any:
        """The operation's result; None where it did not complete."""
        return self.outcome.result if isinstance(self.outcome, Done) else None

    @property
    def is_done(self) -> bool:
        """Whether the operation completed, neither by time-out nor with a fault."""
        return isinstance(self.outcome, Done) and not self.expires

    @property
    def asks(self) -> bool:
        """Whether the step is a question: it reads its object for an expression."""
        return self.node is not None and self.node.answer is not None

    def changes(self, slot: int) -> bool:
        """Whether the step changes or makes an object."""
        return slot >= len(self.before.cells) or self.before.cells[slot] is not self.after.cells[slot]


class Line(Struct):
    """The clocks of a resource with `room` places, such as a bounded queue: entry `n` comes after the first `n - room` exits.

    Which exit freed which place is not known, so the clocks of the exits are accumulated.
    """

    room: int
    came: int = 0
    left: int = 0
    leavings: deque[Clock] = field(default_factory=deque)
    """The accumulated clocks after each of the latest exits; those that no later entry needs are dropped."""

    def leave(self, clock: Clock) -> None:
        """Record an exit by a step with this clock."""
        total = dict(self.leavings[-1]) if self.leavings else {}
        _join(total, clock)
        self.leavings.append(total)
        self.left += 1

    def come(self) -> Clock:
        """Record an entry; returns the clock of the exits that made room for it."""
        self.came += 1
        needed = self.came - self.room
        if needed <= 0 or not self.leavings:
            return {}
        while len(self.leavings) > 1 and self.left - len(self.leavings) + 1 < needed:
            self.leavings.popleft()
        return self.leavings[0]


class Order:
    """The vector clocks of an execution: one of every thread, and those that objects pass on."""

    def __init__(self) -> None:
        self._clocks: defaultdict[int, Clock] = defaultdict(dict)
        self._known: defaultdict[tuple[str, int], Clock] = defaultdict(dict)
        """By the kind of step that released the clock, and the object's slot."""
        self._items: defaultdict[int, list[tuple[Any, Clock]]] = defaultdict(list)
        """For each queue, its items, each with the clock of its put."""
        self._taken_by: defaultdict[tuple[int, int], int] = defaultdict(int)
        """For each object and thread, the items it has got without `task_done`, or the permits it has not released."""
        self._lines: dict[int, Line] = {}

    # --- a step

    def begin(self, step: Step) -> None:
        """Advance the thread's own time; an `atomic` comes after all `atomic` before it."""
        clock = self._clocks[step.me]
        clock[step.me] = clock.get(step.me, 0) + 1
        if step.name == "atomic.begin":
            self._take(step.me, "atomic", -1)

    def end(self, step: Step) -> None:
        """Join clocks by the rule of the step's kind; threads that it started come after it."""
        if step.name == "atomic.begin":
            self._give(step.me, "atomic", -1)
        elif step.kind != "variable":
            _RULES.get(step.kind, Order._plain)(self, step)
        for number in range(len(step.before.threads), len(step.after.threads)):
            _join(self._clocks[number], self._clocks[step.me])
            for slot in step.after.threads[number].who.slots[:1]:
                self._give(step.me, "changed", slot)

    def is_before(self, other: int, time: int, me: int) -> bool:
        """Whether the step of thread `other` at its own `time` happens before the current step of thread `me`."""
        return self._clocks[me].get(other, 0) >= time

    def time_of(self, me: int) -> int:
        """A thread's own time: the number of its steps so far."""
        return self._clocks[me][me]

    def _take(self, me: int, what: str, slot: int) -> None:
        _join(self._clocks[me], self._known[what, slot])

    def _give(self, me: int, what: str, slot: int) -> None:
        _join(self._known[what, slot], self._clocks[me])

    def _note(self, step: Step) -> None:
        """Record this step's clock for the objects that it changes, for steps that come after all their changes."""
        for slot in step.slots:
            if step.changes(slot):
                self._give(step.me, "changed", slot)

    # --- kinds

    def _plain(self, step: Step) -> None:
        """The default rule: the step comes after all steps that changed its objects."""
        for slot in step.slots:
            self._take(step.me, "changed", slot)
        self._note(step)

    def _section(self, step: Step) -> None:
        """Entering and leaving a section orders nothing; a question comes after all entries and exits."""
        if step.asks:
            self._take(step.me, "changed", step.slots[0])
        self._note(step)

    def _clock(self, step: Step) -> None:
        """Reading the clock orders nothing."""

    def _semaphore(self, step: Step) -> None:
        slot = step.slots[0]
        if step.name == "release" and step.is_done:
            self._released(step, slot)
        elif step.name == "acquire" and step.result:
            self._taken_by[slot, step.me] += 1
            self._take(step.me, "released", slot)
        else:
            self._take(step.me, "changed", slot)
        self._note(step)

    def _released(self, step: Step, slot: int) -> None:
        """The release of a bounded semaphore by a thread without enough permits comes after those that acquired them."""
        left = self._taken_by[slot, step.me] - step.thread.arguments[0]
        if left < 0 and step.kind == "bounded_semaphore":
            self._take(step.me, "changed", slot)
        self._taken_by[slot, step.me] = max(0, left)
        self._give(step.me, "released", slot)

    def _event(self, step: Step) -> None:
        """A step that finds the flag set comes after all `set`, one that finds it cleared after all `clear`."""
        slot = step.slots[0]
        if step.name in ("set", "clear"):
            self._give(step.me, step.name, slot)
        elif not step.expires:
            self._take(step.me, "set" if step.result else "clear", slot)

    def _timer(self, step: Step) -> None:
        """Cancelling a timer depends on no other step."""
        if step.name == "cancel":
            self._note(step)
        else:
            self._plain(step)

    # --- queues

    def _queue(self, step: Step) -> None:
        slot = step.slots[0]
        is_item = step.name in ("put", "get") and step.is_done
        if is_item:
            (self._put if step.name == "put" else self._got)(step, slot)
        elif step.name == "task_done" and step.is_done:
            self._dealt_with(step.me, slot)
        elif step.name == "join":
            self._take(step.me, "task_done", slot)
        else:
            self._take(step.me, "changed", slot)
        self._note(step)

    def _dealt_with(self, me: int, slot: int) -> None:
        """A `task_done` for an item that its thread did not get comes after all puts."""
        if not self._taken_by[slot, me]:
            self._take(me, "put", slot)
        self._taken_by[slot, me] = max(0, self._taken_by[slot, me] - 1)
        self._give(me, "task_done", slot)

    def _put(self, step: Step, slot: int) -> None:
        maxsize = step.before.cells[slot][2]
        if maxsize > 0:
            _join(self._clocks[step.me], self._line(slot, maxsize).come())
        self._give(step.me, "put", slot)
        self._items[slot].append((key(step.thread.arguments[0]), dict(self._clocks[step.me])))

    def _got(self, step: Step, slot: int) -> None:
        _, _, maxsize, order, _ = step.before.cells[slot]
        self._taken_by[slot, step.me] += 1
        items = self._items[slot]
        if order == "priority":  # which of several equal items it was is not known: all count
            at = [number for number, (item, _) in enumerate(items) if item == key(step.result)]
        else:
            at = [0 if order == "fifo" else len(items) - 1]
        for number in at:
            _join(self._clocks[step.me], items[number][1])
        if at:
            del items[at[0]]
        if maxsize > 0:
            self._line(slot, maxsize).leave(self._clocks[step.me])

    def _line(self, slot: int, room: int) -> Line:
        if slot not in self._lines:
            self._lines[slot] = Line(room)
        return self._lines[slot]

    # --- pools and tasks

    def _pool(self, step: Step) -> None:
        pool = step.slots[-1]
        if step.name == "submit":
            if not step.is_done:
                self._take(step.me, "shut", pool)
        elif isinstance(step.outcome, Then):
            self._shut(step, pool)
        else:
            if step.thread.phase == 0:
                self._shut(step, pool)
            if step.thread.phase > 0:
                self._take(step.me, "ended", pool)
                self._take(step.me, "cancelled", pool)

    def _exit(self, step: Step) -> None:
        """Main's end shuts pools: a later submission that a pool refuses comes after it."""
        for slot in step.slots:
            self._give(step.me, "shut", slot)

    def _shut(self, step: Step, pool: int) -> None:
        self._give(step.me, "shut", pool)
        if step.before.cells[pool][0] != step.after.cells[pool][0]:
            self._give(step.me, "cancelled", pool)

    def _task(self, step: Step) -> None:
        """Steps of a task or future; the second object is its pool."""
        me = step.me
        if step.name in ("wait", "next"):
            for task, pool in zip(step.slots[::2], step.slots[1::2], strict=True):
                if is_over(step.before.cells[task]):
                    self._asked(step, task, pool)
            return
        task, pool = step.slots
        if step.name == "begin":
            self._begun(step, task, pool)
        elif step.name == "end":
            self._give(me, "changed", task)
            self._give(me, "ended", pool)
            self._line(pool, step.before.cells[pool][3]).leave(self._clocks[me])
        elif step.name in ("cancel", "withdraw"):
            if step.name == "withdraw" or not step.result:
                self._asked(step, task, pool)
            self._give(me, "cancelled", pool)
        elif step.name in ("add_callback", "finish"):
            self._asked(step, task, pool)
            self._give(me, "changed", task)
        elif step.name == "start":
            self._started(step, task, pool)
        elif not step.expires:
            self._asked(step, task, pool)

    def _started(self, step: Step, task: int, pool: int) -> None:
        if not step.is_done:
            self._take(step.me, "changed", task)
            self._take(step.me, "shut", pool)
        self._give(step.me, "changed", task)

    def _begun(self, step: Step, task: int, pool: int) -> None:
        """A task begins after its submission, after the tasks begun before it, and after the end that freed its worker."""
        self._take(step.me, "cancelled", pool)
        if step.result:
            self._take(step.me, "begun", pool)
            _join(self._clocks[step.me], self._line(pool, step.before.cells[pool][3]).come())
            self._give(step.me, "begun", pool)
        self._give(step.me, "changed", task)

    def _asked(self, step: Step, task: int, pool: int) -> None:
        self._take(step.me, "changed", task)
        if step.before.cells[task][0] != ENDED:
            self._take(step.me, "cancelled", pool)


_RULES: dict[str, Callable[[Order, Step], None]] = {
    "section": Order._section,
    "calls": Order._section,
    "clock": Order._clock,
    "semaphore": Order._semaphore,
    "bounded_semaphore": Order._semaphore,
    "event": Order._event,
    "timer": Order._timer,
    "queue": Order._queue,
    "simple_queue": Order._queue,
    "pool": Order._pool,
    "task": Order._task,
    "future": Order._task,
    MAIN: Order._exit,
}
"""The kinds with a rule of their own; others follow `_plain`."""


def _join(clock: Clock, other: Clock) -> None:
    for thread, time in other.items():
        if clock.get(thread, 0) < time:
            clock[thread] = time
