"""Lowers the steps that start, join and cancel: threads, timers, pools and futures."""

from __future__ import annotations

from typing import Any

from scenrun.language.expressions import parse
from scenrun.language.fields import Reference
from scenrun.language.primitives import Timer
from scenrun.language.variables import Target
from scenrun.language.verbs import threads as verbs
from scenrun.program.compiler import futures
from scenrun.program.compiler.assembler import Label
from scenrun.program.compiler.operations import kind_of
from scenrun.program.compiler.scope import Object, Register, Scope, Shared, VariableAlias
from scenrun.program.compiler.writer import Writer, lowers
from scenrun.program.ir import Cell, CellRef

THREADS = ("thread", "task", "timer")


def each(w: Writer, reference: Reference, scope: Scope, verb: str, emit: Any) -> None:
    """Emit an operation on one thread or timer, or a loop that does it for every one of a group."""
    found = scope.find(reference.name)
    whole = isinstance(found, Object) and found.cell.count is not None and not reference.index and not found.index
    if not (isinstance(found, Object) and whole and found.cell.kind in THREADS):
        target = w.operands.target(reference, scope, THREADS, verb)
        if target is not None:
            emit(w.names.cells[target.cell], target)
        return
    at, again, end = w.code.temporary("at"), Label(), Label()
    w.code.emit("let", arguments=("0",), into=at)
    w.code.mark(again)
    w.code.emit("branch", arguments=(f"{at} < {found.cell.count}",), to=end)
    emit(found.cell, CellRef(found.cell.number, at))
    w.code.emit("let", arguments=(f"{at} + 1",), into=at)
    w.code.emit("jump", to=again)
    w.code.mark(end)


@lowers(verbs.Start)
def start(w: Writer, step: verbs.Start, scope: Scope, path: str) -> None:
    """Starts threads, tasks or timers."""
    for one in step.thread:
        each(w, one, scope, "start", lambda cell, target: start_one(w, cell, target, scope))


def start_one(w: Writer, cell: Cell, target: CellRef, scope: Scope) -> None:
    """Emit the start of one thread, task or timer."""
    w.compiler.started.add(cell.number)
    arguments: tuple[str, ...] = ()
    if cell.kind == "timer":
        timer = w.compiler.scenario.sync[cell.name]
        assert isinstance(timer, Timer)
        arguments = (w.operands.timing(timer.after, w.compiler.file_scope), "[]")
    w.code.emit(f"{cell.kind}.start", target=target, arguments=arguments, code=w.compiler.code_of_cell(cell))


@lowers(verbs.Join)
def join(w: Writer, step: verbs.Join, scope: Scope, path: str) -> None:
    """Joins threads, tasks or timers, or a thread that is the value of a local."""
    for one in step.thread:
        timeout = w.operands.timing(step.timeout, scope)
        if isinstance(scope.find(one.name), Register | VariableAlias | Shared):
            held = w.expressions.value(parse(str(one)), scope)
            w.code.emit("spawned.join", arguments=(held, timeout))
        else:
            each(w, one, scope, "join", lambda cell, target, timeout=timeout: join_one(w, cell, target, timeout))


def join_one(w: Writer, cell: Cell, target: CellRef, timeout: str) -> None:
    """Emit the join of one thread, task or timer."""
    w.code.emit(f"{cell.kind}.join", target=target, arguments=(timeout,))


@lowers(verbs.Cancel)
def cancel(w: Writer, step: verbs.Cancel, scope: Scope, path: str) -> None:
    """Cancels a timer, or a future that is the value of a local."""
    reference = step.object or step.future or step.timer
    found = scope.find(reference.name)
    if isinstance(found, Register | VariableAlias | Shared):
        held = w.expressions.value(parse(str(reference)), scope)
        is_timer = step.timer is not None or (step.future is None and reference.name in w.compiler.timers_made)
        if not is_timer:
            futures.cancel(w, step, scope, held=held)
            return
        w.code.emit("spawned.cancel", arguments=(held,))
    if isinstance(found, Object) and found.cell.kind == futures.OWN:
        wanted = ("timer",) if step.timer is not None else (futures.OWN,)
        target = w.operands.target(reference, scope, wanted, "cancel")
        if target is not None:
            futures.cancel(w, step, scope, target=target)
        return
    if step.into:
        w.refuse(step.place_of_key("into"), "cancelling a timer gives nothing back; remove `into`")

    def emit(cell: Cell, target: CellRef) -> None:
        if cell.kind == "timer":
            w.code.emit("timer.cancel", target=target)
        else:
            w.refuse(step.place, f"`cancel` needs a timer or a future; `{reference}` is a thread group, which runs on")

    if not isinstance(found, Register | VariableAlias | Shared):
        each(w, reference, scope, "cancel", emit)


@lowers(verbs.Spawn)
def spawn(w: Writer, step: verbs.Spawn, scope: Scope, path: str) -> None:
    """Creates and starts a thread."""
    made = w.compiler.code_for_new(w, step.target, step.args, scope, step.place_of_key("target"), {}, is_thread=True)
    if made is None:
        return
    code, captured = made
    options = {"daemon": step.daemon, "target": step.target}
    later = () if step.after is None else (w.operands.timing(step.after, scope),)
    op = "spawned.spawn_later" if later else "spawned.spawn"
    w.operate(op, step, scope, arguments=(*later, f"[{', '.join(captured)}]"), code=code, options=options)


