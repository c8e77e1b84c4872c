"""The states that a search has visited, and its figures: what properties and results ask of them, however they are kept."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from scenrun.search.space.state_space import StateSpace


class Space(ABC):
    """The states that a search has visited, in the order of the search: each level after those nearer to the initial state."""

    def __init__(self) -> None:
        self.transitions = 0
        self.depth = 0
        self.bound: str | None = None
        """The limit that ended the search, in words; None for a closed search."""
        self.is_full = False
        """Whether it was the limit of states that ended the search."""
        self.growth: float | None = None
        """The number of states of the last level, as a multiple of the one before."""
        self.has_cycles = True
        """Whether an execution may go on for ever, as far as is known; False where it is known that none does."""
        self.seconds = 0.0
        self.interrupted: str | None = None
        """The reason with which `look` ended the search, such as a signal."""
        self.bytes = 0
        """The highest resident memory of this process observed during the search."""
        self.taken: Callable[[int], Sequence[int]] | None = None
        """For a reduced search, the successors of a state that it explored."""

    @property
    def is_closed(self) -> bool:
        """Whether the search covered everything."""
        return self.bound is None

    @abstractmethod
    def __len__(self) -> int:
        """The number of visited states."""

    @abstractmethod
    def __iter__(self) -> Iterator[int]:
        """The visited states, in the order of the search."""

    @abstractmethod
    def __contains__(self, state: object) -> bool:
        """Whether a state was visited."""

    @abstractmethod
    def path_to(self, state: int) -> list[int]:
        """The states on a shortest path from the initial state to this one."""

    @abstractmethod
    def ends_from(self, number: int, slots: Iterable[int]) -> tuple[Sequence[int], int]:
        """The terminal states from the one with this number on, and the number of the next one that may come.

        A state is terminal where no transition is enabled, or main and every non-daemon thread have ended. Of those that
        agree in the cells `slots`, in the broken expectations and in all threads, only one need be among them.
        """

    @abstractmethod
    def first_like(self, state: int, mask: int) -> int | None:
        """The first visited state that agrees with this one in the bits of a mask; None where there is none."""

    @abstractmethod
    def first_of(self, states: Iterable[int]) -> int:
        """The one of some visited states that was visited first."""

    def at_places(self, space: StateSpace, places: Sequence[set[int]]) -> Iterator[int]:
        """The states in which some thread is at one of its places (see `StateSpace.at_places`)."""
        return space.at_places(self, places)

    def first_of_each(self, space: StateSpace, classes: Mapping[int, Mapping[int, int]]) -> Iterator[int]:
        """The first of the states in which all threads are at places of the same classes (see `StateSpace.first_of_each`)."""
        return space.first_of_each(self, classes)


class LinkedSpace(Space):
    """States that are kept one by one, each with its predecessor."""

    def __init__(self) -> None:
        super().__init__()
        self.parents: dict[int, int | None] = {}
        """Each state with its predecessor on the first path to it; None for the initial state."""
        self.terminal: list[int] = []
        """The terminal states."""

    def __len__(self) -> int:
        return len(self.parents)

    def __iter__(self) -> Iterator[int]:
        return iter(self.parents)

    def __contains__(self, state: object) -> bool:
        return state in self.parents

    def path_to(self, state: int) -> list[int]:
        """The states on the path from the initial state to this one."""
        path = [state]
        while (before := self.parents[path[-1]]) is not None:
            path.append(before)
        return path[::-1]

    def ends_from(self, number: int, slots: Iterable[int]) -> tuple[Sequence[int], int]:
        """The terminal states from the one with this number on, and their number."""
        return self.terminal[number:], len(self.terminal)

    def first_like(self, state: int, mask: int) -> int | None:
        """The first visited state that agrees with this one in the bits of a mask."""
        if state in self.parents:
            return state
        return next((one for one in self.parents if not (one ^ state) & mask), None)

    def first_of(self, states: Iterable[int]) -> int:
        """The one of some visited states that was visited first."""
        wanted = frozenset(states)
        return next(one for one in self.parents if one in wanted)
