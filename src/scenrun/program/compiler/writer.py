"""Walks the steps of one code, passes each to the function that lowers its verb, and stores the results of operations."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol

from scenrun.errors import Place
from scenrun.language.expressions import Expression
from scenrun.language.model import Behaviour, Scenario
from scenrun.language.suggestions import did_you_mean
from scenrun.language.variables import Target
from scenrun.language.verbs.step import Step
from scenrun.program.compiler.assembler import Assembler, Label, Size
from scenrun.program.compiler.complaints import Complaints
from scenrun.program.compiler.expressions import Expressions
from scenrun.program.compiler.mentions import assigned, read_by
from scenrun.program.compiler.names import Names
from scenrun.program.compiler.operands import Operands
from scenrun.program.compiler.scope import Constant, Object, Register, Scope, Shared, Unknown, VariableAlias
from scenrun.program.compiler.wording import describe
from scenrun.program.exceptions import EXIT
from scenrun.program.ir import Cell, CellRef, Code

Lower = Callable[["Writer", Any, Scope, str], None]
LOWERING: dict[type[Step], Lower] = {}
"""The function that lowers each verb, by the class of its step."""


def lowers(*classes: type[Step]) -> Callable[[Lower], Lower]:
    """Registers a function as the one that lowers these verbs."""

    def register(function: Lower) -> Lower:
        for cls in classes:
            LOWERING[cls] = function
        return function

    return register


class Compilation(Protocol):
    """The interface of the state that the codes of one program share, implemented in `compiler.py`."""

    complaints: Complaints
    names: Names
    scenario: Scenario
    file_scope: Scope
    place: Place | None
    """The place of the step that is being lowered."""
    callbacks: dict[Any, Any]
    """What steps add to futures to be run when they are done, by what makes it the same for two steps."""
    started: set[int]
    """The cells of the groups that some step starts."""
    codes: list[Code | None]
    """The codes so far; None where one is reserved."""
    size: Size

    @property
    def timers_made(self) -> frozenset[str]:
        """The names that take the threads that are spawned to begin later."""

    @property
    def raised(self) -> frozenset[str]:
        """The exceptions that steps of the file raise."""

    def behaviour(self, name: str, place: Place | None) -> Behaviour | None:
        """The behaviour of that name, the file's own or a shipped one; refuses an unknown name."""

    def is_own(self, target: str) -> bool:
        """Whether a behaviour is the file's own."""

    def names_for(self, target: str) -> Names | None:
        """The file's names that are visible in a behaviour: none in a shipped one."""

    def path_of(self, target: str) -> str:
        """The path that the steps of a behaviour have in the log."""

    def expression(self, value: Any, w: Writer, place: Place | None) -> Expression:
        """An argument parsed as an expression; a wrong one is refused, and 0 stands for it."""

    def grow(self, target: str, behaviour: Behaviour, place: Place | None) -> None:
        """Count the steps of a behaviour that is inlined or compiled once more."""

    def reserve(self) -> int:
        """The number of a new code, which is to be put into `codes`."""

    def code_of_cell(self, cell: Cell) -> int:
        """The code that the threads of a group, or a timer, run."""

    def code_for_new(
        self,
        caller: Writer,
        target: str,
        args: dict[str, Any],
        scope: Scope,
        place: Place | None,
        given: dict[str, str],
        *,
        is_thread: bool = False,
    ) -> tuple[int, list[str]] | None:
        """The code of a spawned thread or submitted task, and the expressions that the caller evaluates for it."""


