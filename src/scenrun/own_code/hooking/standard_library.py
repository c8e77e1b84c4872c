"""Twins of the standard library's modules for threads: a few primitives are ours, all that is built on them is CPython's own.

`Condition`, `Semaphore`, `Event`, `Barrier` and `Timer` are compiled with hooks from the source of `threading`, and `queue` and
`concurrent.futures` as a whole: so what they do is what this Python's do, and each access in them is announced.
"""

from __future__ import annotations

import builtins
import importlib.util
import queue
import sys
import threading
import time
from collections import deque
from functools import partial
from itertools import count, islice
from logging import LogRecord
from types import CodeType, ModuleType
from typing import Any

from scenrun.own_code.hooking.compiling import instrumented, instrumented_classes
from scenrun.own_code.hooking.hook_names import HOOKS
from scenrun.own_code.hooking.instrument import Instrumenter
from scenrun.own_code.running import locks, primitives
from scenrun.own_code.running.execution import NotControlled, Unwound
from scenrun.own_code.running.notes import quietly

CLASSES = ("Condition", "Semaphore", "BoundedSemaphore", "Event", "BrokenBarrierError", "Barrier", "Timer")
"""The classes of `threading` that are compiled from its source."""
COMPILED = ("functools", "contextlib", "weakref", "queue", "concurrent.futures._base", "concurrent.futures.thread")
"""Modules that are compiled as a whole."""
USERS_OWN = "weakref"
"""A module of which only the user's own modules see the twin: when an object dies decides nothing in pools."""
FILL = "_scenrun_fill"
"""The name under which a twin keeps what fills it."""
_codes: dict[tuple[str, type[Instrumenter]], CodeType] = {}


class Twin(ModuleType):
    """A module that stands for one of the standard library; what fills it is called when it is first asked for something."""

    def __getattr__(self, name: str) -> Any:
        fill = self.__dict__.pop(FILL, None)
        if fill is not None:
            with quietly():
                fill()
            return getattr(self, name)
        if name.startswith("__"):
            raise AttributeError(name)
        raise NotControlled(f"{self.__name__}.{name} is not controlled in a search")


STATEFUL = "concurrent.futures.thread"
"""The module with a lock and a table of its own, which must be new for each execution."""


def twins(kind: type[Instrumenter] = Instrumenter) -> dict[str, Twin]:
    """Twins of all modules, by name. kind: what puts hooks into them."""

    def importing(name: str, globals: Any = None, locals: Any = None, fromlist: Any = (), level: int = 0) -> Any:
        if name in found and name != USERS_OWN and not level:
            return found[name if fromlist else name.partition(".")[0]]
        return builtins.__import__(name, globals, locals, fromlist, level)

    names = {**vars(builtins), **HOOKS, "__import__": importing}
    found: dict[str, Twin] = {
        "threading": _threading(names, kind),
        "time": _time(),
        "_queue": _queue(),
        "_thread": _thread(),
    }
    for name in COMPILED:
        module = found[name] = Twin(name)
        fill = partial(_compile, module, kind)
        module.__dict__.update({"__builtins__": names, "__package__": name.rpartition(".")[0], FILL: fill})
    futures, package = Twin("concurrent.futures"), Twin("concurrent")
    found |= {"concurrent.futures": futures, "concurrent": package}
    package.__dict__["futures"] = futures
    base, thread = found["concurrent.futures._base"], found[STATEFUL]
    futures.__dict__.update(
        {"_base": base, "thread": thread}
    )  # else `from concurrent.futures import _base` finds the real one
    futures.__dict__[FILL] = partial(_fill_futures, futures, base, thread)
    base.__dict__[FILL] = partial(_fill_base, base, kind)
    return found


def renew(found: dict[str, Twin], kind: type[Instrumenter] = Instrumenter) -> None:
    """Make what has a state of its own new."""
    assert found[STATEFUL].ThreadPoolExecutor  # it is filled
    exec(_codes[STATEFUL, kind], found[STATEFUL].__dict__)
    found["concurrent.futures"].__dict__["ThreadPoolExecutor"] = found[STATEFUL].ThreadPoolExecutor


