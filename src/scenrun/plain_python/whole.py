"""The whole script, from its docstring to its last line."""

from __future__ import annotations

import textwrap
from typing import Any

from msgspec import Struct

from scenrun.errors import Place, ScenarioError
from scenrun.language.verbs.log_and_time import Log
from scenrun.plain_python import declarations, expectations, helpers, steps_of_flow, steps_of_objects, steps_of_threads
from scenrun.plain_python.groups import declare_groups, known_everywhere, made_threads
from scenrun.plain_python.interrupts import write_interrupts
from scenrun.plain_python.layout import WIDTH, Lines, quoted
from scenrun.plain_python.main_thread import ends_late, write_main
from scenrun.plain_python.meanings import Function
from scenrun.plain_python.script import Script
from scenrun.plain_python.steps import write_steps
from scenrun.program.compiler.mentions import all_steps
from scenrun.program.loaded import Loaded

__all__ = ["PlainPython", "plain_python", "steps_of_flow", "steps_of_objects", "steps_of_threads"]


class PlainPython(Struct, frozen=True):
    """A scenario as plain Python."""

    text: str
    """The script."""
    left_out: tuple[tuple[Place | None, str], ...]
    """What the file expects that no single run can show, so that it is not in the script: places and words."""


def plain_python(loaded: Loaded) -> PlainPython:
    """Write a scenario as one plain Python script.

    Raises ScenarioError with each place that cannot be said in plain Python.
    """
    script = Script(loaded.scenario, loaded.program, write_steps)
    declarations.declare_names(script)
    declare_groups(script)
    script.early = known_everywhere(script.scenario)
    expectations.choose_watched(script)
    script.left_out += expectations.only_searched(script.scenario)
    main = write_main(script)
    late = declarations.write_objects(script, late=True)
    early = _threads_made_early(script)
    interrupts = write_interrupts(script)
    values, objects = declarations.write_values(script), declarations.write_objects(script, late=False)
    is_waited_for = expectations.has_check(script.scenario) and ends_late(script)
    waiting = [helpers.write_waiting(script)] if is_waited_for else []
    ends = [
        *waiting,
        expectations.write_watcher(script),
        expectations.write_outcome(script),
        expectations.write_check(script),
    ]
    if script.problems:
        raise ScenarioError(script.problems)
    begin = _begin(script, interrupts)  # it may import something, and so may these
    helped = helpers.write_helpers(script)
    rest = [*_functions(script)]  # what is written here has its comments by then
    lines = Lines()
    lines.written += _docstring(script)
    lines.gap()
    lines.written += [f"import {one}" for one in sorted(script.imports | ({"logging"} if script.logs else set()))]
    clock = Lines()
    if "begun" in script.helpers:
        clock.add(f"{script.helpers['begun']} = time.monotonic()")
    for part in (clock, values, objects):
        if part.written:
            lines.gap()
            lines.extend(part)
    for part in (*helped, *rest, late, early, *interrupts.functions, *ends):
        if part.written:
            lines.gap(2)
            lines.extend(part)
    lines.gap(2)
    lines.extend(_function(script, main))
    lines.gap(2)
    lines.extend(begin)
    return PlainPython("\n".join(lines.written) + "\n", tuple(script.left_out))


def _docstring(script: Script) -> list[str]:
    scenario = script.scenario
    above, beside = script.comments_at(_place_of_name(script))
    first = scenario.description.strip() or f"The scenario `{scenario.scenario}` in plain Python."
    text = textwrap.wrap(first, WIDTH - 3)
    prose = [*_without_ends(above), *([beside] if beside else [])]
    if prose:
        text += ["", *prose]
    words = sorted({word for words in scenario.expect.verdict.values() for word in words}) or ["holds"]
    which = f"The scenario `{scenario.scenario}` in plain Python; what" if scenario.description else "What"
    text += ["", f"{which} it shows: {' or '.join(words)}."]
    if script.program.queues_shut_down:
        text += ["It needs Python 3.13 or later, whose queues can be shut down."]
    if left := script.comments_left():
        text += ["", "What else the file says:", *left]
    if script.left_out:
        text += ["Only a search can ask, and no run: " + "; ".join(words for _, words in script.left_out) + "."]
    escaped = [line.replace("\\", "\\\\").replace('"""', "'''") for line in text]
    return [('"""' + escaped[0]).rstrip(), *escaped[1:], '"""']


