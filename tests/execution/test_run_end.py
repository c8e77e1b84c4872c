"""A run is over when everybody has ended whom anybody has started, also while the supervisor was looking."""

from __future__ import annotations

from typing import Any

from scenrun.execution.threads.context import Context
from scenrun.execution.threads.run import Run
from scenrun.execution.threads.supervisor import Supervisor
from scenrun.program.loaded import load


class _StartsAnother(Context):
    """Starts a thread and ends at the worst moment: between the look at who is there and the look at who has ended."""

    __slots__ = ("run",)

    @property
    def ended(self) -> bool:  # type: ignore[override]
        """Asked for the first time, it starts a thread."""
        if len(self.run.contexts) == 1:
            self.run.contexts.append(Context("late", "late", 0, 0, 0))
        return True

    @ended.setter
    def ended(self, value: bool) -> None:
        pass


def test_a_thread_started_during_the_look_is_waited_for() -> None:
    """Main has ended by then, and the new thread has not."""
    run: Any = Run(load({"scenario": "s", "main": [{"log": "a"}]}).program, 0, 20)
    main = _StartsAnother("main", "main", 0, 0, 0)
    main.run = run
    run.contexts.append(main)
    supervisor = Supervisor(run, None, lambda: None, 10**9)  # type: ignore[arg-type]
    assert not supervisor._is_over()
    assert not supervisor._is_over()
    run.contexts[1].ended = True
    assert supervisor._is_over()
