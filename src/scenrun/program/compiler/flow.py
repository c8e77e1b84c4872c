"""Lowers control flow and local steps: `if`, loops, `run`, exceptions, regions, assignments, `log`, `sleep` and `call`."""

from __future__ import annotations

import re
from typing import Any

from scenrun.errors import Place
from scenrun.language.model import OWN_FIELDS, TAKEN, Behaviour
from scenrun.language.suggestions import did_you_mean, nearest
from scenrun.language.variables import Target
from scenrun.language.verbs import flow, log_and_time, variables
from scenrun.language.verbs.step import Step
from scenrun.program import exceptions
from scenrun.program.compiler import calls
from scenrun.program.compiler.arguments import bind_inline
from scenrun.program.compiler.assembler import Inline, Label, Loop
from scenrun.program.compiler.mentions import EXCEPTION, assigned, sets_first
from scenrun.program.compiler.scope import Register, Scope, Shared, VariableAlias
from scenrun.program.compiler.writer import Writer, lowers
from scenrun.program.ir import CellRef


@lowers(log_and_time.Log)
def log(w: Writer, step: log_and_time.Log, scope: Scope, path: str) -> None:
    """Emits one `log` with the text and the fields."""
    text = w.expressions.text(step.message, scope)
    for key in step.fields if w.compiler.scenario.log.flat else ():
        if key in OWN_FIELDS:
            w.refuse(step.place_of_key("fields"), TAKEN.format(name=key))
    pairs = [f"{key!r}: {w.expressions.value(value, scope)}" for key, value in step.fields.items()]
    fields = "{" + ", ".join(pairs) + "}" if pairs else "None"
    w.code.emit("log", arguments=(text, fields), options={"level": step.level})


@lowers(log_and_time.Sleep, log_and_time.Work)
def sleep(w: Writer, step: log_and_time.Sleep, scope: Scope, path: str) -> None:
    """Emits one `sleep` or `work` of a duration."""
    w.code.emit(step.verb, arguments=(w.operands.timing(step.time, scope),))


@lowers(variables.Set)
def assign(w: Writer, step: variables.Set, scope: Scope, path: str) -> None:
    """Assigns each name in the order of the file."""
    for target, expression in step.assign:
        found = scope.find(target.name)
        if isinstance(found, Register) and not target.path:
            w.expressions.store(expression, scope, found.name)
        else:
            w.assign(target, w.expressions.value(expression, scope), scope)


@lowers(variables.Append)
def append(w: Writer, step: variables.Append, scope: Scope, path: str) -> None:
    """Appends an item to a list in one instruction."""
    target, cell_or_register, indices = _container(w, step.to, scope)
    item = w.expressions.value(step.item, scope)
    if isinstance(cell_or_register, CellRef):
        op, arguments = ("variable.append", (item,)) if not indices else ("variable.extend", (f"[{indices}]", item))
        w.code.emit(op, target=cell_or_register, arguments=arguments)
    elif cell_or_register:
        text = f"__append({cell_or_register}, [{indices}], {item})"
        w.code.emit("let", arguments=(text,), into=cell_or_register)
    else:
        w.assign(target, "None", scope)


@lowers(variables.Pop)
def pop(w: Writer, step: variables.Pop, scope: Scope, path: str) -> None:
    """Removes an item from a list or mapping; from a shared variable, in one instruction."""
    target, cell_or_register, indices = _container(w, step.from_, scope)
    at = w.expressions.value(step.at, scope) if step.at else "None"
    if isinstance(cell_or_register, CellRef):
        op, arguments = ("variable.pop", (at,)) if not indices else ("variable.remove", (f"[{indices}]", at))
        w.operate(op, step, scope, target=cell_or_register, arguments=arguments)
    elif cell_or_register:
        pair = w.code.temporary()
        w.code.emit("let", arguments=(f"__pop({cell_or_register}, [{indices}], {at})",), into=pair)
        w.code.emit("let", arguments=(f"{pair}[0]",), into=cell_or_register)
        if step.into:
            w.assign(Target(step.into, (), step.place_of_key("into")), f"{pair}[1]", scope)
    else:
        w.assign(target, "None", scope)


def _container(w: Writer, target: Target, scope: Scope) -> tuple[Target, CellRef | str | None, str]:
    """The shared variable or register that holds a list or mapping, and the indices that lead to it."""
    indices = [w.expressions.value(index, scope) for index in target.path]
    found = scope.find(target.name)
    while isinstance(found, VariableAlias):
        indices = [*(w.expressions.value(i, found.scope) for i in found.target.path), *indices]
        target, found = found.target, found.scope.find(found.target.name)
    if isinstance(found, Shared):
        return target, CellRef(found.cell.number), ", ".join(indices)
    return target, found.name if isinstance(found, Register) else None, ", ".join(indices)


