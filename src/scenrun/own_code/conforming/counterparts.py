"""What in a class stands for what in a scenario: methods for its threads, attributes for its shared objects and variables."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import reduce
from typing import Any

from scenrun.errors import UsageError
from scenrun.language.suggestions import did_you_mean
from scenrun.own_code.conforming.recording import CLASSES, Recording
from scenrun.own_code.histories.operations import Operation
from scenrun.program.compiler.wording import a
from scenrun.program.ir import Cell, Program
from scenrun.program.loaded import Loaded

MAIN = "main"
_PLAIN_NODES = (
    ast.Expression, ast.BinOp, ast.UnaryOp, ast.Constant, ast.Name, ast.Load, ast.Add, ast.Sub, ast.Mult, ast.FloorDiv, ast.Mod,
    ast.USub, ast.Not, ast.List, ast.Tuple, ast.Dict,
)  # fmt: skip
_PLAIN = ("int", "float", "bool", "value", "expression")
"""Types of parameters whose arguments are values, or expressions of them; a `str` is a text as it stands."""


@dataclass(frozen=True, slots=True)
class Counterparts:
    """What stands for what."""

    calls: tuple[tuple[str, Operation], ...]
    """The threads that call a method, by the names that they have in the scenario."""
    objects: dict[str, str] = field(default_factory=dict)
    """Attributes by the name of the lock, queue .. that they stand for."""
    variables: dict[str, str] = field(default_factory=dict)
    """Attributes by the name of the variable that they stand for."""
    locks: dict[str, str] = field(default_factory=dict)
    """For each condition that is compared, the name of its lock."""
    kinds: dict[str, str] = field(default_factory=dict)
    alone: tuple[str, ...] = ()
    """Objects and variables of the scenario for which nothing stands."""
    others: tuple[str, ...] = ()
    """Groups of threads for which no method stands: any thread that the class starts itself may be one of theirs."""

    @property
    def threads(self) -> tuple[str, ...]:
        """The names of the threads that call a method."""
        return tuple([name for name, _ in self.calls])

    def labels(self) -> frozenset[str]:
        """The names of the objects whose operations are compared, with those of the conditions' locks."""
        return frozenset((*self.objects, *self.locks.values()))

    def watch(self, owner: Any, recording: Recording) -> None:
        """Record what is called on the attributes of an object."""
        conditions = [name for name in self.objects if self.kinds[name] == "condition"]
        for name in (*(one for one in self.objects if one not in conditions), *conditions):
            found = attribute(owner, self.objects[name])
            parts = enumerate(found) if isinstance(found, list | tuple) else ((None, found),)
            for at, one in parts:
                _watch(one, self.kinds[name], name if at is None else f"{name}[{at}]", recording)
                if name in self.locks:
                    _watch(one._lock, "rlock", self.locks[name], recording)
                    one.acquire, one.release = one._lock.acquire, one._lock.release  # it keeps those of before

    def values(self, owner: Any) -> list[tuple[str, Any]]:
        """What is in the variables."""
        return [(name, attribute(owner, place)) for name, place in self.variables.items()]


def _watch(one: Any, kind: str, name: str, recording: Recording) -> None:
    before = recording.watched.get(id(one))
    if before is None:
        recording.watch(one, kind, name)
    elif before != name:
        raise UsageError(f"one and the same object stands for `{before}` and for `{name}`")


def attribute(owner: Any, place: str) -> Any:
    """An attribute of an object, or one of an attribute: `_queue`, `pool.items`."""
    return reduce(getattr, place.split("."), owner)


def counterparts_of(
    loaded: Loaded, owner: Any, what: str, calls: Mapping[str, str], objects: Mapping[str, str]
) -> Counterparts:
    """What stands for what. Raises UsageError.

    - owner: an object of the class.
    - what: its class, for messages.
    - calls: calls of methods by the name of a group of threads, or `main`, as far as they are given.
    - objects: attributes by the name of an object or variable of the scenario, as far as they are given.
    """
    finder = _Finder(loaded, owner, what)
    made, others = finder.calls(calls)
    attributes, alone = finder.attributes(objects)
    program = loaded.program
    cells = {cell.name: cell for cell in program.cells}
    shared = {name: place for name, place in attributes.items() if cells[name].kind != "variable"}
    variables = {name: place for name, place in attributes.items() if cells[name].kind == "variable"}
    locks = {
        name: program.cells[program.lock_of[cells[name].number]].name
        for name in shared
        if cells[name].number in program.lock_of
    }
    if not attributes:
        raise UsageError(
            f"nothing of {what} stands for an object or a variable of the scenario; its attributes are {finder.known}; say "
            f"which is which: --object NAME=ATTRIBUTE"
        )
    found = Counterparts(
        made,
        shared,
        variables,
        locks,
        {name: cells[name].kind for name in shared},
        tuple([name for name in alone if name not in locks.values()]),
        tuple(others),
    )
    _check_main(program, found)
    return found


