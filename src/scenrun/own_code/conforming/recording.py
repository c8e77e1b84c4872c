"""Records what the threads of an execution call on the shared objects that are compared, and what comes of it."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from functools import wraps
from typing import Any

from scenrun.errors import UsageError
from scenrun.own_code.conforming.events import ANYTHING, Began, Call, Came, Event, Returned, plain
from scenrun.own_code.histories.recorder import Moments
from scenrun.own_code.running.execution import Execution
from scenrun.own_code.searching.call_executions import PASSING
from scenrun.own_code.telling.labels import thread_name

_LOCK = {"acquire": "acquire", "release": "release"}
_SEMAPHORE = {**_LOCK, "__enter__": "acquire"}
_QUEUE = {"put": "put", "get": "get", "task_done": "task_done", "join": "join"}
METHODS: dict[str, dict[str, str]] = {
    "lock": _LOCK, "rlock": _LOCK, "semaphore": _SEMAPHORE, "bounded_semaphore": _SEMAPHORE,
    "condition": {"wait": "wait", "notify": "notify", "notify_all": "notify_all"},
    "event": {"set": "set", "clear": "clear", "wait": "wait"},
    "barrier": {"wait": "wait", "abort": "abort", "reset": "reset"},
    "queue": _QUEUE, "simple_queue": {"put": "put", "put_nowait": "put", "get": "get"},
}  # fmt: skip
"""For each kind of object, the methods of Python's that are operations of the model. Their others are built on these."""
CLASSES: dict[str, tuple[str, ...]] = {
    "lock": ("Lock", "RLock"), "rlock": ("RLock", "Lock"), "semaphore": ("Semaphore",),
    "bounded_semaphore": ("BoundedSemaphore",), "condition": ("Condition",), "event": ("Event",), "barrier": ("Barrier",),
    "queue": ("Queue", "SimpleQueue"), "simple_queue": ("SimpleQueue", "Queue"),
}  # fmt: skip
"""For each kind of object, the classes of Python's that may stand for it."""
ARGUMENTS: dict[str, tuple[str, Any]] = {"put": ("item", None), "release": ("n", 1), "notify": ("n", 1)}
"""The parameter of an operation that is compared, and its default; it comes first."""


class Recording:
    """What was called in one execution, so far."""

    def __init__(self, execution: Execution, threads: Sequence[str]) -> None:
        """threads: the names of those that make calls, as far as they are known."""
        self._seen: list[tuple[Event, int]] = []
        """What was seen, each with the number of steps before it."""
        self._calls_made: list[tuple[int, Event]] = []
        """The calls in the order in which they were made, each with how much was seen before."""
        self._execution = execution
        self._made = Moments(execution, self, threads)
        self.unlike: set[str] = set()
        """What is not compared, as a scenario has no values of its type."""
        self.watched: dict[int, str] = {}
        """The objects, by identity, each with the name of what it stands for."""
        self._inside: set[str] = set()
        """Threads in a call that is recorded: what that calls is part of it."""

    @property
    def events(self) -> list[Event]:
        """What was seen.

        Where something is not announced, it may have been done before the first step: then a call begins when it is made.
        """
        if not self._execution.unaccounted:
            return [event for event, _ in self._seen]
        made = [(number, 0, event) for number, event in self._calls_made]
        ended = [(number, 1, event) for number, (event, _) in enumerate(self._seen) if isinstance(event, Returned)]
        return [event for _, _, event in sorted([*made, *ended], key=lambda one: one[:2])]

    @property
    def moments(self) -> list[int]:
        """For each event, the number of steps before it."""
        steps = {id(event): at for event, at in self._seen}
        return [steps.get(id(event), 0) for event in self.events]

    def watch(self, one: Any, kind: str, name: str) -> None:
        """Record what is called on an object. name: that of the object which it stands for."""
        self.watched[id(one)] = name
        cls: Any = type(one)
        methods = {
            method: self._recorded(getattr(cls, method), name, operation)
            for method, operation in METHODS[kind].items()
            if hasattr(cls, method)
        }
        about = {"__module__": cls.__module__, "__qualname__": cls.__qualname__}
        try:
            one.__class__ = type(cls.__name__, (cls,), {**about, **methods})
        except TypeError as error:
            raise UsageError(f"what is called on a {cls.__name__}, for `{name}`, cannot be seen: {error}") from None

    def _recorded(self, function: Callable[..., Any], name: str, operation: str) -> Callable[..., Any]:
        @wraps(function)
        def call(owner: Any, *arguments: Any, **by_name: Any) -> Any:
            here = self._execution.here()
            thread = "" if here is None else thread_name(self._execution, here.number)
            if here is None or thread in self._inside:
                return function(owner, *arguments, **by_name)
            self._inside.add(thread)
            compared = _compared(operation, arguments, by_name)
            self.unlike |= {f"items of {name}"} if any(value is ANYTHING for _, value in compared) else set()
            begins = Began(Call(thread, name, operation, compared))
            try:
                self._calls_made.append((len(self._seen), begins))
                self._made.begin(lambda: self._note(begins))
                return self._returned(thread, lambda: function(owner, *arguments, **by_name))
            finally:
                self._inside.discard(thread)

        return call

    def _returned(self, thread: str, function: Callable[[], Any]) -> Any:
        try:
            result = function()
        except PASSING:
            raise
        except Exception as error:
            self._end(thread, Came(error=type(error).__name__))
            raise
        self._end(thread, Came(plain(result)))
        return result

    def _end(self, thread: str, came: Came) -> None:
        self._made.end()
        self._note(Returned(thread, came))

    def _note(self, event: Event) -> None:
        self._seen.append((event, len(self._execution.moved)))


def _compared(operation: str, arguments: Sequence[Any], by_name: dict[str, Any]) -> tuple[tuple[str, Hashable], ...]:
    """The argument of a call that is compared, by its name in the model."""
    if operation not in ARGUMENTS:
        return ()
    name, default = ARGUMENTS[operation]
    return ((name, plain(arguments[0] if arguments else by_name.get(name, default))),)