@lowers(flow.If)
def if_(w: Writer, step: flow.If, scope: Scope, path: str) -> None:
    """Lowers both branches; a branch that can never be taken, as the condition is constant, is left out."""
    condition = w.expressions.test(step.condition, scope)
    if isinstance(condition, bool):
        w.steps(step.then if condition else step.else_, scope, f"{path}.{'then' if condition else 'else'}")
        return
    otherwise, end = Label(), Label()
    w.code.emit("branch", arguments=(condition,), to=otherwise, asks=f"if {_on_one_line(step.condition.text)}")
    w.steps(step.then, scope, f"{path}.then")
    if step.else_:
        w.code.emit("jump", to=end)
    w.code.mark(otherwise)
    w.steps(step.else_, scope, f"{path}.else")
    w.code.mark(end)


def _on_one_line(text: str) -> str:
    return " ".join(text.split())


@lowers(flow.While)
def while_(w: Writer, step: flow.While, scope: Scope, path: str) -> None:
    """A loop that evaluates its condition before each iteration."""
    again, end = Label(), Label()
    w.code.mark(again)
    condition = w.expressions.test(step.condition, scope)
    if condition is False:
        return
    if condition is not True:
        asks = f"while {_on_one_line(step.condition.text)}"
        w.code.emit("branch", arguments=(str(condition),), to=end, asks=asks)
    with w.code.loop(end, again):
        w.steps(step.do, scope, f"{path}.do")
    w.code.emit("jump", to=again)
    w.code.mark(end)


@lowers(flow.Repeat)
def repeat(w: Writer, step: flow.Repeat, scope: Scope, path: str) -> None:
    """A loop that counts down from a number that is evaluated once."""
    left, again, end = w.code.temporary("left"), Label(), Label()
    w.code.emit("let", arguments=(f"__times({w.expressions.value(step.times, scope)})",), into=left)
    w.code.mark(again)
    w.code.emit("branch", arguments=(f"{left} > 0",), to=end)
    w.code.emit("let", arguments=(f"{left} - 1",), into=left)
    with w.code.loop(end, again):
        w.steps(step.do, scope, f"{path}.do")
    w.code.emit("jump", to=again)
    w.code.mark(end)


def for_items(w: Writer, step: flow.For, scope: Scope, path: str) -> None:
    """Emit a loop over the items, which are evaluated once."""
    assert step.in_ is not None
    items, at, again, end = w.code.temporary("items"), w.code.temporary("at"), Label(), Label()
    w.code.emit("let", arguments=(f"__items({w.expressions.sequence(step.in_, scope)})",), into=items)
    w.code.emit("let", arguments=("0",), into=at)
    w.code.mark(again)
    w.code.emit("branch", arguments=(f"{at} < len({items})",), to=end)
    w.assign(Target(step.variable, (), step.place_of_key("variable")), f"{items}[{at}]", scope)
    w.code.emit("let", arguments=(f"{at} + 1",), into=at)
    with w.code.loop(end, again):
        w.steps(step.do, scope, f"{path}.do")
    w.code.emit("jump", to=again)
    w.code.mark(end)


@lowers(flow.Break, flow.Continue)
def break_(w: Writer, step: Step, scope: Scope, path: str) -> None:
    """Jumps out of the loop or to its next iteration, after the cleanups in between."""
    loop = w.code.leave(Loop)
    if isinstance(loop, Loop):
        w.code.emit("jump", to=loop.end if isinstance(step, flow.Break) else loop.again)
    else:
        w.refuse(step.place, f"`{step.verb}` stands in no loop")


@lowers(flow.Return)
def return_(w: Writer, step: flow.Return, scope: Scope, path: str) -> None:
    """Leaves the behaviour with its value, after the cleanups in between."""
    value = w.expressions.value(step.value, scope) if step.value else "None"
    # The value is evaluated into a register first: the cleanups may change the registers that it reads.
    if step.value and not (value.isidentifier() and value.startswith("__t")):
        kept = w.code.temporary("value")
        w.code.emit("let", arguments=(value,), into=kept)
        value = kept
    inline = w.code.leave(Inline)
    if isinstance(inline, Inline):
        if inline.into:
            w.code.emit("let", arguments=(value,), into=inline.into)
        w.code.emit("jump", to=inline.end)
    else:
        w.code.emit("end", arguments=(value,))


