"""The models of threads, timers, pools and futures against the real ones: every started thread does as it is told, too.

What starts a thread makes one more actor: it takes commands like those that were there from the beginning, until it is
told to end, with a result or a fault. So threads join each other and themselves, tasks submit tasks, and shut their own
pool down. After each command everybody has finished, is stuck for certain, or waits for a worker that is not free.
"""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twins import ENDED, FAR_NS, Model, Pending, ending, settled

from scenrun.errors import Fault
from scenrun.execution.threads import threads as real_threads
from scenrun.execution.threads.context import Context, Cut, Site, enter
from scenrun.execution.threads.futures import RealFutures
from scenrun.execution.threads.pools import RealPool, RealTask
from scenrun.execution.threads.threads import Handle, RealThread, RealTimer, Spawner, cancel_timer
from scenrun.program.ir import Instruction
from scenrun.program.primitives.registry import KINDS
from scenrun.program.values import key

BASE = 2
"""Actors that are there from the beginning."""
PATIENCE_S = 20.0
SOON_NS = 2_000_000
WAIT, SOON, FAR = None, SOON_NS, FAR_NS
NO = Fault("ValueError", "no")


@dataclass(frozen=True)
class Command:
    """What an actor is told: an operation on a cell, or on the thread or future of that number that was made."""

    operation: str
    on: str | int
    arguments: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Subject:
    """Cells by name, each with its kind and options, and the commands to draw; a list is one of several arguments."""

    cells: dict[str, tuple[str, dict[str, Any]]]
    commands: tuple[tuple[str, Any, tuple[Any, ...]], ...]
    make: str | None = None
    """What commands make while running: `spawned` or `future`."""


END = ("end", 0, ([None, 7, NO],))
"""Told to an actor that was started, while it does nothing."""
SHUTTING = ("pool.shutdown", "pool", ([True, False], [True, False]))
FUTURES = (
    ("pool.submit", "pool", ((),)),
    ("pool.submit", "pool", ((),)),
    ("future.result", range(4), ([WAIT, SOON, 0],)),
    ("future.cancel", range(4), ()),
)


def _pool(workers: int) -> tuple[str, dict[str, Any]]:
    return ("pool", {"max_workers": workers})


SUBJECTS = {
    "threads": Subject(
        {"a": ("thread", {}), "b": ("thread", {})},
        (("thread.start", ["a", "b"], ()), ("thread.join", ["a", "b"], ([WAIT, SOON, 0],)), END),
    ),
    "spawned threads": Subject(
        {}, (("spawned.spawn", "", ((),)), ("spawned.join", range(4), ([WAIT, SOON, 0],)), END), "spawned"
    ),
    "timers": Subject(
        {"a": ("timer", {}), "b": ("timer", {})},
        (
            ("timer.start", ["a", "b"], ([SOON, FAR], ())),
            ("timer.cancel", ["a", "b"], ()),
            ("timer.join", ["a", "b"], ([WAIT, SOON, 0],)),
            END,
        ),
    ),
    "a pool of one": Subject({"pool": _pool(1)}, (*FUTURES, END), "future"),
    "a pool of one, shut": Subject({"pool": _pool(1)}, (*FUTURES, SHUTTING, END), "future"),
    "a pool of two": Subject({"pool": _pool(2)}, (*FUTURES, SHUTTING, END, END), "future"),
    "tasks": Subject(
        {"pool": _pool(1), "a": ("task", {}), "b": ("task", {})},
        (
            ("task.start", ["a", "b"], ()),
            ("task.start", ["a", "b"], ()),
            ("task.join", ["a", "b"], ([WAIT, SOON, 0],)),
            SHUTTING,
            END,
        ),
    ),
}


# --- the real threads


