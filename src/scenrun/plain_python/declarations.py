"""What a script declares: constants, shared variables, locks, queues and the other objects."""

from __future__ import annotations

import ast
from typing import Any

from scenrun.language.durations import DurationError
from scenrun.language.durations import parse as parse_duration
from scenrun.language.primitives import (
    Barrier,
    Condition,
    Event,
    Future,
    Lock,
    Pool,
    Primitive,
    Queue,
    Semaphore,
    Timer,
)
from scenrun.plain_python import expressions
from scenrun.plain_python.functions import LATER, as_target, bound
from scenrun.plain_python.layout import Lines, quoted, unparsed
from scenrun.plain_python.meanings import CONSTANT, Function, Meaning, Scope, name
from scenrun.plain_python.script import Script

_QUEUES = {"fifo": "Queue", "lifo": "LifoQueue", "priority": "PriorityQueue", "simple": "SimpleQueue"}


def literal(value: Any) -> str:
    """A plain value of the file as Python."""
    if isinstance(value, str):
        return quoted(str(value))
    if isinstance(value, dict):
        return "{" + ", ".join(f"{quoted(str(key))}: {literal(one)}" for key, one in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(literal(one) for one in value) + "]"
    return repr(value)


def declare_names(script: Script) -> None:
    """Give constants, variables and objects of the file their names in the script."""
    scenario = script.scenario
    for text in scenario.let:
        script.constant(text)
    for text in scenario.state:
        script.declare(text, "shared")
    for text, primitive in scenario.sync.items():
        kind = "simple_queue" if isinstance(primitive, Queue) and primitive.kind == "simple" else primitive.kind_name
        script.declare(text, kind, count=primitive.count)
    if scenario.stop:
        script.declare(scenario.stop.event, "event")
    for text in scenario.objects:
        script.declare(text, "python")


def write_values(script: Script) -> Lines:
    """The constants and the shared variables, with what they begin with."""
    lines = Lines()
    for section, values in (("let", script.scenario.let), ("state", script.scenario.state)):
        lines.gap()
        line = None
        for text, value in values.items():
            made = _span(value) if section == "let" else literal(value)
            left = unparsed(script.meanings[text].tree)
            place = script.place_of(section, text)
            comments = script.comments_at(place) if place is None or place.line != line else ((), "")
            line = place.line if place else None
            lines.add(f"{left} = {made}", *comments)
    return lines


def _span(value: Any) -> str:
    """A constant; one that is a duration is in seconds."""
    try:
        return expressions.number(parse_duration(value)) if isinstance(value, str) else literal(value)
    except DurationError:
        return literal(value)


def write_objects(script: Script, *, late: bool) -> Lines:
    """The objects of `sync`: the `late` ones name functions, and are made after them."""
    lines = Lines()
    scenario = script.scenario
    ordered = sorted(
        scenario.sync.items(), key=lambda item: isinstance(item[1], Condition) and item[1].lock is not None
    )
    for text, primitive in ordered:
        if _is_late(primitive) == late:
            comments = script.comments_at(script.place_of("sync", text))
            _write_object(script, lines, text, primitive, comments)
    if late:
        return lines
    if scenario.stop:
        script.imports.add("threading")
        event = unparsed(script.meanings[scenario.stop.event].tree)
        lines.add(f"{event} = threading.Event()", *script.comments_at(script.place_of("stop", "event")))
    for text, declared in scenario.objects.items():
        module, _, made = declared.python.partition(":")
        script.imports.add(module)
        given = ", ".join(f"{key}={literal(value)}" for key, value in declared.args.items())
        left = unparsed(script.meanings[text].tree)
        lines.add(f"{left} = {module}.{made}({given})", *script.comments_at(script.place_of("objects", text)))
    return lines


def _is_late(primitive: Primitive) -> bool:
    return isinstance(primitive, Timer) or (isinstance(primitive, Barrier) and primitive.action is not None)


def _write_object(script: Script, lines: Lines, text: str, primitive: Primitive, comments: Any) -> None:
    left = unparsed(script.meanings[text].tree)
    made, after = _made(script, text, primitive)
    is_many = primitive.count is not None
    if is_many:
        index = "index" if "index" in made else "_"
        made = f"[{made} for {index} in range({primitive.count})]"
    lines.add(f"{left} = {made}", *comments)
    for one in after:
        if is_many:
            each = script.free("each", "each_one")
            with lines.block(f"for {each} in {left}:"):
                lines.add(f"{each}.{one}")
        else:
            lines.add(f"{left}.{one}")


def _module_of(primitive: Primitive) -> str:
    if isinstance(primitive, Queue):
        return "queue"
    return "concurrent.futures" if isinstance(primitive, Pool | Future) else "threading"


def _made(script: Script, text: str, primitive: Primitive) -> tuple[str, list[str]]:
    """What makes an object, and what is done to it before anything runs."""
    script.imports.add(_module_of(primitive))
    if isinstance(primitive, Lock):
        return "threading.Lock()", ["acquire()"] if primitive.initially == "locked" else []
    if isinstance(primitive, Event):
        return "threading.Event()", ["set()"] if primitive.initially == "set" else []
    if isinstance(primitive, Semaphore):
        kind = "BoundedSemaphore" if primitive.kind_name == "bounded_semaphore" else "Semaphore"
        return f"threading.{kind}({'' if primitive.value == 1 else primitive.value})", []
    if isinstance(primitive, Condition):
        lock = script.meanings[primitive.lock].tree if primitive.lock else None
        return f"threading.Condition({unparsed(lock) if lock else ''})", []
    if isinstance(primitive, Queue):
        size = f"maxsize={primitive.maxsize}" if primitive.maxsize else ""
        return f"queue.{_QUEUES[primitive.kind]}({size})", []
    if isinstance(primitive, Pool):
        return f"concurrent.futures.ThreadPoolExecutor(max_workers={primitive.max_workers})", []
    if isinstance(primitive, Future):
        return "concurrent.futures.Future()", []
    if isinstance(primitive, Barrier):
        return _barrier(script, text, primitive), []
    if isinstance(primitive, Timer):
        return _timer(script, text, primitive), []
    return "threading.RLock()", []


def _barrier(script: Script, text: str, primitive: Barrier) -> str:
    if primitive.action is None:
        return f"threading.Barrier({primitive.parties})"
    use = bound(script, primitive.action, primitive.args, _scope(script, text, primitive.count), LATER)
    if use.function.thread:
        script.refuse(
            script.place_of("sync", text), "an `action` that asks for `name` or `index` of the thread that runs it"
        )
    use.function.users.append(f"the last one who comes to `{text}`")
    target = as_target(use, {}, loop="")
    action = target.function
    if target.arguments:
        script.imports.add("functools")
        given = ", ".join(f"{key}={value}" for key, value in use.arguments.items())
        action = f"functools.partial({target.function}, {given})"
    return f"threading.Barrier({primitive.parties}, action={action})"


def _timer(script: Script, text: str, primitive: Timer) -> str:
    scope = _scope(script, text, primitive.count)
    use = bound(script, primitive.target, primitive.args, scope, LATER)
    known = {"index": "index" if primitive.count is not None else "0", "name": quoted(text)}
    if primitive.count is not None:
        known["name"] = f"f{quoted(f'{text}[{{index}}]')}"
    extra = {one: known[one] for one in sorted(use.function.thread)}
    target = as_target(use, extra, loop="index" if primitive.count is not None else "")
    use.function.users.append(f"each of the timers `{text}`" if primitive.count is not None else f"the timer `{text}`")
    after = expressions.seconds(script, primitive.after, scope)
    return f"threading.Timer({after}, {target.function}{target.keywords})"


def _scope(script: Script, text: str, count: int | None) -> Scope:
    """The names that the arguments of an object can use."""
    scope = Scope(Function("", is_main=True), script.meanings)
    index: ast.expr = name("index") if count is not None else ast.Constant(0)
    return scope.with_names(index=Meaning(index, CONSTANT), name=Meaning(ast.Constant(text), CONSTANT))
