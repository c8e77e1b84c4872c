"""The model of each primitive against the real object, step by step: same results, same faults, same answers.

Three real threads do what Hypothesis draws, one command after another. After each command everybody has either finished or
is stuck for certain. The model may then be in any state that some order of its actions leads to; those that do not
agree with what the real object did are dropped, and one must always remain.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twins import Model, Pending, settled

from scenrun.errors import Fault
from scenrun.execution.site import Site
from scenrun.execution.threads.calls import RealCalls
from scenrun.execution.threads.context import Context, Cut, enter
from scenrun.execution.threads.futures import RealOwnFuture
from scenrun.execution.threads.locks import RealLock, RealRLock, RealSemaphore
from scenrun.execution.threads.queues import RealQueue, RealSimpleQueue
from scenrun.execution.threads.variables import GuardedVariable, RealSection, Variable
from scenrun.execution.threads.waiting import RealBarrier, RealCondition, RealEvent
from scenrun.program.exceptions import FROM_EXPRESSIONS, fault_of
from scenrun.program.ir import Instruction
from scenrun.program.primitives.registry import KINDS
from scenrun.program.values import key

ACTORS = 3
SOON_NS = 3_000_000
"""A time-out that surely passes before the next command."""


# --- the real objects


class Actor:
    """A real thread that does one operation at a time, on command."""

    def __init__(self, number: int) -> None:
        self.context = Context(f"actor{number}", "actor", number, 0, 0)
        self.context.started = True
        self.commands: queue.SimpleQueue[Callable[[Context], Any] | None] = queue.SimpleQueue()
        self.busy = False
        self.result: Any = None
        self.thread = threading.Thread(target=self._live, daemon=True)
        self.thread.start()

    def _live(self) -> None:
        enter(self.context)
        while (command := self.commands.get()) is not None:
            try:
                self.result = ("gave", command(self.context))
            except (Fault, *FROM_EXPRESSIONS) as error:
                fault = fault_of(error)
                self.result = ("raised", (fault.type, fault.text))
            except Cut:
                self.result = ("cut", None)
            self.context.wait = None
            self.busy = False

    def do(self, command: Callable[[Context], Any]) -> None:
        """Begin an operation."""
        self.result, self.busy = None, True
        self.commands.put(command)

    def is_settled(self) -> bool:
        """Whether it has finished, or waits without a time-out for what cannot come."""
        wait = self.context.wait
        if not self.busy:
            return True
        if wait is None or wait.deadline_ns is not None or wait.object is None:
            return False
        return wait.object.stuck(wait.op, self.context) and self.context.wait is wait

    def leave(self) -> None:
        """Free it from whatever it waits for, and end it."""
        self.context.cut = True
        until = time.monotonic() + 20
        while self.busy and time.monotonic() < until:
            wait = self.context.wait
            if wait is not None and wait.object is not None:
                wait.object.free(wait.op, self.context)
            time.sleep(0.0005)
        assert not self.busy
        self.commands.put(None)
        self.thread.join(10)


@dataclass(frozen=True)
class Subject:
    """A primitive under test: its real objects and its model's cells, by name, and the operations to draw."""

    kinds: dict[str, tuple[str, dict[str, Any]]]
    make: Callable[[], dict[str, Any]]
    operations: tuple[tuple[str, str, tuple[Any, ...]], ...]
    """(cell, operation, arguments); an argument that is a list is one of several."""
    cells_of: Callable[[str], tuple[str, ...]] = lambda cell: (cell,)


WAIT, SOON = None, SOON_NS
BAD = Fault("ValueError", "bad")
QUEUE_OF_ONE = {"spec": "queue", "options": {"maxsize": 1, "kind": "fifo"}}
LOCKING = (("lock", "acquire", ([WAIT, SOON, 0], True)), ("lock", "acquire", (WAIT, False)), ("lock", "release", ()))
WAITING = (
    ("lock", "acquire", (WAIT, True)),
    ("condition", "wait", (WAIT,)),
    ("condition", "wait", ([WAIT, WAIT, SOON],)),
    ("condition", "notify", ([1, 1, 2, 0],)),
    ("condition", "notify_all", ()),
)
PERMITS = (
    ("s", "acquire", ([WAIT, SOON, 0], True)),
    ("s", "acquire", (WAIT, False)),
    ("s", "release", ([1, 1, 1, 2, 0],)),
)
ITEMS = (
    ("q", "put", ([1, 2, 3], [WAIT, SOON, 0], True)),
    ("q", "put", ([1, 2, 3], WAIT, False)),
    ("q", "get", ([WAIT, SOON, 0], True)),
    ("q", "get", (WAIT, False)),
)
COUNTED = (("q", "task_done", ()), ("q", "join", ()))
MIXED = (("q", "put", (["x", 2, 3], [WAIT, SOON, 0], True)),)
PARTS = (
    ("v", "read", ()),
    ("v", "write", ([[], [1, 2], 5],)),
    ("v", "append", ([6, 7],)),
    ("v", "pop", ([-1, 0, 1, 9],)),
    ("v", "assign", ([(0,), (1,), (9,)], [8, [9]])),
    ("v", "extend", ([(), (0,), (1,)], [3])),
    ("v", "remove", ([(), (0,), (1,)], [-1, 0])),
)
"""What can be done to a variable that holds a list, some of it in vain."""


