"""Which names of a scenario a Python script can keep, and what the others are called in it."""

from __future__ import annotations

import builtins
import keyword
from collections.abc import Iterable, Iterator

MODULES = (
    "atexit", "concurrent", "copy", "functools", "itertools", "logging", "os", "queue", "random", "signal", "threading",
    "time",
)  # fmt: skip
"""The modules that a script may import."""
_TAKEN = frozenset((*MODULES, *keyword.kwlist, *dir(builtins)))


class Identifiers:
    """The names of one scope of a script: a name that is taken gets an underscore, or a number."""

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._taken = {*_TAKEN, *taken}

    def new(self, wanted: str) -> str:
        """A name that nothing else has: the one wanted, if it is free."""
        name, number = wanted, 1
        while name in self._taken:
            number += 1
            name = f"{wanted}_" if wanted in _TAKEN and number == 2 else f"{wanted}_{number}"
        self._taken.add(name)
        return name

    def __iter__(self) -> Iterator[str]:
        return iter(self._taken)
