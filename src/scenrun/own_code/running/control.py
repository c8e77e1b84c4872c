"""Which execution goes on now: what hooks and primitives ask."""

from __future__ import annotations

import _thread
import gc
import sys
from collections.abc import Callable, Container, Set
from typing import Any

from scenrun.own_code.running.execution import Execution, Mark, Unwound
from scenrun.own_code.running.steps import Controlled

COLLECT_EVERY = 200
"""Executions between two collections of cycles."""
_ended = 0
"""How many executions have ended."""
_collects = True
"""Whether the collector of cycles was on before the current execution."""
current: Execution | None = None
"""The execution whose threads are controlled now; None: hooks let everything pass."""
watched: Execution | None = None
"""The same once it has threads: what is made before, nobody else can see, and what it touches need not be found out."""


def begin(
    files: Set[str] = frozenset(), marks: Container[Mark] = (), *, keeps: bool = True, with_gil: bool = False
) -> Execution:
    """A new execution, which is the current one. files, marks, keeps, with_gil: as for `Execution`.

    The collector of cycles is off while it lasts: finalizers of what an earlier one left would run in the midst of its steps.
    """
    global current, _collects
    _collects = gc.isenabled()
    gc.disable()
    current = Execution(files, marks, keeps=keeps, with_gil=with_gil, on_thread=_watch)
    return current


def _watch() -> None:
    """Have hooks find out what is touched, from the first thread on."""
    global watched
    watched = current


def end() -> None:
    """End the current execution."""
    global current, watched, _ended
    if current is None:
        return
    hook, sys.unraisablehook = sys.unraisablehook, _quiet(sys.unraisablehook)
    try:
        current.close()
    finally:
        sys.unraisablehook = hook
        current = watched = None
        if _collects:
            gc.enable()
    _ended += 1
    if not _ended % COLLECT_EVERY:
        gc.collect()


def pass_time(seconds: float) -> None:
    """Let virtual time pass where no thread is controlled: whoever waits there until some time comes to an end."""
    if current is not None:
        current.clock += seconds


def _quiet(hook: Callable[[Any], object]) -> Callable[[Any], object]:
    """A hook that does not tell of finalizers that the end of an execution has ended as well."""
    return lambda about: None if about.exc_type is Unwound else hook(about)


def here() -> tuple[Execution, Controlled] | None:
    """The current execution and the controlled thread that asks; None for any other thread."""
    if current is None:
        return None
    one = current.here()
    return None if one is None else (current, one)


def is_quiet() -> bool:
    """Whether the thread that asks is a controlled one that makes no steps for now."""
    one = None if current is None else current.by_ident.get(_thread.get_ident())
    return one is not None and one.is_quiet


def is_loaded(module: str) -> bool:
    """Whether a module is one of the present world's, compiled with hooks."""
    return module in loaded


loaded: dict[str, Any] = {}
"""The modules of the user's own that are loaded for the present execution, by name."""