class Life:
    """One real thread that does one operation at a time, until it is told to end."""

    def __init__(self, context: Context, far: bool = False) -> None:
        self.context = context
        self.commands: queue.SimpleQueue[Callable[[Context], Any] | Command] = queue.SimpleQueue()
        self.begun = self.busy = self.ending = False
        self.result: Any = None

    def live(self) -> Any:
        """The thread's run, in the thread; gives its result or raises its fault."""
        enter(self.context)
        self.begun = True
        while not isinstance(command := self.commands.get(), Command):
            try:
                given = command(self.context)
                self.result = ("gave", str(given) if isinstance(given, Handle) else given)
            except Fault as fault:
                self.result = ("raised", (fault.type, fault.text))
            except Cut:
                self.result = ("cut", None)
            self.context.wait = None
            self.busy = False
        (result,) = command.arguments
        if isinstance(result, Fault):
            raise result
        return result

    def do(self, command: Callable[[Context], Any]) -> None:
        """Begin an operation."""
        self.result, self.busy = None, True
        self.commands.put(command)

    def end(self, result: Any) -> None:
        """Take the last step."""
        self.ending = True
        self.commands.put(Command("end", "", (result,)))

    @property
    def where(self) -> str:
        """Whether it has ended, has not begun, does something, or nothing."""
        if self.context.ended:
            return ENDED
        return "busy" if self.busy else "idle" if self.begun else "waiting"

    def is_stuck(self) -> bool:
        """Whether its operation waits without a time-out for what cannot come."""
        wait = self.context.wait
        if wait is None or wait.deadline_ns is not None or wait.object is None:
            return False
        return wait.object.stuck(wait.op, self.context) and self.context.wait is wait


class House:
    """The real objects of a subject and everybody who was started."""

    def __init__(self, subject: Subject) -> None:
        self.lives: list[Life] = []
        self.numbers: dict[str, int] = {}
        self.handles: list[Handle] = []
        self.pool: RealPool | None = None
        self.objects: dict[str, Any] = {"": Spawner(self)}
        for name, (kind, options) in subject.cells.items():
            self.objects[name] = self._made(name, kind, options)
        for number in range(BASE):
            context = self.new_context(f"actor{number}", "actor", number, 0)
            real_threads.start_thread(self, context)

    def _made(self, name: str, kind: str, options: dict[str, Any]) -> Any:
        if kind == "pool":
            self.pool = RealPool(name, 0, options, self)
            return self.pool
        context = self.new_context(name, name, 0, 0, pool=self.pool)
        if kind == "task":
            assert self.pool is not None
            return RealTask(name, 1, context, self.pool)
        return (RealTimer if kind == "timer" else RealThread)(name, 1, context, self)

    # what the objects ask of their host

    def new_context(self, name: str, group: str, index: int, code: int, **more: Any) -> Context:
        """A context for a thread that may be started."""
        return Context(name, group, index, code, 0, **more)

    def enlist(self, context: Context) -> None:
        """One life more."""
        self.lives.append(Life(context))

    def withdraw(self, context: Context) -> None:
        """A life that could not begin."""
        self.lives.remove(self._life(context))
        context.started = False

    def has_ended(self, context: Context) -> None:
        """A life is over."""
        context.ended = True

    is_exiting = False

    def _life(self, context: Context) -> Life:
        return next(life for life in self.lives if life.context is context)

    def run_thread(self, context: Context) -> None:
        """A thread's whole life."""
        try:
            self._life(context).live()
        except Fault:
            pass
        finally:
            context.ended = True

    def run_task(self, context: Context) -> Any:
        """A task's whole life."""
        try:
            return self._life(context).live()
        finally:
            context.ended = True

    def next_number(self, prefix: str) -> int:
        """Numbers what is made while running, whatever it is made by."""
        self.numbers[prefix] = self.numbers.get(prefix, -1) + 1
        return self.numbers[prefix]

    # what the test asks

    def do(self, life: Life, command: Command) -> None:
        """Let somebody begin an operation."""
        kind, _, name = command.operation.partition(".")
        site = Site(0, 0, Instruction(command.operation, code=0, options=(("target", "t"), ("daemon", True))))
        if isinstance(command.on, int):
            target: Any = RealFutures() if kind == "future" else self.objects[""]
            arguments: tuple[Any, ...] = (self.handles[command.on], *command.arguments)
        else:
            target, arguments = self.objects[command.on], command.arguments
        life.do(lambda me: self._noted(getattr(target, name)(me, site, *arguments)))

    def _noted(self, result: Any) -> Any:
        if not isinstance(result, Handle):
            return result
        self.handles.append(result)
        return f"{'spawned' if result.context.future is None else 'future'}{len(self.handles) - 1}"

    def settle(self) -> None:
        """Wait until nobody can do anything more by himself."""
        until = time.monotonic() + PATIENCE_S
        while not (self._is_settled() and self._is_settled()):
            assert time.monotonic() < until, "the real threads neither finish nor are stuck"
            time.sleep(0.0002)

    def _is_settled(self) -> bool:
        lives = list(self.lives)
        running = sum(life.begun and not _is_over(life) for life in lives if life.context.future is not None)
        return all(self._stays(life, running) for life in lives)

    def _stays(self, life: Life, running: int) -> bool:
        context = life.context
        if context.ended or life.ending:
            return _is_over(life)
        if life.begun:
            return not life.busy or life.is_stuck()
        if context.future is not None:
            assert self.pool is not None
            return running >= self.pool.max_workers
        timer = context.real
        return isinstance(timer, real_threads._Timer) and timer.interval > 60 and not context.cancelled

    def refuse(self) -> None:
        """Forget the life that was to be started when its start failed."""
        self.lives.pop()

    def leave(self) -> None:
        """Free and end everybody."""
        until = time.monotonic() + PATIENCE_S
        for life in self.lives:
            life.context.cut = True
            cancel_timer(life.context)
        if self.pool is not None:
            self.pool.real.shutdown(wait=False, cancel_futures=True)
        while (left := [life for life in self.lives if not life.context.ended]) and time.monotonic() < until:
            for life in left:
                if not life.ending:
                    life.end(None)
            time.sleep(0.0002)
        assert not left
        if self.pool is not None:
            self.pool.real.shutdown(wait=True)
        for life in self.lives:
            if life.context.real is not None:
                life.context.real.join(10)


