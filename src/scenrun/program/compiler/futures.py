"""Lowers what is done to futures: those of the file's own, those of pools, and the callbacks of both.

A callback's steps stand wherever its future may be completed: whoever completes it has the callbacks that were added as the
result of that step, and runs them one after another. Which callbacks a file adds is known once all of it is compiled, so
a file that adds some is compiled again until no more are found (`compile_scenario`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from msgspec import Struct

from scenrun.errors import Place
from scenrun.language.expressions import Expression
from scenrun.language.fields import Reference
from scenrun.language.verbs import threads as verbs
from scenrun.program.compiler.arguments import bind_captured, signature
from scenrun.program.compiler.assembler import Assembler, Label
from scenrun.program.compiler.flow import forget_locals, raised_fault
from scenrun.program.compiler.scope import Object, Scope
from scenrun.program.compiler.syntax import reference_in
from scenrun.program.compiler.writer import Writer, lowers
from scenrun.program.ir import CellRef
from scenrun.program.primitives.future import KNOWS_ITSELF

OWN = "own_future"


class Callback(Struct, frozen=True):
    """What a step `on_done` adds: the steps of a behaviour, with some of its parameters bound when it is added."""

    number: int
    about: int | None
    """The cell of the futures that it is added to; None for futures of pools."""
    target: str
    scope: Scope
    registers: tuple[str, ...]
    """The registers of the values that were computed when it was added."""
    locals: dict[str, str]
    place: Place | None


def own_future(w: Writer, expression: Expression, scope: Scope) -> Reference | None:
    """The future of the file's own that an expression names; None where it is a value."""
    reference = reference_in(expression)
    found = scope.find(reference.name) if reference is not None else None
    return reference if isinstance(found, Object) and found.cell.kind not in ("thread", "task", "timer") else None


def _target(w: Writer, reference: Reference, scope: Scope, verb: str) -> CellRef | None:
    return w.operands.target(reference, scope, (OWN,), verb)


@lowers(verbs.Result)
def result(w: Writer, step: verbs.Result, scope: Scope, path: str) -> None:
    """Waits for a future's result, or raises its exception."""
    own = own_future(w, step.future, scope)
    if own is not None:
        target = _target(w, own, scope, "result")
        if target is not None:
            arguments = (w.operands.timing(step.timeout, scope),)
            w.operate(f"{OWN}.result", step, scope, target=target, arguments=arguments)
        return
    future = w.expressions.value(step.future, scope)
    w.operate("future.result", step, scope, arguments=(future, w.operands.timing(step.timeout, scope)))


@lowers(verbs.SetResult)
def set_result(w: Writer, step: verbs.SetResult, scope: Scope, path: str) -> None:
    """Completes a future with a result, and runs its callbacks."""
    target = _target(w, step.future, scope, "set_result")
    if target is not None:
        value = w.expressions.value(step.value, scope) if step.value else "None"
        _complete(w, target, "set_result", (value,))


@lowers(verbs.SetException)
def set_exception(w: Writer, step: verbs.SetException, scope: Scope, path: str) -> None:
    """Completes a future with an exception, and runs its callbacks."""
    target = _target(w, step.future, scope, "set_exception")
    fault = raised_fault(w, step, scope)
    if target is not None and fault is not None:
        _complete(w, target, "set_exception", (fault,))


def _complete(w: Writer, target: CellRef, operation: str, arguments: tuple[str, ...]) -> None:
    callbacks = w.callbacks_of(target.cell)
    called = w.code.temporary("called") if callbacks else None
    w.code.emit(f"{OWN}.{operation}", target=target, arguments=arguments, into=called)
    if called:
        run_all(w, callbacks, called)


def cancel(w: Writer, step: verbs.Cancel, scope: Scope, *, target: CellRef | None = None, held: str = "") -> None:
    """Emit the cancelling of a future, of the file's own or one that a local holds, and the run of its callbacks."""
    callbacks = w.callbacks_of(target.cell if target else None)
    if held and not callbacks:
        w.operate("future.cancel", step, scope, arguments=(held,))
        return
    pair = w.code.temporary("cancelled")
    if target is not None:
        w.code.emit(f"{OWN}.cancel", target=target, into=pair)
    else:
        w.code.emit("future.withdraw", arguments=(held,), into=pair)
    if callbacks:  # before the result is there, as they are run by the call that has it
        called = w.code.temporary("called")
        w.code.emit("let", arguments=(f"{pair}[1]",), into=called)
        run_all(w, callbacks, called)
    register = w.into(step.into, scope, step.place_of_key("into"))
    if register:
        w.code.emit("let", arguments=(f"{pair}[0]",), into=register)
    w.done_into(step.into, register, scope)


@lowers(verbs.OnDone)
def on_done(w: Writer, step: verbs.OnDone, scope: Scope, path: str) -> None:
    """Adds a callback to a future, or runs it at once where the future is done."""
    own = own_future(w, step.future, scope)
    target = None if own is None else _target(w, own, scope, "on_done")
    if own is not None and target is None:
        return
    held = "" if own is not None else w.expressions.value(step.future, scope)
    added = _added(w, step, scope, target.cell if target else None)
    if added is None:
        return
    callback, captured = added
    given, is_done, end = w.code.temporary("given"), w.code.temporary("done"), Label()
    w.code.emit("let", arguments=(f"[{', '.join([str(callback.number), *captured])}]",), into=given)
    if target is not None:
        w.code.emit(f"{OWN}.add_callback", target=target, arguments=(given,), into=is_done)
    else:
        w.code.emit("future.add_callback", arguments=(held, given), into=is_done)
    w.code.emit("branch", arguments=(is_done,), to=end)
    _run(w, callback, given)
    w.code.mark(end)


