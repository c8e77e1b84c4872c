"""Behaviours as functions: which arguments a function takes, and which are written into it instead."""

from __future__ import annotations

import ast
from typing import Any

from msgspec import Struct, field

from scenrun.language.durations import Duration
from scenrun.language.durations import parse as parse_duration
from scenrun.language.expressions import parse
from scenrun.language.fields import ComputedDuration, DurationName, parse_reference, parse_timing
from scenrun.language.model import Behaviour, Parameter
from scenrun.language.placed import place_of
from scenrun.language.variables import parse_target
from scenrun.plain_python import expressions
from scenrun.plain_python.copies import kept
from scenrun.plain_python.identifiers import Identifiers
from scenrun.plain_python.layout import quoted, unparsed
from scenrun.plain_python.meanings import (
    CONSTANT,
    DURATION,
    EXPRESSION,
    LOCAL,
    NONE,
    SHARED,
    Function,
    Meaning,
    Scope,
    name,
    none,
)
from scenrun.plain_python.script import Script
from scenrun.program.compiler.mentions import assigned, mentioned

RUN, THREAD, LATER = "run", "thread", "later"
"""How a behaviour is used: in line, as the steps of a new thread, or later, with what is known now."""
_LITERALS = ("int", "float", "bool", "str", "value")


class Use(Struct):
    """One use of a behaviour: the function that it is, and the arguments that the function is called with."""

    function: Function
    arguments: dict[str, str] = field(default_factory=dict)
    """By the names of parameters in the script."""
    is_read_late: bool = False
    """Whether an argument reads what changes, which a new thread does for itself."""

    def given(self, extra: dict[str, str]) -> list[str]:
        """The arguments of a call, by name; alone, that of the first parameter is without it."""
        together = {**extra, **self.arguments}
        if len(together) == 1 and is_first(self, next(iter(together))):
            return list(together.values())
        return [f"{key}={text}" for key, text in together.items()]