CLOSING = (("q", "shutdown", ([False, False, True],)),) if hasattr(queue.Queue, "shutdown") else ()
"""What queues can do from Python 3.13 on."""


def _queue(order: str, maxsize: int, *more: tuple[str, str, tuple[Any, ...]]) -> Subject:
    options = {"kind": order, "maxsize": maxsize}
    items = (*ITEMS, *COUNTED, *(MIXED if order == "priority" else ()), *more)
    return Subject({"q": ("queue", options)}, lambda: {"q": RealQueue("q", 0, options)}, items)


def _condition(kind: str, make_lock: Callable[[], Any]) -> Subject:
    def make() -> dict[str, Any]:
        lock = make_lock()
        return {"lock": lock, "condition": RealCondition("condition", 1, lock)}

    kinds: dict[str, tuple[str, dict[str, Any]]] = {"lock": (kind, {}), "condition": ("condition", {})}
    return Subject(
        kinds, make, (*LOCKING, *WAITING), lambda cell: ("condition", "lock") if cell == "condition" else (cell,)
    )


SUBJECTS = {
    "lock": Subject({"lock": ("lock", {})}, lambda: {"lock": RealLock("lock", 0, {})}, LOCKING),
    "lock, initially locked": Subject(
        {"lock": ("lock", {"initially": "locked"})},
        lambda: {"lock": RealLock("lock", 0, {"initially": "locked"})},
        LOCKING,
    ),
    "rlock": Subject({"lock": ("rlock", {})}, lambda: {"lock": RealRLock("lock", 0, {})}, LOCKING),
    "semaphore": Subject(
        {"s": ("semaphore", {"value": 1})}, lambda: {"s": RealSemaphore("s", 0, {"value": 1})}, PERMITS
    ),
    "bounded semaphore": Subject(
        {"s": ("bounded_semaphore", {"value": 2})},
        lambda: {"s": RealSemaphore("s", 0, {"value": 2}, bounded=True)},
        PERMITS,
    ),
    "event": Subject(
        {"e": ("event", {})},
        lambda: {"e": RealEvent("e", 0, {})},
        (("e", "wait", ([WAIT, SOON],)), ("e", "set", ()), ("e", "clear", ())),
    ),
    "barrier": Subject(
        {"b": ("barrier", {"parties": 2})},
        lambda: {"b": RealBarrier("b", 0, {"parties": 2})},
        (("b", "wait", ([WAIT, WAIT, WAIT, SOON],)), ("b", "abort", ()), ("b", "reset", ())),
    ),
    "condition over an rlock": _condition("rlock", lambda: RealRLock("lock", 0, {})),
    "condition over a lock": _condition("lock", lambda: RealLock("lock", 0, {})),
    "queue": _queue("fifo", 2),
    "queue without bound": _queue("fifo", 0),
    "queue that is shut down": _queue("fifo", 2, *CLOSING),
    "lifo queue": _queue("lifo", 2),
    "priority queue": _queue("priority", 2),
    "variable": Subject({"v": ("variable", {"initial": [1]})}, lambda: {"v": Variable("v", 0, [1])}, PARTS),
    "guarded variable": Subject(
        {"v": ("variable", {"initial": [1]})},
        lambda: {"v": GuardedVariable("v", 0, [1], threading.Lock(), None)},
        PARTS,
    ),
    "section": Subject(
        {"s": ("section", {})},
        lambda: {"s": RealSection("s", 0, threading.Lock(), None)},
        (("s", "enter", ()), ("s", "leave", ())),
    ),
    "calls": Subject(
        {"c": ("calls", QUEUE_OF_ONE)},
        lambda: {"c": RealCalls("c", 0, QUEUE_OF_ONE, threading.Lock(), None)},
        (
            ("c", "call", ("put", [[1, None, True], [1, None, False]])),
            ("c", "call", ("get", [[None, True], [None, False]])),
            ("c", "finish", ("put", None, ["returned", "raised"])),
            ("c", "finish", ("get", [1, None], ["compared", "returned", "raised"])),
        ),
    ),
    "future": Subject(
        {"f": ("own_future", {})},
        lambda: {"f": RealOwnFuture("f", 0)},
        (
            ("f", "set_result", ([1, None],)),
            ("f", "set_exception", (BAD,)),
            ("f", "cancel", ()),
            ("f", "result", ([WAIT, WAIT, SOON],)),
            ("f", "add_callback", ([[0, 1], [1, 2]],)),
        ),
    ),
    "simple queue": Subject({"q": ("simple_queue", {})}, lambda: {"q": RealSimpleQueue("q", 0)}, ITEMS),
}


