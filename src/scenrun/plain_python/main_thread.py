"""The main thread of a script: the file's `main`, or one that starts, stops and joins the groups."""

from __future__ import annotations

import ast

from scenrun.language.model import Group
from scenrun.language.verbs import threads as verbs
from scenrun.plain_python import expressions
from scenrun.plain_python.expectations import has_check
from scenrun.plain_python.groups import made_threads
from scenrun.plain_python.identifiers import Identifiers
from scenrun.plain_python.layout import unparsed
from scenrun.plain_python.meanings import CONSTANT, Function, Meaning, Scope
from scenrun.plain_python.script import Script
from scenrun.plain_python.starting import join_one, start_group
from scenrun.plain_python.steps import Body
from scenrun.program.compiler.mentions import all_steps


def write_main(script: Script) -> Function:
    """The function `main`."""
    function = Function("main", is_main=True)
    function.identifiers = Identifiers([*script.identifiers])
    body = Body(script, function)
    plain = Scope(function, script.meanings)
    scope = plain.with_names(name=Meaning(ast.Constant("main"), CONSTANT), index=Meaning(ast.Constant(0), CONSTANT))
    for text, group in script.scenario.threads.items():
        if text not in script.early:
            _make(body, text, group)
    if script.scenario.main is not None:
        body.steps(script.scenario.main, scope)
    else:
        _default(body)
    if has_check(script.scenario) and not ends_late(script):
        body.add("check()")
    return function


def _make(body: Body, text: str, group: Group) -> None:
    """Make the threads of a group; tasks are made when they are handed over."""
    above, beside = body.script.comments_at(body.script.place_of("threads", text))
    if group.pool:
        body.lines.written += [f"    # {one}".rstrip() for one in (*above, *([beside] if beside else []))]
        return
    body.lines.add(made_threads(body.script, text), above, beside)


def _default(body: Body) -> None:
    script = body.script
    begun_ns = 0
    in_order = sorted(script.scenario.threads.items(), key=lambda item: _start_ns(item[1]))
    for text, group in in_order:
        if _start_ns(group) > begun_ns:
            script.imports.add("time")
            body.add(f"time.sleep({expressions.number(_start_ns(group) - begun_ns)})")
            begun_ns = _start_ns(group)
        start_group(body, text, script.meanings[text])
    stop = script.scenario.stop
    if stop:
        script.imports.add("time")
        body.add(f"time.sleep({expressions.number(stop.after.numbers[0])})")
        body.add(f"{unparsed(script.meanings[stop.event].tree)}.set()")
    for text, group in script.scenario.threads.items():
        if group.joined:
            join_one(body, script.meanings[text], None)


def _start_ns(group: Group) -> int:
    return group.start_after.numbers[0] if group.start_after else 0


def ends_late(script: Script) -> bool:
    """Whether threads may still run when `main` has returned, so that what must be true in the end is asked at exit."""
    scenario = script.scenario
    steps = list(all_steps(scenario)) + [one for part in script.uses.behaviours.values() for one in all_steps(part)]
    if any(isinstance(step, verbs.Spawn | verbs.Submit | verbs.Map) for step in steps):
        return True
    if any(primitive.kind_name == "timer" for primitive in scenario.sync.values()):
        return True
    if scenario.main is None:
        return any(not group.joined and not group.daemon for group in scenario.threads.values())
    joined = {
        one.name
        for step in scenario.main
        if isinstance(step, verbs.Join) and step.timeout is None
        for one in step.thread
        if one.index is None
    }
    return any(text not in joined and not group.daemon for text, group in scenario.threads.items())
