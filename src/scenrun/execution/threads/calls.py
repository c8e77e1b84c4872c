"""The calls of behaviours by real threads, of which a monitor finds out at once whether some order explains them."""

from __future__ import annotations

import threading
from typing import Any

from scenrun.execution.site import Site
from scenrun.execution.threads.context import Context
from scenrun.execution.threads.variables import Check
from scenrun.program.primitives import calls
from scenrun.program.primitives.kinds import Act


class RealCalls:
    """The calls of behaviours that an order must explain, in the order in which they begin and end."""

    kind = "calls"

    def __init__(
        self, label: str, cell: int, options: dict[str, Any], hidden: threading.Lock, check: Check | None
    ) -> None:
        self.label = label
        self.cell = cell
        self.value = calls.CALLS.initial(options)
        self._hidden = hidden
        self._check = check

    @property
    def explained(self) -> bool:
        """Whether some order explains the calls so far."""
        return calls.explained(self.value)

    def call(self, me: Context, site: Site, operation: str, arguments: Any) -> None:
        """A thread calls an operation."""
        self._made(me, site, calls.call, (operation, arguments))

    def finish(self, me: Context, site: Site, operation: str, result: Any, ended: str) -> None:
        """Its call has ended."""
        self._made(me, site, calls.finish, (operation, result, ended))

    def _made(self, me: Context, site: Site, act: Act, arguments: tuple[Any, ...]) -> None:
        with self._hidden:
            outcome = act((self.value,), id(me), arguments, None)
            assert outcome is not None
            (self.value,) = outcome.values
            if self._check:
                self._check(me, site)
