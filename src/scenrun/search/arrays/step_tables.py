"""The known transitions of each thread as tables: forwards, and backwards from the bits that they leave behind.

A transition is the same in all states that agree in the bits that it depends on. It changes no others, except those of threads
and cells that it makes, which were 0. So from the bits after it follows whether it may have led there.
"""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from scenrun.search.arrays.columns import Columns, Flags
from scenrun.search.arrays.key_table import KeyTable
from scenrun.search.space.layout import ThreadField
from scenrun.search.space.packed import Packed


class StepTable(KeyTable):
    """The known transitions of one thread, and what its places tell."""

    def __init__(self, packed: Packed, thread_field: ThreadField, count: int) -> None:
        """count: the number of columns of a state."""
        super().__init__(thread_field, count)
        self.packed = packed
        self.thread_field = thread_field
        self.is_needed: Flags = np.zeros(0, np.bool_)
        """By place, whether the program is not over while the thread is there."""
        self.is_in_loop: Flags = np.zeros(0, np.bool_)
        """By place, whether the thread's instruction is on a loop of its code."""
        self._refresh()
        self._add_known()

    def refresh(self) -> None:
        """Learn of new local states."""
        if len(self.is_needed) != len(self.thread_field.local_states):
            self._refresh()

    def _refresh(self) -> None:
        local_states, own = self.thread_field.local_states, self.thread_field.field.mask
        self.set_masks([own | (0 if one is None else one.mask) for one in local_states])
        self.is_needed = np.array([one is not None and not one.thread.who.daemon for one in local_states], np.bool_)
        nodes = [None if one is None else self.packed.machine.node_of(one.thread) for one in local_states]
        self.is_in_loop = np.array([node is not None and node.is_in_loop for node in nodes], np.bool_)

    def _add_known(self) -> None:
        """Add all transitions that the packed states know."""
        keys: list[int] = []
        changes: list[tuple[int, ...]] = []
        for place, local_state in enumerate(self.thread_field.local_states):
            own = place << self.thread_field.shift
            if local_state is None:
                keys.append(own)
                changes.append(())
                continue
            keys += [bits | own for bits in local_state.known]
            changes += local_state.known.values()
        self.add(keys, changes)

    def computed(self, states: list[int]) -> dict[int, tuple[int, ...]]:
        """The rows of some states, which have none: what each is for, and the XORs of its alternatives."""
        return {self._key_of(state): self.packed.changes_of(state, self.thread_field) for state in states}

    def _key_of(self, state: int) -> int:
        """The bits of a state that the thread's next step depends on."""
        thread_field = self.thread_field
        local_state = thread_field.local_states[state >> thread_field.shift & thread_field.mask]
        return state & (thread_field.field.mask | (0 if local_state is None else local_state.mask))


def over_of(tables: list[StepTable], columns: Columns) -> Flags:
    """For each state, whether main and every non-daemon thread have ended."""
    needed: Flags = np.zeros(len(columns[0]), np.bool_)
    for table in tables:
        needed |= table.is_needed.take(table.places(columns))
    return ~needed


Backwards = dict[int, dict[int, dict[int, list[int]]]]
"""By a thread's place after a step: by the bits of the step, by their values after it, the XORs."""


def backwards(thread_field: ThreadField) -> Backwards:
    """The known transitions of a thread by what they leave behind."""
    out: Backwards = defaultdict(lambda: defaultdict(lambda: defaultdict(list)))
    for place, local_state in enumerate(thread_field.local_states):
        if local_state is None:
            continue
        mask, own = local_state.mask | thread_field.field.mask, place << thread_field.shift
        for bits, changes in local_state.known.items():
            for change in changes:
                after = (bits | own) ^ change
                place_after = after >> thread_field.shift & thread_field.mask
                out[place_after][mask | change][after].append(change)
    return out


def tables_backwards(thread_field: ThreadField, count: int) -> list[KeyTable]:
    """The same as tables, as many as there are masks for one place."""
    known = backwards(thread_field)
    out = []
    for number in range(max(map(len, known.values()), default=0)):
        table = KeyTable(thread_field, count)
        chosen = {place: list(by_mask)[number] for place, by_mask in known.items() if number < len(by_mask)}
        own = thread_field.field.mask
        table.set_masks([chosen.get(place, own) for place in range(len(thread_field.local_states))])
        rows = [row for place, mask in chosen.items() for row in known[place][mask].items()]
        table.add([after for after, _ in rows], [changes for _, changes in rows])
        out.append(table)
    return out
