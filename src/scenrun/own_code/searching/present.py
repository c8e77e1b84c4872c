"""The execution that goes on now: its threads, what they do, and what they share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from scenrun.own_code.running.execution import Execution
from scenrun.own_code.running.steps import Controlled
from scenrun.own_code.searching.body import Body


class Present(NamedTuple):
    """The execution that goes on, what its threads do, and what they share."""

    execution: Execution
    body: Body
    shared: Any
    first: int
    """The number of the first of its threads: the setup may have started some before."""

    @property
    def threads(self) -> Sequence[Controlled]:
        """The threads of the body."""
        return self.execution.threads[self.first : self.first + len(self.body.threads)]
