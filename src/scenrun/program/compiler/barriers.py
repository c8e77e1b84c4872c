"""Lowers a wait at a barrier with an action: the one who comes last runs it inline, and lets the others go on."""

from __future__ import annotations

from scenrun.language.primitives import Barrier
from scenrun.language.verbs.objects import Wait
from scenrun.program.compiler.assembler import Label
from scenrun.program.compiler.flow import run_inline
from scenrun.program.compiler.scope import Scope
from scenrun.program.compiler.writer import Writer
from scenrun.program.ir import CellRef


def meet(w: Writer, step: Wait, scope: Scope, barrier: CellRef, timeout: str) -> None:
    """Emit a wait. A time-out begins when the thread has come, as in `threading.Barrier`."""
    declared = w.compiler.scenario.sync[w.names.cells[barrier.cell].name]
    assert isinstance(declared, Barrier)
    assert declared.action is not None
    place, last, failed, end = w.code.temporary("place"), Label(), Label(), Label()
    w.code.emit("acting_barrier.come", target=barrier, into=place)
    w.code.emit("branch", arguments=(f"{place} < {declared.parties - 1}",), to=last)
    w.code.emit("acting_barrier.leave", target=barrier, arguments=(place, timeout), into=place)
    w.code.emit("jump", to=end)
    w.code.mark(last)
    with w.code.handled(failed):
        run_inline(w, declared.action, declared.args, w.compiler.file_scope, declared.place_of_key("action"), None)
    w.code.emit("acting_barrier.open", target=barrier, arguments=(place,), into=place)
    w.code.emit("jump", to=end)
    w.code.mark(failed)
    fault = w.code.temporary("fault")
    w.code.emit("take", into=fault)
    w.code.emit("acting_barrier.fail", target=barrier)
    w.code.emit("raise", arguments=(fault,))
    w.code.mark(end)
    register = w.into(step.into, scope, step.place_of_key("into"))
    if register:
        w.code.emit("let", arguments=(place,), into=register)
    w.done_into(step.into, register, scope)