class Binder:
    """Binds the parameters of one use of a behaviour."""

    def __init__(self, script: Script, target: str, args: dict[str, Any], scope: Scope, how: str) -> None:
        self.script = script
        self.target = target
        self.behaviour: Behaviour = script.uses.behaviour(target)
        self.is_own = target in script.scenario.behaviours
        self.args = args
        self.scope = scope
        self.how = how
        self.written: dict[str, Meaning] = {}
        """The parameters that the function has no parameter for: what they stand for is written in their place."""
        self.passed: dict[str, tuple[str, str]] = {}
        """For each other parameter the argument as text, and the kind of what it is."""
        self.omitted: set[str] = set()
        """The parameters that this use gives nothing for."""
        self.is_read_late = False
        self.assigned = {name for name, _ in assigned(self.behaviour.do)}

    def use(self, given: dict[str, str] | None = None) -> Use:
        """The use, with the function written if it is not there yet; `given` has arguments that the caller has as text."""
        for key, parameter in self.behaviour.params.items():
            if given and key in given:
                self.passed[key] = given[key], LOCAL
            else:
                self._bind(key, parameter)
        function, names = self._function()
        arguments = {
            names[key]: text
            for key, (text, _) in self.passed.items()
            if not (key in self.omitted and names[key] in function.defaulted)
        }
        return Use(function, arguments, self.is_read_late)

    def _bind(self, key: str, parameter: Parameter) -> None:
        is_default = key not in self.args
        raw = parameter.default if is_default else self.args[key]
        if is_default:
            self.omitted.add(key)
        if parameter.type == "duration":
            self._duration(key, raw)
        elif parameter.type == "variable":
            self._variable(key, raw)
        elif parameter.type == "expression":
            self._expression(key, raw)
        elif parameter.type in _LITERALS:
            self._value(key, parameter, raw)
        else:
            self._object(key, parameter, raw, is_default=is_default)

    def _pass(self, key: str, text: str, kind: str) -> None:
        self.passed[key] = text, kind

    # --- kinds of parameters

    def _duration(self, key: str, raw: Any) -> None:
        timing = None if raw is None else parse_timing(raw)
        if isinstance(timing, DurationName):
            found = self.scope.find(timing.name)
            if found is not None and found.kind == CONSTANT:
                timing = Duration("fixed", (parse_duration(self.script.scenario.let[timing.name]),))
            elif found is None or found.kind == NONE:
                timing = None
            elif isinstance(found.tree, ast.Name):
                self._pass(key, found.tree.id, DURATION)
                return
            else:
                self.written[key] = found
                return
        if timing is None:
            self.written[key] = none()
        elif isinstance(timing, ComputedDuration):
            self._pass(key, unparsed(expressions.computed(self.script, timing, self.scope)), DURATION)
            self._note_reads(timing.number.tree)
        elif timing.is_random:
            self.written[key] = Meaning(expressions.duration(self.script, timing), DURATION)
        else:
            self._pass(key, unparsed(expressions.duration(self.script, timing)), DURATION)

    def _variable(self, key: str, raw: Any) -> None:
        target = parse_target(raw)
        found = self.scope.find(target.name)
        if found is None or found.kind != SHARED:
            self.script.refuse(
                place_of(raw) or self.behaviour.place,
                f"`{key}` of `{self.target}` is a local of whoever runs it, which a Python function cannot change: "
                "let the behaviour `return` the value, or make the variable a shared one",
            )
            self.written[key] = none()
            return
        tree = found.tree
        for index in target.path:
            inner = expressions.tree_of(self.script, index, self.scope)
            tree = ast.Subscript(tree, inner, ast.Load())
        self.written[key] = Meaning(tree, SHARED, None, found.original)

    def _expression(self, key: str, raw: Any) -> None:
        if raw is None:
            self.written[key] = none()
            return
        expression = parse(raw)
        kinds = {word: self.scope.find(word) for word in mentioned(expression)}
        tree = expressions.tree_of(self.script, expression, self.scope)
        own = self._own_names()
        is_own = any(isinstance(node, ast.Name) and node.id in own for node in ast.walk(tree))
        locals_ = [
            word for word, found in kinds.items() if found is not None and found.kind == LOCAL and not self._stays(word)
        ]
        if not (locals_ or is_own):
            self.written[key] = Meaning(tree, EXPRESSION)
            return
        text = unparsed(tree)
        kept = ""
        if self.how != RUN:
            names = [node.id for node in ast.walk(tree) if isinstance(node, ast.Name)]
            kept = " " + ", ".join(
                f"{one}={one}" for one in dict.fromkeys(names) if one in {*own, *_names_in(tree, kinds)}
            )
        self._pass(key, f"lambda{kept}: {text}", EXPRESSION)

    def _own_names(self) -> set[str]:
        """The parameters of the function that this use stands in, as the script calls them."""
        return {one.partition("=")[0] for one in self.scope.function.wanted}

    def _stays(self, word: str) -> bool:
        """Whether a name of the thread is the same where the expression is used: in this thread, or in that of the group."""
        return word in ("name", "index") and (self.how == RUN or self.scope.function.is_main)

    def _value(self, key: str, parameter: Parameter, raw: Any) -> None:
        is_constant_name = (
            isinstance(raw, str) and (found := self.scope.find(raw)) is not None and found.kind == CONSTANT
        )
        if parameter.type == "str" and isinstance(raw, str) and not is_constant_name:
            self._pass(key, quoted(str(raw)), LOCAL)
            return
        expression = parse(raw)
        tree = expressions.tree_of(self.script, expression, self.scope)
        if isinstance(tree, ast.Constant) and key not in self.assigned:
            if tree.value is None:
                self.written[key] = none()
                return
            if not self.is_own and self.script.uses.is_never_given(self.target, key):
                self.written[key] = Meaning(tree, CONSTANT)
                return
        self._note_reads(expression.tree)
        text = unparsed(kept(self.script, expression.tree, tree, key))
        self._pass(key, text, LOCAL)

    def _note_reads(self, tree: ast.expr) -> None:
        draws = any(isinstance(node, ast.Name) and node.id == "random" for node in ast.walk(tree))
        self.is_read_late |= draws or expressions.reads(self.script, tree, self.scope) > 0

    def _object(self, key: str, parameter: Parameter, raw: Any, *, is_default: bool) -> None:
        if is_default and parameter.type == "event" and raw == "stop":
            scenario = self.script.scenario
            event = scenario.stop.event if scenario.stop else "stop"
            found = self.script.meanings.get(event)
            is_event = found is not None and found.kind == "event" and found.count is None
            self.written[key] = found if found is not None and is_event else none()
            return
        if raw is None:
            self.written[key] = none()
            return
        reference = parse_reference(raw)
        one = expressions.object_of(self.script, reference, self.scope)
        if one is None:
            self.written[key] = none()
        elif self.script.uses.is_always(self.target, key):
            self.written[key] = one
        else:
            self._pass(key, unparsed(one.tree), one.kind)

    # --- the function

    def _function(self) -> tuple[Function, dict[str, str]]:
        in_atomic = self.how == RUN and self.scope.function.in_atomic
        key = (
            self.target,
            in_atomic,
            tuple(sorted((key, found.kind, unparsed(found.tree)) for key, found in self.written.items())),
            tuple(sorted((key, kind) for key, (_, kind) in self.passed.items())),
        )
        if key not in self.script.functions:
            self._write(key, in_atomic=in_atomic)
        function = self.script.functions[key]
        return function, {key: _parameter(function, key) for key in self.passed}

    def _write(self, key: Any, *, in_atomic: bool) -> None:
        script, behaviour = self.script, self.behaviour
        function = Function(script.identifiers.new(self.target), in_atomic=in_atomic)
        function.identifiers = Identifiers([*script.meanings, *script.identifiers, "name", "index"])
        function.title = behaviour.description
        function.line = behaviour.place.line if behaviour.place else 0
        function.source = behaviour.place.source.name if behaviour.place else ""
        function.thread = script.uses.asks(self.target)
        script.functions[key] = function
        function.own = dict(self.written)
        for parameter, (_, kind) in self.passed.items():
            own = function.identifiers.new(parameter)
            tree: ast.expr = ast.Call(name(own), [], []) if kind == EXPRESSION else name(own)
            function.own[parameter] = Meaning(tree, kind)
        function.wanted = self._signature(function)
        scope = Scope(function, script.meanings if self.is_own else {})
        script.write(script, function, behaviour.do, scope)
        if not self.is_own:
            function.lines.without_idle_assignments()

    def _signature(self, function: Function) -> tuple[str, ...]:
        """The parameters; those that every later one has a default of its own for have theirs."""
        made: list[str] = []
        can_default = True
        for key in reversed(self.passed):
            own = _parameter(function, key)
            default = self._literal_default(key)
            can_default = can_default and default is not None
            made.append(f"{own}={default}" if can_default else own)
        function.defaulted = frozenset(one.partition("=")[0] for one in made if "=" in one)
        return tuple(reversed(made))

    def _literal_default(self, key: str) -> str | None:
        parameter = self.behaviour.params[key]
        kind = self.passed[key][1]
        default = parameter.default
        if parameter.is_required or default is None or kind not in (LOCAL, DURATION):
            return None
        if parameter.type == "duration":
            timing = parse_timing(default)
            is_fixed = isinstance(timing, Duration) and not timing.is_random
            return unparsed(expressions.duration(self.script, timing)) if is_fixed else None  # type: ignore[arg-type]
        if parameter.type == "str":
            return quoted(str(default))
        tree = parse(default).tree
        return unparsed(tree) if isinstance(tree, ast.Constant) else None