@lowers(verbs.Submit)
def submit(w: Writer, step: verbs.Submit, scope: Scope, path: str) -> None:
    """Submits a task to a pool."""
    target = w.operands.target(step.pool, scope, ("pool",), "submit")
    made = w.compiler.code_for_new(w, step.target, step.args, scope, step.place_of_key("target"), {})
    if target is None or made is None:
        return
    code, captured = made
    options = futures.of_task(w, step.target)
    arguments = (f"[{', '.join(captured)}]",)
    w.operate("pool.submit", step, scope, target=target, arguments=arguments, code=code, options=options)


@lowers(verbs.Map)
def map_(w: Writer, step: verbs.Map, scope: Scope, path: str) -> None:
    """Submits a task for each item; with `into`, collects the results in order, and cancels the rest after a failure."""
    target = w.operands.target(step.pool, scope, ("pool",), "map")
    if target is None:
        return
    if step.as_ in step.args:
        w.refuse(step.place_of_key("args"), f"`{step.as_}` takes the item; remove it from `args`")
        return
    items, at, made_so_far = (w.code.temporary(kind) for kind in ("items", "at", "futures"))
    w.code.emit("let", arguments=(f"__items({w.expressions.sequence(step.over, scope)})",), into=items)
    made = w.compiler.code_for_new(
        w, step.target, step.args, scope, step.place_of_key("target"), {step.as_: f"{items}[{at}]"}
    )
    if made is None:
        return
    code, captured = made
    future = w.code.temporary("future")
    w.code.emit("let", arguments=("[]",), into=made_so_far)
    with _counted(w, at, items):
        w.code.emit(
            "pool.submit", target=target, arguments=(f"[{', '.join(captured)}]",), code=code, into=future,
            options=futures.of_task(w, step.target),
        )  # fmt: skip
        w.code.emit("let", arguments=(f"{made_so_far} + [{future}]",), into=made_so_far)
    if step.into:
        _collect(w, step, scope, made_so_far)


def _collect(w: Writer, step: verbs.Map, scope: Scope, futures: str) -> None:
    results, one, at, failed, end = (
        w.code.temporary("results"), w.code.temporary("one"), w.code.temporary("at"), Label(), Label(),
    )  # fmt: skip
    w.code.emit("let", arguments=("[]",), into=results)
    with w.code.handled(failed), _counted(w, at, futures):
        w.code.emit("future.result", arguments=(f"{futures}[{at}]", "None"), into=one)
        w.code.emit("let", arguments=(f"{results} + [{one}]",), into=results)
    w.assign(Target(str(step.into), (), step.place_of_key("into")), results, scope)
    w.code.emit("jump", to=end)
    w.code.mark(failed)
    fault = w.code.temporary("fault")
    w.code.emit("take", into=fault)
    with _counted(w, at, futures):
        w.code.emit("future.cancel", arguments=(f"{futures}[{at}]",))
    w.code.emit("raise", arguments=(fault,))
    w.code.mark(end)


class _counted:  # noqa: N801
    """Emits a loop over the items of a register around the instructions emitted inside; `at` is the index's register."""

    def __init__(self, w: Writer, at: str, items: str) -> None:
        self.w, self.at, self.items = w, at, items
        self.again, self.end = Label(), Label()

    def __enter__(self) -> None:
        self.w.code.emit("let", arguments=("0",), into=self.at)
        self.w.code.mark(self.again)
        self.w.code.emit("branch", arguments=(f"{self.at} < len({self.items})",), to=self.end)

    def __exit__(self, *_: object) -> None:
        self.w.code.emit("let", arguments=(f"{self.at} + 1",), into=self.at)
        self.w.code.emit("jump", to=self.again)
        self.w.code.mark(self.end)


@lowers(verbs.Shutdown)
def shutdown(w: Writer, step: verbs.Shutdown, scope: Scope, path: str) -> None:
    """Shuts a pool or a queue down."""
    wanted = ("pool",) if step.pool is not None else ("queue",) if step.queue is not None else ("pool", "queue")
    target = w.operands.target(step.pool or step.queue or step.object, scope, wanted, "shutdown")
    if target is None:
        return
    kind = kind_of(w, target)
    for key in {"pool": ("immediate",), "queue": ("wait", "cancel_futures")}[kind]:
        if step.is_given(key):
            w.refuse(step.place_of_key(key), f"`{key}` is not for a {kind}: remove it")
    if step.cancel_futures and w.callbacks_of(None):
        message = (
            "CPython runs the callbacks of futures that are cancelled here while it holds the pool's own lock, which is not "
            "part of the language: cancel them by `cancel`, or add no callbacks"
        )
        w.refuse(step.place_of_key("cancel_futures"), message)
    options = (str(step.wait), str(step.cancel_futures)) if kind == "pool" else (str(step.immediate),)
    w.code.emit(f"{kind}.shutdown", target=target, arguments=options)
