"""Tries each operation alone: only those are checked that end, and that do the same each time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from scenrun.own_code.checking.subject import LeftOut
from scenrun.own_code.histories.comparable import Raised, Thing
from scenrun.own_code.histories.operations import Operation
from scenrun.own_code.running.execution import Uncontrolled
from scenrun.own_code.searching.alone import Alone, Came, Order, Unclear
from scenrun.own_code.searching.body import Different
from scenrun.search.properties.linearizability import BLOCKS

MEMORY = 200
"""Objects that are made between two tries, and kept."""
OUTSIDE = (
    "open()",
    "io.",
    "_io.",
    "socket.",
    "subprocess.",
    "os.",
    "shutil.",
    "tempfile.",
    "_posixsubprocess",
    "sqlite3.",
    "select.",
)
"""What is not announced and shows that something outside of the process is touched."""


@dataclass(frozen=True, slots=True)
class Probed:
    """The operations that are checked, and what is known of them."""

    kept: tuple[Operation, ...]
    left_out: tuple[LeftOut, ...]
    readers: frozenset[Operation]
    """Those that change nothing that the others show."""
    waiting: frozenset[Operation]
    """Those that wait for ever where one thread calls them first."""
    filling: Operation | None
    """One that changes what the others show, and so makes an object that is not empty."""

    @property
    def finals(self) -> tuple[Operation, ...]:
        """Calls that show what is left: first those that only look, then the others, twice, as one may take an item."""
        looking = [one for one in self.kept if one in self.readers]
        taking = [one for one in self.kept if one not in self.readers and one not in self.waiting]
        return (*looking, *taking, *taking, *looking)


def probed(alone: Alone, operations: Sequence[Operation]) -> Probed:
    """Try them. alone: runs them without final calls."""
    kept: list[Operation] = []
    left_out: list[LeftOut] = []
    first: dict[Operation, Came] = {}
    for one in operations:
        came = _tried(alone, one)
        if isinstance(came, str):
            left_out.append(LeftOut(str(one), came))
        else:
            kept.append(one)
            first[one] = came
    waiting = frozenset(one for one in kept if first[one].results[-1] is BLOCKS)
    readers = frozenset(one for one in kept if one not in waiting and _changes_nothing(alone, one, kept, first))
    filling = next(
        (one for one in kept if one not in readers | waiting and not isinstance(first[one].results[-1], Raised)), None
    )
    return Probed(tuple(kept), tuple(_merged(left_out)), readers, waiting, filling)


def in_order(*operations: Operation) -> Order:
    """Calls that one thread makes one after another."""
    return tuple([("a", one) for one in operations])


def _tried(alone: Alone, one: Operation) -> Came | str:
    """What an operation comes to alone, or why it is left out."""
    before = dict(alone.unaccounted)
    try:
        first = alone.run(in_order(one))
        taken = [object() for _ in range(MEMORY)]  # so that objects that are made again have other identities
        second = alone.run(in_order(one))
        del taken
    except (Unclear, Uncontrolled, Different) as error:
        return f"alone, {error}"
    touched = [name for name in alone.unaccounted if name not in before and name.startswith(OUTSIDE)]
    if touched:
        return f"it uses {touched[0].partition(' (')[0]}, which is outside of what can be searched"
    if first != second:
        return "it gives something else each time, also alone"
    came = next(iter(first))
    result = came.results[-1]
    if isinstance(result, Thing) and result.of == "_GeneratorContextManager":
        return "it gives a context manager, which nobody enters"
    if one.is_property and isinstance(result, Raised) and result.error == "AttributeError":
        return "there is no such attribute"
    if isinstance(result, Raised) and result.error in ("TypeError", "NotImplementedError"):
        said = f": {result.said[0]}" if isinstance(result.said, tuple) and result.said else ""
        hint = "" if one.arguments or one.by_name else f'; give its arguments, such as --op "{one.name}(1)"'
        return f"alone, it raises {result.error}{said}{hint}"
    return came


def _changes_nothing(alone: Alone, one: Operation, kept: Sequence[Operation], first: dict[Operation, Came]) -> bool:
    """Whether each operation shows the same after another one as alone."""
    return all(
        all(
            came.results[-1] == first[other].results[-1]
            for came in alone.came_of(in_order(one, other))
            if len(came.results) == 2
        )
        for other in kept
    )


def _merged(left_out: Sequence[LeftOut]) -> list[LeftOut]:
    """Those of one method that are left out for the same reason, once."""
    by: dict[tuple[str, str], LeftOut] = {}
    for one in left_out:
        by.setdefault((one.name.partition("(")[0], one.why), one)
    return list(by.values())
