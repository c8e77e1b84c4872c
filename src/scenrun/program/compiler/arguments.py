"""Binds the parameters of a behaviour to the arguments of one use of it, in this thread or in a new one."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from typing import Any

from msgspec import Struct
from msgspec.structs import replace
from pydantic_core import PydanticCustomError

from scenrun.errors import Place
from scenrun.language.durations import Duration
from scenrun.language.expressions import Expression, ExpressionError, parse
from scenrun.language.fields import ComputedDuration, parse_reference, parse_timing, shown
from scenrun.language.model import Behaviour, Parameter
from scenrun.language.placed import place_of
from scenrun.language.suggestions import did_you_mean, nearest
from scenrun.language.variables import parse_target
from scenrun.program.compiler.mentions import assigned, mentioned
from scenrun.program.compiler.operands import time_in
from scenrun.program.compiler.scope import (
    Alias,
    Binding,
    Constant,
    Nothing,
    Object,
    Register,
    Scope,
    Shared,
    Span,
    Time,
    Unknown,
    VariableAlias,
)
from scenrun.program.compiler.wording import describe, one_of
from scenrun.program.compiler.writer import Writer

_LITERALS: dict[str, tuple[type, ...]] = {"int": (int,), "float": (int, float), "bool": (bool,), "str": (str,)}
_KINDS = {
    "lock": ("lock", "rlock"),
    "semaphore": ("semaphore", "bounded_semaphore"),
    "queue": ("queue", "simple_queue"),
    "barrier": ("barrier", "acting_barrier"),
    "future": ("own_future",),
}
"""Parameter types that accept more than one kind of object."""
MISSING = object()
WRONG = object()
"""The argument of a required parameter that was not given."""


class Use(Struct, frozen=True):
    """One argument of a use of a behaviour: what it is for, and where its names mean something."""

    w: Writer
    """The code in which its value is computed."""
    key: str
    """The parameter's name."""
    scope: Scope
    """The names where the argument is written."""
    inner: Scope
    """The behaviour's own names, the parameter's among them."""
    place: Place | None


def listed(names: Iterable[str]) -> str:
    """Names in a sentence, at most the first twelve of them."""
    names = list(names)
    more = f" and {len(names) - 12} more" if len(names) > 12 else ""
    return ", ".join(f"`{name}`" for name in names[:12]) + more or "none"


def bind_inline(
    w: Writer, behaviour: Behaviour, target: str, args: dict[str, Any], scope: Scope, place: Place | None
) -> Scope:
    """The scope of a behaviour that runs inline in this thread; argument values are computed before its first step."""
    inner = Scope(w.compiler.names_for(target), w.code.prefix())
    inner.assigned = frozenset(name for name, _ in assigned(behaviour.do))
    for key, parameter, given in arguments(w, behaviour, target, args, place):
        if given is MISSING:
            inner.bindings[key] = _default(w, key, parameter, target, inner, place)
        else:
            use = Use(w, key, scope, inner, _place_in(args, key) or place)
            inner.bindings[key] = bind(use, parameter, given)
    w.declare_locals(behaviour.do, inner, own=w.compiler.is_own(target))
    return inner


def _place_in(args: Any, key: str) -> Place | None:
    places = getattr(args, "places", {})
    return places[key][1] if key in places else None


def arguments(
    w: Writer, behaviour: Behaviour, target: str, args: dict[str, Any], place: Place | None
) -> list[tuple[str, Parameter, Any]]:
    """Each parameter with its argument, MISSING where its default applies, or WRONG where a required one is missing."""
    places = getattr(args, "places", {})
    for key in args:
        if key not in behaviour.params:
            hint = did_you_mean(key, behaviour.params)
            where = places[key][0] if key in places else place
            known = listed(behaviour.params)
            w.refuse(where, f"`{target}` has no parameter `{key[:60]}`{hint} (its parameters: {known})", about=target)
    out = []
    # A misspelt key was refused above with the parameter it resembles: that parameter is not refused as missing, too.
    near = {nearest(key, behaviour.params) for key in args if key not in behaviour.params}
    missing = [k for k, p in behaviour.params.items() if k not in args and p.is_required and k not in near]
    if missing:
        example = ", ".join(f"{key}: .." for key in missing[:8])
        w.refuse(place, f"`{target}` needs {listed(missing)}: write `args: {{{example}}}`", about=target)
    for key, parameter in behaviour.params.items():
        if key not in args and parameter.is_required:
            out.append((key, parameter, WRONG))
            continue
        out.append((key, parameter, args.get(key, MISSING)))
    return out


def _default(w: Writer, key: str, parameter: Parameter, target: str, inner: Scope, place: Place | None) -> Binding:
    """The binding of a parameter's default; `stop`, for an event, is the default stop event, or Nothing without one."""
    if parameter.type == "event" and parameter.default == "stop":
        stop = w.names.default_stop()
        return Object(stop) if stop else Nothing()
    scope = w.compiler.file_scope if w.compiler.is_own(target) else Scope(None, thread=False)
    use = Use(w, key, scope, inner, parameter.place_of_key("default") or place)
    return bind(use, parameter, parameter.default)