def _draws(subject: Subject) -> st.SearchStrategy[list[tuple[int, tuple[str, str, tuple[Any, ...]]]]]:
    def operation(transition: tuple[str, str, tuple[Any, ...]]) -> st.SearchStrategy[tuple[str, str, tuple[Any, ...]]]:
        cell, name, arguments = transition
        each = [st.sampled_from(a) if isinstance(a, list) else st.just(a) for a in arguments]
        return st.tuples(st.just(cell), st.just(name), st.tuples(*each))

    one = st.sampled_from(subject.operations).flatmap(operation)
    return st.lists(st.tuples(st.integers(0, ACTORS - 1), one), max_size=20)


def _answers(subject: Subject, objects: dict[str, Any]) -> dict[str, Any]:
    """What the real objects answer to every question."""
    out = {}
    for cell, (kind, _) in subject.kinds.items():
        for question in KINDS[kind].questions:
            out[f"{cell}.{question}"] = getattr(objects[cell], question)()
        for attribute in KINDS[kind].attributes:
            out[f"{cell}.{attribute}"] = getattr(objects[cell], attribute)
    return out


def _model_answers(subject: Subject, model: Model) -> dict[str, Any]:
    values = dict(model.values)
    return {
        f"{cell}.{question}": answer(values[cell])
        for cell, (kind, _) in subject.kinds.items()
        for question, answer in KINDS[kind].answers.items()
    }


def _initial(subject: Subject) -> Model:
    values = {cell: KINDS[kind].initial(options) for cell, (kind, options) in subject.kinds.items()}
    return Model(tuple(sorted(values.items())), (None,) * ACTORS, (None,) * ACTORS)


def conform(subject: Subject, commands: list[tuple[int, tuple[str, str, tuple[Any, ...]]]]) -> None:
    """Do the commands on both; an AssertionError tells where they part."""
    objects = subject.make()
    actors = [Actor(number) for number in range(ACTORS)]
    models = {_initial(subject)}
    story = []
    try:
        for transition, (cell, name, arguments) in commands:
            idle = [number for number, actor in enumerate(actors) if not actor.busy]
            if not idle:
                break
            number = idle[transition % len(idle)]
            kind = subject.kinds[cell][0]
            operation = KINDS[kind].operation(name)
            assert operation is not None
            site = Site(0, 0, Instruction(f"{kind}.{name}"))
            method = getattr(objects[cell], name)
            actors[number].do(lambda me, m=method, s=site, a=arguments: m(me, s, *a))
            models = settled({m.began(number, Pending(subject.cells_of(cell), operation, arguments)) for m in models})
            _wait_until_settled(actors)
            real = [None if actor.busy else actor.result for actor in actors]
            answers = _answers(subject, objects)
            story.append((number, cell, name, arguments, real, answers))
            models = {m for m in models if _agrees(subject, m, actors, answers)}
            assert models, f"the model cannot do this: {story}"
    finally:
        for actor in actors:
            actor.leave()


def _wait_until_settled(actors: list[Actor]) -> None:
    until = time.monotonic() + 20
    while not (all(a.is_settled() for a in actors) and all(a.is_settled() for a in actors)):
        assert time.monotonic() < until, "the real threads neither finish nor are stuck"
        time.sleep(0.0002)


def _agrees(subject: Subject, model: Model, actors: list[Actor], answers: dict[str, Any]) -> bool:
    for actor, pending, result in zip(actors, model.pending, model.results, strict=True):
        if actor.busy != (pending is not None) or (not actor.busy and key(actor.result) != key(result)):
            return False
    return bool(key(_model_answers(subject, model)) == key(answers))


@pytest.mark.parametrize("name", SUBJECTS)
def test_the_model_can_do_whatever_the_real_object_did(name: str) -> None:
    """Random commands of three threads, blocking ones and time-outs among them."""
    subject = SUBJECTS[name]

    @settings(max_examples=60)
    @given(_draws(subject))
    def check(commands: list[tuple[int, tuple[str, str, tuple[Any, ...]]]]) -> None:
        conform(subject, commands)

    check()
