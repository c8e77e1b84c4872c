"""The base class of strategies that draw each schedule from a seed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Generic, TypeVar

from scenrun.search.strategies.executions import Executions
from scenrun.search.strategies.known_states import KnownStates

Known = TypeVar("Known")


class Policy(ABC, Generic[Known]):
    """Chooses the next step at each state of a schedule; what a schedule is, is independent of those walked before it."""

    learns = False
    """Whether the policy uses what it learnt from earlier schedules."""

    @abstractmethod
    def known(self, executions: Executions) -> KnownStates[Known]:
        """A cache of what this policy needs to know of a state; asked for again whenever states have become invalid."""

    @abstractmethod
    def walk(self, known: KnownStates[Known], state: int, seed: int, limit: int) -> tuple[int, int]:
        """Walk one schedule from a state, at most `limit` steps; returns the last state and the number of steps.

        Each state is looked up once, in the order of the walk.
        """

    def lesson(self) -> Any:
        """What was learnt so far; independent of the order in which schedules were walked."""
        return None

    def learn(self, lesson: Any) -> None:
        """Use the merged lesson of all processes."""

    def merged(self, one: Any, other: Any) -> Any:
        """Two lessons merged; None stands for no lesson."""
        return None