def bind(use: Use, parameter: Parameter, raw: Any) -> Binding:
    """The binding of one parameter to the argument `raw`; a computed value goes into a register of this thread."""
    if raw is WRONG:
        return Unknown()
    use = replace(use, place=place_of(raw) or use.place)
    try:
        return _bind(use, parameter, raw)
    except ExpressionError as error:
        where = error.place or use.place
        use.w.refuse(where.moved(error.offset) if where else None, f"`{use.key}`: {error}")
    except PydanticCustomError as error:
        use.w.refuse(use.place, f"`{use.key}`: {error.message()}")
    return Unknown()


def _bind(use: Use, parameter: Parameter, raw: Any) -> Binding:
    w, key, scope, place = use.w, use.key, use.scope, use.place
    kind = parameter.type
    if kind == "duration":
        return _timing(w, raw, scope, place)
    if kind == "variable":
        target = parse_target(raw)
        found = scope.find(target.name)
        if not isinstance(found, Register | Shared | VariableAlias):
            known = [n for n in scope.known() if isinstance(scope.find(n), Shared)]
            what = f"is {describe(found)}" if found else f"is not declared{w.complaints.hint(target.name, known)}"
            if not isinstance(found, Unknown):
                w.refuse(place, f"`{key}` takes a variable; `{target.name}` {what}", about=target.name)
            return Unknown()
        return VariableAlias(target, scope)
    if kind == "expression":
        return Constant(None) if raw is None else Alias(parse(raw), scope)
    if kind == "value" or kind in _LITERALS:
        return _value(use, kind, raw)
    return _object(w, key, kind, raw, scope)


def _timing(w: Writer, raw: Any, scope: Scope, place: Place | None) -> Binding:
    if raw is None:
        return Nothing()
    timing = parse_timing(raw)
    if isinstance(timing, Duration):
        return Time(timing)
    if isinstance(timing, ComputedDuration):
        return Span(w.operands.computed(timing, scope))
    found = scope.find(timing.name)
    if isinstance(found, Time | Span | Nothing | Unknown):
        return found
    if isinstance(found, Constant) and isinstance(found.value, str) and (time := time_in(found.value)):
        return Time(time)
    message = f"`{timing.name}` is no duration (such as 100ms), and no parameter of type `duration`"
    w.refuse(place, message, about=timing.name)
    return Unknown()


def _value(use: Use, kind: str, raw: Any) -> Binding:
    w, key, scope, place = use.w, use.key, use.scope, use.place
    register = use.inner.prefix + key
    is_assigned = key in use.inner.assigned
    if kind == "str" and raw is not None and not (isinstance(raw, str) and isinstance(scope.find(raw), Constant)):
        if not isinstance(raw, str):
            w.refuse(place, f"`{key}` is text, not {shown(raw)}; put it in quotes")
        if not is_assigned:
            return Constant(str(raw))
        raw = repr(str(raw))
    if kind in _LITERALS and raw is not None and not isinstance(raw, str):
        wrong = not isinstance(raw, _LITERALS[kind]) or (isinstance(raw, bool) and kind != "bool")
        if wrong:
            w.refuse(place, f"`{key}` is of type {kind}, which {shown(raw)} is not")
            return Unknown()
    expression = parse(raw)
    tree = expression.tree
    if kind in _LITERALS and isinstance(tree, ast.Constant) and tree.value is not None and kind != "str":
        wrong = not isinstance(tree.value, _LITERALS[kind]) or (isinstance(tree.value, bool) and kind != "bool")
        if wrong:
            w.refuse(place, f"`{key}` is of type {kind}, which {shown(tree.value)} is not")
            return Unknown()
    if isinstance(tree, ast.Constant) and not is_assigned:
        return Constant(tree.value)
    if isinstance(tree, ast.Name) and isinstance(found := scope.find(tree.id), Constant) and not is_assigned:
        return found
    w.expressions.store(expression, scope, register)
    w.code.local_names[register] = key
    return Register(register)


def _object(w: Writer, key: str, kind: str, raw: Any, scope: Scope) -> Binding:
    if raw is None:
        return Nothing()
    reference = parse_reference(raw)
    found = scope.find(reference.name)
    if isinstance(found, Nothing | Unknown):
        return found
    wanted = _KINDS.get(kind, (kind,))
    if not isinstance(found, Object):
        fitting = [n for n in scope.known() if isinstance(b := scope.find(n), Object) and b.cell.kind in wanted]
        hint = "" if found else w.complaints.hint(reference.name, fitting)
        what = f"`{reference.name}` is {describe(found)}" if found else f"there is no {kind} `{reference.name}`{hint}"
        w.refuse(place_of(raw), f"`{key}` takes {one_of(wanted)}; {what}", about=reference.name)
        return Unknown()
    if found.cell.kind not in wanted:
        what = f"`{reference.name}` is {describe(found)}"
        w.refuse(reference.place, f"`{key}` takes {one_of(wanted)}; {what}", about=reference.name)
        return Unknown()
    if reference.index is None:
        if found.cell.count is not None and found.index is None:
            w.refuse(
                reference.place,
                f"`{reference.name}` is an array; say which: `{reference.name}[0]`",
                about=reference.name,
            )
        return found
    if found.cell.count is None or found.index is not None:
        w.refuse(reference.place, f"`{reference.name}` is a single {kind}; remove the index", about=reference.name)
        return found
    return Object(found.cell, Alias(reference.index, scope))


