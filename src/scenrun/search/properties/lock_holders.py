"""Tracks the holders of locks and permits along a path, which the values of plain locks and semaphores do not record."""

from __future__ import annotations

from scenrun.model.machine import Machine, Transition
from scenrun.model.state import State
from scenrun.program.primitives.registry import KINDS

_LOCKS = frozenset(kind.name for kind in KINDS.values() if kind.is_held)


class Holders:
    """Follows a path from the initial state and keeps the threads that acquired each lock without releasing it."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self._held: dict[int, list[str]] = {}

    def held_by(self, slot: int) -> list[str]:
        """The names of the threads that hold an object, the first one first; none for a semaphore that starts at 0, a signal."""
        cells = self.machine.slots.cells
        if slot < len(cells) and cells[slot][0].options.get("value") == 0:
            return []
        return list(dict.fromkeys(self._held.get(slot, ())))

    def held(self, thread: str) -> list[str]:
        """The names of the objects that a thread holds."""
        return [self.machine.slots.label(slot) for slot, names in sorted(self._held.items()) if thread in names]

    def follow(self, before: State, transition: Transition, after: State) -> None:
        """Advance by one transition."""
        thread = before.threads[transition.thread]
        node = self.machine.node_of(thread)
        if node is None or transition.expires:
            return
        kind, _, operation = node.instruction.op.partition(".")
        name = thread.who.name
        if kind in _LOCKS and operation in ("acquire", "release"):
            slot = thread.slots[0]
            if before.cells[slot] != after.cells[slot]:
                for _ in range(thread.arguments[0] if operation == "release" and thread.arguments else 1):
                    (self._take if operation == "acquire" else self._give)(slot, name)
        elif kind == "condition" and operation == "wait" and thread.phase in (0, 2):
            slot = thread.slots[1]
            if before.cells[slot] != after.cells[slot]:
                if thread.phase == 0:
                    self._give_up(slot, name)
                for _ in range(thread.memo[0] if thread.phase else 0):  # as often as it was held before
                    self._take(slot, name)

    def _take(self, slot: int, name: str) -> None:
        self._held.setdefault(slot, []).append(name)

    def _give(self, slot: int, name: str) -> None:
        """Remove one holding of the releasing thread; if it has none, the oldest one of another thread."""
        names = self._held.get(slot, [])
        if name in names:
            names.remove(name)
        elif names:
            names.pop(0)

    def _give_up(self, slot: int, name: str) -> None:
        self._held[slot] = [other for other in self._held.get(slot, []) if other != name]
