"""Lowers the steps that act on locks, semaphores, conditions, events, barriers and queues."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from scenrun.language.fields import Reference
from scenrun.language.verbs import objects as verbs
from scenrun.program.compiler.assembler import Label
from scenrun.program.compiler.barriers import meet
from scenrun.program.compiler.scope import Nothing, Scope
from scenrun.program.compiler.several_futures import wait_for_futures
from scenrun.program.compiler.writer import Writer, lowers
from scenrun.program.ir import CellRef

LOCKS = ("lock", "rlock", "semaphore", "bounded_semaphore", "condition")
SEMAPHORES = ("semaphore", "bounded_semaphore")
BARRIERS = ("barrier", "acting_barrier")
QUEUES = ("queue", "simple_queue")


def kind_of(w: Writer, target: CellRef) -> str:
    """The kind of an operand's object."""
    return w.names.cells[target.cell].kind


def lock_of(w: Writer, target: CellRef) -> CellRef:
    """The lock that `acquire` and `release` operate on: for a condition its lock, otherwise the object itself."""
    if kind_of(w, target) != "condition":
        return target
    lock = w.names.own_lock.get(target.cell, target.cell)
    index = target.index if w.names.cells[lock].count is not None else None
    return CellRef(lock, index)


def _options(*, timeout: str, block: bool) -> tuple[str, str]:
    return timeout, str(block)


def _refuse_timeout(w: Writer, step: Any, blocks: bool, key: str) -> None:
    if not blocks and step.timeout is not None:
        w.refuse(step.place_of_key("timeout"), f"a `timeout` has no effect with `{key}: false`; remove one of them")


@lowers(verbs.Acquire)
def acquire(w: Writer, step: verbs.Acquire, scope: Scope, path: str) -> None:
    """Acquires a lock or a permit of a semaphore."""
    _refuse_timeout(w, step, step.blocking, "blocking")
    target = w.operands.target(step.lock, scope, LOCKS, "acquire")
    if target is None:
        return
    lock = lock_of(w, target)
    arguments = _options(timeout=w.operands.timing(step.timeout, scope), block=step.blocking)
    w.operate(f"{kind_of(w, lock)}.acquire", step, scope, target=lock, arguments=arguments)


@lowers(verbs.Release)
def release(w: Writer, step: verbs.Release, scope: Scope, path: str) -> None:
    """Releases a lock or permits of a semaphore."""
    target = w.operands.target(step.lock, scope, LOCKS, "release")
    if target is None:
        return
    lock = lock_of(w, target)
    kind = kind_of(w, lock)
    if step.n is not None and kind not in SEMAPHORES:
        w.refuse(step.place_of_key("n"), f"`n` is for semaphores; `{step.lock}` is released once")
    arguments = (w.expressions.value(step.n, scope) if step.n else "1",) if kind in SEMAPHORES else ()
    w.code.emit(f"{kind}.release", target=lock, arguments=arguments)


@lowers(verbs.With)
def with_(w: Writer, step: verbs.With, scope: Scope, path: str) -> None:
    """Emits the steps between an acquire and a release, which is a cleanup; a parameter that is none takes no lock.

    A pool is shut down at the end.
    """
    _holding(w, step, step.object or (), scope, f"{path}.do")


def _holding(w: Writer, step: verbs.With, held: Sequence[Any], scope: Scope, body: str) -> None:
    """Emit the steps while all of these are held."""
    if not held:
        w.steps(step.do, scope, body)
        return
    one, *others = held
    if isinstance(scope.find(one.name), Nothing):
        _holding(w, step, others, scope, body)
        return
    target = w.operands.target(one, scope, (*LOCKS, "pool"), "with")
    if target is None:
        return
    if kind_of(w, target) == "pool":
        pool = _steady(w, target)
        with w.code.guarded(lambda: _emit(w, "pool.shutdown", pool, ("True", "False"))):
            _holding(w, step, others, scope, body)
        return
    lock = _steady(w, lock_of(w, target))
    kind = kind_of(w, lock)
    w.code.emit(f"{kind}.acquire", target=lock, arguments=("None", "True"))
    times = ("1",) if kind in SEMAPHORES else ()
    with w.code.guarded(lambda: _emit(w, f"{kind}.release", lock, times)):
        _holding(w, step, others, scope, body)


def _emit(w: Writer, op: str, target: CellRef, arguments: tuple[str, ...]) -> None:
    w.code.emit(op, target=target, arguments=arguments)


def _steady(w: Writer, target: CellRef) -> CellRef:
    """The operand with its index evaluated once, so that it is the same object after the index's variables change."""
    if target.index is None or target.index.lstrip("-").isdigit():
        return target
    kept = w.code.temporary("index")
    w.code.emit("let", arguments=(target.index,), into=kept)
    return CellRef(target.cell, kept)