def _check_main(program: Program, found: Counterparts) -> None:
    """Raises UsageError where the scenario's main does something that is compared, and nobody does it in the code."""
    if MAIN in found.threads or found.others:
        return
    labels = found.labels()
    for instruction in program.codes[0].instructions:
        name = None if instruction.target is None else program.cells[instruction.target.cell].name
        if name in labels and "." in instruction.op:
            verb = instruction.op.partition(".")[2]
            raise UsageError(
                f"main does `{verb}` of `{name}` (line {instruction.line}), and no method stands for main: say which does that, "
                f'--call "main=METHOD()"'
            )


class _Finder:
    """Finds what stands for what."""

    def __init__(self, loaded: Loaded, owner: Any, what: str) -> None:
        self.loaded = loaded
        self.owner = owner
        self.what = what

    @property
    def known(self) -> str:
        """The attributes that there are, in words."""
        return ", ".join(sorted(vars(self.owner))) if hasattr(self.owner, "__dict__") else "not known"

    # --- methods

    def calls(self, given: Mapping[str, str]) -> tuple[tuple[tuple[str, Operation], ...], list[str]]:
        """The threads that call a method, and the groups without one."""
        groups = self.loaded.scenario.threads
        for name in given:
            if name not in groups and name != MAIN:
                names = (MAIN, *groups)
                raise UsageError(f"--call: the scenario has no threads `{name}`{did_you_mean(name, names)}")
        made: list[tuple[str, Operation]] = []
        others = []
        if MAIN in given:
            made.append((MAIN, self._given(given[MAIN], 0)))
        for group in self.loaded.program.groups:
            is_of_pool = group.pool is not None
            text = given[group.name] if group.name in given else None if is_of_pool else self._named(group.name)
            if not text:
                others.append(group.name)
            for at in range(group.count or 1) if text else ():
                made.append((group.member(at), self._given(str(text), at)))
        if not made:
            of = f" ({', '.join(groups)})" if groups else ""
            raise UsageError(
                f"{self.what} has no method that is called like a group of threads or their behaviour{of}; say which is "
                f'which: --call "{next(iter(groups), MAIN)}=METHOD()"'
            )
        return tuple(made), others

    def _named(self, group: str) -> str | None:
        """The call of a method with the name of a group of threads, or of what they run."""
        about = self.loaded.scenario.threads[group]
        for name in (group, about.target):
            method = None if name is None else getattr(self.owner, name, None)
            if callable(method):
                return self._with_arguments(str(name), method, group)
        return None

    def _with_arguments(self, name: str, method: Any, group: str) -> str:
        """A call of a method with the arguments that its parameters have in the scenario by their names."""
        about = self.loaded.scenario.threads[group]
        behaviour = self.loaded.scenario.behaviours.get(about.target or "")
        types = {} if behaviour is None else {key: one.type for key, one in behaviour.params.items()}
        given = []
        for parameter in inspect.signature(method).parameters.values():
            kind, value = types.get(parameter.name), about.args.get(parameter.name)
            if parameter.name in about.args and kind == "str":
                given.append(f"{parameter.name}={value!r}")
            elif parameter.name in about.args and kind in _PLAIN:
                given.append(f"{parameter.name}={value}")
            elif parameter.default is parameter.empty and parameter.kind not in (
                parameter.VAR_POSITIONAL,
                parameter.VAR_KEYWORD,
            ):
                raise UsageError(
                    f"`{name}` needs `{parameter.name}`, and the scenario has no plain value of that name: give the whole call, "
                    f'--call "{group}={name}({parameter.name}=..)"'
                )
        return f"{name}({', '.join(given)})"

    def _given(self, text: str, index: int) -> Operation:
        """A call, as `produce(3)`; `index` is the number of the replica."""
        try:
            call = ast.parse(text, mode="eval").body
        except (SyntaxError, ValueError):
            call = ast.Constant(None)
        if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
            raise UsageError(f"`{text}` is no call of a method; write it as `produce(3)`")
        if not callable(getattr(self.owner, call.func.id, None)):
            methods = [name for name in dir(self.owner) if callable(getattr(self.owner, name, None))]
            raise UsageError(f"{self.what} has no method `{call.func.id}`{did_you_mean(call.func.id, methods)}")
        if any(isinstance(one, ast.Starred) for one in call.args) or any(one.arg is None for one in call.keywords):
            raise UsageError(f"`{text}`: give each argument by itself")
        arguments = [_value(one, index, text) for one in call.args]
        by_name = {str(one.arg): _value(one.value, index, text) for one in call.keywords}
        with suppress(ValueError):  # of a method in C, no signature may be known
            try:
                inspect.signature(getattr(self.owner, call.func.id)).bind(*arguments, **by_name)
            except TypeError as error:
                raise UsageError(f"`{text}` does not fit the method: {error}") from None
        return Operation.of(call.func.id, arguments, by_name)

    # --- attributes

    def attributes(self, given: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
        """Attributes by the names of what they stand for, and the names for which there is none."""
        cells = {cell.name: cell for cell in self._cells()}
        for name in given:
            if name not in cells:
                raise UsageError(
                    f"--object: the scenario has no shared object or variable `{name}`{did_you_mean(name, cells)}"
                )
        found, alone = {}, []
        for name, cell in cells.items():
            place = self._place(cell, given.get(name))
            if place is None:
                alone.append(name)
            else:
                found[name] = place
        return found, alone

    def _cells(self) -> Iterator[Cell]:
        for cell in self.loaded.program.cells:
            if cell.kind == "variable" or cell.kind in CLASSES:
                yield cell

    def _place(self, cell: Cell, given: str | None) -> str | None:
        if given is not None:
            try:
                one = attribute(self.owner, given)
            except AttributeError:
                raise UsageError(
                    f"`{cell.name}` cannot stand for `{given}`: {self.what} has no such attribute; it has {self.known}"
                ) from None
            if not _can_stand_for(cell, one):
                raise UsageError(f"`{given}` is {a(type(one).__name__)}, which cannot stand for {_shown(cell)}")
            return given
        for name in (cell.name, f"_{cell.name}"):
            if name not in getattr(self.owner, "__dict__", {}):
                continue
            one = getattr(self.owner, name)
            if _can_stand_for(cell, one):
                return name
            if (
                cell.count is not None
                and isinstance(one, list | tuple)
                and all(_is_of_kind(cell, part) for part in one)
            ):
                raise UsageError(
                    f"`{name}` has {len(one)} items, and the scenario {cell.count}: --set sync.{cell.name}.count={len(one)}"
                )
        return None


def _can_stand_for(cell: Cell, one: Any) -> bool:
    """Whether an attribute is what a cell is: for an array, a list with as many."""
    if cell.count is not None:
        return isinstance(one, list | tuple) and len(one) == cell.count and all(_is_of_kind(cell, part) for part in one)
    return _is_of_kind(cell, one)


def _is_of_kind(cell: Cell, one: Any) -> bool:
    names = {base.__name__ for base in type(one).__mro__}
    if cell.kind == "variable":
        return not callable(one) and not any(names & set(classes) for classes in CLASSES.values())
    return bool(names & set(CLASSES[cell.kind]))


def _shown(cell: Cell) -> str:
    kind = cell.kind.replace("_", " ")
    return (
        f"`{cell.name}`, which is a {kind}" if cell.count is None else f"`{cell.name}`, {cell.count} {kind}s in a list"
    )


def _value(node: ast.expr, index: int, text: str) -> Any:
    """The value of an argument: plain values, and sums and products of them and of `index`."""
    whole = ast.Expression(node)
    if not all(isinstance(one, _PLAIN_NODES) and getattr(one, "id", "index") == "index" for one in ast.walk(whole)):
        raise UsageError(f"`{ast.unparse(node)}` in `{text}` is no plain value; `index` is the number of the replica")
    try:
        value = eval(compile(whole, "<call>", "eval"), {"__builtins__": {}}, {"index": index})
        ast.literal_eval(repr(value))
    except Exception as error:
        raise UsageError(f"`{ast.unparse(node)}` in `{text}`: {type(error).__name__}: {error}") from None
    return value


def pairs_of(texts: Sequence[str], option: str, *, may_be_empty: bool = False) -> dict[str, str]:
    """`NAME=SOMETHING`, by name. Raises UsageError. may_be_empty: whether nothing may stand after the sign."""
    out: dict[str, str] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name.strip() or not (value.strip() or may_be_empty):
            raise UsageError(f"{option} is given as NAME=.., not `{text}`")
        if name.strip() in out:
            raise UsageError(f"{option} is given twice for `{name.strip()}`")
        out[name.strip()] = value.strip()
    return out