def _compile(twin: Twin, kind: type[Instrumenter]) -> None:
    """Run a module that is compiled as a whole."""
    name = twin.__name__
    if (name, kind) not in _codes:
        _codes[name, kind] = instrumented(_source(name), _file(name), kind)
    twin.__dict__["__file__"] = _file(name)
    exec(_codes[name, kind], twin.__dict__)


def _fill_base(base: Twin, kind: type[Instrumenter]) -> None:
    _compile(base, kind)
    base.__dict__["id"] = primitives.number_of_object  # `wait` and `as_completed` take locks in the order of identities
    base.Future.__hash__ = primitives.number_of_object  # and go through sets of futures
    base.LOGGER.addFilter(_is_of_users)  # pools log whatever ends a worker, also the end of an execution


def _fill_futures(futures: Twin, base: Twin, thread: Twin) -> None:
    public = {name: getattr(base, name) for name in _FROM_BASE}
    futures.__dict__.update(public, ThreadPoolExecutor=thread.ThreadPoolExecutor)


_FROM_BASE = (
    "FIRST_COMPLETED", "FIRST_EXCEPTION", "ALL_COMPLETED", "CancelledError", "TimeoutError", "InvalidStateError",
    "BrokenExecutor", "Future", "Executor", "wait", "as_completed",
)  # fmt: skip


def _is_of_users(record: LogRecord) -> bool:
    """Whether a line of the log is not about a thread whose execution is over."""
    return not (record.exc_info and isinstance(record.exc_info[1], Unwound))


def _threading(names: dict[str, Any], kind: type[Instrumenter]) -> Twin:
    twin = Twin("threading")
    exits: list[Any] = []
    twin.__dict__.update(
        Lock=locks.Lock, RLock=locks.RLock, _RLock=locks.RLock, _PyRLock=locks.RLock,
        _CRLock=locks.RLock, _allocate_lock=locks.Lock, Thread=primitives.Thread, local=threading.local,
        current_thread=primitives.current_thread, currentThread=primitives.current_thread,
        get_ident=primitives.get_ident, get_native_id=primitives.get_ident, main_thread=threading.main_thread,
        TIMEOUT_MAX=threading.TIMEOUT_MAX, ThreadError=RuntimeError, ExceptHookArgs=threading.ExceptHookArgs,
        excepthook=threading.excepthook, _register_atexit=exits.append, _time=primitives.monotonic, _deque=deque,
        _islice=islice, _count=count, __builtins__=names, __file__=threading.__file__, __name__="threading",
    )  # fmt: skip
    if ("threading", kind) not in _codes:
        _codes["threading", kind] = instrumented_classes(_source("threading"), threading.__file__, CLASSES, kind)
    exec(_codes["threading", kind], twin.__dict__)
    return twin


def _time() -> Twin:
    twin = Twin("time")
    clocks = {"monotonic": primitives.monotonic, "perf_counter": primitives.perf_counter, "time": primitives.now}
    own = {
        "sleep": primitives.sleep,
        **clocks,
        **{f"{name}_ns": primitives.in_ns(clock) for name, clock in clocks.items()},
    }
    kept = (
        "strftime",
        "gmtime",
        "localtime",
        "mktime",
        "strptime",
        "asctime",
        "ctime",
        "struct_time",
        "timezone",
        "tzname",
    )
    twin.__dict__.update(own, **{name: getattr(time, name) for name in kept})
    return twin


def _queue() -> Twin:
    twin = Twin("_queue")
    twin.__dict__.update(Empty=queue.Empty, SimpleQueue=primitives.SimpleQueue)
    return twin


def _thread() -> Twin:
    twin = Twin("_thread")
    twin.__dict__.update(
        RLock=locks.RLock, allocate_lock=locks.Lock, get_ident=primitives.get_ident, TIMEOUT_MAX=threading.TIMEOUT_MAX,
        LockType=locks.Lock,
    )  # fmt: skip
    return twin


def _file(name: str) -> str:
    spec = importlib.util.find_spec(name)
    assert spec is not None
    return str(spec.origin)


def _source(name: str) -> str:
    loader: Any = (sys.modules.get(name) or importlib.import_module(name)).__loader__
    source = loader.get_source(name)
    if source is None:
        raise ImportError(f"there is no source of {name} in this Python")
    return str(source)