@lowers(verbs.Wait)
def wait(w: Writer, step: verbs.Wait, scope: Scope, path: str) -> None:
    """Waits for an event, at a barrier or on a condition, depending on the kind of the object."""
    if step.futures is not None:
        wait_for_futures(w, step, scope)
        return
    wanted: tuple[str, ...] = ("event", "condition", *BARRIERS)
    reference = step.object
    for kind in ("event", "condition", "barrier"):
        if getattr(step, kind) is not None:
            reference, wanted = getattr(step, kind), BARRIERS if kind == "barrier" else (kind,)
    target = w.operands.target(reference, scope, wanted, "wait")
    if target is None:
        return
    kind = kind_of(w, target)
    lock = lock_of(w, target) if kind == "condition" else None
    timeout = w.operands.timing(step.timeout, scope)
    if kind == "acting_barrier":
        meet(w, step, scope, _steady(w, target), timeout)
        return
    w.operate(f"{kind}.wait", step, scope, target=target, lock=lock, arguments=(timeout,))


@lowers(verbs.WaitFor)
def wait_for(w: Writer, step: verbs.WaitFor, scope: Scope, path: str) -> None:
    """Evaluates the predicate and waits until it holds; as in `Condition.wait_for`, any timeout allows the first wait.

    A wait that times out is the last one: CPython evaluates the predicate once more and returns, as no time remains.
    """
    target = w.operands.target(step.condition, scope, ("condition",), "wait_for")
    if target is None:
        return
    target, lock = _steady(w, target), lock_of(w, target)
    deadline = None
    if step.timeout is not None:
        deadline = w.code.temporary("deadline")
        w.code.emit("deadline", arguments=(w.operands.timing(step.timeout, scope),), into=deadline)
    result, again, end = w.code.temporary("until"), Label(), Label()
    w.expressions.store(step.until, scope, result)
    w.code.emit("branch", arguments=(f"not {result}",), to=end)
    w.code.mark(again)
    arguments = (f"__remaining({deadline})" if deadline else "None",)
    woken = w.code.temporary("woken") if deadline else None
    w.code.emit("condition.wait", target=target, lock=lock, arguments=arguments, into=woken)
    w.expressions.store(step.until, scope, result)
    w.code.emit("branch", arguments=(f"not {result}",), to=end)
    if deadline:
        w.code.emit("branch", arguments=(str(woken),), to=end)
        w.code.emit("branch", arguments=(f"__remaining({deadline}) > 0",), to=end)
    w.code.emit("jump", to=again)
    w.code.mark(end)
    register = w.into(step.into, scope, step.place_of_key("into"))
    if register:
        w.code.emit("let", arguments=(result,), into=register)
    w.done_into(step.into, register, scope)


@lowers(verbs.Notify, verbs.NotifyAll)
def notify(w: Writer, step: verbs.Notify, scope: Scope, path: str) -> None:
    """Wakes `n` or all of the threads that wait on a condition."""
    target = w.operands.target(step.condition, scope, ("condition",), step.verb)
    if target is None:
        return
    arguments: tuple[str, ...] = ()
    if isinstance(step, verbs.Notify):
        arguments = (w.expressions.value(step.n, scope) if step.n else "1",)
    w.code.emit(f"condition.{step.verb}", target=target, lock=lock_of(w, target), arguments=arguments)


def _simple(w: Writer, reference: Reference, scope: Scope, wanted: tuple[str, ...], verb: str, operation: str) -> None:
    target = w.operands.target(reference, scope, wanted, verb)
    if target is not None:
        w.code.emit(f"{kind_of(w, target)}.{operation}", target=target)


@lowers(verbs.SetEvent, verbs.ClearEvent)
def set_event(w: Writer, step: verbs.SetEvent, scope: Scope, path: str) -> None:
    """Sets or clears an event."""
    _simple(w, step.event, scope, ("event",), step.verb, "set" if isinstance(step, verbs.SetEvent) else "clear")


@lowers(verbs.Abort, verbs.Reset)
def abort(w: Writer, step: verbs.Abort, scope: Scope, path: str) -> None:
    """Aborts or resets a barrier."""
    _simple(w, step.barrier, scope, BARRIERS, step.verb, step.verb)


@lowers(verbs.Put)
def put(w: Writer, step: verbs.Put, scope: Scope, path: str) -> None:
    """Puts an item into a queue."""
    _refuse_timeout(w, step, step.block, "block")
    target = w.operands.target(step.queue, scope, QUEUES, "put")
    if target is None:
        return
    if step.timeout is not None and kind_of(w, target) == "simple_queue":
        w.refuse(step.place_of_key("timeout"), "a simple queue always has room: remove `timeout`")
    item = w.expressions.value(step.item, scope)
    timeout, block = _options(timeout=w.operands.timing(step.timeout, scope), block=step.block)
    w.code.emit(f"{kind_of(w, target)}.put", target=target, arguments=(item, timeout, block))


@lowers(verbs.Get)
def get(w: Writer, step: verbs.Get, scope: Scope, path: str) -> None:
    """Gets an item from a queue."""
    _refuse_timeout(w, step, step.block, "block")
    target = w.operands.target(step.queue, scope, QUEUES, "get")
    if target is None:
        return
    arguments = _options(timeout=w.operands.timing(step.timeout, scope), block=step.block)
    w.operate(f"{kind_of(w, target)}.get", step, scope, target=target, arguments=arguments)


@lowers(verbs.TaskDone, verbs.JoinQueue)
def task_done(w: Writer, step: verbs.TaskDone, scope: Scope, path: str) -> None:
    """Marks an item of a queue as processed, or waits until all of them are."""
    operation = "task_done" if isinstance(step, verbs.TaskDone) else "join"
    _simple(w, step.queue, scope, ("queue",), step.verb, operation)
