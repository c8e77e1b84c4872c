"""What every policy that draws its schedules by chance has in common: it walks one schedule to its end, from a seed."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, Generic, TypeVar

from scenrun.search.space.packed import Packed
from scenrun.search.strategies.remembered import Remembered

Known = TypeVar("Known")


class Policy(ABC, Generic[Known]):
    """Chooses the next step in a state. It is told when packed states have come to mean something else."""

    learns = False
    """Whether schedules go better for what earlier ones have shown."""

    @abstractmethod
    def remembered(self, packed: Packed) -> Remembered[Known]:
        """What this policy wants to know of states. Whatever was packed before means nothing any more."""

    @abstractmethod
    def walk(self, known: Remembered[Known], state: int, seed: int, limit: int) -> tuple[int, int]:
        """Walk one schedule from a state on, up to so many steps: the last state, and the number of steps.

        Each state is looked up once, in the order of the walk.
        """

    def lesson(self) -> Any:
        """What was learnt so far; the same whatever the order in which schedules were walked."""
        return None

    def learn(self, lesson: Any) -> None:
        """Take over what all processes have learnt together."""

    def merged(self, one: Any, other: Any) -> Any:
        """Two lessons as one; None is none."""
        return None
