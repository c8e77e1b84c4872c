"""Lowers the steps that act on locks, semaphores, conditions, events, barriers and queues."""

from __future__ import annotations

from typing import Any

from scenrun.language import steps as verbs
from scenrun.language.fields import Reference
from scenrun.program.compiler.assembler import Label
from scenrun.program.compiler.scope import Nothing, Scope
from scenrun.program.compiler.writer import Writer, lowers
from scenrun.program.ir import CellRef

LOCKS = ("lock", "rlock", "semaphore", "bounded_semaphore", "condition")
SEMAPHORES = ("semaphore", "bounded_semaphore")
QUEUES = ("queue", "simple_queue")


def kind_of(w: Writer, target: CellRef) -> str:
    """The kind of the object that is meant."""
    return w.names.cells[target.cell].kind


def lock_of(w: Writer, target: CellRef) -> CellRef:
    """What is really taken and given back: for a condition its lock."""
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
    """Take a lock or a permit."""
    _refuse_timeout(w, step, step.blocking, "blocking")
    target = w.expressions.target(step.lock, scope, LOCKS, "acquire")
    if target is None:
        return
    lock = lock_of(w, target)
    arguments = _options(timeout=w.expressions.timing(step.timeout, scope), block=step.blocking)
    w.operate(f"{kind_of(w, lock)}.acquire", step, scope, target=lock, arguments=arguments)


@lowers(verbs.Release)
def release(w: Writer, step: verbs.Release, scope: Scope, path: str) -> None:
    """Give a lock or permits back."""
    target = w.expressions.target(step.lock, scope, LOCKS, "release")
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
    """Take, do, and give back on every way out. A parameter that is none holds nothing."""
    body = f"{path}.do"
    if step.object is None or isinstance(scope.find(step.object.name), Nothing):
        w.steps(step.do, scope, body)
        return
    target = w.expressions.target(step.object, scope, (*LOCKS, "pool"), "with")
    if target is None:
        return
    if kind_of(w, target) == "pool":
        _with_pool(w, step, target, scope, body)
        return
    lock = _steady(w, lock_of(w, target))
    kind = kind_of(w, lock)
    w.code.emit(f"{kind}.acquire", target=lock, arguments=("None", "True"))
    one = ("1",) if kind in SEMAPHORES else ()
    with w.code.guarded(lambda: _emit(w, f"{kind}.release", lock, one)):
        w.steps(step.do, scope, body)


def _with_pool(w: Writer, step: verbs.With, target: CellRef, scope: Scope, body: str) -> None:
    pool = _steady(w, target)
    with w.code.guarded(lambda: _emit(w, "pool.shutdown", pool, ("True", "False"))):
        w.steps(step.do, scope, body)


def _emit(w: Writer, op: str, target: CellRef, arguments: tuple[str, ...]) -> None:
    w.code.emit(op, target=target, arguments=arguments)


def _steady(w: Writer, target: CellRef) -> CellRef:
    """The same object at the end of a region as at its beginning, whatever became of the index."""
    if target.index is None or target.index.lstrip("-").isdigit():
        return target
    kept = w.code.temporary("index")
    w.code.emit("let", arguments=(target.index,), into=kept)
    return CellRef(target.cell, kept)


@lowers(verbs.Wait)
def wait(w: Writer, step: verbs.Wait, scope: Scope, path: str) -> None:
    """Wait for an event, at a barrier, on a condition: the kind of the object says which."""
    wanted: tuple[str, ...] = ("event", "condition", "barrier")
    reference = step.object
    for kind in wanted:
        if getattr(step, kind) is not None:
            reference, wanted = getattr(step, kind), (kind,)
    target = w.expressions.target(reference, scope, wanted, "wait")
    if target is None:
        return
    kind = kind_of(w, target)
    lock = lock_of(w, target) if kind == "condition" else None
    timeout = w.expressions.timing(step.timeout, scope)
    w.operate(f"{kind}.wait", step, scope, target=target, lock=lock, arguments=(timeout,))


@lowers(verbs.WaitFor)
def wait_for(w: Writer, step: verbs.WaitFor, scope: Scope, path: str) -> None:
    """Ask, wait, ask again; as `Condition.wait_for`, the first wait happens whatever the timeout.

    A wait that ends as its time is up is the last one: CPython asks once more and leaves, as nothing is left of the time.
    """
    target = w.expressions.target(step.condition, scope, ("condition",), "wait_for")
    if target is None:
        return
    target, lock = _steady(w, target), lock_of(w, target)
    deadline = None
    if step.timeout is not None:
        deadline = w.code.temporary("deadline")
        w.code.emit("deadline", arguments=(w.expressions.timing(step.timeout, scope),), into=deadline)
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
    """Wake some or all who wait."""
    target = w.expressions.target(step.condition, scope, ("condition",), step.verb)
    if target is None:
        return
    arguments: tuple[str, ...] = ()
    if isinstance(step, verbs.Notify):
        arguments = (w.expressions.value(step.n, scope) if step.n else "1",)
    w.code.emit(f"condition.{step.verb}", target=target, lock=lock_of(w, target), arguments=arguments)


def _simple(w: Writer, reference: Reference, scope: Scope, wanted: tuple[str, ...], verb: str, operation: str) -> None:
    target = w.expressions.target(reference, scope, wanted, verb)
    if target is not None:
        w.code.emit(f"{kind_of(w, target)}.{operation}", target=target)


@lowers(verbs.SetEvent, verbs.ClearEvent)
def set_event(w: Writer, step: verbs.SetEvent, scope: Scope, path: str) -> None:
    """Set or clear an event."""
    _simple(w, step.event, scope, ("event",), step.verb, "set" if isinstance(step, verbs.SetEvent) else "clear")


@lowers(verbs.Abort, verbs.Reset)
def abort(w: Writer, step: verbs.Abort, scope: Scope, path: str) -> None:
    """Abort or reset a barrier."""
    _simple(w, step.barrier, scope, ("barrier",), step.verb, step.verb)


@lowers(verbs.Put)
def put(w: Writer, step: verbs.Put, scope: Scope, path: str) -> None:
    """Put an item into a queue."""
    _refuse_timeout(w, step, step.block, "block")
    target = w.expressions.target(step.queue, scope, QUEUES, "put")
    if target is None:
        return
    if step.timeout is not None and kind_of(w, target) == "simple_queue":
        w.refuse(step.place_of_key("timeout"), "a simple queue always has room: remove `timeout`")
    item = w.expressions.value(step.item, scope)
    timeout, block = _options(timeout=w.expressions.timing(step.timeout, scope), block=step.block)
    w.code.emit(f"{kind_of(w, target)}.put", target=target, arguments=(item, timeout, block))


@lowers(verbs.Get)
def get(w: Writer, step: verbs.Get, scope: Scope, path: str) -> None:
    """Take an item out of a queue."""
    _refuse_timeout(w, step, step.block, "block")
    target = w.expressions.target(step.queue, scope, QUEUES, "get")
    if target is None:
        return
    arguments = _options(timeout=w.expressions.timing(step.timeout, scope), block=step.block)
    w.operate(f"{kind_of(w, target)}.get", step, scope, target=target, arguments=arguments)


@lowers(verbs.TaskDone, verbs.JoinQueue)
def task_done(w: Writer, step: verbs.TaskDone, scope: Scope, path: str) -> None:
    """Count an item as dealt with, or wait for all of them."""
    operation = "task_done" if isinstance(step, verbs.TaskDone) else "join"
    _simple(w, step.queue, scope, ("queue",), step.verb, operation)