@lowers(flow.Run)
def run(w: Writer, step: flow.Run, scope: Scope, path: str) -> None:
    """Inlines the steps of a behaviour."""
    result = w.code.temporary("result") if step.into or step.target in w.names.calls else None
    run_inline(w, step.target, step.args, scope, step.place_of_key("target"), result)
    if step.into and result:
        w.assign(Target(step.into, (), step.place_of_key("into")), result, scope)


def run_inline(
    w: Writer, target: str, args: dict[str, Any], scope: Scope, place: Place | None, result: str | None
) -> None:
    """Emit the steps of a behaviour; what it returns goes into the register `result`."""
    behaviour = w.compiler.behaviour(target, place)
    if behaviour is None:
        return
    if target in w.running:
        chain = " -> ".join([*w.running[w.running.index(target) :], target])
        message = f"the behaviour `{target}` runs itself ({chain}); recursion is not part of the language: write a loop"
        w.refuse(place, message)
        return
    w.compiler.grow(target, behaviour, place)
    if result:
        w.code.emit("let", arguments=("None",), into=result)
    inner = bind_inline(w, behaviour, target, args, scope, place)
    forget_locals(w, behaviour, inner)
    with calls.recorded(w, target, behaviour, inner, result):
        w.running.append(target)
        with w.code.inline(result):
            w.steps(behaviour.do, inner, w.compiler.path_of(target))
        w.running.pop()


def forget_locals(w: Writer, behaviour: Behaviour, scope: Scope) -> None:
    """Unbind a behaviour's locals before each run of it, as each call of a Python function starts without them."""
    for name in dict.fromkeys(name for name, _ in assigned(behaviour.do)):
        found = scope.bindings.get(name)
        if isinstance(found, Register) and name not in behaviour.params and not sets_first(behaviour.do, name):
            w.code.emit("forget", into=found.name)


@lowers(flow.Raise)
def raise_(w: Writer, step: flow.Raise, scope: Scope, path: str) -> None:
    """Raises an exception by name, with its text."""
    fault = raised_fault(w, step, scope)
    if fault is not None:
        w.code.emit("raise", arguments=(fault,))


def raised_fault(w: Writer, step: Any, scope: Scope) -> str | None:
    """Python for the fault that the `exception` of a step names; None where it is refused."""
    first = step.exception.parts[0]
    found = EXCEPTION.match(first) if isinstance(first, str) else None
    if not found:
        w.refuse(step.place_of_key("exception"), "an exception is written `Name: text`, such as `ValueError: too late`")
        return None
    name = found.group(1)
    if exceptions.is_base(name):
        w.refuse(step.place_of_key("exception"), f"`{name}` is no error; raise an Exception, such as RuntimeError")
        return None
    if not exceptions.is_known(name) and (near := nearest(name, exceptions.KNOWN, 0.88)):
        w.refuse(step.place_of_key("exception"), f"there is no exception `{name}`; did you mean `{near}`?")
        return None
    text = w.expressions.text(step.exception, scope)
    return f"__fault({exceptions.canonical(name)!r}, ({text})[{found.end()}:])"


@lowers(flow.Assert)
def assert_(w: Writer, step: flow.Assert, scope: Scope, path: str) -> None:
    """Raises AssertionError where the expression does not hold."""
    condition = w.expressions.test(step.that, scope)
    failed, end = Label(), Label()
    w.code.emit("branch", arguments=(str(condition),), to=failed)
    w.code.emit("jump", to=end)
    w.code.mark(failed)
    text = w.expressions.text(step.message, scope) if step.message else repr(f"{step.that.text} does not hold")
    w.code.emit("raise", arguments=(f"__fault('AssertionError', {text})",))
    w.code.mark(end)


@lowers(flow.Try)
def try_(w: Writer, step: flow.Try, scope: Scope, path: str) -> None:
    """Lowers the handlers by name, `else`, and `finally` on every exit."""
    if not step.finally_:
        _try_except(w, step, scope, path)
        return
    with w.code.guarded(lambda: w.steps(step.finally_, scope, f"{path}.finally")):
        _try_except(w, step, scope, path)