class CaptureScope(Scope):
    """The caller's scope as a new thread sees it: registers of the caller are copied when the thread is created."""

    def __init__(self, caller: Scope, parameters: list[str], captured: list[str], prefix: str = "__c") -> None:
        super().__init__(caller.names, thread=False)
        self.caller = caller
        self.parameters = parameters
        self.captured = captured
        self.own = prefix
        """How the names of the registers begin that have what was copied."""

    def find(self, name: str) -> Binding | None:
        """The caller's binding of a name, with its registers copied into the new thread."""
        return self._seen(self.caller.find(name))

    def known(self) -> list[str]:
        return self.caller.known()

    def _seen(self, found: Binding | None) -> Binding | None:
        if isinstance(found, Register):
            return Register(self.capture(found.name))
        if isinstance(found, Span):
            return Span(self.capture(found.register))
        if isinstance(found, Alias):
            return Alias(found.expression, self._within(found.scope))
        if isinstance(found, VariableAlias):
            return VariableAlias(found.target, self._within(found.scope))
        if isinstance(found, Object) and found.index:
            return Object(found.cell, Alias(found.index.expression, self._within(found.index.scope)))
        return found

    def _within(self, scope: Scope) -> CaptureScope:
        return CaptureScope(scope, self.parameters, self.captured, self.own)

    def capture(self, text: str) -> str:
        """The register of the new thread that starts with the value of `text`, an expression over the caller's registers."""
        if text in self.captured:
            return self.parameters[self.captured.index(text)]
        register = f"{self.own}{len(self.parameters)}"
        self.parameters.append(register)
        self.captured.append(text)
        return register


def bind_captured(
    w: Writer, caller: Writer, behaviour: Behaviour, target: str, args: dict[str, Any], scope: Scope,
    *, place: Place | None, given: dict[str, str], prefix: str = "",
) -> tuple[Scope, list[str]]:  # fmt: skip
    """The scope of a behaviour that runs in a new thread, or later, and the expressions that the caller evaluates for it.

    `given` has parameters whose value the caller has already, as Python over its registers. `prefix` begins the names of all
    registers of a behaviour that runs later, in a thread that has registers of its own.
    """
    captured: list[str] = []
    outer = CaptureScope(scope, w.code.parameters, captured, prefix or "__c")
    inner = Scope(w.compiler.names_for(target), f"{prefix}own_" if prefix else w.code.prefix())
    inner.assigned = frozenset(name for name, _ in assigned(behaviour.do))
    for key, parameter, raw in arguments(caller, behaviour, target, {**dict.fromkeys(given), **args}, place):
        if key in given:
            inner.bindings[key] = Register(outer.capture(given[key]))
        elif raw is WRONG:
            inner.bindings[key] = Unknown()
        elif raw is MISSING:
            inner.bindings[key] = _default(w, key, parameter, target, inner, place)
        elif parameter.type in ("value", "duration", *_LITERALS) and _is_computed(raw):
            own = Scope(None, f"{caller.code.temporary('arg')}_")
            computed = bind(Use(caller, key, scope, own, _place_in(args, key) or place), parameter, raw)
            if isinstance(computed, Register):
                inner.bindings[key] = Register(outer.capture(computed.name))
            elif isinstance(computed, Span):
                inner.bindings[key] = Span(outer.capture(computed.register))
            elif key in inner.assigned and isinstance(computed, Constant):
                inner.bindings[key] = Register(outer.capture(repr(computed.value)))
            else:
                inner.bindings[key] = computed
        else:
            use = Use(w, key, outer, inner, _place_in(args, key) or place)
            inner.bindings[key] = bind(use, parameter, raw)
    w.declare_locals(behaviour.do, inner, own=w.compiler.is_own(target))
    return inner, captured


def signature(binding: Binding | None) -> Any:
    """A key of a binding that is equal for two uses of a behaviour that can share one code.

    Looking up an expression's names captures those that are locals of the caller, so both uses capture the same registers.
    """
    if isinstance(binding, Alias):
        return binding.expression.text, _names_in(binding.expression, binding.scope)
    if isinstance(binding, Object):
        return binding.cell.number, signature(binding.index)
    if isinstance(binding, VariableAlias):
        path = [(index.text, _names_in(index, binding.scope)) for index in binding.target.path]
        return binding.target.name, signature(binding.scope.find(binding.target.name)), tuple(path)
    return repr(binding)


def _names_in(expression: Expression, scope: Scope) -> tuple[Any, ...]:
    return tuple((name, signature(scope.find(name))) for name in mentioned(expression))


def _is_computed(raw: Any) -> bool:
    return isinstance(raw, str | list | dict)


def expression_of(value: Any) -> Expression:
    """An argument parsed as an expression."""
    return parse(value)