def _is_over(life: Life) -> bool:
    future = life.context.future
    return life.context.ended and (future is None or future.done())


# --- both


class Pair:
    """A subject's real threads, and every state in which the model may be."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self.house = House(subject)
        self.kinds = {name: kind for name, (kind, _) in subject.cells.items()}
        values = {name: KINDS[kind].initial(options) for name, (kind, options) in subject.cells.items()}
        self.models = {Model(tuple(sorted(values.items())), (None,) * BASE, (None,) * BASE)}
        self.story: list[Any] = []
        self.owners: list[tuple[str, tuple[str, ...]]] = []
        """Of each thread that was started: its kind and its cells."""

    def do(self, number: int, command: Command) -> None:
        """One command, on both; an AssertionError tells where they part."""
        house = self.house
        idle = [n for n, life in enumerate(house.lives) if life.where == "idle" and not life.ending]
        if command.operation == "end":
            idle = [n for n in idle if n >= BASE]
        if not idle or (isinstance(command.on, int) and not house.handles and command.operation != "end"):
            return
        actor = idle[number % len(idle)]
        if command.operation == "end":
            pending = self._ending(actor, command)
            house.lives[actor].end(command.arguments[0])
        else:
            if isinstance(command.on, int):
                command = Command(command.operation, command.on % len(house.handles), command.arguments)
            pending = self._pending(command)
            lives = len(house.lives)
            house.do(house.lives[actor], command)
        self.models = settled({model.began(actor, pending) for model in self.models})
        house.settle()
        if pending.starts and (house.lives[actor].result or ("raised",))[0] == "gave":
            self.owners.append((pending.starts, self._cells_of_new(pending)))
        elif pending.starts and len(house.lives) > lives:
            house.refuse()
        seen, answers = self._seen(), self._answers()
        self.story.append((actor, command, seen, answers))
        self.models = {model for model in self.models if self._agrees(model, seen, answers)}
        assert self.models, "the model cannot do this: " + "\n".join(map(str, self.story))

    def _cells_of_new(self, pending: Pending) -> tuple[str, ...]:
        made = (f"{pending.operation.makes}{len(self.house.handles) - 1}",) if pending.operation.makes else ()
        return (*made, *pending.cells)

    def _pending(self, command: Command) -> Pending:
        kind, _, name = command.operation.partition(".")
        operation = KINDS[kind].operation(name)
        assert operation is not None
        starts = operation.makes or (kind if name == "start" else None)
        arguments = command.arguments
        if isinstance(command.on, int):
            arguments = (None, *arguments)
        return Pending(self._cells(kind, command.on), operation, arguments, starts=starts)

    def _cells(self, kind: str, on: str | int) -> tuple[str, ...]:
        own = (f"{kind}{on}",) if isinstance(on, int) else (on,) if on else ()
        return (*own, "pool") if kind in ("task", "future") else own

    def _ending(self, actor: int, command: Command) -> Pending:
        kind, cells = self.owners[actor - BASE]
        result = command.arguments[0]
        is_fault = isinstance(result, Fault)
        return ending(KINDS[kind], cells, None if is_fault else result, result if is_fault else None)

    def _seen(self) -> list[Any]:
        return [(where := life.where, life.result if where == "idle" else None) for life in self.house.lives]

    def _agrees(self, model: Model, seen: list[Any], answers: dict[str, Any]) -> bool:
        states = [
            (where := _where(pending), result if where == "idle" else None)
            for pending, result in zip(model.pending, model.results, strict=True)
        ]
        return key(states) == key(seen) and key(self._model_answers(model)) == key(answers)

    def _questions(self) -> Iterator[tuple[str, str, str, Any]]:
        """(cell, its kind, question, the real object or the handle that it is asked of)."""
        for name, kind in self.kinds.items():
            yield from ((name, kind, question, self.house.objects[name]) for question in KINDS[kind].questions)
        make = self.subject.make
        for number, handle in enumerate(self.house.handles):
            assert make is not None
            for question in KINDS[make].answers:
                yield f"{make}{number}", make, question, handle

    def _answers(self) -> dict[str, Any]:
        return {
            f"{cell}.{question}": getattr(RealFutures(), question)(one) if isinstance(one, Handle) else getattr(one, question)()
            for cell, _, question, one in self._questions()
        }  # fmt: skip

    def _model_answers(self, model: Model) -> dict[str, Any]:
        known = dict(model.values)
        return {
            f"{cell}.{question}": KINDS[kind].answers[question](
                *(known[name] for name in ((cell, "pool") if kind in ("task", "future") else (cell,)))
            )
            for cell, kind, question, _ in self._questions()
            if cell in known
        }


def _where(pending: Pending | str | None) -> str:
    if isinstance(pending, Pending):
        return "waiting" if pending.operation.name == "begin" else "busy"
    return pending or "idle"


Commands = list[tuple[int, Command]]


def conform(subject: Subject, commands: Commands) -> None:
    """Do the commands on both; an AssertionError tells where they part."""
    pair = Pair(subject)
    try:
        for number, command in commands:
            pair.do(number, command)
    finally:
        pair.house.leave()


def draws(subject: Subject) -> st.SearchStrategy[Commands]:
    """Commands for a subject's actors."""

    def command(transition: tuple[str, Any, tuple[Any, ...]]) -> st.SearchStrategy[Command]:
        operation, on, arguments = transition
        where = st.sampled_from(on) if isinstance(on, list | range) else st.just(on)
        each = [st.sampled_from(a) if isinstance(a, list) and a else st.just(a) for a in arguments]
        return st.builds(Command, st.just(operation), where, st.tuples(*each))

    one = st.sampled_from(subject.commands).flatmap(command)
    return st.lists(st.tuples(st.integers(0, 5), one), max_size=20)


@pytest.fixture(autouse=True)
def _short_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    """Who waits for a thread looks up often, so that those that are stuck leave soon."""
    monkeypatch.setattr(real_threads, "SLICE_S", 0.005)


@pytest.mark.parametrize("name", SUBJECTS)
def test_the_model_can_do_whatever_the_real_threads_did(name: str) -> None:
    """Random commands: starts, joins, submits, results, cancels and shutdowns, by threads that are started on the way."""
    subject = SUBJECTS[name]

    @settings(max_examples=100)
    @given(draws(subject))
    def check(commands: Commands) -> None:
        conform(subject, commands)

    check()
