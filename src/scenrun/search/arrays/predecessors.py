"""The known transitions backwards: the states from which a step leads to a given one."""

from __future__ import annotations

from collections.abc import Iterator

from scenrun.search.arrays.step_tables import backwards
from scenrun.search.space.packed import Packed


class Predecessors:
    """The predecessors of single states."""

    def __init__(self, packed: Packed) -> None:
        self.packed = packed
        self.computed = packed.computed
        """The transitions that were known when the tables were made."""
        self._tables = [backwards(thread_field) for thread_field in packed.thread_fields]

    def of(self, state: int) -> Iterator[int]:
        """The states from which a known step of a thread leads to this one; not all of them need be reachable."""
        for thread_field, table in zip(self.packed.thread_fields, self._tables, strict=True):
            place = state >> thread_field.shift & thread_field.mask
            for mask, by_bits in table.get(place, {}).items():
                for change in by_bits.get(state & mask, ()):
                    before = state ^ change
                    if not self.packed.is_over(before):
                        yield before
