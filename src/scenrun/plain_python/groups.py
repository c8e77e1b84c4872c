"""Thread groups: how their threads are made, and how tasks are handed to their pools."""

from __future__ import annotations

import ast

from scenrun.language.model import ANY_NUMBER, Group, Scenario
from scenrun.plain_python.functions import THREAD, Use, as_target, bound
from scenrun.plain_python.identifiers import Identifiers
from scenrun.plain_python.layout import quoted, unparsed
from scenrun.plain_python.meanings import CONSTANT, Function, Meaning, Scope, name
from scenrun.plain_python.script import Script
from scenrun.program.compiler.mentions import mentioned


def declare_groups(script: Script) -> None:
    """Give each group's name its meaning: one thread, or a list of them."""
    for text, group in script.scenario.threads.items():
        if group.count == ANY_NUMBER:
            script.refuse(
                script.place_of("threads", text),
                f"any number of threads: say how many, `--set threads.{text}.count=3`",
            )
        kind = "task" if group.pool else "thread"
        count = group.count if group.count > 1 else None
        script.declare(text, kind, count=count, wanted=_called(text, kind, is_many=count is not None))


def _called(text: str, kind: str, *, is_many: bool) -> str:
    """What the thread, or the list of them, of a group is called."""
    if not is_many:
        return text if text.endswith(f"_{kind}") else f"{text}_{kind}"
    return f"{text.removesuffix(f'_{kind}')}_{kind}s"


def known_everywhere(scenario: Scenario) -> set[str]:
    """The groups that steps outside main name, whose threads are made before main begins."""
    parts = [
        *scenario.behaviours.values(),
        *(group.do for group in scenario.threads.values() if group.do),
        scenario.expect,
    ]
    return {word for part in parts for word in mentioned(part)} & set(scenario.threads)


def thread_use(script: Script, text: str) -> Use:
    """What the threads of a group run: a behaviour, or the group's own steps as a function."""
    group = script.scenario.threads[text]
    if group.do is None:
        use = bound(script, str(group.target), group.args, _scope(script, text, group), THREAD)
    else:
        key = ("group", text)
        if key not in script.functions:
            _write(script, text, group)
        use = Use(script.functions[key])
    kind, each = "task" if group.pool else "thread", "each of the " if group.count > 1 else "the "
    _note_user(use.function, f"{each}{kind}{'s' if group.count > 1 else ''} `{text}`")
    return use


def _note_user(function: Function, user: str) -> None:
    if user not in function.users:
        function.users.append(user)


def _write(script: Script, text: str, group: Group) -> None:
    function = Function(script.identifiers.new(text))
    function.identifiers = Identifiers([*script.identifiers, "name", "index"])
    place = script.place_of("threads", text)
    function.line = place.line if place else 0
    function.source = place.source.name if place else ""
    function.thread = script.uses.asked_by(group.do or ())
    script.functions["group", text] = function
    script.write(script, function, group.do or (), Scope(function, script.meanings))


def _label(text: str, group: Group) -> ast.expr:
    if group.count <= 1:
        return ast.Constant(text)
    hole = ast.FormattedValue(name("index"), -1, None)
    return ast.JoinedStr([ast.Constant(f"{text}["), hole, ast.Constant("]")])


def _scope(script: Script, text: str, group: Group) -> Scope:
    """The names that the arguments of a group can use."""
    scope = Scope(Function("", is_main=True), script.meanings)
    index = name("index") if group.count > 1 else ast.Constant(0)
    return scope.with_names(index=Meaning(index, CONSTANT), name=Meaning(_label(text, group), CONSTANT))


def extra_of(text: str, group: Group, use: Use, index: str) -> dict[str, str]:
    """Arguments for `name` and `index` of a group's threads."""
    is_many = group.count > 1
    label = f"f{quoted(f'{text}[{{{index}}}]')}" if is_many else quoted(text)
    known = {"index": index if is_many else "0", "name": label}
    return {one: known[one] for one in sorted(use.function.thread)}


def made_threads(script: Script, text: str) -> str:
    """The statement that makes the threads of a group."""
    script.imports.add("threading")
    group = script.scenario.threads[text]
    use = thread_use(script, text)
    extra = extra_of(text, group, use, "index")
    target = as_target(use, extra, loop="index" if group.count > 1 else "")
    label = unparsed(_label(text, group)) if group.count > 1 else quoted(text)
    daemon = ", daemon=True" if group.daemon else ""
    made = f"threading.Thread(target={target.function}, name={label}{target.keywords}{daemon})"
    variable = unparsed(script.meanings[text].tree)
    if group.count > 1:
        return f"{variable} = [{made} for index in range({count_of(script, text)})]"
    return f"{variable} = {made}"


def count_of(script: Script, text: str) -> str:
    """How many threads a group has, as the file says it: a number, or a constant."""
    group = script.scenario.threads[text]
    given = group.as_given("count")
    if isinstance(given, str) and given in script.scenario.let:
        return unparsed(script.meanings[given].tree)
    return str(group.count)