def _added(w: Writer, step: verbs.OnDone, scope: Scope, about: int | None) -> tuple[Callback, list[str]] | None:
    """The callback of a step, and the expressions that are evaluated when it is added."""
    place = step.place_of_key("target")
    behaviour = w.compiler.behaviour(step.target, place)
    if behaviour is None:
        return None
    prefix = f"__k_{step.target}_{place.line}_{place.column}_" if place else f"__k_{step.target}_"
    body = Writer(w.compiler, Assembler(-1, step.target, w.code.source, w.code.size))
    inner, captured = bind_captured(
        body, w, behaviour, step.target, step.args, scope, place=place, given={}, prefix=prefix
    )
    key = about, step.target, prefix, tuple((name, signature(inner.find(name))) for name in behaviour.params)
    known = w.compiler.callbacks.get(key)
    number = len(w.compiler.callbacks) if known is None else known.number
    registers = tuple(body.code.parameters)
    callback = Callback(number, about, step.target, inner, registers, body.code.local_names, place)
    w.compiler.callbacks[key] = callback
    return callback, captured


def run_all(w: Writer, callbacks: list[Callback], called: str) -> None:
    """Emit the run of the callbacks in a register, one after another."""
    at, given, again, end = w.code.temporary("at"), w.code.temporary("given"), Label(), Label()
    w.code.emit("let", arguments=("0",), into=at)
    w.code.mark(again)
    w.code.emit("branch", arguments=(f"{at} < len({called})",), to=end)
    w.code.emit("let", arguments=(f"{called}[{at}]",), into=given)
    w.code.emit("let", arguments=(f"{at} + 1",), into=at)
    for callback in callbacks:
        other = Label()
        w.code.emit("branch", arguments=(f"{given}[0] == {callback.number}",), to=other)
        _run(w, callback, given)
        w.code.emit("jump", to=again)
        w.code.mark(other)
    w.code.emit("jump", to=again)
    w.code.mark(end)


def _run(w: Writer, callback: Callback, given: str) -> None:
    """Emit the steps of a callback; as in CPython, its exceptions are logged and go no further."""
    target, place = callback.target, callback.place
    behaviour = w.compiler.behaviour(target, place)
    if behaviour is None:
        return
    if target in w.running:
        chain = " -> ".join([*w.running[w.running.index(target) :], target])
        message = f"the callback `{target}` may come to run itself ({chain}), which is not part of the language"
        w.refuse(place, message)
        return
    w.compiler.grow(target, behaviour, place)
    for number, register in enumerate(callback.registers):
        w.code.emit("let", arguments=(f"{given}[{number + 1}]",), into=register)
    w.code.local_names |= callback.locals
    with logged(w, f"calling callback {target}"):
        forget_locals(w, behaviour, callback.scope)
        w.running.append(target)
        with w.code.inline(None):
            w.steps(behaviour.do, callback.scope, w.compiler.path_of(target))
        w.running.pop()


@contextmanager
def logged(w: Writer, what: str) -> Iterator[None]:
    """Around steps whose exceptions are logged and go no further; what: where they come from, in words."""
    failed, other, end, fault = Label(), Label(), Label(), w.code.temporary("fault")
    with w.code.handled(failed):
        yield
    w.code.emit("jump", to=end)
    w.code.mark(failed)
    w.code.emit("take", into=fault)
    w.code.emit("branch", arguments=(f"__is_a({fault}, 'Exception')",), to=other)
    text = f"{f'exception {what}: '!r} + {fault}.type + ': ' + {fault}.text"
    w.code.emit("log", arguments=(text, "None"), options={"level": "error"})
    w.code.emit("jump", to=end)
    w.code.mark(other)
    w.code.emit("raise", arguments=(fault,))
    w.code.mark(end)


def of_task(w: Writer, target: str) -> dict[str, Any]:
    """The options of a step that hands a task to a pool."""
    return {"target": target, **({KNOWS_ITSELF: True} if w.callbacks_of(None) else {})}


@contextmanager
def completing(w: Writer, result: str) -> Iterator[None]:
    """The steps of a task whose future may have callbacks: it is done after them, and its worker busy until the last callback."""
    callbacks = w.callbacks_of(None)
    if not callbacks:
        yield
        return
    failed, end = Label(), Label()
    fault, called = w.code.temporary("fault"), w.code.temporary("called")
    with w.code.handled(failed):
        yield
    w.code.emit("future.finish", arguments=(KNOWS_ITSELF, result, "None"), into=called)
    run_all(w, callbacks, called)
    w.code.emit("jump", to=end)
    w.code.mark(failed)
    w.code.emit("take", into=fault)
    w.code.emit("future.finish", arguments=(KNOWS_ITSELF, "None", fault), into=called)
    run_all(w, callbacks, called)
    w.code.emit("raise", arguments=(fault,))
    w.code.mark(end)
