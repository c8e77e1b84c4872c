"""Where lowering puts what is wrong with a file: certain problems, and doubts that other problems may explain."""

from __future__ import annotations

from scenrun.errors import Place, Problem


class Complaints:
    """Collects problems. A doubt (an unknown or unused name) counts only where the file is otherwise whole."""

    def __init__(self) -> None:
        self.certain: list[Problem] = []
        self.doubts: list[Problem] = []

    def refuse(self, place: Place | None, message: str) -> None:
        """Something is wrong, whatever else may be."""
        self.certain.append(Problem(place, message))

    def doubt(self, place: Place | None, message: str) -> None:
        """Something is wrong, unless it stems from a part of the file that could not be read."""
        self.doubts.append(Problem(place, message))
