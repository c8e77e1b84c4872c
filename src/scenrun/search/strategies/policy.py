"""The base class of randomized policies, each of which walks one schedule from a seed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Generic, TypeVar

from scenrun.search.space.packed import Packed
from scenrun.search.strategies.remembered import Remembered

Known = TypeVar("Known")


class Policy(ABC, Generic[Known]):
    """Chooses the next step in each state of a schedule; `remembered` is called again whenever states are packed anew."""

    learns = False
    """Whether the policy uses what it learnt from earlier schedules."""

    @abstractmethod
    def remembered(self, packed: Packed) -> Remembered[Known]:
        """A cache of what this policy needs to know of a state. States that were packed earlier are invalid from then on."""

    @abstractmethod
    def walk(self, known: Remembered[Known], state: int, seed: int, limit: int) -> tuple[int, int]:
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
