"""What a scenario expects, as assertions: at the end, and after each step that changes what must always hold."""

from __future__ import annotations

import ast
from typing import Any

from scenrun.language.expressions import Expression
from scenrun.language.model import Scenario
from scenrun.plain_python import expressions
from scenrun.plain_python.declarations import literal
from scenrun.plain_python.layout import Lines, quoted, unparsed
from scenrun.plain_python.meanings import Function, Scope
from scenrun.plain_python.script import Script
from scenrun.program.compiler.mentions import mentioned


def choose_watched(script: Script) -> None:
    """Which expectations of `always` a script can ask: those that read one thing, so that no other step comes between."""
    for expression in script.scenario.expect.always:
        if _reads(script, expression) == 1:
            script.watched |= {*mentioned(expression), *_sections(expression)}
            script.asked.append(expression)
        else:
            script.left_out.append((expression.place, f"always: {expression.text}"))


def _reads(script: Script, expression: Expression) -> int:
    return expressions.reads(script, expression.tree, _scope(script))


def _scope(script: Script, *, in_atomic: bool = True) -> Scope:
    """The names of the file; at the end, or inside `atomic`, nothing is half done."""
    return Scope(Function("", in_atomic=in_atomic), script.meanings)


def _sections(expression: Expression) -> set[str]:
    return {
        str(node.args[0].value)
        for node in ast.walk(expression.tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "inside"
        if isinstance(node.args[0], ast.Constant)
    }


def only_searched(scenario: Scenario) -> list[tuple[Any, str]]:
    """What only a search can ask, with its places."""
    expect = scenario.expect
    found: list[tuple[Any, str]] = []
    for key in ("reach", "eventually"):
        found += [(one.place, f"{key}: {one.text}") for one in getattr(expect, key)]
    found += [(first.place, f"leads_to: {first.text}, {then.text}") for first, then in expect.leads_to]
    if expect.race == "never":
        found.append((expect.place_of_key("race"), "race: never"))
    if expect.linearizable:
        found.append((expect.place_of_key("linearizable"), "linearizable"))
    if expect.outcomes and expect.outcomes.required:
        found.append((expect.outcomes.place_of_key("required"), "outcomes.required"))
    return found


def write_watcher(script: Script) -> Lines:
    """The function that is called after each step that changes what must always hold."""
    lines = Lines()
    if not script.asked:
        return lines
    with lines.block(f"def {script.watcher()}():"):
        lines.add('"""What must hold at every moment; asked whenever something in it has changed."""')
        for expression in script.asked:
            _assert(script, lines, expression, "always")
    return lines


def _assert(script: Script, lines: Lines, expression: Expression, when: str) -> None:
    tree = expressions.tree_of(script, expression, _scope(script, in_atomic=when != "always"))
    comments = script.comments_at(expression.place)
    lines.add(f"assert {unparsed(tree)}, {quoted(f'{when}: {expression.text}')}", *comments)


def write_outcome(script: Script) -> Lines:
    """The function that gives the values that are observed at the end."""
    lines = Lines()
    outcomes = script.scenario.expect.outcomes
    if outcomes is None:
        return lines
    values = [unparsed(expressions.tree_of(script, one, _scope(script))) for one in outcomes.observe]
    with lines.block("def outcome():"):
        lines.add('"""The values that are looked at in the end."""')
        lines.add(f"return [{', '.join(values)}]")
    return lines


def write_check(script: Script) -> Lines:
    """The function that asks what must be true at the end."""
    lines = Lines()
    expect = script.scenario.expect
    if not has_check(script.scenario):
        return lines
    with lines.block("def check():"):
        lines.add('"""What must be true when every thread has ended."""')
        for expression in expect.final:
            _assert(script, lines, expression, "final")
        if expect.outcomes is not None:
            _write_outcomes(script, lines, expect.outcomes)
    return lines


def _write_outcomes(script: Script, lines: Lines, outcomes: Any) -> None:
    seen = script.free("seen", "observed", "came_to")
    lines.add(f"{seen} = outcome()")
    lines.add(f'logging.info("outcome: %s", {seen})')
    if outcomes.allowed is not None:
        lines.add(f"assert {seen} in {literal(outcomes.allowed)}, {quoted('outcomes: none of those allowed')}")
    if outcomes.forbidden is not None:
        lines.add(f"assert {seen} not in {literal(outcomes.forbidden)}, {quoted('outcomes: one of those forbidden')}")


def has_check(scenario: Scenario) -> bool:
    """Whether something is asked at the end."""
    return bool(scenario.expect.final or scenario.expect.outcomes)
