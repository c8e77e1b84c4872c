"""Control flow, variables, the log and time: what their steps become."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any

from scenrun.language.expressions import parse
from scenrun.language.verbs import flow, log_and_time, variables
from scenrun.plain_python import expressions
from scenrun.plain_python.functions import RUN, bound, call
from scenrun.plain_python.layout import quoted, unparsed
from scenrun.plain_python.meanings import LOCAL, Meaning, Scope, name
from scenrun.plain_python.steps import Body, writes
from scenrun.program import exceptions
from scenrun.program.compiler.mentions import EXCEPTION, mentioned

_OF_MORE_THAN_A_TEXT = ("UnicodeDecodeError", "UnicodeEncodeError", "UnicodeTranslateError", "ExceptionGroup")


@writes(log_and_time.Log)
def log(body: Body, step: log_and_time.Log, scope: Scope) -> None:
    """Writes a line with `logging`; fields stand at its end."""
    body.script.logs = True
    text, *values = expressions.message(body.script, step.message, scope)
    if step.fields:
        holes = "".join(f" {key.replace('%', '%%')}=%s" for key in step.fields)
        plain = ast.literal_eval(text)
        text = quoted((plain if values else plain.replace("%", "%%")) + holes)
        values += [body.text(one, scope) for one in step.fields.values()]
    body.add(f"logging.{step.level}({', '.join([text, *values])})")


@writes(log_and_time.Sleep)
def sleep(body: Body, step: log_and_time.Sleep, scope: Scope) -> None:
    """Sleeps."""
    body.script.imports.add("time")
    body.add(f"time.sleep({body.seconds(step.time, scope) or 0})")


@writes(log_and_time.Work)
def work(body: Body, step: log_and_time.Work, scope: Scope) -> None:
    """Keeps a processor busy, with a function that the script then has."""
    body.script.imports.add("time")
    body.add(f"{body.script.helper('work', 'work')}({body.seconds(step.time, scope) or 0})")


@writes(variables.Set)
def set_(body: Body, step: variables.Set, scope: Scope) -> None:
    """Assigns, one after another."""
    for target, expression in step.assign:
        value = body.value(expression, scope, target.name if not target.path else "")
        reads = body.reads(expression, scope) > 0
        if not target.path:
            body.assign(target.name, value, scope, reads=reads)
            continue
        found, left = _place(body, target, scope)
        body.write(found, left, value, scope, reads=reads)


def _place(body: Body, target: Any, scope: Scope) -> tuple[Meaning, str]:
    """A variable, or an item inside one, as text."""
    found = scope.find(target.name) or body.function.local(target.name)
    tree = found.tree
    for index in target.path:
        tree = ast.Subscript(tree, expressions.tree_of(body.script, index, scope), ast.Load())
    return found, unparsed(tree)


@writes(variables.Append)
def append(body: Body, step: variables.Append, scope: Scope) -> None:
    """Appends to a list."""
    item = body.value(step.item, scope)
    found, left = _place(body, step.to, scope)
    item = body.computed_before(found, item, reads=body.reads(step.item, scope) > 0)
    body.change(found, f"{left}.append({item})", scope)


@writes(variables.Pop)
def pop(body: Body, step: variables.Pop, scope: Scope) -> None:
    """Takes an item out of a list or a mapping."""
    found, left = _place(body, step.from_, scope)
    at = body.text(step.at, scope) if step.at else ""
    if step.at:
        at = body.computed_before(found, at, reads=body.reads(step.at, scope) > 0)
    taken = f"{left}.pop({at})"
    if step.into is None:
        body.change(found, taken, scope)
        return
    into = body.variable(step.into, scope)
    body.change(found, f"{unparsed(into.tree)} = {taken}", scope)
    body.changed(into, scope)


@writes(flow.If)
def if_(body: Body, step: flow.If, scope: Scope) -> None:
    """A branch; one whose condition is known in this use is not there."""
    _branches(body, step, scope, "if")


def _branches(body: Body, step: flow.If, scope: Scope, word: str) -> None:
    condition = expressions.tree_of(body.script, step.condition, scope)
    if isinstance(condition, ast.Constant) and isinstance(condition.value, bool):
        chosen = step.then if condition.value else step.else_
        if word == "elif":
            with body.block("else:"):
                body.steps(chosen, scope)
        else:
            body.steps(chosen, scope)
        return
    with body.block(f"{word} {unparsed(condition)}:"):
        body.steps(step.then, scope)
    others = step.else_
    if len(others) == 1 and isinstance(others[0], flow.If) and not _asks_late(body, others[0], scope):
        _branches(body, others[0], scope, "elif")
    elif others:
        with body.block("else:"):
            body.steps(others, scope)


def _asks_late(body: Body, step: flow.If, scope: Scope) -> bool:
    """Whether an `if` inside an `else` has comments of its own, which would be lost in an `elif`."""
    above, beside = body.script.comments_at(step.place)
    return bool(above or beside)


@writes(flow.While)
def while_(body: Body, step: flow.While, scope: Scope) -> None:
    """A loop."""
    with body.block(f"while {body.text(step.condition, scope)}:"):
        body.steps(step.do, scope)


@writes(flow.Repeat)
def repeat(body: Body, step: flow.Repeat, scope: Scope) -> None:
    """A loop that is counted; one of no turns is not there."""
    if body.text(step.times, scope) == "0":
        return
    with body.block(f"for _ in range({body.text(step.times, scope)}):"):
        body.steps(step.do, scope)


@writes(flow.For)
def for_(body: Body, step: flow.For, scope: Scope) -> None:
    """A loop over items, or over futures as they are completed."""
    found = body.variable(step.variable, scope)
    if step.as_completed is not None:
        body.script.imports.add("concurrent.futures")
        timeout = body.seconds(step.timeout, scope)
        given = [body.text(step.as_completed, scope), *([f"timeout={timeout}"] if timeout else [])]
        items = f"concurrent.futures.as_completed({', '.join(given)})"
    else:
        assert step.in_ is not None
        items = body.value(step.in_, scope)
    with body.block(f"for {unparsed(found.tree)} in {items}:"):
        body.changed(found, scope)
        body.steps(step.do, scope)


@writes(flow.Break, flow.Continue)
def break_(body: Body, step: Any, scope: Scope) -> None:
    """Leaves a loop, or goes on with its next turn."""
    body.add(step.verb)


@writes(flow.Return)
def return_(body: Body, step: flow.Return, scope: Scope) -> None:
    """Ends the function."""
    body.add("return" if step.value is None else f"return {body.value(step.value, scope)}")


@writes(flow.Run)
def run(body: Body, step: flow.Run, scope: Scope) -> None:
    """Calls the function that a behaviour is."""
    use = bound(body.script, step.target, step.args, scope, RUN)
    extra = {one: thread_name(scope, one) for one in sorted(use.function.thread)}
    body.assign(step.into, call(use, extra), scope)


def thread_name(scope: Scope, which: str) -> str:
    """`name` or `index` of the thread that runs this, for a function that it calls."""
    found = scope.find(which)
    return unparsed(found.tree) if found is not None else which


@writes(flow.Raise)
def raise_(body: Body, step: flow.Raise, scope: Scope) -> None:
    """Raises an exception."""
    body.add(f"raise {exception(body, step, scope)}")


def exception(body: Body, step: Any, scope: Scope) -> str:
    """The exception that a step names, with its text."""
    first = step.exception.parts[0]
    found = EXCEPTION.match(first)
    assert found is not None
    made = exception_class(body, found.group(1))
    if made in _OF_MORE_THAN_A_TEXT:
        body.script.refuse(step.place, f"Python's {made} is made of more than a text: raise another exception")
    text = expressions.formatted(body.script, step.exception, scope, skip=found.end())
    return made if text == '""' else f"{made}({text})"


def exception_class(body: Body, given: str) -> str:
    """An exception of Python, or one of the file, which the script then defines."""
    known = exceptions.canonical(given)
    if exceptions.is_known(known):
        module = known.rpartition(".")[0]
        if module:
            body.script.imports.add(module)
        return known
    if given not in body.script.exceptions:
        body.script.exceptions[given] = body.script.identifiers.new(given.replace(".", "_"))
    return body.script.exceptions[given]


@writes(flow.Try)
def try_(body: Body, step: flow.Try, scope: Scope) -> None:
    """Catches exceptions; `error` is the text of the one that was caught, where its steps ask for it."""
    with body.block("try:"):
        body.steps(step.body, scope)
    for given, steps in step.except_.items():
        _handler(body, exception_class(body, given), steps, scope)
    for word, steps in (("else", step.else_), ("finally", step.finally_)):
        if steps:
            with body.block(f"{word}:"):
                body.steps(steps, scope)


def _handler(body: Body, caught: str, steps: Any, scope: Scope) -> None:
    if "error" not in set(mentioned(steps)):
        with body.block(f"except {caught}:"):
            body.steps(steps, scope)
        return
    error = body.loop_name("error")
    if "error" in scope.inner:  # a handler inside another one, which may ask for its own afterwards
        error = body.function.identifiers.new("error")
    text = Meaning(ast.Call(name("str"), [name(error)], []), LOCAL)
    with body.block(f"except {caught} as {error}:"):
        body.steps(steps, scope.with_names(error=text))


@writes(flow.Assert)
def assert_(body: Body, step: flow.Assert, scope: Scope) -> None:
    """Asserts."""
    text = expressions.formatted(body.script, step.message, scope) if step.message else ""
    body.add(f"assert {body.text(step.that, scope)}" + (f", {text}" if text else ""))


@writes(flow.Choose)
def choose(body: Body, step: flow.Choose, scope: Scope) -> None:
    """Takes one of several alternatives, and evaluates no other."""
    body.script.imports.add("random")
    texts = [body.value(one, scope, step.into or "") for one in step.from_]
    if not any(body.reads(one, scope) for one in step.from_):
        body.assign(step.into, f"random.choice([{', '.join(texts)}])", scope, reads=False)
        return
    chosen = body.function.identifiers.new("chosen")
    body.add(f"{chosen} = random.randrange({len(texts)})")
    for number, text in enumerate(texts):
        word = "if" if number == 0 else "elif"
        last = number == len(texts) - 1 and number > 0
        with body.block("else:" if last else f"{word} {chosen} == {number}:"):
            body.assign(step.into, text, scope)


@writes(flow.Atomic)
def atomic(body: Body, step: flow.Atomic, scope: Scope) -> None:
    """Holds the lock that makes several statements one step."""
    if body.function.in_atomic:
        body.steps(step.body, scope)
        return
    with body.block(f"with {body.script.atomically()}:"), _in_atomic(body):
        body.steps(step.body, scope)
    body.touched(step.body)


class _in_atomic:  # noqa: N801
    def __init__(self, body: Body) -> None:
        self._function = body.function

    def __enter__(self) -> None:
        self._function.in_atomic = True

    def __exit__(self, *_: object) -> None:
        self._function.in_atomic = False


@writes(flow.Section)
def section(body: Body, step: flow.Section, scope: Scope) -> None:
    """Counts the threads that are inside."""
    with body.block(f"with {body.script.section(step.section)}:"):
        body.happened(step.section)
        body.steps(step.do, scope)
    body.happened(step.section)


@writes(flow.Call)
def call_(body: Body, step: flow.Call, scope: Scope) -> None:
    """Calls the author's Python."""
    module, colon, function = step.function.partition(":")
    if colon:
        body.script.imports.add(module)
        callee = f"{module}.{function}"
    else:
        owner, _, method = step.function.partition(".")
        found = scope.find(owner)
        callee = f"{unparsed(found.tree) if found else owner}.{method}"
    read: Callable[[Any], str] = lambda raw: body.value(parse(raw), scope)  # noqa: E731
    if isinstance(step.args, dict):
        given = [f"{key}={read(raw)}" for key, raw in step.args.items()]
    else:
        given = [read(raw) for raw in step.args]
    body.assign(step.into, f"{callee}({', '.join(given)})", scope)