def _without_ends(lines: tuple[str, ...]) -> list[str]:
    kept = list(lines)
    while kept and not kept[0].strip():
        kept.pop(0)
    while kept and not kept[-1].strip():
        kept.pop()
    return kept


def _place_of_name(script: Script) -> Place | None:
    node: Any = script.scenario._node
    places = getattr(node, "places", {})
    return places["scenario"][0] if "scenario" in places else None


def _threads_made_early(script: Script) -> Lines:
    lines = Lines()
    for text in script.scenario.threads:
        if text not in script.early:
            continue
        comments = script.comments_at(script.place_of("threads", text))
        group = script.scenario.threads[text]
        if group.pool:
            count = f"[None] * {group.count}" if group.count > 1 else "None"
            lines.add(f"{script.meanings[text].tree.id} = {count}", *comments)  # type: ignore[attr-defined]
        else:
            lines.add(made_threads(script, text), *comments)
    return lines


def _functions(script: Script) -> list[Lines]:
    own = script.scenario.source.name
    ordered = sorted(script.functions.values(), key=lambda one: (one.source == own, one.source, one.line))
    return [_function(script, function) for function in ordered]


def _function(script: Script, function: Function) -> Lines:
    lines = Lines()
    parameters = [*sorted(function.thread), *function.wanted] if function.name != "main" else []
    lines.add(f"def {function.name}({', '.join(parameters)}):", *_comments(script, function))
    lines.depth = 1
    title = function.title or _title(script, function)
    if title:
        wrapped = textwrap.wrap(title.strip(), WIDTH - 10)
        escaped = [line.replace("\\", "\\\\").replace('"""', "'''") for line in wrapped]
        if len(escaped) == 1:
            lines.add(f'"""{escaped[0]}"""')
        else:
            lines.written += [f'    """{escaped[0]}', *(f"    {one}" for one in escaped[1:]), '    """']
    if function.globals:
        lines.add(f"global {', '.join(sorted(function.globals))}")
    if function.lines.written:
        lines.extend(function.lines)
    elif not title and not function.globals:
        lines.add("pass")
    return lines


def _comments(script: Script, function: Function) -> tuple[tuple[str, ...], str]:
    for text, behaviour in script.uses.behaviours.items():
        place = behaviour.place
        if place and (place.line, place.source.name) == (function.line, function.source):
            is_own = text in script.scenario.behaviours
            return script.comments_at(script.place_of("behaviours", text)) if is_own else ((), "")
    return (), ""


def _title(script: Script, function: Function) -> str:
    if function.name == "main":
        return (
            "Starts the threads and waits for them." if script.scenario.main is None else "What the main thread does."
        )
    if not function.users:
        return "Steps that others run."
    first, *others = function.users
    listed = first if not others else f"{', '.join([first, *others[:-1]])} and {others[-1]}"
    return f"What {listed} {'do' if others else 'does'}."


def _begin(script: Script, interrupts: Any) -> Lines:
    """What is done where the script is run as a program."""
    lines = Lines()
    with lines.block('if __name__ == "__main__":'):
        fields = "".join(f" {key}={value}" for key, value in script.scenario.log.fields.items()).replace("%", "%%")
        pattern = f"%(asctime)s %(threadName)s:{fields} %(message)s"
        if script.logs:
            lines.add(f"logging.basicConfig(format={quoted(pattern)}, level=logging.{_level(script)})")
        if "random" in script.imports:
            lines.add(f"random.seed({script.scenario.seed})")
        for one in interrupts.begin:
            lines.add(one)
        if expectations.has_check(script.scenario) and ends_late(script):
            lines.add("main()")
            lines.add(f"{script.helpers['waiting']}()")
            lines.add("check()")
        else:
            lines.add("main()")
    return lines


def _level(script: Script) -> str:
    return "DEBUG" if any(isinstance(s, Log) and s.level == "debug" for s in all_steps(script.scenario)) else "INFO"