def _try_except(w: Writer, step: flow.Try, scope: Scope, path: str) -> None:
    if not step.except_:
        w.steps(step.body, scope, f"{path}.try")
        return
    caught, end = Label(), Label()
    with w.code.handled(caught):
        w.steps(step.body, scope, f"{path}.try")
    w.steps(step.else_, scope, f"{path}.else")
    w.code.emit("jump", to=end)
    w.code.mark(caught)
    fault = w.code.temporary("fault")
    w.code.emit("take", into=fault)
    for name, steps in step.except_.items():
        _check_exception(w, step, name)
        other = Label()
        w.code.emit("branch", arguments=(f"__is_a({fault}, {exceptions.canonical(name)!r})",), to=other)
        error = w.code.temporary("error")
        w.code.emit("let", arguments=(f"{fault}.text",), into=error)
        w.steps(steps, scope.inner(error=Register(error)), f"{path}.except.{name}")
        w.code.emit("jump", to=end)
        w.code.mark(other)
    w.code.emit("raise", arguments=(fault,))
    w.code.mark(end)


def _check_exception(w: Writer, step: flow.Try, name: str) -> None:
    """Refuse a handler's exception that is neither Python's nor raised by a step of the file."""
    if exceptions.is_known(name):
        return
    raised = w.compiler.raised
    if name not in raised:
        node = step._node["except"] if step.is_given("except") else None
        place = node.places[name][0] if node is not None else step.place
        hint = (
            did_you_mean(name, [*exceptions.KNOWN, *raised])
            or "; catch one of Python's exceptions, or one that a step raises"
        )
        w.refuse(place, f"nothing raises `{name[:60]}`{hint}", about=name.split(".")[-1])


@lowers(flow.Atomic)
def atomic(w: Writer, step: flow.Atomic, scope: Scope, path: str) -> None:
    """Emits steps on variables between `atomic.begin` and `atomic.end`, which is a cleanup."""
    if w.code.atomic:
        w.refuse(step.place, "`atomic` inside `atomic` has no effect")
        return
    w.code.emit("atomic.begin")
    w.code.atomic = True
    with w.code.guarded(lambda: _emit(w, "atomic.end")):
        w.steps(step.body, scope, f"{path}.atomic")
    w.code.atomic = False


@lowers(flow.Section)
def section(w: Writer, step: flow.Section, scope: Scope, path: str) -> None:
    """Emits the steps of a section between `section.enter` and `section.leave`, which is a cleanup."""
    target = CellRef(w.names.section(step.section).number)
    w.code.emit("section.enter", target=target)
    with w.code.guarded(lambda: _emit(w, "section.leave", target)):
        w.steps(step.do, scope, f"{path}.do")


def _emit(w: Writer, op: str, target: CellRef | None = None) -> None:
    w.code.emit(op, target=target)


@lowers(flow.Choose)
def choose(w: Writer, step: flow.Choose, scope: Scope, path: str) -> None:
    """Chooses the number of an alternative, then evaluates only that alternative."""
    chosen, end = w.code.temporary("choice"), Label()
    w.code.emit("choose", arguments=(str(len(step.from_)),), into=chosen)
    for number, alternative in enumerate(step.from_):
        other = Label()
        if number < len(step.from_) - 1:
            w.code.emit("branch", arguments=(f"{chosen} == {number}",), to=other)
        value = w.expressions.value(alternative, scope)
        w.assign(Target(str(step.into), (), step.place_of_key("into")), value, scope)
        if number < len(step.from_) - 1:
            w.code.emit("jump", to=end)
        w.code.mark(other)
    w.code.mark(end)


def _names_a_function(w: Writer, step: flow.Call) -> bool:
    """Whether the function is `package.module:function` or `object.method` of a declared object; refuses any other."""
    if re.fullmatch(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*", step.function):
        return True
    place, objects = step.place_of_key("function"), w.compiler.scenario.objects
    name, _, method = step.function.partition(".")
    if not re.fullmatch(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)+", step.function):
        how = "`package.module:function`, or `object.method` of one of `objects`"
        w.refuse(place, f"a function is written {how}")
        return False
    if name not in objects:
        module, _, function = step.function.rpartition(".")
        hint = (
            w.complaints.hint(name, objects) or f"; a function of a module is written `{module[:60]}:{function[:60]}`"
        )
        w.refuse(place, f"there is no object `{name[:60]}`{hint}", about=name)
        return False
    return bool(method)


@lowers(flow.Call)
def call(w: Writer, step: flow.Call, scope: Scope, path: str) -> None:
    """Calls a function of the author's Python."""
    if not _names_a_function(w, step):
        return

    def value(given: object) -> str:
        return w.expressions.value(w.compiler.expression(given, w, step.place), scope)

    if isinstance(step.args, list):
        arguments = "[" + ", ".join([value(given) for given in step.args]) + "]"
    else:
        arguments = "{" + ", ".join([f"{key!r}: {value(given)}" for key, given in step.args.items()]) + "}"
    w.operate("call", step, scope, arguments=(arguments,), options={"function": step.function})
