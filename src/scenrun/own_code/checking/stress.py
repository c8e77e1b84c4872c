"""The same calls on real threads that nobody controls: for what cannot be controlled, and as a second look at what can.

Modules are as they are, without hooks. What a program shows depends on luck; so a program without a finding is no proof. When a
call began and returned is read from one counter, so that a history is never stricter than what happened.
"""

from __future__ import annotations

import importlib
import itertools
import queue
import sys
import threading
import time
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

from scenrun.errors import UsageError
from scenrun.own_code.histories.comparable import Numbers, comparable, raised, type_alone
from scenrun.own_code.histories.operations import Operation
from scenrun.own_code.searching.call_executions import CallProgram
from scenrun.own_code.searching.modules import Named
from scenrun.search.properties.linearizability import Call, History

PATIENCE_S = 2.0
"""Seconds for which the calls of a round are waited for. Those that have not returned then may wait, or be slow."""
SWITCH_S = 1e-6
"""The switch interval of the interpreter in a stress run."""


@dataclass(frozen=True, slots=True)
class Stressed:
    """What came of a program on real threads."""

    rounds: int
    histories: tuple[History, ...]
    """The different ones."""


def stressed(
    make: Callable[[], Any],
    program: CallProgram,
    rounds: int,
    by_type: Sequence[Hashable] = (),
    *,
    stop: Callable[[], bool],
) -> Stressed:
    """Run a program so often on real threads, each time with a new object.

    - by_type: the operations of whose results only the type is compared.
    - stop: asked before each round.
    """
    seen: dict[Hashable, History] = {}
    before = sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_S)
    done = 0
    try:
        for done in range(1, rounds + 1):  # noqa: B007
            if stop():
                break
            history = _Round(make(), program, frozenset(by_type)).run()
            seen.setdefault(history.shape, history)
            if history.final is None or any(not one.has_returned for one in history.calls):  # others would wait as long
                break
    finally:
        sys.setswitchinterval(before)
    return Stressed(done, tuple(seen.values()))


class _Round:
    """One run of a program."""

    def __init__(self, owner: Any, program: CallProgram, by_type: frozenset[Hashable]) -> None:
        self._owner = owner
        self._program = program
        self._by_type = by_type
        self._clock = itertools.count(1)  # one step of C code: no two threads get the same
        self._numbers = Numbers()
        self._lock = threading.Lock()
        self._calls: list[list[Any]] = []

    def run(self) -> History:
        """The history; what is left is not known where not all has returned in time."""
        alone = _Alone()
        if alone.made(self._set_up) is None:
            return History(())
        gate = threading.Barrier(len(self._program.threads))
        threads = [
            threading.Thread(target=self._client, args=(name, operations, gate), daemon=True)
            for name, operations in zip(self._program.names, self._program.threads, strict=True)
        ]
        for one in threads:
            one.start()
        until = time.monotonic() + PATIENCE_S
        for one in threads:
            one.join(max(0.0, until - time.monotonic()))
        has_ended = not any(one.is_alive() for one in threads)
        calls = tuple([self._call(*one) for one in self._calls])
        left = alone.made(self._left if has_ended else tuple)  # its thread ends with that
        return History(calls, final=left if has_ended else None)

    def _set_up(self) -> Hashable:
        return tuple([_made(self._owner, operation) is None for operation in self._program.setup])

    def _client(self, name: str, operations: Sequence[Operation], gate: threading.Barrier) -> None:
        gate.wait()
        for operation in operations:
            made = [name, operation, next(self._clock), None, None]
            self._calls.append(made)
            found = _made(self._owner, operation)
            made[3], made[4] = next(self._clock), found

    def _call(self, name: str, operation: Operation, began: int, ended: int | None, found: Any) -> Call:
        if ended is None:
            return Call(name, operation, began)
        return Call(name, operation, began, ended, self._compared(operation, found))

    def _compared(self, operation: Operation, found: Any) -> Hashable:
        if isinstance(found, _Raised):
            return raised(found.error)
        if operation in self._by_type:
            return type_alone(found)
        return comparable(found, self._numbers)

    def _left(self) -> Hashable:
        out = []
        for operation in self._program.finals:
            found = _made(self._owner, operation)
            out.append(raised(found.error) if isinstance(found, _Raised) else comparable(found, self._numbers))
        return tuple(out)


@dataclass(frozen=True, slots=True)
class _Raised:
    """An exception in place of a result."""

    error: Exception


class _Alone:
    """A thread that makes the calls before and after all others: one that waits for ever holds nobody up."""

    def __init__(self) -> None:
        self._asked: queue.SimpleQueue[Callable[[], Hashable]] = queue.SimpleQueue()
        self._came: queue.SimpleQueue[Hashable] = queue.SimpleQueue()
        threading.Thread(target=self._work, daemon=True).start()

    def _work(self) -> None:
        for _ in range(2):  # what comes before, and what comes after
            self._came.put(self._asked.get()())

    def made(self, do: Callable[[], Hashable]) -> Hashable:
        """What a function returns in this thread; None where it has not returned in time."""
        self._asked.put(do)
        try:
            return self._came.get(timeout=PATIENCE_S)
        except queue.Empty:
            return None


def _made(owner: Any, operation: Operation) -> Any:
    """What a call comes to."""
    try:
        return operation.on_plain(owner)
    except Exception as error:  # it is what the call came to
        return _Raised(error)


def maker(made_by: Named, arguments: Sequence[str]) -> Callable[[], Any]:
    """Makes objects of modules as they are; raises UsageError."""
    values, _ = Operation(made_by.name, tuple(arguments)).values
    try:
        found: Any = reduce(getattr, made_by.name.split("."), importlib.import_module(made_by.module))
    except (ImportError, AttributeError) as error:
        raise UsageError(f"`{made_by}` cannot be found: {error}") from None
    return lambda: found(*values)
