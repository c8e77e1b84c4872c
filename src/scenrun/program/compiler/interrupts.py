"""Compiles interrupts: code that comes at any moment between two steps of a thread, on the thread's own stack."""

from __future__ import annotations

from scenrun.language.model import ANY_NUMBER
from scenrun.language.model import Interrupt as Model
from scenrun.program.compiler.arguments import bind_inline
from scenrun.program.compiler.assembler import Assembler
from scenrun.program.compiler.futures import logged
from scenrun.program.compiler.scope import Scope
from scenrun.program.compiler.writer import Compilation, Writer
from scenrun.program.ir import Code, Instruction, Interrupt

MAIN = "main"
_BASE = ("'SystemExit'", "'KeyboardInterrupt'")


def written(compiler: Compilation) -> tuple[Interrupt, ...]:
    """The interrupts of the file, each with a code of its own."""
    found = []
    for model in compiler.scenario.interrupts:
        if _is_right(compiler, model) and (code := _code(compiler, model)) is not None:
            place = model.place_of_key("target")
            found.append(Interrupt(code.number, str(model.in_), model.target, model.times, place.line if place else 0))
    return tuple(found)


def _is_right(compiler: Compilation, model: Model) -> bool:
    """Whether its threads are those of the file, and a known number."""
    place, groups = model.place_of_key("in"), compiler.scenario.threads
    if model.in_ == MAIN:
        return True
    if model.in_ not in groups:
        hint = compiler.complaints.hint(str(model.in_), [MAIN, *groups])
        compiler.complaints.refuse(place, f"there is no thread group `{model.in_}`{hint}", about=str(model.in_))
        return False
    if groups[model.in_].count == ANY_NUMBER:
        compiler.complaints.refuse(
            place, f"`{model.in_}` has `count: any`; what is interrupted is a known number of threads"
        )
        return False
    return True


def _code(compiler: Compilation, model: Model) -> Code | None:
    """The code of an interrupt; None where its behaviour is not there, or refused."""
    place = model.place_of_key("target")
    behaviour = compiler.behaviour(model.target, place)
    if behaviour is None:
        return None
    number = compiler.reserve()
    w = Writer(compiler, Assembler(number, model.target, compiler.scenario.source, compiler.size))
    with w.code.at(compiler.path_of(model.target), behaviour.place):
        scope = bind_inline(w, behaviour, model.target, model.args, Scope(compiler.names, "__own_"), place)
        w.running.append(model.target)
        with logged(w, f"in interrupt {model.target}"), w.code.inline(None):
            w.steps(behaviour.do, scope, compiler.path_of(model.target))
        w.code.emit("end", arguments=("None",))
    code = w.code.finish()
    compiler.codes[number] = code
    if why := next(filter(None, map(_refused, code.instructions)), None):
        compiler.complaints.refuse(place, f"`{model.target}` comes in the middle of other steps, where {why}")
    return code


def _refused(i: Instruction) -> str | None:
    """Why an instruction cannot stand in an interrupt."""
    if i.op.startswith(("condition.wait", "barrier.wait")):
        return "it cannot wait for a condition or a barrier, as its thread may be waiting there already"
    if i.op == "raise" and any(name in i.arguments[0] for name in _BASE):
        return "it cannot end its thread; let it set a flag"
    if i.op == "choose" or any("random." in text for text in i.arguments):
        return "nothing is drawn; draw in the thread itself"
    return None