def _parameter(function: Function, key: str) -> str:
    tree = function.own[key].tree
    tree = tree.func if isinstance(tree, ast.Call) else tree
    assert isinstance(tree, ast.Name)
    return tree.id


def _names_in(tree: ast.expr, kinds: dict[str, Meaning | None]) -> list[str]:
    locals_ = {
        found.tree.id for found in kinds.values() if found and found.kind == LOCAL and isinstance(found.tree, ast.Name)
    }
    return [node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and node.id in locals_]


def bound(
    script: Script, target: str, args: dict[str, Any], scope: Scope, how: str, given: dict[str, str] | None = None
) -> Use:
    """One use of a behaviour."""
    return Binder(script, target, args, scope, how).use(given)


def call(use: Use, extra: dict[str, str]) -> str:
    """The call of a function, with arguments for `name` and `index` where it takes them."""
    return f"{use.function.name}({', '.join(use.given(extra))})"


class Target(Struct, frozen=True):
    """What `Thread`, `Timer` and the like take: a function, and its arguments as a tuple, as a dict, or none."""

    function: str
    arguments: str = ""

    @property
    def keywords(self) -> str:
        """The arguments as those of `Thread` or `Timer`: `, args=(1,)`."""
        if not self.arguments:
            return ""
        return f", {'kwargs' if self.arguments[0] == '{' else 'args'}={self.arguments}"


def as_target(use: Use, extra: dict[str, str], loop: str = "") -> Target:
    """What a new thread runs; where an argument reads what changes, the thread reads it, in a lambda.

    loop: the variable of the loop that this stands in, whose value a lambda keeps.
    """
    given = {**extra, **use.arguments}
    if use.is_read_late:
        kept = f"{loop}={loop}" if loop and any(loop in text for text in given.values()) else ""
        return Target(f"lambda{' ' if kept else ''}{kept}: {call(use, extra)}")
    if not given:
        return Target(use.function.name)
    if len(given) == 1 and is_first(use, next(iter(given))):
        return Target(use.function.name, f"({next(iter(given.values()))},)")
    inside = ", ".join(f"{quoted(key)}: {text}" for key, text in given.items())
    return Target(use.function.name, f"{{{inside}}}")


def is_first(use: Use, key: str) -> bool:
    """Whether a function's first parameter is the one of this name."""
    first = [*sorted(use.function.thread), *(one.partition("=")[0] for one in use.function.wanted)]
    return bool(first) and first[0] == key