class Writer:
    """Compiles the steps of one code with its assembler."""

    def __init__(self, compiler: Compilation, assembler: Assembler) -> None:
        self.compiler = compiler
        self.complaints = compiler.complaints
        self.names = compiler.names
        self.code = assembler
        self.expressions = Expressions(assembler, compiler.complaints)
        self.expressions.names = compiler.names
        self.operands = Operands(self.expressions, compiler.complaints)
        self.running: list[str] = []
        """The behaviours that are being inlined, outermost first."""

    def refuse(self, place: Place | None, message: str, about: str | None = None) -> None:
        """Note a problem of the file."""
        self.complaints.refuse(place, message, about)

    def callbacks_of(self, about: int | None) -> list[Any]:
        """The callbacks that steps add to the futures in a cell; None: to those of pools."""
        return [callback for callback in self.compiler.callbacks.values() if callback.about == about]

    @contextmanager
    def quiet_exit(self, result: str) -> Iterator[None]:
        """The steps of a whole thread, which SystemExit ends without a word, as in `threading`; for files that raise it.

        result: the register of what it returns.
        """
        if EXIT not in self.compiler.raised:
            yield
            return
        left, other, fault = Label(), Label(), self.code.temporary("fault")
        with self.code.handled(left):
            yield
        self.code.emit("end", arguments=(result,))
        self.code.mark(left)
        self.code.emit("take", into=fault)
        self.code.emit("branch", arguments=(f"__is_a({fault}, {EXIT!r})",), to=other)
        self.code.emit("end", arguments=("None",))
        self.code.mark(other)
        self.code.emit("raise", arguments=(fault,))

    def steps(self, steps: Iterable[Step], scope: Scope, path: str) -> None:
        """Lower steps in order."""
        for number, step in enumerate(steps):
            self.step(step, scope, f"{path}[{number}]")

    def step(self, step: Step, scope: Scope, path: str) -> None:
        """Lower one step."""
        self.compiler.place = step.place
        with self.code.at(path, step.place):
            if self.code.atomic and not step.in_atomic:
                message = f"`{step.verb}` cannot stand inside `atomic`, which reads and writes variables as one step"
                self.refuse(step.place, message)
                return
            LOWERING[type(step)](self, step, scope, path)

    def declare_locals(self, steps: Iterable[Step], scope: Scope, own: bool) -> None:
        """Make registers for the names that steps assign and the scope does not have; warn of those that are never read.

        One that may be a misspelt variable is refused. own: false for the steps of a shipped behaviour, whose unread locals
        are no matter of the file.
        """
        steps = tuple(steps)
        read = read_by(steps)
        for name, place in assigned(steps):
            found = scope.find(name)
            if found is None:
                self._new_local(name, scope)
                if own and name not in read and not name.startswith("_"):
                    unread = f"the local `{name}` is set but never read"
                    if meant := did_you_mean(name, self.compiler.scenario.state):
                        self.complaints.refuse(place, f"{unread}{meant}", about=name)
                    else:
                        self.complaints.later(place, f"{unread}; read it, or begin its name with `_`", about=name)
            elif isinstance(found, Object):
                self.refuse(
                    place,
                    f"`{name}` is {describe(found)} and cannot be assigned{_set_instead(found, name)}",
                    about=name,
                )

    def _new_local(self, name: str, scope: Scope) -> None:
        if self.names.places.get(name) is not None and scope.names is not None:
            self.refuse(self.names.places[name], f"`{name}` is a behaviour here and a local elsewhere; names differ")
        register = scope.prefix + name
        scope.bindings[name] = Register(register)
        self.code.local_names[register] = name

    # --- where results go

    def assign(self, target: Target, value: str, scope: Scope) -> None:
        """Emit the assignment of `value`, Python over registers, to a variable or an item of one."""
        found = scope.find(target.name)
        path = [self.expressions.value(index, scope) for index in target.path]
        while isinstance(found, VariableAlias):
            path = [*(self.expressions.value(i, found.scope) for i in found.target.path), *path]
            target, found = found.target, found.scope.find(found.target.name)
        if isinstance(found, Shared):
            cell = CellRef(found.cell.number)
            if path:
                self.code.emit("variable.assign", target=cell, arguments=(f"[{', '.join(path)}]", value))
            else:
                self.code.emit("variable.write", target=cell, arguments=(value,))
        elif isinstance(found, Register):
            text = f"__assign({found.name}, [{', '.join(path)}], {value})" if path else value
            self.code.emit("let", arguments=(text,), into=found.name)
        else:
            self._not_assignable(target.name, target.place, found, scope)

    def into(self, name: str | None, scope: Scope, place: Place | None) -> str | None:
        """The register for an instruction's result; for a shared variable a temporary, which `done_into` then writes to it."""
        if name is None:
            return None
        found = scope.find(name)
        if isinstance(found, Register):
            return found.name
        if isinstance(found, Shared | VariableAlias):
            return self.code.temporary()
        self._not_assignable(name, place, found, scope)
        return None

    def done_into(self, name: str | None, register: str | None, scope: Scope) -> None:
        """Emit the write of a result from its temporary register to the shared variable `name`, if it is one."""
        if name is None or register is None:
            return
        if not isinstance(scope.find(name), Register):
            self.assign(Target(name, (), None), register, scope)

    def operate(self, op: str, step: Step, scope: Scope, **fields: Any) -> None:
        """Emit an operation whose result goes to the step's `into`."""
        wanted = getattr(step, "into", None)
        register = self.into(wanted, scope, step.place_of_key("into"))
        self.code.emit(op, into=register, **fields)
        self.done_into(wanted, register, scope)

    def _not_assignable(self, name: str, place: Place | None, found: Any, scope: Scope) -> None:
        if isinstance(found, Constant):
            is_declared = name in self.compiler.scenario.let and name not in scope.bindings
            what = (
                "a constant of `let`; declare it under `state`"
                if is_declared
                else "a literal parameter; declare it as `value`"
            )
            self.refuse(place, f"`{name}` is {what} to assign to it")
        elif isinstance(found, Object):
            instead = _set_instead(found, name)
            self.refuse(place, f"`{name}` is {describe(found)} and cannot be assigned{instead}", about=name)
        elif found is None:
            hint = self.complaints.hint(name, scope.known())
            self.refuse(place, f"there is no variable `{name}` here{hint}", about=name)
        elif not isinstance(found, Unknown):
            self.refuse(place, f"`{name}` is {describe(found)} and cannot be assigned")


def _set_instead(found: Object, name: str) -> str:
    return f"; write `set_event: {name}`" if found.cell.kind == "event" else ""
