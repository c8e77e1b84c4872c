"""Collects the names that parts of a scenario mention, read and assign, and the behaviours that they target."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterable, Iterator
from typing import Any

from scenrun.errors import Place
from scenrun.language.durations import Duration
from scenrun.language.expressions import Expression
from scenrun.language.fields import ComputedDuration, DurationName, Model, Reference
from scenrun.language.model import Behaviour, Group, Interrupt, Scenario
from scenrun.language.primitives import Barrier, Condition, Timer
from scenrun.language.templates import Hole, Template
from scenrun.language.variables import Target
from scenrun.language.verbs import flow, threads, variables
from scenrun.language.verbs.step import Step

_IDENTIFIER = re.compile(r"[A-Za-z_]\w*")
EXCEPTION = re.compile(r"\s*([A-Za-z_][\w.]*)\s*(?::\s*|\Z)")
"""The name of an exception at the beginning of what `raise` takes."""
_LEAVES = (str, int, float, type(None), Duration)
"""The types of values that mention no name."""
_TARGETING = (Group, Interrupt, flow.Run, threads.Spawn, threads.Submit, threads.Map, threads.OnDone, Timer)


def targets(scenario: Scenario) -> Iterator[tuple[str, dict[str, Any]]]:
    """The name of every behaviour that the file uses as a target, with the arguments of that use."""
    for group in scenario.threads.values():
        if group.target:
            yield group.target, group.args
    for primitive in scenario.sync.values():
        if isinstance(primitive, Timer):
            yield primitive.target, primitive.args
        if isinstance(primitive, Barrier) and primitive.action is not None:
            yield primitive.action, primitive.args
    for interrupt in scenario.interrupts:
        yield interrupt.target, interrupt.args
    for step in all_steps(scenario):
        if isinstance(step, threads.Spawn | threads.Submit | threads.Map | threads.OnDone | flow.Run):
            yield step.target, step.args


def all_steps(part: Any) -> Iterator[Step]:
    """Every step below a part of a scenario."""
    for child in _children(part):
        if isinstance(child, Step):
            yield child
        if not isinstance(child, _LEAVES):
            yield from all_steps(child)


def _children(part: Any) -> Iterable[Any]:
    if isinstance(part, Model):
        return part.__dict__.values()
    if isinstance(part, dict):
        return part.values()
    return part if isinstance(part, list | tuple) else ()


def mentioned(part: Any) -> Iterator[str]:
    """Every name that a part of a scenario mentions, except where it declares the name."""
    if isinstance(part, _LEAVES):
        return
    if isinstance(part, Expression):
        yield from (node.id for node in ast.walk(part.tree) if isinstance(node, ast.Name))
    elif isinstance(part, Template):
        for hole in part.parts:
            if isinstance(hole, Hole):
                yield from mentioned(hole.expression)
    elif isinstance(part, Reference):
        yield part.name
        if part.index:
            yield from mentioned(part.index)
    elif isinstance(part, DurationName):
        yield part.name
    elif isinstance(part, ComputedDuration):
        yield from mentioned(part.number)
    elif isinstance(part, Target):
        yield part.name
        for index in part.path:
            yield from mentioned(index)
    else:
        if isinstance(part, Model):
            yield from _mentioned_in_model(part)
        for child in _children(part):
            yield from mentioned(child)


def _mentioned_in_model(part: Model) -> Iterator[str]:
    if isinstance(part, Condition) and part.lock:
        yield part.lock
    if isinstance(part, Group) and part.pool:
        yield part.pool
    if isinstance(part, Barrier) and part.action:
        yield part.action
    if isinstance(part, _TARGETING) and part.target:
        yield part.target
    if isinstance(part, flow.Call) and ":" not in part.function:
        yield part.function.partition(".")[0]
    args = part.__dict__.get("args")
    if isinstance(args, dict):
        for value in args.values():
            yield from _words(value)
    if isinstance(part, Behaviour):
        for parameter in part.params.values():
            yield from _words(parameter.default)


def _words(value: Any) -> Iterator[str]:
    """The identifiers in an argument as written, which may be text, an expression or a reference."""
    if isinstance(value, str):
        yield from _IDENTIFIER.findall(value)
    elif isinstance(value, list):
        for item in value:
            yield from _words(item)
    elif isinstance(value, dict):
        for item in value.values():
            yield from _words(item)


def raised_by(scenario: Scenario) -> Iterator[str]:
    """The names of the exceptions that steps raise."""
    for step in all_steps(scenario):
        first = step.exception.parts[0] if isinstance(step, flow.Raise | threads.SetException) else None
        if isinstance(first, str) and (found := EXCEPTION.match(first)):
            yield found.group(1)


def assigned(steps: Iterable[Step]) -> Iterator[tuple[str, Place | None]]:
    """The names that steps assign to, with the place of each, in the order of the file."""
    for step in steps:
        yield from _assigned_by(step)
        for child in _children(step):
            if isinstance(child, tuple):
                yield from assigned(c for c in child if isinstance(c, Step))
            elif isinstance(child, dict):
                for value in child.values():
                    if isinstance(value, tuple):
                        yield from assigned(value)


def _assigned_by(step: Step) -> Iterator[tuple[str, Place | None]]:
    if isinstance(step, variables.Set):
        for target, _ in step.assign:
            if not target.path:
                yield target.name, target.place
    elif isinstance(step, flow.For):
        yield step.variable, step.place_of_key("variable")
    into = step.__dict__.get("into")
    if into:
        yield into, step.place_of_key("into")


def read_by(steps: Iterable[Step]) -> set[str]:
    """The names whose values steps use. A variable that is only assigned to is not among them."""
    names: set[str] = set()
    for step in steps:
        if isinstance(step, variables.Set):
            for target, expression in step.assign:
                names.update(mentioned(expression))
                names.update(n for index in target.path for n in mentioned(index))
                names.update([target.name] if target.path else [])
        else:
            names.update(n for child in _children(step) if not _has_steps(child) for n in mentioned(child))
            names.update(_mentioned_in_model(step))
        names.update(read_by(all_steps_below(step)))
    return names


def sets_first(steps: Iterable[Step], name: str) -> bool:
    """Whether the first of these steps that mentions or assigns a name is certain to assign it."""
    for step in steps:
        if isinstance(step, variables.Set):
            for target, expression in step.assign:
                if name in mentioned(expression) or (target.path and target.name == name):
                    return False
                if target.name == name:
                    return True
        elif name in set(mentioned(step)) or name in {n for n, _ in assigned(all_steps(step))}:
            return False
        elif name in {n for n, _ in _assigned_by(step)}:
            return not isinstance(step, flow.For)
    return False


def _has_steps(child: Any) -> bool:
    values = child.values() if isinstance(child, dict) else child if isinstance(child, tuple) else ()
    return any(isinstance(v, Step) or (isinstance(v, tuple) and _has_steps(v)) for v in values)


def all_steps_below(step: Step) -> list[Step]:
    """The steps directly inside a flow step."""
    found: list[Step] = []
    for child in _children(step):
        parts = child.values() if isinstance(child, dict) else [child]
        for part in parts:
            if isinstance(part, tuple):
                found += [s for s in part if isinstance(s, Step)]
    return found
